package arrowiotest

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Poison is an allocator that makes mistakes with memory show: what it gives
// holds garbage, and more of it than was asked for; to grow is always to move,
// and takes along no more than was asked for; what is freed turns to garbage.
type Poison struct{}

var _ memory.Allocator = Poison{}

func spoil(b []byte) {
	b = b[:cap(b)]
	for i := range b {
		b[i] = 0xdb
	}
}

// Allocate implements memory.Allocator.
func (Poison) Allocate(size int) []byte {
	b := make([]byte, size+size/2+64)
	spoil(b)
	return b[:size]
}

// Reallocate implements memory.Allocator.
func (p Poison) Reallocate(size int, b []byte) []byte {
	grown := p.Allocate(size)
	copy(grown, slices.Clip(b))
	p.Free(b)
	return grown
}

// Free implements memory.Allocator.
func (Poison) Free(b []byte) { spoil(b) }
