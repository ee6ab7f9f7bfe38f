package variant

import (
	"bytes"
	"fmt"
)

// Metadata is the dictionary of field names of one value
// (VariantEncoding.md, "Metadata encoding"). It keeps a view of its bytes.
type Metadata struct {
	offsets []byte // (n+1) little-endian numbers of width bytes
	strings []byte
	n       int
	width   int
	sorted  bool
}

// ParseMetadata reads a metadata dictionary; Size tells what it took of b.
func ParseMetadata(b []byte) (Metadata, error) {
	if len(b) == 0 {
		return Metadata{}, fmt.Errorf("%w: no metadata", ErrInvalid)
	}
	if v := b[0] & 0x0f; v != 1 {
		return Metadata{}, fmt.Errorf("%w: metadata version %d", ErrInvalid, v)
	}
	m := Metadata{width: int(b[0]>>6) + 1, sorted: b[0]&0x10 != 0}
	rest := b[1:]
	if len(rest) < m.width {
		return Metadata{}, fmt.Errorf("%w: metadata ends in its header", ErrInvalid)
	}
	n := uintLE(rest, m.width)
	rest = rest[m.width:]
	if n >= uint64(len(rest)/m.width) {
		return Metadata{}, fmt.Errorf("%w: metadata names %d strings in %d bytes", ErrInvalid, n, len(b))
	}
	m.n = int(n)
	m.offsets, m.strings = rest[:(m.n+1)*m.width], rest[(m.n+1)*m.width:]
	last := uint64(0)
	for i := range m.n + 1 {
		off := uintLE(m.offsets[i*m.width:], m.width)
		if off < last || off > uint64(len(m.strings)) {
			return Metadata{}, fmt.Errorf("%w: metadata offset %d of string %d", ErrInvalid, off, i)
		}
		last = off
	}
	m.strings = m.strings[:last]
	return m, nil
}

// Size is the number of bytes of the encoded dictionary.
func (m Metadata) Size() int { return 1 + m.width + len(m.offsets) + len(m.strings) }

// Len is the number of names.
func (m Metadata) Len() int { return m.n }

// Name gives the name of a field id.
func (m Metadata) Name(id int) ([]byte, error) {
	if id < 0 || id >= m.n {
		return nil, fmt.Errorf("%w: field id %d of %d names", ErrInvalid, id, m.n)
	}
	start := uintLE(m.offsets[id*m.width:], m.width)
	end := uintLE(m.offsets[(id+1)*m.width:], m.width)
	return m.strings[start:end], nil
}

// Find gives the id of a name; false if the dictionary lacks it. The sorted
// flag is a claim of the writer, so a miss by bisection is looked at again.
func (m Metadata) Find(name string) (int, bool) {
	if m.sorted {
		lo, hi := 0, m.n
		for lo < hi {
			mid := (lo + hi) / 2
			switch s, _ := m.Name(mid); bytes.Compare(s, []byte(name)) {
			case 0:
				return mid, true
			case -1:
				lo = mid + 1
			default:
				hi = mid
			}
		}
	}
	for id := range m.n {
		if s, _ := m.Name(id); string(s) == name {
			return id, true
		}
	}
	return 0, false
}

// uintLE reads a little-endian number of 1 to 4 bytes.
func uintLE(b []byte, width int) uint64 {
	var v uint64
	for i := range width {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}
