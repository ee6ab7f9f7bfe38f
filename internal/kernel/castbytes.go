package kernel

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// castBytes casts text or bytes with offsets to views over the same memory, or
// to offsets of another width. Not ok leaves the cast to the general way: from
// bytes to text, which must be checked, and from views.
func castBytes(mem memory.Allocator, arr arrow.Array, to arrow.DataType) (arrow.Array, bool) {
	from := arr.DataType().ID()
	text := from == arrow.STRING || from == arrow.LARGE_STRING
	toText := to.ID() == arrow.STRING || to.ID() == arrow.LARGE_STRING || to.ID() == arrow.STRING_VIEW
	if toText && !text {
		return nil, false
	}
	switch from {
	case arrow.STRING, arrow.BINARY:
		return bytesTo(mem, arr, offsetsOf[int32](arr), to)
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return bytesTo(mem, arr, offsetsOf[int64](arr), to)
	}
	return nil, false
}

// offsetsOf are the offsets of an array's own slots.
func offsetsOf[T int32 | int64](arr arrow.Array) []T {
	d := arr.Data()
	b := d.Buffers()[1]
	if b == nil || b.Len() == 0 {
		return make([]T, 1)
	}
	var t T
	all := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b.Bytes()))), b.Len()/int(unsafe.Sizeof(t)))
	return all[d.Offset() : d.Offset()+d.Len()+1]
}

func bytesTo[T int32 | int64](mem memory.Allocator, arr arrow.Array, offs []T, to arrow.DataType) (arrow.Array, bool) {
	data := arr.Data().Buffers()[2]
	if data == nil {
		data = memory.NewBufferBytes(nil)
	}
	var bufs []*memory.Buffer
	switch to.ID() {
	case arrow.STRING_VIEW, arrow.BINARY_VIEW:
		if data.Len() > math.MaxInt32 {
			return nil, false
		}
		views := memory.NewResizableBuffer(mem)
		views.Resize(16 * arr.Len())
		fillViews(views.Bytes(), offs, data.Bytes())
		defer views.Release()
		bufs = []*memory.Buffer{nil, views, data}
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		wide := memory.NewResizableBuffer(mem)
		wide.Resize(8 * len(offs))
		out := unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(wide.Bytes()))), len(offs))
		for i, o := range offs {
			out[i] = int64(o)
		}
		defer wide.Release()
		bufs = []*memory.Buffer{nil, wide, data}
	default:
		return nil, false
	}
	if arr.NullN() > 0 {
		valid := memory.NewBufferBytes(Validity(arr).Bits)
		defer valid.Release()
		bufs[0] = valid
	}
	d := array.NewData(to, arr.Len(), bufs, nil, arr.NullN(), 0)
	defer d.Release()
	return array.MakeFromData(d), true
}

// fillViews writes 16 bytes a value (Arrow columnar format, "Variable-size
// Binary View Layout"): its length, then itself if it has at most 12 bytes, or
// else its first four, the number of its buffer and its place there.
func fillViews[T int32 | int64](views []byte, offs []T, data []byte) {
	for i := range len(offs) - 1 {
		v := views[16*i : 16*i+16]
		start, end := int(offs[i]), int(offs[i+1])
		n := end - start
		binary.LittleEndian.PutUint32(v, uint32(n))
		if n <= 12 {
			if start+12 <= len(data) { // one move of fixed size, then clear what is beyond
				*(*[12]byte)(v[4:]) = *(*[12]byte)(data[start:])
				clear(v[4+n:])
			} else {
				clear(v[4+copy(v[4:], data[start:end]):])
			}
			continue
		}
		copy(v[4:8], data[start:])
		binary.LittleEndian.PutUint32(v[8:], 0)
		binary.LittleEndian.PutUint32(v[12:], uint32(start))
	}
}
