package program

import (
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/avro/internal/schema"
)

// FieldIDKey is the field metadata that holds a field's "field-id", under the
// name by which Parquet and Arrow keep it.
const FieldIDKey = "PARQUET:field_id"

// NameKey is the property of a field whose Arrow name is no legal name in Avro:
// it keeps the original.
const NameKey = "arrow-name"

// FieldName is a field's name in Arrow.
func FieldName(f *schema.Field) string {
	if name, ok := f.Props[NameKey].(string); ok {
		return name
	}
	return f.Name
}

// DefaultDepth is how often a recursive type is unrolled unless Options say
// otherwise.
const DefaultDepth = 8

// maxColumns bounds the columns, of all levels, that a schema may unroll to.
const maxColumns = 1 << 16

// Options say how Avro types become Arrow types.
type Options struct {
	// Depth is how many times a recursive type occurs on one path; 0 takes
	// DefaultDepth. What would be deeper is of type null.
	Depth int
	// EnumText reads enums as text instead of as dictionaries.
	EnumText bool
	// DurationBytes reads durations as their 12 bytes.
	DurationBytes bool
}

// ArrowSchema gives the columns of a schema: the fields of a record, or one
// column "value" of any other root.
func ArrowSchema(s *schema.Schema, o Options) (*arrow.Schema, error) {
	if o.Depth <= 0 {
		o.Depth = DefaultDepth
	}
	m := mapper{o: o, open: map[*schema.Schema]int{}}
	if s.Kind == schema.Record {
		m.open[s]++
		fields, err := m.fields(s)
		if err != nil {
			return nil, err
		}
		return arrow.NewSchema(fields, nil), nil
	}
	f, err := m.field("value", s)
	if err != nil {
		return nil, err
	}
	return arrow.NewSchema([]arrow.Field{f}, nil), nil
}

type mapper struct {
	o    Options
	open map[*schema.Schema]int // records on the path
	n    int
}

