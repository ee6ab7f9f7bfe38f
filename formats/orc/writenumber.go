package orc

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/float16"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/bloom"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/kernel"
)

// intOut is a stream of integers in run length encoding version 2.
type intOut struct {
	outStream
	enc encoding.IntRLEv2Encoder
}

func (s *intOut) append(v []int64) {
	s.raw = s.enc.Append(s.raw, v)
	s.settle()
}

func (s *intOut) mark(p []uint64) []uint64 {
	return append(s.outStream.mark(p), uint64(s.enc.Held()))
}

func (s *intOut) end() *outStream {
	s.raw = s.enc.Flush(s.raw)
	return &s.outStream
}

// loadInts gives the function that reads integers of an Arrow type.
func loadInts(dt arrow.DataType) func(dst []int64, d arrow.ArrayData, at places) error {
	switch dt.(type) {
	case *arrow.Int8Type:
		return load[int8]
	case *arrow.Uint8Type:
		return load[uint8]
	case *arrow.Int16Type:
		return load[int16]
	case *arrow.Uint16Type:
		return load[uint16]
	case *arrow.Uint32Type:
		return load[uint32]
	case *arrow.Int32Type, *arrow.Date32Type, *arrow.Time32Type, *arrow.MonthIntervalType:
		return load[int32]
	case *arrow.Date64Type:
		return loadDate64
	}
	return load[int64]
}

func load[T int8 | uint8 | int16 | uint16 | int32 | uint32 | int64](dst []int64, d arrow.ArrayData, at places) error {
	src := view[T](d, 1)
	if at.idx == nil {
		for i, v := range src[at.base : at.base+at.n] {
			dst[i] = int64(v)
		}
		return nil
	}
	for i, x := range at.idx {
		dst[i] = int64(src[x])
	}
	return nil
}

const dayMillis = 24 * 60 * 60 * 1000

func loadDate64(dst []int64, d arrow.ArrayData, at places) error {
	if err := load[int64](dst, d, at); err != nil {
		return err
	}
	for i, v := range dst {
		days := v / dayMillis
		if days*dayMillis != v || days != int64(int32(days)) {
			return fmt.Errorf("%w: date64 %d is not a whole day within reach of DATE", arrowio.ErrCast, v)
		}
		dst[i] = days
	}
	return nil
}

// intWriter writes short, int, long and date columns.
type intWriter struct {
	data  intOut
	marks marks
	load  func(dst []int64, d arrow.ArrayData, at places) error
	buf   []int64
}

func (v *intWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	v.buf = sized(v.buf, at.n)
	if err := v.load(v.buf, d, at); err != nil {
		return err
	}
	c.addInts(v.buf)
	v.data.append(v.buf)
	return nil
}

// addInts takes integers into the statistics and the Bloom filter.
func (c *columnWriter) addInts(v []int64) {
	c.group.ints.add(v)
	if c.filter != nil {
		for _, x := range v {
			c.filter.Add(bloom.HashInt(x))
		}
	}
}

func (v *intWriter) begin() {
	at := len(v.marks.flat)
	v.marks.flat = v.data.mark(v.marks.flat)
	v.marks.add(at)
}

func (v *intWriter) positions(p []uint64, group int) []uint64 { return append(p, v.marks.at(group)...) }

func (v *intWriter) finish(*columnWriter) (out valueStreams, err error) {
	out.encoding.Kind = proto.DirectV2
	return out, out.add(proto.Data, v.data.end())
}

func (v *intWriter) reset() {
	v.data.reset()
	v.marks.reset()
}

func (v *intWriter) size() int64 { return v.data.size() }
func (v *intWriter) held() int64 { return v.data.held() + int64(8*cap(v.buf)) }

// byteWriter writes byte columns.
type byteWriter struct {
	data  outStream
	enc   encoding.ByteRLEEncoder
	marks marks
	ints  []int64
	bytes []byte
}

func (v *byteWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	v.ints = sized(v.ints, at.n)
	if err := load[int8](v.ints, d, at); err != nil {
		return err
	}
	c.addInts(v.ints)
	v.bytes = sized(v.bytes, at.n)
	for i, x := range v.ints {
		v.bytes[i] = byte(x)
	}
	v.append(v.bytes)
	return nil
}

func (v *byteWriter) append(b []byte) {
	v.data.raw = v.enc.Append(v.data.raw, b)
	v.data.settle()
}

