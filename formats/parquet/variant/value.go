package variant

import (
	"encoding/binary"
	"fmt"
)

// container is a parsed object or array header: views of ids, offsets, values.
type container struct {
	n        int
	ids      []byte // objects only
	idWidth  int
	offsets  []byte
	offWidth int
	values   []byte
	size     int // of the whole encoding
}

// parseContainer reads the header of an object or array.
func parseContainer(v []byte) (container, error) {
	var c container
	header := v[0] >> 2
	c.offWidth = int(header&3) + 1
	isObject := v[0]&3 == basicObject
	large := header&4 != 0
	if isObject {
		c.idWidth = int(header>>2&3) + 1
		large = header&16 != 0
	}
	rest := v[1:]
	size := 1
	if large {
		size = 4
	}
	if len(rest) < size {
		return c, fmt.Errorf("%w: it ends in an element count", ErrInvalid)
	}
	n := uintLE(rest, size)
	rest = rest[size:]
	need := n*uint64(c.idWidth) + (n+1)*uint64(c.offWidth)
	if need > uint64(len(rest)) {
		return c, fmt.Errorf("%w: %d elements in %d bytes", ErrInvalid, n, len(v))
	}
	c.n = int(n)
	c.ids, rest = rest[:c.n*c.idWidth], rest[c.n*c.idWidth:]
	c.offsets, c.values = rest[:(c.n+1)*c.offWidth], rest[(c.n+1)*c.offWidth:]
	end := uintLE(c.offsets[c.n*c.offWidth:], c.offWidth)
	if end > uint64(len(c.values)) {
		return c, fmt.Errorf("%w: element data of %d bytes in %d", ErrInvalid, end, len(c.values))
	}
	c.size = len(v) - len(c.values) + int(end)
	c.values = c.values[:end]
	return c, nil
}

func (c container) id(i int) int { return int(uintLE(c.ids[i*c.idWidth:], c.idWidth)) }

// element gives the exact bytes of element i. Offsets of an object need not
// ascend, so an element's own encoding tells its length.
func (c container) element(i, depth int) ([]byte, error) {
	off := uintLE(c.offsets[i*c.offWidth:], c.offWidth)
	if off >= uint64(len(c.values)) {
		return nil, fmt.Errorf("%w: element %d at offset %d of %d bytes", ErrInvalid, i, off, len(c.values))
	}
	v := c.values[off:]
	n, err := valueSize(v)
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrInvalid, maxDepth)
	}
	return v[:n], nil
}

// primitiveSize is the number of bytes after the header; -1: a length follows.
var primitiveSize = [...]int{
	typeNull: 0, typeTrue: 0, typeFalse: 0, typeInt8: 1, typeInt16: 2, typeInt32: 4, typeInt64: 8,
	typeDouble: 8, typeDecimal4: 5, typeDecimal8: 9, typeDecimal16: 17, typeDate: 4,
	typeTimestamp: 8, typeTimestampNTZ: 8, typeFloat: 4, typeBinary: -1, typeString: -1,
	typeTime: 8, typeTimestampNanos: 8, typeTimestampNTZNanos: 8, typeUUID: 16,
}

// valueSize is the number of bytes that the value at the start of v takes.
func valueSize(v []byte) (int, error) {
	if len(v) == 0 {
		return 0, fmt.Errorf("%w: an empty value", ErrInvalid)
	}
	var n int
	switch v[0] & 3 {
	case basicPrimitive:
		typ := int(v[0] >> 2)
		if typ >= len(primitiveSize) {
			return 0, fmt.Errorf("%w: primitive type %d", ErrInvalid, typ)
		}
		if n = 1 + primitiveSize[typ]; n == 0 {
			if len(v) < 5 {
				return 0, fmt.Errorf("%w: it ends in a length", ErrInvalid)
			}
			n = 5 + int(binary.LittleEndian.Uint32(v[1:]))
		}
	case basicShortString:
		n = 1 + int(v[0]>>2)
	default:
		c, err := parseContainer(v)
		if err != nil {
			return 0, err
		}
		n = c.size
	}
	if n > len(v) {
		return 0, fmt.Errorf("%w: a value of %d bytes in %d", ErrInvalid, n, len(v))
	}
	return n, nil
}
