package orc

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// rawColumn is a batch of one column over raw buffers.
func rawColumn(f arrow.Field, n int, buffers ...[]byte) arrow.RecordBatch {
	bufs := []*memory.Buffer{nil}
	for _, b := range buffers {
		bufs = append(bufs, memory.NewBufferBytes(b))
	}
	d := array.NewData(f.Type, n, bufs, nil, 0, 0)
	return array.NewRecordBatch(arrow.NewSchema([]arrow.Field{f}, nil), []arrow.Array{array.MakeFromData(d)}, int64(n))
}

func longs(dt arrow.DataType, v ...int64) arrow.RecordBatch {
	return rawColumn(arrow.Field{Name: "x", Type: dt}, len(v), arrow.Int64Traits.CastToBytes(v))
}

func texts(kind string, v ...string) arrow.RecordBatch {
	f := arrow.Field{Name: "x", Type: arrow.BinaryTypes.String, Metadata: arrow.MetadataFrom(map[string]string{TypeKey: kind})}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(v, nil)
	return array.NewRecordBatch(arrow.NewSchema([]arrow.Field{f}, nil), []arrow.Array{b.NewArray()}, int64(len(v)))
}

// A value that its column cannot hold is an error that names the column, and
// the file is not published.
func TestWriteNothingWraps(t *testing.T) {
	ns, us := &arrow.TimestampType{Unit: arrow.Nanosecond}, &arrow.TimestampType{Unit: arrow.Microsecond}
	nulls := array.NewInt32Builder(memory.DefaultAllocator)
	nulls.AppendNull()
	decimal := func(p int32, v decimal128.Num) arrow.RecordBatch {
		return rawColumn(arrow.Field{Name: "x", Type: &arrow.Decimal128Type{Precision: p}}, 1, arrow.Decimal128Traits.CastToBytes([]decimal128.Num{v}))
	}
	for name, c := range map[string]struct {
		o    WriteOptions
		rec  arrow.RecordBatch
		want error
	}{
		"blind second":   {WriteOptions{}, longs(ns, -1_000_000), arrowio.ErrCast},
		"its beginning":  {WriteOptions{}, longs(ns, -999_000_000), arrowio.ErrCast},
		"ns digits":      {WriteOptions{TimestampUnit: "us"}, longs(ns, 1001), arrowio.ErrCast},
		"s overflow":     {WriteOptions{}, longs(&arrow.TimestampType{Unit: arrow.Second}, math.MaxInt64/1000+1), arrowio.ErrCast},
		"ns overflow":    {WriteOptions{TimestampUnit: "ns"}, longs(us, math.MinInt64/1000-1), arrowio.ErrCast},
		"half a day":     {WriteOptions{}, longs(arrow.PrimitiveTypes.Date64, dayMillis/2), arrowio.ErrCast},
		"date too far":   {WriteOptions{}, longs(arrow.PrimitiveTypes.Date64, (math.MaxInt32+1)*dayMillis), arrowio.ErrCast},
		"narrow decimal": {WriteOptions{}, decimal(9, decimal128.FromI64(1e9)), arrowio.ErrCast},
		"decimal 18":     {WriteOptions{}, decimal(18, decimal128.New(1, 0)), arrowio.ErrCast},
		"decimal 19":     {WriteOptions{}, decimal(19, decimal128.New(1<<50, 0)), arrowio.ErrCast},
		"null":           {WriteOptions{}, array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int32}}, nil), []arrow.Array{nulls.NewArray()}, 1), arrowio.ErrCast},
		"long char":      {WriteOptions{}, texts("char(3)", "abc", "äöüß"), arrowio.ErrCast},
		"long varchar":   {WriteOptions{Dictionary: DictionaryOff}, texts("varchar(3)", "abcd"), arrowio.ErrCast},
	} {
		t.Run(name, func(t *testing.T) {
			w := &memWriter{}
			k, err := NewSink(w, c.rec.Schema(), c.o)
			if err != nil {
				t.Fatal(err)
			}
			err = k.Write(context.Background(), c.rec)
			e := (*arrowio.Error)(nil)
			if !errors.Is(err, c.want) || !errors.As(err, &e) || e.Column != "x" {
				t.Fatalf("%v", err)
			}
			if _, cerr := k.Commit(context.Background()); cerr == nil || w.committed {
				t.Error("it was published")
			}
			if err := k.Close(); err != nil || !w.closed {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// What lies next to what cannot be written can.
func TestWriteEdges(t *testing.T) {
	ns := &arrow.TimestampType{Unit: arrow.Nanosecond}
	for name, rec := range map[string]arrow.RecordBatch{
		"around the blind second": longs(ns, -1_000_000_001, -999_000_001, -1_000_000_000, 0, 1, -2_000_000_000+999_999_999, math.MaxInt64, math.MinInt64),
		"seconds":                 longs(&arrow.TimestampType{Unit: arrow.Second}, maxSeconds, -maxSeconds),
		"varchar":                 texts("varchar(4)", "äöüß", "", "a"),
		"days":                    longs(arrow.PrimitiveTypes.Date64, math.MaxInt32*dayMillis, math.MinInt32*dayMillis),
	} {
		raw := writeFile(t, WriteOptions{}, rec.Schema(), rec)
		_, got := readText(t, raw, Options{})
		want := storedText([]arrow.RecordBatch{rec}, 0)
		compareColumns(t, name, want, got[0])
	}
	// A char is padded to its length.
	raw := writeFile(t, WriteOptions{}, texts("char(3)").Schema(), texts("char(3)", "é", "abc"))
	if _, got := readText(t, raw, Options{}); got[0][0] != "4:é  " || got[0][1] != "3:abc" {
		t.Errorf("%q", got)
	}
}

// Types and options that ORC has not are refused before a byte is written.
func TestWriteRefuses(t *testing.T) {
	one := func(dt arrow.DataType, md map[string]string) *arrow.Schema {
		return arrow.NewSchema([]arrow.Field{{Name: "x", Type: dt, Nullable: true, Metadata: arrow.MetadataFrom(md)}}, nil)
	}
	ints := one(arrow.PrimitiveTypes.Int64, nil)
	for name, c := range map[string]struct {
		s    *arrow.Schema
		o    WriteOptions
		want error
	}{
		"wide decimal":     {one(&arrow.Decimal256Type{Precision: 39}, nil), WriteOptions{}, arrowio.ErrUnsupported},
		"negative scale":   {one(&arrow.Decimal128Type{Precision: 9, Scale: -2}, nil), WriteOptions{}, arrowio.ErrUnsupported},
		"interval of days": {one(arrow.FixedWidthTypes.DayTimeInterval, nil), WriteOptions{}, arrowio.ErrUnsupported},
		"two of a name":    {arrow.NewSchema(append(ints.Fields(), ints.Fields()...), nil), WriteOptions{}, arrowio.ErrUnsupported},
		"char of nothing":  {one(arrow.BinaryTypes.String, map[string]string{TypeKey: "char(0)"}), WriteOptions{}, arrowio.ErrOption},
		"codec":            {ints, WriteOptions{Codec: "gzip"}, arrowio.ErrOption},
		"block":            {ints, WriteOptions{BlockBytes: 1 << 23}, arrowio.ErrOption},
		"negative":         {ints, WriteOptions{Stride: -1}, arrowio.ErrOption},
		"unit":             {ints, WriteOptions{TimestampUnit: "m"}, arrowio.ErrOption},
		"no such column":   {ints, WriteOptions{Columns: map[string]ColumnOptions{"y": {}}}, arrowio.ErrColumn},
		"bloom rate":       {ints, WriteOptions{Columns: map[string]ColumnOptions{"x": {Bloom: &BloomOptions{FPP: 2}}}}, arrowio.ErrOption},
		"bloom, no index":  {ints, WriteOptions{Statistics: StatisticsStripe, Columns: map[string]ColumnOptions{"x": {Bloom: &BloomOptions{}}}}, arrowio.ErrOption},
	} {
		w := &memWriter{}
		if _, err := NewSink(w, c.s, c.o); !errors.Is(err, c.want) || !w.closed || w.Len() > 0 {
			t.Errorf("%s: %v, %d bytes, closed %v", name, err, w.Len(), w.closed)
		}
	}
	for key, v := range map[string]string{"codec": "xz", "page-bytes": "1", "stats": "all", "bloom": "x:y", "dict": "maybe", "kv": "novalue", "stride": "-1", "arrow-schema": "perhaps"} {
		w := &memWriter{}
		if _, err := (format{}).NewSink(w, ints, formats.Options{Set: map[string]string{key: v}}); !errors.Is(err, arrowio.ErrOption) || !w.closed {
			t.Errorf("%s=%s: %v", key, v, err)
		}
	}
}

// Arrays whose indices point at nothing are an error, not a panic.
func TestWriteHostileArrays(t *testing.T) {
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Int64}
	values := longs(arrow.PrimitiveTypes.Int64, 1, 2).Column(0).Data().(*array.Data)
	d := array.NewDataWithDictionary(dict, 2, []*memory.Buffer{nil, memory.NewBufferBytes([]byte{0, 9})}, 0, 0, values)
	union := arrow.DenseUnionOf([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}}, []arrow.UnionTypeCode{3})
	codes := array.NewData(union, 1, []*memory.Buffer{nil, memory.NewBufferBytes([]byte{4}), memory.NewBufferBytes(make([]byte, 4))}, []arrow.ArrayData{values}, 0, 0)
	offsets := array.NewData(union, 1, []*memory.Buffer{nil, memory.NewBufferBytes([]byte{3}), memory.NewBufferBytes([]byte{2, 0, 0, 0})}, []arrow.ArrayData{values}, 0, 0)
	for i, d := range []arrow.ArrayData{d, codes, offsets} {
		k, err := NewSink(&memWriter{}, arrow.NewSchema([]arrow.Field{{Name: "x", Type: d.DataType()}}, nil), WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		col := newColumnWriter(k.root.kids[0].node, k.root.kids[0].o, "")
		col.kids = k.root.kids[0].kids
		if err := col.write(d, places{n: d.Len()}); !errors.Is(err, arrowio.ErrCorrupt) || !strings.Contains(err.Error(), "x") {
			t.Errorf("array %d: %v", i, err)
		}
	}
}

// A budget that is used up ends stripes early, and what it granted is given
// back; without one, stripes end at their size.
func TestWriteBounds(t *testing.T) {
	s, rec := indexed()
	budget := arrowio.NewBudget(2 << 20)
	raw := writeFile(t, WriteOptions{Budget: budget, Stride: 500, Jobs: 1}, s, rec, rec)
	if n := len(openBytes(t, raw, Options{}).footer.Stripes); n < 3 {
		t.Errorf("%d stripes within a budget of 2 MiB", n)
	}
	if budget.InUse() != 0 || budget.Peak() > 2<<20 || budget.Peak() == 0 {
		t.Errorf("%d bytes kept, %d at the most", budget.InUse(), budget.Peak())
	}
	raw = writeFile(t, WriteOptions{StripeBytes: 300_000, Stride: 500, Codec: "none"}, s, rec, rec)
	r := openBytes(t, raw, Options{})
	if n := len(r.footer.Stripes); n < 5 {
		t.Errorf("%d stripes of 300,000 bytes in %d", n, len(raw))
	}
	for i, st := range r.footer.Stripes[:len(r.footer.Stripes)-1] {
		if st.DataLength > 450_000 || st.DataLength < 150_000 {
			t.Errorf("stripe %d has %d bytes", i, st.DataLength)
		}
	}
}

func TestSinkAfterTheEnd(t *testing.T) {
	rec := longs(arrow.PrimitiveTypes.Int64, 1)
	w := &memWriter{}
	k, err := NewSink(w, rec.Schema(), WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.Write(t.Context(), rec); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if _, err := k.Commit(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("commit: %v", err)
	}
	// A file of no stripe is a file.
	if s, got := readText(t, w.Bytes(), Options{}); !s.Equal(rec.Schema()) || len(got[0]) != 0 {
		t.Errorf("%v %v", s, got)
	}
}
