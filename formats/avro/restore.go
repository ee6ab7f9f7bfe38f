package avro

import (
	"github.com/apache/arrow-go/v18/arrow"
)

// restore takes the types that a file's Avro schema gives to those that its
// ARROW:schema tells: built is what the columns are built as, shown what they
// are then cast to. Where the two disagree, as after a rewrite by a tool that
// knows nothing of Arrow, the Avro schema wins.
func restore(natural, stored *arrow.Schema) (built, shown *arrow.Schema) {
	if stored.NumFields() != natural.NumFields() {
		return natural, natural
	}
	var b, s []arrow.Field
	for i, f := range natural.Fields() {
		bf, sf := restoreField(f, stored.Field(i))
		b, s = append(b, bf), append(s, sf)
	}
	md := stored.Metadata()
	return arrow.NewSchema(b, nil), arrow.NewSchema(s, &md)
}

func restoreField(n, s arrow.Field) (built, shown arrow.Field) {
	if n.Name != s.Name {
		return n, n
	}
	b, t, ok := restoreType(n.Type, s.Type)
	if !ok {
		return n, n
	}
	built, shown = n, n
	built.Type, shown.Type = b, t
	shown.Metadata = merged(s.Metadata, n.Metadata)
	if e, ok := s.Type.(arrow.ExtensionType); ok {
		md := arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{e.ExtensionName(), e.Serialize()})
		shown.Metadata = merged(shown.Metadata, md)
	}
	return built, shown
}

// merged keeps all keys of b and those of a that b lacks.
func merged(a, b arrow.Metadata) arrow.Metadata {
	if a.Len() == 0 {
		return b
	}
	m := a.ToMap()
	for k, v := range b.ToMap() {
		m[k] = v
	}
	return arrow.MetadataFrom(m)
}

// restoreType says as what a natural type is built and shown, if the stored
// type is one that comes back.
func restoreType(n, s arrow.DataType) (built, shown arrow.DataType, ok bool) {
	if e, isExt := s.(arrow.ExtensionType); isExt {
		s = e.StorageType()
	}
	switch t := s.(type) {
	case *arrow.DictionaryType:
		built, shown, ok = restoreType(n, t.ValueType)
		return built, &arrow.DictionaryType{IndexType: t.IndexType, ValueType: shown, Ordered: t.Ordered}, ok && !arrow.IsNested(shown.ID())
	case *arrow.RunEndEncodedType:
		built, shown, ok = restoreType(n, t.Encoded())
		return built, arrow.RunEndEncodedOf(t.RunEnds(), shown), ok
	}
	if nt, isList := n.(*arrow.ListType); isList {
		return restoreList(nt, s)
	}
	switch nt := n.(type) {
	case *arrow.MapType:
		t, isMap := s.(*arrow.MapType)
		if !isMap {
			return n, n, false
		}
		key, value := t.KeyField(), t.ItemField()
		key.Name, value.Name = nt.KeyField().Name, nt.ItemField().Name
		bk, sk := restoreField(nt.KeyField(), key)
		bv, sv := restoreField(nt.ItemField(), value)
		sk.Name, sv.Name = t.KeyField().Name, t.ItemField().Name
		m := arrow.MapOfFields(sk, sv)
		m.KeysSorted = t.KeysSorted
		return arrow.MapOfFields(bk, bv), m, true
	case *arrow.StructType:
		if t := intervalOf(nt); t != nil && arrow.TypeEqual(t, s) {
			return s, s, true
		}
		t, isStruct := s.(*arrow.StructType)
		if !isStruct || t.NumFields() != nt.NumFields() {
			return n, n, false
		}
		var bf, sf []arrow.Field
		for i, f := range nt.Fields() {
			b, s := restoreField(f, t.Field(i))
			bf, sf = append(bf, b), append(sf, s)
		}
		return arrow.StructOf(bf...), arrow.StructOf(sf...), true
	case *arrow.DenseUnionType:
		return n, n, arrow.TypeEqual(n, s)
	}
	switch {
	case arrow.TypeEqual(n, s) || sameLayout(n, s):
		return s, s, true
	case castable(n, s):
		return n, s, true
	}
	return n, n, false
}

