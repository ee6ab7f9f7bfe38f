package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"sort"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/float16"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/kernel"
)

type encKind uint8

const (
	encNull encKind = iota
	encBool
	encInt8
	encUint8
	encInt16
	encUint16
	encInt32
	encUint32
	encInt64
	encUint64 // as a decimal
	encFloat16
	encFloat32
	encFloat64
	encText
	encLargeText
	encTextView
	encBytes
	encLargeBytes
	encBytesView
	encFixed
	encDecimal
	encDate64
	encSeconds32 // as milliseconds
	encSeconds64
	encMonthDayNano
	encDayTime
	encList
	encMap
	encStruct
	encUnion
	encWrap // a union's branch in a record of its own
	encDictionary
	encRuns
)

// encoder writes the values of one column. It is compiled with the schema and
// bound to the buffers of each batch.
type encoder struct {
	kind     encKind
	nullable bool // a union of null and the value
	unsigned bool // indices of a dictionary
	dense    bool
	width    int
	zeros    int // that a decimal of negative scale gets
	null     int // a union's null branch, -1 if none
	branch   map[arrow.UnionTypeCode]int
	child    map[arrow.UnionTypeCode]int
	kids     []*encoder
	path     string

	// Of the batch in hand.
	off   int
	n     int
	valid []byte
	data  []byte
	offs  []int32
	offs8 []int64
	spans kernel.Spans
	ends  arrow.ArrayData
	view  interface{ Value(int) []byte }
	texts *array.StringView
	run   int
}

