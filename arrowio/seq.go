package arrowio

import (
	"context"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
)

// Seq yields the batches of a reader, which it takes over, and closes it at the
// end of the loop, however it ends. Each batch is released after the loop's
// body: Retain one to keep it. An error ends the sequence.
func Seq(r RecordReader) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for r.Next() {
			if !yield(r.RecordBatch(), nil) {
				_ = r.Close() // the consumer has what it wants
				return
			}
		}
		if err := r.Close(); err != nil {
			yield(nil, err)
		}
	}
}

// FromSeq makes a reader of a sequence, such as Batches gives. The reader
// retains each batch until the next one; its Close ends the sequence.
func FromSeq(ctx context.Context, s *arrow.Schema, seq iter.Seq2[arrow.RecordBatch, error]) RecordReader {
	next, stop := iter.Pull2(seq)
	return NewReader(ctx, s, func(context.Context) (arrow.RecordBatch, error) {
		rec, err, ok := next()
		switch {
		case !ok:
			return nil, io.EOF
		case err != nil:
			return nil, err
		}
		rec.Retain()
		return rec, nil
	}, func() error { stop(); return nil })
}
