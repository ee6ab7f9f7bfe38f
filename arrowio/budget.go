package arrowio

import (
	"context"
	"fmt"
	"sync"
)

// Budget bounds the bytes that all readers sharing it hold at once: fetched
// ranges, decompressed pages, dictionaries and decoded batches in flight.
// A nil *Budget grants everything.
//
// It is a weighted semaphore with one rule against deadlock: a request that
// could never be met is ErrLimit at once, and a holder that asks for more
// while it already holds some uses TryAcquire or Force, never Acquire.
type Budget struct {
	mu    sync.Mutex
	size  int64
	used  int64
	peak  int64
	queue []waiter
}

type waiter struct {
	n     int64
	ready chan struct{}
}

// NewBudget makes a budget of size bytes.
func NewBudget(size int64) *Budget { return &Budget{size: size} }

// Size is the whole budget in bytes; 0 for a nil budget, which has no bound.
func (b *Budget) Size() int64 {
	if b == nil {
		return 0
	}
	return b.size
}

func (b *Budget) tooMuch(n int64) error {
	return &Error{Hint: "a larger budget (--memory)", Err: fmt.Errorf("%w: %d bytes needed at once, the budget is %d", ErrLimit, n, b.size)}
}

// Acquire waits until n bytes are free, in order of arrival. More than the
// whole budget is ErrLimit.
func (b *Budget) Acquire(ctx context.Context, n int64) error {
	if b == nil || n <= 0 {
		return ctx.Err()
	}
	b.mu.Lock()
	if n > b.size {
		b.mu.Unlock()
		return b.tooMuch(n)
	}
	if len(b.queue) == 0 && b.used+n <= b.size {
		b.take(n)
		b.mu.Unlock()
		return nil
	}
	w := waiter{n: n, ready: make(chan struct{})}
	b.queue = append(b.queue, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		select {
		case <-w.ready: // granted meanwhile: give it back
			b.give(n)
		default:
			for i := range b.queue {
				if b.queue[i].ready == w.ready {
					b.queue = append(b.queue[:i], b.queue[i+1:]...)
					break
				}
			}
			b.grant()
		}
		return ctx.Err()
	}
}

// TryAcquire takes n bytes if they are free now and nobody waits.
func (b *Budget) TryAcquire(n int64) bool {
	if b == nil || n <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) > 0 || b.used+n > b.size {
		return false
	}
	b.take(n)
	return true
}

// Force takes n bytes even beyond the budget, for a holder that must have them
// to make progress, such as the one page it is decoding. More than the whole
// budget at once is still ErrLimit.
func (b *Budget) Force(n int64) error {
	if b == nil || n <= 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.size {
		return b.tooMuch(n)
	}
	b.take(n)
	return nil
}

// Release gives n bytes back.
func (b *Budget) Release(n int64) {
	if b == nil || n <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.give(n)
}

// Peak is the most that was ever held at once.
func (b *Budget) Peak() int64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peak
}

// InUse is what is held now.
func (b *Budget) InUse() int64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

func (b *Budget) take(n int64) {
	b.used += n
	b.peak = max(b.peak, b.used)
}

func (b *Budget) give(n int64) {
	b.used -= n
	b.grant()
}

func (b *Budget) grant() {
	for len(b.queue) > 0 && b.used+b.queue[0].n <= b.size {
		b.take(b.queue[0].n)
		close(b.queue[0].ready)
		b.queue = b.queue[1:]
	}
}
