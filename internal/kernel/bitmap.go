// Package kernel is the one place that switches over all Arrow types: filter,
// take, compare, cast and sizes. Each kernel dispatches once a call and then
// runs a loop typed by generics. Arrays come back with one reference, which
// the caller releases; sources are never changed.
package kernel

import (
	"encoding/binary"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Bitmap is a set of rows: bit i, least significant first, is row i. Bits has
// at least (Len+7)/8 bytes; what lies beyond Len is zero in bitmaps made here
// and is never read.
type Bitmap struct {
	Bits []byte
	Len  int
}

// NewBitmap is an empty set of n rows. Its Bits are a whole number of words.
func NewBitmap(n int) Bitmap { return Bitmap{Bits: make([]byte, (n+63)/64*8), Len: n} }

// Get tells whether row i is in the set.
func (b Bitmap) Get(i int) bool { return b.Bits[i>>3]>>(i&7)&1 != 0 }

// Set puts row i into the set.
func (b Bitmap) Set(i int) { b.Bits[i>>3] |= 1 << (i & 7) }

// SetRange puts n rows from row off into the set.
func (b Bitmap) SetRange(off, n int) {
	end := off + n
	for off < end && off&7 != 0 {
		b.Set(off)
		off++
	}
	for ; off+8 <= end; off += 8 {
		b.Bits[off>>3] = 0xff
	}
	for ; off < end; off++ {
		b.Set(off)
	}
}

// word gives bits 64k and on, zero beyond Len.
func (b Bitmap) word(k int) uint64 {
	at := k * 8
	var w uint64
	if at+8 <= len(b.Bits) {
		w = binary.LittleEndian.Uint64(b.Bits[at:])
	} else {
		for i := at; i < len(b.Bits); i++ {
			w |= uint64(b.Bits[i]) << (8 * (i - at))
		}
	}
	if left := b.Len - k*64; left < 64 {
		w &= 1<<left - 1
	}
	return w
}

// Count is the number of rows in the set.
func (b Bitmap) Count() int {
	n := 0
	for k := 0; k*64 < b.Len; k++ {
		n += bits.OnesCount64(b.word(k))
	}
	return n
}

// And, Or and AndNot combine o, of the same length, into b, which must be as
// NewBitmap makes it.
func (b Bitmap) And(o Bitmap) { b.combine(o, func(x, y uint64) uint64 { return x & y }) }

// Or adds o to b.
func (b Bitmap) Or(o Bitmap) { b.combine(o, func(x, y uint64) uint64 { return x | y }) }

// AndNot takes o out of b.
func (b Bitmap) AndNot(o Bitmap) { b.combine(o, func(x, y uint64) uint64 { return x &^ y }) }

func (b Bitmap) combine(o Bitmap, f func(x, y uint64) uint64) {
	for k := 0; k*64 < b.Len; k++ {
		binary.LittleEndian.PutUint64(b.Bits[k*8:], f(b.word(k), o.word(k)))
	}
}

// Full is the set of all n rows.
func Full(n int) Bitmap {
	b := NewBitmap(n)
	b.SetRange(0, n)
	return b
}

// fromBits copies n bits from bit off of src; nil src is all ones.
func fromBits(src []byte, off, n int) Bitmap {
	if len(src) == 0 {
		return Full(n)
	}
	b := NewBitmap(n)
	copyBits(b.Bits, 0, src, off, n)
	return b
}

// Validity is the set of rows of arr that are not null, logically: through
// dictionaries, runs, unions and extension storage.
func Validity(arr arrow.Array) Bitmap {
	n := arr.Len()
	switch a := arr.(type) {
	case *array.Null:
		return NewBitmap(n)
	case array.ExtensionArray:
		return Validity(a.Storage())
	case *array.Dictionary:
		out := fromBits(a.NullBitmapBytes(), a.Data().Offset(), n)
		if dict := a.Dictionary(); len(dict.NullBitmapBytes()) > 0 {
			vals := Validity(dict)
			for i := range n {
				if out.Get(i) && !vals.Get(a.GetValueIndex(i)) {
					out.Bits[i>>3] &^= 1 << (i & 7)
				}
			}
		}
		return out
	case *array.RunEndEncoded:
		return expand(a, Validity(a.Values()))
	case *array.SparseUnion:
		return unionValidity(a, func(i int) int { return i })
	case *array.DenseUnion:
		return unionValidity(a, func(i int) int { return int(a.ValueOffset(i)) })
	}
	if len(arr.NullBitmapBytes()) == 0 || arr.Data().NullN() == 0 {
		return Full(n)
	}
	return fromBits(arr.NullBitmapBytes(), arr.Data().Offset(), n)
}

func unionValidity(u array.Union, at func(int) int) Bitmap {
	out := NewBitmap(u.Len())
	kids := make([]Bitmap, u.NumFields())
	for i := range kids {
		kids[i] = Validity(u.Field(i))
	}
	for i := range u.Len() {
		if kids[u.ChildID(i)].Get(at(i)) {
			out.Set(i)
		}
	}
	return out
}

// expand spreads bits of the run values over the rows of a.
func expand(a *array.RunEndEncoded, vals Bitmap) Bitmap {
	n, off := a.Len(), a.Data().Offset()
	out := NewBitmap(n)
	if n == 0 {
		return out
	}
	at := 0
	for k := a.GetPhysicalOffset(); at < n; k++ {
		end := min(runEnd(a.RunEndsArr(), k)-off, n)
		if vals.Get(k) {
			out.SetRange(at, end-at)
		}
		at = end
	}
	return out
}

func runEnd(ends arrow.Array, k int) int {
	switch e := ends.(type) {
	case *array.Int16:
		return int(e.Value(k))
	case *array.Int32:
		return int(e.Value(k))
	case *array.Int64:
		return int(e.Value(k))
	}
	return 0
}

// copyBits copies n bits from bit so of src to bit do of dst. The target bits
// must be zero.
func copyBits(dst []byte, do int, src []byte, so, n int) {
	if n >= 16 {
		for do&7 != 0 {
			dst[do>>3] |= (src[so>>3] >> (so & 7) & 1) << (do & 7)
			do, so, n = do+1, so+1, n-1
		}
		d, s, sh := do>>3, so>>3, so&7
		k := n >> 3
		if sh == 0 {
			copy(dst[d:d+k], src[s:])
		} else {
			for i := range k {
				dst[d+i] = src[s+i]>>sh | src[s+i+1]<<(8-sh)
			}
		}
		do, so, n = do+k*8, so+k*8, n-k*8
	}
	for ; n > 0; n-- {
		dst[do>>3] |= (src[so>>3] >> (so & 7) & 1) << (do & 7)
		do, so = do+1, so+1
	}
}
