package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/cli"
)

// TestSchemaComesBack: what schema -F json prints is what --schema reads.
func TestSchemaComesBack(t *testing.T) {
	var fields []arrow.Field
	for i, dt := range []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, arrow.FixedWidthTypes.Float16, arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time32ms,
		arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time64ns, arrow.FixedWidthTypes.Timestamp_us, &arrow.TimestampType{Unit: arrow.Nanosecond},
		&arrow.TimestampType{Unit: arrow.Second, TimeZone: "Europe/Paris"}, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "+02:00"}, arrow.FixedWidthTypes.Duration_ms, arrow.Null,
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView, arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.BinaryView,
		&arrow.FixedSizeBinaryType{ByteWidth: 16}, &arrow.Decimal128Type{Precision: 38, Scale: 10}, &arrow.Decimal256Type{Precision: 76, Scale: 10},
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float32, arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval,
		arrow.FixedWidthTypes.MonthDayNanoInterval, arrow.ListOf(arrow.LargeListOf(arrow.PrimitiveTypes.Int32)), arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32),
		arrow.MapOf(arrow.BinaryTypes.String, arrow.ListOf(arrow.PrimitiveTypes.Int8)), arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64}),
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint16, ValueType: arrow.BinaryTypes.LargeString, Ordered: true},
	} {
		fields = append(fields, arrow.Field{Name: dt.Name() + string(rune('A'+i)), Type: dt, Nullable: i%3 != 0})
	}
	want := arrow.NewSchema(fields, nil)
	b, err := json.Marshal(jsonFields(want.Fields()))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := cli.New("bdcat").ReadSchema(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range want.Fields() {
		if g := got.Field(i); !arrow.TypeEqual(f.Type, g.Type) || f.Nullable != g.Nullable || f.Name != g.Name {
			t.Errorf("%s comes back as %s", f, g)
		}
	}
}
