package encoding

import (
	"github.com/bdkit/bdkit/internal/bits"
)

// Integer run length encoding, version 2 (specification, "Integer Run Length
// Encoding, version 2"). The first two bits of a run say which of four
// encodings it has. Values are bit-packed from the most significant bit on.
//
//	short repeat  00 www ccc                 one value of w+1 bytes, c+3 times
//	direct        01 wwwww lllllllll         l+1 values of width w
//	patched base  10 wwwww lllllllll …       rests over a base, the widest ones patched
//	delta         11 wwwww lllllllll …       a base, a first delta, and deltas of its sign
const (
	subShortRepeat = iota
	subDirect
	subPatched
	subDelta
)

// MaxRun is the length of the longest run of version 2.
const MaxRun = 512

// widths are the bit widths of the five-bit codes.
var widths = [32]uint8{
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 30, 32, 40, 48, 56, 64,
}

// closestWidth is the least width with a code that is at least n.
func closestWidth(n uint) uint {
	switch {
	case n == 0:
		return 1
	case n <= 24:
		return n
	case n <= 32:
		return (n + 1) &^ 1
	}
	return (n + 7) &^ 7
}

// widthCode is the code of a width that has one.
func widthCode(w uint) byte {
	switch {
	case w <= 24:
		return byte(w - 1)
	case w <= 32:
		return byte(24 + (w-26)/2)
	}
	return byte(28 + (w-40)/8)
}

// IntRLEv2 decodes it.
type IntRLEv2 struct {
	Signed bool

	in   input
	left int // values of the current run that were not given out
	sub  byte
	// A series (short repeat, or delta of width 0) is given out as it goes.
	series       bool
	value, delta int64
	// Any other run is decoded as a whole, into the destination if it is long
	// enough, or else into buf.
	width   uint // of its packed values
	decoded bool // the run's rest is buf[len(buf)-left:]
	buf     []int64
	patch   patches
}

// patches are the header of a patched base run.
type patches struct {
	base     int64
	width    uint // of a patch
	gapWidth uint
	n        int
}

func (p *patches) entryWidth() uint { return closestWidth(p.width + p.gapWidth) }

// Reset starts a stream.
func (d *IntRLEv2) Reset(src Source) {
	d.in.reset(src)
	d.left = 0
}

// Seek goes to a recorded position.
func (d *IntRLEv2) Seek(bytes, values int) error {
	d.left = 0
	if err := d.in.discard(bytes); err != nil {
		return err
	}
	return d.Skip(values)
}

// run reads the header of a run.
func (d *IntRLEv2) run() error {
	h, err := d.in.header()
	if err != nil {
		return err
	}
	d.series, d.decoded = false, false
	d.sub = h >> 6
	if d.sub == subShortRepeat {
		v, err := d.in.bigEndian(int(h>>3&7) + 1)
		if err != nil {
			return err
		}
		d.value, d.delta, d.series = int64(v), 0, true
		if d.Signed {
			d.value = unzigzag(v)
		}
		d.left = int(h&7) + 3
		return nil
	}
	low, err := d.in.byte()
	if err != nil {
		return err
	}
	n := int(h&1)<<8 | int(low) + 1
	d.width = uint(widths[h>>1&31])
	switch d.sub {
	case subPatched:
		err = d.patchHeader()
	case subDelta:
		if h>>1&31 == 0 {
			d.width, d.series = 0, true
		}
		err = d.deltaHeader()
	}
	if err != nil {
		return err
	}
	d.left = n
	return nil
}

func (d *IntRLEv2) patchHeader() error {
	b, err := d.in.take(2)
	if err != nil {
		return err
	}
	size := uint(b[0]>>5) + 1
	p := &d.patch
	p.width = uint(widths[b[0]&31])
	p.gapWidth, p.n = uint(b[1]>>5)+1, int(b[1]&31)
	if p.width+p.gapWidth > 64 {
		return corrupt("a patch of %d bits with a gap of %d", p.width, p.gapWidth)
	}
	v, err := d.in.bigEndian(int(size))
	if err != nil {
		return err
	}
	// The base has a sign bit in front, and is not zigzag-encoded.
	sign := uint64(1) << (8*size - 1)
	if p.base = int64(v &^ sign); v&sign != 0 {
		p.base = -p.base
	}
	return nil
}

