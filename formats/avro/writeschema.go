package avro

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/avro/internal/program"
)

// SchemaOf is the Avro schema, JSON, in which rows of an Arrow schema are
// written: doc.go has the table of types. A type that Avro cannot hold is
// arrowio.ErrUnsupported naming the column.
func SchemaOf(s *arrow.Schema) (string, error) {
	text, _, err := compileWriter(s, "row")
	if err != nil {
		return "", err
	}
	return indented([]byte(text)), nil
}

// compileWriter gives the schema of the rows' record and its encoder.
func compileWriter(s *arrow.Schema, name string) (string, *encoder, error) {
	c := writerCompiler{used: map[string]bool{name: true}}
	root := &encoder{kind: encStruct}
	text, err := c.record(root, s.Fields(), name, "")
	return text, root, err
}

// writerCompiler writes the schema's JSON and the tree of encoders together.
type writerCompiler struct {
	used  map[string]bool // names of types
	depth int
}

// maxWriteDepth bounds the nesting of a schema that is written.
const maxWriteDepth = 128

func quoted(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// legalName says whether a name is one by the specification ("Names").
func legalName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// legal makes a legal name that is not used yet.
func legal(name string, used map[string]bool) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case i == 0 && c >= '0' && c <= '9':
			b.WriteByte('_')
			b.WriteByte(c)
		case c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
			b.WriteByte(c)
		default:
			b.WriteByte('_')
		}
	}
	out := b.String()
	if out == "" {
		out = "_"
	}
	base := out
	for i := 2; used[out]; i++ {
		out = base + "_" + strconv.Itoa(i)
	}
	used[out] = true
	return out
}

// typeName names a type by its place.
func (c *writerCompiler) typeName(parent, name string) string {
	return legal(strings.ReplaceAll(parent, ".", "_")+"_"+name, c.used)
}

// record gives the JSON of a record and adds the encoders of its fields.
func (c *writerCompiler) record(e *encoder, fields []arrow.Field, name, path string) (string, error) {
	var b strings.Builder
	b.WriteString(`{"type":"record","name":` + quoted(name) + `,"fields":[`)
	used := map[string]bool{}
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		fieldPath := f.Name
		if path != "" {
			fieldPath = path + "." + f.Name
		}
		// A legal name is kept unless an earlier one took it.
		own := f.Name
		if !legalName(own) || used[own] {
			own = legal(f.Name, used)
		}
		used[own] = true
		k, text, err := c.field(f, name, own, fieldPath)
		if err != nil {
			return "", err
		}
		e.kids = append(e.kids, k)
		b.WriteString(`{"name":` + quoted(own) + `,"type":` + text)
		if k.nullable {
			b.WriteString(`,"default":null`)
		}
		if own != f.Name {
			b.WriteString(`,"` + program.NameKey + `":` + quoted(f.Name))
		}
		if id, ok := f.Metadata.GetValue(program.FieldIDKey); ok {
			if _, err := strconv.ParseInt(id, 10, 32); err == nil {
				b.WriteString(`,"field-id":` + id)
			}
		}
		b.WriteByte('}')
	}
	b.WriteString("]}")
	return b.String(), nil
}

// field gives a field's encoder and type: a union with null, first, if it is
// nullable.
func (c *writerCompiler) field(f arrow.Field, parent, name, path string) (*encoder, string, error) {
	if c.depth++; c.depth > maxWriteDepth {
		return nil, "", fmt.Errorf("%w: column %s: types nested more than %d deep", arrowio.ErrUnsupported, path, maxWriteDepth)
	}
	defer func() { c.depth-- }()
	e := &encoder{path: path}
	text, err := c.value(e, f, f.Type, parent, name)
	if err != nil {
		return nil, "", err
	}
	if f.Nullable && text != `"null"` && text[0] != '[' {
		e.nullable = true
		text = `["null",` + text + "]"
	}
	return e, text, nil
}

func logical(of, name string) string { return `{"type":"` + of + `","logicalType":"` + name + `"}` }

func decimalText(precision, scale int) string {
	return fmt.Sprintf(`{"type":"bytes","logicalType":"decimal","precision":%d,"scale":%d}`, precision, scale)
}

