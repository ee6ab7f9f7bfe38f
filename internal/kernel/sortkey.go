package kernel

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// SortOrder is how one column orders rows.
type SortOrder struct {
	Descending bool
	NullsFirst bool
}

// SortKeys are the keys of a batch's rows: byte strings that compare as the
// rows do, across batches too.
type SortKeys struct {
	buf  []byte
	ends []int
}

// Len is the number of rows.
func (k *SortKeys) Len() int { return len(k.ends) }

// At is the key of row i. It shares the memory of all.
func (k *SortKeys) At(i int) []byte {
	start := 0
	if i > 0 {
		start = k.ends[i-1]
	}
	return k.buf[start:k.ends[i]:k.ends[i]]
}

// Bytes is the memory that the keys take.
func (k *SortKeys) Bytes() int64 { return int64(cap(k.buf)) + int64(cap(k.ends))*8 }

// NewSortKeys makes the keys of the rows of cols, which are of one length, each
// with its order. NaN comes after all numbers, -0 is 0, bytes have no sign.
// Nested types have no order and are ErrCast.
func NewSortKeys(mem memory.Allocator, cols []arrow.Array, orders []SortOrder) (*SortKeys, error) {
	out := &SortKeys{}
	if len(cols) == 0 {
		return out, nil
	}
	n := cols[0].Len()
	writers := make([]func(dst []byte, i int) []byte, len(cols))
	plain := make([]arrow.Array, len(cols))
	defer release(plain)
	for k, c := range cols {
		p, err := Decode(mem, c)
		if err != nil {
			return nil, err
		}
		plain[k] = p
		if writers[k] = keyWriter(p); writers[k] == nil {
			return nil, fmt.Errorf("%w: %s has no order", ErrCast, c.DataType())
		}
	}
	out.ends = make([]int, n)
	for i := range n {
		for k, w := range writers {
			// One byte tells null from a value, and is not inverted.
			if plain[k].IsNull(i) {
				out.buf = append(out.buf, nullMark(orders[k].NullsFirst))
				continue
			}
			out.buf = append(out.buf, 1)
			at := len(out.buf)
			out.buf = w(out.buf, i)
			if orders[k].Descending {
				for j := at; j < len(out.buf); j++ {
					out.buf[j] = ^out.buf[j]
				}
			}
		}
		out.ends[i] = len(out.buf)
	}
	return out, nil
}

func nullMark(first bool) byte {
	if first {
		return 0
	}
	return 2
}

// keyWriter appends a value's key; nil for types without an order.
func keyWriter(arr arrow.Array) func(dst []byte, i int) []byte {
	if d, ok := DomainOf(arr.DataType()); ok {
		data := arr.Data()
		return func(dst []byte, i int) []byte {
			b := fixedAt(data, i, d.Width)
			at := len(dst)
			for j := len(b) - 1; j >= 0; j-- {
				dst = append(dst, b[j])
			}
			if d.Signed {
				dst[at] ^= 0x80
			}
			return dst
		}
	}
	switch a := arr.(type) {
	case *array.Null:
		return func(dst []byte, _ int) []byte { return dst }
	case *array.Boolean:
		return func(dst []byte, i int) []byte { return append(dst, bit(a.Value(i))) }
	case *array.Float16:
		return func(dst []byte, i int) []byte { return appendFloatKey(dst, HalfFloat(a.Value(i))) }
	case *array.Float32:
		return func(dst []byte, i int) []byte { return appendFloatKey(dst, float64(a.Value(i))) }
	case *array.Float64:
		return func(dst []byte, i int) []byte { return appendFloatKey(dst, a.Value(i)) }
	case interface{ Value(int) string }:
		return func(dst []byte, i int) []byte { return appendBytesKey(dst, a.Value(i)) }
	case interface{ Value(int) []byte }:
		return func(dst []byte, i int) []byte { return appendBytesKey(dst, a.Value(i)) }
	}
	return nil
}

func appendFloatKey(dst []byte, f float64) []byte {
	switch {
	case f == 0:
		f = 0 // not -0
	case f != f:
		f = math.NaN()
	}
	u := math.Float64bits(f)
	if u>>63 != 0 {
		u = ^u
	} else {
		u |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, u)
}

// appendBytesKey ends a value with two zero bytes, and writes a zero byte
// inside of it as 0 255, so that a prefix comes first.
func appendBytesKey[T string | []byte](dst []byte, v T) []byte {
	for i := range len(v) {
		dst = append(dst, v[i])
		if v[i] == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 0)
}
