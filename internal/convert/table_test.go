package convert

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
)

// words are what no folder's name may hold as it is, and what may.
var words = []string{"", "a", "b", "a/b", "x=y", "50%", "ü ö", "q'\"", "tab\t", "[z]", "{", "}", "back\\slash", "colon:", "*?", "#", "^", "~", "dot.", ".", "..", "%41", "+", "a b"}

var tableSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "w", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "d", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
	{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "dec", Type: &arrow.Decimal128Type{Precision: 9, Scale: 2}, Nullable: true},
	{Name: "k", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int8, Nullable: true}), Nullable: true},
}, nil)

// randomTable makes n rows with ids from first on; groups is how many values a
// column has.
func randomTable(r *rand.Rand, first, n, groups, width int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, tableSchema)
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(first + i))
		for k := 1; k < tableSchema.NumFields(); k++ {
			if r.IntN(10) == 0 {
				b.Field(k).AppendNull()
				continue
			}
			v := r.IntN(groups)
			switch f := b.Field(k).(type) {
			case *array.Int32Builder:
				f.Append(int32(v - 2))
			case *array.Date32Builder:
				f.Append(arrow.Date32(v*1000 - 800))
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(int64(v)*86_399_999_999 - 1))
			case *array.BooleanBuilder:
				f.Append(v%2 == 0)
			case *array.Float64Builder:
				f.Append([]float64{0, 1.5, -1e300, 1e-7}[v%4])
			case *array.Decimal128Builder:
				if err := f.AppendValueFromString(fmt.Sprintf("%d.%02d", v-1, v%100)); err != nil {
					panic(err)
				}
			case *array.BinaryDictionaryBuilder:
				if err := f.AppendString(words[v%len(words)]); err != nil {
					panic(err)
				}
			case *array.StringBuilder:
				if tableSchema.Field(k).Name == "w" {
					f.Append(words[v%len(words)])
				} else {
					f.Append(strings.Repeat(string(rune('a'+v%26)), r.IntN(width)))
				}
			case *array.ListBuilder:
				f.Append(true)
				for range r.IntN(3) {
					f.ValueBuilder().(*array.Int32Builder).Append(int32(v))
				}
			case *array.StructBuilder:
				f.Append(true)
				f.FieldBuilder(0).(*array.Int8Builder).Append(int8(v))
			}
		}
	}
	return b.NewRecordBatch()
}

func writeTable(t testing.TB, name string, o map[string]string, recs ...arrow.RecordBatch) {
	t.Helper()
	ctx := context.Background()
	sink, err := catalog.Create(ctx, name, recs[0].Schema(), catalog.CreateOptions{Formats: formats.Options{Set: o}})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	for _, rec := range recs {
		if err := sink.Write(ctx, rec); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sink.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

// newJob is a job with the defaults of the command line.
func newJob(dest string, sources ...string) *Job {
	return &Job{
		Sources: sources, Dest: dest, IfExists: ExistsError, BadRows: BadRowsFail,
		Request: func(*arrow.Schema) (arrowio.ScanRequest, error) { return arrowio.ScanRequest{Ordered: true}, nil },
	}
}

// readRows gives the rows of a source as text by id, and their ids in order.
func readRows(t testing.TB, source string) (rows map[int64]string, ids []int64) {
	t.Helper()
	ctx := context.Background()
	src, err := catalog.Open(ctx, source, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	rows = map[int64]string{}
	for rec, err := range arrowio.Batches(ctx, src, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		at := rec.Schema().FieldIndices("id")[0]
		for i := range int(rec.NumRows()) {
			id := rec.Column(at).(*array.Int64).Value(i)
			if _, twice := rows[id]; twice {
				t.Errorf("%s: row %d twice", source, id)
			}
			rows[id] = rowText(rec, i)
			ids = append(ids, id)
		}
	}
	return rows, ids
}

// rowText is a row, its columns by name.
func rowText(rec arrow.RecordBatch, i int) string {
	var cols []string
	for k, c := range rec.Columns() {
		cols = append(cols, rec.ColumnName(k)+"="+c.ValueStr(i))
	}
	slices.Sort(cols)
	return strings.Join(cols, " ")
}

// dataFiles are the visible files below a folder, by name.
func dataFiles(t testing.TB, dir string) (out []string) {
	t.Helper()
	files, err := catalog.Files(context.Background(), dir, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		rel, err := filepath.Rel(dir, f.URL)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rel)
	}
	return out
}
