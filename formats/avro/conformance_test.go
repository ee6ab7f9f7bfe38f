package avro

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
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	return fsys.Open(ctx, strings.TrimPrefix(path, "/"), fs.OpenOptions{})
}

func TestConformance(t *testing.T) {
	for _, size := range []int64{0, 1000} { // of a split: whole files, and many splits
		conformance.Run(t, "avro", func(ctx context.Context, path string, e conformance.Entry, keys bool) (arrowio.RecordReader, error) {
			f, err := openLocal(ctx, path)
			if err != nil {
				return nil, err
			}
			r, err := Open(ctx, f, Options{SplitBytes: size})
			if err != nil {
				return nil, err
			}
			return arrowiotest.ReadSplits(ctx, r, arrowio.ScanRequest{}, arrowio.ReadOptions{Budget: arrowio.NewBudget(512 << 20)}, r.Close)
		}, nil)
	}
}
