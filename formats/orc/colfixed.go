package orc

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/bits"
)

// shapeOf gives the reader of a column by its type and encoding
// (specification, "Column Encodings").
func shapeOf(st *stripe, n *node) (column, error) {
	enc, err := st.encoding(n.id)
	if err != nil {
		return nil, err
	}
	switch n.typ.Kind {
	case proto.Boolean:
		return newBoolColumn(st, n)
	case proto.Byte:
		return newByteColumn(st, n)
	case proto.Short:
		return newIntColumn[int16](st, n, enc)
	case proto.Int, proto.Date:
		return newIntColumn[int32](st, n, enc)
	case proto.Long:
		return newIntColumn[int64](st, n, enc)
	case proto.Float:
		return newFloatColumn[float32](st, n)
	case proto.Double:
		return newFloatColumn[float64](st, n)
	case proto.String, proto.Char, proto.Varchar, proto.Binary, proto.Geometry:
		return newBytesColumn(st, n, enc)
	case proto.Decimal:
		return newDecimalColumn(st, n, enc)
	case proto.Timestamp, proto.TimestampInstant:
		return newTimestampColumn(st, n, enc)
	case proto.Struct:
		return newStructColumn(st, n)
	case proto.List, proto.Map:
		return newListColumn(st, n, enc)
	case proto.Union:
		return newUnionColumn(st, n)
	}
	return nil, corrupt("type %s", n.typ.Kind)
}

// version is that of the run length encoding that a column's encoding implies.
func version(k proto.EncodingKind) int {
	if k == proto.DirectV2 || k == proto.DictionaryV2 {
		return 2
	}
	return 1
}

// intStream is an integer stream with its decoder.
type intStream struct {
	encoding.Ints
	kind proto.StreamKind
}

func (st *stripe) ints(n *node, kind proto.StreamKind, version int, signed bool) (intStream, error) {
	s := intStream{encoding.NewInts(version, signed), kind}
	src, err := st.source(n.id, kind)
	if err != nil {
		return s, err
	}
	s.Reset(src)
	return s, nil
}

// decode fills dst.
func (s intStream) decode(dst []int64) error {
	if len(dst) == 0 {
		return nil
	}
	if err := s.Next(dst); err != nil {
		return fmt.Errorf("%s: %w", s.kind, err)
	}
	return nil
}

func (s intStream) pass(n int) error {
	if n == 0 {
		return nil
	}
	if err := s.Skip(n); err != nil {
		return fmt.Errorf("%s: %w", s.kind, err)
	}
	return nil
}

// scratch gives n integers of memory.
func scratch(buf *[]int64, n int) []int64 {
	if cap(*buf) < n {
		*buf = make([]int64, n+n/2)
	}
	return (*buf)[:n]
}

// intColumn reads SHORT, INT, LONG and DATE columns.
type intColumn[T int16 | int32 | int64] struct {
	slots
	in  intStream
	out vec[T]
	tmp []int64
}

func newIntColumn[T int16 | int32 | int64](st *stripe, n *node, enc proto.ColumnEncoding) (column, error) {
	c := &intColumn[T]{out: vec[T]{mem: st.o.Alloc}}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	var err error
	c.in, err = st.ints(n, proto.Data, version(enc.Kind), true)
	return c, err
}

func (c *intColumn[T]) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	dst := c.out.room(n)
	if err := c.decode(dst[:m.ones]); err != nil {
		return c.fail(err)
	}
	c.out.spread(n, m)
	return nil
}

func (c *intColumn[T]) decode(dst []T) error {
	if c.out.width() == 8 {
		return c.in.decode(unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)))
	}
	for len(dst) > 0 {
		k := min(len(dst), pieceLen)
		tmp := scratch(&c.tmp, k)
		if err := c.in.decode(tmp); err != nil {
			return err
		}
		// A value outside the type would be another one: the sum of all
		// differences, without their signs, is zero if there is none.
		off := int64(0)
		for i, v := range tmp {
			t := T(v)
			dst[i] = t
			off |= v ^ int64(t)
		}
		if off != 0 {
			for _, v := range tmp {
				if int64(T(v)) != v {
					return corrupt("the value %d in a column of type %s", v, c.node.typ.Kind)
				}
			}
		}
		dst = dst[k:]
	}
	return nil
}

// pieceLen is how many integers are narrowed at a time, so that they stay in
// the cache.
const pieceLen = 1024

func (c *intColumn[T]) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil {
		return err
	}
	return c.fail(c.in.pass(ones))
}

func (c *intColumn[T]) seek(group int) error {
	at, err := c.seekPresent(group)
	if err == nil {
		err = at.ints(c.st, c.node, c.in)
	}
	return c.fail(err)
}

func (c *intColumn[T]) size() int64   { return c.out.size() }
func (c *intColumn[T]) reserve(n int) { c.out.reserve(n) }

func (c *intColumn[T]) take() (arrow.ArrayData, error) { return c.data(nil, c.out.take()), nil }