// value gives the Avro type of an Arrow type and completes its encoder.
func (c *writerCompiler) value(e *encoder, f arrow.Field, dt arrow.DataType, parent, name string) (string, error) {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		k := &encoder{path: e.path}
		e.kind, e.kids, e.width = encDictionary, []*encoder{k}, t.IndexType.(arrow.FixedWidthDataType).BitWidth()/8
		e.unsigned = arrow.IsUnsignedInteger(t.IndexType.ID())
		return c.value(k, f, t.ValueType, parent, name)
	case *arrow.RunEndEncodedType:
		k := &encoder{path: e.path}
		e.kind, e.kids, e.width = encRuns, []*encoder{k}, t.RunEnds().(arrow.FixedWidthDataType).BitWidth()/8
		return c.value(k, f, t.Encoded(), parent, name)
	case arrow.ExtensionType:
		if t.ExtensionName() == "arrow.uuid" {
			f.Metadata = arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{t.ExtensionName()})
		}
		return c.value(e, f, t.StorageType(), parent, name)
	case *arrow.FixedSizeBinaryType:
		e.kind, e.width = encFixed, t.ByteWidth
		note := ""
		if ext, _ := f.Metadata.GetValue("ARROW:extension:name"); ext == "arrow.uuid" && t.ByteWidth == 16 {
			note = `,"logicalType":"uuid"`
		}
		return fmt.Sprintf(`{"type":"fixed","name":%s,"size":%d%s}`, quoted(c.typeName(parent, name)), t.ByteWidth, note), nil
	case arrow.DecimalType:
		return c.decimal(e, t)
	case *arrow.Time32Type:
		if e.kind = encInt32; t.Unit == arrow.Second {
			e.kind = encSeconds32
		}
		return logical("int", "time-millis"), nil
	case *arrow.Time64Type:
		if e.kind = encInt64; t.Unit == arrow.Nanosecond {
			return `"long"`, nil
		}
		return logical("long", "time-micros"), nil
	case *arrow.TimestampType:
		e.kind = encInt64
		unit := map[arrow.TimeUnit]string{arrow.Second: "millis", arrow.Millisecond: "millis", arrow.Microsecond: "micros", arrow.Nanosecond: "nanos"}[t.Unit]
		if t.Unit == arrow.Second {
			e.kind = encSeconds64
		}
		if t.TimeZone == "" {
			return logical("long", "local-timestamp-"+unit), nil
		}
		return logical("long", "timestamp-"+unit), nil
	case *arrow.StructType:
		e.kind = encStruct
		return c.record(e, t.Fields(), c.typeName(parent, name), e.path)
	case *arrow.MapType:
		return c.mapOf(e, t, parent, name)
	case arrow.ListLikeType:
		e.kind = encList
		elem := t.ElemField()
		k, text, err := c.field(elem, parent, name+"_"+elem.Name, e.path+"."+elem.Name)
		e.kids = []*encoder{k}
		return `{"type":"array","items":` + text + "}", err
	case arrow.UnionType:
		return c.union(e, t, parent, name)
	}
	s, ok := flat[dt.ID()]
	if !ok {
		return "", &arrowio.Error{Op: "write", Column: e.path, Err: fmt.Errorf("%w: %s has no place in Avro", arrowio.ErrUnsupported, dt)}
	}
	e.kind = s.kind
	if s.text == "" { // a record of the interval's parts
		text := `{"type":"record","name":` + quoted(c.typeName(parent, name)) + `,"fields":[{"name":"months","type":"int"},{"name":"days","type":"int"},{"name":"nanoseconds","type":"long"}]}`
		if s.kind == encDayTime {
			text = `{"type":"record","name":` + quoted(c.typeName(parent, name)) + `,"fields":[{"name":"days","type":"int"},{"name":"milliseconds","type":"int"}]}`
		}
		return text, nil
	}
	return s.text, nil
}

// flat are the types that need no more than a name.
var flat = map[arrow.Type]struct {
	kind encKind
	text string
}{
	arrow.NULL: {encNull, `"null"`}, arrow.BOOL: {encBool, `"boolean"`},
	arrow.INT8: {encInt8, `"int"`}, arrow.UINT8: {encUint8, `"int"`}, arrow.INT16: {encInt16, `"int"`}, arrow.UINT16: {encUint16, `"int"`},
	arrow.INT32: {encInt32, `"int"`}, arrow.UINT32: {encUint32, `"long"`}, arrow.INT64: {encInt64, `"long"`},
	arrow.UINT64:  {encUint64, decimalText(20, 0)},
	arrow.FLOAT16: {encFloat16, `"float"`}, arrow.FLOAT32: {encFloat32, `"float"`}, arrow.FLOAT64: {encFloat64, `"double"`},
	arrow.STRING: {encText, `"string"`}, arrow.LARGE_STRING: {encLargeText, `"string"`}, arrow.STRING_VIEW: {encTextView, `"string"`},
	arrow.BINARY: {encBytes, `"bytes"`}, arrow.LARGE_BINARY: {encLargeBytes, `"bytes"`}, arrow.BINARY_VIEW: {encBytesView, `"bytes"`},
	arrow.DATE32: {encInt32, logical("int", "date")}, arrow.DATE64: {encDate64, logical("int", "date")},
	arrow.DURATION: {encInt64, `"long"`}, arrow.INTERVAL_MONTHS: {encInt32, `"int"`},
	arrow.INTERVAL_MONTH_DAY_NANO: {encMonthDayNano, ""}, arrow.INTERVAL_DAY_TIME: {encDayTime, ""},
}

