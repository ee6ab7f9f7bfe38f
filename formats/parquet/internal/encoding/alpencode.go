package encoding

import (
	"cmp"
	"encoding/binary"
	"math"
	mathbits "math/bits"
	"slices"
	"unsafe"
)

const (
	alpLog     = 10  // of the vector size, the recommended one
	alpSample  = 256 // values of a page that the powers are chosen by
	alpPerSize = 32  // and of a vector
	alpPreset  = 5   // pairs of powers tried for a vector
)

// alpPair is an exponent and a factor.
type alpPair struct{ exponent, factor uint8 }

// AppendALP32 encodes floats as ALP.
func AppendALP32(dst []byte, vals []float32) []byte {
	return appendALP[float32, int32](dst, vals, alpFloatMost)
}

// AppendALP64 encodes doubles as ALP.
func AppendALP64(dst []byte, vals []float64) []byte {
	return appendALP[float64, int64](dst, vals, alpMost)
}

func appendALP[F float32 | float64, I int32 | int64](dst []byte, vals []F, most uint8) []byte {
	dst = append(dst, 0, 0, alpLog)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(vals)))
	const size = 1 << alpLog
	vectors := (len(vals) + size - 1) / size
	start := len(dst)
	dst = append(dst, make([]byte, 4*vectors)...)
	enc := alpEncoder[F, I]{}
	enc.preset(vals, most)
	for i := range vectors {
		binary.LittleEndian.PutUint32(dst[start+4*i:], uint32(len(dst)-start))
		dst = enc.vector(dst, vals[i*size:min(len(vals), (i+1)*size)])
	}
	return dst
}

type alpEncoder[F float32 | float64, I int32 | int64] struct {
	alp[F, I]
	pairs  []alpPair
	sample []F
}

// preset keeps the pairs that make a sample of the page smallest.
func (d *alpEncoder[F, I]) preset(vals []F, most uint8) {
	d.draw(vals, alpSample)
	var costs []int
	for e := range most + 1 {
		for f := range e + 1 {
			p := alpPair{e, f}
			cost := d.cost(p)
			at, _ := slices.BinarySearchFunc(costs, cost, func(a, b int) int { return cmp.Or(cmp.Compare(a, b), -1) })
			if at >= alpPreset {
				continue
			}
			costs, d.pairs = slices.Insert(costs, at, cost), slices.Insert(d.pairs, at, p)
			if len(costs) > alpPreset {
				costs, d.pairs = costs[:alpPreset], d.pairs[:alpPreset]
			}
		}
	}
}

// draw samples vals evenly.
func (d *alpEncoder[F, I]) draw(vals []F, most int) {
	d.sample = d.sample[:0]
	step := max(len(vals)/most, 1)
	for i := 0; i < len(vals) && len(d.sample) < most; i += step {
		d.sample = append(d.sample, vals[i])
	}
}

// cost is the size of the sample in bits.
func (d *alpEncoder[F, I]) cost(p alpPair) int {
	width := 8 * int(unsafe.Sizeof(F(0)))
	exceptions, some := 0, false
	var lo, hi I
	up, down := d.scales(p)
	for _, v := range d.sample {
		x, ok := d.decimal(v, p, up, down)
		if !ok {
			exceptions++
			continue
		}
		if !some {
			lo, hi, some = x, x, true
		}
		lo, hi = min(lo, x), max(hi, x)
	}
	return exceptions*(16+width) + len(d.sample)*mathbits.Len64(uint64(hi)-uint64(lo))
}

// scales gives 10^exponent and 10^-factor.
func (d *alpEncoder[F, I]) scales(p alpPair) (up, down F) {
	if unsafe.Sizeof(F(0)) == 4 {
		return F(alpUp32[p.exponent]), F(alpDn32[p.factor])
	}
	return F(alpUp[p.exponent]), F(alpDn[p.factor])
}

// decimal is the integer that stands for v, if one does to the bit.
func (d *alpEncoder[F, I]) decimal(v F, p alpPair, up, down F) (I, bool) {
	scaled := math.RoundToEven(float64(v * up * down))
	limit := float64(int64(1) << 53) // beyond, integers are no longer each a float
	if unsafe.Sizeof(I(0)) == 4 {
		limit = 1 << 30
	}
	if !(math.Abs(scaled) < limit) { // NaN too
		return 0, false
	}
	x := I(scaled)
	back, away, _ := d.powers(p.exponent, p.factor)
	got := F(x) * back * away
	return x, got == v && math.Signbit(float64(got)) == math.Signbit(float64(v))
}

func (d *alpEncoder[F, I]) vector(dst []byte, vals []F) []byte {
	width := int(unsafe.Sizeof(F(0)))
	d.draw(vals, alpPerSize)
	best := slices.MinFunc(d.pairs, func(a, b alpPair) int { return cmp.Compare(d.cost(a), d.cost(b)) })
	up, down := d.scales(best)
	d.grow(len(vals))
	ints := d.ints[:len(vals)]
	var exceptions []int
	var lo, hi I
	some := false
	for i, v := range vals {
		x, ok := d.decimal(v, best, up, down)
		if !ok {
			exceptions = append(exceptions, i)
			continue
		}
		if !some {
			lo, hi, some = x, x, true
		}
		lo, hi = min(lo, x), max(hi, x)
		ints[i] = x
	}
	for _, i := range exceptions { // a value that widens nothing
		ints[i] = lo
	}
	bitWidth := mathbits.Len64(uint64(hi) - uint64(lo))
	dst = append(dst, best.exponent, best.factor)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(exceptions)))
	dst = appendWord(dst, uint64(lo), width)
	dst = append(dst, byte(bitWidth))
	start := len(dst)
	dst = append(dst, make([]byte, (len(vals)*bitWidth+7)/8)...)
	for i, x := range ints {
		w, at := uint64(x)-uint64(lo), i*bitWidth
		for n := bitWidth; n > 0; {
			k := min(8-at&7, n)
			dst[start+at>>3] |= byte(w&(1<<k-1)) << (at & 7)
			w, at, n = w>>k, at+k, n-k
		}
	}
	for _, i := range exceptions {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(i))
	}
	for _, i := range exceptions {
		dst = appendWord(dst, toBits(vals[i]), width)
	}
	return dst
}

func appendWord(dst []byte, w uint64, width int) []byte {
	if width == 4 {
		return binary.LittleEndian.AppendUint32(dst, uint32(w))
	}
	return binary.LittleEndian.AppendUint64(dst, w)
}

func toBits[F float32 | float64](f F) uint64 {
	switch p := any(&f).(type) {
	case *float32:
		return uint64(math.Float32bits(*p))
	case *float64:
		return math.Float64bits(*p)
	}
	return 0
}
