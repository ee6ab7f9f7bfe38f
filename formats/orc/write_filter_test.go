package orc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/internal/oracle"
)

const (
	indexedRows   = 20_000
	indexedStride = 1000
)

// indexed is rows whose row groups differ in what they hold: everything but id
// grows only roughly, and the columns named b… are spread so that bounds say
// nothing and Bloom filters all.
func indexed() (*arrow.Schema, arrow.RecordBatch) {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "d", Type: arrow.FixedWidthTypes.Date32},
		{Name: "dec", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "bi", Type: arrow.PrimitiveTypes.Int64},
		{Name: "bt", Type: arrow.BinaryTypes.String},
		{Name: "bf", Type: arrow.PrimitiveTypes.Float64},
		{Name: "bdec", Type: &arrow.Decimal128Type{Precision: 20, Scale: 3}},
		{Name: "bts", Type: &arrow.TimestampType{Unit: arrow.Millisecond}},
	}, nil)
	r := rand.New(rand.NewPCG(31, 32))
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	base := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	for i := range indexedRows {
		g := i / indexedStride
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if g == 3 {
			b.Field(1).AppendNull()
		} else if g == 5 && i%10 == 0 {
			b.Field(1).(*array.Float64Builder).Append(math.NaN())
		} else {
			b.Field(1).(*array.Float64Builder).Append(float64(i) + r.Float64()*100)
		}
		b.Field(2).(*array.Date32Builder).Append(arrow.Date32(g*10 + r.IntN(30) - 100))
		b.Field(3).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(i*7 + r.IntN(500) - 30_000)))
		at := base + int64(i)*31_557_600_000 + int64(r.IntN(1_000_000)) // through 1970
		if sec := at / 1e6; at < 0 && sec == 0 {
			at = 0 // ORC's blind second
		}
		b.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
		if g == 7 {
			b.Field(5).AppendNull()
		} else {
			b.Field(5).(*array.StringBuilder).Append(fmt.Sprintf("%03d %s", g, strings.Repeat("é", r.IntN(3)*400)))
		}
		v := int64(i)*7919%1_000_003 + 5
		b.Field(6).(*array.Int64Builder).Append(v)
		b.Field(7).(*array.StringBuilder).Append("k" + strconv.FormatInt(v, 36))
		b.Field(8).(*array.Float64Builder).Append(float64(v) / 8)
		b.Field(9).(*array.Decimal128Builder).Append(decimal128.FromI64(v * 10))
		b.Field(10).(*array.TimestampBuilder).Append(arrow.Timestamp(v*1000 + 7))
	}
	return s, b.NewRecordBatch()
}

func indexedOptions() WriteOptions {
	o := WriteOptions{Stride: indexedStride, StripeBytes: 1 << 19, Columns: map[string]ColumnOptions{}}
	for _, c := range []string{"bi", "bt", "bf", "bdec", "bts"} {
		o.Columns[c] = ColumnOptions{Bloom: &BloomOptions{FPP: 0.001}}
	}
	return o
}

// filtered is a filter in Java's terms, which rows satisfy it, and the most row
// groups that an index lets it read.
type filtered struct {
	column, op, kind, literal string
	match                     func(rec arrow.RecordBatch, i int) bool
	groups                    int
}

func filters() []filtered {
	f64 := func(col int) func(arrow.RecordBatch, int) (float64, bool) {
		return func(rec arrow.RecordBatch, i int) (float64, bool) {
			a := rec.Column(col).(*array.Float64)
			return a.Value(i), a.IsValid(i)
		}
	}
	num := func(col int, pred func(int64) bool) func(arrow.RecordBatch, int) bool {
		return func(rec arrow.RecordBatch, i int) bool {
			switch a := rec.Column(col).(type) {
			case *array.Int64:
				return pred(a.Value(i))
			case *array.Date32:
				return pred(int64(a.Value(i)))
			case *array.Decimal128:
				return pred(int64(a.Value(i).LowBits()))
			case *array.Timestamp:
				return pred(int64(a.Value(i)))
			}
			panic("column")
		}
	}
	text := func(col int, pred func(string) bool) func(arrow.RecordBatch, int) bool {
		return func(rec arrow.RecordBatch, i int) bool {
			a := rec.Column(col).(*array.String)
			return a.IsValid(i) && pred(a.Value(i))
		}
	}
	v := int64(12_345)*7919%1_000_003 + 5
	limit := time.Date(1961, 5, 5, 0, 0, 0, 0, time.UTC).UnixMicro()
	return []filtered{
		{"id", "=", "LONG", "4567", num(0, func(v int64) bool { return v == 4567 }), 1},
		{"id", "<", "LONG", "2500", num(0, func(v int64) bool { return v < 2500 }), 3},
		{"id", ">=", "LONG", "19000", num(0, func(v int64) bool { return v >= 19000 }), 1},
		{"x", ">", "FLOAT", "15000.5", func(rec arrow.RecordBatch, i int) bool {
			x, ok := f64(1)(rec, i)
			return ok && x > 15000.5
		}, 7}, // the group of NaNs too
		{"x", "null", "FLOAT", "0", func(rec arrow.RecordBatch, i int) bool { return rec.Column(1).IsNull(i) }, 2}, // the group of NaNs too
		{"d", "<=", "DATE", "1969-10-25", num(2, func(v int64) bool { return v <= -68 }), 4},
		{"dec", "<", "DECIMAL", "-250.5", num(3, func(v int64) bool { return v < -25050 }), 1},
		{"ts", "<", "TIMESTAMP", "1961-05-05 00:00:00", num(4, func(v int64) bool { return v < limit }), 2},
		{"text", ">", "STRING", "0180", text(5, func(s string) bool { return s > "0180" }), 2},
		{"text", "=", "STRING", "004 ", text(5, func(s string) bool { return s == "004 " }), 1},
		{"bi", "=", "LONG", strconv.FormatInt(v, 10), num(6, func(x int64) bool { return x == v }), 1},
		{"bt", "=", "STRING", "k" + strconv.FormatInt(v, 36), text(7, func(s string) bool { return s == "k"+strconv.FormatInt(v, 36) }), 1},
		{"bf", "=", "FLOAT", strconv.FormatFloat(float64(v)/8, 'g', -1, 64), func(rec arrow.RecordBatch, i int) bool {
			x, _ := f64(8)(rec, i)
			return x == float64(v)/8
		}, 2}, // with a false positive
		{"bdec", "=", "DECIMAL", fmt.Sprintf("%d.%02d", v/100, v%100), num(9, func(x int64) bool { return x == v*10 }), 1},
		{"bts", "=", "TIMESTAMP", time.UnixMilli(v*1000 + 7).UTC().Format("2006-01-02 15:04:05.000"), num(10, func(x int64) bool { return x == v*1000+7 }), 1},
	}
}

