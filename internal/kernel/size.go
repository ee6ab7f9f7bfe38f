package kernel

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// ByteSize estimates the bytes that arr's own rows take: slices count their
// part of shared buffers, dictionaries count whole.
func ByteSize(arr arrow.Array) int64 { return dataSize(arr.Data(), 0, arr.Len()) }

// ByteSizeRange estimates the bytes of n rows of arr from row off.
func ByteSizeRange(arr arrow.Array, off, n int) int64 { return dataSize(arr.Data(), off, n) }

func dataSize(d arrow.ArrayData, off, n int) int64 {
	if n <= 0 {
		return 0
	}
	var sum int64
	bufs, at := d.Buffers(), d.Offset()+off
	if len(bufs) > 0 && bufs[0] != nil {
		sum += int64(n+7) / 8
	}
	dt := storage(d.DataType())
	span := func(large bool) (from, to int64) {
		if bufs[1] == nil || bufs[1].Len() == 0 {
			return 0, 0
		}
		if large {
			o := words[int64](bufs[1].Bytes())
			return o[at], o[at+n]
		}
		o := words[int32](bufs[1].Bytes())
		return int64(o[at]), int64(o[at+n])
	}
	switch dt.ID() {
	case arrow.NULL:
		return 0
	case arrow.STRING, arrow.BINARY:
		from, to := span(false)
		return sum + int64(n)*4 + to - from
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		from, to := span(true)
		return sum + int64(n)*8 + to - from
	case arrow.STRING_VIEW, arrow.BINARY_VIEW:
		for _, v := range words[arrow.ViewHeader](bufs[1].Bytes())[at : at+n] {
			if !v.IsInline() {
				sum += int64(v.Len())
			}
		}
		return sum + int64(n)*int64(arrow.ViewHeaderSizeBytes)
	case arrow.LIST, arrow.MAP:
		from, to := span(false)
		return sum + int64(n)*4 + dataSize(d.Children()[0], int(from), int(to-from))
	case arrow.LARGE_LIST:
		from, to := span(true)
		return sum + int64(n)*8 + dataSize(d.Children()[0], int(from), int(to-from))
	case arrow.LIST_VIEW, arrow.LARGE_LIST_VIEW:
		// Views may overlap; their share of the child is as good a guess.
		kid := d.Children()[0]
		share := dataSize(kid, 0, kid.Len()) * int64(n) / int64(max(d.Len()+d.Offset(), 1))
		return sum + int64(n)*16 + share
	case arrow.FIXED_SIZE_LIST:
		k := int(dt.(*arrow.FixedSizeListType).Len())
		return sum + dataSize(d.Children()[0], at*k, n*k)
	case arrow.STRUCT, arrow.SPARSE_UNION:
		if dt.ID() == arrow.SPARSE_UNION {
			sum += int64(n)
		}
		for _, c := range d.Children() {
			sum += dataSize(c, at, n)
		}
		return sum
	case arrow.DENSE_UNION:
		for _, c := range d.Children() {
			sum += dataSize(c, 0, c.Len()) * int64(n) / int64(max(d.Len()+d.Offset(), 1))
		}
		return sum + int64(n)*5
	case arrow.RUN_END_ENCODED:
		a := array.MakeFromData(d).(*array.RunEndEncoded)
		defer a.Release()
		part := array.NewSlice(a, int64(off), int64(off+n)).(*array.RunEndEncoded)
		defer part.Release()
		k, m := part.GetPhysicalOffset(), part.GetPhysicalLength()
		return dataSize(d.Children()[0], k, m) + dataSize(d.Children()[1], k, m)
	case arrow.DICTIONARY:
		dict := d.Dictionary()
		sum += dataSize(dict, 0, dict.Len())
	}
	if t, ok := dt.(arrow.FixedWidthDataType); ok {
		sum += (int64(n)*int64(t.BitWidth()) + 7) / 8
	}
	return sum
}
