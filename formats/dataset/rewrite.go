package dataset

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/arrowschema"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// divide gives the part of a filter that a file evaluates, over the file's own
// columns, and the part that is left, over the table's. True is nothing.
func (t *Table) divide(filter pushdown.Expr, m *mapping, file *arrow.Schema) (pushed, residual pushdown.Expr, err error) {
	if filter == nil {
		return pushdown.True, pushdown.True, nil
	}
	lacks := func(p pushdown.Path) (pushdown.Literal, bool) {
		at := t.place(p[0])
		return pushdown.Null(), at >= 0 && t.origin[at].kind == fromFile && m.at[at] < 0
	}
	filter = pushdown.Normalise(pushdown.Substitute(filter, lacks))
	var mine, theirs []pushdown.Expr
	for _, e := range pushdown.Conjuncts(filter) {
		if t.means(e, m, file) {
			theirs = append(theirs, rename(e, func(p pushdown.Path) pushdown.Path {
				return append(pushdown.Path{file.Field(m.at[t.place(p[0])]).Name}, p[1:]...)
			}))
		} else {
			mine = append(mine, e)
		}
	}
	pushed, residual = pushdown.Conjoin(theirs), pushdown.Conjoin(mine)
	if pushed != pushdown.True && !never(pushed) {
		if pushed, err = pushdown.Bind(pushed, file, pushdown.BindOptions{}); err != nil {
			return nil, nil, err
		}
		pushed = pushdown.Normalise(pushed)
	}
	return pushed, residual, nil
}

// means says whether a filter means the same over the file's columns.
func (t *Table) means(e pushdown.Expr, m *mapping, file *arrow.Schema) bool {
	for _, p := range pushdown.Columns(e) {
		at := t.place(p[0])
		if at < 0 || t.origin[at].kind != fromFile || m.at[at] < 0 || len(file.FieldIndices(file.Field(m.at[at]).Name)) != 1 {
			return false
		}
		if !sameMeaning(file.Field(m.at[at]).Type, t.schema.Field(at).Type) {
			return false
		}
	}
	return true
}

// sameMeaning says whether a comparison over values of a file's type passes
// what it passes over the same values cast to the table's. Floats of another
// width do not: a literal stands for the nearest float of the width.
func sameMeaning(file, own arrow.DataType) bool {
	if arrow.TypeEqual(file, own) {
		return true
	}
	file, own = arrowschema.Storage(file), arrowschema.Storage(own)
	a, b := kernel.ClassOf(file), kernel.ClassOf(own)
	if a != b || a == kernel.None {
		return false
	}
	return a != kernel.Float || file.ID() == own.ID()
}

// rename gives a filter other paths.
func rename(e pushdown.Expr, f func(pushdown.Path) pushdown.Path) pushdown.Expr {
	all := func(args []pushdown.Expr) []pushdown.Expr {
		out := make([]pushdown.Expr, len(args))
		for i, a := range args {
			out[i] = rename(a, f)
		}
		return out
	}
	switch e := e.(type) {
	case pushdown.And:
		return pushdown.And{Args: all(e.Args)}
	case pushdown.Or:
		return pushdown.Or{Args: all(e.Args)}
	case pushdown.Not:
		return pushdown.Not{X: rename(e.X, f)}
	case pushdown.Cmp:
		e.Path = f(e.Path)
		return e
	case pushdown.In:
		e.Path = f(e.Path)
		return e
	case pushdown.IsNull:
		e.Path = f(e.Path)
		return e
	case pushdown.Like:
		e.Path = f(e.Path)
		return e
	}
	return e
}

// tops are the columns of the table that paths begin with, in their order; all
// for nil.
func (t *Table) tops(columns []pushdown.Path) (out []int) {
	if columns == nil {
		for i := range t.schema.NumFields() {
			out = append(out, i)
		}
		return out
	}
	seen := map[int]bool{}
	for _, p := range columns {
		if at := t.place(p[0]); !seen[at] {
			seen[at] = true
			out = append(out, at)
		}
	}
	return out
}

// fileColumns are the file's paths that the table's need: the same of a column
// of the same type, the whole of any other. Nil is all of them.
func (t *Table) fileColumns(m *mapping, f formats.FileReader, name string, columns []pushdown.Path) ([]pushdown.Path, error) {
	if columns == nil && m.uniform && len(m.at) == f.Schema().NumFields() {
		return nil, nil
	}
	out := []pushdown.Path{}
	for _, at := range t.tops(columns) {
		if m.at[at] < 0 {
			continue
		}
		g := f.Schema().Field(m.at[at])
		if len(f.Schema().FieldIndices(g.Name)) > 1 {
			return nil, &arrowio.Error{Op: "plan", URL: name, Column: g.Name, Err: fmt.Errorf("%w: it stands for two columns", arrowio.ErrColumn)}
		}
		if columns == nil || !arrow.TypeEqual(g.Type, t.schema.Field(at).Type) {
			out = append(out, pushdown.Path{g.Name})
			continue
		}
		for _, p := range columns {
			if t.place(p[0]) == at {
				out = append(out, append(pushdown.Path{g.Name}, p[1:]...))
			}
		}
	}
	return out, nil
}

// castable says early that a file has a column of a type that cannot become the
// table's at all, naming both files.
func (t *Table) castable(m *mapping, file *arrow.Schema, name string, r arrowio.ScanRequest) error {
	if m.uniform {
		return nil
	}
	columns := r.Columns
	if columns != nil && r.Filter != nil {
		columns = append(columns[:len(columns):len(columns)], pushdown.Columns(r.Filter)...)
	}
	for _, at := range t.tops(columns) {
		if m.at[at] < 0 {
			continue
		}
		from, to := file.Field(m.at[at]).Type, t.schema.Field(at).Type
		if err := t.lossless(from, to); err != nil {
			return &arrowio.Error{Op: "plan", URL: name, Column: t.schema.Field(at).Name, Hint: "--union-by-name, or --schema", Err: fmt.Errorf(
				"%w: it is %s here and %s in %s", arrowio.ErrCast, from, to, t.typedBy())}
		}
	}
	return nil
}

// typedBy names what the table's types come of.
func (t *Table) typedBy() string {
	switch {
	case t.o.Schema != nil:
		return "the schema that is given"
	case t.o.UnionByName || t.o.UnionByID:
		return "all files united"
	}
	return t.files[0].Name
}

// lossless says whether values of a type may become another's: of the same
// kind, where a value that does not fit is an error when it comes. Under a
// schema that is given, anything that can be cast.
func (t *Table) lossless(from, to arrow.DataType) error {
	a, b := arrowschema.Storage(from), arrowschema.Storage(to)
	ca, cb := kernel.ClassOf(a), kernel.ClassOf(b)
	switch {
	case arrow.TypeEqual(a, b), a.ID() == arrow.NULL, ca == cb && ca != kernel.None:
		return nil
	case ca == kernel.Number && cb == kernel.Float, ca == kernel.Float && cb == kernel.Number:
		return nil
	case arrow.IsNested(a.ID()) && arrow.IsNested(b.ID()):
		return nil // field by field, when it is read
	case t.o.Schema != nil && ca != kernel.None && cb != kernel.None:
		return nil
	}
	return errDiffer
}