// Java, given a filter, skips what our index and Bloom filters say, and misses
// no row.
func TestFilterByJava(t *testing.T) {
	jar := oracle.Jar(t, "orc-tools", "that Java uses the row index and the Bloom filters is")
	s, rec := indexed()
	dir := t.TempDir()
	for _, codec := range []string{"zstd", "none"} {
		o := indexedOptions()
		o.Codec = codec
		path := filepath.Join(dir, codec+".orc")
		raw := writeFile(t, o, s, rec)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if n := len(openBytes(t, raw, Options{}).footer.Stripes); n < 2 {
			t.Fatalf("%d stripes", n)
		}
		var jobs []string
		for i, f := range filters() {
			job, _ := javaJob(t, dir, fmt.Sprintf("%s-%d", codec, i), path, f.column, f.op, f.kind, f.literal)
			jobs = append(jobs, job)
		}
		oracle.Java(t, jar, "testdata/Dump.java", jobs...)
		for i, f := range filters() {
			got := javaRows(t, filepath.Join(dir, fmt.Sprintf("%s-%d.rows", codec, i)), s.NumFields())
			read := map[int]bool{}
			groups := map[int]bool{}
			for _, id := range got[0] {
				n, err := strconv.Atoi(id)
				if err != nil {
					t.Fatal(err)
				}
				read[n], groups[n/indexedStride] = true, true
			}
			want := 0
			for i := range indexedRows {
				if f.match(rec, i) {
					if want++; !read[i] {
						t.Fatalf("%s: %s %s %s: row %d is missing", codec, f.column, f.op, f.literal, i)
					}
				}
			}
			if want == 0 || len(groups) > f.groups {
				t.Errorf("%s: %s %s %s: %d rows match, %d row groups were read, at most %d need be", codec, f.column, f.op, f.literal, want, len(groups), f.groups)
			}
		}
	}
}

// A filtered scan of pyarrow's dataset gives the rows that satisfy the filter.
func TestFilterByPyarrow(t *testing.T) {
	py := oracle.Python(t, "that pyarrow's filtered scans agree is")
	s, rec := indexed()
	path := filepath.Join(t.TempDir(), "f.orc")
	if err := os.WriteFile(path, writeFile(t, indexedOptions(), s, rec), 0o600); err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, f := range filters() {
		args = append(args, strings.Join([]string{f.column, f.op, f.kind, f.literal}, "|"))
	}
	out := oracle.Run(t, py, `
import sys, operator, decimal, datetime
import pyarrow as pa, pyarrow.dataset as ds
data = ds.dataset(sys.argv[1], format="orc")
ops = {"=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
def literal(kind, text):
    return {"LONG": int, "FLOAT": float, "DECIMAL": decimal.Decimal, "DATE": datetime.date.fromisoformat,
            "TIMESTAMP": lambda t: pa.scalar(datetime.datetime.fromisoformat(t), pa.timestamp("ns")), "STRING": str}[kind](text)
for f in sys.argv[2:]:
    column, op, kind, text = f.split("|")
    where = ds.field(column).is_null() if op == "null" else ops[op](ds.field(column), literal(kind, text))
    print(*data.to_table(columns=["id"], filter=where)["id"].to_pylist())
`, append([]string{path}, args...)...)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for k, f := range filters() {
		var want []string
		for i := range indexedRows {
			if f.match(rec, i) {
				want = append(want, strconv.Itoa(i))
			}
		}
		if lines[k] != strings.Join(want, " ") {
			t.Errorf("%s %s %s: %d rows, want %d", f.column, f.op, f.literal, len(strings.Fields(lines[k])), len(want))
		}
	}
}
