package kernel

import (
	"math/rand/v2"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

var mem = memory.NewGoAllocator()

// leaves are all types without children, and everyType all shapes over some.
var leaves = []arrow.DataType{
	arrow.Null, arrow.FixedWidthTypes.Boolean,
	arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
	arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
	arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64ns,
	arrow.FixedWidthTypes.Timestamp_us, arrow.FixedWidthTypes.Duration_s,
	arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval,
	&arrow.Decimal32Type{Precision: 7, Scale: 2}, &arrow.Decimal64Type{Precision: 12, Scale: 2},
	&arrow.Decimal128Type{Precision: 30, Scale: 2}, &arrow.Decimal256Type{Precision: 70, Scale: 2},
	&arrow.FixedSizeBinaryType{ByteWidth: 5}, &arrow.FixedSizeBinaryType{ByteWidth: 0},
	arrow.BinaryTypes.String, arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.LargeBinary,
	arrow.BinaryTypes.StringView, arrow.BinaryTypes.BinaryView,
}

func everyType() []arrow.DataType {
	i32, str := arrow.PrimitiveTypes.Int32, arrow.DataType(arrow.BinaryTypes.String)
	fields := []arrow.Field{{Name: "i", Type: i32, Nullable: true}, {Name: "s", Type: str, Nullable: true}}
	codes := []arrow.UnionTypeCode{3, 7}
	inner := arrow.StructOf(append(fields, arrow.Field{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.StringView), Nullable: true})...)
	out := append([]arrow.DataType(nil), leaves...)
	for _, e := range []arrow.DataType{i32, str, inner} {
		out = append(out, arrow.ListOf(e), arrow.LargeListOf(e), arrow.FixedSizeListOf(3, e), arrow.ListViewOf(e), arrow.LargeListViewOf(e),
			arrow.MapOf(str, e), arrow.StructOf(arrow.Field{Name: "x", Type: e, Nullable: true}),
			arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int16, e), arrow.RunEndEncodedOf(i32, e), arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int64, e))
	}
	return append(out, arrow.SparseUnionOf(fields, codes), arrow.DenseUnionOf(fields, codes), inner,
		arrow.ListOf(arrow.DenseUnionOf(fields, codes)), arrow.FixedSizeListOf(2, arrow.FixedSizeListOf(2, str)),
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: str},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.PrimitiveTypes.Float64},
		arrow.StructOf(arrow.Field{Name: "d", Nullable: true, Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int64, ValueType: str}}))
}

