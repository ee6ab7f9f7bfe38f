// Package profile sums up columns: their bounds, nulls and distinct values,
// from the metadata of files or from the rows.
package profile

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// Column is what is known of a column. Nil is unknown.
type Column struct {
	Path     string  `json:"column"`
	Type     string  `json:"type"`
	Rows     *int64  `json:"rows"`
	Nulls    *int64  `json:"nulls"`
	Distinct *int64  `json:"distinct"`
	Min      *string `json:"min"`
	Max      *string `json:"max"`
	MinExact bool    `json:"min_exact"`
	MaxExact bool    `json:"max_exact"`
	// Source says where the numbers come from: metadata or rows.
	Source string `json:"source"`
}

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
		c := Column{Path: path, Type: x.dt.String(), Rows: &x.rows, MinExact: x.loExact, MaxExact: x.hiExact, Source: "metadata"}
		if x.nulls >= 0 {
			c.Nulls = &x.nulls
		}
		c.Min, c.Max = text(x.lo), text(x.hi)
		out = append(out, c)
	}
	return out
}

func text(a arrow.Array) *string {
	if a == nil {
		return nil
	}
	s := render.Style{Null: "NULL"}
	t := string(s.Column(a, arrow.Field{})(nil, 0))
	return &t
}
