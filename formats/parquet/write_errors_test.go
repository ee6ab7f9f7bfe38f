package parquet

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

// fixedColumn is a batch of one column over raw values.
func fixedColumn[T any](f arrow.Field, bytesOf func([]T) []byte, values ...T) arrow.RecordBatch {
	d := array.NewData(f.Type, len(values), []*memory.Buffer{nil, memory.NewBufferBytes(bytesOf(values))}, nil, 0, 0)
	return array.NewRecordBatch(arrow.NewSchema([]arrow.Field{f}, nil), []arrow.Array{array.MakeFromData(d)}, int64(len(values)))
}

func int64Column(dt arrow.DataType, values ...int64) arrow.RecordBatch {
	return fixedColumn(arrow.Field{Name: "x", Type: dt}, arrow.Int64Traits.CastToBytes, values...)
}

// TestWriteNothingWraps: a value that its column cannot hold is an error that
// names the column, and the file is not published.
func TestWriteNothingWraps(t *testing.T) {
	ns := &arrow.TimestampType{Unit: arrow.Nanosecond}
	nulls := array.NewInt32Builder(memory.DefaultAllocator)
	nulls.AppendNull()
	for name, c := range map[string]struct {
		o    WriteOptions
		rec  arrow.RecordBatch
		hint string
	}{
		"ns digits":     {WriteOptions{}, int64Column(ns, 1000, 1001), "ns"},
		"us digits":     {WriteOptions{TimestampUnit: "ms"}, int64Column(&arrow.TimestampType{Unit: arrow.Microsecond}, 1), ""},
		"s overflow":    {WriteOptions{}, int64Column(&arrow.TimestampType{Unit: arrow.Second}, math.MaxInt64/1000+1), ""},
		"us overflow":   {WriteOptions{TimestampUnit: "ns"}, int64Column(&arrow.TimestampType{Unit: arrow.Microsecond}, math.MinInt64/1000-1), ""},
		"half a day":    {WriteOptions{}, int64Column(arrow.PrimitiveTypes.Date64, dayMillis/2), ""},
		"date too far":  {WriteOptions{}, int64Column(arrow.PrimitiveTypes.Date64, (math.MaxInt32+1)*dayMillis), ""},
		"decimal int32": {WriteOptions{}, fixedColumn(arrow.Field{Name: "x", Type: &arrow.Decimal128Type{Precision: 9}}, arrow.Decimal128Traits.CastToBytes, decimal128.FromI64(1<<31)), ""},
		"decimal int64": {WriteOptions{}, fixedColumn(arrow.Field{Name: "x", Type: &arrow.Decimal128Type{Precision: 18}}, arrow.Decimal128Traits.CastToBytes, decimal128.New(1, 0)), ""},
		"decimal fixed": {WriteOptions{}, fixedColumn(arrow.Field{Name: "x", Type: &arrow.Decimal128Type{Precision: 19}}, arrow.Decimal128Traits.CastToBytes, decimal128.New(1<<50, 0)), ""},
		"interval": {WriteOptions{}, fixedColumn(arrow.Field{Name: "x", Type: arrow.FixedWidthTypes.MonthDayNanoInterval}, arrow.MonthDayNanoIntervalTraits.CastToBytes,
			arrow.MonthDayNanoInterval{Months: -1}), ""},
		"null": {WriteOptions{}, array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int32}}, nil), []arrow.Array{nulls.NewArray()}, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := &memWriter{}
			k, err := NewSink(w, c.rec.Schema(), c.o)
			if err != nil {
				t.Fatal(err)
			}
			err = k.Write(context.Background(), c.rec)
			var e *arrowio.Error
			if !errors.Is(err, arrowio.ErrCast) || !errors.As(err, &e) || e.Column != "x" || !strings.Contains(e.Hint, c.hint) {
				t.Fatalf("%v (%+v)", err, e)
			}
			if _, err := k.Commit(context.Background()); !errors.Is(err, arrowio.ErrCast) || w.committed {
				t.Errorf("commit after a failed write: %v, published %v", err, w.committed)
			}
			if err := k.Close(); err != nil || !w.closed {
				t.Errorf("close: %v, %v", err, w.closed)
			}
		})
	}
}

