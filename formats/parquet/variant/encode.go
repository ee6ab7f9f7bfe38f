package variant

import (
	"encoding/binary"
	"math"
)

// field is one field of an object being built: its dictionary id, its name and
// the range of its bytes in the scratch buffer.
type field struct {
	id         int
	name       string
	start, end int
}

// appendHeader starts a primitive, whose basic type is 0.
func appendHeader(dst []byte, typ int) []byte { return append(dst, byte(typ<<2)) }

func appendInt(dst []byte, typ int, v uint64, width int) []byte {
	return appendUint(appendHeader(dst, typ), v, width)
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return appendHeader(dst, typeTrue)
	}
	return appendHeader(dst, typeFalse)
}

// appendString uses the short form up to 63 bytes.
func appendString(dst []byte, s []byte) []byte {
	if len(s) < 64 {
		dst = append(dst, byte(len(s)<<2|basicShortString))
		return append(dst, s...)
	}
	return appendLong(dst, typeString, s)
}

func appendLong(dst []byte, typ int, s []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(appendHeader(dst, typ), uint32(len(s)))
	return append(dst, s...)
}

// byteWidth is the fewest bytes that hold v.
func byteWidth(v int) int {
	switch {
	case v <= math.MaxUint8:
		return 1
	case v <= math.MaxUint16:
		return 2
	case v < 1<<24:
		return 3
	}
	return 4
}

// appendUint appends v in width bytes, little-endian.
func appendUint[T int | uint64](dst []byte, v T, width int) []byte {
	for i := range width {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}

// appendArray writes an array whose elements are the ranges between ends in
// data (VariantEncoding.md, "Value Data for Array").
func appendArray(dst, data []byte, ends []int) []byte {
	width := byteWidth(len(data))
	header := width - 1
	large := len(ends) > math.MaxUint8
	if large {
		header |= 4
	}
	dst = append(dst, byte(header<<2|basicArray))
	dst = appendCount(dst, len(ends), large)
	dst = appendUint(dst, 0, width)
	for _, end := range ends {
		dst = appendUint(dst, end, width)
	}
	return append(dst, data...)
}

// appendObject writes an object of fields in order of their names
// (VariantEncoding.md, "Value Data for Object").
func appendObject(dst, data []byte, fields []field) []byte {
	maxID, total := 0, 0
	for _, f := range fields {
		maxID = max(maxID, f.id)
		total += f.end - f.start
	}
	idWidth, offWidth := byteWidth(maxID), byteWidth(total)
	header := (idWidth-1)<<2 | (offWidth - 1)
	large := len(fields) > math.MaxUint8
	if large {
		header |= 16
	}
	dst = append(dst, byte(header<<2|basicObject))
	dst = appendCount(dst, len(fields), large)
	for _, f := range fields {
		dst = appendUint(dst, f.id, idWidth)
	}
	off := 0
	for _, f := range fields {
		dst = appendUint(dst, off, offWidth)
		off += f.end - f.start
	}
	dst = appendUint(dst, off, offWidth)
	for _, f := range fields {
		dst = append(dst, data[f.start:f.end]...)
	}
	return dst
}

func appendCount(dst []byte, n int, large bool) []byte {
	if large {
		return appendUint(dst, n, 4)
	}
	return append(dst, byte(n))
}
