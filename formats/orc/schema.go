package orc

import (
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

const (
	// maxDepth bounds types in one another.
	maxDepth = 200
	// hivePrecision and hiveScale are the decimals of Hive 0.11, which had no
	// bounds of their own.
	hivePrecision, hiveScale = 38, 18

	extensionName     = "ARROW:extension:name"
	extensionMetadata = "ARROW:extension:metadata"
)

// node is a column of the file's type tree, or the part of one that a
// projection keeps.
type node struct {
	id       int
	last     int // the greatest id of the subtree
	typ      *proto.Type
	path     string      // dotted, for people
	field    arrow.Field // as the columns decode
	want     arrow.DataType
	stored   *arrow.Field // what ARROW:schema says of it, if it speaks of this type
	children []*node
}

// exposed is the field in the type that it is shown in.
func (n *node) exposed() arrow.Field {
	f := n.field
	if n.stored != nil {
		f = *n.stored
	}
	f.Type = n.want
	return f
}

// schemaTree builds the nodes of a file's types.
type schemaTree struct {
	types []proto.Type
	unit  func(id int) arrow.TimeUnit
	exact func(id int) bool
	next  int
}

// build makes the node of the next type, which all its children follow
// (specification, "Types": the tree is flattened in pre-order).
func (s *schemaTree) build(name, path string, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: types nested more than %d deep", arrowio.ErrLimit, maxDepth)
	}
	n := &node{id: s.next, typ: &s.types[s.next], path: path}
	s.next++
	t := n.typ
	n.field = arrow.Field{Name: name, Nullable: true, Metadata: attributes(t)}
	names, err := childNames(t)
	if err != nil {
		return nil, fmt.Errorf("column %d: %w", n.id, err)
	}
	for i, sub := range t.Subtypes {
		if int(sub) != s.next || s.next >= len(s.types) {
			return nil, fmt.Errorf("%w: column %d has the child %d, and the types are %d in pre-order", arrowio.ErrCorrupt, n.id, sub, len(s.types))
		}
		c, err := s.build(names[i], join(path, names[i]), depth+1)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, c)
	}
	n.last = s.next - 1
	if n.field.Type, err = s.arrowType(n); err != nil {
		return nil, &arrowio.Error{Op: "open", Column: path, Err: err}
	}
	n.want = n.field.Type
	return n, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// childNames are the names of a type's children, after a check of their number.
func childNames(t *proto.Type) ([]string, error) {
	want := 0
	var names []string
	switch t.Kind {
	case proto.List:
		want, names = 1, []string{"item"}
	case proto.Map:
		want, names = 2, []string{"key", "value"}
	case proto.Union:
		want = len(t.Subtypes)
		for i := range want {
			names = append(names, "_union_"+strconv.Itoa(i))
		}
	case proto.Struct:
		want, names = len(t.FieldNames), t.FieldNames
	}
	if len(t.Subtypes) != want {
		return nil, fmt.Errorf("%w: a %s of %d types and %d names", arrowio.ErrCorrupt, t.Kind, len(t.Subtypes), want)
	}
	return names, nil
}

// attributes become the field's metadata.
func attributes(t *proto.Type) arrow.Metadata {
	var keys, vals []string
	for _, a := range t.Attributes {
		keys, vals = append(keys, a.Key), append(vals, a.Value)
	}
	if t.Kind == proto.Geometry {
		keys, vals = append(keys, extensionName, extensionMetadata), append(vals, "geoarrow.wkb", geoMetadata(t.Geometry))
	}
	return arrow.NewMetadata(keys, vals)
}

// geoMetadata is the extension metadata that GeoArrow defines.
func geoMetadata(g *proto.GeometryType) string {
	out := "{"
	if g != nil && g.CRS.Set {
		out += `"crs": `
		if g.CRSEncoding.Or("") == "PROJJSON" {
			out += g.CRS.V + `, "crs_type": "projjson"`
		} else {
			out += strconv.Quote(g.CRS.V)
		}
	}
	if g != nil && g.Edges == 1 {
		if len(out) > 1 {
			out += ", "
		}
		out += `"edges": "spherical"`
	}
	return out + "}"
}

