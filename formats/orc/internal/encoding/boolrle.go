package encoding

import (
	mathbits "math/bits"

	"github.com/bdkit/bdkit/internal/bits"
)

// BoolRLE decodes booleans (specification, "Boolean Run Length Encoding"): bits,
// the most significant of a byte first, in byte run length encoding.
type BoolRLE struct {
	bytes ByteRLE
	cur   byte // what is left of the current byte, its next bit the lowest
	left  int
	buf   [256]byte
}

// Reset starts a stream.
func (d *BoolRLE) Reset(src Source) {
	d.bytes.Reset(src)
	d.left = 0
}

// Seek goes to a recorded position: as [ByteRLE.Seek], and then bits into the
// byte there.
func (d *BoolRLE) Seek(bytes, values, bits int) error {
	d.left = 0
	if err := d.bytes.Seek(bytes, values); err != nil {
		return err
	}
	return d.Skip(bits)
}

// Next writes the next n values to bitmap, in Arrow's order of bits, from bit
// off on. Bits around them keep their value.
func (d *BoolRLE) Next(bitmap []byte, off, n int) error {
	if d.left > 0 && n > 0 {
		k := min(d.left, n)
		d.emit(bitmap, off, k)
		off, n = off+k, n-k
	}
	for n >= 8 {
		chunk := d.buf[:min(n>>3, len(d.buf))]
		if off&7 == 0 { // into place
			chunk = bitmap[off>>3:][:n>>3]
		}
		if err := d.bytes.Next(chunk); err != nil {
			return err
		}
		for i, b := range chunk {
			chunk[i] = mathbits.Reverse8(b)
		}
		k := 8 * len(chunk)
		if off&7 != 0 {
			bits.Copy(bitmap, off, chunk, 0, k)
		}
		off, n = off+k, n-k
	}
	if n > 0 {
		if err := d.load(); err != nil {
			return err
		}
		d.emit(bitmap, off, n)
	}
	return nil
}

func (d *BoolRLE) load() error {
	var b [1]byte
	if err := d.bytes.Next(b[:]); err != nil {
		return err
	}
	d.cur, d.left = mathbits.Reverse8(b[0]), 8
	return nil
}

// emit writes k of the bits of the current byte.
func (d *BoolRLE) emit(bitmap []byte, off, k int) {
	b := [1]byte{d.cur}
	bits.Copy(bitmap, off, b[:], 0, k)
	d.cur >>= k
	d.left -= k
}

// Skip passes over n values.
func (d *BoolRLE) Skip(n int) error {
	k := min(d.left, n)
	d.cur >>= k
	d.left, n = d.left-k, n-k
	if err := d.bytes.Skip(n >> 3); err != nil {
		return err
	}
	if n &= 7; n > 0 {
		if err := d.load(); err != nil {
			return err
		}
		d.cur >>= n
		d.left -= n
	}
	return nil
}

// SkipCount passes over n values and counts those that are true, as a reader
// needs who skips rows and must know how many values they have.
func (d *BoolRLE) SkipCount(n int) (ones int, err error) {
	if k := min(d.left, n); k > 0 {
		ones = mathbits.OnesCount8(d.cur & (1<<k - 1))
		d.cur >>= k
		d.left, n = d.left-k, n-k
	}
	for whole := n >> 3; whole > 0; {
		if d.bytes.left == 0 {
			if err := d.bytes.run(); err != nil {
				return ones, err
			}
		}
		if d.bytes.repeat {
			k := min(d.bytes.left, whole)
			ones += k * mathbits.OnesCount8(d.bytes.value)
			d.bytes.left, whole = d.bytes.left-k, whole-k
			continue
		}
		chunk := d.buf[:min(whole, d.bytes.left)]
		if err := d.bytes.Next(chunk); err != nil {
			return ones, err
		}
		ones += bits.Count(chunk, 0, 8*len(chunk))
		whole -= len(chunk)
	}
	if n &= 7; n > 0 {
		if err := d.load(); err != nil {
			return ones, err
		}
		ones += mathbits.OnesCount8(d.cur & (1<<n - 1))
		d.cur >>= n
		d.left -= n
	}
	return ones, nil
}
