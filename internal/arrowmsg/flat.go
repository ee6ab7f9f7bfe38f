package arrowmsg

import (
	"encoding/binary"
	"unicode/utf8"
)

// flat reads a flatbuffer that nobody vouches for. A place outside of the bytes
// makes it bad, and everything read from then on zero. Each table is counted
// as often as it is referred to, and there may be no more of them than the
// bytes could hold: references to one table from many do not multiply the work.
type flat struct {
	b      []byte
	visits int
	bad    bool
}

func newFlat(b []byte) *flat { return &flat{b: b, visits: len(b)/4 + 1, bad: len(b) < 8} }

func (f *flat) bytes(at, n int64) []byte {
	if f.bad || at < 0 || n < 0 || at > int64(len(f.b))-n {
		f.bad = true
		return make([]byte, min(max(n, 0), 8))
	}
	return f.b[at : at+n]
}

func (f *flat) u16(at int64) int64 { return int64(binary.LittleEndian.Uint16(f.bytes(at, 2))) }
func (f *flat) u32(at int64) int64 { return int64(binary.LittleEndian.Uint32(f.bytes(at, 4))) }
func (f *flat) i32(at int64) int64 { return int64(int32(binary.LittleEndian.Uint32(f.bytes(at, 4)))) }
func (f *flat) i64(at int64) int64 { return int64(binary.LittleEndian.Uint64(f.bytes(at, 8))) }

// table is a table's place; ok is false for one that is not there, whose fields
// are all missing.
type table struct {
	f  *flat
	at int64
	ok bool
}

func (f *flat) root() table { return f.table(f.u32(0)) }

func (f *flat) table(at int64) table {
	if f.visits--; f.visits < 0 {
		f.bad = true
	}
	v := at - f.i32(at)
	size, inline := f.u16(v), f.u16(v+2)
	if f.bad || size < 4 || size%2 != 0 || v+size > int64(len(f.b)) || inline < 4 || at+inline > int64(len(f.b)) {
		f.bad = true
		return table{f: f}
	}
	return table{f, at, true}
}

// slot is the place of a field, -1 if it is not there. That it lies within the
// size that the table's list of fields states is not held against it: Go's
// builder shares such lists between tables of different size.
func (t table) slot(field int) int64 {
	if !t.ok || t.f.bad {
		return -1
	}
	v := t.at - t.f.i32(t.at)
	o := int64(4 + 2*field)
	if o+2 > t.f.u16(v) {
		return -1
	}
	off := t.f.u16(v + o)
	if off == 0 {
		return -1
	}
	return t.at + off
}

// num reads an integer field of 1, 2, 4 or 8 bytes, signed.
func (t table) num(field int, width int64, missing int64) int64 {
	at := t.slot(field)
	if at < 0 {
		return missing
	}
	switch width {
	case 1:
		return int64(int8(t.f.bytes(at, 1)[0]))
	case 2:
		return int64(int16(t.f.u16(at)))
	case 4:
		return t.f.i32(at)
	}
	return t.f.i64(at)
}

func (t table) flag(field int, missing bool) bool {
	m := int64(0)
	if missing {
		m = 1
	}
	return t.num(field, 1, m) != 0
}

// ref follows an offset, -1 if it is not there.
func (t table) ref(field int) int64 {
	at := t.slot(field)
	if at < 0 {
		return -1
	}
	return at + t.f.u32(at)
}

func (t table) child(field int) table {
	at := t.ref(field)
	if at < 0 {
		return table{f: t.f}
	}
	return t.f.table(at)
}

// vector gives the place and number of a vector's elements of width bytes.
func (t table) vector(field int, width int64) (at int64, n int) {
	at = t.ref(field)
	if at < 0 {
		return 0, 0
	}
	k := t.f.u32(at)
	if t.f.bad || at+4+k*width > int64(len(t.f.b)) {
		t.f.bad = true
		return 0, 0
	}
	return at + 4, int(k)
}

// tables gives the tables of a vector, one after the other.
func (t table) tables(field int, each func(table)) {
	at, n := t.vector(field, 4)
	for i := range n {
		if t.f.bad {
			return
		}
		e := at + int64(4*i)
		each(t.f.table(e + t.f.u32(e)))
	}
}

func (t table) text(field int) string {
	at, n := t.vector(field, 1)
	if n == 0 {
		return ""
	}
	s := string(t.f.bytes(at, int64(n)))
	if !utf8.ValidString(s) {
		t.f.bad = true
	}
	return s
}
