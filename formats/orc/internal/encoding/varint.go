package encoding

import (
	"encoding/binary"
	mathbits "math/bits"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// Varints decodes the unbounded base-128 varints, zigzag-encoded, that the
// unscaled values of decimals are stored as (specification, "Decimal
// Columns").
type Varints struct{ in input }

// Reset starts a stream.
func (d *Varints) Reset(src Source) { d.in.reset(src) }

// Seek goes bytes decompressed bytes behind the start of the source.
func (d *Varints) Seek(bytes int) error { return d.in.discard(bytes) }

// Next64 fills dst. A value of more than 64 bits is corrupt: the precision
// says which of the two methods is right.
func (d *Varints) Next64(dst []int64) error { return d.in.varints(dst, true) }

// Next128 fills dst. A value of more than 128 bits is corrupt.
func (d *Varints) Next128(dst []decimal128.Num) error {
	for i := range dst {
		if v, n := binary.Uvarint(d.in.buf); n > 0 {
			d.in.buf = d.in.buf[n:]
			dst[i] = decimal128.FromI64(unzigzag(v))
			continue
		}
		lo, hi, err := d.in.uvarint128()
		if err != nil {
			return err
		}
		sign := -(lo & 1)
		lo, hi = lo>>1|hi<<63, hi>>1
		dst[i] = decimal128.New(int64(hi^sign), lo^sign)
	}
	return nil
}

// Skip passes over n values.
func (d *Varints) Skip(n int) error { return d.in.skipVarints(n) }

// uvarint128 reads a varint of up to 128 bits.
func (in *input) uvarint128() (lo, hi uint64, err error) {
	for shift := uint(0); ; shift += 7 {
		b, err := in.byte()
		if err != nil {
			return 0, 0, err
		}
		v := uint64(b & 0x7f)
		switch {
		case shift < 64:
			lo |= v << shift
			hi |= v >> (64 - shift) // nothing while shift ≤ 57
		case shift < 126 || shift == 126 && v <= 3:
			hi |= v << (shift - 64)
		default:
			return 0, 0, corrupt("a varint of more than 128 bits")
		}
		if b < 0x80 {
			return lo, hi, nil
		}
	}
}

// varints fills dst.
func (in *input) varints(dst []int64, signed bool) error {
	for len(dst) > 0 {
		n, used := varints(dst, in.buf)
		in.buf = in.buf[used:]
		if n < len(dst) {
			v, err := in.uvarint()
			if err != nil {
				return err
			}
			dst[n] = int64(v)
			n++
		}
		if signed {
			for i, v := range dst[:n] {
				dst[i] = unzigzag(uint64(v))
			}
		}
		dst = dst[n:]
	}
	return nil
}

// varints decodes as many varints as lie whole in the part of src that can be
// read in words of eight bytes; longer ones end it too.
func varints(dst []int64, src []byte) (n, used int) {
	const more = 0x8080808080808080
	for n < len(dst) && used+8 <= len(src) {
		w := binary.LittleEndian.Uint64(src[used:])
		if w&0x80 == 0 {
			dst[n] = int64(w & 0x7f)
			n++
			used++
			continue
		}
		stop := ^w & more
		if stop == 0 {
			break // nine or ten bytes
		}
		size := mathbits.TrailingZeros64(stop)>>3 + 1
		w &= 1<<(8*size-1) - 1 // shifts by 63 at most
		// Close the gaps of one bit a byte, pairwise.
		w = w&0x007f007f007f007f | w&0x7f007f007f007f00>>1
		w = w&0x00003fff00003fff | w&0x3fff00003fff0000>>2
		w = w&0x000000000fffffff | w&0x0fffffff00000000>>4
		dst[n] = int64(w)
		n++
		used += size
	}
	return n, used
}

// skipVarints passes over n varints by counting the bytes that end one.
func (in *input) skipVarints(n int) error {
	for n > 0 {
		if err := in.more(); err != nil {
			return ended(err, "before the last value")
		}
		b := in.buf
		for n > 0 && len(b) >= 8 {
			stops := mathbits.OnesCount64(^binary.LittleEndian.Uint64(b) & 0x8080808080808080)
			if stops >= n { // the last one may end before the eighth byte

				break
			}
			b, n = b[8:], n-stops
		}
		for n > 0 && len(b) > 0 {
			if b[0] < 0x80 {
				n--
			}
			b = b[1:]
		}
		in.buf = b
	}
	return nil
}

// AppendVarints encodes values as Varints reads them.
func AppendVarints(dst []byte, vals []int64) []byte {
	for _, v := range vals {
		dst = binary.AppendVarint(dst, v)
	}
	return dst
}

// AppendVarint128 encodes a value as Varints reads it.
func AppendVarint128(dst []byte, v decimal128.Num) []byte {
	hi, lo := uint64(v.HighBits()), v.LowBits()
	sign := uint64(v.HighBits() >> 63)
	hi, lo = (hi<<1|lo>>63)^sign, lo<<1^sign
	for hi != 0 {
		dst = append(dst, byte(lo)|0x80)
		lo, hi = lo>>7|hi<<57, hi>>7
	}
	return binary.AppendUvarint(dst, lo)
}
