package orc

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// TypeKey is the metadata of a string field that asks for another ORC type than
// string: "char(n)" or "varchar(n)", n the most characters of a value.
const TypeKey = "ORC:type"

// writeNode is a column of the file being written.
type writeNode struct {
	id       int
	path     string
	field    arrow.Field
	storage  arrow.DataType // of the values: dictionaries, run ends and extensions unwrapped
	typ      *proto.Type
	children []*writeNode
}

// writeSchema builds the type tree in pre-order (specification, "Types").
type writeSchema struct {
	types []*proto.Type
	nodes []*writeNode
}

// newWriteSchema gives the tree in which data of schema s is written. A type
// that ORC cannot hold is arrowio.ErrUnsupported naming the column.
func newWriteSchema(s *arrow.Schema) (*writeNode, *writeSchema, error) {
	w := &writeSchema{}
	root, err := w.add(arrow.Field{Type: arrow.StructOf(s.Fields()...)}, "", 0)
	return root, w, err
}

func (w *writeSchema) add(f arrow.Field, path string, depth int) (*writeNode, error) {
	n := &writeNode{id: len(w.nodes), path: path, field: f, storage: arrowschema.Storage(f.Type), typ: &proto.Type{}}
	if depth > maxDepth {
		return nil, n.refuse(arrowio.ErrLimit, "", "nested deeper than %d", maxDepth)
	}
	w.types, w.nodes = append(w.types, n.typ), append(w.nodes, n)
	nested := func(fields []arrow.Field, names []string) error {
		for i, c := range fields {
			kid, err := w.add(c, join(path, names[i]), depth+1)
			if err != nil {
				return err
			}
			n.typ.Subtypes = append(n.typ.Subtypes, uint32(kid.id))
			n.children = append(n.children, kid)
		}
		return nil
	}
	switch t := n.storage.(type) {
	case *arrow.StructType:
		n.typ.Kind = proto.Struct
		seen := map[string]bool{}
		for _, c := range t.Fields() {
			if seen[c.Name] {
				return nil, n.refuse(arrowio.ErrUnsupported, "rename one of them", "two columns are named %q", c.Name)
			}
			seen[c.Name] = true
			n.typ.FieldNames = append(n.typ.FieldNames, c.Name)
		}
		return n, nested(t.Fields(), n.typ.FieldNames)
	case *arrow.MapType:
		n.typ.Kind = proto.Map
		key := t.KeyField()
		key.Nullable = false
		return n, nested([]arrow.Field{key, t.ItemField()}, []string{"key", "value"})
	case arrow.ListLikeType:
		n.typ.Kind = proto.List
		return n, nested([]arrow.Field{t.ElemField()}, []string{"item"})
	case arrow.UnionType:
		n.typ.Kind = proto.Union
		names := make([]string, len(t.Fields()))
		for i := range names {
			names[i] = "_union_" + strconv.Itoa(i)
		}
		if len(names) == 0 {
			return nil, n.refuse(arrowio.ErrUnsupported, "leave the column out", "a union without members")
		}
		return n, nested(t.Fields(), names)
	}
	return n, n.leaf()
}

func (n *writeNode) refuse(err error, hint, format string, args ...any) error {
	return &arrowio.Error{Op: "write", Column: n.path, Hint: hint, Err: fmt.Errorf("%w: "+format, append([]any{err}, args...)...)}
}

// leaf settles the ORC type of a column without children. doc.go has the table.
func (n *writeNode) leaf() error {
	t := n.typ
	switch dt := n.storage.(type) {
	case *arrow.NullType, *arrow.BooleanType:
		t.Kind = proto.Boolean
	case *arrow.Int8Type:
		t.Kind = proto.Byte
	case *arrow.Int16Type, *arrow.Uint8Type:
		t.Kind = proto.Short
	case *arrow.Int32Type, *arrow.Uint16Type, *arrow.Time32Type, *arrow.MonthIntervalType:
		t.Kind = proto.Int
	case *arrow.Int64Type, *arrow.Uint32Type, *arrow.Time64Type, *arrow.DurationType:
		t.Kind = proto.Long
	case *arrow.Uint64Type:
		n.decimal(20, 0)
	case *arrow.Float16Type, *arrow.Float32Type:
		t.Kind = proto.Float
	case *arrow.Float64Type:
		t.Kind = proto.Double
	case *arrow.Date32Type, *arrow.Date64Type:
		t.Kind = proto.Date
	case *arrow.TimestampType:
		t.Kind = proto.Timestamp
		if dt.TimeZone != "" {
			t.Kind = proto.TimestampInstant
		}
	case arrow.DecimalType:
		p, s := dt.GetPrecision(), dt.GetScale()
		if s < 0 || s > p || p <= 0 || p > 38 {
			return n.refuse(arrowio.ErrUnsupported, "cast it to a decimal of at most 38 digits, its scale between 0 and its precision", "ORC has no %s", dt)
		}
		n.decimal(uint32(p), uint32(s))
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		return n.text()
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.BinaryViewType, *arrow.FixedSizeBinaryType:
		t.Kind = proto.Binary
	default:
		return n.refuse(arrowio.ErrUnsupported, "cast it to a type that ORC has", "ORC has no %s", n.storage)
	}
	return nil
}

func (n *writeNode) decimal(precision, scale uint32) {
	n.typ.Kind, n.typ.Precision, n.typ.Scale = proto.Decimal, proto.Some(precision), proto.Some(scale)
}

func (n *writeNode) text() error {
	n.typ.Kind = proto.String
	want, ok := n.field.Metadata.GetValue(TypeKey)
	if !ok || want == "string" {
		return nil
	}
	name, size, _ := strings.Cut(strings.TrimSuffix(want, ")"), "(")
	length, err := strconv.ParseUint(size, 10, 31)
	kind, known := map[string]proto.TypeKind{"char": proto.Char, "varchar": proto.Varchar}[name]
	if err != nil || !known || length == 0 || !strings.HasSuffix(want, ")") {
		return n.refuse(arrowio.ErrOption, "char(n) or varchar(n)", "%s is %q", TypeKey, want)
	}
	n.typ.Kind, n.typ.MaximumLength = kind, proto.Some(uint32(length))
	return nil
}
