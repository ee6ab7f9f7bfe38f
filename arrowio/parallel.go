package arrowio

import (
	"context"
	"io"
	"iter"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel"
)

// parallel reads several splits at once. Each split in hand has a lane, a
// short queue of batches; the lanes stand in the order of the splits. Ordered,
// the consumer drains the first lane before it goes on to the next; otherwise
// all lanes lead to one queue.
//
// The bytes of a queued batch are taken from the budget. The first lane never
// waits for them, so that the consumer is always served: a lane that is not
// first gives way when the budget is spent.
type parallel struct {
	ctx    context.Context
	cancel context.CancelFunc
	t      Table
	s      *Scan
	o      RunOptions
	order  bool

	taking sync.Mutex // of the next split; held while its lane waits for room
	mu     sync.Mutex // of first and wake, never held while waiting
	next   func() (Split, error, bool)
	lanes  chan *lane    // ordered: the lanes to come
	shared chan result   // unordered: all batches
	wake   chan struct{} // closed and replaced when the first lane changes
	first  *lane         // the one that the consumer waits for
	reads  *lane         // the one that the consumer has taken off; the consumer's own
	wg     sync.WaitGroup
	stop   func()
	done   bool // no split is left
}

type lane struct{ out chan result }

type result struct {
	rec   arrow.RecordBatch
	bytes int64
	err   error
}

// laneDepth is how many batches a split may be ahead of the consumer.
const laneDepth = 2

func newParallel(ctx context.Context, t Table, s *Scan, o RunOptions) *parallel {
	p := &parallel{t: t, s: s, o: o, order: s.Request.Ordered, wake: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.next, p.stop = iter.Pull2(s.Splits)
	p.lanes = make(chan *lane, o.Jobs)
	p.shared = make(chan result, o.Jobs)
	for range o.Jobs {
		p.wg.Add(1)
		go p.work()
	}
	go func() {
		p.wg.Wait()
		if p.order {
			close(p.lanes)
		} else {
			close(p.shared)
		}
	}()
	return p
}

// take gives a worker its next split; with it a place in the order.
func (p *parallel) take() (sp Split, l *lane, err error, ok bool) {
	p.taking.Lock()
	defer p.taking.Unlock()
	if p.done {
		return sp, nil, nil, false
	}
	sp, err, ok = p.nextSplit()
	if !ok || err != nil {
		p.done = true
	}
	if !ok {
		return sp, nil, nil, false
	}
	l = &lane{out: make(chan result, laneDepth)}
	if !p.order {
		l.out = p.shared
		return sp, l, err, true
	}
	select {
	case p.lanes <- l:
	case <-p.ctx.Done():
		return sp, nil, nil, false
	}
	return sp, l, err, true
}

func (p *parallel) nextSplit() (sp Split, err error, ok bool) {
	ok = true // what a panic leaves behind
	defer Guard(&err)
	return p.next()
}

func (p *parallel) work() {
	defer p.wg.Done()
	for {
		sp, l, err, ok := p.take()
		if !ok {
			return
		}
		if err == nil {
			err = p.read(sp, l)
		}
		if err != nil {
			p.send(l, result{err: err})
		}
		if p.order {
			close(l.out)
		}
		if err != nil {
			return
		}
	}
}

func (p *parallel) read(sp Split, l *lane) (err error) {
	defer Guard(&err)
	r, err := openSplit(p.ctx, p.t, p.s, sp, p.o.ReadOptions)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := r.r.Close(); err == nil {
			err = cerr
		}
	}()
	for {
		rec, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n := int64(0)
		for _, c := range rec.Columns() {
			n += kernel.ByteSize(c)
		}
		if err := p.acquire(l, n); err != nil {
			rec.Release()
			return err
		}
		if !p.send(l, result{rec: rec, bytes: n}) {
			p.o.Budget.Release(n)
			rec.Release()
			return p.ctx.Err()
		}
	}
}

// acquire takes a batch's bytes from the budget, waiting unless the lane is
// the one being consumed.
func (p *parallel) acquire(l *lane, n int64) error {
	for {
		p.mu.Lock()
		mine, wake := p.first == l || !p.order, p.wake
		p.mu.Unlock()
		if mine {
			if p.o.Budget.TryAcquire(n) {
				return nil
			}
			return p.o.Budget.Force(n)
		}
		if p.o.Budget.TryAcquire(n) {
			return nil
		}
		select {
		case <-wake:
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
}

func (p *parallel) send(l *lane, r result) bool {
	select {
	case l.out <- r:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// signal lets waiting lanes look again.
func (p *parallel) signal(first *lane) {
	p.mu.Lock()
	if first != nil {
		p.first = first
	}
	close(p.wake)
	p.wake = make(chan struct{})
	p.mu.Unlock()
}

func (p *parallel) pull(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		queue := p.shared
		if p.order {
			l, err := p.current(ctx)
			if err != nil {
				return nil, err
			}
			queue = l.out
		}
		select {
		case r, ok := <-queue:
			if !ok {
				if !p.order {
					return nil, p.end()
				}
				p.reads = nil
				continue
			}
			if r.err != nil {
				return nil, r.err
			}
			p.o.Budget.Release(r.bytes)
			if p.order {
				p.signal(nil)
			}
			return r.rec, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// current is the lane being consumed.
func (p *parallel) current(ctx context.Context) (*lane, error) {
	if p.reads != nil {
		return p.reads, nil
	}
	select {
	case l, ok := <-p.lanes:
		if !ok {
			return nil, p.end()
		}
		p.reads = l
		p.signal(l)
		return l, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end is io.EOF, or why the workers stopped.
func (p *parallel) end() error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	return io.EOF
}

func (p *parallel) close() error {
	p.cancel()
	drain := func(q chan result) {
		for r := range q {
			p.o.Budget.Release(r.bytes)
			if r.rec != nil {
				r.rec.Release()
			}
		}
	}
	if p.order {
		if p.reads != nil {
			drain(p.reads.out)
		}
		for l := range p.lanes {
			drain(l.out)
		}
	} else {
		drain(p.shared)
	}
	p.stop()
	return nil
}
