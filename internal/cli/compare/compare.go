// Package compare finds what differs between two tables: their columns, then
// their rows, in step, by key, or as multisets.
package compare

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// Options tune Tables.
type Options struct {
	Key         []string // columns that identify a row; none compares in step
	Tolerance   float64  // between floats
	IgnoreOrder bool     // as multisets of rows
	Examples    int      // differences to describe
}

// Result is what differs.
type Result struct {
	Schema       []string // differences of the columns, in words
	RowsA, RowsB int64
	Different    int64 // rows of both with other values
	OnlyA, OnlyB int64
	Examples     []string
}

// Equal says that nothing differs.
func (r *Result) Equal() bool {
	return len(r.Schema) == 0 && r.Different == 0 && r.OnlyA == 0 && r.OnlyB == 0
}

// Schemas says what differs between the columns. Encodings of a type, such as
// dictionaries and views, and the nullability that only one declares differ too.
func Schemas(a, b *arrow.Schema) (out []string) {
	for i, f := range a.Fields() {
		at := b.FieldIndices(f.Name)
		if len(at) == 0 {
			out = append(out, fmt.Sprintf("column %s is only in the first", f.Name))
			continue
		}
		g := b.Field(at[0])
		if !arrow.TypeEqual(f.Type, g.Type) {
			out = append(out, fmt.Sprintf("column %s is %s in the first, %s in the second", f.Name, f.Type, g.Type))
		} else if f.Nullable != g.Nullable {
			out = append(out, fmt.Sprintf("column %s can be null only in the %s", f.Name, map[bool]string{true: "first", false: "second"}[f.Nullable]))
		}
		if i < b.NumFields() && b.Field(i).Name != f.Name && len(at) == 1 {
			out = append(out, fmt.Sprintf("column %s is number %d in the first, %d in the second", f.Name, i, at[0]))
		}
	}
	for _, g := range b.Fields() {
		if len(a.FieldIndices(g.Name)) == 0 {
			out = append(out, fmt.Sprintf("column %s is only in the second", g.Name))
		}
	}
	return out
}

// Tables compares the rows of two requests, if their columns are the same.
func Tables(ctx context.Context, a arrowio.Table, ra arrowio.ScanRequest, b arrowio.Table, rb arrowio.ScanRequest, run arrowio.RunOptions, o Options) (*Result, error) {
	sa, err := arrowio.ProjectSchema(a.Schema(), ra.Columns)
	if err != nil {
		return nil, err
	}
	sb, err := arrowio.ProjectSchema(b.Schema(), rb.Columns)
	if err != nil {
		return nil, err
	}
	d := &Result{Schema: Schemas(sa, sb)}
	if len(d.Schema) > 0 {
		return d, nil
	}
	key := make([]int, len(o.Key))
	for i, name := range o.Key {
		at := sa.FieldIndices(name)
		if len(at) != 1 {
			return nil, fmt.Errorf("%w: --key %s", arrowio.ErrColumn, name)
		}
		key[i] = at[0]
	}
	ra.Ordered, rb.Ordered = true, true
	left, err := newCursor(ctx, a, ra, run, o)
	if err != nil {
		return nil, err
	}
	defer left.r.Close()
	right, err := newCursor(ctx, b, rb, run, o)
	if err != nil {
		return nil, err
	}
	defer right.r.Close()
	c := &comparison{d: d, o: o, key: key, names: sa}
	if len(key) > 0 || o.IgnoreOrder {
		err = c.hashed(left, right)
	} else {
		err = c.inStep(left, right)
	}
	if err == nil {
		err = left.r.Close()
	}
	if err == nil {
		err = right.r.Close()
	}
	return d, err
}

// cursor goes over a table's rows as texts of their values.
type cursor struct {
	r    arrowio.RecordReader
	cols []render.Appender
	rec  arrow.RecordBatch
	at   int
	rows int64
}

func newCursor(ctx context.Context, t arrowio.Table, req arrowio.ScanRequest, run arrowio.RunOptions, o Options) (*cursor, error) {
	r, err := arrowio.Read(ctx, t, req, run)
	if err != nil {
		return nil, err
	}
	return &cursor{r: r}, nil
}

// next moves to the next row; false at the end.
func (c *cursor) next() (bool, error) {
	for c.rec == nil || c.at+1 >= int(c.rec.NumRows()) {
		if !c.r.Next() {
			return false, c.r.Err()
		}
		c.rec, c.at = c.r.RecordBatch(), -1
		style := render.Style{JSON: true}
		c.cols = c.cols[:0]
		for k, col := range c.rec.Columns() {
			s := style
			if arrow.IsFloating(col.DataType().ID()) { // NaN and infinities are values here
				s.JSON = false
				s.Null = "null"
			}
			c.cols = append(c.cols, s.Column(col, c.rec.Schema().Field(k)))
		}
	}
	c.at++
	c.rows++
	return true, nil
}

