package bits

import (
	"encoding/binary"
	"unsafe"
)

// beSlack is the number of bytes behind its input that UnpackBE's loops read.
const beSlack = 8

// UnpackBE fills dst with values of width bits, at most 64, packed from the most
// significant bit of src on. src must hold ByteCount(len(dst), width) bytes. It
// is fastest when src has 8 bytes of capacity to spare behind them; what those
// bytes hold does not matter.
func UnpackBE[T ~int64 | ~uint64](dst []T, src []byte, width uint) {
	if width == 0 {
		clear(dst)
		return
	}
	out := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst))
	need := ByteCount(len(dst), width)
	src = src[:need:cap(src)]
	switch { // these read nothing behind their input
	case width == 8:
		for i, b := range src {
			out[i] = uint64(b)
		}
		return
	case width == 16:
		for i := range out {
			out[i] = uint64(binary.BigEndian.Uint16(src[2*i:]))
		}
		return
	case width == 32:
		for i := range out {
			out[i] = uint64(binary.BigEndian.Uint32(src[4*i:]))
		}
		return
	case width == 64:
		for i := range out {
			out[i] = binary.BigEndian.Uint64(src[8*i:])
		}
		return
	}
	if cap(src) >= need+beSlack {
		unpackBE(out, src[:need+beSlack], width)
		return
	}
	// All groups of eight but the last few can read past their end within src.
	if need > beSlack {
		if safe := min(len(out), (need-beSlack)*8/int(width)) &^ 7; safe > 0 {
			unpackBE(out[:safe], src[:ByteCount(safe, width)+beSlack], width)
			out, src = out[safe:], src[ByteCount(safe, width):]
		}
	}
	var tail [24*8 + beSlack]byte // 24 values of up to 64 bits, and slack
	for len(out) > 0 {
		n := min(len(out), 24)
		size := ByteCount(n, width)
		copy(tail[:], src[:size])
		unpackBE(out[:n], tail[:size+beSlack], width)
		out, src = out[n:], src[size:]
	}
}

// unpackBE reads up to beSlack bytes behind the values.
func unpackBE(dst []uint64, src []byte, width uint) {
	switch {
	case width < 8:
		unpackBENarrow(dst, src, width)
	case width%8 == 0:
		step, shift := int(width/8), 64-width
		for i, p := 0, 0; i < len(dst); i++ {
			dst[i] = binary.BigEndian.Uint64(src[p:]) >> (shift & 63)
			p += step
		}
	case width <= 57:
		shift := 64 - width
		for i, p := 0, uint(0); i < len(dst); i++ {
			dst[i] = binary.BigEndian.Uint64(src[p>>3:]) << (p & 7) >> (shift & 63)
			p += width
		}
	default: // a value can touch nine bytes
		shift := 64 - width
		for i, p := 0, uint(0); i < len(dst); i++ {
			b := src[p>>3:]
			w := binary.BigEndian.Uint64(b)<<(p&7) | uint64(b[8])>>(8-p&7)
			dst[i] = w >> shift
			p += width
		}
	}
}

// unpackBENarrow takes eight values out of each load.
func unpackBENarrow(dst []uint64, src []byte, width uint) {
	mask := uint64(1)<<width - 1
	w := width & 63
	for len(dst) >= 8 {
		x := binary.BigEndian.Uint64(src)
		x >>= (64 - 8*width) & 63
		d := dst[:8:8]
		d[7] = x & mask
		x >>= w
		d[6] = x & mask
		x >>= w
		d[5] = x & mask
		x >>= w
		d[4] = x & mask
		x >>= w
		d[3] = x & mask
		x >>= w
		d[2] = x & mask
		x >>= w
		d[1] = x & mask
		x >>= w
		d[0] = x & mask
		dst, src = dst[8:], src[width:]
	}
	x := binary.BigEndian.Uint64(src)
	for i := range dst {
		dst[i] = x >> (64 - width)
		x <<= w
	}
}

// PackBE appends values of width bits, packed from the most significant bit on,
// padded with zero bits to a whole byte. Bits of a value above its width must be
// zero.
func PackBE[T ~int64 | ~uint64](dst []byte, src []T, width uint) []byte {
	var acc uint64 // its low have bits are not written yet
	var have uint
	for _, v := range src {
		u := uint64(v)
		if have+width < 64 {
			acc = acc<<width | u
			have += width
			continue
		}
		over := have + width - 64 // bits of u that wait
		dst = binary.BigEndian.AppendUint64(dst, acc<<(64-have)|u>>over)
		acc, have = u&(1<<over-1), over
	}
	acc <<= (64 - have) & 63
	for ; have > 0; have -= min(have, 8) {
		dst = append(dst, byte(acc>>56))
		acc <<= 8
	}
	return dst
}
