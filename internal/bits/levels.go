package bits

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Levels are small and never negative, so that four of them fit a word with a
// bit to spare each, which a sum can carry into: the kernels below go by words.
const (
	lanes    = 0x0001_0001_0001_0001
	laneTops = 0x8000 * lanes
	// gatherLanes brings the lowest bit of each lane together in bits 48 to 51.
	gatherLanes = 1<<48 | 1<<33 | 1<<18 | 1<<3
)

func levelBytes(levels []int16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(levels))), 2*len(levels))
}

// CountLevels counts the levels that equal v.
func CountLevels(levels []int16, v int16) int {
	n := len(levels)
	b := levelBytes(levels)
	same := uint64(uint16(v)) * lanes
	other := 0
	for ; len(b) >= 8; b = b[8:] {
		other += bits.OnesCount64((binary.LittleEndian.Uint64(b) ^ same + 0x7fff*lanes) & laneTops)
	}
	for _, l := range levels[n-len(b)/2:] {
		if l != v {
			other++
		}
	}
	return n - other
}

// FromLevels writes a bit a level, set where the level is at least def, and
// counts the others.
func FromLevels(bm []byte, off int, levels []int16, def int16) (nulls int) {
	least := (0x8000 - uint64(uint16(def))) * lanes
	for len(levels) > 0 {
		n := min(64, len(levels))
		var w uint64
		b := levelBytes(levels[:n])
		i := 0
		for ; len(b) >= 8; b = b[8:] {
			x := (binary.LittleEndian.Uint64(b) + least) >> 15 & lanes
			w |= x * gatherLanes >> 48 & 0xf << i
			i += 4
		}
		for ; i < n; i++ {
			if levels[i] >= def {
				w |= 1 << i
			}
		}
		nulls += n - bits.OnesCount64(w)
		store(bm, off, n, w)
		off += n
		levels = levels[n:]
	}
	return nulls
}

// MaxLevelWidth is the most bits of a level that UnpackLevels takes.
const MaxLevelWidth = 3

// UnpackLevels fills dst, whole groups of eight, with levels of width bits (1
// to 3) from src on, and says whether none is above most.
func UnpackLevels(dst []int16, src []byte, width uint, most int16) bool {
	_ = src[:len(dst)/8*int(width)]
	half := 4 * width
	mask := uint32(1)<<half - 1
	lane := (uint64(1)<<width - 1) * lanes
	// The product puts value i at bit 16*i; the copies do not touch.
	step := 16 - width
	spread := uint64(1) | 1<<step | 1<<(2*step) | 1<<(3*step)
	over := (0x7fff - uint64(uint16(most))) * lanes
	out := levelBytes(dst)
	worst := uint64(0)
	for ; len(out) >= 16; out = out[16:] {
		var x uint32
		if len(src) >= 4 {
			x = binary.LittleEndian.Uint32(src)
		} else {
			for i := range int(width) {
				x |= uint32(src[i]) << (8 * i)
			}
		}
		src = src[width:]
		lo := uint64(x&mask) * spread & lane
		hi := uint64(x>>half&mask) * spread & lane
		binary.LittleEndian.PutUint64(out, lo)
		binary.LittleEndian.PutUint64(out[8:], hi)
		worst |= (lo + over) | (hi + over)
	}
	return worst&laneTops == 0
}