func view[T any](b []byte) []T {
	var t T
	n := len(b) / int(unsafe.Sizeof(t))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

func buffer(d arrow.ArrayData, i int) []byte {
	if bufs := d.Buffers(); i < len(bufs) && bufs[i] != nil {
		return bufs[i].Bytes()
	}
	return nil
}

// bind takes the buffers of an array of the encoder's type. They are used
// until the next bind.
func (e *encoder) bind(d arrow.ArrayData) {
	e.off, e.n, e.valid = d.Offset(), d.Len(), nil
	if d.NullN() != 0 && e.kind != encUnion && e.kind != encRuns && e.kind != encNull {
		e.valid = buffer(d, 0)
	}
	switch e.kind {
	case encText, encBytes:
		e.offs, e.data = view[int32](buffer(d, 1)), buffer(d, 2)
	case encLargeText, encLargeBytes:
		e.offs8, e.data = view[int64](buffer(d, 1)), buffer(d, 2)
	case encTextView:
		d = storageOf(d)
		e.texts = array.NewStringViewData(d)
		d.Release()
	case encBytesView:
		d = storageOf(d)
		e.view = array.NewBinaryViewData(d)
		d.Release()
	case encList, encMap:
		e.spans = kernel.ListSpans(d)
	case encUnion:
		e.data = buffer(d, 1)
		if e.dense {
			e.offs = view[int32](buffer(d, 2))
		}
	case encRuns:
		e.ends, e.run = d.Children()[0], 0
		e.data = buffer(e.ends, 1)
		e.kids[0].bind(d.Children()[1])
		return
	case encDictionary:
		e.data = buffer(d, 1)
		e.kids[0].bind(d.Dictionary())
		return
	case encWrap:
		e.kids[0].bind(d)
		return
	default:
		e.data = buffer(d, 1)
	}
	switch e.kind {
	case encMap:
		entries := d.Children()[0]
		for i, k := range e.kids {
			k.bind(entries.Children()[i])
		}
		e.width = entries.Offset() // of the entries, which their fields do not know
	case encStruct, encUnion, encList:
		for i, k := range e.kids {
			k.bind(d.Children()[i])
		}
	}
}

// unbind lets go of the batch.
func (e *encoder) unbind() {
	if e.texts != nil {
		e.texts.Release()
	}
	if v, ok := e.view.(arrow.Array); ok {
		v.Release()
	}
	e.texts, e.view, e.data, e.valid, e.offs, e.offs8, e.spans, e.ends = nil, nil, nil, nil, nil, nil, nil, nil
	for _, k := range e.kids {
		k.unbind()
	}
}

// storageOf is the data of an extension array as its storage, for the caller to
// release.
func storageOf(d arrow.ArrayData) arrow.ArrayData {
	if t, ok := d.DataType().(arrow.ExtensionType); ok {
		nd := array.NewData(t.StorageType(), d.Len(), d.Buffers(), d.Children(), d.NullN(), d.Offset())
		return nd
	}
	d.Retain()
	return d
}

var (
	errNull  = fmt.Errorf("%w: a null in a column that has none", arrowio.ErrCast)
	errIndex = errors.New("avro: an index that points at no value")
)

// isNull says whether value i is null.
func (e *encoder) isNull(i int) bool {
	switch e.kind {
	case encNull:
		return true
	case encUnion:
		return false
	case encRuns:
		return e.kids[0].isNull(e.runOf(i))
	case encWrap:
		return e.kids[0].isNull(i)
	}
	if e.valid != nil && !bits.Get(e.valid, e.off+i) {
		return true
	}
	if e.kind == encDictionary {
		k, ok := e.index(i)
		return ok && e.kids[0].isNull(k)
	}
	return false
}

// field writes value i with the branch of its union, if it stands in one.
func (e *encoder) field(dst []byte, i int) ([]byte, error) {
	if e.nullable {
		if e.isNull(i) {
			return append(dst, 0), nil
		}
		dst = append(dst, 2)
	} else if e.kind != encNull && e.isNull(i) {
		return dst, &arrowio.Error{Op: "write", Column: e.path, Err: errNull}
	}
	return e.value(dst, i)
}

func appendLong(dst []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	if u < 0x80 {
		return append(dst, byte(u))
	}
	return binary.AppendUvarint(dst, u)
}

func (e *encoder) fail(format string, args ...any) error {
	return &arrowio.Error{Op: "write", Column: e.path, Err: fmt.Errorf("%w: "+format, append([]any{arrowio.ErrCast}, args...)...)}
}

// value writes value i, which is not null.
func (e *encoder) value(dst []byte, i int) ([]byte, error) {
	s := e.off + i
	switch e.kind {
	case encNull:
		return dst, nil
	case encBool:
		if bits.Get(e.data, s) {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case encInt8:
		return appendLong(dst, int64(int8(e.data[s]))), nil
	case encUint8:
		return appendLong(dst, int64(e.data[s])), nil
	case encInt16:
		return appendLong(dst, int64(view[int16](e.data)[s])), nil
	case encUint16:
		return appendLong(dst, int64(view[uint16](e.data)[s])), nil
	case encInt32:
		return appendLong(dst, int64(view[int32](e.data)[s])), nil
	case encUint32:
		return appendLong(dst, int64(view[uint32](e.data)[s])), nil
	case encInt64:
		return appendLong(dst, view[int64](e.data)[s]), nil
	case encUint64:
		var b [9]byte
		binary.BigEndian.PutUint64(b[1:], view[uint64](e.data)[s])
		return appendMinimal(dst, b[:]), nil
	case encFloat16:
		v := float32(kernel.HalfFloat(view[float16.Num](e.data)[s]))
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v)), nil
	case encFloat32:
		return append(dst, e.data[4*s:4*s+4]...), nil
	case encFloat64:
		return append(dst, e.data[8*s:8*s+8]...), nil
	case encText, encBytes:
		return e.bytes(dst, e.data[e.offs[s]:e.offs[s+1]])
	case encLargeText, encLargeBytes:
		return e.bytes(dst, e.data[e.offs8[s]:e.offs8[s+1]])
	case encTextView:
		v := e.texts.Value(i)
		return e.bytes(dst, unsafe.Slice(unsafe.StringData(v), len(v)))
	case encBytesView:
		return e.bytes(dst, e.view.Value(i))
	case encFixed:
		return append(dst, e.data[s*e.width:(s+1)*e.width]...), nil
	case encDecimal:
		return e.decimal(dst, e.data[s*e.width:(s+1)*e.width]), nil
	case encDate64:
		v := view[int64](e.data)[s]
		if v%86_400_000 != 0 || v/86_400_000 != int64(int32(v/86_400_000)) {
			return dst, e.fail("a date of %d ms is no whole day", v)
		}
		return appendLong(dst, v/86_400_000), nil
	case encSeconds32:
		v := int64(view[int32](e.data)[s]) * 1000
		if v != int64(int32(v)) {
			return dst, e.fail("a time of %d s", v/1000)
		}
		return appendLong(dst, v), nil
	case encSeconds64:
		v := view[int64](e.data)[s]
		if v > math.MaxInt64/1000 || v < math.MinInt64/1000 {
			return dst, e.fail("a timestamp of %d s does not fit milliseconds", v)
		}
		return appendLong(dst, v*1000), nil
	case encMonthDayNano:
		v := view[arrow.MonthDayNanoInterval](e.data)[s]
		return appendLong(appendLong(appendLong(dst, int64(v.Months)), int64(v.Days)), v.Nanoseconds), nil
	case encDayTime:
		v := view[arrow.DayTimeInterval](e.data)[s]
		return appendLong(appendLong(dst, int64(v.Days)), int64(v.Milliseconds)), nil
	}
	return e.nested(dst, i)
}

