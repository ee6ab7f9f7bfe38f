package meta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/bdkit/bdkit/arrowio"
)

// The wire types of the Thrift compact protocol (thrift-compact-protocol.md).
const (
	wireStop   = 0
	wireTrue   = 1
	wireFalse  = 2
	wireI8     = 3
	wireI16    = 4
	wireI32    = 5
	wireI64    = 6
	wireDouble = 7
	wireBinary = 8
	wireList   = 9
	wireSet    = 10
	wireMap    = 11
	wireStruct = 12
	wireUUID   = 13
)

// maxNesting bounds structs and containers in one another. The format itself
// nests seven deep; the rest is for what newer writers may add.
const maxNesting = 32

// reader walks one struct in compact form. The first error sticks: after it
// every read gives zero and next gives false, so that decoders need to look at
// err only once.
type reader struct {
	b     []byte
	off   int
	depth int
	err   error
	names map[string]string // strings seen, for those that repeat
}

// field is the one being read of the innermost struct.
type field struct {
	id   int16
	wire byte
	seen uint32 // bit i: field id i was there, i < 32
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: thrift at byte %d: %w", arrowio.ErrCorrupt, r.off, err)
	}
}

// short says that the input ends early. The error is shared, since to find
// that out and read on is the normal course for page headers.
func (r *reader) short() {
	if r.err == nil {
		r.err = errShort
	}
}

var (
	errShort    = fmt.Errorf("%w: thrift: %w", arrowio.ErrCorrupt, io.ErrUnexpectedEOF)
	errNesting  = errors.New("nested too deeply")
	errVarint   = errors.New("variable-length integer too long")
	errRange    = errors.New("integer out of range")
	errFieldID  = errors.New("field id out of range")
	errWireType = errors.New("unknown wire type")
)

// open enters a struct.
func (r *reader) open() field {
	if r.depth++; r.depth > maxNesting {
		r.fail(errNesting)
	}
	return field{}
}

// next moves to the struct's next field; at its end, or after an error, it is
// false.
func (r *reader) next(f *field) bool {
	if r.err != nil {
		return false
	}
	if r.off >= len(r.b) {
		r.short()
		return false
	}
	h := r.b[r.off]
	r.off++
	if h == wireStop {
		r.depth--
		return false
	}
	f.wire = h & 15
	if d := h >> 4; d != 0 {
		if int(f.id)+int(d) > math.MaxInt16 {
			r.fail(errFieldID)
			return false
		}
		f.id += int16(d)
	} else {
		id := r.zigzag()
		if id < math.MinInt16 || id > math.MaxInt16 {
			r.fail(errFieldID)
			return false
		}
		f.id = int16(id)
	}
	if uint16(f.id) < 32 {
		f.seen |= 1 << f.id
	}
	return r.err == nil
}

// require fails unless all of the fields came. The bits are those of need.
func (r *reader) require(f *field, fields uint32, what string) {
	if r.err == nil && f.seen&fields != fields {
		r.fail(fmt.Errorf("%s lacks required fields", what))
	}
}

// need is the set of field ids, for require.
func need(ids ...uint) (set uint32) {
	for _, id := range ids {
		set |= 1 << id
	}
	return set
}

func (r *reader) expect(f *field, wire byte) bool {
	if r.err == nil && f.wire != wire {
		r.fail(fmt.Errorf("field %d has wire type %d, not %d", f.id, f.wire, wire))
	}
	return r.err == nil
}

func (r *reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	if r.off < len(r.b) && r.b[r.off] < 0x80 {
		r.off++
		return uint64(r.b[r.off-1])
	}
	v, n := binary.Uvarint(r.b[r.off:])
	switch {
	case n == 0:
		r.short()
	case n < 0:
		r.fail(errVarint)
	default:
		r.off += n
	}
	return v
}

func (r *reader) zigzag() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) bool(f *field) bool {
	if r.err == nil && f.wire != wireTrue && f.wire != wireFalse {
		r.expect(f, wireTrue)
	}
	return f.wire == wireTrue
}

func (r *reader) i8(f *field) int8 {
	if !r.expect(f, wireI8) {
		return 0
	}
	return r.byteValue()
}

func (r *reader) byteValue() int8 {
	if r.off >= len(r.b) {
		r.short()
		return 0
	}
	r.off++
	return int8(r.b[r.off-1])
}

func (r *reader) i16(f *field) int16 {
	if !r.expect(f, wireI16) {
		return 0
	}
	v := r.zigzag()
	if int64(int16(v)) != v {
		r.fail(errRange)
	}
	return int16(v)
}

func (r *reader) i32(f *field) int32 {
	if !r.expect(f, wireI32) {
		return 0
	}
	return r.int32Value()
}

func (r *reader) int32Value() int32 {
	v := r.zigzag()
	if int64(int32(v)) != v {
		r.fail(errRange)
		return 0
	}
	return int32(v)
}

func (r *reader) i64(f *field) int64 {
	if !r.expect(f, wireI64) {
		return 0
	}
	return r.zigzag()
}

func (r *reader) double(f *field) float64 {
	if !r.expect(f, wireDouble) {
		return 0
	}
	if len(r.b)-r.off < 8 {
		r.short()
		return 0
	}
	r.off += 8
	return math.Float64frombits(binary.LittleEndian.Uint64(r.b[r.off-8:]))
}

// bytes gives a slice of the input, never nil without error.
func (r *reader) bytes(f *field) []byte {
	if !r.expect(f, wireBinary) {
		return nil
	}
	return r.bytesValue()
}

