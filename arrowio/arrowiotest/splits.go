package arrowiotest

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
)

// ReadSplits reads all splits of a table one after the other, as they were
// planned: what a scan gives before Run. closer is called with the reader's
// Close, and when it cannot be opened.
func ReadSplits(ctx context.Context, t arrowio.Table, req arrowio.ScanRequest, o arrowio.ReadOptions, closer func() error) (arrowio.RecordReader, error) {
	scan, err := t.Plan(ctx, req)
	if err != nil {
		return nil, errors.Join(err, closer())
	}
	var splits []arrowio.Split
	for s, err := range scan.Splits {
		if err != nil {
			return nil, errors.Join(err, closer())
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
			err := rr.Close()
			if rr = nil; err != nil {
				return nil, err
			}
		}
	}
	return arrowio.NewReader(ctx, scan.Schema, next, func() error {
		if rr == nil {
			return closer()
		}
		return errors.Join(rr.Close(), closer())
	}), nil
}
