package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/float16"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// bounds are the least and the greatest value seen, PLAIN-encoded without a
// length, in a column's own order.
type bounds struct {
	has      bool
	min, max []byte
	nans     int64
}

func (b *bounds) reset() { b.has, b.nans = false, 0 }

// order is how a column's values compare (parquet.thrift, ColumnOrder). Scan
// takes in the values of v from a position on; NaNs are counted, not compared.
type order struct {
	less  func(a, b []byte) bool
	scan  func(v *valueBuf, from int, b *bounds)
	float bool
}

// orderOf gives the type-defined order; nil where none is defined.
func orderOf(e *meta.SchemaElement, parent meta.LogicalKind) *order {
	l := e.Logical
	unsigned := l.Kind == meta.LogicalInteger && !l.Signed
	switch {
	case parent == meta.LogicalVariant, e.Converted == meta.ConvertedInterval,
		l.Kind == meta.LogicalUnknown, l.Kind == meta.LogicalGeometry, l.Kind == meta.LogicalGeography:
		return nil
	}
	switch e.Type {
	case meta.Boolean:
		return numberOrder[uint8](false)
	case meta.Int32:
		if unsigned {
			return numberOrder[uint32](false)
		}
		return numberOrder[int32](false)
	case meta.Int64:
		if unsigned {
			return numberOrder[uint64](false)
		}
		return numberOrder[int64](false)
	case meta.Float:
		return numberOrder[float32](true)
	case meta.Double:
		return numberOrder[float64](true)
	case meta.FixedLenByteArray:
		if l.Kind == meta.LogicalFloat16 {
			return float16Order()
		}
		if l.Kind == meta.LogicalDecimal {
			return bytesOrder(signedLess)
		}
		if e.TypeLength > maxBoundBytes {
			return nil
		}
	}
	return unsignedOrder()
}

func numberOrder[T cmp.Ordered](float bool) *order {
	at := func(b []byte) T { return cast[T](b)[0] }
	return &order{
		float: float,
		less:  func(a, b []byte) bool { return at(a) < at(b) },
		scan: func(v *valueBuf, from int, s *bounds) {
			vals := cast[T](v.fixed)
			if from >= len(vals) {
				return
			}
			vals = vals[from:]
			for len(vals) > 0 && vals[0] != vals[0] {
				s.nans++
				vals = vals[1:]
			}
			if len(vals) == 0 {
				return
			}
			lo, hi := vals[0], vals[0]
			if s.has {
				lo, hi = at(s.min), at(s.max)
			}
			for _, x := range vals {
				if x < lo {
					lo = x
				}
				if x > hi {
					hi = x
				}
				if x != x {
					s.nans++
				}
			}
			s.has = true
			s.min = append(s.min[:0], plainNumber(lo)...)
			s.max = append(s.max[:0], plainNumber(hi)...)
			if float { // -0 <= +0: the bounds take the wider of the two
				s.min, s.max = signZero(s.min, s.max)
			}
		},
	}
}

func plainNumber[T cmp.Ordered](x T) []byte {
	switch x := any(x).(type) {
	case uint8:
		return []byte{x}
	case int32:
		return binary.LittleEndian.AppendUint32(nil, uint32(x))
	case uint32:
		return binary.LittleEndian.AppendUint32(nil, x)
	case int64:
		return binary.LittleEndian.AppendUint64(nil, uint64(x))
	case uint64:
		return binary.LittleEndian.AppendUint64(nil, x)
	case float32:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(x))
	case float64:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))
	}
	return nil
}

// signZero makes a zero minimum -0 and a zero maximum +0 (parquet.thrift,
// Statistics), since they compare equal and either may have been met first.
func signZero(lo, hi []byte) ([]byte, []byte) {
	zero := func(b []byte) bool {
		for _, x := range b[:len(b)-1] {
			if x != 0 {
				return false
			}
		}
		return b[len(b)-1]&0x7f == 0
	}
	if zero(lo) {
		lo[len(lo)-1] = 0x80
	}
	if zero(hi) {
		hi[len(hi)-1] = 0
	}
	return lo, hi
}

func float16Order() *order {
	at := func(b []byte) float32 {
		return float16.FromBits(binary.LittleEndian.Uint16(b)).Float32()
	}
	o := bytesOrder(func(a, b []byte) bool { return at(a) < at(b) })
	o.float = true
	scan := o.scan
	var plain valueBuf
	o.scan = func(v *valueBuf, from int, s *bounds) {
		plain = valueBuf{width: 2, fixed: plain.fixed[:0]}
		for i := from; i < v.n; i++ {
			b := v.at(i)
			if f := at(b); f != f {
				s.nans++
				continue
			}
			_ = plain.add(b) // of fixed width: cannot fail
		}
		scan(&plain, 0, s)
		if s.has {
			s.min, s.max = signZero(s.min, s.max)
		}
	}
	return o
}

func bytesOrder(less func(a, b []byte) bool) *order {
	return &order{less: less, scan: func(v *valueBuf, from int, s *bounds) {
		if from >= v.n {
			return
		}
		lo, hi := v.at(from), v.at(from)
		if s.has {
			lo, hi = s.min, s.max
		}
		for i := from; i < v.n; i++ {
			b := v.at(i)
			if less(b, lo) {
				lo = b
			}
			if less(hi, b) {
				hi = b
			}
		}
		s.has = true
		s.min = append(s.min[:0], lo...)
		s.max = append(s.max[:0], hi...)
	}}
}

