package convert

import (
	"context"
	"fmt"
	"hash/maphash"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// sums is what is remembered of each column that was written: its nulls, its
// bounds, and a digest of its values in order.
type sums struct {
	on     bool
	schema *arrow.Schema
	rows   int64
	cols   []columnSum
	seed   maphash.Seed
	buf    []byte
}

type columnSum struct {
	nulls    int64
	min, max string // sort keys
	any      bool
	hash     maphash.Hash
}

func newSums(s *arrow.Schema, on bool) *sums { return newSeededSums(s, on, maphash.MakeSeed()) }

func newSeededSums(s *arrow.Schema, on bool, seed maphash.Seed) *sums {
	out := &sums{on: on, schema: s, seed: seed}
	if on {
		out.cols = make([]columnSum, s.NumFields())
		for i := range out.cols {
			out.cols[i].hash.SetSeed(seed)
		}
	}
	return out
}

func (s *sums) add(rec arrow.RecordBatch) {
	if !s.on {
		return
	}
	s.rows += rec.NumRows()
	style := render.Style{Binary: "hex", Null: "\x00"}
	for k, c := range rec.Columns() {
		sum := &s.cols[k]
		text := style.Column(c, s.schema.Field(k))
		for i := range c.Len() {
			if logicalNull(c, i) {
				sum.nulls++
			}
			s.buf = append(text(s.buf[:0], i), 0x1f)
			_, _ = sum.hash.Write(s.buf) // never fails
		}
		sum.bounds(c)
	}
}

// bounds widens the column's bounds; types without an order have none.
func (c *columnSum) bounds(a arrow.Array) {
	keys, err := kernel.NewSortKeys(memory.DefaultAllocator, []arrow.Array{a}, make([]kernel.SortOrder, 1))
	if err != nil {
		return
	}
	for i := range keys.Len() {
		if logicalNull(a, i) {
			continue
		}
		k := keys.At(i)
		if !c.any || string(k) < c.min {
			c.min = string(k)
		}
		if !c.any || string(k) > c.max {
			c.max = string(k)
		}
		c.any = true
	}
}

// check reads a file that was written and compares.
func (s *sums) check(ctx context.Context, m *maker, f File) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: verify: "+format, append([]any{arrowio.ErrIncomplete}, args...)...)
	}
	got, names, err := s.again(ctx, m, f)
	if err != nil {
		return fail("%s: %s", f.URL, err)
	}
	if got.rows != s.rows {
		return fail("%s has %d rows, %d were written", f.URL, got.rows, s.rows)
	}
	for k := range s.cols {
		a, b := &s.cols[k], &got.cols[k]
		switch {
		case a.nulls != b.nulls:
			return fail("%s, column %s: %d nulls, %d were written", f.URL, names[k], b.nulls, a.nulls)
		case a.any && (a.min != b.min || a.max != b.max):
			return fail("%s, column %s: the least and greatest values are not those written", f.URL, names[k])
		case a.hash.Sum64() != b.hash.Sum64():
			return fail("%s, column %s: the values differ from those written", f.URL, names[k])
		}
	}
	return nil
}

func (s *sums) again(ctx context.Context, m *maker, f File) (*sums, []string, error) {
	file, err := m.to.fsys.Open(ctx, m.to.name(f.Name), fs.OpenOptions{})
	if err != nil {
		return nil, nil, err
	}
	r, err := m.format.Open(ctx, file, formats.Options{Keys: m.j.Read.Formats.Keys})
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	if r.Schema().NumFields() != len(s.cols) {
		return nil, nil, fmt.Errorf("%d columns, %d were written", r.Schema().NumFields(), len(s.cols))
	}
	o := m.j.Run
	o.Jobs = 1
	rows, err := arrowio.Read(ctx, r, arrowio.ScanRequest{Ordered: true}, o)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	got := newSeededSums(s.schema, true, s.seed)
	for rows.Next() {
		// A type that the format lacks comes back as another: compare as the one
		// that was written.
		rec, err := castTo(rows.RecordBatch(), s.schema)
		if err != nil {
			return nil, nil, err
		}
		got.add(rec)
		rec.Release()
	}
	if err := rows.Close(); err != nil {
		return nil, nil, err
	}
	var names []string
	for _, f := range r.Schema().Fields() {
		names = append(names, f.Name)
	}
	return got, names, nil
}

func castTo(rec arrow.RecordBatch, s *arrow.Schema) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, 0, rec.NumCols())
	defer func() { releaseAll(cols) }()
	for k, c := range rec.Columns() {
		v, err := kernel.Cast(memory.DefaultAllocator, c, s.Field(k).Type, kernel.CastOptions{})
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", s.Field(k).Name, err)
		}
		cols = append(cols, v)
	}
	return array.NewRecordBatch(s, cols, rec.NumRows()), nil
}
