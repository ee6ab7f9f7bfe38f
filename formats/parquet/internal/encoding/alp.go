package encoding

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/bdkit/bdkit/internal/bits"
)

// alp is ALP (AlpEncoding.md): floats as decimals, which is integers times a
// power of ten, in vectors that can each be found and decoded alone. What is no
// such decimal is kept beside, an exception.
//
//	page   = mode | integer encoding | log2 of the vector size | count (int32) | offsets | vectors
//	vector = exponent | factor | exceptions (uint16) | least integer | bit width | packed | positions | values
type alp[F float32 | float64, I int32 | int64] struct {
	taker
	body    []byte // from the offsets on; they count from here
	vectors int
	size    int // values of a vector but the last
	total   int // values of the page
	next    int // vector
	ints    []I
	vals    []F // of the vector before next
	at      int // in vals
}

const (
	alpHeader    = 7
	alpLogLeast  = 3
	alpLogMost   = 15
	alpFloatMost = 10 // exponents
	alpMost      = 18
)

// The powers are constants of the language, so that each is the float nearest
// to the decimal, as the specification demands.
var (
	alpUp = [alpMost + 1]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}
	alpDn = [alpMost + 1]float64{1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18}

	alpUp32 = [alpFloatMost + 1]float32{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10}
	alpDn32 = [alpFloatMost + 1]float32{1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10}
)

// powers gives 10^factor and 10^-exponent.
func (d *alp[F, I]) powers(exponent, factor uint8) (up, down F, ok bool) {
	most := uint8(alpMost)
	if unsafe.Sizeof(F(0)) == 4 {
		most = alpFloatMost
	}
	if exponent > most || factor > exponent {
		return 0, 0, false
	}
	if most == alpFloatMost {
		return F(alpUp32[factor]), F(alpDn32[exponent]), true
	}
	return F(alpUp[factor]), F(alpDn[exponent]), true
}

func (d *alp[F, I]) Reset(page []byte, n int) error {
	d.left, d.vectors, d.next, d.vals, d.at = n, 0, 0, d.vals[:0], 0
	if n == 0 {
		return nil
	}
	if len(page) < alpHeader {
		return corrupt("ALP: a page of %d bytes", len(page))
	}
	switch mode, ints := page[0], page[1]; {
	case mode != 0:
		return unsupported("ALP of compression mode %d", mode)
	case ints != 0:
		return unsupported("ALP of integer encoding %d", ints)
	}
	log := page[2]
	if log < alpLogLeast || log > alpLogMost {
		return corrupt("ALP: vectors of 2^%d values", log)
	}
	d.size, d.body = 1<<log, page[alpHeader:]
	if d.total = int(int32(binary.LittleEndian.Uint32(page[3:]))); d.total < n {
		return corrupt("ALP: %d values where the page has %d", d.total, n)
	}
	d.vectors = (d.total + d.size - 1) / d.size
	if 4*d.vectors > len(d.body) {
		return corrupt("ALP: %d vectors in %d bytes", d.vectors, len(d.body))
	}
	return nil
}

func (d *alp[F, I]) Decode(dst []byte) error {
	out := cast[F](dst)
	if err := d.take(len(out)); err != nil {
		return err
	}
	for len(out) > 0 {
		if d.at == len(d.vals) {
			if err := d.vector(); err != nil {
				return err
			}
		}
		n := copy(out, d.vals[d.at:])
		out, d.at = out[n:], d.at+n
	}
	return nil
}

func (d *alp[F, I]) Skip(k int) error {
	if err := d.take(k); err != nil {
		return err
	}
	here := min(k, len(d.vals)-d.at)
	d.at += here
	if k -= here; k == 0 {
		return nil
	}
	d.next += k / d.size
	if k %= d.size; k == 0 {
		return nil
	}
	if err := d.vector(); err != nil {
		return err
	}
	if k > len(d.vals) {
		return corrupt("ALP: %d values skipped in a vector of %d", k, len(d.vals))
	}
	d.at = k
	return nil
}

// vector decodes the next vector into vals.
func (d *alp[F, I]) vector() error {
	width := int(unsafe.Sizeof(I(0)))
	n := min(d.size, d.total-d.next*d.size)
	if n <= 0 || d.next >= d.vectors {
		return corrupt("ALP: no vector %d", d.next)
	}
	off := int64(binary.LittleEndian.Uint32(d.body[4*d.next:]))
	if off < int64(4*d.vectors) || off+int64(4+width+1) > int64(len(d.body)) {
		return corrupt("ALP: vector %d at %d of %d bytes", d.next, off, len(d.body))
	}
	v := d.body[off:]
	up, down, ok := d.powers(v[0], v[1])
	if !ok {
		return corrupt("ALP: exponent %d, factor %d", v[0], v[1])
	}
	exceptions := int(binary.LittleEndian.Uint16(v[2:]))
	least, v := I(wordAt(v[4:], width)), v[4+width:]
	bitWidth := uint(v[0])
	if int(bitWidth) > 8*width || exceptions > n {
		return corrupt("ALP: %d bits, %d exceptions in a vector of %d", bitWidth, exceptions, n)
	}
	v = v[1:]
	packed := bits.ByteCount(n, bitWidth)
	if packed+exceptions*(2+width) > len(v) {
		return corrupt("ALP: vector %d ends in its values", d.next)
	}
	d.grow(n)
	ints := d.ints[:n]
	bits.Unpack(ints, v[:packed:packed], bitWidth)
	for i, x := range ints {
		d.vals[i] = F(x+least) * up * down
	}
	positions, values := v[packed:], v[packed+2*exceptions:]
	for i := range exceptions {
		p := int(binary.LittleEndian.Uint16(positions[2*i:]))
		if p >= n {
			return corrupt("ALP: an exception at %d of %d", p, n)
		}
		d.vals[p] = fromBits[F](wordAt(values[i*width:], width))
	}
	d.at = 0
	d.next++
	return nil
}

func (d *alp[F, I]) grow(n int) {
	if cap(d.vals) < n {
		d.vals, d.ints = make([]F, n), make([]I, n)
	}
	d.vals = d.vals[:n]
}

func wordAt(b []byte, width int) uint64 {
	if width == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// fromBits keeps NaN's bits: no conversion between the widths may touch them.
func fromBits[F float32 | float64](w uint64) (f F) {
	switch p := any(&f).(type) {
	case *float32:
		*p = math.Float32frombits(uint32(w))
	case *float64:
		*p = math.Float64frombits(w)
	}
	return f
}
