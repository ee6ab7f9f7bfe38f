package orc

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/local"
	"github.com/bdkit/bdkit/internal/conformance"
)

func openLocal(ctx context.Context, path string) (fs.File, error) {
	fsys, err := local.New("/")
	if err != nil {
		return nil, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return fsys.Open(ctx, strings.TrimPrefix(path, "/"), fs.OpenOptions{})
}

// openWhole reads all splits of a file one after the other.
func openWhole(ctx context.Context, path string, o Options) (arrowio.RecordReader, error) {
	f, err := openLocal(ctx, path)
	if err != nil {
		return nil, err
	}
	r, err := Open(ctx, f, o)
	if err != nil {
		return nil, err
	}
	return arrowiotest.ReadSplits(ctx, r, arrowio.ScanRequest{}, arrowio.ReadOptions{Budget: arrowio.NewBudget(512 << 20)}, r.Close)
}

// knownMisses are files on which we differ from all digests of the manifest.
var knownMisses = map[string]conformance.Miss{}

func TestConformance(t *testing.T) {
	conformance.Run(t, "orc", func(ctx context.Context, path string, e conformance.Entry, keys bool) (arrowio.RecordReader, error) {
		return openWhole(ctx, path, Options{})
	}, knownMisses)
}
