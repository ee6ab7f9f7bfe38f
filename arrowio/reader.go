package arrowio

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
)

// NewReader makes a RecordReader of a function. next gives a batch whose
// reference passes to the reader, and io.EOF at the end; it is given ctx, which
// ends when the reader is closed. closer, which may be nil, is called once,
// after the last call of next has returned. The reader starts with one
// reference; the last Release closes it.
func NewReader(ctx context.Context, s *arrow.Schema, next func(context.Context) (arrow.RecordBatch, error), closer func() error) RecordReader {
	ctx, cancel := context.WithCancel(ctx)
	r := &reader{ctx: ctx, cancel: cancel, schema: s, next: next, closer: closer}
	r.refs.Store(1)
	return r
}

type reader struct {
	ctx    context.Context
	cancel context.CancelFunc
	schema *arrow.Schema
	next   func(context.Context) (arrow.RecordBatch, error)
	closer func() error
	refs   atomic.Int64

	mu     sync.Mutex // held while next runs, so that Close waits for it
	rec    arrow.RecordBatch
	err    error
	done   bool
	closed bool
}

func (r *reader) Schema() *arrow.Schema { return r.schema }
func (r *reader) Retain()               { r.refs.Add(1) }

func (r *reader) Release() {
	if r.refs.Add(-1) == 0 {
		_ = r.Close() // Err tells
	}
}

func (r *reader) Next() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
	if r.done {
		return false
	}
	rec, err := r.pull()
	if err != nil {
		r.done = true
		if err != io.EOF {
			r.err = err
		}
		return false
	}
	r.rec = rec
	return true
}

func (r *reader) pull() (rec arrow.RecordBatch, err error) {
	defer Guard(&err)
	return r.next(r.ctx)
}

func (r *reader) drop() {
	if r.rec != nil {
		r.rec.Release()
		r.rec = nil
	}
}

func (r *reader) RecordBatch() arrow.RecordBatch { return r.rec }

// Record is the former name of RecordBatch.
func (r *reader) Record() arrow.RecordBatch { return r.rec }

func (r *reader) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *reader) Close() error {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return r.err
	}
	r.closed, r.done = true, true
	r.drop()
	if r.closer != nil {
		if err := r.closer(); err != nil && r.err == nil {
			r.err = err
		}
	}
	return r.err
}
