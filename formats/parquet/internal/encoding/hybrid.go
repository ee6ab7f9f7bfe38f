package encoding

import (
	"encoding/binary"
	mathbits "math/bits"

	"github.com/bdkit/bdkit/internal/bits"
)

// LevelDecoder decodes definition or repetition levels.
type LevelDecoder interface {
	Reset(src []byte, width, n int)
	// DecodeLevels fills dst; a level above most is corrupt.
	DecodeLevels(dst []int16, most int16) error
}

// Hybrid decodes the RLE and bit-packing hybrid of levels, booleans and
// dictionary indices (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid").
type Hybrid struct {
	taker
	src   []byte
	width int

	run    int    // values left in the current run
	packed []byte // of a bit-packed run; nil in a repeated one
	at     int    // index in packed of the next value
	value  uint32 // of a repeated run
}

// Reset starts on n values of width bits (0 to 32).
func (d *Hybrid) Reset(src []byte, width, n int) {
	*d = Hybrid{taker: taker{n}, src: src, width: width}
}

// next starts the next run.
func (d *Hybrid) next() error {
	header, n := uint64(0), 1
	if len(d.src) > 0 && d.src[0] < 0x80 {
		header = uint64(d.src[0])
	} else if header, n = binary.Uvarint(d.src); n <= 0 {
		if len(d.src) == 0 && d.width == 0 { // some writers leave out levels that can only be 0
			d.run, d.packed, d.value = d.left, nil, 0
			return nil
		}
		return corrupt("a run ends in its header")
	}
	src := d.src[n:]
	count := header >> 1
	if header&1 == 0 {
		size := (d.width + 7) / 8
		if len(src) < size {
			return corrupt("a repeated run ends in its value")
		}
		d.value = 0
		for i := range size {
			d.value |= uint32(src[i]) << (8 * i)
		}
		if d.width < 32 && d.value>>d.width != 0 {
			return corrupt("a repeated value of more than %d bits", d.width)
		}
		d.packed, d.src = nil, src[size:]
		d.run = int(min(count, uint64(d.left)))
	} else {
		// The last run may be cut short behind the values that count.
		values := min(count, uint64(d.left+7)/8) * 8
		size := int(min(uint64(len(src)), count*uint64(d.width)))
		if count > uint64(len(src)) && d.width > 0 {
			size = len(src)
		}
		d.packed, d.src, d.at = src[:size:len(src)], src[size:], 0
		if cap(src) > len(src) { // keep the room behind for the vector code
			d.packed = src[:size]
		}
		if d.packed == nil {
			d.packed = []byte{}
		}
		d.run = int(min(values, uint64(d.left)))
		if need := bits.ByteCount(d.run, uint(d.width)); need > size {
			return corrupt("a bit-packed run of %d bytes where %d are left", need, size)
		}
	}
	if d.run == 0 && d.left > 0 && len(d.src) == 0 {
		return corrupt("runs end %d values early", d.left)
	}
	return nil
}

