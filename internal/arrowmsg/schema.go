// Package arrowmsg reads the metadata messages of the Arrow IPC format
// (Schema.fbs, Message.fbs, File.fbs) out of bytes that nobody vouches for:
// nothing is allocated on a claim that the bytes cannot back, and every place
// is checked.
//
//	bytes ─► flat ─► Schema | Message{RecordBatch | DictionaryBatch} | Footer
package arrowmsg

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
)

// maxDepth bounds the nesting of a schema.
const maxDepth = 256

// Schema is a schema and what an IPC reader needs besides.
type Schema struct {
	Arrow     *arrow.Schema
	Fields    []*Field
	BigEndian bool // the bodies of its batches
}

// Field is a field as it is laid out in batches.
type Field struct {
	arrow.Field
	Encoded  bool           // by a dictionary
	Dict     int64          // its id
	Value    arrow.DataType // what the dictionary, or the field, holds
	Children []*Field       // of Value
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", arrowio.ErrCorrupt, fmt.Sprintf(format, args...))
}

// DecodeSchema reads a schema message, without the length in front of it.
func DecodeSchema(b []byte) (*Schema, error) {
	m, err := Decode(b)
	if err != nil {
		return nil, err
	}
	if m.Schema == nil {
		return nil, corrupt("a message of %s where a schema is expected", m.Kind)
	}
	return m.Schema, nil
}

func schemaOf(t table) (s *Schema, err error) {
	defer func() {
		if p := recover(); p != nil { // a type that arrow-go refuses to make
			s, err = nil, corrupt("schema: %v", p)
		}
	}()
	s = &Schema{BigEndian: t.num(0, 2, 0) == 1}
	md := metadata(t, 2)
	t.vector(3, 8) // features
	d := &schemaDecoder{}
	s.Fields = d.fields(t, 1, 0)
	fields := make([]arrow.Field, len(s.Fields))
	for i, f := range s.Fields {
		fields[i] = f.Field
	}
	switch {
	case d.err != nil:
		return nil, d.err
	case t.f.bad:
		return nil, corrupt("a schema that reaches beyond its bytes")
	}
	s.Arrow = arrow.NewSchema(fields, &md)
	return s, nil
}

func metadata(t table, field int) arrow.Metadata {
	var keys, values []string
	t.tables(field, func(kv table) {
		keys, values = append(keys, kv.text(0)), append(values, kv.text(1))
	})
	return arrow.NewMetadata(keys, values)
}

type schemaDecoder struct{ err error }

func (d *schemaDecoder) fail(err error) arrow.DataType {
	if d.err == nil {
		d.err = err
	}
	return arrow.Null
}

func (d *schemaDecoder) fields(t table, field, depth int) (out []*Field) {
	if depth > maxDepth {
		d.fail(fmt.Errorf("%w: a schema nested more than %d levels deep", arrowio.ErrLimit, maxDepth))
		return nil
	}
	t.tables(field, func(ft table) {
		if d.err == nil {
			out = append(out, d.field(ft, depth))
		}
	})
	return out
}

func (d *schemaDecoder) field(t table, depth int) *Field {
	f := &Field{Field: arrow.Field{Name: t.text(0), Nullable: t.flag(1, false), Metadata: metadata(t, 6)}}
	f.Children = d.fields(t, 5, depth+1)
	if t.f.bad || d.err != nil {
		f.Type, f.Value = arrow.Null, arrow.Null
		return f
	}
	f.Value = d.typeOf(t.num(2, 1, 0), t.child(3), f.Children)
	f.Type = f.Value
	if dict := t.child(4); dict.ok {
		f.Encoded, f.Dict = true, dict.num(0, 8, 0)
		index := arrow.DataType(arrow.PrimitiveTypes.Int32)
		if it := dict.child(1); it.ok {
			index = d.integer(it)
		}
		f.Type = &arrow.DictionaryType{IndexType: index, ValueType: f.Value, Ordered: dict.flag(2, false)}
	}
	return f
}

