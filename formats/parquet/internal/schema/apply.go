package schema

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// apply restores what ARROW:schema says of n: types that Parquet has no word
// for and that decoded values can be cast to without loss, and metadata. Where
// the two disagree, as after a rewrite by a tool that knows nothing of Arrow,
// the Parquet schema wins.
func (n *Node) apply(f arrow.Field) {
	if f.Name != n.Field.Name {
		return
	}
	dt := f.Type
	if e, ok := dt.(arrow.ExtensionType); ok {
		dt = e.StorageType()
		f.Metadata = merge(f.Metadata, arrow.MetadataFrom(extension(e.ExtensionName(), e.Serialize())))
	}
	switch n.Kind {
	case Leaf:
		if unit, ok := f.Metadata.GetValue(UnitKey); ok {
			dt = withUnit(dt, unit)
			md := f.Metadata.ToMap()
			delete(md, UnitKey)
			f.Metadata = arrow.MetadataFrom(md)
		}
		if !n.applyLeaf(dt) {
			return
		}
	case Struct:
		t, ok := dt.(*arrow.StructType)
		if !ok || t.NumFields() != len(n.Children) {
			return
		}
		for i, c := range n.Children {
			if t.Field(i).Name != c.Field.Name {
				return
			}
		}
		for i, c := range n.Children {
			c.apply(t.Field(i))
		}
		n.Rebuild()
	case List:
		t, ok := dt.(arrow.ListLikeType)
		if _, isMap := dt.(*arrow.MapType); !ok || isMap {
			return
		}
		elem := n.Children[0]
		stored := t.ElemField()
		name := stored.Name
		stored.Name = elem.Field.Name
		elem.apply(stored)
		elem.Field.Name = name
		n.Want = dt
		n.Rebuild()
	case Map:
		t, ok := dt.(*arrow.MapType)
		if !ok {
			return
		}
		for i, s := range []arrow.Field{t.KeyField(), t.ItemField()} {
			s.Name = n.Children[i].Field.Name
			n.Children[i].apply(s)
		}
		n.Want = dt
		n.Rebuild()
	}
	n.Field.Metadata = merge(f.Metadata, n.Field.Metadata)
}

// withUnit gives a timestamp, encoded or not, another unit.
func withUnit(dt arrow.DataType, unit string) arrow.DataType {
	switch t := dt.(type) {
	case *arrow.TimestampType:
		for _, u := range []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond} {
			if u.String() == unit {
				return &arrow.TimestampType{Unit: u, TimeZone: t.TimeZone}
			}
		}
	case *arrow.DictionaryType:
		return &arrow.DictionaryType{IndexType: t.IndexType, ValueType: withUnit(t.ValueType, unit), Ordered: t.Ordered}
	case *arrow.RunEndEncodedType:
		return arrow.RunEndEncodedOf(t.RunEnds(), withUnit(t.Encoded(), unit))
	}
	return dt
}

// merge keeps all keys of b and those of a that b lacks.
func merge(a, b arrow.Metadata) arrow.Metadata {
	if a.Len() == 0 {
		return b
	}
	m := a.ToMap()
	for k, v := range b.ToMap() {
		m[k] = v
	}
	return arrow.MetadataFrom(m)
}

// applyLeaf sets what n is shown as, if the stored type fits what is decoded.
func (n *Node) applyLeaf(dt arrow.DataType) bool {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		if !n.applyLeaf(t.ValueType) {
			return false
		}
		n.Want = &arrow.DictionaryType{IndexType: t.IndexType, ValueType: n.Want, Ordered: t.Ordered}
		return true
	case *arrow.RunEndEncodedType:
		if !n.applyLeaf(t.Encoded()) {
			return false
		}
		n.Want = arrow.RunEndEncodedOf(t.RunEnds(), n.Want)
		return true
	}
	natural := n.Field.Type
	if arrow.TypeEqual(natural, dt) {
		return true
	}
	// Types of one layout: the decoded array is simply called the other.
	if relabel(n.Element, natural, dt) {
		n.setType(dt)
		return true
	}
	if castable(natural, dt) {
		n.Want = dt
		return true
	}
	return false
}

func relabel(e *meta.SchemaElement, natural, dt arrow.DataType) bool {
	switch t := dt.(type) {
	case *arrow.TimestampType:
		u, ok := natural.(*arrow.TimestampType)
		return ok && u.Unit == t.Unit && (u.TimeZone != "") == (t.TimeZone != "") && e.Type == meta.Int64
	case *arrow.DurationType:
		return natural.ID() == arrow.INT64
	case *arrow.StringType:
		return natural.ID() == arrow.BINARY && e.Logical.Kind == meta.LogicalJSON
	}
	return false
}

// castable says that every value of natural has its place in dt, given that it
// came from there.
func castable(natural, dt arrow.DataType) bool {
	switch dt.ID() {
	case arrow.LARGE_STRING, arrow.STRING_VIEW:
		return natural.ID() == arrow.STRING
	case arrow.LARGE_BINARY, arrow.BINARY_VIEW:
		return natural.ID() == arrow.BINARY
	case arrow.DATE64:
		return natural.ID() == arrow.DATE32
	case arrow.TIME32:
		return natural.ID() == arrow.TIME32
	case arrow.TIMESTAMP:
		u, ok := natural.(*arrow.TimestampType)
		t := dt.(*arrow.TimestampType)
		return ok && (u.TimeZone != "") == (t.TimeZone != "")
	case arrow.DECIMAL32, arrow.DECIMAL64, arrow.DECIMAL128, arrow.DECIMAL256:
		from, ok := natural.(arrow.DecimalType)
		to := dt.(arrow.DecimalType)
		return ok && from.GetPrecision() == to.GetPrecision() && from.GetScale() == to.GetScale()
	}
	return false
}

// Rebuild makes the types of a group from those of its children.
func (n *Node) Rebuild() {
	want := make([]arrow.Field, len(n.Children))
	natural := make([]arrow.Field, len(n.Children))
	for i, c := range n.Children {
		natural[i], want[i] = c.Field, c.Exposed()
	}
	switch n.Kind {
	case Struct:
		n.Field.Type, n.Want = arrow.StructOf(natural...), arrow.StructOf(want...)
	case List:
		n.Field.Type = arrow.ListOfField(natural[0])
		switch t := n.Want.(type) {
		case *arrow.LargeListType:
			n.Want = arrow.LargeListOfField(want[0])
		case *arrow.FixedSizeListType:
			n.Want = arrow.FixedSizeListOfField(t.Len(), want[0])
		case *arrow.ListViewType:
			n.Want = arrow.ListViewOfField(want[0])
		case *arrow.LargeListViewType:
			n.Want = arrow.LargeListViewOfField(want[0])
		default:
			n.Want = arrow.ListOfField(want[0])
		}
	case Map:
		sorted := false
		if t, ok := n.Want.(*arrow.MapType); ok {
			sorted = t.KeysSorted
		}
		n.Field.Type = arrow.MapOfFields(natural[0], natural[1])
		m := arrow.MapOfFields(want[0], want[1])
		m.KeysSorted = sorted
		n.Want = m
	}
}
