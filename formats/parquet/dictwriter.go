package parquet

import (
	"hash/maphash"
	"math/bits"
)

// dictionary numbers the distinct values of a chunk in order of appearance. It
// is an open-addressing table over the values it holds, so that a lookup
// allocates nothing.
type dictionary struct {
	vals  valueBuf
	keys  []uint64 // of byte arrays: their sort keys
	slots []uint32 // number+1; 0 is free
	shift int      // 64 - log2(len(slots))
	seed  maphash.Seed
	onNew func(value []byte) // told of each distinct value; may be nil
}

const (
	minDictSlots  = 256
	keepDictSlots = 1 << 13
)

func newDictionary(empty valueBuf) *dictionary {
	d := &dictionary{vals: empty, seed: maphash.MakeSeed()}
	d.resize(minDictSlots)
	return d
}

// reset empties the dictionary. A large one gives its memory back: the next
// chunk need not have one.
func (d *dictionary) reset() {
	d.vals.reset()
	d.keys = d.keys[:0]
	if len(d.slots) > keepDictSlots {
		d.keys = nil
		empty := []int32{0}
		if d.vals.width > 0 {
			empty = nil
		}
		d.vals = valueBuf{width: d.vals.width, offsets: empty}
		d.resize(minDictSlots)
		return
	}
	clear(d.slots)
}

// bytes is the size of the dictionary page, about.
func (d *dictionary) bytes() int { return d.vals.plainBytes() }

// held is the memory of the dictionary.
func (d *dictionary) held() int64 {
	return int64(cap(d.vals.fixed) + cap(d.vals.data) + 4*cap(d.vals.offsets) + 8*cap(d.keys) + 4*len(d.slots))
}

// width is the bit width of its indices; at least 1, as other writers have it.
func (d *dictionary) width() int { return max(bits.Len(uint(max(d.vals.n, 1)-1)), 1) }

func (d *dictionary) resize(n int) {
	d.slots = make([]uint32, n)
	d.shift = 64 - bits.TrailingZeros(uint(n))
	mask := n - 1
	for i := range d.vals.n {
		at := int(d.hash(i) >> d.shift)
		for d.slots[at] != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = uint32(i) + 1
	}
}

func mix64(x uint64) uint64 {
	x ^= x >> 32
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 29
	return x * 0xbf58476d1ce4e5b9
}

func (d *dictionary) hash(i int) uint64 {
	switch d.vals.width {
	case 4:
		return mix64(uint64(cast[uint32](d.vals.fixed)[i]))
	case 8:
		return mix64(cast[uint64](d.vals.fixed)[i])
	}
	if d.vals.width == 0 {
		return d.hashBytes(&d.vals, i, d.keys[i])
	}
	return maphash.Bytes(d.seed, d.vals.at(i))
}

// hashBytes is the hash of byte array i of v, of which k is the sort key.
func (d *dictionary) hashBytes(v *valueBuf, i int, k uint64) uint64 {
	if n := v.offsets[i+1] - v.offsets[i]; n <= 8 {
		return mix64(k + uint64(n))
	}
	return maphash.Bytes(d.seed, v.at(i))
}

// number appends the numbers of the values of v to dst, entering new ones.
func (d *dictionary) number(dst []uint32, v *valueBuf) ([]uint32, error) {
	switch d.vals.width {
	case 4:
		return numberFixed[uint32](d, dst, v)
	case 8:
		return numberFixed[uint64](d, dst, v)
	case 0:
		return d.numberBytes(dst, v)
	}
	mask := len(d.slots) - 1
	for i := range v.n {
		b := v.at(i)
		at := int(maphash.Bytes(d.seed, b) >> d.shift)
		for {
			s := d.slots[at]
			if s == 0 {
				if err := d.vals.add(b); err != nil {
					return dst, err
				}
				d.slots[at] = uint32(d.vals.n)
				dst = append(dst, uint32(d.vals.n)-1)
				if d.entered(b) {
					mask = len(d.slots) - 1
				}
				break
			}
			if string(d.vals.at(int(s-1))) == string(b) {
				dst = append(dst, s-1)
				break
			}
			at = (at + 1) & mask
		}
	}
	return dst, nil
}

// numberBytes is number for byte arrays. Those of up to eight bytes are told
// apart by key and length alone.
func (d *dictionary) numberBytes(dst []uint32, v *valueBuf) ([]uint32, error) {
	mask := len(d.slots) - 1
	for i := range v.n {
		k := v.sortKey(i)
		size := v.offsets[i+1] - v.offsets[i]
		at := int(d.hashBytes(v, i, k) >> d.shift)
		for {
			s := int(d.slots[at])
			if s == 0 {
				b := v.at(i)
				if err := d.vals.add(b); err != nil {
					return dst, err
				}
				d.keys = append(d.keys, k)
				d.slots[at] = uint32(d.vals.n)
				dst = append(dst, uint32(d.vals.n)-1)
				if d.entered(b) {
					mask = len(d.slots) - 1
				}
				break
			}
			if d.keys[s-1] == k && d.vals.offsets[s]-d.vals.offsets[s-1] == size && (size <= 8 || string(d.vals.at(s-1)) == string(v.at(i))) {
				dst = append(dst, uint32(s-1))
				break
			}
			at = (at + 1) & mask
		}
	}
	return dst, nil
}

func numberFixed[T uint32 | uint64](d *dictionary, dst []uint32, v *valueBuf) ([]uint32, error) {
	mask := len(d.slots) - 1
	known := cast[T](d.vals.fixed)
	for i, x := range cast[T](v.fixed) {
		at := int(mix64(uint64(x)) >> d.shift)
		for {
			s := d.slots[at]
			if s == 0 {
				b := v.at(i)
				if err := d.vals.add(b); err != nil {
					return dst, err
				}
				known = cast[T](d.vals.fixed)
				d.slots[at] = uint32(d.vals.n)
				dst = append(dst, uint32(d.vals.n)-1)
				if d.entered(b) {
					mask = len(d.slots) - 1
				}
				break
			}
			if known[s-1] == x {
				dst = append(dst, s-1)
				break
			}
			at = (at + 1) & mask
		}
	}
	return dst, nil
}

// entered keeps the table at most half full; it reports whether it grew.
func (d *dictionary) entered(b []byte) bool {
	if d.onNew != nil {
		d.onNew(b)
	}
	if 2*d.vals.n <= len(d.slots) {
		return false
	}
	d.resize(2 * len(d.slots))
	return true
}

// gather appends the values of idx to dst.
func (d *dictionary) gather(dst *valueBuf, idx []uint32) error {
	for _, x := range idx {
		if err := dst.add(d.vals.at(int(x))); err != nil {
			return err
		}
	}
	return nil
}
