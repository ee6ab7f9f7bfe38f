package compress

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"sync"
)

// Inflate of whole blocks (RFC 1951): with all of the input and the room for all
// of the output in memory there is no window to keep, and codes are decoded from
// 64 bits at a time.

const (
	litBits  = 11 // of the first table of literals and lengths
	distBits = 8  // of the first table of distances
	maxCode  = 15

	// An entry of a table: the length of its code (or of the rest of it, in a
	// second table) in bits 0-3, the number of extra bits (or the bits of the
	// second table) in bits 4-7, flags, and a value in bits 16-31.
	entrySub     = 1 << 8  // the value is where a second table starts
	entryLiteral = 1 << 9  // the value is a byte
	entryEnd     = 1 << 10 // of the block
)

var (
	errInflateCode  = errors.New("a set of code lengths that is none")
	errInflateData  = errors.New("a code, distance or block type that does not exist")
	errInflateRoom  = errors.New("more bytes than expected")
	errInflateShort = io.ErrUnexpectedEOF
)

// The symbols' entries without the lengths of their codes.
var (
	litSymbols  [288]uint32
	distSymbols [32]uint32
	fixedTables = new(inflater)
	inflaters   = sync.Pool{New: func() any { return new(inflater) }}
)

func init() {
	for i := range 256 {
		litSymbols[i] = entryLiteral | uint32(i)<<16
	}
	litSymbols[256] = entryEnd
	base := uint32(3)
	for i := range uint32(28) {
		extra := uint32(0)
		if i >= 4 {
			extra = i/4 - 1
		}
		litSymbols[257+i] = extra<<4 | base<<16
		base += 1 << extra
	}
	litSymbols[285] = 258 << 16
	base = 1
	for i := range uint32(30) {
		extra := uint32(0)
		if i >= 2 {
			extra = i/2 - 1
		}
		distSymbols[i] = extra<<4 | base<<16
		base += 1 << extra
	}
	var lens [288]uint8
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	var dists [32]uint8
	for i := range dists {
		dists[i] = 5
	}
	if err := buildTable(fixedTables.lit[:], litBits, lens[:], litSymbols[:]); err != nil {
		panic(err) // constant lengths
	}
	if err := buildTable(fixedTables.dist[:], distBits, dists[:], distSymbols[:]); err != nil {
		panic(err)
	}
}

// inflater has the tables of a block. Second tables have 16 entries for literals
// and 128 for distances, and there are no more of them than pairs of symbols.
type inflater struct {
	lit  [1<<litBits + 144<<(maxCode-litBits)]uint32
	dist [1<<distBits + 16<<(maxCode-distBits)]uint32
	lens [320]uint8
	pre  [128]uint32
}

// buildTable fills the table of a canonical code. Symbols without an entry are
// those that do not exist.
func buildTable(table []uint32, primary uint, lens []uint8, symbols []uint32) error {
	var count, next [maxCode + 1]int
	longest := uint8(0)
	for _, l := range lens {
		count[l]++
		longest = max(longest, l)
	}
	count[0] = 0
	left, code := 1, 0
	for l := 1; l <= maxCode; l++ {
		next[l] = code
		code = (code + count[l]) << 1
		if left = left<<1 - count[l]; left < 0 {
			return errInflateCode
		}
	}
	if left > 0 && longest > 1 { // only a code of one symbol may be incomplete
		return errInflateCode
	}
	clear(table[:1<<primary])
	used := 1 << primary
	for sym, l := range lens {
		if l == 0 {
			continue
		}
		rev := uint(bits.Reverse16(uint16(next[l])) >> (16 - l))
		next[l]++
		e := symbols[sym]
		if e == 0 && sym != 256 { // stays an error
			continue
		}
		if uint(l) <= primary {
			for i := rev; i < 1<<primary; i += 1 << l {
				table[i] = e | uint32(l)
			}
			continue
		}
		sub := uint(maxCode) - primary
		at := rev & (1<<primary - 1)
		if table[at] == 0 {
			if used+1<<sub > len(table) {
				return errInflateCode
			}
			clear(table[used : used+1<<sub])
			table[at] = entrySub | uint32(primary) | uint32(sub)<<4 | uint32(used)<<16
			used += 1 << sub
		}
		start := uint(table[at] >> 16)
		for i := rev >> primary; i < 1<<sub; i += 1 << (uint(l) - primary) {
			table[start+i] = e | uint32(uint(l)-primary)
		}
	}
	return nil
}

// bitReader is the input's bits, the next one lowest.
type bitReader struct {
	src []byte
	at  int
	buf uint64
	n   uint // bits in buf
}

// fill makes sure of 48 bits, or of all that are left.
func (r *bitReader) fill() {
	for r.n <= 56 && r.at < len(r.src) {
		r.buf |= uint64(r.src[r.at]) << r.n
		r.at++
		r.n += 8
	}
}

