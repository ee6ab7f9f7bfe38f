package parquet

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// storedSchema is s as ARROW:schema tells it: the same, but for timestamps,
// which have the units in which the file holds them, since other readers restore
// a time zone only where the units agree. Our own finds the unit that they had
// in the field's metadata.
func storedSchema(s *arrow.Schema, t *schema.Tree) *arrow.Schema {
	fields := make([]arrow.Field, s.NumFields())
	for i, f := range s.Fields() {
		fields[i] = storedField(f, t.Roots[i])
	}
	m := s.Metadata()
	return arrow.NewSchema(fields, &m)
}

func storedField(f arrow.Field, n *schema.Node) arrow.Field {
	if t, ok := arrowschema.Storage(f.Type).(*arrow.TimestampType); ok && n.Element != nil && t.Unit != schema.ArrowUnit(n.Element.Logical.Unit) {
		md := map[string]string{}
		if f.Metadata.Len() > 0 {
			md = f.Metadata.ToMap()
		}
		md[schema.UnitKey] = t.Unit.String()
		f.Metadata = arrow.MetadataFrom(md)
	}
	f.Type = storedType(f.Type, n)
	return f
}

func storedType(dt arrow.DataType, n *schema.Node) arrow.DataType {
	field := storedField
	switch t := dt.(type) {
	case *arrow.TimestampType:
		return &arrow.TimestampType{Unit: schema.ArrowUnit(n.Element.Logical.Unit), TimeZone: t.TimeZone}
	case *arrow.DictionaryType:
		return &arrow.DictionaryType{IndexType: t.IndexType, ValueType: storedType(t.ValueType, n), Ordered: t.Ordered}
	case *arrow.RunEndEncodedType:
		return arrow.RunEndEncodedOf(t.RunEnds(), storedType(t.Encoded(), n))
	case *arrow.StructType:
		fields := make([]arrow.Field, t.NumFields())
		for i, f := range t.Fields() {
			fields[i] = field(f, n.Children[i])
		}
		return arrow.StructOf(fields...)
	case *arrow.MapType:
		key, item := field(t.KeyField(), n.Children[0]), field(t.ItemField(), n.Children[1])
		m := arrow.MapOfFields(key, item)
		m.KeysSorted = t.KeysSorted
		return m
	case *arrow.ListType:
		return arrow.ListOfField(field(t.ElemField(), n.Children[0]))
	case *arrow.LargeListType:
		return arrow.LargeListOfField(field(t.ElemField(), n.Children[0]))
	case *arrow.ListViewType:
		return arrow.ListViewOfField(field(t.ElemField(), n.Children[0]))
	case *arrow.LargeListViewType:
		return arrow.LargeListViewOfField(field(t.ElemField(), n.Children[0]))
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOfField(t.Len(), field(t.ElemField(), n.Children[0]))
	}
	return dt
}

// sortingColumns finds the declared keys among the leaves.
func (o *WriteOptions) sortingColumns(t *schema.Tree) ([]meta.SortingColumn, error) {
	fields := fieldPaths(t)
	var out []meta.SortingColumn
	for _, s := range o.Sorting {
		found := -1
		for i, n := range t.Leaves {
			if fields[i] == s.Column || strings.Join(n.Path, ".") == s.Column {
				found = i
			}
		}
		if found < 0 {
			return nil, fmt.Errorf("%w: sorting by %q, which is no leaf column", arrowio.ErrColumn, s.Column)
		}
		out = append(out, meta.SortingColumn{Column: int32(found), Descending: s.Descending, NullsFirst: s.NullsFirst})
	}
	return out, nil
}
