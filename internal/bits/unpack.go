// Package bits is the bit-level kernels that the formats share: unpacking
// integers of any width, and bitmaps in Arrow's layout (least significant bit
// first).
package bits

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/parquet-go/bitpack"
)

// Word is an integer that can be unpacked.
type Word interface {
	~uint32 | ~int32 | ~uint64 | ~int64
}

// ByteCount is the number of bytes that n values of a width take.
func ByteCount(n int, width uint) int { return (n*int(width) + 7) / 8 }

// slack is the number of bytes behind its input that the vector code may read.
func slack[T Word]() int { return 4 * int(unsafe.Sizeof(T(0))) }

// Unpack fills dst with values of width bits, packed from the least significant
// bit of src on. src must hold ByteCount(len(dst), width) bytes. It is fastest
// when src has 32 bytes of capacity to spare behind them; what those bytes hold
// does not matter.
func Unpack[T Word](dst []T, src []byte, width uint) {
	if width == 0 {
		clear(dst)
		return
	}
	need := ByteCount(len(dst), width)
	_ = src[:need]
	pad := slack[T]()
	if cap(src) >= need+pad {
		unpack(dst, src[:need+pad], width)
		return
	}
	// All groups of eight but the last few can read past their end within src.
	safe := 0
	if len(src) > pad {
		safe = min(len(dst), (len(src)-pad)*8/int(width)) &^ 7
	}
	if safe > 0 {
		unpack(dst[:safe], src[:ByteCount(safe, width)+pad], width)
		dst, src = dst[safe:], src[ByteCount(safe, width):]
	}
	var tail [64*8 + 64]byte // 64 values of up to 64 bits, and slack
	for len(dst) > 0 {
		n := min(len(dst), 64)
		size := ByteCount(n, width)
		copy(tail[:], src[:size])
		unpack(dst[:n], tail[:size+pad], width)
		dst, src = dst[n:], src[min(size, len(src)):]
	}
}

func unpack[T Word](dst []T, src []byte, width uint) {
	if unsafe.Sizeof(T(0)) == 4 {
		bitpack.Unpack(unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)), src, width)
		return
	}
	bitpack.Unpack(unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)), src, width)
}

// Pack appends values of width bits, packed from the least significant bit on,
// padded with zero bits to a whole byte.
func Pack[T Word](dst []byte, src []T, width uint) []byte {
	size := ByteCount(len(src), width)
	dst = slices.Grow(dst, size+8)
	out := dst[len(dst) : len(dst)+size+8] // whole words are written
	var acc uint64
	var have uint
	for _, v := range src {
		u := uint64(v)
		if unsafe.Sizeof(T(0)) == 4 {
			u = uint64(uint32(v))
		}
		acc |= u << have
		if have += width; have >= 64 {
			binary.LittleEndian.PutUint64(out, acc)
			out = out[8:]
			// The bits of u that did not fit; a shift by 64 gives none.
			have -= 64
			acc = u >> (width - have)
		}
	}
	if have > 0 {
		binary.LittleEndian.PutUint64(out, acc)
	}
	return dst[:len(dst)+size]
}