// take gives n bits; false at the end of the input.
func (r *bitReader) take(n uint) (uint, bool) {
	r.fill()
	if n > r.n {
		return 0, false
	}
	v := uint(r.buf & (1<<n - 1))
	r.buf >>= n
	r.n -= n
	return v, true
}

// inflate decompresses src to dst and gives the bytes that it wrote and read.
func inflate(dst, src []byte) (n, used int, err error) {
	r := bitReader{src: src}
	d := inflaters.Get().(*inflater)
	defer inflaters.Put(d)
	for {
		head, ok := r.take(3)
		if !ok {
			return n, 0, errInflateShort
		}
		switch head >> 1 {
		case 0:
			n, err = r.stored(dst, n)
		case 1:
			n, err = fixedTables.block(&r, dst, n)
		case 2:
			if err = d.readTables(&r); err == nil {
				n, err = d.block(&r, dst, n)
			}
		default:
			err = errInflateData
		}
		if err != nil {
			return n, 0, err
		}
		if head&1 != 0 {
			return n, r.at - int(r.n>>3), nil
		}
	}
}

// stored copies a block that is not compressed.
func (r *bitReader) stored(dst []byte, out int) (int, error) {
	r.at -= int(r.n >> 3)
	r.buf, r.n = 0, 0
	if len(r.src)-r.at < 4 {
		return out, errInflateShort
	}
	size := int(binary.LittleEndian.Uint16(r.src[r.at:]))
	if size^0xffff != int(binary.LittleEndian.Uint16(r.src[r.at+2:])) {
		return out, errInflateData
	}
	r.at += 4
	if size > len(r.src)-r.at {
		return out, errInflateShort
	}
	if size > len(dst)-out {
		return out, errInflateRoom
	}
	copy(dst[out:], r.src[r.at:r.at+size])
	r.at += size
	return out + size, nil
}

// codeOrder is the order in which the lengths of the lengths' codes come.
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// preSymbols stand for themselves, plus one so that none is zero.
var preSymbols = func() (s [19]uint32) {
	for i := range s {
		s[i] = uint32(i+1) << 16
	}
	return s
}()

// readTables reads the codes of a block with codes of its own.
func (d *inflater) readTables(r *bitReader) error {
	head, ok := r.take(14)
	if !ok {
		return errInflateShort
	}
	lits, dists, codes := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if lits > 286 {
		return errInflateCode
	}
	var pre [19]uint8
	for _, i := range codeOrder[:codes] {
		v, ok := r.take(3)
		if !ok {
			return errInflateShort
		}
		pre[i] = uint8(v)
	}
	const preBits = 7
	if err := buildTable(d.pre[:], preBits, pre[:], preSymbols[:]); err != nil {
		return err
	}
	lens := d.lens[:lits+dists]
	for i := 0; i < len(lens); {
		r.fill()
		e := d.pre[r.buf&(1<<preBits-1)]
		if e == 0 {
			return errInflateData
		}
		if _, ok := r.take(uint(e & 15)); !ok {
			return errInflateShort
		}
		sym := e>>16 - 1
		if sym < 16 {
			lens[i] = uint8(sym)
			i++
			continue
		}
		extra, least, v := uint(2), 3, uint8(0)
		switch sym {
		case 16:
			if i == 0 {
				return errInflateCode
			}
			v = lens[i-1]
		case 17:
			extra = 3
		case 18:
			extra, least = 7, 11
		}
		k, ok := r.take(extra)
		if !ok {
			return errInflateShort
		}
		times := int(k) + least
		if times > len(lens)-i {
			return errInflateCode
		}
		for range times {
			lens[i] = v
			i++
		}
	}
	if lens[256] == 0 {
		return errInflateCode
	}
	if err := buildTable(d.lit[:], litBits, lens[:lits], litSymbols[:]); err != nil {
		return err
	}
	return buildTable(d.dist[:], distBits, lens[lits:], distSymbols[:])
}

// block decodes a block's codes: most of it by fast, its end with care.
func (d *inflater) block(r *bitReader, dst []byte, out int) (int, error) {
	out, done, err := d.fast(r, dst, out)
	for !done && err == nil {
		out, done, err = d.step(r, dst, out)
	}
	return out, err
}

// symbol decodes one code of a table.
func (r *bitReader) symbol(table []uint32, primary uint) (uint32, error) {
	r.fill()
	e := table[r.buf&(1<<primary-1)]
	if e&entrySub != 0 {
		if _, ok := r.take(primary); !ok {
			return 0, errInflateShort
		}
		e = table[uint64(e>>16)+r.buf&(1<<(e>>4&15)-1)]
	}
	if e == 0 {
		if r.n < maxCode && r.at == len(r.src) {
			return 0, errInflateShort
		}
		return 0, errInflateData
	}
	if _, ok := r.take(uint(e & 15)); !ok {
		return 0, errInflateShort
	}
	return e, nil
}