func (d *schemaDecoder) integer(t table) arrow.DataType {
	signed := t.flag(1, false)
	switch width := t.num(0, 4, 0); {
	case width == 8 && signed:
		return arrow.PrimitiveTypes.Int8
	case width == 16 && signed:
		return arrow.PrimitiveTypes.Int16
	case width == 32 && signed:
		return arrow.PrimitiveTypes.Int32
	case width == 64 && signed:
		return arrow.PrimitiveTypes.Int64
	case width == 8:
		return arrow.PrimitiveTypes.Uint8
	case width == 16:
		return arrow.PrimitiveTypes.Uint16
	case width == 32:
		return arrow.PrimitiveTypes.Uint32
	case width == 64:
		return arrow.PrimitiveTypes.Uint64
	default:
		return d.fail(corrupt("an integer of %d bits", width))
	}
}

func (d *schemaDecoder) unit(v int64) arrow.TimeUnit {
	if v < 0 || v > 3 {
		d.fail(corrupt("time unit %d", v))
		return arrow.Second
	}
	return arrow.TimeUnit(v)
}

// The members of the Type union.
const (
	typeNull = 1 + iota
	typeInt
	typeFloat
	typeBinary
	typeUtf8
	typeBool
	typeDecimal
	typeDate
	typeTime
	typeTimestamp
	typeInterval
	typeList
	typeStruct
	typeUnion
	typeFixedSizeBinary
	typeFixedSizeList
	typeMap
	typeDuration
	typeLargeBinary
	typeLargeUtf8
	typeLargeList
	typeRunEnd
	typeBinaryView
	typeUtf8View
	typeListView
	typeLargeListView
)

func (d *schemaDecoder) typeOf(kind int64, t table, kids []*Field) arrow.DataType {
	want := map[int64]int{typeList: 1, typeLargeList: 1, typeListView: 1, typeLargeListView: 1, typeFixedSizeList: 1, typeMap: 1, typeRunEnd: 2}
	n, nested := want[kind]
	if kind != typeStruct && kind != typeUnion && (len(kids) != n || nested && n == 0) {
		return d.fail(corrupt("a field of type %d with %d children", kind, len(kids)))
	}
	switch kind {
	case typeNull:
		return arrow.Null
	case typeInt:
		return d.integer(t)
	case typeFloat:
		switch p := t.num(0, 2, 0); p {
		case 0:
			return arrow.FixedWidthTypes.Float16
		case 1:
			return arrow.PrimitiveTypes.Float32
		case 2:
			return arrow.PrimitiveTypes.Float64
		default:
			return d.fail(corrupt("floating point precision %d", p))
		}
	case typeBinary:
		return arrow.BinaryTypes.Binary
	case typeUtf8:
		return arrow.BinaryTypes.String
	case typeLargeBinary:
		return arrow.BinaryTypes.LargeBinary
	case typeLargeUtf8:
		return arrow.BinaryTypes.LargeString
	case typeBinaryView:
		return arrow.BinaryTypes.BinaryView
	case typeUtf8View:
		return arrow.BinaryTypes.StringView
	case typeBool:
		return arrow.FixedWidthTypes.Boolean
	case typeDecimal:
		return d.decimal(t)
	case typeDate:
		if t.num(0, 2, 1) == 0 {
			return arrow.FixedWidthTypes.Date32
		}
		return arrow.FixedWidthTypes.Date64
	case typeTime:
		unit := d.unit(t.num(0, 2, 1))
		if width := t.num(1, 4, 32); (width == 32) != (unit <= arrow.Millisecond) || width != 32 && width != 64 {
			return d.fail(corrupt("a time of %s in %d bits", unit, width))
		} else if width == 32 {
			return &arrow.Time32Type{Unit: unit}
		}
		return &arrow.Time64Type{Unit: unit}
	case typeTimestamp:
		return &arrow.TimestampType{Unit: d.unit(t.num(0, 2, 0)), TimeZone: t.text(1)}
	case typeDuration:
		return &arrow.DurationType{Unit: d.unit(t.num(0, 2, 1))}
	case typeInterval:
		switch u := t.num(0, 2, 0); u {
		case 0:
			return arrow.FixedWidthTypes.MonthInterval
		case 1:
			return arrow.FixedWidthTypes.DayTimeInterval
		case 2:
			return arrow.FixedWidthTypes.MonthDayNanoInterval
		default:
			return d.fail(corrupt("interval unit %d", u))
		}
	case typeFixedSizeBinary:
		if w := t.num(0, 4, 0); w >= 0 && w <= math.MaxInt32 {
			return &arrow.FixedSizeBinaryType{ByteWidth: int(w)}
		}
		return d.fail(corrupt("fixed-size binary of %d bytes", t.num(0, 4, 0)))
	}
	return d.nested(kind, t, kids)
}

