package ddl

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/oracle"
)

// allTypes is a schema with a column of every kind, and names that need care.
func allTypes() *arrow.Schema {
	types := []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, arrow.FixedWidthTypes.Float16, arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time32ms,
		arrow.FixedWidthTypes.Time64ns, arrow.FixedWidthTypes.Timestamp_us, &arrow.TimestampType{Unit: arrow.Nanosecond}, arrow.FixedWidthTypes.Duration_ms,
		arrow.FixedWidthTypes.MonthDayNanoInterval, arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView, arrow.BinaryTypes.Binary,
		&arrow.FixedSizeBinaryType{ByteWidth: 16}, &arrow.Decimal128Type{Precision: 38, Scale: 10}, &arrow.Decimal256Type{Precision: 76, Scale: 10},
		arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32)), arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32),
		arrow.MapOf(arrow.BinaryTypes.String, arrow.ListOf(arrow.PrimitiveTypes.Int8)), arrow.MapOf(arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int8),
		arrow.StructOf(arrow.Field{Name: "a b", Type: arrow.PrimitiveTypes.Int64}, arrow.Field{Name: "select", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.BinaryTypes.String})}),
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64), arrow.Null,
	}
	types = append(types, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64)
	var fields []arrow.Field
	for i, dt := range types {
		fields = append(fields, arrow.Field{Name: dt.Name() + "_" + string(rune('a'+i%26)) + strings.Repeat("x", i/26), Type: dt, Nullable: i%2 == 0 || dt.ID() == arrow.NULL})
	}
	for _, name := range []string{`quo"te`, "back`tick", "select", "1st", "日本", "a b", "a_b", "A B"} {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int32, Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}

// TestDuckDB: DuckDB makes the table, with all columns under their names.
func TestDuckDB(t *testing.T) {
	text, err := Schema("sql:duckdb", "data", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	py := oracle.Python(t, "that DuckDB takes the schema")
	out := oracle.Run(t, py, "import duckdb, sys\nc = duckdb.connect()\nc.execute(sys.argv[1])\nfor r in c.execute('describe data').fetchall(): print(r[0])", text)
	var want []string
	for _, f := range allTypes().Fields() {
		want = append(want, f.Name)
	}
	want[len(want)-1] = "A B_1" // names that differ in case alone are one there
	if !strings.Contains(text, `-- "A B"`) {
		t.Errorf("no word of the name that was changed:\n%s", text)
	}
	if got := strings.TrimSpace(out); got != strings.Join(want, "\n") {
		t.Errorf("columns\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// TestGo: the type parses, and its tags hold the names.
func TestGo(t *testing.T) {
	text, err := Schema("go", "data", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "row.go", "package x\n"+text, parser.AllErrors); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	for _, tag := range []string{"`parquet:\"日本\"`", "`parquet:\"a b\"`", "`parquet:\"A B\"`"} {
		if !strings.Contains(text, tag) {
			t.Errorf("no tag %s in\n%s", tag, text)
		}
	}
}

// TestNames: every language names all columns, no two the same.
func TestNames(t *testing.T) {
	for _, l := range Languages {
		text, err := Schema(l, "data", allTypes())
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text, "\n"); n < allTypes().NumFields() {
			t.Errorf("%s: %d lines", l, n)
		}
	}
	text := protoType(allTypes())
	for _, want := range []string{`a_b = `, `a_b_ = `, `[json_name = "A B"]`, `[json_name = "日本"]`, `[json_name = "1st"]`, "google/protobuf/timestamp.proto"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
