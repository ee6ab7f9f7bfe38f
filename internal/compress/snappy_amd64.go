//go:build !purego

package compress

import (
	"encoding/binary"
	"errors"
)

// snappyTable tells of each tag byte the length of its element (bits 0-7), the
// high bits of its offset (16-31) and the mask of those that follow the tag
// (32-63). A literal has an offset of 16, which no check refuses; an element
// that snappyFast leaves alone has 0.
var snappyTable = func() (t [256]uint64) {
	for tag := range uint64(256) {
		switch size := tag >> 2; {
		case tag&3 == 0 && size < 60:
			t[tag] = size + 1 | 16<<16
		case tag&3 == 1:
			t[tag] = size&7 + 4 | tag>>5<<24 | 0xff<<32
		case tag&3 == 2:
			t[tag] = size + 1 | 0xffff<<32
		}
	}
	return t
}()

// snappyFast decodes elements from at in src to end in dst while both are far
// enough from their ends that it may copy more than is asked for, and gives the
// places that it came to. It stops at what it does not know: long literals,
// offsets of four bytes, offsets before the start of dst.
//
//go:noescape
func snappyFast(dst, src []byte, at, end int) (int, int)

var errSnappy = errors.New("a broken element")

// snappyDecompress fills dst (format_description.txt of Snappy). Nearly all is
// done by snappyFast; here is what it leaves.
func snappyDecompress(dst, src []byte) (int, error) {
	size, at := binary.Uvarint(src)
	if at <= 0 || size != uint64(len(dst)) {
		return 0, errSnappy
	}
	end := 0
	for {
		if len(src)-at > 66 && len(dst)-end > 80 {
			at, end = snappyFast(dst, src, at, end)
		}
		if at == len(src) {
			return end, nil
		}
		tag := src[at]
		at++
		var extra [4]byte // the bytes of a length or an offset
		n := int(tag & 3)
		switch {
		case n == 3:
			n = 4
		case n == 0 && tag>>2 >= 60:
			n = int(tag>>2) - 59
		}
		if copy(extra[:n], src[at:]) < n {
			return end, errSnappy
		}
		at += n
		x := int(binary.LittleEndian.Uint32(extra[:]))
		length := int(tag>>2) + 1
		if tag&3 == 0 {
			if n > 0 {
				length = x + 1
			}
			if length > len(src)-at || length > len(dst)-end {
				return end, errSnappy
			}
			end += copy(dst[end:], src[at:at+length])
			at += length
			continue
		}
		if tag&3 == 1 {
			length = int(tag>>2)&7 + 4
			x |= int(tag>>5) << 8
		}
		if x == 0 || x > end || length > len(dst)-end {
			return end, errSnappy
		}
		for range length {
			dst[end] = dst[end-x]
			end++
		}
	}
}