// randomData builds n rows of dt from raw buffers.
func randomData(r *rand.Rand, dt arrow.DataType, n int) arrow.ArrayData {
	bitmap := func() *memory.Buffer {
		b := NewBitmap(n)
		for i := range n {
			if r.IntN(4) > 0 {
				b.Set(i)
			}
		}
		return memory.NewBufferBytes(b.Bits)
	}
	valid := bitmap()
	if r.IntN(4) == 0 {
		valid = nil
	}
	offs := func(w int) (*memory.Buffer, int) {
		buf, sum := make([]byte, (n+1)*w), 0
		for i := range n + 1 {
			if w == 4 {
				words[int32](buf)[i] = int32(sum)
			} else {
				words[int64](buf)[i] = int64(sum)
			}
			if i < n {
				sum += r.IntN(5)
			}
		}
		return memory.NewBufferBytes(buf), sum
	}
	text := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = 'a' + byte(r.IntN(26))
		}
		return b
	}
	data := func(bufs []*memory.Buffer, kids ...arrow.ArrayData) arrow.ArrayData {
		nulls := array.UnknownNullCount
		if valid == nil {
			nulls = 0
		}
		return array.NewData(dt, n, bufs, kids, nulls, 0)
	}
	switch t := dt.(type) {
	case *arrow.NullType:
		return array.NewData(dt, n, []*memory.Buffer{nil}, nil, n, 0)
	case *arrow.BooleanType:
		return data([]*memory.Buffer{valid, bitmap()})
	case *arrow.DictionaryType:
		vals := randomData(r, t.ValueType, 10)
		w := t.BitWidth() / 8
		buf := make([]byte, n*w)
		valid = bitmap()
		for i := range n {
			buf[i*w] = byte(r.IntN(10))
		}
		return array.NewDataWithDictionary(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(buf)}, array.UnknownNullCount, 0, vals.(*array.Data))
	case *arrow.RunEndEncodedType:
		var ends []int
		for at := 0; at < n; {
			at = min(at+1+r.IntN(4), n)
			ends = append(ends, at)
		}
		w := t.RunEnds().(arrow.FixedWidthDataType).BitWidth() / 8
		buf := make([]byte, len(ends)*w)
		for i, e := range ends {
			buf[i*w], buf[i*w+1] = byte(e), byte(e>>8)
		}
		return array.NewData(dt, n, []*memory.Buffer{nil}, []arrow.ArrayData{
			array.NewData(t.RunEnds(), len(ends), []*memory.Buffer{nil, memory.NewBufferBytes(buf)}, nil, 0, 0), randomData(r, t.Encoded(), len(ends))}, 0, 0)
	case *arrow.StructType:
		var kids []arrow.ArrayData
		for _, f := range t.Fields() {
			kids = append(kids, randomData(r, f.Type, n))
		}
		return data([]*memory.Buffer{valid}, kids...)
	case arrow.UnionType:
		ids, pos, cnt := make([]byte, n), make([]byte, 4*n), make([]int, len(t.Fields()))
		for i := range n {
			c := r.IntN(len(cnt))
			ids[i] = byte(t.TypeCodes()[c])
			words[int32](pos)[i] = int32(cnt[c])
			cnt[c]++
		}
		bufs := []*memory.Buffer{nil, memory.NewBufferBytes(ids)}
		if t.ID() == arrow.DENSE_UNION {
			bufs = append(bufs, memory.NewBufferBytes(pos))
		}
		var kids []arrow.ArrayData
		for c, f := range t.Fields() {
			m := n
			if t.ID() == arrow.DENSE_UNION {
				m = cnt[c]
			}
			kids = append(kids, randomData(r, f.Type, m))
		}
		return array.NewData(dt, n, bufs, kids, 0, 0)
	case *arrow.FixedSizeListType:
		return data([]*memory.Buffer{valid}, randomData(r, t.Elem(), n*int(t.Len())))
	case *arrow.MapType:
		o, m := offs(4)
		pairs := t.Elem().(*arrow.StructType)
		kids := []arrow.ArrayData{}
		for i, f := range pairs.Fields() {
			k := randomData(r, f.Type, m)
			if i == 0 {
				k = array.NewData(f.Type, m, append([]*memory.Buffer{nil}, k.Buffers()[1:]...), nil, 0, 0)
			}
			kids = append(kids, k)
		}
		return data([]*memory.Buffer{valid, o}, array.NewData(pairs, m, []*memory.Buffer{nil}, kids, 0, 0))
	}
	switch dt.ID() {
	case arrow.STRING, arrow.BINARY:
		o, m := offs(4)
		return data([]*memory.Buffer{valid, o, memory.NewBufferBytes(text(m))})
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		o, m := offs(8)
		return data([]*memory.Buffer{valid, o, memory.NewBufferBytes(text(m))})
	case arrow.STRING_VIEW, arrow.BINARY_VIEW:
		heap, views := text(200), make([]byte, 16*n)
		for i := range n {
			v := &words[arrow.ViewHeader](views)[i]
			if k := r.IntN(40); k <= 12 {
				v.SetBytes(heap[:k])
			} else {
				at := r.IntN(100)
				v.SetBytes(heap[at : at+k])
				v.SetIndexOffset(0, int32(at))
			}
		}
		return data([]*memory.Buffer{valid, memory.NewBufferBytes(views), memory.NewBufferBytes(heap)})
	case arrow.LIST:
		o, m := offs(4)
		return data([]*memory.Buffer{valid, o}, randomData(r, dt.(*arrow.ListType).Elem(), m))
	case arrow.LARGE_LIST:
		o, m := offs(8)
		return data([]*memory.Buffer{valid, o}, randomData(r, dt.(*arrow.LargeListType).Elem(), m))
	case arrow.LIST_VIEW, arrow.LARGE_LIST_VIEW:
		w := 4
		if dt.ID() == arrow.LARGE_LIST_VIEW {
			w = 8
		}
		o, s := make([]byte, n*w), make([]byte, n*w)
		for i := range n {
			o[i*w], s[i*w] = byte(r.IntN(20)), byte(r.IntN(5))
		}
		return data([]*memory.Buffer{valid, memory.NewBufferBytes(o), memory.NewBufferBytes(s)}, randomData(r, dt.(arrow.ListLikeType).Elem(), 25))
	}
	w := dt.(arrow.FixedWidthDataType).BitWidth() / 8
	buf := make([]byte, n*w)
	for i := range buf {
		buf[i] = byte(r.Uint32())
		if i%w == w-1 {
			buf[i] &= 0x0f // no NaN, and within every decimal's precision or nearly
		}
	}
	return data([]*memory.Buffer{valid, memory.NewBufferBytes(buf)})
}

// randomArray is n rows of dt, a slice of a longer array.
func randomArray(r *rand.Rand, dt arrow.DataType, n int) arrow.Array {
	off := r.IntN(9)
	whole := array.MakeFromData(randomData(r, dt, off+n+r.IntN(5)))
	return array.NewSlice(whole, int64(off), int64(off+n))
}
