package arrowio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/pushdown"
)

// FromBatches is a table of batches in memory, a split a batch. It retains them
// for good. It filters nothing itself.
func FromBatches(s *arrow.Schema, recs ...arrow.RecordBatch) Table {
	for _, r := range recs {
		r.Retain()
	}
	return &memoryTable{schema: s, recs: recs}
}

type memoryTable struct {
	schema *arrow.Schema
	recs   []arrow.RecordBatch
}

func (t *memoryTable) Schema() *arrow.Schema { return t.schema }

// memorySplit is what a split carries: its batch, and the columns to give.
type memorySplit struct {
	Batch   int
	Columns []pushdown.Path
}

func (t *memoryTable) Plan(_ context.Context, r ScanRequest) (*Scan, error) {
	shown, err := ProjectSchema(t.schema, r.Columns)
	if err != nil {
		return nil, err
	}
	residual := pushdown.Expr(pushdown.True)
	columns := r.Columns
	if r.Filter != nil {
		if residual, err = pushdown.Bind(r.Filter, t.schema, pushdown.BindOptions{}); err != nil {
			return nil, err
		}
		if columns != nil {
			columns = append(columns[:len(columns):len(columns)], pushdown.Columns(residual)...)
		}
	}
	return &Scan{Request: r, Schema: shown, Splits: func(yield func(Split, error) bool) {
		for i, rec := range t.recs {
			raw, err := json.Marshal(memorySplit{i, columns})
			sp := Split{
				ID: fmt.Sprintf("memory-%d", i), Source: "memory", Payload: raw, Residual: residual, Rows: rec.NumRows(), Exact: residual == pushdown.True,
			}
			if !yield(sp, err) || err != nil {
				return
			}
		}
	}}, nil
}

func (t *memoryTable) Open(ctx context.Context, s Split, o ReadOptions) (RecordReader, error) {
	o = o.WithDefaults()
	var sp memorySplit
	if err := json.Unmarshal(s.Payload, &sp); err != nil || sp.Batch < 0 || sp.Batch >= len(t.recs) {
		return nil, fmt.Errorf("%w: a split of another table", ErrUnsupported)
	}
	p, err := newProjection(t.schema, sp.Columns)
	if err != nil {
		return nil, err
	}
	rec := p.apply(t.recs[sp.Batch])
	at := int64(0)
	return NewReader(ctx, p.schema, func(ctx context.Context) (arrow.RecordBatch, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if at >= rec.NumRows() {
			return nil, io.EOF
		}
		end := min(at+int64(o.BatchRows), rec.NumRows())
		out := rec.NewSlice(at, end)
		at = end
		return out, nil
	}, func() error {
		rec.Release()
		return nil
	}), nil
}
