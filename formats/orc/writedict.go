package orc

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
)

// numbering gives numbers to the distinct values of a stripe in order of appearance. It
// is an open-addressing table over the values it holds, so that a lookup
// allocates nothing.
type numbering struct {
	data  []byte
	ends  []int // of value i in data
	slots []numberSlot
	shift int // 64 - log2(len(slots))
	seed  maphash.Seed
}

// numberSlot is a value's number+1 (0 is free), with bits of its hash that spare
// most comparisons.
type numberSlot struct{ number, tag uint32 }

const (
	minDictSlots  = 1 << 9
	keepDictSlots = 1 << 15
)

func newNumbering() *numbering {
	d := &numbering{seed: maphash.MakeSeed()}
	d.resize(minDictSlots)
	return d
}

// reset empties it. A large one gives its memory back.
func (d *numbering) reset() {
	d.data, d.ends = d.data[:0], d.ends[:0]
	if len(d.slots) > keepDictSlots {
		d.data, d.ends = nil, nil
		d.resize(minDictSlots)
		return
	}
	clear(d.slots)
}

func (d *numbering) len() int { return len(d.ends) }

// at is the bytes of value i.
func (d *numbering) at(i uint32) []byte {
	start := 0
	if i > 0 {
		start = d.ends[i-1]
	}
	return d.data[start:d.ends[i]]
}

func (d *numbering) held() int64 { return int64(cap(d.data) + 8*cap(d.ends) + 8*len(d.slots)) }

func (d *numbering) resize(n int) {
	d.slots = make([]numberSlot, n)
	d.shift = 64 - bits.TrailingZeros(uint(n))
	mask := n - 1
	for i := range d.ends {
		h := maphash.Bytes(d.seed, d.at(uint32(i)))
		at := int(h >> d.shift)
		for d.slots[at].number != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = numberSlot{uint32(i) + 1, uint32(h)}
	}
}

// number gives the number of a value, which it enters if it is new.
func (d *numbering) number(b []byte) uint32 {
	h := maphash.Bytes(d.seed, b)
	mask := len(d.slots) - 1
	at := int(h >> d.shift)
	for {
		s := d.slots[at]
		if s.number == 0 {
			break
		}
		if s.tag == uint32(h) && bytes.Equal(d.at(s.number-1), b) {
			return s.number - 1
		}
		at = (at + 1) & mask
	}
	d.data = append(d.data, b...)
	d.ends = append(d.ends, len(d.data))
	n := uint32(len(d.ends))
	d.slots[at] = numberSlot{n, uint32(h)}
	if 2*len(d.ends) > len(d.slots) {
		d.resize(2 * len(d.slots))
	}
	return n - 1
}

// sorted gives the numbers in the order of their values' bytes.
func (d *numbering) sorted() []uint32 {
	type entry struct {
		key    uint64 // the value's first eight bytes
		number uint32
	}
	list := make([]entry, d.len())
	for i := range list {
		b := d.at(uint32(i))
		var first [8]byte
		copy(first[:], b)
		list[i] = entry{binary.BigEndian.Uint64(first[:]), uint32(i)}
	}
	slices.SortFunc(list, func(a, b entry) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return bytes.Compare(d.at(a.number), d.at(b.number))
	})
	out := make([]uint32, len(list))
	for i, e := range list {
		out[i] = e.number
	}
	return out
}
