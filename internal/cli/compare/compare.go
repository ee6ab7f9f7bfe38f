// Package compare finds what differs between two tables: their columns, then
// their rows, in step, by key, or as multisets.
package compare

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/pushdown"
)

// Options tune Tables.
type Options struct {
	Key         []string // columns that identify a row; none compares in step
	Tolerance   float64  // between floats
	IgnoreOrder bool     // as multisets of rows
	SchemaOnly  bool     // no rows
	Examples    int      // differences to describe
	// MaxBytes bounds the rows that are held; 0 is unbounded. More is
	// arrowio.ErrLimit.
	MaxBytes int64
	// Cut shortens a reader of rows, which it takes over; nil does not.
	Cut func(arrowio.RecordReader) arrowio.RecordReader
}

// Result is what differs.
type Result struct {
	Schema       []string // differences of the columns, in words
	Compared     bool     // rows were compared: there are common columns
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

// Tables compares the columns of two requests, and then the rows, by the
// columns that both have. Values are equal when they read the same, so that a
// column of another width can hold equal values.
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
	if o.SchemaOnly {
		return d, nil
	}
	if len(d.Schema) > 0 {
		both := common(sa, sb)
		ra.Columns, rb.Columns = restrict(ra.Columns, both), restrict(rb.Columns, both)
		if len(both) == 0 {
			return d, nil
		}
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
	c := &comparison{d: d, o: o, left: left.r.Schema(), right: right.r.Schema()}
	for _, name := range o.Key {
		at := c.left.FieldIndices(name)
		if len(at) != 1 {
			return nil, fmt.Errorf("%w: --key %s", arrowio.ErrColumn, name)
		}
		c.key = append(c.key, at[0])
	}
	d.Compared = true
	if len(c.key) > 0 || o.IgnoreOrder {
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

// common are the names of the columns that both have, once each.
func common(a, b *arrow.Schema) (out []string) {
	for _, f := range a.Fields() {
		if len(a.FieldIndices(f.Name)) == 1 && len(b.FieldIndices(f.Name)) == 1 {
			out = append(out, f.Name)
		}
	}
	return out
}

// restrict keeps the paths of these columns, in their order.
func restrict(paths []pushdown.Path, names []string) (out []pushdown.Path) {
	for _, name := range names {
		if paths == nil {
			out = append(out, pushdown.Path{name})
			continue
		}
		for _, p := range paths {
			if p[0] == name {
				out = append(out, p)
			}
		}
	}
	return out
}

type comparison struct {
	d           *Result
	o           Options
	key         []int
	left, right *arrow.Schema
	x, y        []byte
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
			c.example("row %d is only in the first: %s", a.rows, a.text())
			continue
		case !okA:
			c.d.OnlyB++
			c.example("row %d is only in the second: %s", b.rows, b.text())
			continue
		}
		differs := false
		for k := range a.cols {
			c.x, c.y = a.cols[k](c.x[:0], a.at), b.cols[k](c.y[:0], b.at)
			if !c.same(k, c.x, c.y) {
				if !differs {
					c.example("row %d, column %s: %s in the first, %s in the second", a.rows, c.left.Field(k).Name, c.x, c.y)
				}
				differs = true
			}
		}
		if differs {
			c.d.Different++
		}
	}
}

// group are the rows of the second table that share a key.
type group struct{ rows []string }

// hashed matches rows by key, or by all columns: it holds the second table's
// rows as texts.
func (c *comparison) hashed(a, b *cursor) error {
	match := c.key
	if len(match) == 0 && c.o.Tolerance > 0 {
		// Floats may differ a little: the other columns tell which rows to look at.
		for k, f := range c.left.Fields() {
			if !holdsFloats(f.Type) {
				match = append(match, k)
			}
		}
	}
	byAll := len(c.key) == 0 && c.o.Tolerance <= 0
	held := map[string]*group{}
	var order []*group
	bytes := int64(0)
	for {
		ok, err := b.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		row := b.whole()
		k := row
		if !byAll {
			k = b.of(match)
		}
		g := held[k]
		if g == nil {
			g = &group{}
			held[k], order = g, append(order, g)
			bytes += int64(len(k)) + 64
		}
		g.rows = append(g.rows, row)
		if bytes += int64(len(row)) + 16; c.o.MaxBytes > 0 && bytes > c.o.MaxBytes {
			return &arrowio.Error{Op: "diff", Hint: "a larger --memory, fewer columns by --select, or files in one order and neither --key nor --ignore-order",
				Err: fmt.Errorf("%w: the second source's rows do not fit in %d bytes", arrowio.ErrLimit, c.o.MaxBytes)}
		}
	}
	for {
		ok, err := a.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		mine := a.whole()
		k := mine
		if !byAll {
			k = a.of(match)
		}
		g := held[k]
		if g == nil || len(g.rows) == 0 {
			c.d.OnlyA++
			c.example("only in the first: %s", a.text())
			continue
		}
		at := slices.Index(g.rows, mine)
		if at < 0 && !byAll {
			at = slices.IndexFunc(g.rows, func(r string) bool { return c.equalRows(mine, r) })
		}
		switch {
		case at >= 0:
		case len(c.key) > 0:
			at = 0
			c.d.Different++
			c.differs(a, mine, g.rows[at])
		default:
			c.d.OnlyA++
			c.example("only in the first: %s", a.text())
			continue
		}
		g.rows = slices.Delete(g.rows, at, at+1)
	}
	for _, g := range order {
		for _, r := range g.rows {
			c.d.OnlyB++
			c.example("only in the second: %s", spaced(r))
		}
	}
	c.d.RowsA, c.d.RowsB = a.rows, b.rows
	return nil
}

// differs describes two rows of one key by the first column that differs.
func (c *comparison) differs(a *cursor, mine, other string) {
	xs, ys := split(mine), split(other)
	for k := range xs {
		if !c.same(k, []byte(xs[k]), []byte(ys[k])) {
			c.example("key %s, column %s: %s in the first, %s in the second", spaced(a.of(c.key)), c.left.Field(k).Name, xs[k], ys[k])
			return
		}
	}
}

func (c *comparison) equalRows(x, y string) bool {
	xs, ys := split(x), split(y)
	for k := range xs {
		if !c.same(k, []byte(xs[k]), []byte(ys[k])) {
			return false
		}
	}
	return true
}