func (d *schemaDecoder) decimal(t table) arrow.DataType {
	precision, scale, width := t.num(0, 4, 0), t.num(1, 4, 0), t.num(2, 4, 128)
	most := map[int64]int64{32: 9, 64: 18, 128: 38, 256: 76}[width]
	if precision < 1 || precision > most || scale < -1000 || scale > 1000 {
		return d.fail(corrupt("a decimal of precision %d and scale %d in %d bits", precision, scale, width))
	}
	switch width {
	case 32:
		return &arrow.Decimal32Type{Precision: int32(precision), Scale: int32(scale)}
	case 64:
		return &arrow.Decimal64Type{Precision: int32(precision), Scale: int32(scale)}
	case 128:
		return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}
	}
	return &arrow.Decimal256Type{Precision: int32(precision), Scale: int32(scale)}
}

func (d *schemaDecoder) nested(kind int64, t table, kids []*Field) arrow.DataType {
	fields := make([]arrow.Field, len(kids))
	for i, k := range kids {
		fields[i] = k.Field
	}
	switch kind {
	case typeStruct:
		return arrow.StructOf(fields...)
	case typeList:
		return arrow.ListOfField(fields[0])
	case typeLargeList:
		return arrow.LargeListOfField(fields[0])
	case typeListView:
		return arrow.ListViewOfField(fields[0])
	case typeLargeListView:
		return arrow.LargeListViewOfField(fields[0])
	case typeFixedSizeList:
		n := t.num(0, 4, 0)
		if n < 1 {
			return d.fail(fmt.Errorf("%w: lists of the fixed size %d", arrowio.ErrUnsupported, n))
		}
		return arrow.FixedSizeListOfField(int32(n), fields[0])
	case typeMap:
		st, ok := fields[0].Type.(*arrow.StructType)
		if !ok || st.NumFields() != 2 {
			return d.fail(corrupt("a map of %s", fields[0].Type))
		}
		m := arrow.MapOfFields(st.Field(0), st.Field(1))
		m.KeysSorted = t.flag(0, false)
		return m
	case typeRunEnd:
		switch fields[0].Type.ID() {
		case arrow.INT16, arrow.INT32, arrow.INT64:
		default:
			return d.fail(corrupt("run ends of %s", fields[0].Type))
		}
		r := arrow.RunEndEncodedOf(fields[0].Type, fields[1].Type)
		r.ValueNullable = fields[1].Nullable
		return r
	case typeUnion:
		return d.union(t, fields)
	}
	return d.fail(fmt.Errorf("%w: Arrow type %d", arrowio.ErrUnsupported, kind))
}

func (d *schemaDecoder) union(t table, fields []arrow.Field) arrow.DataType {
	at, n := t.vector(1, 4)
	codes := make([]arrow.UnionTypeCode, len(fields))
	for i := range codes {
		code := int64(i)
		if n > 0 {
			if n != len(fields) {
				return d.fail(corrupt("a union of %d types with %d codes", len(fields), n))
			}
			code = t.f.i32(at + int64(4*i))
		}
		if code < 0 || code > 127 {
			return d.fail(corrupt("union code %d", code))
		}
		codes[i] = arrow.UnionTypeCode(code)
	}
	seen := map[arrow.UnionTypeCode]bool{}
	for _, c := range codes {
		if seen[c] {
			return d.fail(corrupt("union code %d twice", c))
		}
		seen[c] = true
	}
	if t.num(0, 2, 0) == 0 {
		return arrow.SparseUnionOf(fields, codes)
	}
	return arrow.DenseUnionOf(fields, codes)
}