func (c *intColumn[T]) release() {
	c.slots.release()
	c.out.release()
}

// byteColumn reads BYTE columns.
type byteColumn struct {
	slots
	in  encoding.ByteRLE
	out vec[byte]
}

func newByteColumn(st *stripe, n *node) (column, error) {
	c := &byteColumn{out: vec[byte]{mem: st.o.Alloc}}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	src, err := st.source(n.id, proto.Data)
	if err != nil {
		return nil, err
	}
	c.in.Reset(src)
	return c, nil
}

func (c *byteColumn) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	if err := c.in.Next(c.out.room(n)[:m.ones]); err != nil {
		return c.fail(fmt.Errorf("DATA: %w", err))
	}
	c.out.spread(n, m)
	return nil
}

func (c *byteColumn) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil {
		return err
	}
	return c.fail(c.in.Skip(ones))
}

func (c *byteColumn) seek(group int) error {
	at, err := c.seekPresent(group)
	if err == nil {
		err = at.bytes(c.st, c.node, &c.in)
	}
	return c.fail(err)
}

func (c *byteColumn) size() int64   { return c.out.size() }
func (c *byteColumn) reserve(n int) { c.out.reserve(n) }

func (c *byteColumn) take() (arrow.ArrayData, error) { return c.data(nil, c.out.take()), nil }

func (c *byteColumn) release() {
	c.slots.release()
	c.out.release()
}

// boolColumn reads BOOLEAN columns.
type boolColumn struct {
	slots
	in   encoding.BoolRLE
	out  vec[byte] // bitmap
	vals []byte    // those of the valid slots
}

func newBoolColumn(st *stripe, n *node) (column, error) {
	c := &boolColumn{out: vec[byte]{mem: st.o.Alloc}}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	src, err := st.source(n.id, proto.Data)
	if err != nil {
		return nil, err
	}
	c.in.Reset(src)
	return c, nil
}

func (c *boolColumn) read(n int, parent mask) error {
	at := c.n
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	c.out.room(bits.ByteCount(at+n, 1) - c.out.n)
	dst := c.out.buf.Bytes()
	if m.bits == nil {
		if n > 0 {
			err = c.in.Next(dst, at, n)
		}
	} else {
		if need := bits.ByteCount(m.ones, 1); len(c.vals) < need {
			c.vals = make([]byte, need+need/2)
		}
		if m.ones > 0 {
			err = c.in.Next(c.vals, 0, m.ones)
		}
		if err == nil {
			bits.Deposit(dst, at, c.vals, m.bits, m.off, n)
		}
	}
	if err != nil {
		return c.fail(fmt.Errorf("DATA: %w", err))
	}
	return nil
}

func (c *boolColumn) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil {
		return err
	}
	return c.fail(c.in.Skip(ones))
}

func (c *boolColumn) seek(group int) error {
	at, err := c.seekPresent(group)
	if err == nil {
		err = at.bools(c.st, c.node, proto.Data, &c.in)
	}
	return c.fail(err)
}

func (c *boolColumn) size() int64   { return c.out.size() }
func (c *boolColumn) reserve(n int) { c.out.reserve(bits.ByteCount(n, 1)) }

func (c *boolColumn) take() (arrow.ArrayData, error) { return c.data(nil, c.out.take()), nil }

func (c *boolColumn) release() {
	c.slots.release()
	c.out.release()
}

// floatColumn reads FLOAT and DOUBLE columns, which lie as Arrow has them.
type floatColumn[T float32 | float64] struct {
	slots
	in  encoding.Raw
	out vec[T]
}

func newFloatColumn[T float32 | float64](st *stripe, n *node) (column, error) {
	c := &floatColumn[T]{out: vec[T]{mem: st.o.Alloc}}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	src, err := st.source(n.id, proto.Data)
	if err != nil {
		return nil, err
	}
	c.in.Reset(src)
	return c, nil
}

func (c *floatColumn[T]) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	dst := c.out.room(n)[:m.ones]
	if err := c.in.Next(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)*c.out.width())); err != nil {
		return c.fail(fmt.Errorf("DATA: %w", err))
	}
	c.out.spread(n, m)
	return nil
}

func (c *floatColumn[T]) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil {
		return err
	}
	return c.fail(c.in.Skip(ones * c.out.width()))
}

func (c *floatColumn[T]) seek(group int) error {
	at, err := c.seekPresent(group)
	if err == nil {
		err = at.raw(c.st, c.node, &c.in)
	}
	return c.fail(err)
}

func (c *floatColumn[T]) size() int64   { return c.out.size() }
func (c *floatColumn[T]) reserve(n int) { c.out.reserve(n) }

func (c *floatColumn[T]) take() (arrow.ArrayData, error) { return c.data(nil, c.out.take()), nil }

func (c *floatColumn[T]) release() {
	c.slots.release()
	c.out.release()
}
