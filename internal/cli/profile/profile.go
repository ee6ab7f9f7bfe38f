// Package profile sums up columns: their bounds, nulls and distinct values,
// from the metadata of files or from the rows.
package profile

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/kernel"
)

// Precision says how far a number can be trusted.
type Precision string

// The precisions.
const (
	Unknown  Precision = "unknown"  // there is no number
	Exactly  Precision = "exact"    // it is so
	Bounding Precision = "bound"    // no value lies beyond; of a count of distinct values: no fewer
	Estimate Precision = "estimate" // about so
)

// Fact is where a number comes from, and its precision.
type Fact struct {
	Source    string    `json:"source"` // metadata, or rows
	Precision Precision `json:"precision"`
}

// Column is what is known of a column. Nil is unknown.
type Column struct {
	Path                              string
	Type                              arrow.DataType
	Rows, Nulls, Distinct             *int64
	Min, Max                          arrow.Array // one value each
	OfNulls, OfDistinct, OfMin, OfMax Fact
}

const (
	fromMetadata = "metadata"
	fromRows     = "rows"
)

// Merger sums up the metadata of files.
type Merger struct {
	order []string
	cols  map[string]*merged
}

type merged struct {
	dt               arrow.DataType
	rows, nulls      int64 // nulls -1: unknown
	lo, hi           arrow.Array
	loExact, hiExact bool
	loGone, hiGone   bool // unknown in some unit
	distinct         int64
	units            int
	noDistinct       bool
	bounded          int64 // values that the bounds are of
}

// Add takes a file's metadata in.
func (m *Merger) Add(meta *formats.Meta) error {
	if m.cols == nil {
		m.cols = map[string]*merged{}
	}
	for i, c := range meta.Columns {
		x := m.cols[c.Path]
		if x == nil {
			x = &merged{dt: c.Arrow, loExact: true, hiExact: true}
			m.cols[c.Path] = x
			m.order = append(m.order, c.Path)
		}
		for _, u := range meta.Units {
			if err := x.add(u.Rows, &u.Columns[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *merged) add(rows int64, c *formats.ChunkMeta) error {
	x.rows += rows
	if x.nulls >= 0 && c.Nulls >= 0 {
		x.nulls += c.Nulls
	} else {
		x.nulls = -1
	}
	if c.Nulls >= 0 && c.Nulls == c.Values { // nothing to bound
		return nil
	}
	x.units++
	if c.Distinct >= 0 {
		x.distinct = max(x.distinct, c.Distinct)
	} else {
		x.noDistinct = true
	}
	if c.Values > 0 {
		x.bounded += c.Values
	}
	var err error
	if x.lo, err = better(x.lo, c.Min, kernel.Lt, &x.loExact, c.MinExact, &x.loGone); err != nil {
		return err
	}
	x.hi, err = better(x.hi, c.Max, kernel.Gt, &x.hiExact, c.MaxExact, &x.hiGone)
	return err
}

// better keeps the wider of two bounds.
func better(have, got arrow.Array, op kernel.Op, exact *bool, gotExact bool, gone *bool) (arrow.Array, error) {
	if got == nil || *gone {
		*gone = true
		return nil, nil
	}
	if have == nil {
		*exact = gotExact
		return got, nil
	}
	if !arrow.TypeEqual(have.DataType(), got.DataType()) { // of another file
		cast, err := kernel.Cast(memory.DefaultAllocator, got, have.DataType(), kernel.CastOptions{})
		if err != nil {
			*gone = true
			return nil, nil
		}
		got = cast
	}
	mask, err := kernel.Compare(got, op, have)
	if err != nil {
		return nil, err
	}
	if mask.Get(0) {
		*exact = gotExact
		return got, nil
	}
	return have, nil
}

// Columns gives the sums.
func (m *Merger) Columns() []Column {
	out := []Column{}
	for _, path := range m.order {
		x := m.cols[path]
		c := Column{
			Path: path, Type: x.dt, Rows: &x.rows, Min: x.lo, Max: x.hi,
			OfMin: boundFact(x.lo, x.loExact), OfMax: boundFact(x.hi, x.hiExact),
			OfNulls: Fact{fromMetadata, Unknown}, OfDistinct: Fact{fromMetadata, Unknown},
		}
		if x.nulls >= 0 {
			c.Nulls, c.OfNulls.Precision = &x.nulls, Exactly
		}
		c.Distinct, c.OfDistinct.Precision = x.distinctValues()
		out = append(out, c)
	}
	return out
}

func boundFact(a arrow.Array, exact bool) Fact {
	switch {
	case a == nil:
		return Fact{fromMetadata, Unknown}
	case exact:
		return Fact{fromMetadata, Exactly}
	}
	return Fact{fromMetadata, Bounding}
}

// distinctValues is what the metadata allows to say: the writer's own count of
// the one unit that has values, a bound by the largest of several, or one where
// both bounds are the same value.
func (x *merged) distinctValues() (*int64, Precision) {
	n := x.distinct
	switch {
	case x.units == 0 && x.nulls >= 0:
		n = 0
		return &n, Exactly
	case !x.noDistinct && x.units == 1:
		return &n, Exactly
	}
	if x.lo != nil && x.hi != nil && x.loExact && x.hiExact && !arrow.IsFloating(x.lo.DataType().ID()) { // bounds say nothing of NaN
		if mask, err := kernel.Compare(x.lo, kernel.Eq, x.hi); err == nil && mask.Get(0) {
			n = 1
			return &n, Exactly
		}
	}
	if n > 0 {
		return &n, Bounding
	}
	return nil, Unknown
}
