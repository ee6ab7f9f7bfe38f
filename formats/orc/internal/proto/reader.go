package proto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unsafe"

	"github.com/bdkit/bdkit/arrowio"
)

// The wire types of Protobuf.
const (
	wireVarint = 0
	wireFixed8 = 1
	wireBytes  = 2
	wireGroup  = 3
	wireEnd    = 4
	wireFixed4 = 5
)

const (
	// maxNesting bounds messages in one another. The format nests five deep.
	maxNesting = 32
	// maxStructs bounds the memory of what is decoded: an empty message of two
	// bytes becomes a struct of many.
	maxStructs = 512 << 20
)

// reader walks one message. The first error sticks: after it next gives false
// and every read zero, so that decoders need to look at err only once.
type reader struct {
	b     []byte // up to the end of the innermost message
	off   int
	depth int
	room  int64
	err   error

	num  int // the field being read
	wire int
}

var (
	errVarint  = errors.New("variable-length integer too long")
	errNesting = errors.New("nested too deeply")
	errField   = errors.New("field number out of range")
)

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: protobuf at byte %d: %w", arrowio.ErrCorrupt, r.off, err)
	}
}

// next moves to the message's next field; at its end, or after an error, it is
// false.
func (r *reader) next() bool {
	if r.err != nil || r.off >= len(r.b) {
		return false
	}
	tag := r.uvarint()
	if r.err != nil {
		return false
	}
	if tag>>3 == 0 || tag>>3 > math.MaxInt32>>2 {
		r.fail(errField)
		return false
	}
	r.num, r.wire = int(tag>>3), int(tag&7)
	return true
}

func (r *reader) expect(wire int) bool {
	if r.err == nil && r.wire != wire {
		r.fail(fmt.Errorf("field %d has wire type %d, not %d", r.num, r.wire, wire))
	}
	return r.err == nil
}

func (r *reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b[r.off:])
	switch {
	case n == 0:
		r.fail(io.ErrUnexpectedEOF)
		return 0
	case n < 0:
		r.fail(errVarint)
		return 0
	}
	r.off += n
	return v
}

// take gives the next n bytes.
func (r *reader) take(n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.b)-r.off) {
		r.fail(fmt.Errorf("%d bytes where %d are left: %w", n, len(r.b)-r.off, io.ErrUnexpectedEOF))
		return nil
	}
	b := r.b[r.off : r.off+int(n)]
	r.off += int(n)
	return b
}

// skip passes the field's value.
func (r *reader) skip() {
	switch r.wire {
	case wireVarint:
		r.uvarint()
	case wireFixed8:
		r.take(8)
	case wireBytes:
		r.take(r.uvarint())
	case wireFixed4:
		r.take(4)
	case wireGroup: // of no use since proto2, and to be skipped all the same
		group := r.num
		if r.depth++; r.depth > maxNesting {
			r.fail(errNesting)
		}
		for {
			if !r.next() {
				if r.err == nil {
					r.fail(io.ErrUnexpectedEOF)
				}
				break
			}
			if r.wire == wireEnd {
				if r.num != group {
					r.fail(errors.New("groups cross"))
				}
				break
			}
			r.skip()
		}
		r.depth--
	default:
		r.fail(fmt.Errorf("field %d has wire type %d", r.num, r.wire))
	}
}

func (r *reader) uint() uint64 {
	if !r.expect(wireVarint) {
		return 0
	}
	return r.uvarint()
}

// uint32 truncates, as Protobuf does.
func (r *reader) uint32() uint32 { return uint32(r.uint()) }

func (r *reader) enum() int32 { return int32(r.uint()) }

func (r *reader) sint() int64 {
	v := r.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) double() float64 {
	if !r.expect(wireFixed8) {
		return 0
	}
	b := r.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// raw gives the field's bytes, which are those of the input.
func (r *reader) raw() []byte {
	if !r.expect(wireBytes) {
		return nil
	}
	return r.take(r.uvarint())
}

// bytes gives a copy of the field's bytes; nil if there are none.
func (r *reader) bytes() []byte {
	b := r.raw()
	r.charge(int64(len(b)))
	if r.err != nil || len(b) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

func (r *reader) string() string {
	b := r.raw()
	r.charge(int64(len(b)))
	if r.err != nil {
		return ""
	}
	return string(b)
}

// charge counts memory that decoding takes.
func (r *reader) charge(n int64) {
	if r.room -= n; r.room < 0 && r.err == nil {
		r.err = fmt.Errorf("%w: metadata takes more than %d MiB of memory", arrowio.ErrLimit, maxStructs>>20)
	}
}

// uints appends a repeated integer field, packed or not.
func uints[T uint32 | uint64 | int32](r *reader, list *[]T) {
	if r.wire != wireBytes {
		v := r.uint()
		r.charge(int64(unsafe.Sizeof(T(0))))
		if r.err == nil {
			*list = append(*list, T(v))
		}
		return
	}
	b := r.raw()
	r.charge(int64(len(b)) * int64(unsafe.Sizeof(T(0))))
	if r.err != nil || len(b) == 0 {
		return
	}
	n := 0 // integers end at a byte below 128
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	if *list == nil {
		*list = make([]T, 0, n)
	}
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			r.fail(errVarint)
			return
		}
		*list, b = append(*list, T(v)), b[n:]
	}
}

// words appends a repeated fixed64 field, packed or not.
func (r *reader) words(list *[]uint64) {
	var b []byte
	switch r.wire {
	case wireBytes:
		b = r.raw()
	case wireFixed8:
		b = r.take(8)
	default:
		r.expect(wireFixed8)
	}
	r.charge(int64(len(b)))
	if len(b)%8 != 0 {
		r.fail(fmt.Errorf("%d bytes of 64-bit words", len(b)))
	}
	if r.err != nil {
		return
	}
	for ; len(b) > 0; b = b[8:] {
		*list = append(*list, binary.LittleEndian.Uint64(b))
	}
}

// nested decodes the field as a message.
func nested[T any](r *reader, m *T, decode func(*reader, *T)) {
	b := r.raw()
	if r.depth++; r.depth > maxNesting {
		r.fail(errNesting)
	}
	if r.err == nil {
		outer := r.b
		r.off -= len(b)
		r.b = r.b[:r.off+len(b)]
		decode(r, m)
		r.b = outer
	}
	r.depth--
}

// one decodes the field into *m. A message that comes twice is merged.
func one[T any](r *reader, m **T, decode func(*reader, *T)) {
	if *m == nil {
		var v T
		r.charge(int64(unsafe.Sizeof(v)))
		if r.err != nil {
			return
		}
		*m = new(T)
	}
	nested(r, *m, decode)
}

// each decodes the field as the next of a list.
func each[T any](r *reader, list *[]T, decode func(*reader, *T)) {
	var v T
	r.charge(int64(unsafe.Sizeof(v)))
	if r.err != nil {
		return
	}
	*list = append(*list, v)
	nested(r, &(*list)[len(*list)-1], decode)
}

// decode reads a whole message.
func decode[T any](b []byte, what string, fields func(*reader, *T)) (*T, error) {
	m := new(T)
	r := &reader{b: b, room: maxStructs}
	if fields(r, m); r.err != nil {
		return nil, fmt.Errorf("%s: %w", what, r.err)
	}
	return m, nil
}
