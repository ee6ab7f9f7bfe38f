package parquet

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/pushdown"
)

// pruned says whether a filter drops the one row group of a file.
func pruned(t *testing.T, raw []byte, filter string) bool {
	t.Helper()
	rd, err := openBytes(t, raw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	e, err := pushdown.Parse(filter)
	if err != nil {
		t.Fatal(err)
	}
	scan, err := rd.Plan(context.Background(), arrowio.ScanRequest{Filter: e})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range scan.Splits {
		if err != nil {
			t.Fatal(err)
		}
		return false
	}
	return true
}

// TestOldStatistics: the deprecated min and max are in signed order, and are of
// use where the type's order is that; min_value and max_value where the file
// says in which order they are (parquet.thrift, Statistics, ColumnOrder).
func TestOldStatistics(t *testing.T) {
	stats := func(lo, hi []byte) *meta.Statistics {
		return &meta.Statistics{MinValue: lo, MaxValue: hi, NullCount: -1, DistinctCount: -1, NaNCount: -1}
	}
	old := func(lo, hi []byte) *meta.Statistics {
		return &meta.Statistics{Min: lo, Max: hi, NullCount: -1, DistinctCount: -1, NaNCount: -1}
	}
	file := func(e meta.SchemaElement, order meta.ColumnOrder, c rawChunk, s *meta.Statistics) []byte {
		c.stats = s
		raw, _ := rawFile{roots: 1, schema: rawSchema{e}, order: order, groups: []rawGroup{{int64(c.levels), []rawChunk{c}}}}.bytes()
		return raw
	}
	const none, typed = meta.NoOrder, meta.TypeDefinedOrder
	i32 := func(change ...func(e *meta.SchemaElement)) meta.SchemaElement {
		return leafOf("a", req, meta.Int32, change...)
	}
	str := leafOf("a", req, meta.ByteArray, text)
	dec := leafOf("a", req, meta.FixedLenByteArray, decimalOf(9, 0), ofLength(4))
	twoInts, twoTexts := flatColumn(2, i32s(1, 5)), flatColumn(2, byteArrays("a", "é"))
	int96 := make([]byte, 12)
	for name, c := range map[string]struct {
		raw    []byte
		filter string
		want   bool
	}{
		"old, signed":                {file(i32(), none, twoInts, old(i32s(1), i32s(5))), "a > 9", true},
		"old, within":                {file(i32(), none, twoInts, old(i32s(1), i32s(5))), "a = 3", false},
		"old beside an order":        {file(i32(), typed, twoInts, old(i32s(1), i32s(5))), "a > 9", true},
		"old, of the wrong width":    {file(i32(), none, twoInts, old(i32s(1)[:2], i32s(5)[:2])), "a > 9", false},
		"old, unsigned":              {file(i32(legacy(meta.ConvertedUint32)), none, flatColumn(2, i32s(-1, 0)), old(i32s(-1), i32s(0))), "a > 9", false},
		"old, text":                  {file(str, none, twoTexts, old([]byte("é"), []byte("a"))), "a = 'é'", false},
		"old, decimal in bytes":      {file(dec, none, flatColumn(1, []byte{0, 0, 0, 9}), old([]byte{0, 0, 0, 1}, []byte{0, 0, 0, 2})), "a = 9", false},
		"old, decimal in INT32":      {file(i32(decimalOf(9, 0)), none, twoInts, old(i32s(1), i32s(5))), "a > 9", true},
		"new without an order":       {file(i32(), none, twoInts, stats(i32s(1), i32s(5))), "a > 9", false},
		"new with an order":          {file(i32(), typed, twoInts, stats(i32s(1), i32s(5))), "a > 9", true},
		"new, an order of tomorrow":  {file(i32(), 9, twoInts, stats(i32s(1), i32s(5))), "a > 9", false},
		"new, unsigned":              {file(i32(legacy(meta.ConvertedUint32)), typed, flatColumn(2, i32s(0, -1)), stats(i32s(0), i32s(-1))), "a = 4294967295", false},
		"new, unsigned, below":       {file(i32(legacy(meta.ConvertedUint32)), typed, flatColumn(1, i32s(-1)), stats(i32s(-1), i32s(-1))), "a < 9", true},
		"new, text":                  {file(str, typed, twoTexts, stats([]byte("a"), []byte("é"))), "a = 'zz'", false},
		"new, text above":            {file(str, typed, twoTexts, stats([]byte("a"), []byte("é"))), "a > 'ê'", true},
		"new, decimal in bytes":      {file(dec, typed, flatColumn(1, []byte{255, 255, 255, 254}), stats([]byte{255, 255, 255, 254}, []byte{255, 255, 255, 254})), "a > 0", true},
		"new, decimal, negative":     {file(dec, typed, flatColumn(1, []byte{255, 255, 255, 254}), stats([]byte{255, 255, 255, 254}, []byte{255, 255, 255, 254})), "a = -2", false},
		"INT96":                      {file(leafOf("a", req, meta.Int96), typed, flatColumn(1, int96), stats(int96, int96)), "a > TIMESTAMP '2020-01-01'", false},
		"INTERVAL":                   {file(leafOf("a", req, meta.FixedLenByteArray, legacy(meta.ConvertedInterval), ofLength(12)), typed, flatColumn(1, int96), stats(int96, int96)), "a IS NULL", true},
		"no count of nulls":          {file(leafOf("a", opt, meta.Int32), typed, nested(0, 1, nil, []int16{1, 0}, meta.RLE, i32s(1)), stats(i32s(1), i32s(1))), "a IS NULL", false},
		"bounds that are turned":     {file(i32(), typed, twoInts, stats(i32s(1), nil)), "a > 9", false},
		"one bound is still a bound": {file(i32(), typed, twoInts, stats(i32s(1), nil)), "a < 1", true},
	} {
		if got := pruned(t, c.raw, c.filter); got != c.want {
			t.Errorf("%s: %s pruned is %v, want %v", name, c.filter, got, c.want)
		}
	}
	// Exactness as the file tells it; without, numbers are taken to be exact.
	no := false
	for flag, want := range map[*bool]bool{nil: true, &no: false} {
		some := stats(i32s(1), i32s(5))
		some.IsMinExact, some.IsMaxExact = flag, flag
		rd, err := openBytes(t, file(i32(), typed, twoInts, some), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if c := rd.Meta().Units[0].Columns[0]; c.MinExact != want || c.MaxExact != want {
			t.Errorf("exact: %v, %v, want %v", c.MinExact, c.MaxExact, want)
		}
		rd.Close()
	}
	zero := stats(i32s(1), i32s(1))
	zero.NullCount = 0
	if raw := file(leafOf("a", opt, meta.Int32), typed, nested(0, 1, nil, []int16{1}, meta.RLE, i32s(1)), zero); !pruned(t, raw, "a IS NULL") {
		t.Error("no null, and IS NULL was read")
	}
}

// TestFloatOrders: bounds of floats say nothing of NaN, a zero bound nothing of
// its sign, in either order.
func TestFloatOrders(t *testing.T) {
	nan, zero := math.NaN(), math.Copysign(0, -1)
	for _, order := range []meta.ColumnOrder{meta.TypeDefinedOrder, meta.IEEE754TotalOrder} {
		for _, c := range []struct {
			lo, hi float64
			filter string
			want   bool
		}{
			{1, 5, "f > 9", true}, {1, 5, "f < 1", true}, {1, 5, "f = 3", false}, {1, 5, "NOT f <= 5", false}, {1, 5, "NOT f >= 1", false},
			{1, 1, "f <> 1", false}, {nan, 5, "f < 1", false}, {nan, 5, "f > 9", true}, {1, nan, "f > 9", false}, {1, nan, "f < 0", true}, {nan, nan, "f > 9", false},
			{0, 5, "f = 0", false}, {0, 5, "f <= 0", false}, {0, 5, "f < 0", true}, {zero, zero, "f >= 0", false}, {zero, zero, "f > 0", true}, {-1, zero, "f = 0", false},
			{0, 5, "f IN (-0.0)", false}, {math.Inf(-1), math.Inf(1), "f = 7", false}, {1, 5, "f IS NULL", true},
		} {
			for _, typ := range []meta.Type{meta.Double, meta.Float, meta.FixedLenByteArray} {
				plain := func(v float64) []byte {
					switch typ {
					case meta.Double:
						return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
					case meta.Float:
						return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))
					}
					half := map[float64]uint16{0: 0, 1: 0x3c00, 5: 0x4500, -1: 0xbc00, math.Inf(1): 0x7c00, math.Inf(-1): 0xfc00}[v]
					if v != v {
						half = 0x7e00
					} else if v == 0 && math.Signbit(v) {
						half = 0x8000
					}
					return binary.LittleEndian.AppendUint16(nil, half)
				}
				e := leafOf("f", req, typ)
				if typ == meta.FixedLenByteArray {
					e = leafOf("f", req, typ, annotated(meta.LogicalType{Kind: meta.LogicalFloat16}), ofLength(2))
				}
				exact := true
				chunk := flatColumn(1, plain(c.lo))
				chunk.stats = &meta.Statistics{MinValue: plain(c.lo), MaxValue: plain(c.hi), IsMinExact: &exact, IsMaxExact: &exact, NullCount: 0, DistinctCount: -1, NaNCount: -1}
				raw, _ := rawFile{roots: 1, schema: rawSchema{e}, order: order, groups: []rawGroup{{1, []rawChunk{chunk}}}}.bytes()
				rd, err := openBytes(t, raw, Options{})
				if err != nil {
					t.Fatal(err)
				}
				shown := rd.Meta().Units[0].Columns[0]
				if shown.Min != nil == math.IsNaN(c.lo) || shown.Max != nil == math.IsNaN(c.hi) {
					t.Errorf("%s, [%v, %v]: shown as %v, %v", typ, c.lo, c.hi, shown.Min, shown.Max)
				}
				rd.Close()
				if got := pruned(t, raw, c.filter); got != c.want {
					t.Errorf("order %d, %s, [%v, %v], %s: pruned is %v, want %v", order, typ, c.lo, c.hi, c.filter, got, c.want)
				}
			}
		}
	}
}

// TestUnknownFields: what a newer format or an extension adds to the footer is
// passed over (BinaryProtocolExtensions.md puts its bytes in field 32767).
func TestUnknownFields(t *testing.T) {
	raw, _ := rawFile{roots: 1, schema: rawSchema{leafOf("a", req, meta.Int32)}, groups: []rawGroup{{2, []rawChunk{flatColumn(2, i32s(1, 2))}}}, extra: func(w *thriftWriter) {
		w.i64(20, -1)
		w.boolean(21, true)
		w.object(40, func() { w.object(1, func() { w.text(3, "deep") }) })
		objects(w, 41, []int{1, 2}, func(*int) { w.octet(1, 7) })
		w.text(32767, string(make([]byte, 300)))
	}}.bytes()
	got, err := readColumn(t, raw, "a", Options{})
	if err != nil {
		t.Fatal(err)
	}
	compareColumns(t, "a", words("1 2"), got)
}
