package orc

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/bits"
)

// column decodes one column of a stripe into Arrow memory, piece by piece. One
// implementation a column shape of the specification.
//
//	streams ─► PRESENT ─► which slots have a value ─► decode the values ─► spread to the slots ─► take
type column interface {
	// read appends n slots, of which the parent has those of its mask: the
	// others have no value stored and are null.
	read(n int, parent mask) error
	// skip passes over n slots that the parent has.
	skip(n int) error
	// seek goes to the start of a row group.
	seek(group int) error
	// size is the bytes of the slots that were read.
	size() int64
	// reserve makes room for n slots more, a hint.
	reserve(n int)
	// take hands over what was read.
	take() (arrow.ArrayData, error)
	release()
}

// mask tells which of a run of slots have a value: bits from off on, of which
// ones are set. Without bits all have one, and ones is their number.
type mask struct {
	bits []byte
	off  int
	ones int
}

// all is the mask of n slots that all have a value.
func all(n int) mask { return mask{ones: n} }

// slots is what all columns have: the PRESENT stream and the validity.
type slots struct {
	st      *stripe
	node    *node
	present *encoding.BoolRLE // nil: every slot that the parent has is valid
	valid   *memory.Buffer    // nil while none is null
	n       int
	nulls   int
	stored  []byte // present bits of the slots that the parent has
}

func (s *slots) open(st *stripe, n *node) error {
	s.st, s.node = st, n
	src, err := st.stream(n.id, proto.Present)
	if err != nil || src == nil {
		return err
	}
	s.present = new(encoding.BoolRLE)
	s.present.Reset(src)
	return nil
}

// fail says in which column an error arose.
func (s *slots) fail(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := (*arrowio.Error)(nil)
	if !errors.As(err, &e) {
		e = &arrowio.Error{Err: err}
	}
	if e.Column != "" {
		return err
	}
	out := *e
	out.Op, out.Unit, out.Column = "read", s.st.unit, s.node.path
	return &out
}

// next decides which of the next n slots are valid.
func (s *slots) next(n int, parent mask) (mask, error) {
	if s.present == nil {
		s.append(n, parent)
		return parent, nil
	}
	dst := s.room(n)
	ones := 0
	if parent.bits == nil {
		if err := s.present.Next(dst, s.n, n); err != nil {
			return mask{}, s.fail(fmt.Errorf("PRESENT: %w", err))
		}
		ones = bits.Count(dst, s.n, n)
	} else {
		if need := bits.ByteCount(parent.ones, 1); len(s.stored) < need {
			s.stored = make([]byte, need+need/2)
		}
		if err := s.present.Next(s.stored, 0, parent.ones); err != nil {
			return mask{}, s.fail(fmt.Errorf("PRESENT: %w", err))
		}
		bits.Deposit(dst, s.n, s.stored, parent.bits, parent.off, n)
		ones = bits.Count(s.stored, 0, parent.ones)
	}
	m := mask{dst, s.n, ones}
	s.n += n
	s.nulls += n - ones
	if ones == n {
		m.bits = nil
	}
	return m, nil
}

// append takes the parent's mask for n slots.
func (s *slots) append(n int, parent mask) {
	if parent.bits != nil && parent.ones < n {
		bits.Copy(s.room(n), s.n, parent.bits, parent.off, n)
		s.nulls += n - parent.ones
	} else if s.valid != nil {
		bits.SetRange(s.room(n), s.n, n, true)
	}
	s.n += n
}

// room gives the validity with n bits to spare.
func (s *slots) room(n int) []byte {
	if s.valid == nil {
		s.valid = memory.NewResizableBuffer(s.st.o.Alloc)
		s.valid.Reserve((max(s.st.rows, s.n+n) + 7) / 8)
		s.valid.ResizeNoShrink((s.n + n + 7) / 8)
		bits.SetRange(s.valid.Bytes(), 0, s.n, true)
	}
	grow(s.valid, (s.n+n+7)/8)
	return s.valid.Bytes()
}

func grow(b *memory.Buffer, n int) {
	if n > b.Cap() {
		b.Reserve(max(n, 2*b.Cap()))
	}
	b.ResizeNoShrink(n)
}

// skipPresent passes over n slots and gives how many of them are valid.
func (s *slots) skipPresent(n int) (int, error) {
	if s.present == nil {
		return n, nil
	}
	ones, err := s.present.SkipCount(n)
	return ones, s.fail(err)
}

// takeValid hands over the validity, nil where nothing is null.
func (s *slots) takeValid() (valid *memory.Buffer, n, nulls int) {
	valid, n, nulls = s.valid, s.n, s.nulls
	s.valid, s.n, s.nulls = nil, 0, 0
	if valid != nil && nulls == 0 {
		valid.Release()
		valid = nil
	}
	return valid, n, nulls
}

// data makes the array data of buffers behind the validity, and takes them over.
func (s *slots) data(children []arrow.ArrayData, buffers ...*memory.Buffer) arrow.ArrayData {
	valid, n, nulls := s.takeValid()
	buffers = append([]*memory.Buffer{valid}, buffers...)
	d := array.NewData(s.node.field.Type, n, buffers, children, nulls, 0)
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	for _, c := range children {
		c.Release()
	}
	return d
}

func (s *slots) release() {
	if s.valid != nil {
		s.valid.Release()
		s.valid = nil
	}
}

// vec is a buffer of values of fixed width.
type vec[T any] struct {
	mem memory.Allocator
	buf *memory.Buffer
	n   int
}

func (v *vec[T]) width() int { return int(unsafe.Sizeof(*new(T))) }

func (v *vec[T]) reserve(n int) {
	if v.buf == nil {
		v.buf = memory.NewResizableBuffer(v.mem)
	}
	v.buf.Reserve((v.n + n) * v.width())
}

// room appends k values for the caller to set.
func (v *vec[T]) room(k int) []T {
	if v.buf == nil {
		v.buf = memory.NewResizableBuffer(v.mem)
	}
	grow(v.buf, (v.n+k)*v.width())
	v.n += k
	if k == 0 {
		return nil
	}
	mem := v.buf.Bytes()
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem))), v.n)[v.n-k:]
}

// spread moves the first of the last n values, which room gave, apart to the
// slots of the mask.
func (v *vec[T]) spread(n int, m mask) {
	if m.bits == nil {
		return
	}
	mem := v.buf.Bytes()
	bits.Spread(mem[(v.n-n)*v.width():], v.width(), n, m.bits, m.off)
}

func (v *vec[T]) size() int64 { return int64(v.n * v.width()) }

func (v *vec[T]) take() *memory.Buffer {
	v.room(0)
	out := v.buf
	v.buf, v.n = nil, 0
	return out
}

func (v *vec[T]) release() {
	if v.buf != nil {
		v.buf.Release()
		v.buf, v.n = nil, 0
	}
}

// newColumn opens the reader of a column.
func newColumn(st *stripe, n *node) (column, error) {
	c, err := shapeOf(st, n)
	if err != nil {
		s := slots{st: st, node: n}
		return nil, s.fail(err)
	}
	return c, nil
}
