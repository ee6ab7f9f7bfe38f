package encoding

import (
	"encoding/binary"
	mathbits "math/bits"
	"unsafe"

	"github.com/bdkit/bdkit/internal/bits"
)

// delta decodes DELTA_BINARY_PACKED (Encodings.md, "Delta Encoding"): a first
// value, then blocks of a smallest delta and miniblocks of bit-packed rests. All
// arithmetic wraps at the width of the type, as the encoder's did.
type delta[T int32 | int64] struct {
	taker
	src       []byte
	mini      int // values a miniblock
	minis     int // miniblocks a block
	unread    int // values of the header's count that are not yet unpacked
	value     T   // the last value given out
	first     bool
	least     T
	widths    []byte // of the current block's miniblocks that are not begun
	buf       []T    // deltas of the current miniblock, unpacked
	wide      []int64
	have, pos int // of buf
}

type unsigned interface{ uint32 | uint64 }

// reset reads the header; n is the number of values the page says it has.
// The header's own count may be larger only where the caller does not know.
func (d *delta[T]) reset(src []byte, n int) error {
	buf := d.buf
	*d = delta[T]{taker: taker{n}, buf: buf[:0]}
	if n == 0 && len(src) == 0 {
		return nil
	}
	var h [3]uint64
	for i := range h {
		v, k := binary.Uvarint(src)
		if k <= 0 {
			return corrupt("a delta header that ends early")
		}
		h[i], src = v, src[k:]
	}
	first, k := binary.Varint(src)
	if k <= 0 {
		return corrupt("a delta header that ends early")
	}
	d.src = src[k:]
	block, minis, count := h[0], h[1], h[2]
	if minis == 0 || block == 0 || block%minis != 0 || block/minis%32 != 0 || block > 1<<20 {
		return corrupt("a delta block of %d values in %d miniblocks", block, minis)
	}
	if count < uint64(n) {
		return corrupt("%d deltas where the page has %d values", count, n)
	}
	d.minis, d.mini = int(minis), int(block/minis)
	d.value, d.first = T(first), count > 0
	d.unread = int(min(count, 1<<31)) - 1
	return nil
}

// load unpacks the next miniblock into buf.
func (d *delta[T]) load() error {
	if len(d.widths) == 0 {
		least, k := binary.Varint(d.src)
		if k <= 0 || len(d.src)-k < d.minis {
			return corrupt("a delta block that ends in its header")
		}
		d.least = T(least)
		d.widths = d.src[k : k+d.minis : k+d.minis]
		d.src = d.src[k+d.minis:]
	}
	width := uint(d.widths[0])
	d.widths = d.widths[1:]
	if width > 64 {
		return corrupt("deltas of %d bits", width)
	}
	n := min(d.mini, d.unread)
	size := bits.ByteCount(d.mini, width)
	// The last miniblock may lack the padding behind its values.
	if size > len(d.src) {
		if size = bits.ByteCount(n, width); size > len(d.src) {
			return corrupt("a miniblock of %d bytes where %d are left", size, len(d.src))
		}
	}
	if cap(d.buf) < d.mini {
		d.buf = make([]T, d.mini)
	}
	d.buf = d.buf[:d.mini]
	if width > uint(unsafe.Sizeof(T(0)))*8 {
		// DuckDB takes the difference of two INT32 in 64 bits.
		d.wide = append(d.wide[:0], make([]int64, n)...)
		bits.Unpack(d.wide, d.src[:size], width)
		for i, x := range d.wide {
			d.buf[i] = T(x)
		}
	} else {
		bits.Unpack(d.buf[:n], d.src[:size], width)
	}
	d.src = d.src[size:]
	d.unread -= n
	d.have, d.pos = n, 0
	return nil
}