func (d *IntRLEv2) deltaHeader() error {
	base, err := d.in.uvarint()
	if err != nil {
		return err
	}
	first, err := d.in.uvarint()
	if err != nil {
		return err
	}
	d.value, d.delta = int64(base), unzigzag(first)
	if d.Signed {
		d.value = unzigzag(base)
	}
	return nil
}

// packed is the number of bytes that the run's packed values take, behind its
// header.
func (d *IntRLEv2) packed() int {
	switch d.sub {
	case subDelta:
		return bits.ByteCount(max(d.left-2, 0), d.width)
	case subPatched:
		return bits.ByteCount(d.left, d.width) + bits.ByteCount(d.patch.n, d.patch.entryWidth())
	}
	return bits.ByteCount(d.left, d.width)
}

// decode decodes a whole run into dst, which has its length.
func (d *IntRLEv2) decode(dst []int64) error {
	src, err := d.in.take(d.packed())
	if err != nil {
		return err
	}
	switch d.sub {
	case subDirect:
		bits.UnpackBE(dst, src, d.width)
		if d.Signed {
			for i, v := range dst {
				dst[i] = unzigzag(uint64(v))
			}
		}
	case subDelta:
		decodeDelta(dst, src, d.width, d.value, d.delta)
	case subPatched:
		return d.patch.decode(dst, src, d.width)
	}
	return nil
}

func decodeDelta(dst []int64, src []byte, width uint, value, first int64) {
	dst[0] = value
	if len(dst) == 1 {
		return
	}
	value += first
	dst[1] = value
	rest := dst[2:]
	bits.UnpackBE(rest, src, width)
	if first < 0 {
		for i, v := range rest {
			value -= v
			rest[i] = value
		}
		return
	}
	for i, v := range rest {
		value += v
		rest[i] = value
	}
}

func (p *patches) decode(dst []int64, src []byte, width uint) error {
	size := bits.ByteCount(len(dst), width)
	bits.UnpackBE(dst, src[:size], width)
	var list [31]int64
	bits.UnpackBE(list[:p.n], src[size:], p.entryWidth())
	at := 0
	for _, e := range list[:p.n] {
		gap, patch := uint64(e)>>p.width, uint64(e)&(1<<p.width-1)
		if gap >= uint64(len(dst)-at) {
			return corrupt("a patch behind the end of a run of %d", len(dst))
		}
		// A gap over 255 is said in parts, which patch nothing.
		at += int(gap)
		dst[at] |= int64(patch << width)
	}
	for i := range dst {
		dst[i] += p.base
	}
	return nil
}

// Next fills dst with the next values.
func (d *IntRLEv2) Next(dst []int64) error {
	for len(dst) > 0 {
		if d.left == 0 {
			if err := d.run(); err != nil {
				return err
			}
		}
		n := min(d.left, len(dst))
		switch {
		case d.series:
			d.value = fillSeries(dst[:n], d.value, d.delta)
		case !d.decoded && n == d.left:
			if err := d.decode(dst[:n]); err != nil {
				return err
			}
		default:
			if err := d.buffer(); err != nil {
				return err
			}
			copy(dst[:n], d.buf[len(d.buf)-d.left:])
		}
		d.left, dst = d.left-n, dst[n:]
	}
	return nil
}

// buffer decodes the run into buf, if it has not yet been.
func (d *IntRLEv2) buffer() error {
	if d.decoded {
		return nil
	}
	if d.buf == nil {
		d.buf = make([]int64, MaxRun)
	}
	d.buf = d.buf[:d.left]
	if err := d.decode(d.buf); err != nil {
		return err
	}
	d.decoded = true
	return nil
}

// Skip passes over n values.
func (d *IntRLEv2) Skip(n int) error {
	for n > 0 {
		if d.left == 0 {
			if err := d.run(); err != nil {
				return err
			}
		}
		k := min(d.left, n)
		switch {
		case d.series:
			d.value += int64(k) * d.delta
		case d.decoded:
		case k == d.left:
			if err := d.in.discard(d.packed()); err != nil {
				return err
			}
		default:
			if err := d.buffer(); err != nil {
				return err
			}
		}
		d.left, n = d.left-k, n-k
	}
	return nil
}