func (m *mapper) fields(s *schema.Schema) ([]arrow.Field, error) {
	fields := make([]arrow.Field, 0, len(s.Fields))
	for _, sf := range s.Fields {
		f, err := m.field(FieldName(sf), sf.Type)
		if err != nil {
			return nil, err
		}
		if id, ok := sf.Props["field-id"].(json.Number); ok {
			f.Metadata = with(f.Metadata, FieldIDKey, id.String())
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func with(md arrow.Metadata, key, value string) arrow.Metadata {
	return arrow.NewMetadata(append(md.Keys(), key), append(md.Values(), value))
}

// field maps a schema where it stands. A union of null and one more is a
// nullable field.
func (m *mapper) field(name string, s *schema.Schema) (f arrow.Field, err error) {
	if m.n++; m.n > maxColumns {
		return f, fmt.Errorf("%w: a recursive schema that unrolls to more than %d columns", arrowio.ErrLimit, maxColumns)
	}
	f.Name = name
	if s.Kind == schema.Union {
		rest, null := branches(s)
		switch len(rest) {
		case 0:
			f.Type, f.Nullable = arrow.Null, true
			return f, nil
		case 1:
			f, err = m.field(name, s.Branches[rest[0]])
			f.Nullable = f.Nullable || null
			return f, err
		}
		f.Type, err = m.union(s)
		return f, err
	}
	switch s.Logical {
	case schema.UUID:
		if s.Kind == schema.Fixed {
			f.Metadata = arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.uuid"})
		}
	}
	f.Type, err = m.typeOf(s)
	if f.Type == arrow.Null {
		f.Nullable = true
	}
	return f, err
}

// branches are a union's branches other than null, and whether it has null.
func branches(s *schema.Schema) (rest []int, null bool) {
	for i, b := range s.Branches {
		if b.Kind == schema.Null {
			null = true
		} else {
			rest = append(rest, i)
		}
	}
	return rest, null
}

func (m *mapper) union(s *schema.Schema) (arrow.DataType, error) {
	if len(s.Branches) > 127 {
		return nil, fmt.Errorf("%w: a union of %d branches, Arrow has 127", arrowio.ErrUnsupported, len(s.Branches))
	}
	var fields []arrow.Field
	var codes []arrow.UnionTypeCode
	used := map[string]bool{}
	for i, b := range s.Branches {
		name := b.Kind.String()
		if b.IsNamed() {
			if name = schema.Unqualified(b.Name); used[name] {
				name = b.Name
			}
		}
		for used[name] { // a type twice, as some writers allow
			name += "_"
		}
		used[name] = true
		f, err := m.field(name, b)
		if err != nil {
			return nil, err
		}
		fields, codes = append(fields, f), append(codes, arrow.UnionTypeCode(i))
	}
	return arrow.DenseUnionOf(fields, codes), nil
}

var timestamps = map[schema.Logical]*arrow.TimestampType{
	schema.TimestampMillis:      {Unit: arrow.Millisecond, TimeZone: "UTC"},
	schema.TimestampMicros:      {Unit: arrow.Microsecond, TimeZone: "UTC"},
	schema.TimestampNanos:       {Unit: arrow.Nanosecond, TimeZone: "UTC"},
	schema.LocalTimestampMillis: {Unit: arrow.Millisecond},
	schema.LocalTimestampMicros: {Unit: arrow.Microsecond},
	schema.LocalTimestampNanos:  {Unit: arrow.Nanosecond},
}

func (m *mapper) typeOf(s *schema.Schema) (arrow.DataType, error) {
	switch s.Logical {
	case schema.Decimal:
		switch {
		case s.Precision <= 38:
			return &arrow.Decimal128Type{Precision: int32(s.Precision), Scale: int32(s.Scale)}, nil
		case s.Precision <= 76:
			return &arrow.Decimal256Type{Precision: int32(s.Precision), Scale: int32(s.Scale)}, nil
		}
	case schema.Date:
		return arrow.FixedWidthTypes.Date32, nil
	case schema.TimeMillis:
		return arrow.FixedWidthTypes.Time32ms, nil
	case schema.TimeMicros:
		return arrow.FixedWidthTypes.Time64us, nil
	case schema.Duration:
		if !m.o.DurationBytes {
			return arrow.FixedWidthTypes.MonthDayNanoInterval, nil
		}
	default:
		if t := timestamps[s.Logical]; t != nil {
			return t, nil
		}
	}
	switch s.Kind {
	case schema.Null:
		return arrow.Null, nil
	case schema.Boolean:
		return arrow.FixedWidthTypes.Boolean, nil
	case schema.Int:
		return arrow.PrimitiveTypes.Int32, nil
	case schema.Long:
		return arrow.PrimitiveTypes.Int64, nil
	case schema.Float:
		return arrow.PrimitiveTypes.Float32, nil
	case schema.Double:
		return arrow.PrimitiveTypes.Float64, nil
	case schema.Bytes:
		return arrow.BinaryTypes.Binary, nil
	case schema.String:
		return arrow.BinaryTypes.String, nil
	case schema.Fixed:
		return &arrow.FixedSizeBinaryType{ByteWidth: s.Size}, nil
	case schema.Enum:
		if m.o.EnumText {
			return arrow.BinaryTypes.String, nil
		}
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, nil
	case schema.Array:
		f, err := m.field("item", s.Items)
		if err != nil {
			return nil, err
		}
		return arrow.ListOfField(f), nil
	case schema.Map:
		f, err := m.field("value", s.Items)
		if err != nil {
			return nil, err
		}
		return arrow.MapOfFields(arrow.Field{Name: "key", Type: arrow.BinaryTypes.String}, f), nil
	}
	return m.record(s)
}

func (m *mapper) record(s *schema.Schema) (arrow.DataType, error) {
	if m.open[s] >= m.o.Depth {
		return arrow.Null, nil
	}
	m.open[s]++
	defer func() { m.open[s]-- }()
	fields, err := m.fields(s)
	if err != nil {
		return nil, err
	}
	return arrow.StructOf(fields...), nil
}

// IsRecursive says that a schema contains itself.
func IsRecursive(s *schema.Schema) bool {
	open, done := map[*schema.Schema]bool{}, map[*schema.Schema]bool{}
	var walk func(s *schema.Schema) bool
	walk = func(s *schema.Schema) bool {
		if open[s] {
			return true
		}
		if done[s] {
			return false
		}
		open[s] = true
		defer func() { open[s], done[s] = false, true }()
		for _, f := range s.Fields {
			if walk(f.Type) {
				return true
			}
		}
		for _, b := range s.Branches {
			if walk(b) {
				return true
			}
		}
		return s.Items != nil && walk(s.Items)
	}
	return walk(s)
}
