package convert

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel"
)

// Shape changes columns: drop, then cast, rename, add, and last conform to a
// schema.
type Shape struct {
	Drop   []string
	Cast   []Cast
	Rename []Rename
	Add    []Added
	// Schema, if set, is that of the output: its columns by name, in its order,
	// of its types. Those that are missing are null; one too many is an error.
	Schema *arrow.Schema
	// CastNulls makes a value that does not fit null.
	CastNulls bool
	// Filtered says that rows or columns are selected before, so that what is
	// written is not what is stored.
	Filtered bool
}

// Cast is a column and the type that it shall have.
type Cast struct {
	Column string
	Type   arrow.DataType
}

// Rename is a column and its new name.
type Rename struct{ Old, New string }

// Added is a column of one value.
type Added struct {
	Name  string
	Value arrow.Array // of one element
}

func (s *Shape) changes() bool {
	return len(s.Drop)+len(s.Cast)+len(s.Rename)+len(s.Add) > 0 || s.Schema != nil || s.Filtered
}

// shaping is a Shape compiled for a schema.
type shaping struct {
	schema *arrow.Schema
	cols   []shaped
	nulls  bool
}

type shaped struct {
	from     int         // in the source; -1: value
	value    arrow.Array // one element
	cast     bool
	required bool
}

func (s *Shape) compile(in *arrow.Schema) (*shaping, error) {
	fields := slices.Clone(in.Fields())
	cols := make([]shaped, len(fields))
	for i := range cols {
		cols[i].from = i
	}
	index := func(name, flag string) (int, error) {
		at := slices.IndexFunc(fields, func(f arrow.Field) bool { return f.Name == name })
		if at < 0 {
			return 0, fmt.Errorf("%w: --%s: no column %q", arrowio.ErrColumn, flag, name)
		}
		return at, nil
	}
	for _, name := range s.Drop {
		at, err := index(name, "drop")
		if err != nil {
			return nil, err
		}
		fields, cols = slices.Delete(fields, at, at+1), slices.Delete(cols, at, at+1)
	}
	for _, c := range s.Cast {
		at, err := index(c.Column, "cast")
		if err != nil {
			return nil, err
		}
		fields[at].Type, cols[at].cast = c.Type, true
		fields[at].Nullable = fields[at].Nullable || s.CastNulls
	}
	renamed := slices.Clone(fields)
	for _, r := range s.Rename { // all at once, so that two may swap
		at, err := index(r.Old, "rename")
		if err != nil {
			return nil, err
		}
		renamed[at].Name = r.New
	}
	fields = renamed
	for _, a := range s.Add {
		fields = append(fields, arrow.Field{Name: a.Name, Type: a.Value.DataType(), Nullable: a.Value.NullN() > 0})
		cols = append(cols, shaped{from: -1, value: a.Value})
	}
	if len(s.Rename)+len(s.Add) > 0 { // names of a source are its own
		named := map[string]bool{}
		for _, f := range fields {
			if named[f.Name] {
				return nil, fmt.Errorf("%w: two columns would be named %q", arrowio.ErrOption, f.Name)
			}
			named[f.Name] = true
		}
	}
	md := in.Metadata()
	if s.Schema != nil {
		return s.conform(fields, cols, md)
	}
	return &shaping{schema: arrow.NewSchema(fields, &md), cols: cols, nulls: s.CastNulls}, nil
}

// conform brings columns to those of Shape.Schema.
func (s *Shape) conform(fields []arrow.Field, cols []shaped, md arrow.Metadata) (*shaping, error) {
	out := &shaping{nulls: s.CastNulls}
	used := make([]bool, len(fields))
	to := slices.Clone(s.Schema.Fields())
	for i, f := range to {
		at := slices.IndexFunc(fields, func(g arrow.Field) bool { return g.Name == f.Name })
		if at < 0 {
			if !f.Nullable {
				return nil, fmt.Errorf("%w: --schema: no column %q, which must not be null (try: --add)", arrowio.ErrColumn, f.Name)
			}
			none := array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, 1)
			out.cols = append(out.cols, shaped{from: -1, value: none})
			continue
		}
		used[at] = true
		c := cols[at]
		if c.from < 0 {
			v, err := kernel.Cast(memory.DefaultAllocator, c.value, f.Type, kernel.CastOptions{})
			if err != nil {
				return nil, fmt.Errorf("--add %s: %w", f.Name, err)
			}
			c.value = v
		} else if !arrow.TypeEqual(fields[at].Type, f.Type) {
			if c.cast {
				return nil, fmt.Errorf("%w: --cast and --schema give column %q different types", arrowio.ErrOption, f.Name)
			}
			c.cast = true
		}
		c.required = !f.Nullable
		to[i].Nullable = f.Nullable || c.cast && s.CastNulls
		out.cols = append(out.cols, c)
	}
	for i, f := range fields {
		if !used[i] {
			return nil, fmt.Errorf("%w: --schema lacks column %q (try: --drop %s)", arrowio.ErrColumn, f.Name, f.Name)
		}
	}
	out.schema = arrow.NewSchema(to, &md)
	return out, nil
}

