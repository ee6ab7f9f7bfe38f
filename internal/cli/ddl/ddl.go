// Package ddl says a schema in other languages: the SQL of several engines,
// Go, Protobuf. What a language has no type for is text, with a comment that says so.
package ddl

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// dialect is a language's words for Arrow types.
type dialect struct {
	name    func(string) string
	scalar  map[arrow.Type]string
	decimal string // with two numbers
	maxDec  int32
	zoned   string // timestamp with a zone
	list    func(elem string) string
	mapOf   func(k, v string) string
	row     func(names, types []string) string
	other   string // what everything else is stored as
	folds   bool   // names that differ in case alone are one
}

// names gives each field a name of its own, the field's where that can be.
func (d *dialect) names(fields []arrow.Field) []string {
	used, out := map[string]bool{}, make([]string, len(fields))
	for i, f := range fields {
		name := f.Name
		for n := 1; used[d.folded(name)]; n++ {
			name = fmt.Sprintf("%s_%d", f.Name, n)
		}
		used[d.folded(name)] = true
		out[i] = name
	}
	return out
}

func (d *dialect) folded(name string) string {
	if d.folds {
		return strings.ToLower(name)
	}
	return name
}

func quoted(q string) func(string) string {
	return func(s string) string { return q + strings.ReplaceAll(s, q, q+q) + q }
}

var duckdb = dialect{
	name: quoted(`"`), decimal: "DECIMAL(%d,%d)", maxDec: 38, zoned: "TIMESTAMPTZ", other: "VARCHAR", folds: true,
	scalar: map[arrow.Type]string{
		arrow.BOOL: "BOOLEAN", arrow.INT8: "TINYINT", arrow.INT16: "SMALLINT", arrow.INT32: "INTEGER", arrow.INT64: "BIGINT",
		arrow.UINT8: "UTINYINT", arrow.UINT16: "USMALLINT", arrow.UINT32: "UINTEGER", arrow.UINT64: "UBIGINT",
		arrow.FLOAT16: "FLOAT", arrow.FLOAT32: "FLOAT", arrow.FLOAT64: "DOUBLE", arrow.DATE32: "DATE", arrow.DATE64: "DATE",
		arrow.TIME32: "TIME", arrow.TIME64: "TIME", arrow.TIMESTAMP: "TIMESTAMP", arrow.BINARY: "BLOB", arrow.LARGE_BINARY: "BLOB",
		arrow.BINARY_VIEW: "BLOB", arrow.FIXED_SIZE_BINARY: "BLOB", arrow.STRING: "VARCHAR", arrow.LARGE_STRING: "VARCHAR", arrow.STRING_VIEW: "VARCHAR",
		arrow.DURATION: "INTERVAL", arrow.INTERVAL_MONTHS: "INTERVAL", arrow.INTERVAL_DAY_TIME: "INTERVAL", arrow.INTERVAL_MONTH_DAY_NANO: "INTERVAL",
	},
	list:  func(e string) string { return e + "[]" },
	mapOf: func(k, v string) string { return "MAP(" + k + ", " + v + ")" },
	row: func(n, t []string) string {
		return "STRUCT(" + pairs(n, t, " ") + ")"
	},
}

var hive = dialect{
	name: quoted("`"), decimal: "decimal(%d,%d)", maxDec: 38, zoned: "timestamp", other: "string", folds: true,
	scalar: map[arrow.Type]string{
		arrow.BOOL: "boolean", arrow.INT8: "tinyint", arrow.INT16: "smallint", arrow.INT32: "int", arrow.INT64: "bigint",
		arrow.UINT8: "smallint", arrow.UINT16: "int", arrow.UINT32: "bigint", arrow.UINT64: "decimal(20,0)",
		arrow.FLOAT16: "float", arrow.FLOAT32: "float", arrow.FLOAT64: "double", arrow.DATE32: "date", arrow.DATE64: "date",
		arrow.TIMESTAMP: "timestamp", arrow.BINARY: "binary", arrow.LARGE_BINARY: "binary", arrow.BINARY_VIEW: "binary",
		arrow.FIXED_SIZE_BINARY: "binary", arrow.STRING: "string", arrow.LARGE_STRING: "string", arrow.STRING_VIEW: "string",
	},
	list:  func(e string) string { return "array<" + e + ">" },
	mapOf: func(k, v string) string { return "map<" + k + "," + v + ">" },
	row:   func(n, t []string) string { return "struct<" + pairs(n, t, ":") + ">" },
}

