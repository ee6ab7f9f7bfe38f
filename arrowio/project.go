package arrowio

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/pushdown"
)

// ProjectSchema is the schema of a ScanRequest's Columns: fields in the order
// in which their columns are first named, paths of one column merged into a
// struct with just those fields, in the schema's order. Nil paths are all. A
// column that is not there, or there twice, is ErrColumn.
func ProjectSchema(s *arrow.Schema, paths []pushdown.Path) (*arrow.Schema, error) {
	p, err := newProjection(s, paths)
	if err != nil {
		return nil, err
	}
	return p.schema, nil
}

// projection takes batches of one schema to a part of it.
type projection struct {
	schema *arrow.Schema
	picks  []pick
	all    bool // nothing to do
}

// pick is one field: its index, and what of it is wanted, nil for the whole.
type pick struct {
	index int
	parts []pick
	field arrow.Field
}

func newProjection(s *arrow.Schema, paths []pushdown.Path) (*projection, error) {
	if paths == nil {
		return &projection{schema: s, all: true}, nil
	}
	picks, err := pickFields(s.Fields(), paths, "", false)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, len(picks))
	all := len(picks) == s.NumFields()
	for i, p := range picks {
		fields[i] = p.field
		all = all && p.index == i && p.parts == nil
	}
	md := s.Metadata()
	return &projection{schema: arrow.NewSchema(fields, &md), picks: picks, all: all}, nil
}

// pickFields groups the paths by their first name. At the top the order is
// that of the paths, inside a struct that of its fields.
func pickFields(fields []arrow.Field, paths []pushdown.Path, within string, sorted bool) ([]pick, error) {
	var order []int
	rest := map[int][]pushdown.Path{}
	whole := map[int]bool{}
	for _, p := range paths {
		if len(p) == 0 {
			return nil, fmt.Errorf("%w: an empty path", ErrColumn)
		}
		at := -1
		for i, f := range fields {
			if f.Name == p[0] {
				if at >= 0 {
					return nil, fmt.Errorf("%w: %s stands for two columns", ErrColumn, within+p[0])
				}
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("%w: no column %s", ErrColumn, within+p[0])
		}
		if !whole[at] && rest[at] == nil {
			order = append(order, at)
		}
		if len(p) == 1 {
			whole[at] = true
		} else {
			rest[at] = append(rest[at], p[1:])
		}
	}
	if sorted {
		slices.Sort(order)
	}
	picks := make([]pick, len(order))
	for i, at := range order {
		f := fields[at]
		picks[i] = pick{index: at, field: f}
		if whole[at] {
			continue
		}
		st, ok := f.Type.(*arrow.StructType)
		if !ok {
			return nil, fmt.Errorf("%w: %s is no struct and has no field %q", ErrColumn, within+f.Name, rest[at][0][0])
		}
		parts, err := pickFields(st.Fields(), rest[at], within+f.Name+".", true)
		if err != nil {
			return nil, err
		}
		inner := make([]arrow.Field, len(parts))
		for k, p := range parts {
			inner[k] = p.field
		}
		picks[i].parts = parts
		picks[i].field.Type = arrow.StructOf(inner...)
	}
	return picks, nil
}

// apply gives the projected batch; the caller releases it.
func (p *projection) apply(rec arrow.RecordBatch) arrow.RecordBatch {
	if p.all {
		rec.Retain()
		return rec
	}
	cols := make([]arrow.Array, len(p.picks))
	for i, k := range p.picks {
		cols[i] = k.take(rec.Column(k.index))
		defer cols[i].Release()
	}
	return array.NewRecordBatch(p.schema, cols, rec.NumRows())
}

// take gives the wanted part of a column, sharing its memory.
func (k pick) take(arr arrow.Array) arrow.Array {
	if k.parts == nil {
		arr.Retain()
		return arr
	}
	d := arr.Data()
	children := make([]arrow.ArrayData, len(k.parts))
	for i, p := range k.parts {
		child := array.MakeFromData(d.Children()[p.index])
		part := p.take(child)
		child.Release()
		defer part.Release()
		children[i] = part.Data()
	}
	out := array.NewData(k.field.Type, d.Len(), []*memory.Buffer{d.Buffers()[0]}, children, d.NullN(), d.Offset())
	defer out.Release()
	return array.MakeFromData(out)
}