func (e *encoder) bytes(dst, v []byte) ([]byte, error) {
	if (e.kind == encText || e.kind == encLargeText || e.kind == encTextView) && !utf8.Valid(v) {
		return dst, e.fail("text that is not UTF-8")
	}
	return append(appendLong(dst, int64(len(v))), v...), nil
}

func (e *encoder) nested(dst []byte, i int) (_ []byte, err error) {
	s := e.off + i
	switch e.kind {
	case encStruct:
		for _, k := range e.kids {
			if dst, err = k.field(dst, s); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case encList:
		start, n := e.spans.Span(s)
		if n > 0 {
			dst = appendLong(dst, int64(n))
		}
		for j := start; j < start+n; j++ {
			if dst, err = e.kids[0].field(dst, j); err != nil {
				return dst, err
			}
		}
		return append(dst, 0), nil
	case encMap:
		start, n := e.spans.Span(s)
		if n > 0 {
			dst = appendLong(dst, int64(n))
		}
		for j := start + e.width; j < start+e.width+n; j++ {
			if dst, err = e.kids[0].field(dst, j); err != nil {
				return dst, err
			}
			if dst, err = e.kids[1].field(dst, j); err != nil {
				return dst, err
			}
		}
		return append(dst, 0), nil
	case encUnion:
		code := arrow.UnionTypeCode(e.data[s])
		c, ok := e.child[code]
		if !ok {
			return dst, e.fail("a union value of type code %d", code)
		}
		if e.dense {
			s = int(e.offs[s])
		}
		k := e.kids[c]
		if k.kind != encUnion && k.isNull(s) {
			if e.null < 0 {
				return dst, &arrowio.Error{Op: "write", Column: k.path, Err: errNull}
			}
			return appendLong(dst, int64(e.null)), nil
		}
		return k.value(appendLong(dst, int64(e.branch[code])), s)
	case encWrap:
		return e.kids[0].field(dst, i)
	case encDictionary:
		k, ok := e.index(i)
		if !ok {
			return dst, &arrowio.Error{Op: "write", Column: e.path, Err: errIndex}
		}
		return e.kids[0].value(dst, k)
	}
	return e.kids[0].value(dst, e.runOf(i))
}

// index is the place in the dictionary of value i.
func (e *encoder) index(i int) (k int, ok bool) {
	s := e.off + i
	var v int64
	switch {
	case e.width == 1 && e.unsigned:
		v = int64(e.data[s])
	case e.width == 1:
		v = int64(int8(e.data[s]))
	case e.width == 2 && e.unsigned:
		v = int64(view[uint16](e.data)[s])
	case e.width == 2:
		v = int64(view[int16](e.data)[s])
	case e.width == 4 && e.unsigned:
		v = int64(view[uint32](e.data)[s])
	case e.width == 4:
		v = int64(view[int32](e.data)[s])
	default:
		v = view[int64](e.data)[s]
	}
	return int(v), v >= 0 && v < int64(e.kids[0].n)
}

// runOf is the run that holds value i.
func (e *encoder) runOf(i int) int {
	s := e.off + i
	end := func(k int) int {
		k += e.ends.Offset()
		switch e.width {
		case 2:
			return int(view[int16](e.data)[k])
		case 4:
			return int(view[int32](e.data)[k])
		}
		return int(view[int64](e.data)[k])
	}
	n := e.ends.Len()
	if e.run >= n || s >= end(e.run) || e.run > 0 && s < end(e.run-1) {
		e.run = sort.Search(n, func(k int) bool { return end(k) > s })
	}
	return e.run
}

// decimal writes a little-endian two's complement value as the fewest
// big-endian bytes.
func (e *encoder) decimal(dst, v []byte) []byte {
	var b [32]byte
	w := len(v)
	for i, x := range v {
		b[w-1-i] = x
	}
	if e.zeros > 0 {
		n := new(big.Int).SetBytes(b[:w])
		if b[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*w)))
		}
		n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(e.zeros)), nil))
		return appendMinimal(dst, twosComplement(n))
	}
	return appendMinimal(dst, b[:w])
}

// twosComplement is n in big-endian bytes, with room for its sign.
func twosComplement(n *big.Int) []byte {
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	b := n.Bytes()
	return append(make([]byte, size-len(b)), b...)
}

// appendMinimal appends bytes without leading ones that only repeat the sign,
// their number in front.
func appendMinimal(dst, b []byte) []byte {
	for len(b) > 1 && (b[0] == 0 && b[1]&0x80 == 0 || b[0] == 0xff && b[1]&0x80 != 0) {
		b = b[1:]
	}
	return append(appendLong(dst, int64(len(b))), b...)
}
