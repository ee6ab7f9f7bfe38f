package colbuild

import (
	"encoding/binary"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
)

// words sees bytes as values of another width, capacity included.
func words[T int32 | int64](b []byte) []T {
	var t T
	w := int(unsafe.Sizeof(t))
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b[:cap(b)]))), cap(b)/w)[:len(b)/w]
}

// raw sees values as bytes, capacity included.
func raw[T int32 | int64](s []T) []byte {
	var t T
	w := int(unsafe.Sizeof(t))
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), cap(s)*w)[:len(s)*w]
}

// pack turns bytes that are 0 or 1 into bits.
func pack(dst, src []byte) {
	for len(src) >= 8 {
		dst[0] = byte(binary.LittleEndian.Uint64(src) * 0x0102040810204080 >> 56)
		dst, src = dst[1:], src[8:]
	}
	if len(src) > 0 {
		var b byte
		for i, v := range src {
			b |= v << i
		}
		dst[0] = b
	}
}

// checkText verifies that strings are UTF-8. The bytes of all slots together
// are looked at once; slots only matter where they are not ASCII.
func (c *Column) checkText() error {
	switch c.field.Type.ID() {
	case arrow.STRING, arrow.LARGE_STRING:
		if isASCII(c.data) {
			return nil
		}
		for i := range c.n {
			var v []byte
			if c.layout == text {
				v = c.data[c.offs[i]:c.offs[i+1]]
			} else {
				v = c.data[c.offs64[i]:c.offs64[i+1]]
			}
			if !utf8.Valid(v) {
				return &Error{Column: c.path, Row: i, Err: ErrText}
			}
		}
	}
	for _, k := range c.kids {
		if err := k.checkText(); err != nil {
			err.(*Error).Row = -1 // of the child, which says little
			return err
		}
	}
	return nil
}

func isASCII(b []byte) bool {
	for len(b) >= 32 {
		w := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) | binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
		if w&0x8080808080808080 != 0 {
			return false
		}
		b = b[32:]
	}
	for _, x := range b {
		if x >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
