package ddl

import (
	"fmt"
	"go/format"
	"strconv"
	"strings"
	"unicode"

	"github.com/apache/arrow-go/v18/arrow"
)

var goScalars = map[arrow.Type]string{
	arrow.BOOL: "bool", arrow.INT8: "int8", arrow.INT16: "int16", arrow.INT32: "int32", arrow.INT64: "int64",
	arrow.UINT8: "uint8", arrow.UINT16: "uint16", arrow.UINT32: "uint32", arrow.UINT64: "uint64",
	arrow.FLOAT16: "float32", arrow.FLOAT32: "float32", arrow.FLOAT64: "float64",
	arrow.STRING: "string", arrow.LARGE_STRING: "string", arrow.STRING_VIEW: "string",
	arrow.BINARY: "[]byte", arrow.LARGE_BINARY: "[]byte", arrow.BINARY_VIEW: "[]byte",
	arrow.DATE32: "time.Time", arrow.DATE64: "time.Time", arrow.TIMESTAMP: "time.Time",
	arrow.TIME32: "time.Duration", arrow.TIME64: "time.Duration", arrow.DURATION: "time.Duration",
}

// goType gives a struct type, formatted, with the columns' names as tags.
func goType(s *arrow.Schema) (string, error) {
	src, err := format.Source([]byte("type Row " + goStruct(s.Fields()) + "\n"))
	return string(src), err
}

func goStruct(fields []arrow.Field) string {
	var b strings.Builder
	b.WriteString("struct {\n")
	used := map[string]bool{}
	for _, f := range fields {
		name := goName(f.Name)
		for used[name] {
			name += "_"
		}
		used[name] = true
		typ := goTypeOf(f.Type)
		if f.Nullable && !strings.HasPrefix(typ, "[]") && !strings.HasPrefix(typ, "map") && typ != "any" {
			typ = "*" + typ
		}
		tag := fmt.Sprintf("parquet:%q", f.Name)
		if strings.Contains(tag, "`") {
			tag = strconv.Quote(tag)
		} else {
			tag = "`" + tag + "`"
		}
		fmt.Fprintf(&b, "%s %s %s\n", name, typ, tag)
	}
	b.WriteString("}")
	return b.String()
}

func goTypeOf(dt arrow.DataType) string {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return goTypeOf(t.ValueType)
	case *arrow.RunEndEncodedType:
		return goTypeOf(t.Encoded())
	case arrow.ExtensionType:
		return goTypeOf(t.StorageType())
	case *arrow.FixedSizeBinaryType:
		return fmt.Sprintf("[%d]byte", t.ByteWidth)
	case *arrow.MapType:
		return "map[" + goTypeOf(t.KeyType()) + "]" + goTypeOf(t.ItemType())
	case *arrow.StructType:
		return goStruct(t.Fields())
	case arrow.ListLikeType:
		return "[]" + goTypeOf(t.Elem())
	case arrow.DecimalType:
		return "string"
	}
	if n, ok := goScalars[dt.ID()]; ok {
		return n
	}
	return "any"
}

// goName makes an exported identifier of a column's name.
func goName(s string) string {
	var b strings.Builder
	up := true
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
			continue
		case up:
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	name := b.String()
	if first := []rune(name); len(first) == 0 || !unicode.IsUpper(first[0]) {
		name = "X" + name
	}
	return name
}
