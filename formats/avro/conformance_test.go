package avro

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
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

// readAll reads all splits of a table one after the other.
func readAll(ctx context.Context, t arrowio.Table, req arrowio.ScanRequest, o arrowio.ReadOptions, closer func() error) (arrowio.RecordReader, error) {
	scan, err := t.Plan(ctx, req)
	if err != nil {
		return nil, errorsJoin(err, closer())
	}
	var splits []arrowio.Split
	for s, err := range scan.Splits {
		if err != nil {
			return nil, errorsJoin(err, closer())
		}
		splits = append(splits, s)
	}
	var rr arrowio.RecordReader
	next := func(ctx context.Context) (arrow.RecordBatch, error) {
		for {
			if rr == nil {
				if len(splits) == 0 {
					return nil, io.EOF
				}
				if rr, err = t.Open(ctx, splits[0], o); err != nil {
					return nil, err
				}
				splits = splits[1:]
			}
			if rr.Next() {
				rec := rr.RecordBatch()
				rec.Retain()
				return rec, nil
			}
			err := rr.Err()
			rr.Close()
			if rr = nil; err != nil {
				return nil, err
			}
		}
	}
	return arrowio.NewReader(ctx, scan.Schema, next, func() error {
		if rr != nil {
			rr.Close()
		}
		return closer()
	}), nil
}

func errorsJoin(err, other error) error {
	if err != nil {
		return err
	}
	return other
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
			return readAll(ctx, r, arrowio.ScanRequest{}, arrowio.ReadOptions{Budget: arrowio.NewBudget(512 << 20)}, r.Close)
		}, nil)
	}
}