func (v *byteWriter) begin() {
	at := len(v.marks.flat)
	v.marks.flat = append(v.data.mark(v.marks.flat), uint64(v.enc.Held()))
	v.marks.add(at)
}

func (v *byteWriter) positions(p []uint64, group int) []uint64 {
	return append(p, v.marks.at(group)...)
}

func (v *byteWriter) finish(*columnWriter) (out valueStreams, err error) {
	v.data.raw = v.enc.Flush(v.data.raw)
	return out, out.add(proto.Data, &v.data)
}

func (v *byteWriter) reset() {
	v.data.reset()
	v.marks.reset()
}

func (v *byteWriter) size() int64 { return v.data.size() }
func (v *byteWriter) held() int64 { return v.data.held() + int64(8*cap(v.ints)+cap(v.bytes)) }

// boolWriter writes boolean columns.
type boolWriter struct {
	bits presentWriter // the same encoding
	buf  []byte
}

func (v *boolWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	src := view[byte](d, 1)
	bm, off := src, at.base
	if at.idx != nil {
		v.buf = sized(v.buf, at.n/8+1)
		clear(v.buf)
		for i, x := range at.idx {
			if bits.Get(src, x) {
				bits.Set(v.buf, i)
			}
		}
		bm, off = v.buf, 0
	}
	c.group.trues += uint64(bits.Count(bm, off, at.n))
	v.bits.bitmap(bm, off, at.n)
	return nil
}

func (v *boolWriter) begin() { v.bits.begin() }

func (v *boolWriter) positions(p []uint64, group int) []uint64 {
	return append(p, v.bits.marks.at(group)...)
}

func (v *boolWriter) finish(*columnWriter) (out valueStreams, err error) {
	v.bits.s.raw = v.bits.enc.Flush(v.bits.s.raw)
	return out, out.add(proto.Data, &v.bits.s)
}

func (v *boolWriter) reset()      { v.bits.reset() }
func (v *boolWriter) size() int64 { return v.bits.s.size() }
func (v *boolWriter) held() int64 { return v.bits.s.held() + int64(cap(v.buf)) }

// floatWriter writes float and double columns.
type floatWriter[T float32 | float64] struct {
	data  outStream
	marks marks
	half  bool // the source is of float16
	buf   []T
}

func (v *floatWriter[T]) write(c *columnWriter, d arrow.ArrayData, at places) error {
	vals := v.load(d, at)
	addFloats(&c.group.floats, vals)
	if c.filter != nil {
		for _, x := range vals {
			c.filter.Add(bloom.HashFloat(float64(x)))
		}
	}
	v.data.raw = append(v.data.raw, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(vals))), len(vals)*int(unsafe.Sizeof(T(0))))...)
	v.data.settle()
	return nil
}

func (v *floatWriter[T]) load(d arrow.ArrayData, at places) []T {
	if at.idx == nil && !v.half {
		return view[T](d, 1)[at.base : at.base+at.n]
	}
	v.buf = sized(v.buf, at.n)
	if v.half {
		src := view[float16.Num](d, 1)
		for i := range v.buf {
			v.buf[i] = T(halfToFloat(src[at.at(i)]))
		}
		return v.buf
	}
	src := view[T](d, 1)
	for i, x := range at.idx {
		v.buf[i] = src[x]
	}
	return v.buf
}

// halfToFloat keeps the payload of NaNs, which arithmetic need not.
func halfToFloat(h float16.Num) float32 {
	u := uint32(h.Uint16())
	if u&0x7c00 == 0x7c00 && u&0x3ff != 0 {
		return math.Float32frombits(u&0x8000<<16 | 0x7f800000 | u&0x3ff<<13)
	}
	return float32(kernel.HalfFloat(h))
}

func (v *floatWriter[T]) begin() {
	at := len(v.marks.flat)
	v.marks.flat = v.data.mark(v.marks.flat)
	v.marks.add(at)
}

func (v *floatWriter[T]) positions(p []uint64, group int) []uint64 {
	return append(p, v.marks.at(group)...)
}

func (v *floatWriter[T]) finish(*columnWriter) (out valueStreams, err error) {
	return out, out.add(proto.Data, &v.data)
}

func (v *floatWriter[T]) reset() {
	v.data.reset()
	v.marks.reset()
}

func (v *floatWriter[T]) size() int64 { return v.data.size() }
func (v *floatWriter[T]) held() int64 {
	return v.data.held() + int64(cap(v.buf)*int(unsafe.Sizeof(T(0))))
}