func (r *reader) bytesValue() []byte {
	n := r.uvarint()
	if r.err != nil {
		return nil
	}
	if n > math.MaxInt32 {
		r.fail(errRange)
		return nil
	}
	if n > uint64(len(r.b)-r.off) {
		r.short()
		return nil
	}
	at := r.off
	r.off += int(n)
	return r.b[at:r.off:r.off]
}

func (r *reader) string(f *field) string { return string(r.bytes(f)) }

// name is a string that likely came before, such as a column's.
func (r *reader) nameValue() string {
	b := r.bytesValue()
	if s, ok := r.names[string(b)]; ok {
		return s
	}
	if r.names == nil {
		r.names = make(map[string]string)
	}
	s := string(b)
	r.names[s] = s
	return s
}

// list reads the head of a list (or set) of elements of one wire type. An
// element takes at least a byte, which bounds the number.
func (r *reader) list(f *field, elem byte) int {
	if f.wire != wireSet && !r.expect(f, wireList) {
		return 0
	}
	n, wire := r.listHead()
	if r.err == nil && n > 0 && wire != elem && !(elem == wireTrue && wire == wireFalse) {
		r.fail(fmt.Errorf("field %d is a list of wire type %d, not %d", f.id, wire, elem))
		return 0
	}
	return n
}

func (r *reader) listHead() (n int, wire byte) {
	if r.err != nil {
		return 0, 0
	}
	if r.off >= len(r.b) {
		r.short()
		return 0, 0
	}
	h := r.b[r.off]
	r.off++
	size := uint64(h >> 4)
	if size == 15 {
		size = r.uvarint()
	}
	if r.err == nil && size > math.MaxInt32 {
		r.fail(errRange)
	}
	if r.err == nil && size > uint64(len(r.b)-r.off) {
		r.short()
	}
	if r.err != nil {
		return 0, 0
	}
	return int(size), h & 15
}

// makeList is a slice to append n elements to, of which none can be smaller
// than size bytes in the input. It is not nil.
func makeList[T any](r *reader, n, size int) []T {
	return make([]T, 0, min(n, (len(r.b)-r.off)/size))
}

// structs reads a list of structs.
func structs[T any](r *reader, f *field, size int, decode func(*reader, *T)) []T {
	n := r.list(f, wireStruct)
	s := makeList[T](r, n, size)
	for range n {
		if r.err != nil {
			return nil
		}
		var zero T
		s = append(s, zero)
		decode(r, &s[len(s)-1])
	}
	return s
}

func (r *reader) int64s(f *field) []int64 {
	n := r.list(f, wireI64)
	s := makeList[int64](r, n, 1)
	for range n {
		s = append(s, r.zigzag())
	}
	return s
}

func int32s[T ~int32](r *reader, f *field) []T {
	n := r.list(f, wireI32)
	s := makeList[T](r, n, 1)
	for range n {
		s = append(s, T(r.int32Value()))
	}
	return s
}

func (r *reader) bools(f *field) []bool {
	n := r.list(f, wireTrue)
	s := makeList[bool](r, n, 1)
	for range n {
		s = append(s, r.byteValue() == 1)
	}
	return s
}

func (r *reader) byteSlices(f *field) [][]byte {
	n := r.list(f, wireBinary)
	s := makeList[[]byte](r, n, 1)
	for range n {
		s = append(s, r.bytesValue())
	}
	return s
}

func (r *reader) nameList(f *field) []string {
	n := r.list(f, wireBinary)
	s := makeList[string](r, n, 1)
	for range n {
		s = append(s, r.nameValue())
	}
	return s
}

// skip passes over a field that is not known.
func (r *reader) skip(f *field) {
	if f.wire != wireTrue && f.wire != wireFalse { // the value is in the head
		r.skipValue(f.wire)
	}
}

func (r *reader) skipValue(wire byte) {
	if r.err != nil {
		return
	}
	switch wire {
	case wireTrue, wireFalse, wireI8:
		r.advance(1)
	case wireI16, wireI32, wireI64:
		r.uvarint()
	case wireDouble:
		r.advance(8)
	case wireUUID:
		r.advance(16)
	case wireBinary:
		r.bytesValue()
	case wireList, wireSet:
		n, elem := r.listHead()
		r.skipMany(n, elem)
	case wireMap:
		n := r.uvarint()
		if r.err == nil && n > uint64(len(r.b)-r.off) {
			r.short()
		}
		if n == 0 || r.err != nil {
			return
		}
		kv := byte(r.byteValue())
		r.skipMany(int(n), kv>>4, kv&15)
	case wireStruct:
		f := r.open()
		for r.next(&f) {
			r.skip(&f)
		}
	default:
		r.fail(errWireType)
	}
}

func (r *reader) skipMany(n int, wires ...byte) {
	if r.depth++; r.depth > maxNesting {
		r.fail(errNesting)
	}
	for range n {
		if r.err != nil {
			return
		}
		for _, w := range wires {
			r.skipValue(w)
		}
	}
	r.depth--
}

func (r *reader) advance(n int) {
	if len(r.b)-r.off < n {
		r.short()
		return
	}
	r.off += n
}

// finish gives the bytes consumed and wraps an error with what was read.
func (r *reader) finish(what string) (int, error) {
	if r.err != nil {
		return 0, fmt.Errorf("%s: %w", what, r.err)
	}
	return r.off, nil
}
