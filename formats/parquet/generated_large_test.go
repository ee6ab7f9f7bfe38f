package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/pushdown"
)

func countRows(t *testing.T, raw []byte, filter string) (rows, splits int64) {
	t.Helper()
	rd, err := openBytes(t, raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	req := arrowio.ScanRequest{}
	if filter != "" {
		if req.Filter, err = pushdown.Parse(filter); err != nil {
			t.Fatal(err)
		}
	}
	scan, err := rd.Plan(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range scan.Splits {
		if splits++; err != nil {
			t.Fatal(err)
		}
	}
	rr, err := arrowiotest.ReadSplits(context.Background(), rd, req, arrowio.ReadOptions{}, rd.Close)
	if err != nil {
		t.Fatal(err)
	}
	for rr.Next() {
		rows += rr.RecordBatch().NumRows()
	}
	if err := rr.Close(); err != nil {
		t.Fatal(err)
	}
	return rows, splits
}

// TestManyRowGroups: more row groups than their two-byte ordinal can number, in
// plaintext; encrypted, whose modules are bound to that number, such a file is
// refused rather than written with numbers that repeat.
func TestManyRowGroups(t *testing.T) {
	const n = 40_000
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(i)
	}
	rec := array.NewRecordBatch(s, []arrow.Array{int64Column(arrow.PrimitiveTypes.Int64, ids...).Column(0)}, n)
	o := WriteOptions{RowGroupRows: 1, Codec: "none", NoArrowSchema: true, Statistics: StatisticsChunk}
	raw := writeFile(t, o, s, rec)
	if rows, splits := countRows(t, raw, ""); rows != n || splits != n {
		t.Errorf("%d rows in %d splits", rows, splits)
	}
	if rows, splits := countRows(t, raw, "id = 39999 OR id = 32768"); rows != 2 || splits != 2 {
		t.Errorf("filtered: %d rows in %d splits", rows, splits)
	}
	rd, err := file.NewParquetReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	if rd.NumRowGroups() != n || rd.NumRows() != n {
		t.Errorf("arrow-go: %d row groups, %d rows", rd.NumRowGroups(), rd.NumRows())
	}
	o.Encryption = encryptionOf(t, keysOf(t, map[string]any{"footer": footerHex, "encrypt": map[string]any{}}))
	k, err := NewSink(&memWriter{}, s, o)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.Write(context.Background(), rec); !errors.Is(err, arrowio.ErrLimit) {
		t.Errorf("encrypted: %v", err)
	}
}

// TestManyColumns: columns by the thousand, of which one is read.
func TestManyColumns(t *testing.T) {
	const n = 6000
	var fields []arrow.Field
	var cols []arrow.Array
	for i := range n {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("c%d", i), Type: arrow.PrimitiveTypes.Int64, Nullable: true})
		cols = append(cols, int64Column(arrow.PrimitiveTypes.Int64, int64(i), int64(-i)).Column(0))
	}
	s := arrow.NewSchema(fields, nil)
	raw := writeFile(t, WriteOptions{}, s, array.NewRecordBatch(s, cols, 2))
	got, err := readColumn(t, raw, "c5999", Options{})
	if err != nil {
		t.Fatal(err)
	}
	compareColumns(t, "c5999", words("5999 -5999"), got)
	rd, err := openBytes(t, raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := scanText(rd, arrowio.ScanRequest{})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
}

// TestNoColumns: a file may have rows and no column; they are counted.
func TestNoColumns(t *testing.T) {
	raw, _ := rawFile{groups: []rawGroup{{3, nil}, {4, nil}}}.bytes()
	if rows, _ := countRows(t, raw, ""); rows != 7 {
		t.Errorf("%d rows", rows)
	}
	s := arrow.NewSchema(nil, nil)
	raw = writeFile(t, WriteOptions{}, s, array.NewRecordBatch(s, nil, 5))
	if rows, _ := countRows(t, raw, ""); rows != 5 {
		t.Errorf("written by us: %d rows", rows)
	}
}

