package parquet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/oracle"
)

// extensionField is a field of an extension type, as Arrow's metadata says it.
func extensionField(name string, storage arrow.DataType, ext, md string) arrow.Field {
	return arrow.Field{Name: name, Type: storage, Nullable: true, Metadata: arrow.MetadataFrom(map[string]string{extensionName: ext, "ARROW:extension:metadata": md})}
}

// annotatedTypes are types and what the file's schema must call them
// (LogicalTypes.md, with the legacy types that writers must give besides).
var annotatedTypes = []struct {
	f       arrow.Field
	logical string
	legacy  meta.ConvertedType
	pyarrow string // its name for the logical type
}{
	{arrow.Field{Name: "int8", Type: arrow.PrimitiveTypes.Int8}, "INTEGER(8,true)", meta.ConvertedInt8, "Int(bitWidth=8, isSigned=true)"},
	{arrow.Field{Name: "uint64", Type: arrow.PrimitiveTypes.Uint64}, "INTEGER(64,false)", meta.ConvertedUint64, "Int(bitWidth=64, isSigned=false)"},
	{arrow.Field{Name: "text", Type: arrow.BinaryTypes.LargeString}, "STRING", meta.ConvertedUTF8, "String"},
	{extensionField("json", arrow.BinaryTypes.String, "arrow.json", ""), "JSON", meta.ConvertedJSON, "JSON"},
	{extensionField("uuid", &arrow.FixedSizeBinaryType{ByteWidth: 16}, "arrow.uuid", ""), "UUID", meta.NoConvertedType, "UUID"},
	{extensionField("geometry", arrow.BinaryTypes.Binary, "geoarrow.wkb", `{"crs":"EPSG:4326"}`), "GEOMETRY(EPSG:4326)", meta.NoConvertedType, "Geometry(crs=EPSG:4326)"},
	{extensionField("geography", arrow.BinaryTypes.Binary, "geoarrow.wkb", `{"crs":"OGC:CRS84","edges":"karney"}`), "GEOGRAPHY(KARNEY)", meta.NoConvertedType, "Geography(crs=, algorithm=karney)"},
	{arrow.Field{Name: "half", Type: arrow.FixedWidthTypes.Float16}, "FLOAT16", meta.NoConvertedType, "Float16"},
	{arrow.Field{Name: "date", Type: arrow.PrimitiveTypes.Date32}, "DATE", meta.ConvertedDate, "Date"},
	{arrow.Field{Name: "time_ms", Type: arrow.FixedWidthTypes.Time32ms}, "TIME(MILLIS,LOCAL)", meta.ConvertedTimeMillis, "Time(isAdjustedToUTC=false, timeUnit=milliseconds)"},
	{arrow.Field{Name: "time_us", Type: arrow.FixedWidthTypes.Time64us}, "TIME(MICROS,LOCAL)", meta.ConvertedTimeMicros, "Time(isAdjustedToUTC=false, timeUnit=microseconds)"},
	{arrow.Field{Name: "time_ns", Type: arrow.FixedWidthTypes.Time64ns}, "TIME(NANOS,LOCAL)", meta.NoConvertedType, "Time(isAdjustedToUTC=false, timeUnit=nanoseconds)"},
	{arrow.Field{Name: "local_ms", Type: &arrow.TimestampType{Unit: arrow.Millisecond}}, "TIMESTAMP(MILLIS,LOCAL)", meta.ConvertedTimestampMs, "Timestamp(isAdjustedToUTC=false, timeUnit=milliseconds, is_from_converted_type=false, force_set_converted_type=false)"},
	{arrow.Field{Name: "local_us", Type: &arrow.TimestampType{Unit: arrow.Microsecond}}, "TIMESTAMP(MICROS,LOCAL)", meta.ConvertedTimestampUs, "Timestamp(isAdjustedToUTC=false, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false)"},
	{arrow.Field{Name: "utc_ms", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}}, "TIMESTAMP(MILLIS,UTC)", meta.ConvertedTimestampMs, "Timestamp(isAdjustedToUTC=true, timeUnit=milliseconds, is_from_converted_type=false, force_set_converted_type=false)"},
	{arrow.Field{Name: "decimal", Type: &arrow.Decimal128Type{Precision: 20, Scale: 3}}, "DECIMAL(20,3)", meta.ConvertedDecimal, "Decimal(precision=20, scale=3)"},
	{arrow.Field{Name: "interval", Type: arrow.FixedWidthTypes.MonthDayNanoInterval}, "INTERVAL", meta.ConvertedInterval, ""},
	{arrow.Field{Name: "nothing", Type: arrow.Null, Nullable: true}, "UNKNOWN", meta.NoConvertedType, "Null"},
}

