package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
)

// TestWritePageIndex: pages begin where the offset index says, every value of a
// page lies within its bounds, null counts and the boundary order are true.
func TestWritePageIndex(t *testing.T) {
	types := []arrow.DataType{
		arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float32,
		arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Float16, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary, &arrow.Decimal128Type{Precision: 30, Scale: 2},
		arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, &arrow.FixedSizeBinaryType{ByteWidth: 5},
	}
	checked, indexes, orders := 0, 0, map[meta.BoundaryOrder]int{}
	for seed := range 80 {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		g := &arrowiotest.Generator{R: r, Leaves: types}
		s := g.Schema()
		rec := g.Batch(s, 50+r.IntN(500))
		raw := writeFile(t, WriteOptions{PageRows: 1 + r.IntN(60), RowGroupRows: 200, PageVersion: 1 + r.IntN(2), Dictionary: DictionaryMode(r.IntN(3))}, s, rec)
		rd, err := file.NewParquetReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		tree, err := schema.FromArrow(s, schema.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		base := int64(0)
		for group := range rd.NumRowGroups() {
			rows := rd.MetaData().RowGroup(group).NumRows()
			idx, err := rd.GetPageIndexReader().RowGroup(group)
			if err != nil {
				t.Fatal(err)
			}
			for c, n := range tree.Leaves {
				off, err := idx.GetOffsetIndex(c)
				if err != nil || off == nil {
					t.Fatalf("no offset index: %v", err)
				}
				col, err := idx.GetColumnIndex(c)
				if err != nil {
					t.Fatal(err)
				}
				if col == nil {
					continue // a page of nothing but NaN
				}
				indexes++
				locs := off.GetPageLocations()
				o := orderOf(n.Element, meta.NoLogical)
				for p, loc := range locs {
					end := rows
					if p+1 < len(locs) {
						end = locs[p+1].FirstRowIndex
					}
					part := array.NewSlice(rec.Column(c), base+loc.FirstRowIndex, base+end)
					where := fmt.Sprintf("seed %d, row group %d, %v, page %d", seed, group, n.Field, p)
					if got, want := col.GetNullCounts()[p], int64(part.NullN()); got != want {
						t.Fatalf("%s: %d nulls, want %d", where, got, want)
					}
					checked += checkBounds(t, where, n, o, part, col.GetNullPages()[p], col.GetMinValues()[p], col.GetMaxValues()[p])
				}
				want := boundaryOrder(o, col.GetNullPages(), col.GetMinValues(), col.GetMaxValues())
				if got := meta.BoundaryOrder(col.GetBoundaryOrder()); got != want {
					t.Fatalf("seed %d, row group %d, %v: pages are %s, not %s", seed, group, n.Field, want, got)
				}
				orders[want]++
			}
			base += rows
		}
	}
	if checked < 20_000 || indexes < 300 || orders[meta.Unordered] < 50 || orders[meta.Ascending] < 20 || orders[meta.Descending] < 3 {
		t.Errorf("only %d values in %d indexes, of %v", checked, indexes, orders)
	}
}

// boundaryOrder is how the bounds of the pages that have some follow one another.
func boundaryOrder(o *order, null []bool, lo, hi [][]byte) meta.BoundaryOrder {
	var pages []int
	for i := range null {
		if !null[i] {
			pages = append(pages, i)
		}
	}
	up, down := true, true
	for i := 1; i < len(pages); i++ {
		a, b := pages[i-1], pages[i]
		up = up && !o.less(lo[b], lo[a]) && !o.less(hi[b], hi[a])
		down = down && !o.less(lo[a], lo[b]) && !o.less(hi[a], hi[b])
	}
	switch {
	case up:
		return meta.Ascending
	case down:
		return meta.Descending
	}
	return meta.Unordered
}

func checkBounds(t *testing.T, where string, n *schema.Node, o *order, part arrow.Array, null bool, lo, hi []byte) int {
	t.Helper()
	convert, err := newConverter(n)
	if err != nil {
		t.Fatal(err)
	}
	if null != (part.NullN() == part.Len()) {
		t.Fatalf("%s: null page %v", where, null)
	}
	count := 0
	for i := range part.Len() {
		if part.IsNull(i) {
			continue
		}
		v := newValueBuf(n.Element)
		at := part.Data().Offset() + i
		if err := convert(&v, part.Data(), selection{lo: at, hi: at + 1}); err != nil {
			t.Fatal(err)
		}
		b := v.at(0)
		if o.less(b, lo) || o.less(hi, b) {
			t.Fatalf("%s: %x is not within %x and %x", where, b, lo, hi)
		}
		count++
	}
	return count
}

// TestWritePagesBeginAtRecords: with a tiny page size, a page of a list column
// still begins at a record, as the offset index needs.
func TestWritePagesBeginAtRecords(t *testing.T) {
	for seed := range 20 {
		r := rand.New(rand.NewPCG(uint64(seed), 4))
		g := &arrowiotest.Generator{R: r, Leaves: arrowiotest.FlatTypes}
		s := arrow.NewSchema([]arrow.Field{{Name: "l", Type: arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int64)), Nullable: true}}, nil)
		rec := g.Batch(s, 300)
		w := &memWriter{}
		k, err := NewSink(w, s, WriteOptions{PageBytes: 1, PageVersion: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Write(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		c := k.cols[0]
		rows := int64(0)
		for i, p := range c.chunk.pages {
			if p.firstRow != rows {
				t.Fatalf("page %d begins at row %d, want %d", i, p.firstRow, rows)
			}
			rows += p.repHist[0] // each record has one level of no repetition
		}
		if len(c.chunk.pages) < 5 {
			t.Errorf("%d pages", len(c.chunk.pages))
		}
		_ = k.Close()
	}
}

// TestTruncatedBounds: a cut lower bound is no greater, a cut upper bound no
// less than the value, text stays text, and exactness is told.
func TestTruncatedBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	alphabets := []string{"ab", "é\u07ff\uffff", "\U0010ffff", "\ud7ff\ue000z"}
	for range 3000 {
		alphabet := []rune(alphabets[r.IntN(len(alphabets))])
		var b strings.Builder
		for range r.IntN(150) {
			b.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		v := []byte(b.String())
		e := &meta.SchemaElement{Type: meta.ByteArray, Logical: meta.LogicalType{Kind: meta.LogicalString}}
		if r.IntN(2) == 0 {
			e.Logical.Kind = meta.NoLogical
			for i := range v {
				if r.IntN(2) == 0 {
					v[i] = 0xff
				}
			}
		}
		lo, hi, loExact, hiExact := (&bounds{has: true, min: v, max: v}).truncated(e)
		if bytes.Compare(lo, v) > 0 || bytes.Compare(hi, v) < 0 || loExact != bytes.Equal(lo, v) || hiExact != bytes.Equal(hi, v) {
			t.Fatalf("%q: %q (%v) to %q (%v)", v, lo, loExact, hi, hiExact)
		}
		if e.Logical.Kind == meta.LogicalString && (!utf8.Valid(lo) || !utf8.Valid(hi)) {
			t.Fatalf("%q: no text: %q, %q", v, lo, hi)
		}
		text := e.Logical.Kind == meta.LogicalString
		if len(lo) > truncateBytes || len(hi) > truncateBytes+1 && successor(prefix(v, text), text) != nil {
			t.Fatalf("%q is not cut", v)
		}
	}
}

// TestFloatBounds: NaN is counted and left out; zeros widen to both signs.
func TestFloatBounds(t *testing.T) {
	neg := math.Copysign(0, -1)
	for _, c := range []struct {
		in     []float64
		has    bool
		lo, hi float64
		nans   int64
	}{
		{[]float64{math.NaN(), math.NaN()}, false, 0, 0, 2},
		{[]float64{math.NaN(), 1, -1, math.NaN()}, true, -1, 1, 2},
		{[]float64{0}, true, neg, 0, 0},
		{[]float64{neg}, true, neg, 0, 0},
		{[]float64{math.Inf(-1), 0, math.Inf(1)}, true, math.Inf(-1), math.Inf(1), 0},
		{[]float64{neg, 5}, true, neg, 5, 0},
	} {
		v := valueBuf{width: 8}
		for _, f := range c.in {
			_ = v.add(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)))
		}
		var b bounds
		numberOrder[float64](true).scan(&v, 0, &b)
		if b.has != c.has || b.nans != c.nans {
			t.Errorf("%v: %+v", c.in, b)
		}
		if b.has && (binary.LittleEndian.Uint64(b.min) != math.Float64bits(c.lo) || binary.LittleEndian.Uint64(b.max) != math.Float64bits(c.hi)) {
			t.Errorf("%v: %x to %x", c.in, b.min, b.max)
		}
	}
}