func restoreList(n *arrow.ListType, s arrow.DataType) (built, shown arrow.DataType, ok bool) {
	t, isList := s.(arrow.ListLikeType)
	if !isList {
		return n, n, false
	}
	elem := t.ElemField()
	name := elem.Name
	elem.Name = n.ElemField().Name
	if m, isMap := s.(*arrow.MapType); isMap { // of keys that are no strings: records of key and value
		elem.Type = arrow.StructOf(renamed(m.KeyField(), "key"), renamed(m.ItemField(), "value"))
	}
	b, e := restoreField(n.ElemField(), elem)
	e.Name = name
	built = arrow.ListOfField(b)
	switch t := s.(type) {
	case *arrow.ListType:
		return built, arrow.ListOfField(e), true
	case *arrow.LargeListType:
		return arrow.LargeListOfField(b), arrow.LargeListOfField(e), true
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOfField(t.Len(), b), arrow.FixedSizeListOfField(t.Len(), e), true
	case *arrow.ListViewType:
		return built, arrow.ListViewOfField(e), true
	case *arrow.LargeListViewType:
		return built, arrow.LargeListViewOfField(e), true
	case *arrow.MapType:
		st, isStruct := e.Type.(*arrow.StructType)
		if !isStruct || st.NumFields() != 2 {
			return n, n, false
		}
		m := arrow.MapOfFields(renamed(st.Field(0), t.KeyField().Name), renamed(st.Field(1), t.ItemField().Name))
		m.KeysSorted = t.KeysSorted
		return built, m, true
	}
	return n, n, false
}

func renamed(f arrow.Field, name string) arrow.Field {
	f.Name = name
	return f
}

// sameLayout tells types whose values lie in memory as the natural type's do:
// columns are built as them at once.
func sameLayout(n, s arrow.DataType) bool {
	switch t := s.(type) {
	case *arrow.TimestampType:
		u, ok := n.(*arrow.TimestampType)
		return ok && u.Unit == t.Unit && (u.TimeZone != "") == (t.TimeZone != "")
	case *arrow.DurationType:
		return n.ID() == arrow.INT64
	case *arrow.Time64Type:
		return n.ID() == arrow.INT64 && t.Unit == arrow.Nanosecond
	case *arrow.MonthIntervalType:
		return n.ID() == arrow.INT32
	}
	return false
}

// castable says that every value of the natural type has its place in s, given
// that it came from there.
func castable(n, s arrow.DataType) bool {
	switch s.ID() {
	case arrow.INT8, arrow.INT16, arrow.UINT8, arrow.UINT16:
		return n.ID() == arrow.INT32
	case arrow.UINT32:
		return n.ID() == arrow.INT64
	case arrow.FLOAT16:
		return n.ID() == arrow.FLOAT32
	case arrow.LARGE_STRING, arrow.STRING_VIEW:
		return n.ID() == arrow.STRING
	case arrow.LARGE_BINARY, arrow.BINARY_VIEW:
		return n.ID() == arrow.BINARY
	case arrow.DATE64:
		return n.ID() == arrow.DATE32
	case arrow.TIME32:
		return n.ID() == arrow.TIME32
	case arrow.TIMESTAMP:
		u, ok := n.(*arrow.TimestampType)
		return ok && u.Unit == arrow.Millisecond && s.(*arrow.TimestampType).Unit == arrow.Second && (u.TimeZone != "") == (s.(*arrow.TimestampType).TimeZone != "")
	}
	d, ok := n.(arrow.DecimalType)
	if s.ID() == arrow.UINT64 {
		return ok && d.GetPrecision() == 20 && d.GetScale() == 0
	}
	to, isDecimal := s.(arrow.DecimalType)
	if !ok || !isDecimal {
		return false
	}
	precision, scale := decimalOf(to)
	return int(d.GetPrecision()) == precision && int(d.GetScale()) == scale
}

// decimalOf is the precision and scale at which a decimal is written: Avro has
// no negative scale and none beyond the precision.
func decimalOf(t arrow.DecimalType) (precision, scale int) {
	precision, scale = int(t.GetPrecision()), int(t.GetScale())
	if scale < 0 {
		return precision - scale, 0
	}
	return max(precision, scale), scale
}

// intervalOf is the interval that a record of the writer's stands for; nil if
// it is none.
func intervalOf(t *arrow.StructType) arrow.DataType {
	switch {
	case t.NumFields() == 3 && isField(t.Field(0), "months", arrow.INT32) && isField(t.Field(1), "days", arrow.INT32) && isField(t.Field(2), "nanoseconds", arrow.INT64):
		return arrow.FixedWidthTypes.MonthDayNanoInterval
	case t.NumFields() == 2 && isField(t.Field(0), "days", arrow.INT32) && isField(t.Field(1), "milliseconds", arrow.INT32):
		return arrow.FixedWidthTypes.DayTimeInterval
	}
	return nil
}

func isField(f arrow.Field, name string, t arrow.Type) bool {
	return f.Name == name && f.Type.ID() == t && !f.Nullable
}
