package encoding

import (
	"encoding/binary"
	mathbits "math/bits"

	"github.com/bdkit/bdkit/internal/bits"
)

// The encoder cuts runs and chooses their sub-encodings as Java's writer does
// with its default strategy, "speed": packed widths are rounded up to those
// that unpack fastest.
const (
	minRepeat      = 3
	maxShortRepeat = 10
	maxPatchBase   = 1 << 56
)

// alignedWidth is the width that the speed strategy packs n bits in.
func alignedWidth(n uint) uint {
	switch {
	case n <= 2:
		return max(n, 1)
	case n <= 4:
		return 4
	}
	return (n + 7) &^ 7
}

// IntRLEv2Encoder encodes integers in version 2. It holds back the values of
// the last run, whose end is not known yet.
type IntRLEv2Encoder struct {
	Signed bool

	held [2 * MaxRun]int64
	n    int
	zz   [MaxRun]uint64 // zigzag-encoded values of the run
	work [MaxRun]uint64 // deltas, or values above the base
}

// Held is the number of values given to Append that are not yet in its output:
// the values into the run that a recorded position says.
func (e *IntRLEv2Encoder) Held() int { return e.n }

// Reset forgets what is held.
func (e *IntRLEv2Encoder) Reset() { e.n = 0 }

// Append encodes values behind dst, as far as their runs are complete.
func (e *IntRLEv2Encoder) Append(dst []byte, vals []int64) []byte {
	for len(vals) > 0 {
		if e.n == 0 {
			var used int
			dst, used = e.runs(dst, vals, false)
			e.n = copy(e.held[:], vals[used:])
			return dst
		}
		k := copy(e.held[e.n:], vals)
		vals = vals[k:]
		e.n += k
		var used int
		dst, used = e.runs(dst, e.held[:e.n], false)
		e.n = copy(e.held[:], e.held[used:e.n])
	}
	return dst
}

// Flush encodes what is held.
func (e *IntRLEv2Encoder) Flush(dst []byte) []byte {
	dst, _ = e.runs(dst, e.held[:e.n], true)
	e.n = 0
	return dst
}

// runs encodes the complete runs at the start of vals; all of them if final.
// What it leaves is shorter than the longest run.
func (e *IntRLEv2Encoder) runs(dst []byte, vals []int64, final bool) ([]byte, int) {
	at := 0
	for at < len(vals) {
		v := vals[at:min(at+MaxRun, len(vals))]
		full := final || len(v) == MaxRun
		if len(v) >= minRepeat && v[0] == v[1] && v[1] == v[2] {
			k := minRepeat
			for k < len(v) && v[k] == v[0] {
				k++
			}
			if k == len(v) && !full {
				break
			}
			dst = e.repeat(dst, v[0], k)
			at += k
			continue
		}
		k := repeatAt(v)
		if k == len(v) && !full {
			break
		}
		dst = e.variable(dst, v[:k])
		at += k
	}
	return dst, at
}

// repeatAt is where three equal values start; len(v) if nowhere.
func repeatAt(v []int64) int {
	for i := 2; i < len(v); i++ {
		if v[i] == v[i-1] && v[i] == v[i-2] {
			return i - 2
		}
	}
	return len(v)
}

// repeat encodes n equal values.
func (e *IntRLEv2Encoder) repeat(dst []byte, v int64, n int) []byte {
	if n > maxShortRepeat {
		dst = appendHeader(dst, subDelta, 0, n)
		return append(e.base(dst, v), 0)
	}
	u := uint64(v)
	if e.Signed {
		u = zigzag(v)
	}
	size := max((mathbits.Len64(u)+7)/8, 1)
	dst = append(dst, byte(size-1)<<3|byte(n-minRepeat))
	return appendBigEndian(dst, u, size)
}

// base is the first value of a delta run.
func (e *IntRLEv2Encoder) base(dst []byte, v int64) []byte {
	if e.Signed {
		return binary.AppendVarint(dst, v)
	}
	return binary.AppendUvarint(dst, uint64(v))
}

func appendHeader(dst []byte, sub byte, code byte, n int) []byte {
	return append(dst, sub<<6|code<<1|byte((n-1)>>8), byte(n-1))
}

func appendBigEndian(dst []byte, u uint64, size int) []byte {
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(u>>(8*i)))
	}
	return dst
}

// variable encodes a run that does not repeat one value.
func (e *IntRLEv2Encoder) variable(dst []byte, v []int64) []byte {
	zz := e.zz[:len(v)]
	var all uint64
	if e.Signed {
		for i, x := range v {
			zz[i] = zigzag(x)
			all |= zz[i]
		}
	} else {
		for i, x := range v {
			zz[i] = uint64(x)
			all |= zz[i]
		}
	}
	width := closestWidth(uint(mathbits.Len64(all)))
	if len(v) <= minRepeat {
		return direct(dst, zz, width)
	}
	d := e.deltas(v)
	switch {
	case d.max-d.min < 0: // the range overflows, and so might deltas
		return direct(dst, zz, width)
	case d.fixed:
		return binary.AppendVarint(e.base(appendHeader(dst, subDelta, 0, len(v)), v[0]), d.first)
	case d.first != 0 && (d.rising || d.falling):
		w := alignedWidth(closestWidth(uint(mathbits.Len64(d.all))))
		w = max(w, 2) // the code of width 1 says a fixed delta
		dst = appendHeader(dst, subDelta, widthCode(w), len(v))
		dst = binary.AppendVarint(e.base(dst, v[0]), d.first)
		return bits.PackBE(dst, e.work[:len(v)-2], w)
	case !wideTail(zz, width) || d.min <= -maxPatchBase || d.min >= maxPatchBase:
		return direct(dst, zz, width)
	}
	rest := e.work[:len(v)]
	for i, x := range v {
		rest[i] = uint64(x - d.min)
	}
	low, high := percentile(rest, 5), percentile(rest, 0)
	if low == high {
		return direct(dst, zz, width)
	}
	return patched(dst, rest, d.min, low, high)
}