type comparison struct {
	d     *Result
	o     Options
	key   []int
	names *arrow.Schema
	x, y  []byte
}

func (c *comparison) example(format string, args ...any) {
	if len(c.d.Examples) < c.o.Examples {
		c.d.Examples = append(c.d.Examples, fmt.Sprintf(format, args...))
	}
}

// inStep compares row n with row n.
func (c *comparison) inStep(a, b *cursor) error {
	for {
		okA, err := a.next()
		if err != nil {
			return err
		}
		okB, err := b.next()
		if err != nil {
			return err
		}
		switch {
		case !okA && !okB:
			c.d.RowsA, c.d.RowsB = a.rows, b.rows
			return nil
		case !okB:
			c.d.OnlyA++
			c.example("row %d is only in the first: %s", a.rows, rowText(a))
			continue
		case !okA:
			c.d.OnlyB++
			c.example("row %d is only in the second: %s", b.rows, rowText(b))
			continue
		}
		differs := false
		for k := range a.cols {
			c.x, c.y = a.cols[k](c.x[:0], a.at), b.cols[k](c.y[:0], b.at)
			if !c.same(k, c.x, c.y) {
				if !differs {
					c.example("row %d, column %s: %s in the first, %s in the second", a.rows, c.names.Field(k).Name, c.x, c.y)
				}
				differs = true
			}
		}
		if differs {
			c.d.Different++
		}
	}
}

func rowText(c *cursor) string {
	var b []byte
	for k, col := range c.cols {
		if k > 0 {
			b = append(b, ", "...)
		}
		b = col(b, c.at)
	}
	return string(b)
}

// same compares two texts of a column's values.
func (c *comparison) same(k int, x, y []byte) bool {
	if bytes.Equal(x, y) {
		return true
	}
	if c.o.Tolerance <= 0 || !arrow.IsFloating(c.names.Field(k).Type.ID()) {
		return false
	}
	f, err1 := strconv.ParseFloat(string(x), 64)
	g, err2 := strconv.ParseFloat(string(y), 64)
	return err1 == nil && err2 == nil && math.Abs(f-g) <= c.o.Tolerance
}

// hashed matches rows by key, or by all columns: it holds the second table's
// rows as texts.
func (c *comparison) hashed(a, b *cursor) error {
	type entry struct {
		rows []string // the whole rows of a key
	}
	held := map[string]*entry{}
	for {
		ok, err := b.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		k := c.keyOf(b)
		e := held[k]
		if e == nil {
			e = &entry{}
			held[k] = e
		}
		e.rows = append(e.rows, c.whole(b))
	}
	for {
		ok, err := a.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		e := held[c.keyOf(a)]
		if e == nil || len(e.rows) == 0 {
			c.d.OnlyA++
			c.example("only in the first: %s", rowText(a))
			continue
		}
		mine := c.whole(a)
		at := 0
		for i, r := range e.rows { // an equal one, if there is one
			if r == mine {
				at = i
				break
			}
		}
		if len(c.key) > 0 && !c.equalRows(mine, e.rows[at]) {
			c.d.Different++
			c.example("key %q differs: %s", c.keyOf(a), rowText(a))
		}
		e.rows = append(e.rows[:at], e.rows[at+1:]...)
	}
	for _, e := range held {
		for _, r := range e.rows {
			c.d.OnlyB++
			c.example("only in the second: %s", bytes.ReplaceAll([]byte(r), []byte{0x1f}, []byte(", ")))
		}
	}
	c.d.RowsA, c.d.RowsB = a.rows, b.rows
	return nil
}

func (c *comparison) keyOf(r *cursor) string {
	if len(c.key) == 0 {
		return c.whole(r)
	}
	c.x = c.x[:0]
	for _, k := range c.key {
		c.x = append(r.cols[k](c.x, r.at), 0x1f)
	}
	return string(c.x)
}

func (c *comparison) whole(r *cursor) string {
	c.y = c.y[:0]
	for _, col := range r.cols {
		c.y = append(col(c.y, r.at), 0x1f)
	}
	return string(c.y)
}

func (c *comparison) equalRows(x, y string) bool {
	if x == y {
		return true
	}
	if c.o.Tolerance <= 0 {
		return false
	}
	xs, ys := bytes.Split([]byte(x), []byte{0x1f}), bytes.Split([]byte(y), []byte{0x1f})
	for k := range c.names.NumFields() {
		if k >= len(xs) || k >= len(ys) || !c.same(k, xs[k], ys[k]) {
			return false
		}
	}
	return true
}