var postgres = dialect{
	name: quoted(`"`), decimal: "numeric(%d,%d)", maxDec: 1000, zoned: "timestamp with time zone", other: "text",
	scalar: map[arrow.Type]string{
		arrow.BOOL: "boolean", arrow.INT8: "smallint", arrow.INT16: "smallint", arrow.INT32: "integer", arrow.INT64: "bigint",
		arrow.UINT8: "smallint", arrow.UINT16: "integer", arrow.UINT32: "bigint", arrow.UINT64: "numeric(20,0)",
		arrow.FLOAT16: "real", arrow.FLOAT32: "real", arrow.FLOAT64: "double precision", arrow.DATE32: "date", arrow.DATE64: "date",
		arrow.TIME32: "time", arrow.TIME64: "time", arrow.TIMESTAMP: "timestamp", arrow.BINARY: "bytea", arrow.LARGE_BINARY: "bytea",
		arrow.BINARY_VIEW: "bytea", arrow.FIXED_SIZE_BINARY: "bytea", arrow.STRING: "text", arrow.LARGE_STRING: "text", arrow.STRING_VIEW: "text",
		arrow.DURATION: "interval", arrow.INTERVAL_MONTHS: "interval", arrow.INTERVAL_DAY_TIME: "interval", arrow.INTERVAL_MONTH_DAY_NANO: "interval",
	},
	list:  func(e string) string { return e + "[]" },
	mapOf: func(string, string) string { return "jsonb" },
	row:   func([]string, []string) string { return "jsonb" },
}

func pairs(names, types []string, sep string) string {
	out := make([]string, len(names))
	for i := range names {
		out[i] = names[i] + sep + types[i]
	}
	return strings.Join(out, ", ")
}

// Languages are what Schema knows.
var Languages = []string{"sql:duckdb", "sql:hive", "sql:postgres", "go", "proto"}

// Schema gives a schema as a table (or type) of that name in a language:
// one of Languages.
func Schema(language, table string, s *arrow.Schema) (string, error) {
	d := map[string]*dialect{"sql:duckdb": &duckdb, "sql:hive": &hive, "sql:postgres": &postgres}[language]
	if d == nil {
		switch language {
		case "go":
			return goType(s)
		case "proto":
			return protoType(s), nil
		}
		return "", fmt.Errorf("%q is not one of %s", language, strings.Join(Languages, ", "))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", d.name(table))
	names := d.names(s.Fields())
	for i, f := range s.Fields() {
		typ, whole := d.typeOf(f.Type)
		null, comma, note := "", ",", ""
		if !f.Nullable && d != &hive {
			null = " NOT NULL"
		}
		if i == s.NumFields()-1 {
			comma = ""
		}
		if names[i] != f.Name {
			note = fmt.Sprintf(" -- %q", f.Name)
		}
		if !whole {
			note += " -- " + f.Type.String()
		}
		fmt.Fprintf(&b, "  %s %s%s%s%s\n", d.name(names[i]), typ, null, comma, note)
	}
	b.WriteString(");\n")
	return b.String(), nil
}

// typeOf is a type's name, and whether it says all.
func (d *dialect) typeOf(dt arrow.DataType) (name string, whole bool) {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return d.typeOf(t.ValueType)
	case *arrow.RunEndEncodedType:
		return d.typeOf(t.Encoded())
	case arrow.ExtensionType:
		return d.typeOf(t.StorageType())
	case arrow.DecimalType:
		if t.GetPrecision() > d.maxDec || t.GetScale() < 0 {
			return d.other, false
		}
		return fmt.Sprintf(d.decimal, t.GetPrecision(), t.GetScale()), true
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return d.zoned, true
		}
	case *arrow.MapType:
		k, ok1 := d.typeOf(t.KeyType())
		v, ok2 := d.typeOf(t.ItemType())
		return d.mapOf(k, v), ok1 && ok2
	case *arrow.StructType:
		var names, types []string
		whole = true
		own := d.names(t.Fields())
		for i, f := range t.Fields() {
			n, ok := d.typeOf(f.Type)
			names, types, whole = append(names, d.name(own[i])), append(types, n), whole && ok
		}
		return d.row(names, types), whole
	case arrow.ListLikeType:
		e, ok := d.typeOf(t.Elem())
		return d.list(e), ok
	}
	if n, ok := d.scalar[dt.ID()]; ok {
		return n, true
	}
	return d.other, false
}
