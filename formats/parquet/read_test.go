package parquet

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/mem"
)

// inMemory makes a file of bytes.
func inMemory(t testing.TB, raw []byte) (fs.FileSystem, string) {
	t.Helper()
	fsys := mem.New()
	w, err := fsys.Create(context.Background(), "file.parquet", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	return fsys, "file.parquet"
}

func openBytes(t testing.TB, raw []byte, o Options) (*Reader, error) {
	t.Helper()
	fsys, name := inMemory(t, raw)
	f, err := fsys.Open(context.Background(), name, fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return Open(context.Background(), f, o)
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 9)) }

// TestRoundTrip: what is written is read back equal, values and types, in
// whatever pieces it is read.
func TestRoundTrip(t *testing.T) {
	seen := map[string]int{}
	n := campaign(80, 400, 5000)
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 77))
		g := &arrowiotest.Generator{R: r, Leaves: append(slices.Clone(arrowiotest.FlatTypes), arrowiotest.MoreTypes...), Nested: seed%4 > 0, Exotic: seed%3 > 0, Seen: seen}
		s := g.Schema()
		var batches []arrow.RecordBatch
		for range 1 + r.IntN(3) {
			batches = append(batches, g.Batch(s, r.IntN(400)))
		}
		o := randomOptions(r)
		o.NoArrowSchema = false
		o.TimestampUnit = "ns" // no digits are lost
		randomEncodings(r, s, &o, seen)
		for _, f := range s.Fields() { // which only the round trip can have: the oracles do not know it
			if id := f.Type.ID(); (id == arrow.FLOAT32 || id == arrow.FLOAT64) && r.IntN(2) == 0 {
				o.Columns[f.Name] = ColumnOptions{Encoding: "alp"}
				seen["encoding alp"]++
			}
		}
		raw := writeFile(t, o, s, batches...)
		ro := arrowio.ReadOptions{
			BatchRows: []int{0, 1, 7, 100}[r.IntN(4)], BatchBytes: []int64{0, 1000}[r.IntN(2)],
			Budget: arrowio.NewBudget(64 << 20), Alloc: []memory.Allocator{nil, arrowiotest.Poison{}}[r.IntN(2)],
		}
		seen[fmt.Sprint("batch rows ", ro.BatchRows)]++
		seen[fmt.Sprint("batch bytes ", ro.BatchBytes)]++
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rd, err := openBytes(t, raw, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range s.Fields() {
				if got := rd.Schema().Field(i); !sameType(f.Type, got.Type) {
					t.Fatalf("column %s is %s, was %s", f.Name, got.Type, f.Type)
				}
			}
			rr, err := arrowiotest.ReadSplits(context.Background(), rd, arrowio.ScanRequest{}, ro, rd.Close)
			if err != nil {
				t.Fatal(err)
			}
			got := make([][]string, s.NumFields())
			for rr.Next() {
				rec := rr.RecordBatch()
				if ro.BatchRows > 0 && rec.NumRows() > int64(ro.BatchRows) {
					t.Fatalf("a batch of %d rows", rec.NumRows())
				}
				for i, c := range rec.Columns() {
					got[i] = append(got[i], arrowiotest.ColumnText(c)...)
				}
			}
			if err := rr.Close(); err != nil {
				t.Fatalf("%v %+v: %v", s, o, err)
			}
			for i, f := range s.Fields() {
				var want []string
				for _, b := range batches {
					want = append(want, arrowiotest.ColumnText(b.Column(i))...)
				}
				compareColumns(t, fmt.Sprintf("%v %+v %+v", f, o, ro), want, got[i])
			}
			if n := ro.Budget.InUse(); n != 0 {
				t.Errorf("%d bytes of the budget are not given back", n)
			}
		})
	}
	t.Log("coverage:", seen)
	for what, least := range map[string]int{
		"STRUCT": 60, "LIST": 60, "MAP": 20, "LARGE_LIST": 5, "FIXED_SIZE_LIST": 5, "LIST_VIEW": 5, "DICTIONARY": 40, "RUN_END_ENCODED": 40,
		"DECIMAL256": 20, "STRING_VIEW": 5, "TIMESTAMP": 60, "page v1": 100, "page v2": 100, "nulls some": 1000, "encoding delta": 10,
		"encoding delta_byte_array": 4, "encoding byte_stream_split": 10, "encoding rle": 4, "encoding alp": 8, "batch rows 1": 50, "batch rows 7": 50, "batch bytes 1000": 100,
	} {
		if testing.Short() {
			least /= 8
		}
		if seen[what] < least {
			t.Errorf("coverage of %s is %d, the floor is %d", what, seen[what], least)
		}
	}
}