// arrowType maps a type whose children are built.
func (s *schemaTree) arrowType(n *node) (arrow.DataType, error) {
	t := n.typ
	switch t.Kind {
	case proto.Boolean:
		return arrow.FixedWidthTypes.Boolean, nil
	case proto.Byte:
		return arrow.PrimitiveTypes.Int8, nil
	case proto.Short:
		return arrow.PrimitiveTypes.Int16, nil
	case proto.Int:
		return arrow.PrimitiveTypes.Int32, nil
	case proto.Long:
		return arrow.PrimitiveTypes.Int64, nil
	case proto.Float:
		return arrow.PrimitiveTypes.Float32, nil
	case proto.Double:
		return arrow.PrimitiveTypes.Float64, nil
	case proto.String, proto.Varchar, proto.Char:
		return arrow.BinaryTypes.String, nil
	case proto.Binary, proto.Geometry:
		return arrow.BinaryTypes.Binary, nil
	case proto.Date:
		return arrow.FixedWidthTypes.Date32, nil
	case proto.Timestamp, proto.TimestampInstant:
		if s.exact(n.id) {
			return &arrow.Decimal128Type{Precision: 38}, nil
		}
		ts := &arrow.TimestampType{Unit: s.unit(n.id)}
		if t.Kind == proto.TimestampInstant {
			ts.TimeZone = "UTC"
		}
		return ts, nil
	case proto.Decimal:
		p, sc := decimalOf(t)
		if p > 38 || sc > p {
			return nil, fmt.Errorf("%w: decimal(%d,%d)", arrowio.ErrUnsupported, p, sc)
		}
		return &arrow.Decimal128Type{Precision: int32(p), Scale: int32(sc)}, nil
	}
	return nestedType(n)
}

// decimalOf gives precision and scale.
func decimalOf(t *proto.Type) (precision, scale uint32) {
	if t.Precision.Or(0) == 0 {
		return hivePrecision, hiveScale
	}
	return t.Precision.V, t.Scale.Or(0)
}

// nestedType is the type of a node from its children's.
func nestedType(n *node) (arrow.DataType, error) {
	field := func(i int) arrow.Field { return n.children[i].field }
	switch n.typ.Kind {
	case proto.List:
		return arrow.ListOfField(field(0)), nil
	case proto.Map:
		key, item := field(0), field(1)
		key.Nullable = false
		return arrow.MapOfFields(key, item), nil
	case proto.Struct:
		fields := make([]arrow.Field, len(n.children))
		for i := range fields {
			fields[i] = field(i)
		}
		return arrow.StructOf(fields...), nil
	case proto.Union:
		if len(n.children) > 127 {
			return nil, fmt.Errorf("%w: a union of %d types; Arrow has at most 127", arrowio.ErrUnsupported, len(n.children))
		}
		fields, codes := make([]arrow.Field, len(n.children)), make([]arrow.UnionTypeCode, len(n.children))
		for i := range fields {
			fields[i], codes[i] = field(i), arrow.UnionTypeCode(i)
		}
		return arrow.DenseUnionOf(fields, codes), nil
	}
	return nil, fmt.Errorf("%w: type %s", arrowio.ErrUnsupported, n.typ.Kind)
}

// newRoots builds a file's tree and gives its top-level columns. A root that
// is no struct is one column named value.
func newRoots(s *schemaTree) (root *node, roots []*node, err error) {
	if len(s.types) == 0 {
		return nil, nil, fmt.Errorf("%w: the footer has no types", arrowio.ErrCorrupt)
	}
	path := ""
	if s.types[0].Kind != proto.Struct {
		path = "value"
	}
	if root, err = s.build("value", path, 0); err != nil {
		return nil, nil, err
	}
	if s.next != len(s.types) {
		return nil, nil, fmt.Errorf("%w: %d types of which %d are in the tree", arrowio.ErrCorrupt, len(s.types), s.next)
	}
	if root.typ.Kind != proto.Struct {
		return root, []*node{root}, nil
	}
	return root, root.children, nil
}

// part keeps of a node what a projected field has: some of the fields of
// structs. The field is that of the shown schema.
func (n *node) part(f arrow.Field) *node {
	if arrow.TypeEqual(f.Type, n.want, arrow.CheckMetadata()) {
		return n
	}
	st, ok := f.Type.(*arrow.StructType)
	whole, isStruct := n.want.(*arrow.StructType)
	if !ok || !isStruct || n.typ.Kind != proto.Struct {
		return n
	}
	out := *n
	out.children = nil
	var natural []arrow.Field
	at := 0
	for _, g := range st.Fields() {
		for whole.Field(at).Name != g.Name {
			at++
		}
		c := n.children[at].part(g)
		out.children, natural = append(out.children, c), append(natural, c.field)
		at++
	}
	out.field.Type = arrow.StructOf(natural...)
	out.want = f.Type
	return &out
}
