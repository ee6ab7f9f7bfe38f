package encoding

import (
	mathbits "math/bits"

	"github.com/bdkit/bdkit/internal/bits"
)

const (
	maxByteRepeat   = 130
	maxByteLiterals = 128
)

// ByteRLEEncoder encodes bytes. It holds back the last run, whose end is not
// known yet.
type ByteRLEEncoder struct {
	held [2 * maxByteRepeat]byte
	n    int
}

// Held is the number of bytes given to Append that are not yet in its output.
func (e *ByteRLEEncoder) Held() int { return e.n }

// Reset forgets what is held.
func (e *ByteRLEEncoder) Reset() { e.n = 0 }

// Append encodes bytes behind dst, as far as their runs are complete.
func (e *ByteRLEEncoder) Append(dst, b []byte) []byte {
	for len(b) > 0 {
		if e.n == 0 {
			var used int
			dst, used = byteRuns(dst, b, false)
			e.n = copy(e.held[:], b[used:])
			return dst
		}
		k := copy(e.held[e.n:], b)
		b = b[k:]
		e.n += k
		var used int
		dst, used = byteRuns(dst, e.held[:e.n], false)
		e.n = copy(e.held[:], e.held[used:e.n])
	}
	return dst
}

// Flush encodes what is held.
func (e *ByteRLEEncoder) Flush(dst []byte) []byte {
	dst, _ = byteRuns(dst, e.held[:e.n], true)
	e.n = 0
	return dst
}

// byteRuns encodes the complete runs at the start of b; all of them if final.
// What it leaves is shorter than the longest run.
func byteRuns(dst, b []byte, final bool) ([]byte, int) {
	at := 0
	for at < len(b) {
		v := b[at:min(at+maxByteRepeat, len(b))]
		full := final || len(v) == maxByteRepeat
		if len(v) >= minRepeat && v[0] == v[1] && v[1] == v[2] {
			k := minRepeat
			for k < len(v) && v[k] == v[0] {
				k++
			}
			if k == len(v) && !full {
				break
			}
			dst = append(dst, byte(k-minRepeat), v[0])
			at += k
			continue
		}
		k := len(v)
		for i := 2; i < len(v); i++ {
			if v[i] == v[i-1] && v[i] == v[i-2] {
				k = i - 2
				break
			}
		}
		if k == len(v) && !full {
			break
		}
		k = min(k, maxByteLiterals)
		dst = append(append(dst, byte(-k)), v[:k]...)
		at += k
	}
	return dst, at
}

// BoolRLEEncoder encodes bits.
type BoolRLEEncoder struct {
	bytes ByteRLEEncoder
	cur   byte // the bits of an incomplete byte, the first the lowest
	n     int
	buf   [256]byte
}

// Held gives the rest of a recorded position: the bytes into the run, and the
// bits into the byte behind them.
func (e *BoolRLEEncoder) Held() (bytes, bits int) { return e.bytes.Held(), e.n }

// Reset forgets what is held.
func (e *BoolRLEEncoder) Reset() {
	e.bytes.Reset()
	e.cur, e.n = 0, 0
}

// Append encodes n bits of an Arrow bitmap from bit off on, behind dst.
func (e *BoolRLEEncoder) Append(dst, bitmap []byte, off, n int) []byte {
	for n > 0 {
		// A buffer of whole bytes, of which the first may have begun.
		k := min(n, 8*len(e.buf)-e.n)
		size := (e.n + k + 7) / 8
		buf := e.buf[:size]
		buf[0], buf[size-1] = 0, 0
		bits.Copy(buf, e.n, bitmap, off, k)
		buf[0] |= e.cur
		off, n = off+k, n-k
		whole, left := (e.n+k)/8, (e.n+k)%8
		e.cur, e.n = 0, left
		if left > 0 {
			e.cur = buf[whole] & (1<<left - 1)
		}
		for i, b := range buf[:whole] {
			buf[i] = mathbits.Reverse8(b)
		}
		dst = e.bytes.Append(dst, buf[:whole])
	}
	return dst
}

// AppendOnes encodes n bits that are set.
func (e *BoolRLEEncoder) AppendOnes(dst []byte, n int) []byte {
	var ones [64]byte
	fill(ones[:], 0xff)
	for n > 0 {
		k := min(n, 8*len(ones))
		dst = e.Append(dst, ones[:], 0, k)
		n -= k
	}
	return dst
}

// Flush encodes what is held; an incomplete byte is filled with zeros.
func (e *BoolRLEEncoder) Flush(dst []byte) []byte {
	if e.n > 0 {
		dst = e.bytes.Append(dst, []byte{mathbits.Reverse8(e.cur)})
		e.cur, e.n = 0, 0
	}
	return e.bytes.Flush(dst)
}