func (c *writerCompiler) decimal(e *encoder, t arrow.DecimalType) (string, error) {
	precision, scale := decimalOf(t)
	e.kind, e.width = encDecimal, t.BitWidth()/8
	if t.GetScale() < 0 {
		if precision > 76 {
			return "", &arrowio.Error{Op: "write", Column: e.path, Err: fmt.Errorf("%w: %s needs %d digits in Avro", arrowio.ErrUnsupported, t, precision)}
		}
		e.zeros = int(-t.GetScale())
	}
	return decimalText(precision, scale), nil
}

// mapOf writes a map of text keys as a map, and others as arrays of records of
// key and value.
func (c *writerCompiler) mapOf(e *encoder, t *arrow.MapType, parent, name string) (string, error) {
	key, value := t.KeyField(), t.ItemField()
	key.Nullable = false
	k, keyText, err := c.field(key, parent, name+"_key", e.path+".key")
	if err != nil {
		return "", err
	}
	v, valueText, err := c.field(value, parent, name+"_value", e.path+".value")
	if err != nil {
		return "", err
	}
	e.kind, e.kids = encMap, []*encoder{k, v}
	if keyText == `"string"` {
		return `{"type":"map","values":` + valueText + "}", nil
	}
	record := `{"type":"record","name":` + quoted(c.typeName(parent, name)) + `,"fields":[{"name":"key","type":` + keyText + `},{"name":"value","type":` + valueText + "}]}"
	return `{"type":"array","items":` + record + "}", nil
}

// union writes a branch a child, and null before them where a child that is
// not null itself may hold nulls. A child whose type a branch has already, or
// that is a union itself, is wrapped in a record.
func (c *writerCompiler) union(e *encoder, t arrow.UnionType, parent, name string) (string, error) {
	e.kind, e.dense, e.branch = encUnion, t.Mode() == arrow.DenseMode, map[arrow.UnionTypeCode]int{}
	null := -1
	var texts []string
	needNull := false
	for i, f := range t.Fields() {
		needNull = needNull || f.Nullable && f.Type.ID() != arrow.NULL
		if f.Type.ID() == arrow.NULL && null < 0 {
			null = i
		}
	}
	if null < 0 && needNull {
		null = 0
		texts = append(texts, `"null"`)
	}
	taken := map[string]bool{`"null"`: len(texts) > 0}
	for i, f := range t.Fields() {
		f.Nullable = false // a null goes to the null branch
		k, text, err := c.field(f, parent, name+"_"+f.Name, e.path+"."+f.Name)
		if err != nil {
			return "", err
		}
		kind := unionKind(text)
		if kind == "null" && taken[`"null"`] {
			e.kids = append(e.kids, k)
			e.branch[t.TypeCodes()[i]] = null
			continue
		}
		if kind == "" || kind != "null" && kind != "named" && taken[kind] {
			wrap := &encoder{kind: encWrap, path: k.path, kids: []*encoder{k}}
			text = `{"type":"record","name":` + quoted(c.typeName(parent, name+"_"+f.Name)) + `,"fields":[{"name":"value","type":` + text + "}]}"
			k = wrap
		}
		if kind == "null" {
			null = len(texts)
			kind = `"null"`
		}
		taken[kind] = true
		e.kids = append(e.kids, k)
		e.branch[t.TypeCodes()[i]] = len(texts)
		texts = append(texts, text)
	}
	e.null = null
	for i, code := range t.TypeCodes() {
		if e.child == nil {
			e.child = map[arrow.UnionTypeCode]int{}
		}
		e.child[code] = i
	}
	return "[" + strings.Join(texts, ",") + "]", nil
}

// unionKind tells which types may not stand twice in a union: "" for a union,
// which may not stand in one at all.
func unionKind(text string) string {
	switch text[0] {
	case '[':
		return ""
	case '"':
		return strings.Trim(text, `"`)
	}
	var o struct{ Type string }
	_ = json.Unmarshal([]byte(text), &o) // it was written here
	switch o.Type {
	case "record", "fixed", "enum":
		return "named"
	}
	return o.Type
}