// TestAnnotations: each type has the logical type that other readers look for,
// and the legacy one beside it wherever the format knows one.
func TestAnnotations(t *testing.T) {
	var fields []arrow.Field
	for _, a := range annotatedTypes {
		fields = append(fields, a.f)
	}
	raw := writeFile(t, WriteOptions{TimestampUnit: ""}, arrow.NewSchema(fields, nil))
	rd, err := openBytes(t, raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	if rd.md.Version != 1 {
		t.Errorf("version %d", rd.md.Version)
	}
	for i, a := range annotatedTypes {
		e := rd.tree.Leaves[i].Element
		if got := logicalName(e); got != a.logical {
			t.Errorf("%s: %s, want %s", a.f.Name, got, a.logical)
		}
		if e.Converted != a.legacy {
			t.Errorf("%s: legacy %v, want %v", a.f.Name, e.Converted, a.legacy)
		}
	}
	py := oracle.Python(t, "that pyarrow sees the same logical types is")
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, path, raw)
	var theirs []string
	out := oracle.Run(t, py, "import sys, json, pyarrow.parquet as pq\ns = pq.ParquetFile(sys.argv[1]).schema\nprint(json.dumps([str(s.column(i).logical_type) for i in range(len(s))]))", path)
	if err := json.Unmarshal([]byte(out), &theirs); err != nil {
		t.Fatal(err)
	}
	for i, a := range annotatedTypes {
		if a.pyarrow != "" && theirs[i] != a.pyarrow {
			t.Errorf("%s: pyarrow sees %s, want %s", a.f.Name, theirs[i], a.pyarrow)
		}
	}
}

// TestExtensionsKept: extension types come back, with their metadata.
func TestExtensionsKept(t *testing.T) {
	variant := arrow.StructOf(arrow.Field{Name: "metadata", Type: arrow.BinaryTypes.Binary}, arrow.Field{Name: "value", Type: arrow.BinaryTypes.Binary, Nullable: true})
	fields := []arrow.Field{extensionField("v", variant, "arrow.parquet.variant", "")}
	for _, a := range annotatedTypes {
		if a.f.HasMetadata() {
			fields = append(fields, a.f)
		}
	}
	s := arrow.NewSchema(fields, nil)
	for _, bare := range []bool{false, true} {
		rd, err := openBytes(t, writeFile(t, WriteOptions{NoArrowSchema: bare}, s), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer rd.Close()
		for i, f := range s.Fields() {
			got := rd.Schema().Field(i)
			want, _ := f.Metadata.GetValue(extensionName)
			if name, _ := got.Metadata.GetValue(extensionName); name != want || got.Type.ID() != f.Type.ID() {
				t.Errorf("%s without the Arrow schema %v: %s of %s", f.Name, bare, name, got.Type)
			}
		}
	}
}

// TestSortingColumns: the declared order is in the file, and pyarrow sees it.
func TestSortingColumns(t *testing.T) {
	raw := writeFile(t, WriteOptions{Sorting: []SortingColumn{{Column: "id"}, {Column: "s.y", Descending: true, NullsFirst: true}}}, lawSchema, lawBatch(newRand(1), 0, 10))
	rd, err := openBytes(t, raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	if got := rd.Meta().Units[0].Sorting; got != "id, s.y desc nulls first" {
		t.Errorf("sorted by %q", got)
	}
	py := oracle.Python(t, "that pyarrow sees the sorting columns is")
	path := filepath.Join(t.TempDir(), "s.parquet")
	write(t, path, raw)
	got := strings.TrimSpace(oracle.Run(t, py, "import sys, pyarrow.parquet as pq\nprint([(c.column_index, c.descending, c.nulls_first) for c in pq.ParquetFile(sys.argv[1]).metadata.row_group(0).sorting_columns])", path))
	if got != "[(0, False, False), (4, True, True)]" {
		t.Errorf("pyarrow sees %s", got)
	}
}

// TestChecksums: a changed byte of a page is found out by its checksum, and is
// not looked for where the reader is told so.
func TestChecksums(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}}, nil)
	raw := writeFile(t, WriteOptions{Codec: "none", Dictionary: DictionaryOff}, s, int64Column(arrow.PrimitiveTypes.Int64, 1, 2, 3))
	rd, err := openBytes(t, raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := rd.md.RowGroups[0].Columns[0].Meta
	end := c.DataPageOffset + c.CompressedSize
	rd.Close()
	for at := end - 24; at < end; at++ {
		changed := append([]byte{}, raw...)
		changed[at] ^= 1
		if got, err := readColumn(t, changed, "a", Options{}); !errors.Is(err, arrowio.ErrCorrupt) || !strings.Contains(err.Error(), "CRC") {
			t.Errorf("byte %d changed: %v, %v", at, got, err)
		}
		if got, err := readColumn(t, changed, "a", Options{NoVerify: true}); err != nil || len(got) != 3 {
			t.Errorf("byte %d changed and not verified: %v, %v", at, got, err)
		}
	}
}

