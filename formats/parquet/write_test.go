package parquet

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/fs"
)

// memWriter is a file in memory.
type memWriter struct {
	bytes.Buffer
	committed, closed bool
}

func (w *memWriter) Commit(context.Context) (fs.FileInfo, error) {
	w.committed = true
	return fs.FileInfo{Name: "mem", Size: int64(w.Len())}, nil
}
func (w *memWriter) Close() error { w.closed = true; return nil }

func writeFile(t testing.TB, o WriteOptions, s *arrow.Schema, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	w := &memWriter{}
	k, err := NewSink(w, s, o)
	if err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	defer k.Close()
	rows := int64(0)
	for _, b := range batches {
		if err := k.Write(context.Background(), b); err != nil {
			t.Fatalf("%v: %v", s, err)
		}
		rows += b.NumRows()
	}
	res, err := k.Commit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if res.Rows != rows || res.Bytes != int64(w.Len()) || !w.committed {
		t.Fatalf("result %+v, %d rows and %d bytes written", res, rows, w.Len())
	}
	return w.Bytes()
}

// randomOptions draws from all that does not depend on a column's type.
func randomOptions(r *rand.Rand) WriteOptions {
	codecs := []string{"none", "snappy", "gzip", "brotli", "zstd", "lz4_raw"}
	return WriteOptions{
		Codec: codecs[r.IntN(len(codecs))], PageVersion: 1 + r.IntN(2), PageRows: []int{0, 7, 100}[r.IntN(3)],
		PageBytes: []int{0, 64, 1000}[r.IntN(3)], RowGroupRows: []int64{0, 50, 999}[r.IntN(3)],
		RowGroupBytes: []int64{0, 5000}[r.IntN(2)], Dictionary: DictionaryMode(r.IntN(3)), DictionaryBytes: []int{0, 100}[r.IntN(2)],
		Statistics: StatisticsMode(r.IntN(3)), NoChecksum: r.IntN(2) == 0, NoArrowSchema: r.IntN(4) == 0, Jobs: 1 + r.IntN(3),
	}
}

// randomEncodings gives some columns an encoding that suits them.
func randomEncodings(r *rand.Rand, s *arrow.Schema, o *WriteOptions, seen map[string]int) {
	o.Columns = map[string]ColumnOptions{}
	for _, f := range s.Fields() {
		var names []string
		switch f.Type.ID() {
		case arrow.BOOL:
			names = []string{"plain", "rle"}
		case arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT64, arrow.DATE32, arrow.TIMESTAMP:
			names = []string{"plain", "delta", "byte_stream_split"}
		case arrow.FLOAT32, arrow.FLOAT64, arrow.FLOAT16:
			names = []string{"plain", "byte_stream_split"}
		case arrow.STRING, arrow.BINARY, arrow.STRING_VIEW:
			names = []string{"plain", "delta_length_byte_array", "delta_byte_array"}
		case arrow.FIXED_SIZE_BINARY:
			names = []string{"plain", "delta_byte_array", "byte_stream_split"}
		}
		if len(names) > 0 && r.IntN(2) == 0 {
			c := ColumnOptions{Encoding: names[r.IntN(len(names))]}
			if f.Type.ID() != arrow.BOOL && r.IntN(2) == 0 {
				c.Bloom = &BloomOptions{NDV: int64(r.IntN(2) * 100)}
			}
			o.Columns[f.Name] = c
			seen["encoding "+c.Encoding]++
		}
	}
	seen["codec "+o.Codec]++
	seen[fmt.Sprintf("page v%d", o.PageVersion)]++
}

func compareColumns(t testing.TB, name string, want, got []string) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s: %d rows, want %d", name, len(got), len(want))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("%s: row %d is %s, want %s", name, i, got[i], want[i])
		}
	}
}

