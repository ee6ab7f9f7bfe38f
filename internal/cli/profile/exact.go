package profile

import (
	"context"
	"hash/maphash"
	"math/rand/v2"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// Exact reads all rows of a request and sums up its columns, those of structs
// one by one. The number of distinct values is exact up to a million, and an
// estimate beyond.
func Exact(ctx context.Context, t arrowio.Table, req arrowio.ScanRequest, o arrowio.RunOptions) ([]Column, error) {
	r, err := arrowio.Read(ctx, t, req, o)
	if err != nil {
		return nil, err
	}
	var cols []*counted
	for _, f := range r.Schema().Fields() {
		cols = appendLeaves(cols, f, "")
	}
	for r.Next() {
		rec, at := r.RecordBatch(), 0
		for i := range int(rec.NumCols()) {
			if at, err = addLeaves(cols, at, rec.Column(i), kernel.Full(int(rec.NumRows()))); err != nil {
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

// appendLeaves makes a column of each field that is no struct.
func appendLeaves(cols []*counted, f arrow.Field, within string) []*counted {
	if st, ok := f.Type.(*arrow.StructType); ok && st.NumFields() > 0 {
		for _, g := range st.Fields() {
			cols = appendLeaves(cols, g, within+f.Name+".")
		}
		return cols
	}
	return append(cols, &counted{path: within + f.Name, field: f, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed()})
}

// addLeaves adds an array to the columns from number at on. present are the
// rows whose struct is there.
func addLeaves(cols []*counted, at int, arr arrow.Array, present kernel.Bitmap) (int, error) {
	st, ok := arr.(*array.Struct)
	if !ok || st.NumField() == 0 {
		return at + 1, cols[at].add(arr, present)
	}
	present.And(kernel.Validity(arr))
	for i := range st.NumField() {
		own := kernel.Full(present.Len)
		own.And(present)
		var err error
		if at, err = addLeaves(cols, at, st.Field(i), own); err != nil {
			return at, err
		}
	}
	return at, nil
}

// maxDistinct is how many distinct values are told apart, by 64-bit hashes.
const maxDistinct = 1_000_000

type counted struct {
	path        string
	field       arrow.Field
	rows, nulls int64
	lo, hi      arrow.Array
	unordered   bool
	seen        map[uint64]struct{} // nil: too many, and so estimated
	estimate    *sketch
	seed        maphash.Seed
	buf         []byte
}

func (c *counted) add(arr arrow.Array, present kernel.Bitmap) error {
	plain, err := kernel.Decode(memory.DefaultAllocator, arr)
	if err != nil {
		return err
	}
	defer plain.Release()
	present.And(kernel.Validity(plain))
	n := present.Count()
	c.rows += int64(plain.Len())
	c.nulls += int64(plain.Len() - n)
	c.distinct(plain, present)
	if kernel.ClassOf(plain.DataType()) == kernel.None {
		c.unordered = true
		return nil
	}
	if c.lo, err = extreme(plain, present, kernel.Lt, c.lo); err != nil {
		return err
	}
	c.hi, err = extreme(plain, present, kernel.Gt, c.hi)
	return err
}

func (c *counted) distinct(plain arrow.Array, present kernel.Bitmap) {
	style := render.Style{Binary: "hex"}
	text := style.Column(plain, c.field)
	for i := range plain.Len() {
		if !present.Get(i) {
			continue
		}
		c.buf = text(c.buf[:0], i)
		h := maphash.Bytes(c.seed, c.buf)
		if c.seen == nil {
			c.estimate.add(h)
			continue
		}
		if c.seen[h] = struct{}{}; len(c.seen) > maxDistinct {
			c.estimate = &sketch{}
			for h := range c.seen {
				c.estimate.add(h)
			}
			c.seen = nil
		}
	}
}

// extreme finds the least (Lt) or greatest (Gt) of the rows and of what is
// known already, nil if there is none. A better value is drawn at random until
// there is none, which halves the candidates each time. NaN is passed over.
func extreme(arr arrow.Array, rows kernel.Bitmap, op kernel.Op, best arrow.Array) (arrow.Array, error) {
	better := rows
	for {
		if best != nil {
			m, err := kernel.Compare(arr, op, best)
			if err != nil {
				return nil, err
			}
			m.And(rows)
			better = m
		}
		n := better.Count()
		if n == 0 {
			return best, nil
		}
		k := rand.IntN(n)
		at := -1
		for i := range better.Len {
			if better.Get(i) {
				if k == 0 {
					at = i
					break
				}
				k--
			}
		}
		one, err := kernel.Take(memory.DefaultAllocator, arr, []int32{int32(at)}) // a slice would keep its batch
		if err != nil {
			return nil, err
		}
		if self, err := kernel.Compare(one, kernel.Eq, one); err != nil || !self.Get(0) { // NaN, with no best yet
			one.Release()
			if err != nil {
				return nil, err
			}
			rest := kernel.NewBitmap(better.Len)
			rest.SetRange(at, 1)
			better.AndNot(rest)
			continue
		}
		if best != nil {
			best.Release()
		}
		best = one
	}
}

func (c *counted) column() Column {
	exact := Fact{fromRows, Exactly}
	out := Column{Path: c.path, Type: c.field.Type, Rows: &c.rows, Nulls: &c.nulls, Min: c.lo, Max: c.hi, OfNulls: exact, OfDistinct: exact, OfMin: exact, OfMax: exact}
	if c.lo == nil {
		out.OfMin.Precision, out.OfMax.Precision = Unknown, Unknown
	}
	n := int64(len(c.seen))
	if c.seen == nil {
		n, out.OfDistinct.Precision = c.estimate.count(), Estimate
	}
	out.Distinct = &n
	return out
}