// column gives column i of the output.
func (s *shaping) column(rec arrow.RecordBatch, i int, nulls bool) (arrow.Array, error) {
	c, f := s.cols[i], s.schema.Field(i)
	var out arrow.Array
	var err error
	switch {
	case c.from < 0:
		return kernel.Take(memory.DefaultAllocator, c.value, make([]int32, rec.NumRows()))
	case c.cast:
		out, err = kernel.Cast(memory.DefaultAllocator, rec.Column(c.from), f.Type, kernel.CastOptions{Nulls: nulls})
	default:
		out = rec.Column(c.from)
		out.Retain()
	}
	if err == nil && c.required && !nulls && out.NullN() > 0 {
		out.Release()
		err = fmt.Errorf("%w: null where --schema wants a value", arrowio.ErrCast)
	}
	if err != nil {
		return nil, &arrowio.Error{Op: "cast", Column: f.Name, Hint: "--cast-errors null, --on-bad-row skip", Err: err}
	}
	return out, nil
}

// apply gives a batch its new shape.
func (s *shaping) apply(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	return s.build(rec, s.nulls)
}

func (s *shaping) build(rec arrow.RecordBatch, nulls bool) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, 0, len(s.cols))
	defer func() { releaseAll(cols) }()
	for i := range s.cols {
		c, err := s.column(rec, i, nulls)
		if err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	return array.NewRecordBatch(s.schema, cols, rec.NumRows()), nil
}

// badBatch is rows that cannot take the new shape, as they are, each with its
// reason.
type badBatch struct {
	arrow.RecordBatch
	why []string
}

// divide gives the rows of a batch that can take the new shape, in it, and the
// others; nil if there are none.
func (s *shaping) divide(rec arrow.RecordBatch) (good arrow.RecordBatch, bad *badBatch, err error) {
	good, err = s.apply(rec)
	if err == nil || !errors.Is(err, arrowio.ErrCast) {
		return good, nil, err
	}
	n := int(rec.NumRows())
	why := make([]string, n)
	wrong := kernel.NewBitmap(n)
	for i, c := range s.cols {
		if c.from < 0 || !c.cast && !c.required {
			continue
		}
		out, err := s.column(rec, i, true)
		if err != nil {
			return nil, nil, err
		}
		in, f := rec.Column(c.from), s.schema.Field(i)
		for r := range n {
			switch null := logicalNull(in, r); {
			case !out.IsNull(r) || why[r] != "" || null && !c.required:
				continue
			case null:
				why[r] = "column " + f.Name + ": null, where --schema wants a value"
			default:
				why[r] = "column " + f.Name + ": the value does not fit " + f.Type.String()
			}
			wrong.Set(r)
		}
		out.Release()
	}
	ok := kernel.Full(n)
	ok.AndNot(wrong)
	fine, err := kernel.FilterBatch(memory.DefaultAllocator, rec, ok)
	if err != nil {
		return nil, nil, err
	}
	defer fine.Release()
	if good, err = s.apply(fine); err != nil {
		return nil, nil, err
	}
	rest, err := kernel.FilterBatch(memory.DefaultAllocator, rec, wrong)
	if err != nil {
		good.Release()
		return nil, nil, err
	}
	return good, &badBatch{rest, slices.DeleteFunc(why, func(w string) bool { return w == "" })}, nil
}

// logicalNull sees through dictionaries and runs.
func logicalNull(a arrow.Array, i int) bool {
	switch a := a.(type) {
	case *array.Dictionary:
		return a.IsNull(i) || a.Dictionary().IsNull(a.GetValueIndex(i))
	case *array.RunEndEncoded:
		return a.Values().IsNull(a.GetPhysicalIndex(i))
	}
	return a.IsNull(i)
}