// TestWriteReadByArrowGo: what is written, arrow-go reads back equal.
func TestWriteReadByArrowGo(t *testing.T) {
	seen := map[string]int{}
	skip := map[string]int{}
	n := campaign(72, 240, 3000)
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		g := &arrowiotest.Generator{R: r, Leaves: append(append([]arrow.DataType{}, arrowiotest.FlatTypes...), arrowiotest.MoreTypes...), Nested: seed%3 > 0, Exotic: seed%2 > 0, Seen: seen}
		s := g.Schema()
		var batches []arrow.RecordBatch
		for range 1 + r.IntN(3) {
			batches = append(batches, g.Batch(s, r.IntN(300)))
		}
		o := randomOptions(r)
		randomEncodings(r, s, &o, seen)
		raw := writeFile(t, o, s, batches...)
		t.Run(fmt.Sprint(seed), func(t *testing.T) { readByArrowGo(t, s, o, raw, batches, skip) })
	}
	floor := map[string]int{
		"STRUCT": 30, "LIST": 30, "MAP": 10, "LARGE_LIST": 5, "FIXED_SIZE_LIST": 5, "LIST_VIEW": 5, "DICTIONARY": 20, "RUN_END_ENCODED": 20,
		"DECIMAL128": 30, "DECIMAL256": 10, "DECIMAL32": 5, "DECIMAL64": 5, "STRING_VIEW": 5, "BOOL": 10, "TIMESTAMP": 30, "nulls some": 500,
		"nulls none": 500, "codec zstd": 10, "codec snappy": 10, "codec gzip": 10, "codec brotli": 10, "codec lz4_raw": 10, "codec none": 10,
		"page v1": 40, "page v2": 40, "encoding rle": 1, "encoding delta": 10, "encoding byte_stream_split": 5,
		"encoding delta_length_byte_array": 3, "encoding delta_byte_array": 3,
	}
	t.Log("coverage:", seen)
	t.Log("not read by arrow-go:", skip)
	for what, least := range floor {
		if testing.Short() {
			least /= 8
		}
		if seen[what] < least {
			t.Errorf("coverage of %s is %d, the floor is %d", what, seen[what], least)
		}
	}
	if total := skip["columns"]; total*10 > skip["all"]*4 {
		t.Errorf("arrow-go was asked for too few columns: %v", skip)
	}
}

func readByArrowGo(t *testing.T, s *arrow.Schema, o WriteOptions, raw []byte, batches []arrow.RecordBatch, skip map[string]int) {
	rd, err := file.NewParquetReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	ar, err := pqarrow.NewFileReader(rd, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatalf("%v %+v: %v", s, o, err)
	}
	for i, f := range s.Fields() {
		skip["all"]++
		why := arrowGoLacks(f.Type)
		if o.Columns[f.Name].Encoding == "delta_byte_array" && f.Type.ID() == arrow.FIXED_SIZE_BINARY {
			why = "delta_byte_array of fixed length"
		}
		if why != "" {
			skip[why]++
			skip["columns"]++
			continue
		}
		var leaves []int
		for l := range rd.MetaData().Schema.NumColumns() {
			if rd.MetaData().Schema.Column(l).ColumnPath()[0] == f.Name {
				leaves = append(leaves, l)
			}
		}
		tab, err := ar.ReadRowGroups(context.Background(), leaves, allGroups(rd.NumRowGroups()))
		if err != nil {
			t.Fatalf("%v %+v: %v", f, o, err)
		}
		var want []string
		for _, b := range batches {
			want = append(want, arrowiotest.ColumnText(b.Column(i))...)
		}
		compareColumns(t, fmt.Sprintf("%v %+v", f, o), want, arrowiotest.ColumnText(tab.Column(0).Data().Chunks()...))
		tab.Release()
	}
}

func allGroups(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// arrowGoLacks names what arrow-go's reader cannot read back, of a type.
func arrowGoLacks(dt arrow.DataType) string {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return arrowGoLacks(t.ValueType)
	case *arrow.RunEndEncodedType:
		return arrowGoLacks(t.Encoded())
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if why := arrowGoLacks(f.Type); why != "" {
				return why
			}
		}
	case *arrow.FixedSizeListType:
		return "fixed-size list with nulls"
	case *arrow.MapType:
		return cmp.Or(arrowGoLacks(t.KeyType()), arrowGoLacks(t.ItemType()))
	case arrow.ListLikeType:
		return arrowGoLacks(t.Elem())
	case *arrow.DurationType:
		return "duration"
	}
	return ""
}

// TestWriteNothing: files of no rows and of no columns are files.
func TestWriteNothing(t *testing.T) {
	for _, s := range []*arrow.Schema{arrow.NewSchema(nil, nil), arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int32}}, nil)} {
		raw := writeFile(t, WriteOptions{}, s)
		rd, err := file.NewParquetReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if rd.NumRows() != 0 || !strings.HasPrefix(rd.MetaData().GetCreatedBy(), "bdkit version ") {
			t.Errorf("%d rows by %s", rd.NumRows(), rd.MetaData().GetCreatedBy())
		}
	}
}