func direct(dst []byte, zz []uint64, width uint) []byte {
	w := alignedWidth(width)
	return bits.PackBE(appendHeader(dst, subDirect, widthCode(w), len(zz)), zz, w)
}

// runShape is what decides about delta encoding.
type runShape struct {
	min, max        int64
	first           int64  // the first delta
	all             uint64 // the later deltas' bits, together
	fixed           bool   // all deltas are the first
	rising, falling bool
}

// deltas looks at the run's values, and puts the sizes of all deltas but the
// first into work.
func (e *IntRLEv2Encoder) deltas(v []int64) runShape {
	d := runShape{min: v[0], max: v[0], first: v[1] - v[0]}
	work := e.work[:len(v)-2]
	last := v[1]
	up, down := v[1] > v[0], v[1] < v[0]
	d.min, d.max = min(d.min, last), max(d.max, last)
	var differ uint64
	for i, x := range v[2:] {
		delta := x - last
		differ |= uint64(delta ^ d.first)
		d.min, d.max = min(d.min, x), max(d.max, x)
		up = up || x > last
		down = down || x < last
		sign := delta >> 63
		size := uint64((delta ^ sign) - sign)
		work[i] = size
		d.all |= size
		last = x
	}
	d.fixed = differ == 0
	d.rising, d.falling = !down, !up
	return d
}

// wideTail reports whether the widest tenth of the values needs at least two
// bits more than the others.
func wideTail(zz []uint64, width uint) bool {
	if width < 3 {
		return false
	}
	// The largest width with a code that is at most width-2.
	below := width - 2
	for closestWidth(below) != below {
		below--
	}
	above := 0
	for _, u := range zz {
		if u>>below != 0 {
			above++
		}
	}
	return above <= tail(len(zz), 10)
}

// tail is how many of n values may be above a percentile. It is computed as
// Java does, in floating point, so that runs of the same values come out alike.
func tail(n int, percent int) int {
	switch percent {
	case 10:
		return int(float64(n) * (1.0 - 0.9))
	case 5:
		return int(float64(n) * (1.0 - 0.95))
	}
	return 0
}

// percentile is the width that all values but the given share need.
func percentile(v []uint64, above int) uint {
	var hist [65]int
	for _, u := range v {
		hist[mathbits.Len64(u)]++
	}
	left := tail(len(v), above)
	for n := 64; n > 0; {
		w := closestWidth(uint(n))
		// All lengths of the same width are one class.
		for n > 0 && closestWidth(uint(n)) == w {
			if n == 1 {
				left -= hist[0]
			}
			left -= hist[n]
			n--
		}
		if left < 0 {
			return w
		}
	}
	return 1
}

// patched encodes values above a base: low bits of each, and patches for those
// that have more.
func patched(dst []byte, rest []uint64, base int64, low, high uint) []byte {
	patchWidth := closestWidth(high - low)
	if patchWidth == 64 { // a gap must fit beside it
		patchWidth, low = 56, 8
	}
	var gaps [MaxRun]int
	var list [31]uint64
	n, last, widest := 0, 0, 0
	for i, u := range rest {
		if u>>low != 0 {
			gaps[n] = i - last
			widest = max(widest, gaps[n])
			last = i
			n++
		}
	}
	gapWidth := min(closestWidth(uint(mathbits.Len(uint(widest)))), 8)
	at, k := 0, 0
	for _, gap := range gaps[:n] {
		at += gap
		for ; gap > 255; gap -= 255 {
			list[k] = 255 << patchWidth
			k++
		}
		list[k] = uint64(gap)<<patchWidth | rest[at]>>low
		k++
		rest[at] &= 1<<low - 1
	}
	sign := base < 0
	if sign {
		base = -base
	}
	size := (int(closestWidth(uint(mathbits.Len64(uint64(base))))) + 1 + 7) / 8
	dst = appendHeader(dst, subPatched, widthCode(low), len(rest))
	dst = append(dst, byte(size-1)<<5|widthCode(patchWidth), byte(gapWidth-1)<<5|byte(k))
	u := uint64(base)
	if sign {
		u |= 1 << (8*size - 1)
	}
	dst = appendBigEndian(dst, u, size)
	dst = bits.PackBE(dst, rest, low)
	return bits.PackBE(dst, list[:k], closestWidth(patchWidth+gapWidth))
}
