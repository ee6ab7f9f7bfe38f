// Package schema is Avro's schemas: parsing, names, logical types, the
// canonical form and its fingerprint, and the rules by which a reader's schema
// matches a writer's (specification 1.12, "Schema Declaration", "Schema
// Resolution").
package schema

// Kind is a schema's type.
type Kind uint8

// The kinds. Error records are records.
const (
	Null Kind = iota
	Boolean
	Int
	Long
	Float
	Double
	Bytes
	String
	Record
	Enum
	Array
	Map
	Union
	Fixed
)

var kindNames = [...]string{"null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum", "array", "map", "union", "fixed"}

func (k Kind) String() string { return kindNames[k] }

// Logical is a logical type of the specification. One that is unknown, or
// invalid where it stands, is None, as the specification asks.
type Logical uint8

// The logical types.
const (
	None Logical = iota
	Decimal
	BigDecimal
	UUID
	Date
	TimeMillis
	TimeMicros
	TimestampMillis
	TimestampMicros
	TimestampNanos
	LocalTimestampMillis
	LocalTimestampMicros
	LocalTimestampNanos
	Duration
)

var logicalNames = [...]string{
	"", "decimal", "big-decimal", "uuid", "date", "time-millis", "time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos",
	"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos", "duration",
}

func (l Logical) String() string { return logicalNames[l] }

// Schema is one node. Named types are shared: a reference is the same *Schema,
// and a recursive schema is a cycle.
type Schema struct {
	Kind    Kind
	Name    string   // full name of a record, enum or fixed
	Aliases []string // full names
	Doc     string

	Fields     []*Field  // of a record
	Symbols    []string  // of an enum
	Default    string    // of an enum, if HasDefault
	Items      *Schema   // of an array or map
	Branches   []*Schema // of a union
	Size       int       // of a fixed
	HasDefault bool

	Logical   Logical
	Precision int
	Scale     int

	// Props are the attributes that the specification does not define.
	Props map[string]any
}

// Field of a record.
type Field struct {
	Name       string
	Aliases    []string
	Doc        string
	Type       *Schema
	Default    any // JSON with json.Number, if HasDefault
	HasDefault bool
	Props      map[string]any
}

// Unqualified is a name without its namespace.
func Unqualified(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			return name[i+1:]
		}
	}
	return name
}

// IsNamed says that a schema is a definition with a name.
func (s *Schema) IsNamed() bool { return s.Kind == Record || s.Kind == Enum || s.Kind == Fixed }

// Nullable tells a union of null and one other type, and which of its branches
// is null.
func (s *Schema) Nullable() (other *Schema, null int, ok bool) {
	if s.Kind != Union || len(s.Branches) != 2 {
		return nil, 0, false
	}
	switch {
	case s.Branches[0].Kind == Null && s.Branches[1].Kind != Null:
		return s.Branches[1], 0, true
	case s.Branches[1].Kind == Null && s.Branches[0].Kind != Null:
		return s.Branches[0], 1, true
	}
	return nil, 0, false
}

// Describe names a schema in a message: "long", "record a.B", "bytes
// (decimal(9,2))".
func (s *Schema) Describe() string {
	out := s.Kind.String()
	if s.IsNamed() {
		out += " " + s.Name
	}
	if s.Logical == Decimal {
		out += " (decimal(" + itoa(s.Precision) + "," + itoa(s.Scale) + "))"
	} else if s.Logical != None {
		out += " (" + s.Logical.String() + ")"
	}
	return out
}
