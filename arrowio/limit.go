package arrowio

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// following makes a reader over r, which it takes over.
func following(r RecordReader, s *arrow.Schema, change func(arrow.RecordBatch) (arrow.RecordBatch, error)) RecordReader {
	return NewReader(context.Background(), s, func(context.Context) (arrow.RecordBatch, error) {
		for r.Next() {
			rec, err := change(r.RecordBatch())
			if err != nil || rec != nil {
				return rec, err
			}
		}
		if err := r.Err(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}, r.Close)
}

// Limit ends after n rows. It takes r over.
func Limit(r RecordReader, n int64) RecordReader {
	return following(r, r.Schema(), func(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
		if n <= 0 {
			return nil, io.EOF
		}
		k := min(n, rec.NumRows())
		n -= k
		return rec.NewSlice(0, k), nil
	})
}

// Offset leaves out the first n rows. It takes r over.
func Offset(r RecordReader, n int64) RecordReader {
	return following(r, r.Schema(), func(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
		k := min(n, rec.NumRows())
		if n -= k; k == rec.NumRows() {
			return nil, nil
		}
		return rec.NewSlice(k, rec.NumRows()), nil
	})
}

// Filter keeps the rows for which e is true; e is bound to the reader's schema.
// It takes r over.
func Filter(r RecordReader, e pushdown.Expr, o ReadOptions) (RecordReader, error) {
	o = o.WithDefaults()
	e, err := pushdown.Bind(e, r.Schema(), pushdown.BindOptions{})
	if err != nil {
		return nil, err
	}
	return following(r, r.Schema(), func(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
		mask, err := pushdown.Eval(o.Alloc, e, rec)
		if err != nil || mask.Count() == 0 {
			return nil, err
		}
		return kernel.FilterBatch(o.Alloc, rec, kernel.Bitmap(mask))
	}), nil
}

// Project keeps the columns of the paths, as ScanRequest.Columns does. It takes
// r over.
func Project(r RecordReader, paths []pushdown.Path) (RecordReader, error) {
	p, err := newProjection(r.Schema(), paths)
	if err != nil {
		return nil, err
	}
	return following(r, p.schema, func(rec arrow.RecordBatch) (arrow.RecordBatch, error) { return p.apply(rec), nil }), nil
}

// Copy writes all batches of src to dst and gives their rows. It neither
// commits nor closes either.
func Copy(ctx context.Context, dst Sink, src RecordReader) (rows int64, err error) {
	for src.Next() {
		rec := src.RecordBatch()
		if err := dst.Write(ctx, rec); err != nil {
			return rows, err
		}
		rows += rec.NumRows()
	}
	return rows, src.Err()
}