// fetch makes sure that a run with values is current and gives how many of at
// most k it holds.
func (d *Hybrid) fetch(k int) (int, error) {
	for d.run == 0 {
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	return min(k, d.run), nil
}

func (d *Hybrid) consume(k int) {
	d.run -= k
	d.left -= k
	d.at += k
}

// unpackRun unpacks len(dst) values of the current bit-packed run.
func (d *Hybrid) unpackRun(dst []uint32) {
	if skip := d.at & 7; skip > 0 { // to the next group of eight
		var group [8]uint32
		d.unpackGroup(&group, d.at&^7)
		n := copy(dst, group[skip:])
		d.consume(n)
		dst = dst[n:]
	}
	if len(dst) > 0 {
		start := d.at / 8 * d.width
		bits.Unpack(dst, d.packed[start:], uint(d.width))
		d.consume(len(dst))
	}
}

// unpackGroup unpacks the group of eight at index at, the end of which may be
// missing from the last run.
func (d *Hybrid) unpackGroup(group *[8]uint32, at int) {
	start := at / 8 * d.width
	src := d.packed[start:]
	if len(src) < d.width {
		var buf [32 + 64]byte
		copy(buf[:], src)
		src = buf[:d.width]
	}
	bits.Unpack(group[:], src[:d.width], uint(d.width))
}

// Decode fills dst.
func (d *Hybrid) Decode(dst []uint32) error {
	if len(dst) > d.left {
		return corrupt("%d values wanted where %d are left", len(dst), d.left)
	}
	for len(dst) > 0 {
		n, err := d.fetch(len(dst))
		if err != nil {
			return err
		}
		if d.packed != nil {
			d.unpackRun(dst[:n])
		} else {
			fill(dst[:n], d.value)
			d.consume(n)
		}
		dst = dst[n:]
	}
	return nil
}

// Run consumes up to k values of a repeated run, if that is what comes next;
// ok is false when bit-packed values come next.
func (d *Hybrid) Run(k int) (n int, value uint32, ok bool, err error) {
	if k > d.left {
		return 0, 0, false, corrupt("%d values wanted where %d are left", k, d.left)
	}
	if n, err = d.fetch(k); err != nil || d.packed != nil {
		return 0, 0, false, err
	}
	d.consume(n)
	return n, d.value, true, nil
}

// DecodeSome fills the start of dst with values of one bit-packed run and gives
// how many; it must follow a Run that was not ok.
func (d *Hybrid) DecodeSome(dst []uint32) int {
	n := min(len(dst), d.run)
	d.unpackRun(dst[:n])
	return n
}

// DecodeLevels implements LevelDecoder.
func (d *Hybrid) DecodeLevels(dst []int16, most int16) error {
	for len(dst) > 0 {
		n, value, ok, err := d.Run(len(dst))
		if err != nil {
			return err
		}
		if ok {
			if value > uint32(most) {
				return corrupt("level %d where %d is the most", value, most)
			}
			fill(dst[:n], int16(value))
		} else if n, err = d.someLevels(dst, most); err != nil {
			return err
		}
		dst = dst[n:]
	}
	return nil
}

// someLevels is DecodeSome for levels.
func (d *Hybrid) someLevels(dst []int16, most int16) (int, error) {
	if n := min(len(dst), d.run) &^ 7; n > 0 && d.at&7 == 0 && d.width <= bits.MaxLevelWidth && d.width > 0 {
		if !bits.UnpackLevels(dst[:n], d.packed[d.at/8*d.width:], uint(d.width), most) {
			return 0, corrupt("a level where %d is the most", most)
		}
		d.consume(n)
		return n, nil
	}
	var buf [256]uint32
	n := len(buf)
	if d.at&7 != 0 { // to the next group of eight
		n = 8 - d.at&7
	}
	n = d.DecodeSome(buf[:min(n, len(dst))])
	var worst uint32
	for i, v := range buf[:n] {
		dst[i] = int16(v)
		worst = max(worst, v)
	}
	if worst > uint32(most) {
		return n, corrupt("level %d where %d is the most", worst, most)
	}
	return n, nil
}

// DecodeBitmap writes n values of width 1 into a bitmap from bit off on, and
// counts the ones.
func (d *Hybrid) DecodeBitmap(bitmap []byte, off, n int) (ones int, err error) {
	if n > d.left {
		return 0, corrupt("%d values wanted where %d are left", n, d.left)
	}
	for n > 0 {
		k, err := d.fetch(n)
		if err != nil {
			return ones, err
		}
		if d.packed != nil {
			bits.Copy(bitmap, off, d.packed, d.at, k)
			ones += bits.Count(bitmap, off, k)
		} else {
			bits.SetRange(bitmap, off, k, d.value != 0)
			ones += k * int(d.value&1)
		}
		d.consume(k)
		off, n = off+k, n-k
	}
	return ones, nil
}

// Skip passes over k values.
func (d *Hybrid) Skip(k int) error {
	if k > d.left {
		return corrupt("%d values to skip where %d are left", k, d.left)
	}
	for k > 0 {
		n, err := d.fetch(k)
		if err != nil {
			return err
		}
		d.consume(n)
		k -= n
	}
	return nil
}

// SkipCount passes over k levels and counts those equal to most, which none
// may pass.
func (d *Hybrid) SkipCount(k int, most int16) (equal int, err error) {
	if k > d.left {
		return 0, corrupt("%d values to skip where %d are left", k, d.left)
	}
	var buf [512]int16
	for k > 0 {
		n, err := d.fetch(k)
		if err != nil {
			return equal, err
		}
		switch {
		case d.packed == nil:
			if d.value == uint32(most) {
				equal += n
			}
			d.consume(n)
		case d.width == 1 && most == 1:
			equal += bits.Count(d.packed, d.at, n)
			d.consume(n)
		default:
			if n, err = d.someLevels(buf[:min(n, len(buf))], most); err != nil {
				return equal, err
			}
			equal += bits.CountLevels(buf[:n], most)
		}
		k -= n
	}
	return equal, nil
}

func fill[T any](dst []T, v T) {
	head := dst[:min(16, len(dst))]
	for i := range head {
		head[i] = v
	}
	for n := len(head); n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// mostGroups is how many groups of eight a bit-packed run has at most: as many
// as a header of one byte tells.
const mostGroups = 63

// AppendHybrid encodes values of width bits. Groups of eight equal values, as
// many in a row as pay for the headers, become a repeated run; the rest is
// bit-packed.
func AppendHybrid[T uint32 | int16](dst []byte, src []T, width int) []byte {
	least := max(1, (4+width)/max(width, 1)) // groups; a repeated run costs some four bytes
	packed := 0                              // start of what is to be bit-packed
	flush := func(end int) {
		for packed < end {
			n := min(end-packed, 8*mostGroups)
			dst = binary.AppendUvarint(dst, uint64((n+7)/8)<<1|1)
			start := len(dst)
			dst = packLevels(dst, src[packed:packed+n], width)
			for len(dst)-start < (n+7)/8*width { // the last group is whole
				dst = append(dst, 0)
			}
			packed += n
		}
	}
	for i := 0; i+8 <= len(src); {
		v := src[i]
		g := src[i : i+8]
		if g[1] != v || g[2] != v || g[3] != v || g[4] != v || g[5] != v || g[6] != v || g[7] != v {
			i += 8
			continue
		}
		end := i + 8
		for end < len(src) && src[end] == v {
			end++
		}
		if end < len(src) {
			end -= (end - i) % 8
		}
		if end-i < 8*least && end < len(src) {
			i = end
			continue
		}
		flush(i)
		dst = binary.AppendUvarint(dst, uint64(end-i)<<1)
		for k := range (width + 7) / 8 {
			dst = append(dst, byte(uint32(v)>>(8*k)))
		}
		i, packed = end, end
	}
	flush(len(src))
	return dst
}

// packLevels is bits.Pack, which takes no 16-bit values.
func packLevels[T uint32 | int16](dst []byte, src []T, width int) []byte {
	if wide, ok := any(src).([]uint32); ok {
		return bits.Pack(dst, wide, uint(width))
	}
	var wide [8 * mostGroups]uint32
	for i, v := range src {
		wide[i] = uint32(v)
	}
	return bits.Pack(dst, wide[:len(src)], uint(width))
}

// AppendHybridLevels encodes levels of width bits.
func AppendHybridLevels(dst []byte, levels []int16, width int) []byte {
	return AppendHybrid(dst, levels, width)
}

// Width is the number of bits that hold most.
func Width(most int) int { return mathbits.Len(uint(most)) }
