package schema

import (
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// WriteOptions tune FromArrow.
type WriteOptions struct {
	// TimestampUnit stores every timestamp in one unit. NoUnit keeps each
	// column's own, but for seconds, which Parquet has not and which become
	// milliseconds, and nanoseconds, which become microseconds.
	TimestampUnit meta.TimeUnit
}

// FieldIDKey is the field metadata that carries a Parquet field id.
const FieldIDKey = "PARQUET:field_id"

// UnitKey is the field metadata, inside ARROW:schema alone, that carries the
// unit of a timestamp that was stored in another.
const UnitKey = "bdkit:unit"

// Names of the groups that make a list or a map (LogicalTypes.md, "Nested Types").
const (
	listGroup, listElement  = "list", "element"
	mapGroup, mapKey, mapVa = "key_value", "key", "value"
)

// maxDepth bounds the nesting of a schema that is written.
const maxDepth = 256

// FromArrow gives the Parquet schema in which data of schema s is written. The
// nodes' fields are those of s: a leaf's Arrow type may be a dictionary, a
// view, run-end encoded or an extension; [Storage] tells what lies below. A
// type that Parquet cannot hold is arrowio.ErrUnsupported naming the column.
func FromArrow(s *arrow.Schema, o WriteOptions) (*Tree, error) {
	b := builder{o: o}
	t := &Tree{Arrow: s}
	b.elems = append(b.elems, meta.SchemaElement{
		Name: "schema", NumChildren: int32(s.NumFields()), Converted: meta.NoConvertedType,
	})
	for _, f := range s.Fields() {
		n, err := b.node(f, f.Name, place{path: []string{f.Name}})
		if err != nil {
			return nil, err
		}
		t.Roots = append(t.Roots, n)
	}
	t.Elements = b.elems
	t.Leaves = b.leaves
	for i, n := range t.Leaves {
		n.Element = &t.Elements[b.elementOf[i]]
	}
	return t, nil
}

// ExtensionName is the extension type of a field, whether it is a registered
// type or field metadata over storage, and its serialized metadata.
func ExtensionName(f arrow.Field) (name, metadata string) {
	for dt := f.Type; ; {
		switch t := dt.(type) {
		case *arrow.DictionaryType:
			dt = t.ValueType
			continue
		case *arrow.RunEndEncodedType:
			dt = t.Encoded()
			continue
		case arrow.ExtensionType:
			return t.ExtensionName(), t.Serialize()
		}
		break
	}
	name, _ = f.Metadata.GetValue("ARROW:extension:name")
	metadata, _ = f.Metadata.GetValue("ARROW:extension:metadata")
	return name, metadata
}

type builder struct {
	o         WriteOptions
	elems     []meta.SchemaElement
	leaves    []*Node
	elementOf []int
}

// place is where a node hangs: the levels above it and its path.
type place struct {
	def, slot, rep int
	path           []string
}

func (p place) child(name string) place {
	p.path = append(p.path[:len(p.path):len(p.path)], name)
	return p
}

func (b *builder) node(f arrow.Field, name string, p place) (*Node, error) {
	if len(p.path) > maxDepth {
		return nil, columnError(p, arrowio.ErrLimit, "", "nested deeper than %d", maxDepth)
	}
	dt := arrowschema.Storage(f.Type)
	n := &Node{Field: f, Column: -1, Def: p.def, SlotDef: p.slot, Rep: p.rep}
	e := meta.SchemaElement{Name: name, Converted: meta.NoConvertedType, HasRep: true}
	if f.Nullable || dt.ID() == arrow.NULL {
		e.Repetition = meta.Optional
		n.Def++
	}
	if id, ok := f.Metadata.GetValue(FieldIDKey); ok {
		v, err := strconv.ParseInt(id, 10, 32)
		if err != nil {
			return nil, columnError(p, arrowio.ErrOption, "", "%s %q is not a 32-bit integer", FieldIDKey, id)
		}
		e.FieldID, e.HasFieldID = int32(v), true
	}
	inner := place{def: n.Def, slot: p.slot, rep: p.rep, path: p.path}
	switch t := dt.(type) {
	case *arrow.StructType:
		return n, b.structNode(n, e, f, t, inner)
	case *arrow.MapType:
		return n, b.mapNode(n, e, t, inner)
	case arrow.ListLikeType:
		return n, b.listNode(n, e, t.ElemField(), inner)
	case arrow.UnionType:
		return nil, columnError(p, arrowio.ErrUnsupported, "a struct with one nullable field per member", "Parquet has no union (%s)", dt)
	}
	if err := b.leaf(&e, f, dt, p); err != nil {
		return nil, err
	}
	n.Column, n.Path = len(b.leaves), p.path
	b.elementOf = append(b.elementOf, len(b.elems))
	b.elems = append(b.elems, e)
	b.leaves = append(b.leaves, n)
	return n, nil
}

func (b *builder) structNode(n *Node, e meta.SchemaElement, f arrow.Field, t *arrow.StructType, p place) error {
	if t.NumFields() == 0 {
		return columnError(p, arrowio.ErrUnsupported, "leave the column out or give the struct a field", "Parquet has no struct without fields")
	}
	n.Kind = Struct
	e.NumChildren = int32(t.NumFields())
	if name, _ := ExtensionName(f); name == "arrow.parquet.variant" || name == "parquet.variant" {
		e.Logical = meta.LogicalType{Kind: meta.LogicalVariant, Version: 1}
	}
	b.elems = append(b.elems, e)
	for _, c := range t.Fields() {
		child, err := b.node(c, c.Name, p.child(c.Name))
		if err != nil {
			return err
		}
		n.Children = append(n.Children, child)
	}
	return nil
}

func (b *builder) listNode(n *Node, e meta.SchemaElement, elem arrow.Field, p place) error {
	n.Kind = List
	e.NumChildren, e.Converted, e.Logical.Kind = 1, meta.ConvertedList, meta.LogicalList
	b.elems = append(b.elems, e, repeated(listGroup, 1))
	p = n.repeat(p).child(listGroup)
	child, err := b.node(elem, listElement, p.child(listElement))
	n.Children = []*Node{child}
	return err
}

func (b *builder) mapNode(n *Node, e meta.SchemaElement, t *arrow.MapType, p place) error {
	n.Kind = Map
	e.NumChildren, e.Converted, e.Logical.Kind = 1, meta.ConvertedMap, meta.LogicalMap
	b.elems = append(b.elems, e, repeated(mapGroup, 2))
	p = n.repeat(p).child(mapGroup)
	kf := t.KeyField()
	kf.Nullable = false
	key, err := b.node(kf, mapKey, p.child(mapKey))
	if err != nil {
		return err
	}
	val, err := b.node(t.ItemField(), mapVa, p.child(mapVa))
	n.Children = []*Node{key, val}
	return err
}

// repeat makes n the innermost list and gives the place of its elements.
func (n *Node) repeat(p place) place {
	n.Rep++
	p.rep++
	p.def++
	p.slot = p.def
	return p
}

func repeated(name string, children int32) meta.SchemaElement {
	return meta.SchemaElement{Name: name, HasRep: true, Repetition: meta.Repeated, NumChildren: children, Converted: meta.NoConvertedType}
}

// leaf fills in the physical and logical type in which dt is stored.
func (b *builder) leaf(e *meta.SchemaElement, f arrow.Field, dt arrow.DataType, p place) error {
	e.HasType = true
	ext, extMeta := ExtensionName(f)
	switch t := dt.(type) {
	case *arrow.NullType:
		e.Type, e.Logical.Kind = meta.Int32, meta.LogicalUnknown
	case *arrow.BooleanType:
		e.Type = meta.Boolean
	case *arrow.Int8Type:
		integer(e, meta.Int32, 8, true, meta.ConvertedInt8)
	case *arrow.Int16Type:
		integer(e, meta.Int32, 16, true, meta.ConvertedInt16)
	case *arrow.Int32Type:
		e.Type = meta.Int32
	case *arrow.Int64Type, *arrow.DurationType:
		e.Type = meta.Int64
	case *arrow.Uint8Type:
		integer(e, meta.Int32, 8, false, meta.ConvertedUint8)
	case *arrow.Uint16Type:
		integer(e, meta.Int32, 16, false, meta.ConvertedUint16)
	case *arrow.Uint32Type:
		integer(e, meta.Int32, 32, false, meta.ConvertedUint32)
	case *arrow.Uint64Type:
		integer(e, meta.Int64, 64, false, meta.ConvertedUint64)
	case *arrow.Float16Type:
		e.Type, e.TypeLength, e.Logical.Kind = meta.FixedLenByteArray, 2, meta.LogicalFloat16
	case *arrow.Float32Type:
		e.Type = meta.Float
	case *arrow.Float64Type:
		e.Type = meta.Double
	case *arrow.Date32Type, *arrow.Date64Type:
		e.Type, e.Converted, e.Logical.Kind = meta.Int32, meta.ConvertedDate, meta.LogicalDate
	case *arrow.Time32Type:
		e.Type, e.Converted, e.Logical = meta.Int32, meta.ConvertedTimeMillis, meta.LogicalType{Kind: meta.LogicalTime, Unit: meta.Millis}
	case *arrow.Time64Type:
		e.Type, e.Logical = meta.Int64, meta.LogicalType{Kind: meta.LogicalTime, Unit: timeUnit(t.Unit)}
		if e.Logical.Unit == meta.Micros {
			e.Converted = meta.ConvertedTimeMicros
		}
	case *arrow.TimestampType:
		b.timestamp(e, t)
	case *arrow.MonthIntervalType, *arrow.DayTimeIntervalType, *arrow.MonthDayNanoIntervalType:
		e.Type, e.TypeLength, e.Converted = meta.FixedLenByteArray, 12, meta.ConvertedInterval
	case arrow.DecimalType:
		return decimal(e, t, p)
	case *arrow.FixedSizeBinaryType:
		if t.ByteWidth <= 0 {
			return columnError(p, arrowio.ErrUnsupported, "cast it to binary", "Parquet has no %s", dt)
		}
		e.Type, e.TypeLength = meta.FixedLenByteArray, int32(t.ByteWidth)
		if ext == "arrow.uuid" && t.ByteWidth == 16 {
			e.Logical.Kind = meta.LogicalUUID
		}
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		e.Type, e.Converted, e.Logical.Kind = meta.ByteArray, meta.ConvertedUTF8, meta.LogicalString
		if ext == "arrow.json" {
			e.Converted, e.Logical.Kind = meta.ConvertedJSON, meta.LogicalJSON
		}
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.BinaryViewType:
		e.Type = meta.ByteArray
		if ext == "geoarrow.wkb" {
			e.Logical = geo(extMeta)
		}
	default:
		return columnError(p, arrowio.ErrUnsupported, "cast it to a type that Parquet has", "Parquet has no %s", dt)
	}
	return nil
}

func integer(e *meta.SchemaElement, t meta.Type, width int8, signed bool, c meta.ConvertedType) {
	e.Type, e.Converted = t, c
	e.Logical = meta.LogicalType{Kind: meta.LogicalInteger, BitWidth: width, Signed: signed}
}

func timeUnit(u arrow.TimeUnit) meta.TimeUnit {
	switch u {
	case arrow.Microsecond:
		return meta.Micros
	case arrow.Nanosecond:
		return meta.Nanos
	}
	return meta.Millis
}

// timestamp sets the legacy annotation besides, of local timestamps too, as
// writers must although it means an instant (LogicalTypes.md, "Deprecated
// timestamp ConvertedType"); readers that know the logical type go by that.
func (b *builder) timestamp(e *meta.SchemaElement, t *arrow.TimestampType) {
	unit := b.o.TimestampUnit
	if unit == meta.NoUnit {
		if unit = timeUnit(t.Unit); unit == meta.Nanos {
			unit = meta.Micros
		}
	}
	e.Type = meta.Int64
	e.Logical = meta.LogicalType{Kind: meta.LogicalTimestamp, Unit: unit, UTC: t.TimeZone != ""}
	switch unit {
	case meta.Millis:
		e.Converted = meta.ConvertedTimestampMs
	case meta.Micros:
		e.Converted = meta.ConvertedTimestampUs
	}
}

func decimal(e *meta.SchemaElement, t arrow.DecimalType, p place) error {
	precision, scale := t.GetPrecision(), t.GetScale()
	if scale < 0 || scale > precision || precision <= 0 {
		return columnError(p, arrowio.ErrUnsupported, "cast it to a decimal whose scale is between 0 and its precision", "Parquet has no %s", t)
	}
	switch {
	case precision <= 9:
		e.Type = meta.Int32
	case precision <= 18:
		e.Type = meta.Int64
	default:
		e.Type = meta.FixedLenByteArray
		e.TypeLength = int32(math.Ceil((float64(precision)*math.Log2(10) + 1) / 8))
	}
	e.Precision, e.Scale, e.Converted = precision, scale, meta.ConvertedDecimal
	e.Logical = meta.LogicalType{Kind: meta.LogicalDecimal, Precision: precision, Scale: scale}
	return nil
}

func columnError(p place, err error, hint, format string, args ...any) error {
	return &arrowio.Error{Op: "write", Column: dotted(p.path), Hint: hint, Err: fmt.Errorf("%w: "+format, append([]any{err}, args...)...)}
}

func dotted(path []string) string {
	s := ""
	for i, e := range path {
		if i > 0 {
			s += "."
		}
		s += e
	}
	return s
}
