package encoding

import (
	"encoding/binary"

	"github.com/bdkit/bdkit/internal/bits"
)

// plainFixed is PLAIN of fixed width: the values as they lie.
type plainFixed struct {
	taker
	src   []byte
	width int
}

func (d *plainFixed) Reset(page []byte, n int) error {
	if len(page)/max(d.width, 1) < n && d.width > 0 {
		return corrupt("%d values of %d bytes in %d", n, d.width, len(page))
	}
	d.src, d.left = page, n
	return nil
}

func (d *plainFixed) Decode(dst []byte) error {
	if d.width == 0 {
		return nil
	}
	if err := d.take(len(dst) / d.width); err != nil {
		return err
	}
	copy(dst, d.src)
	d.src = d.src[len(dst):]
	return nil
}

func (d *plainFixed) Skip(k int) error {
	if err := d.take(k); err != nil {
		return err
	}
	d.src = d.src[k*d.width:]
	return nil
}

// plainBytes is PLAIN of byte arrays: a length of four bytes, then the bytes.
type plainBytes struct {
	taker
	src []byte
}

func (d *plainBytes) Reset(page []byte, n int) error {
	if len(page)/4 < n {
		return corrupt("%d byte arrays in %d bytes", n, len(page))
	}
	d.src, d.left = page, n
	return nil
}

// usual is the size of a value up to which it is copied as if it had that size.
const usual = 48

func (d *plainBytes) Decode(dst *Binary, n int) (int, error) {
	if n > d.left {
		return 0, corrupt("%d values wanted where %d are left", n, d.left)
	}
	if len(dst.Offsets) == 0 {
		dst.Reset()
	}
	// One pass: lengths are checked and values copied behind one another.
	src, room := d.src, dst.room()
	offs, data := dst.Offsets, dst.Data
	done := 0
	for ; done < n; done++ {
		if len(src) < 4 {
			return done, corrupt("a byte array ends in its length")
		}
		size := int(binary.LittleEndian.Uint32(src))
		if size > len(src)-4 {
			return done, corrupt("a byte array of %d bytes where %d are left", size, len(src)-4)
		}
		if size > room {
			break
		}
		end := len(data) + size
		if cap(data) < end+usual {
			dst.Data = data
			dst.reserve(size + usual)
			data = dst.Data
		}
		if size <= usual && len(src) >= 4+usual {
			// A copy of constant size is a few moves; what is too much is
			// overwritten by the next value.
			copy(data[len(data):len(data)+usual], src[4:4+usual])
			data = data[:end]
		} else {
			data = append(data, src[4:4+size]...)
		}
		room -= size
		offs = append(offs, int32(end))
		src = src[4+size:]
	}
	dst.Offsets, dst.Data, d.src = offs, data, src
	d.left -= done
	return done, nil
}

func (d *plainBytes) Skip(k int) error {
	if err := d.take(k); err != nil {
		return err
	}
	for range k {
		if len(d.src) < 4 {
			return corrupt("a byte array ends in its length")
		}
		size := int(binary.LittleEndian.Uint32(d.src))
		if size > len(d.src)-4 {
			return corrupt("a byte array of %d bytes where %d are left", size, len(d.src)-4)
		}
		d.src = d.src[4+size:]
	}
	return nil
}

// AppendPlainBinary encodes the values between offsets in data.
func AppendPlainBinary(dst []byte, offsets []int32, data []byte) []byte {
	for i := 1; i < len(offsets); i++ {
		v := data[offsets[i-1]:offsets[i]]
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v)))
		dst = append(dst, v...)
	}
	return dst
}

// plainBools is PLAIN of booleans: a bit each, least significant first.
type plainBools struct {
	taker
	src []byte
	at  int
}

func (d *plainBools) Reset(page []byte, n int) error {
	if len(page)*8 < n {
		return corrupt("%d booleans in %d bytes", n, len(page))
	}
	d.src, d.at, d.left = page, 0, n
	return nil
}

func (d *plainBools) Decode(bitmap []byte, off, n int) error {
	if err := d.take(n); err != nil {
		return err
	}
	bits.Copy(bitmap, off, d.src, d.at, n)
	d.at += n
	return nil
}

func (d *plainBools) Skip(k int) error {
	d.at += k
	return d.take(k)
}

// AppendPlainBools encodes n booleans from bit off of a bitmap on.
func AppendPlainBools(dst, bitmap []byte, off, n int) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, (n+7)/8)...)
	bits.Copy(dst[start:], 0, bitmap, off, n)
	return dst
}

// rleBools is RLE of booleans: a length of four bytes, then runs of width 1.
type rleBools struct{ runs Hybrid }

func (d *rleBools) Reset(page []byte, n int) error {
	if len(page) < 4 {
		if n == 0 {
			d.runs.Reset(nil, 1, 0)
			return nil
		}
		return corrupt("booleans end in their length")
	}
	size := int(binary.LittleEndian.Uint32(page))
	if size > len(page)-4 {
		return corrupt("runs of %d bytes where %d are left", size, len(page)-4)
	}
	d.runs.Reset(page[4:4+size], 1, n)
	return nil
}

func (d *rleBools) Decode(bitmap []byte, off, n int) error {
	_, err := d.runs.DecodeBitmap(bitmap, off, n)
	return err
}

func (d *rleBools) Skip(k int) error { return d.runs.Skip(k) }

// AppendRLEBools encodes n booleans from bit off of a bitmap on.
func AppendRLEBools(dst, bitmap []byte, off, n int) []byte {
	values := make([]uint32, n)
	for i := range values {
		if bits.Get(bitmap, off+i) {
			values[i] = 1
		}
	}
	start := len(dst)
	dst = AppendHybrid(append(dst, 0, 0, 0, 0), values, 1)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}
