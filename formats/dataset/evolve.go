package dataset

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/pushdown"
)

// evolution is how a request on the table becomes one on a file.
type evolution struct {
	inner    arrowio.ScanRequest
	columns  []pushdown.Path // of the table, that a split gives; nil: all
	filter   pushdown.Expr   // what the file was asked to filter; True if nothing
	residual pushdown.Expr   // the table's, where the file cannot filter; else nil
}

// sameColumn says that a file's column is the table's, so that it needs no cast.
func (t *Table) sameColumn(file *arrow.Schema, name string) (same, missing bool) {
	at, ok := file.FieldsByName(name)
	if !ok {
		return false, true
	}
	own, _ := t.schema.FieldsByName(name)
	return len(own) == 1 && len(at) == 1 && arrow.TypeEqual(own[0].Type, at[0].Type), false
}

// uniform says that the file's columns are the table's, one for one.
func (t *Table) uniform(file *arrow.Schema) bool {
	if file.NumFields() != t.schema.NumFields() {
		return false
	}
	for i, f := range file.Fields() {
		if g := t.schema.Field(i); g.Name != f.Name || !arrow.TypeEqual(g.Type, f.Type) {
			return false
		}
	}
	return true
}

func (t *Table) evolve(f formats.FileReader, name string, r arrowio.ScanRequest) (*evolution, error) {
	e := &evolution{inner: r, columns: r.Columns, filter: pushdown.True}
	if r.Filter != nil {
		e.filter = r.Filter
	}
	e.inner.Limit = 0
	if t.uniform(f.Schema()) {
		return e, nil
	}
	if t.o.Strict {
		return nil, &arrowio.Error{Op: "plan", URL: name, Err: fmt.Errorf("%w: its schema is not that of %s", arrowio.ErrCast, t.names[0])}
	}
	if r.Filter != nil {
		e.push(t, f, r)
	}
	e.inner.Columns = t.fileColumns(f.Schema(), e.columns)
	return e, nil
}

// push gives the file the filter with null for the columns that it lacks. Where
// a column has another type there, the filter stays with the table.
func (e *evolution) push(t *Table, f formats.FileReader, r arrowio.ScanRequest) {
	lacks := map[string]bool{}
	for _, p := range pushdown.Columns(r.Filter) {
		same, missing := t.sameColumn(f.Schema(), p[0])
		if missing {
			lacks[p[0]] = true
		} else if !same {
			e.inner.Filter, e.filter, e.residual = nil, pushdown.True, r.Filter
			if e.columns != nil {
				e.columns = append(e.columns[:len(e.columns):len(e.columns)], pushdown.Columns(r.Filter)...)
			}
			return
		}
	}
	if len(lacks) > 0 {
		e.inner.Filter = pushdown.Substitute(r.Filter, func(p pushdown.Path) (pushdown.Literal, bool) {
			return pushdown.Null(), lacks[p[0]]
		})
		e.filter = e.inner.Filter
	}
}

// fileColumns are the whole columns of a file that the table's columns need.
func (t *Table) fileColumns(file *arrow.Schema, columns []pushdown.Path) []pushdown.Path {
	out := []pushdown.Path{}
	seen := map[string]bool{}
	add := func(name string) {
		if _, ok := file.FieldsByName(name); ok && !seen[name] {
			seen[name] = true
			out = append(out, pushdown.Path{name})
		}
	}
	if columns == nil {
		for _, f := range t.schema.Fields() {
			add(f.Name)
		}
	}
	for _, p := range columns {
		add(p[0])
	}
	return out
}

// read opens a file's split and brings its batches to the table's schema.
func (t *Table) read(ctx context.Context, f *handle, name string, columns []pushdown.Path, inner arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	o = o.WithDefaults()
	r, err := f.Open(ctx, inner, o)
	if err != nil {
		return nil, err
	}
	held := arrowio.NewReader(ctx, r.Schema(), func(context.Context) (arrow.RecordBatch, error) {
		if r.Next() {
			rec := r.RecordBatch()
			rec.Retain()
			return rec, nil
		}
		return nil, endOf(r)
	}, func() error { return firstError(r.Close(), t.release(name)) })
	if t.uniform(f.Schema()) {
		return held, nil
	}
	whole, err := t.wholeColumns(columns)
	if err != nil {
		_ = r.Close() // the projection is at fault
		return nil, err
	}
	evolved, err := arrowio.Evolve(held, whole, arrowio.EvolveOptions{ReadOptions: o, Fail: func(column string, err error) error {
		return &arrowio.Error{Op: "read", URL: name, Column: column, Err: fmt.Errorf("as in %s: %w", t.names[0], err)}
	}})
	if err == nil {
		evolved, err = arrowio.Project(evolved, columns)
	}
	if err != nil {
		_ = r.Close() // the file's columns are at fault
		return nil, err
	}
	return evolved, nil
}

func endOf(r arrowio.RecordReader) error {
	if err := r.Err(); err != nil {
		return err
	}
	return io.EOF
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// wholeColumns is the table's schema of the columns that paths begin with.
func (t *Table) wholeColumns(columns []pushdown.Path) (*arrow.Schema, error) {
	if columns == nil {
		return t.schema, nil
	}
	tops := make([]pushdown.Path, len(columns))
	for i, p := range columns {
		tops[i] = p[:1]
	}
	return arrowio.ProjectSchema(t.schema, tops)
}