// unsignedOrder is the order of text and bytes. Most values lie between the
// bounds so far, which their first eight bytes, as one number, tell.
func unsignedOrder() *order {
	o := bytesOrder(func(a, b []byte) bool { return bytes.Compare(a, b) < 0 })
	o.scan = func(v *valueBuf, from int, s *bounds) {
		if from >= v.n {
			return
		}
		lo, hi := v.at(from), v.at(from)
		if s.has {
			lo, hi = s.min, s.max
		}
		loKey, hiKey := sortKey(lo), sortKey(hi)
		for i := from; i < v.n; i++ {
			k := v.sortKey(i)
			if k > loKey && k < hiKey {
				continue
			}
			b := v.at(i)
			// Equal keys of short values: the shorter is the lesser.
			if k <= loKey && (k < loKey || len(b) != len(lo) || len(b) > 8) && o.less(b, lo) {
				lo, loKey = b, k
			}
			if k >= hiKey && (k > hiKey || len(b) != len(hi) || len(b) > 8) && o.less(hi, b) {
				hi, hiKey = b, k
			}
		}
		s.has = true
		s.min = append(s.min[:0], lo...)
		s.max = append(s.max[:0], hi...)
	}
	return o
}

// sortKey is the first eight bytes as a big-endian number, zeros behind a short
// value: of two values, one with a lesser key is the lesser.
func sortKey(b []byte) (k uint64) {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	for i, x := range b {
		k |= uint64(x) << (56 - 8*i)
	}
	return k
}

// sortKey is that of value i. The bytes behind a short value, another's, are
// read and dropped.
func (v *valueBuf) sortKey(i int) uint64 {
	if v.width > 0 {
		return sortKey(v.at(i))
	}
	start, end := int(v.offsets[i]), int(v.offsets[i+1])
	if start+8 > len(v.data) {
		return sortKey(v.data[start:end])
	}
	k := binary.BigEndian.Uint64(v.data[start:])
	if n := end - start; n < 8 {
		k &= ^uint64(0) << (64 - 8*n)
	}
	return k
}

// signedLess compares two's complement big-endian numbers of one length.
func signedLess(a, b []byte) bool {
	if na, nb := a[0]&0x80, b[0]&0x80; na != nb {
		return na != 0
	}
	return bytes.Compare(a, b) < 0
}

// merge widens b by the bounds of a page.
func (b *bounds) merge(p *bounds, o *order) {
	b.nans += p.nans
	if !p.has {
		return
	}
	if !b.has || o.less(p.min, b.min) {
		b.min = append(b.min[:0], p.min...)
	}
	if !b.has || o.less(b.max, p.max) {
		b.max = append(b.max[:0], p.max...)
	}
	b.has = true
}

const (
	// truncateBytes is the length that byte array bounds are cut to.
	truncateBytes = 64
	// maxBoundBytes is the longest bound worth its place in the footer.
	maxBoundBytes = 1024
)

// truncated gives a lower and an upper bound of at most truncateBytes for byte
// arrays, and whether each is a value that occurs. The upper is incremented
// where it is cut; one that cannot be, and is too long, is nil.
func (b *bounds) truncated(e *meta.SchemaElement) (lo, hi []byte, loExact, hiExact bool) {
	lo, hi = bytes.Clone(b.min), bytes.Clone(b.max)
	if lo == nil {
		lo = []byte{}
	}
	if hi == nil {
		hi = []byte{}
	}
	if e.Type != meta.ByteArray {
		return lo, hi, true, true
	}
	text := e.Logical.Kind == meta.LogicalString || e.Logical.Kind == meta.LogicalJSON || e.Logical.Kind == meta.LogicalEnum
	loExact, hiExact = len(lo) <= truncateBytes, len(hi) <= truncateBytes
	if !loExact {
		lo = prefix(lo, text)
	}
	if !hiExact {
		if up := successor(prefix(hi, text), text); up != nil {
			hi = up
		} else if hiExact = true; len(hi) > maxBoundBytes {
			hi, hiExact = nil, false
		}
	}
	return lo, hi, loExact, hiExact
}

// prefix cuts to truncateBytes, text at the end of a character.
func prefix(b []byte, text bool) []byte {
	n := truncateBytes
	if text && utf8.Valid(b) {
		for n > 0 && !utf8.RuneStart(b[n]) {
			n--
		}
	}
	return b[:n:n]
}

// successor is the shortest string greater than all that begin with b; nil if
// there is none. Of text it is text again.
func successor(b []byte, text bool) []byte {
	if text && utf8.Valid(b) {
		for len(b) > 0 {
			r, n := utf8.DecodeLastRune(b)
			b = b[:len(b)-n]
			if r++; r == 0xD800 { // the surrogates are no characters
				r = 0xE000
			}
			if r <= utf8.MaxRune {
				return utf8.AppendRune(b[:len(b):len(b)], r)
			}
		}
		return nil
	}
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0xff {
			up := bytes.Clone(b[:i+1])
			up[i]++
			return up
		}
	}
	return nil
}