// step decodes one symbol.
func (d *inflater) step(r *bitReader, dst []byte, out int) (int, bool, error) {
	e, err := r.symbol(d.lit[:], litBits)
	if err != nil {
		return out, false, err
	}
	if e&entryLiteral != 0 {
		if out == len(dst) {
			return out, false, errInflateRoom
		}
		dst[out] = byte(e >> 16)
		return out + 1, false, nil
	}
	if e&entryEnd != 0 {
		return out, true, nil
	}
	extra, ok := r.take(uint(e >> 4 & 15))
	if !ok {
		return out, false, errInflateShort
	}
	length := int(e>>16) + int(extra)
	if e, err = r.symbol(d.dist[:], distBits); err != nil {
		return out, false, err
	}
	if extra, ok = r.take(uint(e >> 4 & 15)); !ok {
		return out, false, errInflateShort
	}
	distance := int(e>>16) + int(extra)
	if distance > out {
		return out, false, errInflateData
	}
	if length > len(dst)-out {
		return out, false, errInflateRoom
	}
	for range length {
		dst[out] = dst[out-distance]
		out++
	}
	return out, false, nil
}

const (
	longest  = 258
	fastRoom = longest + 16 // fast copies in words, beyond a match's end
)

// fast decodes while there is input for any symbol and room for any match.
func (d *inflater) fast(r *bitReader, dst []byte, out int) (int, bool, error) {
	src, at, buf, n := r.src, r.at, r.buf, r.n
	lit, dist := &d.lit, &d.dist
	var err error
	done := false
	for at+16 <= len(src) && out+fastRoom <= len(dst) {
		buf |= binary.LittleEndian.Uint64(src[at:]) << n
		at += int(63-n) >> 3
		n |= 56
		e := lit[buf&(1<<litBits-1)]
		if e&entryLiteral != 0 {
			buf, n = buf>>(e&15), n-uint(e&15)
			dst[out] = byte(e >> 16)
			out++
			if e = lit[buf&(1<<litBits-1)]; e&entryLiteral != 0 {
				buf, n = buf>>(e&15), n-uint(e&15)
				dst[out] = byte(e >> 16)
				out++
				if e = lit[buf&(1<<litBits-1)]; e&entryLiteral != 0 {
					buf, n = buf>>(e&15), n-uint(e&15)
					dst[out] = byte(e >> 16)
					out++
					continue
				}
			}
			buf |= binary.LittleEndian.Uint64(src[at:]) << n
			at += int(63-n) >> 3
			n |= 56
		}
		if e&entrySub != 0 {
			buf, n = buf>>litBits, n-litBits
			e = lit[uint(e>>16)+uint(buf)&(1<<(maxCode-litBits)-1)]
			if e&entryLiteral != 0 {
				buf, n = buf>>(e&15), n-uint(e&15)
				dst[out] = byte(e >> 16)
				out++
				continue
			}
		}
		if e == 0 {
			err = errInflateData
			break
		}
		buf, n = buf>>(e&15), n-uint(e&15)
		if e&entryEnd != 0 {
			done = true
			break
		}
		x := uint(e >> 4 & 15)
		length := int(e>>16) + int(buf&(1<<x-1))
		buf, n = buf>>x, n-x
		e = dist[buf&(1<<distBits-1)]
		if e&entrySub != 0 {
			buf, n = buf>>distBits, n-distBits
			e = dist[uint(e>>16)+uint(buf)&(1<<(maxCode-distBits)-1)]
		}
		if e == 0 {
			err = errInflateData
			break
		}
		buf, n = buf>>(e&15), n-uint(e&15)
		x = uint(e >> 4 & 15)
		distance := int(e>>16) + int(buf&(1<<x-1))
		buf, n = buf>>x, n-x
		if distance > out {
			err = errInflateData
			break
		}
		from := out - distance
		switch {
		case distance >= 8: // words do not reach into what they are copied from
			for k := 0; k < length; k += 8 {
				binary.LittleEndian.PutUint64(dst[out+k:], binary.LittleEndian.Uint64(dst[from+k:]))
			}
		case distance == 1:
			w := uint64(dst[from]) * 0x0101010101010101
			for k := 0; k < length; k += 8 {
				binary.LittleEndian.PutUint64(dst[out+k:], w)
			}
		default:
			for k := range length {
				dst[out+k] = dst[from+k]
			}
		}
		out += length
	}
	r.at, r.buf, r.n = at, buf&(1<<n-1), n
	return out, done, err
}