// TestSizeStatistics: the histograms and sizes told of chunks and pages are
// those of the data.
func TestSizeStatistics(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}, {Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	}, nil))
	defer b.Release()
	lb, nb := b.Field(0).(*array.ListBuilder), b.Field(1).(*array.Int32Builder)
	for i := range 40 { // null, [], ["ab"], ["ab", null, "cde"] in turn
		if i%4 == 0 {
			lb.AppendNull()
			nb.AppendNull()
			continue
		}
		nb.Append(int32(i))
		lb.Append(true)
		v := lb.ValueBuilder().(*array.StringBuilder)
		if i%4 > 1 {
			v.Append("ab")
		}
		if i%4 > 2 {
			v.AppendNull()
			v.Append("cde")
		}
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	for _, mode := range []DictionaryMode{DictionaryOn, DictionaryOff} {
		rd, err := openBytes(t, writeFile(t, WriteOptions{PageRows: 8, Dictionary: mode}, rec.Schema(), rec), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer rd.Close()
		check := func(what string, got, want any) {
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("dictionary %v: %s is %v, want %v", mode, what, got, want)
			}
		}
		list, number := rd.md.RowGroups[0].Columns[0], rd.md.RowGroups[0].Columns[1]
		// Ten rows of each kind: levels 0, 1, 3, and 3 2 3.
		check("bytes of the list", list.Meta.SizeStatistics.UnencodedByteArrayBytes, 10*2+10*5)
		check("repetition", list.Meta.SizeStatistics.RepLevelHistogram, []int64{40, 20})
		check("definition", list.Meta.SizeStatistics.DefLevelHistogram, []int64{10, 10, 10, 30})
		check("bytes of the number", number.Meta.SizeStatistics.UnencodedByteArrayBytes, -1)
		check("definition of the number", number.Meta.SizeStatistics.DefLevelHistogram, []int64{10, 30})
		x, err := rd.offsetIndex(context.Background(), &list, nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		ci, err := rd.columnIndex(context.Background(), &list, nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		check("bytes of pages", x.UnencodedByteArrayBytes, []int64{14, 14, 14, 14, 14})
		check("repetition of pages", ci.RepLevelHistogram, []int64{8, 4, 8, 4, 8, 4, 8, 4, 8, 4})
		check("definition of pages", ci.DefLevelHistogram[:8], []int64{2, 2, 2, 6, 2, 2, 2, 6})
	}
}
