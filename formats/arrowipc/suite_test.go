package arrowipc

import (
	"context"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/formatstest"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/local"
	"github.com/bdkit/bdkit/internal/conformance"

	"path/filepath"
	"strings"
)

func TestFileFormat(t *testing.T) {
	formatstest.Run(t, formatstest.Harness{Format: format{}, Ways: ways})
}

func TestStreamFormat(t *testing.T) {
	formatstest.Run(t, formatstest.Harness{Format: format{stream: true}, Ways: ways, Abilities: formatstest.Abilities{Truncation: formatstest.Prefix}})
}

var ways = []formatstest.Way{{Name: "plain"}, {Name: "lz4", Write: map[string]string{"codec": "lz4"}}, {Name: "zstd", Write: map[string]string{"codec": "zstd"}}}

func TestConformance(t *testing.T) {
	conformance.Run(t, "arrow-ipc", func(ctx context.Context, path string, _ conformance.Entry, _ bool) (arrowio.RecordReader, error) {
		fsys, err := local.New("/")
		if err != nil {
			return nil, err
		}
		path, err = filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		f, err := fsys.Open(ctx, strings.TrimPrefix(path, "/"), fs.OpenOptions{})
		if err != nil {
			return nil, err
		}
		r, err := Open(ctx, f)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { r.Close() })
		return arrowio.Read(ctx, r, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1, ReadOptions: arrowio.ReadOptions{Budget: arrowio.NewBudget(512 << 20)}})
	}, nil)
}
