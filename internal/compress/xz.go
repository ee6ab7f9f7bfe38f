package compress

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// The .xz container (The .xz File Format 1.2.1) is read here, so that the sizes
// which its LZMA2 chunks state are known before anything is allocated, its
// dictionary is no larger than its data, and its checks are verified. Only
// LZMA2 is decoded; the filters for machine code and deltas are not.

const xzMagic, xzFooterMagic = "\xfd7zXZ\x00", "YZ"

// XZ reads .xz streams.
type XZ struct {
	src   []byte
	dst   []byte
	limit int
}

// DecompressXZ appends what the .xz streams in src hold to dst. More than limit
// bytes in all is ErrTooLarge, damage ErrCorrupt.
func DecompressXZ(dst, src []byte, limit int) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // of a decoder that is not ours
			err = fmt.Errorf("%w: xz: %v", ErrCorrupt, r)
		}
	}()
	x := XZ{src: src, dst: dst, limit: limit}
	for first := true; first || len(x.src) > 0; first = false {
		if err := x.stream(); err != nil {
			return dst, err
		}
		for len(x.src) >= 4 && string(x.src[:4]) == "\x00\x00\x00\x00" { // stream padding
			x.src = x.src[4:]
		}
	}
	return x.dst, nil
}

func xzCorrupt(what string) error { return fmt.Errorf("%w: xz: %s", ErrCorrupt, what) }

// checkSizes are the bytes of each kind of check.
var checkSizes = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

var xzCRC64 = crc64.MakeTable(crc64.ECMA)

func (x *XZ) stream() error {
	h := x.src
	if len(h) < 12 || string(h[:6]) != xzMagic || h[6] != 0 || h[7] > 15 {
		return xzCorrupt("no stream header")
	}
	if crc32.ChecksumIEEE(h[6:8]) != binary.LittleEndian.Uint32(h[8:]) {
		return xzCorrupt("the stream header's CRC does not match")
	}
	flags := h[6:8]
	x.src = h[12:]
	for len(x.src) > 0 && x.src[0] != 0 {
		if err := x.block(int(flags[1])); err != nil {
			return err
		}
	}
	return x.index(flags)
}

// index passes over the index and the footer, of which it verifies the CRCs.
func (x *XZ) index(flags []byte) error {
	at, ok := 1, len(x.src) > 1
	var records uint64
	if ok {
		records, at, ok = vli(x.src, at)
	}
	for i := uint64(0); ok && i < 2*records; i++ {
		_, at, ok = vli(x.src, at)
	}
	for ok && at%4 != 0 {
		at++
	}
	if !ok || len(x.src) < at+4+12 {
		return xzCorrupt("it ends within its index")
	}
	if crc32.ChecksumIEEE(x.src[:at]) != binary.LittleEndian.Uint32(x.src[at:]) {
		return xzCorrupt("the index's CRC does not match")
	}
	f := x.src[at+4:]
	if string(f[10:12]) != xzFooterMagic || !bytes.Equal(f[8:10], flags) || crc32.ChecksumIEEE(f[4:10]) != binary.LittleEndian.Uint32(f) {
		return xzCorrupt("no stream footer")
	}
	x.src = f[12:]
	return nil
}

// vli reads a number of the container.
func vli(b []byte, at int) (v uint64, next int, ok bool) {
	for i := 0; i < 9 && at+i < len(b); i++ {
		c := b[at+i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, at + i + 1, true
		}
	}
	return 0, at, false
}

// block decodes one block: header, LZMA2 chunks, padding, check.
func (x *XZ) block(check int) error {
	size := (int(x.src[0]) + 1) * 4
	if len(x.src) < size {
		return xzCorrupt("it ends within a block header")
	}
	h := x.src[:size-4]
	if crc32.ChecksumIEEE(h) != binary.LittleEndian.Uint32(x.src[size-4:]) {
		return xzCorrupt("a block header's CRC does not match")
	}
	at, ok := 2, true
	for _, bit := range []byte{0x40, 0x80} { // the sizes of the block, which its chunks tell as well
		if h[1]&bit != 0 && ok {
			_, at, ok = vli(h, at)
		}
	}
	if !ok || at+3 > len(h) {
		return xzCorrupt("a block header without filters")
	}
	if h[1]&3 != 0 || h[at] != 0x21 || h[at+1] != 1 {
		return fmt.Errorf("%w: xz: a filter other than LZMA2", ErrReadOnly)
	}
	dict, err := lzma.DecodeDictCap(h[at+2])
	if err != nil {
		return xzCorrupt(err.Error())
	}
	body := x.src[size:]
	packed, plain, err := chunks(body)
	if err != nil {
		return err
	}
	if plain > x.limit-len(x.dst) {
		return fmt.Errorf("%w: xz: %d bytes", ErrTooLarge, plain)
	}
	r, err := lzma.Reader2Config{DictCap: max(lzma.MinDictCap, int(min(dict, int64(plain))))}.NewReader2(bytes.NewReader(body[:packed]))
	if err != nil {
		return xzCorrupt(err.Error())
	}
	start := len(x.dst)
	x.dst = append(x.dst, make([]byte, plain)...)
	if _, err := io.ReadFull(r, x.dst[start:]); err != nil && plain > 0 {
		return xzCorrupt(err.Error())
	}
	for packed%4 != 0 {
		packed++
	}
	if len(body) < packed+checkSizes[check] {
		return xzCorrupt("it ends before a block's check")
	}
	if !checked(check, x.dst[start:], body[packed:packed+checkSizes[check]]) {
		return xzCorrupt("a block's check does not match")
	}
	x.src = body[packed+checkSizes[check]:]
	return nil
}

// checked verifies the checks that are known.
func checked(kind int, data, want []byte) bool {
	switch kind {
	case 1:
		return crc32.ChecksumIEEE(data) == binary.LittleEndian.Uint32(want)
	case 4:
		return crc64.Checksum(data, xzCRC64) == binary.LittleEndian.Uint64(want)
	case 10:
		var h hash.Hash = sha256.New()
		h.Write(data)
		return bytes.Equal(h.Sum(nil), want)
	}
	return true
}

// chunks adds up what the LZMA2 chunks of a block state: their bytes, the end
// mark included, and those they decode to.
func chunks(b []byte) (packed, plain int, err error) {
	for {
		if packed >= len(b) {
			return 0, 0, xzCorrupt("it ends within a block")
		}
		c := b[packed]
		header, size := 3, 0
		switch {
		case c == 0:
			return packed + 1, plain, nil
		case c >= 0x80:
			if header = 5; c >= 0xc0 {
				header = 6
			}
		case c > 2:
			return 0, 0, xzCorrupt("a chunk that is not LZMA2")
		}
		if packed+header > len(b) {
			return 0, 0, xzCorrupt("it ends within a chunk")
		}
		plain += int(binary.BigEndian.Uint16(b[packed+1:])) + 1
		if c >= 0x80 {
			plain += int(c&0x1f) << 16
			size = int(binary.BigEndian.Uint16(b[packed+3:])) + 1
		} else {
			size = int(binary.BigEndian.Uint16(b[packed+1:])) + 1
		}
		packed += header + size
	}
}
