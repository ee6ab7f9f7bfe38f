package encoding

import "github.com/bdkit/bdkit/internal/bits"

// BitPackedLevels decodes the deprecated BIT_PACKED encoding of levels: packed
// from the most significant bit of each byte on, without runs (Encodings.md,
// "Bit-packed (Deprecated)").
type BitPackedLevels struct {
	taker
	src   []byte
	width int
	bit   int
}

// BitPackedSize is the number of bytes that n levels take.
func BitPackedSize(n, width int) int { return (n*width + 7) / 8 }

// Reset implements LevelDecoder.
func (d *BitPackedLevels) Reset(src []byte, width, n int) {
	*d = BitPackedLevels{taker: taker{n}, src: src, width: width}
}

// DecodeLevels implements LevelDecoder.
func (d *BitPackedLevels) DecodeLevels(dst []int16, most int16) error {
	if err := d.take(len(dst)); err != nil {
		return err
	}
	if d.bit+len(dst)*d.width > 8*len(d.src) {
		return corrupt("%d bit-packed levels in %d bytes", len(dst), len(d.src))
	}
	for i := range dst {
		var v int16
		for range d.width {
			v = v<<1 | int16(d.src[d.bit>>3]>>(7-d.bit&7)&1)
			d.bit++
		}
		if v > most {
			return corrupt("level %d where %d is the most", v, most)
		}
		dst[i] = v
	}
	return nil
}

// AppendBitPackedLevels encodes levels of width bits.
func AppendBitPackedLevels(dst []byte, levels []int16, width int) []byte {
	start, bit := len(dst), 0
	dst = append(dst, make([]byte, BitPackedSize(len(levels), width))...)
	for _, v := range levels {
		for k := width - 1; k >= 0; k-- {
			dst[start+bit>>3] |= byte(v>>k&1) << (7 - bit&7)
			bit++
		}
	}
	return dst
}

// packedBools decodes booleans in BIT_PACKED, as parquet-java reads them in its
// oldest files: one bit each, the first the most significant of its byte.
type packedBools struct {
	taker
	src []byte
	bit int
}

func (d *packedBools) Reset(page []byte, n int) error {
	if BitPackedSize(n, 1) > len(page) {
		return corrupt("%d bit-packed booleans in %d bytes", n, len(page))
	}
	*d = packedBools{taker: taker{n}, src: page}
	return nil
}

func (d *packedBools) Decode(bitmap []byte, off, n int) error {
	if err := d.take(n); err != nil {
		return err
	}
	for i := range n {
		bits.SetRange(bitmap, off+i, 1, d.src[d.bit>>3]>>(7-d.bit&7)&1 != 0)
		d.bit++
	}
	return nil
}

func (d *packedBools) Skip(k int) error {
	if err := d.take(k); err != nil {
		return err
	}
	d.bit += k
	return nil
}
