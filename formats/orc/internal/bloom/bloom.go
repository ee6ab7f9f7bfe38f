// Package bloom is ORC's Bloom filters (specification, "Bloom Filter Index"), of
// the kind BLOOM_FILTER_UTF8: 64-bit Murmur3 of texts, Thomas Wang's hash of
// integers, and both halves of a hash combined into k bits.
package bloom

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Filter is a set of bits.
type Filter struct {
	words  []uint64
	hashes int
}

// New makes a filter for so many entries at a rate of false positives, of the
// size that Java's writer gives it.
func New(entries int, fpp float64) *Filter {
	n := float64(max(entries, 1))
	m := int(-n * math.Log(fpp) / (math.Ln2 * math.Ln2))
	m += 64 - m%64
	k := max(1, int(math.Round(float64(m)/n*math.Ln2)))
	return &Filter{words: make([]uint64, m/64), hashes: k}
}

// From sees stored words as a filter; nil if they make none.
func From(words []uint64, hashes int) *Filter {
	if len(words) == 0 || len(words) > math.MaxInt32/64 || hashes < 1 {
		return nil
	}
	return &Filter{words: words, hashes: hashes}
}

// Hashes is the number of bits an entry sets.
func (f *Filter) Hashes() int { return f.hashes }

// Bytes are the words, little-endian.
func (f *Filter) Bytes() []byte {
	out := make([]byte, 0, 8*len(f.words))
	for _, w := range f.words {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

// Reset empties the filter.
func (f *Filter) Reset() { clear(f.words) }

// Add enters a hash.
func (f *Filter) Add(hash uint64) {
	h1, h2, size := int32(hash), int32(hash>>32), int32(len(f.words)*64)
	for i := int32(1); i <= int32(f.hashes); i++ {
		at := position(h1, h2, i, size)
		f.words[at>>6] |= 1 << (at & 63)
	}
}

// MayContain is false if the hash was surely not entered.
func (f *Filter) MayContain(hash uint64) bool {
	h1, h2, size := int32(hash), int32(hash>>32), int32(len(f.words)*64)
	for i := int32(1); i <= int32(f.hashes); i++ {
		at := position(h1, h2, i, size)
		if f.words[at>>6]>>(at&63)&1 == 0 {
			return false
		}
	}
	return true
}

// position wraps at 32 bits as Java does.
func position(h1, h2, i, size int32) uint32 {
	h := h1 + i*h2
	if h < 0 {
		h = ^h
	}
	return uint32(h % size)
}

// HashInt is the hash of integers, dates and milliseconds of timestamps.
func HashInt(v int64) uint64 {
	v = ^v + v<<21
	v ^= v >> 24
	v = v + v<<3 + v<<8
	v ^= v >> 14
	v = v + v<<2 + v<<4
	v ^= v >> 28
	v += v << 31
	return uint64(v)
}

// HashFloat is the hash of floats and doubles. All NaNs are one.
func HashFloat(v float64) uint64 {
	b := math.Float64bits(v)
	if v != v {
		b = 0x7ff8000000000000
	}
	return HashInt(int64(b))
}

// HashBytes is the hash of texts, and of decimals as text: Murmur3 in the form
// that Hive gave it.
func HashBytes(b []byte) uint64 {
	const c1, c2, seed = 0x87c37b91114253d5, 0x4cf5ad432745937f, 104729
	h := uint64(seed)
	n := len(b)
	for ; len(b) >= 8; b = b[8:] {
		k := bits.RotateLeft64(binary.LittleEndian.Uint64(b)*c1, 31) * c2
		h = bits.RotateLeft64(h^k, 27)*5 + 0x52dce729
	}
	if len(b) > 0 {
		var k uint64
		for i := len(b) - 1; i >= 0; i-- {
			k = k<<8 | uint64(b[i])
		}
		h ^= bits.RotateLeft64(k*c1, 31) * c2
	}
	h ^= uint64(n)
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Words reads words that lie little-endian.
func Words(b []byte) []uint64 {
	out := make([]uint64, len(b)/8)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out
}