// TestWriteAllocations: what a row costs in allocations is nothing; pages and
// slices cost some.
func TestWriteAllocations(t *testing.T) {
	g := &arrowiotest.Generator{R: rand.New(rand.NewPCG(9, 9)), Leaves: arrowiotest.FlatTypes}
	s := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String},
		{Name: "l", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true})), Nullable: true},
	}, nil)
	per := func(rows int) float64 {
		rec := g.Batch(s, rows)
		return testing.AllocsPerRun(3, func() { writeFile(t, WriteOptions{Codec: "snappy", Jobs: 1}, s, rec) })
	}
	few, many := per(2_000), per(16_000)
	t.Logf("%.0f allocations for 2,000 rows, %.0f for 16,000", few, many)
	if many-few > 1000 {
		t.Errorf("%.0f allocations for 2,000 rows, %.0f for 16,000", few, many)
	}
}

// TestWriteBloom: arrow-go finds every value that was written in the filter,
// and hardly any other, whether the number of values was given or counted.
func TestWriteBloom(t *testing.T) {
	for _, o := range []BloomOptions{{NDV: 5000}, {}} {
		for _, mode := range []DictionaryMode{DictionaryOn, DictionaryOff} {
			var values []int64
			for i := range 9000 {
				values = append(values, int64(i%5000)*31)
			}
			rec := int64Column(arrow.PrimitiveTypes.Int64, values...)
			raw := writeFile(t, WriteOptions{Columns: map[string]ColumnOptions{"x": {Bloom: &o, Dictionary: mode}}}, rec.Schema(), rec)
			rd, err := file.NewParquetReader(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			rg, err := rd.GetBloomFilterReader().RowGroup(0)
			if err != nil {
				t.Fatal(err)
			}
			f, err := rg.GetColumnBloomFilter(0)
			if err != nil {
				t.Fatal(err)
			}
			typed := metadata.TypedBloomFilter[int64]{BloomFilter: f}
			wrong := 0
			for i := range int64(5000) {
				if !typed.Check(i * 31) {
					t.Fatalf("%d was written and is not found", i*31)
				}
				if typed.Check(i*31 + 1) {
					wrong++
				}
			}
			if wrong > 150 {
				t.Errorf("%d of 5000 other values are found", wrong)
			}
		}
	}
}
