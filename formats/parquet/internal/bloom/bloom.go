// Package bloom is Parquet's split-block bloom filter over XXH64 hashes
// (BloomFilter.md).
package bloom

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// BlockSize is the size of a block in bytes: eight words of 32 bits.
const BlockSize = 32

// salt are the constants that pick a bit in each word of a block.
var salt = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

// Filter is a filter's bitset. Its length is a multiple of BlockSize; a filter
// of no block may contain anything.
type Filter []byte

// Hash is the hash of a value in its PLAIN encoding, byte arrays without their
// length.
func Hash(plain []byte) uint64 { return xxhash.Sum64(plain) }

// New makes an empty filter for ndv distinct values with a probability fpp of
// false positives, at most limit bytes. Its size is a power of two, which every
// reader can take.
func New(ndv int64, fpp float64, limit int) Filter {
	if fpp <= 0 || fpp >= 1 {
		fpp = 0.01
	}
	want := -8 * float64(max(ndv, 1)) / math.Log(1-math.Pow(fpp, 1.0/8)) / 8 // bytes
	size := BlockSize
	if want > BlockSize {
		size = 1 << bits.Len64(uint64(math.Min(want, 1<<30))-1)
	}
	for size > limit && size > BlockSize {
		size /= 2
	}
	return make(Filter, size)
}

func (f Filter) block(hash uint64) []byte {
	i := (hash >> 32) * uint64(len(f)/BlockSize) >> 32
	return f[i*BlockSize : (i+1)*BlockSize]
}

// Insert adds a value by its hash.
func (f Filter) Insert(hash uint64) {
	b, key := f.block(hash), uint32(hash)
	for i, s := range salt {
		word := b[4*i:]
		binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)|1<<(key*s>>27))
	}
}

// MayContain is false when no value of that hash was inserted.
func (f Filter) MayContain(hash uint64) bool {
	if len(f) < BlockSize {
		return true
	}
	b, key := f.block(hash), uint32(hash)
	for i, s := range salt {
		if binary.LittleEndian.Uint32(b[4*i:])>>(key*s>>27)&1 == 0 {
			return false
		}
	}
	return true
}