// TestEmptyGroup: a group of no fields has no column that could tell its nulls
// or its length. As a struct that is there in every row it is read; as a list's
// element it is refused by name.
func TestEmptyGroup(t *testing.T) {
	for _, rep := range []meta.Repetition{meta.Required, meta.Optional} {
		f := rawFile{roots: 2, schema: rawSchema{groupOf("g", rep, 0), leafOf("a", meta.Required, meta.Int32)}, groups: []rawGroup{{2, []rawChunk{flatColumn(2, i32s(1, 2))}}}}
		raw, _ := f.bytes()
		for column, want := range map[string][]string{"g": words("() ()"), "a": words("1 2")} {
			got, err := readColumn(t, raw, column, Options{})
			if err != nil {
				t.Fatal(err)
			}
			compareColumns(t, column, want, got)
		}
	}
	f := rawFile{roots: 2, schema: rawSchema{groupOf("l", meta.Repeated, 0), leafOf("a", meta.Required, meta.Int32)}, groups: []rawGroup{{2, []rawChunk{flatColumn(2, i32s(1, 2))}}}}
	raw, _ := f.bytes()
	if got, err := readColumn(t, raw, "l", Options{}); !errors.Is(err, arrowio.ErrUnsupported) {
		t.Errorf("a list of empty groups: %v, %v", got, err)
	}
	if got, err := readColumn(t, raw, "a", Options{}); err != nil || len(got) != 2 {
		t.Errorf("the column beside it: %v, %v", got, err)
	}
}

// TestWideDecimals: a decimal that is wider than the 76 digits of Arrow's is
// read where its values are not, and is an error where they are.
func TestWideDecimals(t *testing.T) {
	file := func(values ...string) []byte {
		f := rawFile{roots: 1, schema: rawSchema{leafOf("d", meta.Required, meta.ByteArray, decimalOf(100, 2))}, groups: []rawGroup{{int64(len(values)), []rawChunk{flatColumn(len(values), byteArrays(values...))}}}}
		raw, _ := f.bytes()
		return raw
	}
	got, err := readColumn(t, file("\x01", "\xff\xff", string(make([]byte, 40))+"\x07"), "d", Options{})
	if err != nil {
		t.Fatal(err)
	}
	compareColumns(t, "d", words("0.01 -0.01 0.07"), got)
	if got, err := readColumn(t, file("\x01"+string(make([]byte, 40))), "d", Options{}); !errors.Is(err, arrowio.ErrCast) && !errors.Is(err, arrowio.ErrUnsupported) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestUnknownFeatures: what a newer format has is refused by its name, and only
// when a column that uses it is read.
func TestUnknownFeatures(t *testing.T) {
	for name, c := range map[string]struct {
		typ  meta.Type
		page rawPage
		want string
	}{
		"encoding":        {meta.Int32, dataPage(nil, nil, 0, 0, meta.RLE, 11, 1, i32s(1)), "encoding 11"},
		"boolean":         {meta.Boolean, dataPage(nil, nil, 0, 0, meta.RLE, 11, 1, i32s(1)), "encoding 11"},
		"byte arrays":     {meta.ByteArray, dataPage(nil, nil, 0, 0, meta.RLE, 11, 1, i32s(1)), "encoding 11"},
		"ill-suited":      {meta.Int32, dataPage(nil, nil, 0, 0, meta.RLE, meta.ALP, 1, i32s(1)), "ALP"},
		"ALP mode":        {meta.Double, dataPage(nil, nil, 0, 0, meta.RLE, meta.ALP, 1, []byte{1, 0, 10, 1, 0, 0, 0}), "ALP of compression mode 1"},
		"dictionary page": {meta.Int32, rawPage{h: meta.PageHeader{Type: meta.DictionaryPage, NumValues: 1, Encoding: meta.DeltaBinaryPacked}, body: i32s(1)}, "DELTA_BINARY_PACKED"},
	} {
		f := rawFile{roots: 2, schema: rawSchema{leafOf("x", meta.Required, c.typ), leafOf("a", meta.Required, meta.Int32)}, groups: []rawGroup{{1, []rawChunk{{levels: 1, pages: []rawPage{c.page, dataPage(nil, nil, 0, 0, meta.RLE, meta.Plain, 1, i32s(1))}}, flatColumn(1, i32s(5))}}}}
		raw, _ := f.bytes()
		if got, err := readColumn(t, raw, "x", Options{}); !errors.Is(err, arrowio.ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if got, err := readColumn(t, raw, "a", Options{}); err != nil || len(got) != 1 {
			t.Errorf("%s: the column beside it: %v, %v", name, got, err)
		}
	}
}
