package parquet

import (
	"slices"

	"github.com/bdkit/bdkit/formats/parquet/internal/bloom"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// bloomBuilder makes a chunk's Bloom filter: at once where the number of
// distinct values is given, otherwise from the values' hashes, which are kept
// sorted and distinct whenever the list doubles, so that its size follows the
// number of distinct values rather than of rows.
type bloomBuilder struct {
	on     bool
	filter bloom.Filter // of a known size
	hashes []uint64
	sorted int // the first so many are sorted and distinct
}

const (
	bloomCompact  = 4096
	maxBloomBytes = 64 << 20
)

func newBloomBuilder(o *BloomOptions) bloomBuilder {
	b := bloomBuilder{on: o != nil}
	if b.on && o.NDV > 0 {
		b.filter = bloom.New(o.NDV, o.FPP, maxBloomBytes)
	}
	return b
}

func (b *bloomBuilder) held() int64 { return int64(8*cap(b.hashes) + len(b.filter)) }

// add takes in a value in its PLAIN encoding, without a length.
func (b *bloomBuilder) add(v []byte) {
	h := bloom.Hash(v)
	if b.filter != nil {
		b.filter.Insert(h)
		return
	}
	b.hashes = append(b.hashes, h)
	if len(b.hashes) >= 2*b.sorted+bloomCompact {
		b.compact()
	}
}

func (b *bloomBuilder) compact() {
	slices.Sort(b.hashes)
	b.hashes = slices.Compact(b.hashes)
	b.sorted = len(b.hashes)
}

// build gives header and bitset (BloomFilter.md, "File Format").
func (b *bloomBuilder) build(o *BloomOptions, s *sealer) ([]byte, error) {
	if b.filter == nil {
		b.compact()
		b.filter = bloom.New(int64(len(b.hashes)), o.FPP, maxBloomBytes)
		for _, h := range b.hashes {
			b.filter.Insert(h)
		}
	}
	header := appendBloomFilterHeader(nil, &meta.BloomFilterHeader{NumBytes: int32(len(b.filter)), Known: true})
	out, err := s.append(nil, header, crypt.BloomFilterHeader, -1)
	if err != nil {
		return nil, err
	}
	return s.append(out, b.filter, crypt.BloomFilterBitset, -1)
}