// TestWriteRefuses: what Parquet has not, or the options get wrong, is refused
// before anything is written, and the writer it was given is closed.
func TestWriteRefuses(t *testing.T) {
	one := func(dt arrow.DataType) *arrow.Schema {
		return arrow.NewSchema([]arrow.Field{{Name: "x", Type: dt, Nullable: true}}, nil)
	}
	ints := one(arrow.PrimitiveTypes.Int32)
	for name, c := range map[string]struct {
		s    *arrow.Schema
		set  map[string]string
		want error
	}{
		"union":          {one(arrow.SparseUnionOf([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int8}}, []arrow.UnionTypeCode{0})), nil, arrowio.ErrUnsupported},
		"empty struct":   {one(arrow.StructOf()), nil, arrowio.ErrUnsupported},
		"nested union":   {one(arrow.ListOf(arrow.DenseUnionOf(nil, nil))), nil, arrowio.ErrUnsupported},
		"negative scale": {one(&arrow.Decimal128Type{Precision: 5, Scale: -2}), nil, arrowio.ErrUnsupported},
		"codec":          {ints, map[string]string{"codec": "lzo"}, arrowio.ErrOption},
		"unknown key":    {ints, map[string]string{"codecs": "zstd"}, arrowio.ErrOption},
		"size":           {ints, map[string]string{"page-bytes": "many"}, arrowio.ErrOption},
		"page version":   {ints, map[string]string{"page-version": "3"}, arrowio.ErrOption},
		"encoding":       {ints, map[string]string{"encoding": "x=delta_byte_array"}, arrowio.ErrOption},
		"column":         {ints, map[string]string{"bloom": "y"}, arrowio.ErrColumn},
		"sort":           {ints, map[string]string{"sort": "y desc"}, arrowio.ErrColumn},
		"unit":           {ints, map[string]string{"timestamp-unit": "s"}, arrowio.ErrOption},
		"field id": {arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8, Metadata: arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{"no"})}}, nil),
			nil, arrowio.ErrOption},
	} {
		t.Run(name, func(t *testing.T) {
			w := &memWriter{}
			k, err := newSink(w, c.s, formats.Options{Set: c.set})
			if !errors.Is(err, c.want) || k != nil || !w.closed || w.Len() > 0 {
				t.Errorf("%v, sink %v, closed %v, %d bytes", err, k, w.closed, w.Len())
			}
		})
	}
}

// TestWriteEnds: cancellation, foreign batches and use after the end.
func TestWriteEnds(t *testing.T) {
	rec := int64Column(arrow.PrimitiveTypes.Int64, 1, 2, 3)
	open := func() (*memWriter, *Sink) {
		w := &memWriter{}
		k, err := NewSink(w, rec.Schema(), WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return w, k
	}
	w, k := open()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := k.Write(ctx, rec); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := k.Commit(context.Background()); err == nil || w.committed {
		t.Error("committed after a cancelled write")
	}
	_, k = open()
	if err := k.Write(context.Background(), int64Column(arrow.FixedWidthTypes.Duration_s, 1)); !errors.Is(err, arrowio.ErrCast) {
		t.Errorf("another type: %v", err)
	}
	w, k = open()
	if _, err := k.Commit(context.Background()); err != nil {
		t.Error(err)
	}
	if err := k.Write(context.Background(), rec); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after commit: %v", err)
	}
	if err := k.Close(); err != nil || w.closed {
		t.Errorf("close after commit: %v, %v", err, w.closed)
	}
}

// TestWriteBudget: a budget too small for a whole row group ends it early, and
// is given back.
func TestWriteBudget(t *testing.T) {
	var values []int64
	for i := range 400_000 {
		values = append(values, int64(i)*7919)
	}
	rec := int64Column(arrow.PrimitiveTypes.Int64, values...)
	b := arrowio.NewBudget(1_000_000)
	w := &memWriter{}
	k, err := NewSink(w, rec.Schema(), WriteOptions{Codec: "none", Budget: b})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Write(context.Background(), rec); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := len(k.md.RowGroups); n < 3 || n > 12 || b.InUse() != 0 || b.Peak() < 500_000 {
		t.Errorf("%d row groups, %d bytes not given back, %d at the peak", n, b.InUse(), b.Peak())
	}
}

func stringBatch(s *arrow.Schema, values ...string) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for _, v := range values {
		b.Field(0).(*array.StringBuilder).Append(v)
	}
	return b.NewRecordBatch()
}