// sameType ignores the names of list elements.
func sameType(a, b arrow.DataType) bool {
	if arrow.TypeEqual(a, b) {
		return true
	}
	return strings.ReplaceAll(a.String(), "item:", "element:") == strings.ReplaceAll(b.String(), "item:", "element:")
}

var lawSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "s", Type: arrow.StructOf(
		arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32},
		arrow.Field{Name: "y", Type: arrow.BinaryTypes.String, Nullable: true},
	), Nullable: true},
	{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	{Name: "d", Type: &arrow.Decimal128Type{Precision: 20, Scale: 2}, Nullable: true},
	{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
	{Name: "bo", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "dict", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "u", Type: arrow.PrimitiveTypes.Uint32},
}, nil)

// lawBatch is n rows: id ascends, the rest is random with nulls, runs and NaN.
func lawBatch(r *rand.Rand, from, n int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, lawSchema)
	defer b.Release()
	null := func(b array.Builder) bool {
		if r.IntN(6) == 0 {
			b.AppendNull()
			return true
		}
		return false
	}
	for i := range n {
		id := from + i
		b.Field(0).(*array.Int64Builder).Append(int64(id))
		if sb := b.Field(1).(*array.StringBuilder); !null(sb) {
			sb.Append(fmt.Sprintf("v%03d", r.IntN(50)+id/40))
		}
		if fb := b.Field(2).(*array.Float64Builder); !null(fb) {
			fb.Append([]float64{r.NormFloat64(), float64(id), math.NaN(), math.Inf(1), math.Copysign(0, -1), 0}[r.IntN(6)])
		}
		if st := b.Field(3).(*array.StructBuilder); !null(st) {
			st.Append(true)
			st.FieldBuilder(0).(*array.Int32Builder).Append(int32(r.IntN(100)))
			if y := st.FieldBuilder(1).(*array.StringBuilder); !null(y) {
				y.Append(strings.Repeat("y", r.IntN(4)))
			}
		}
		if l := b.Field(4).(*array.ListBuilder); !null(l) {
			l.Append(true)
			for range r.IntN(5) {
				if v := l.ValueBuilder().(*array.Int32Builder); !null(v) {
					v.Append(int32(r.IntN(9)))
				}
			}
		}
		if d := b.Field(5); !null(d) {
			if err := d.AppendValueFromString(fmt.Sprintf("%d.%02d", r.IntN(1000)-500, r.IntN(100))); err != nil {
				panic(err)
			}
		}
		if tb := b.Field(6).(*array.TimestampBuilder); !null(tb) {
			tb.Append(arrow.Timestamp(1_700_000_000_000_000 + int64(id)*1_000_000 + int64(r.IntN(1000))))
		}
		if bb := b.Field(7).(*array.BooleanBuilder); !null(bb) {
			bb.Append(r.IntN(2) == 0)
		}
		if db := b.Field(8).(*array.BinaryDictionaryBuilder); !null(db) {
			if err := db.AppendString([]string{"red", "green", "blue"}[r.IntN(3)]); err != nil {
				panic(err)
			}
		}
		b.Field(9).(*array.Uint32Builder).Append(uint32(id) * 3_000_000_000 / 7)
	}
	return b.NewRecordBatch()
}
