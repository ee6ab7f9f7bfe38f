package profile

import (
	"bytes"
	"context"
	"hash/maphash"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// Exact reads all rows of a request and sums up its top-level columns. The
// number of distinct values is exact up to a million, and unknown beyond.
func Exact(ctx context.Context, t arrowio.Table, req arrowio.ScanRequest, o arrowio.RunOptions) ([]Column, error) {
	o.Alloc = nil // bounds are kept beyond their batch
	r, err := arrowio.Read(ctx, t, req, o)
	if err != nil {
		return nil, err
	}
	cols := make([]*counted, r.Schema().NumFields())
	for i, f := range r.Schema().Fields() {
		cols[i] = &counted{field: f, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	}
	for r.Next() {
		rec := r.RecordBatch()
		for i, c := range cols {
			if err := c.add(rec.Column(i)); err != nil {
				_ = r.Close() // the first error counts
				return nil, err
			}
		}
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	out := []Column{}
	for _, c := range cols {
		out = append(out, c.column())
	}
	return out, nil
}

// maxDistinct is how many distinct values are told apart, by 64-bit hashes.
const maxDistinct = 1_000_000

type counted struct {
	field       arrow.Field
	rows, nulls int64
	lo, hi      arrow.Array
	unordered   bool
	seen        map[uint64]struct{}
	tooMany     bool
	seed        maphash.Seed
	buf         []byte
}

func (c *counted) add(arr arrow.Array) error {
	c.rows += int64(arr.Len())
	plain, err := kernel.Decode(memory.DefaultAllocator, arr)
	if err != nil {
		return err
	}
	defer plain.Release()
	style := render.Style{Binary: "hex"}
	text := style.Column(plain, c.field)
	valid := kernel.Validity(plain)
	lo, hi := -1, -1
	ordered := kernel.ClassOf(plain.DataType()) != kernel.None
	var loS, hiS kernel.Scalar
	for i := range plain.Len() {
		if !valid.Get(i) {
			c.nulls++
			continue
		}
		if !c.tooMany {
			c.buf = text(c.buf[:0], i)
			c.seen[maphash.Bytes(c.seed, c.buf)] = struct{}{}
			if len(c.seen) > maxDistinct {
				c.tooMany, c.seen = true, nil
			}
		}
		if !ordered {
			continue
		}
		s := kernel.ScalarAt(plain, i)
		if s.Class == kernel.Float && s.Float != s.Float {
			continue
		}
		if lo < 0 || less(s, loS) {
			lo, loS = i, s
		}
		if hi < 0 || less(hiS, s) {
			hi, hiS = i, s
		}
	}
	if c.unordered = !ordered; c.unordered || lo < 0 {
		return nil
	}
	if c.lo, err = wider(c.lo, plain, lo, kernel.Lt); err != nil {
		return err
	}
	c.hi, err = wider(c.hi, plain, hi, kernel.Gt)
	return err
}

func less(a, b kernel.Scalar) bool {
	switch a.Class {
	case kernel.Float:
		return a.Float < b.Float
	case kernel.Bool:
		return !a.Bool && b.Bool
	case kernel.Text, kernel.Bytes:
		return bytes.Compare([]byte(a.Text), []byte(b.Text)) < 0
	}
	return a.Rat.Cmp(b.Rat) < 0
}

// wider keeps the better of a bound and a value.
func wider(have, arr arrow.Array, i int, op kernel.Op) (arrow.Array, error) {
	got := array.NewSlice(arr, int64(i), int64(i+1))
	defer got.Release()
	one, err := kernel.Take(memory.DefaultAllocator, got, []int32{0}) // a slice would keep its batch
	if err != nil || have == nil {
		return one, err
	}
	mask, err := kernel.Compare(one, op, have)
	if err != nil || !mask.Get(0) {
		one.Release()
		return have, err
	}
	have.Release()
	return one, nil
}

func (c *counted) column() Column {
	out := Column{Path: c.field.Name, Type: c.field.Type.String(), Rows: &c.rows, Nulls: &c.nulls, Source: "rows"}
	if !c.tooMany {
		n := int64(len(c.seen))
		out.Distinct = &n
	}
	if !c.unordered {
		out.Min, out.Max = text(c.lo), text(c.hi)
		out.MinExact, out.MaxExact = true, true
	}
	return out
}
