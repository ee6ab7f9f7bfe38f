package ddl

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/apache/arrow-go/v18/arrow"
)

var protoScalars = map[arrow.Type]string{
	arrow.BOOL: "bool", arrow.INT8: "sint32", arrow.INT16: "sint32", arrow.INT32: "int32", arrow.INT64: "int64",
	arrow.UINT8: "uint32", arrow.UINT16: "uint32", arrow.UINT32: "uint32", arrow.UINT64: "uint64",
	arrow.FLOAT16: "float", arrow.FLOAT32: "float", arrow.FLOAT64: "double",
	arrow.STRING: "string", arrow.LARGE_STRING: "string", arrow.STRING_VIEW: "string",
	arrow.BINARY: "bytes", arrow.LARGE_BINARY: "bytes", arrow.BINARY_VIEW: "bytes", arrow.FIXED_SIZE_BINARY: "bytes",
	arrow.TIMESTAMP: "google.protobuf.Timestamp", arrow.DURATION: "google.protobuf.Duration",
}

// protoNotes say what a type's plain form stands for.
var protoNotes = map[arrow.Type]string{
	arrow.DATE32: "days since 1970-01-01", arrow.DATE64: "milliseconds since 1970-01-01", arrow.TIME32: "time of day", arrow.TIME64: "time of day",
}

// protoMessages writes messages of proto3.
type protoMessages struct{ imports []string }

// protoType gives a schema as a message Row.
func protoType(s *arrow.Schema) string {
	m := &protoMessages{}
	body := m.message("Row", s.Fields(), "")
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\n\n")
	for _, i := range m.imports {
		fmt.Fprintf(&b, "import %q;\n", i)
	}
	if len(m.imports) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(body)
	return b.String()
}

func (m *protoMessages) message(name string, fields []arrow.Field, indent string) string {
	var nested, lines strings.Builder
	used := map[string]bool{}
	for i, f := range fields {
		id := identifier(f.Name)
		for used[id] {
			id += "_"
		}
		used[id] = true
		label, typ, note := m.field(f, id, indent+"  ", &nested)
		option := ""
		if id != f.Name { // the original name is that of its JSON
			option = fmt.Sprintf(" [json_name = %q]", f.Name)
		}
		if note != "" {
			note = " // " + note
		}
		fmt.Fprintf(&lines, "%s  %s%s %s = %d%s;%s\n", indent, label, typ, id, i+1, option, note)
	}
	return indent + "message " + name + " {\n" + nested.String() + lines.String() + indent + "}\n"
}

// field gives the label, type and comment of a field, and writes the messages
// that it needs.
func (m *protoMessages) field(f arrow.Field, id, indent string, nested *strings.Builder) (label, typ, note string) {
	dt := plain(f.Type)
	switch t := dt.(type) {
	case *arrow.MapType:
		key, value := plain(t.KeyType()), plain(t.ItemType())
		if k, ok := protoScalars[key.ID()]; ok && (arrow.IsInteger(key.ID()) || k == "string" || k == "bool") && !isList(value) {
			_, v, note := m.field(arrow.Field{Type: value}, id+"_value", indent, nested)
			return "", "map<" + k + ", " + v + ">", note
		}
		name := camel(id) + "Entry"
		nested.WriteString(m.message(name, []arrow.Field{{Name: "key", Type: key}, {Name: "value", Type: value, Nullable: true}}, indent))
		return "repeated ", name, ""
	case *arrow.StructType:
		name := camel(id)
		nested.WriteString(m.message(name, t.Fields(), indent))
		return "", name, ""
	case arrow.ListLikeType:
		elem := plain(t.Elem())
		if isList(elem) { // no list of lists without a message between
			name := camel(id) + "Item"
			nested.WriteString(m.message(name, []arrow.Field{{Name: "values", Type: elem}}, indent))
			return "repeated ", name, ""
		}
		_, typ, note := m.field(arrow.Field{Type: elem}, id, indent, nested)
		return "repeated ", typ, note
	}
	label = ""
	if f.Nullable {
		label = "optional "
	}
	if n, ok := protoScalars[dt.ID()]; ok {
		if strings.HasPrefix(n, "google.") {
			m.need("google/protobuf/" + strings.ToLower(n[len("google.protobuf."):]) + ".proto")
			label = ""
		}
		return label, n, ""
	}
	if note, ok := protoNotes[dt.ID()]; ok {
		typ = "int32"
		if dt.ID() == arrow.DATE64 || dt.ID() == arrow.TIME64 {
			typ = "int64"
		}
		if dt.ID() == arrow.TIME32 || dt.ID() == arrow.TIME64 {
			note = dt.String()
		}
		return label, typ, note
	}
	return label, "string", dt.String()
}

func (m *protoMessages) need(file string) {
	if !slices.Contains(m.imports, file) {
		m.imports = append(m.imports, file)
		slices.Sort(m.imports)
	}
}

func isList(dt arrow.DataType) bool {
	_, ok := dt.(arrow.ListLikeType)
	return ok
}

// plain is a type without encodings and extensions.
func plain(dt arrow.DataType) arrow.DataType {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return plain(t.ValueType)
	case *arrow.RunEndEncodedType:
		return plain(t.Encoded())
	case arrow.ExtensionType:
		return plain(t.StorageType())
	}
	return dt
}

// identifier makes [A-Za-z_][A-Za-z0-9_]* of a name.
func identifier(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '_' || r < unicode.MaxASCII && (unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r)):
			b.WriteRune(r)
		case i == 0 && unicode.IsDigit(r) && r < unicode.MaxASCII:
			b.WriteString("_" + string(r))
		default:
			b.WriteByte('_')
		}
	}
	if b.Len() == 0 {
		return "_"
	}
	return b.String()
}

// camel is the name of a field's message.
func camel(id string) string {
	out := goName(id)
	if out == "X" || out == "" {
		return "Field"
	}
	return out
}
