package bits

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Get reports bit i.
func Get(bm []byte, i int) bool { return bm[i>>3]>>(i&7)&1 != 0 }

// Set sets bit i.
func Set(bm []byte, i int) { bm[i>>3] |= 1 << (i & 7) }

// SetRange writes n bits from off on, all to v.
func SetRange(bm []byte, off, n int, v bool) {
	if n <= 0 {
		return
	}
	var fill byte
	if v {
		fill = 0xff
	}
	first, last := off>>3, (off+n-1)>>3
	head := byte(0xff) << (off & 7)
	tail := byte(0xff) >> (7 - (off+n-1)&7)
	if first == last {
		m := head & tail
		bm[first] = bm[first]&^m | fill&m
		return
	}
	bm[first] = bm[first]&^head | fill&head
	mid := bm[first+1 : last]
	for ; len(mid) >= 8; mid = mid[8:] {
		binary.LittleEndian.PutUint64(mid, uint64(fill)*0x0101010101010101)
	}
	for i := range mid {
		mid[i] = fill
	}
	bm[last] = bm[last]&^tail | fill&tail
}

// word loads up to 64 bits of bm from bit off on; bits behind n are zero.
func word(bm []byte, off, n int) uint64 {
	i, sh := off>>3, uint(off&7)
	var w uint64
	if i+8 <= len(bm) {
		w = binary.LittleEndian.Uint64(bm[i:]) >> sh
		if sh > 0 && n > 64-int(sh) {
			w |= uint64(bm[i+8]) << (64 - sh)
		}
	} else {
		for k := 0; k*8 < n+int(sh); k++ {
			b := uint64(bm[i+k])
			if k == 0 {
				w |= b >> sh
			} else {
				w |= b << (8*k - int(sh))
			}
		}
	}
	if n < 64 {
		w &= 1<<n - 1
	}
	return w
}

// store writes the low n bits of w to bm from bit off on.
func store(bm []byte, off, n int, w uint64) {
	i, sh := off>>3, uint(off&7)
	if n == 64 {
		if sh == 0 {
			binary.LittleEndian.PutUint64(bm[i:], w)
			return
		}
		low := binary.LittleEndian.Uint64(bm[i:]) & (1<<sh - 1)
		binary.LittleEndian.PutUint64(bm[i:], low|w<<sh)
		bm[i+8] = bm[i+8]>>sh<<sh | byte(w>>(64-sh))
		return
	}
	for n > 0 {
		k := min(8-int(sh), n)
		m := byte(1<<k-1) << sh
		bm[i] = bm[i]&^m | byte(w<<sh)&m
		w >>= k
		n -= k
		i++
		sh = 0
	}
}

// Copy copies n bits from bit soff of src to bit doff of dst. The bitmaps must
// not overlap.
func Copy(dst []byte, doff int, src []byte, soff, n int) {
	if doff&7 == 0 && soff&7 == 0 {
		whole := n >> 3
		copy(dst[doff>>3:], src[soff>>3:soff>>3+whole])
		if rest := n & 7; rest > 0 {
			store(dst, doff+whole*8, rest, word(src, soff+whole*8, rest))
		}
		return
	}
	// Bring dst to a byte boundary, then go by words.
	if head := (8 - doff&7) & 7; head > 0 {
		head = min(head, n)
		store(dst, doff, head, word(src, soff, head))
		doff, soff, n = doff+head, soff+head, n-head
	}
	for n > 0 {
		k := min(n, 64)
		store(dst, doff, k, word(src, soff, k))
		doff, soff, n = doff+k, soff+k, n-k
	}
}

// Count is the number of set bits among n from off on.
func Count(bm []byte, off, n int) int {
	c := 0
	for n > 0 && off&7 != 0 {
		k := min(8-off&7, n)
		c += bits.OnesCount64(word(bm, off, k))
		off, n = off+k, n-k
	}
	p := bm[off>>3:]
	for n >= 64 {
		c += bits.OnesCount64(binary.LittleEndian.Uint64(p))
		p, n = p[8:], n-64
	}
	if n > 0 {
		c += bits.OnesCount64(word(p, 0, n))
	}
	return c
}

// Spread moves the dense values at the start of dst, width bytes each, apart to
// the n slots whose bit is set from bit off of valid on, in place; the other
// slots become zero. There are as many values as set bits.
func Spread(dst []byte, width, n int, valid []byte, off int) {
	switch width {
	case 1:
		spread[uint8](dst, n, valid, off)
	case 2:
		spread[uint16](dst, n, valid, off)
	case 4:
		spread[uint32](dst, n, valid, off)
	case 8:
		spread[uint64](dst, n, valid, off)
	case 16:
		spread[[2]uint64](dst, n, valid, off)
	default:
		spreadBytes(dst, width, n, valid, off)
	}
}

// spread goes from the back, so that a value is read before its slot is written.
func spread[T any](mem []byte, n int, valid []byte, off int) {
	var t T
	dst := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/int(unsafe.Sizeof(t)))
	k := Count(valid, off, n)
	for end := n; end > 0 && k < end; {
		step := min(64, end)
		start := end - step
		w := word(valid, off+start, step)
		switch ones := bits.OnesCount64(w); ones {
		case 0:
			clear(dst[start:end])
		case step:
			copy(dst[start:end], dst[k-ones:k])
			k -= ones
		default:
			for i := end - 1; i >= start; i-- {
				if w>>(i-start)&1 != 0 {
					k--
					dst[i] = dst[k]
				} else {
					var zero T
					dst[i] = zero
				}
			}
		}
		end = start
	}
}

func spreadBytes(dst []byte, width, n int, valid []byte, off int) {
	k := Count(valid, off, n)
	for i := n - 1; i >= 0 && k <= i; i-- {
		slot := dst[i*width : (i+1)*width]
		if Get(valid, off+i) {
			k--
			copy(slot, dst[k*width:])
		} else {
			clear(slot)
		}
	}
}

// SpreadOffsets moves the dense end offsets offs[1:k+1] apart to n slots: a
// slot whose bit is not set gets the offset before it, an empty value. offs
// holds n+1 offsets, the first of which stays.
func SpreadOffsets(offs []int32, n int, valid []byte, off int) {
	k := Count(valid, off, n)
	for i := n; i > 0 && k < i; i-- {
		offs[i] = offs[k]
		if Get(valid, off+i-1) {
			k--
		}
	}
}

// Deposit sets the n bits from doff of dst on: where the mask's bit, from moff
// on, is set to the next bit of src, elsewhere to zero.
func Deposit(dst []byte, doff int, src []byte, mask []byte, moff, n int) {
	at := 0
	for n > 0 {
		k := min(64, n)
		m := word(mask, moff, k)
		ones := bits.OnesCount64(m)
		var w uint64
		if ones > 0 {
			s := word(src, at, ones)
			switch {
			case ones == k:
				w = s
			case s == 1<<ones-1: // all of them
				w = m
			default:
				for ; m != 0; m &= m - 1 {
					w |= s & 1 << bits.TrailingZeros64(m)
					s >>= 1
				}
			}
		}
		store(dst, doff, k, w)
		at, doff, moff, n = at+ones, doff+k, moff+k, n-k
	}
}