// read fills dst.
func (d *delta[T]) read(dst []T) error {
	if err := d.take(len(dst)); err != nil {
		return err
	}
	if d.first && len(dst) > 0 {
		dst[0] = d.value
		d.first, dst = false, dst[1:]
	}
	for len(dst) > 0 {
		if d.pos == d.have {
			if err := d.load(); err != nil {
				return err
			}
		}
		n := min(len(dst), d.have-d.pos)
		value, least := d.value, d.least
		for i, delta := range d.buf[d.pos : d.pos+n] {
			value += delta + least
			dst[i] = value
		}
		d.value = value
		d.pos += n
		dst = dst[n:]
	}
	return nil
}

func (d *delta[T]) skip(k int) error {
	var buf [256]T
	for k > 0 {
		n := min(k, len(buf))
		if err := d.read(buf[:n]); err != nil {
			return err
		}
		k -= n
	}
	return nil
}

// rest gives what follows the encoded values: everything behind the last
// miniblock. It unpacks nothing.
func (d *delta[T]) rest() ([]byte, error) {
	src, widths, unread := d.src, d.widths, d.unread
	for unread > 0 {
		if len(widths) == 0 {
			_, k := binary.Varint(src)
			if k <= 0 || len(src)-k < d.minis {
				return nil, corrupt("a delta block that ends in its header")
			}
			widths, src = src[k:k+d.minis], src[k+d.minis:]
		}
		size := bits.ByteCount(d.mini, uint(widths[0]))
		if size > len(src) {
			return nil, corrupt("a miniblock of %d bytes where %d are left", size, len(src))
		}
		widths, src, unread = widths[1:], src[size:], unread-d.mini
	}
	return src, nil
}

// deltaFixed is DELTA_BINARY_PACKED integers as Fixed.
type deltaFixed[T int32 | int64] struct{ delta[T] }

func (d *deltaFixed[T]) Reset(page []byte, n int) error { return d.reset(page, n) }
func (d *deltaFixed[T]) Skip(k int) error               { return d.skip(k) }

func (d *deltaFixed[T]) Decode(dst []byte) error {
	return d.read(cast[T](dst))
}

// cast sees bytes as numbers; Arrow's buffers are aligned for them.
func cast[T any](b []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(t)))
}

const (
	blockSize = 128
	miniBlock = 32
)

// AppendDelta32 encodes DELTA_BINARY_PACKED.
func AppendDelta32(dst []byte, src []int32) []byte { return appendDelta[int32, uint32](dst, src) }

// AppendDelta64 encodes DELTA_BINARY_PACKED.
func AppendDelta64(dst []byte, src []int64) []byte { return appendDelta[int64, uint64](dst, src) }

func appendDelta[T int32 | int64, U unsigned](dst []byte, src []T) []byte {
	dst = binary.AppendUvarint(dst, blockSize)
	dst = binary.AppendUvarint(dst, blockSize/miniBlock)
	dst = binary.AppendUvarint(dst, uint64(len(src)))
	if len(src) == 0 {
		return binary.AppendVarint(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(src[0]))
	last := src[0]
	var block [blockSize]U
	for src = src[1:]; len(src) > 0; {
		n := min(blockSize, len(src))
		least := src[0] - last
		for i, v := range src[:n] {
			delta := v - last // wraps, and the decoder's sum wraps back
			least = min(least, delta)
			block[i] = U(delta)
			last = v
		}
		for i := range block[:n] {
			block[i] -= U(least)
		}
		clear(block[n:])
		dst = binary.AppendVarint(dst, int64(least))
		at := len(dst)
		dst = append(dst, make([]byte, blockSize/miniBlock)...)
		for m := 0; m*miniBlock < n; m++ {
			part := block[m*miniBlock : (m+1)*miniBlock]
			var all U
			for _, v := range part {
				all |= v
			}
			width := mathbits.Len64(uint64(all))
			dst[at+m] = byte(width)
			dst = bits.Pack(dst, part, uint(width))
		}
		src = src[n:]
	}
	return dst
}
