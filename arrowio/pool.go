package arrowio

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// NewPool makes an allocator that hands the memory of released buffers out
// again, so that a long scan allocates a few batches' worth in all. It is not
// the default: with it a value used after its batch was released, a string
// taken from an array for instance, is another value. Memory it hands out is
// not zero. It is safe for concurrent use; what it keeps is freed when memory
// is short.
func NewPool() memory.Allocator { return &pool{} }

// pool keeps free memory by power of two, from 64 bytes to 64 MiB.
type pool struct{ classes [21]sync.Pool }

const smallestClass = 6

func classOf(size int) int { return bits.Len(uint(max(size, 64)-1)) - smallestClass }

func (p *pool) Allocate(size int) []byte {
	c := classOf(size)
	if c >= len(p.classes) {
		return make([]byte, size)
	}
	if b, ok := p.classes[c].Get().(*byte); ok {
		return unsafe.Slice(b, 1<<(c+smallestClass))[:size]
	}
	return make([]byte, size, 1<<(c+smallestClass))
}

func (p *pool) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	grown := p.Allocate(size)
	copy(grown, b)
	p.Free(b)
	return grown
}

func (p *pool) Free(b []byte) {
	c := cap(b)
	if c < 64 || c&(c-1) != 0 || classOf(c) >= len(p.classes) {
		return // not one of ours
	}
	p.classes[classOf(c)].Put(unsafe.SliceData(b)) // its class tells its size
}
