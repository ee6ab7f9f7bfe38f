package layer

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/bdkit/bdkit/fs"
)

// RetryOptions tune Retry. The zero value is right for most stores.
type RetryOptions struct {
	Attempts int           // in all; 0 is 5
	Base     time.Duration // the first wait; 0 is 100 ms
	Max      time.Duration // the longest wait; 0 is 10 s
	// OnRetry is called before each wait, from any goroutine.
	OnRetry func(op, url string, attempt int, wait time.Duration, err error)
}

// Retrier is a filesystem that repeats what failed by chance.
type Retrier struct {
	around
	o       RetryOptions
	retries atomic.Int64
}

// Retry repeats operations that fail with fs.ErrIO, and none that fail
// otherwise: what is not there, not allowed or changed stays so. Waits double
// from Base to Max, each shortened by up to half at random so that many
// readers do not come back at once. Write and Commit are not repeated, since
// a first try may have done its work. A listing that breaks off goes on behind
// the last entry seen.
func Retry(inner fs.FileSystem, o RetryOptions) *Retrier {
	if o.Attempts <= 0 {
		o.Attempts = 5
	}
	if o.Base <= 0 {
		o.Base = 100 * time.Millisecond
	}
	if o.Max <= 0 {
		o.Max = 10 * time.Second
	}
	r := &Retrier{o: o}
	r.around = around{inner, r.run}
	return r
}

// Retries is how often anything was repeated.
func (r *Retrier) Retries() int64 { return r.retries.Load() }

func transient(err error) bool {
	return errors.Is(err, fs.ErrIO) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

func (r *Retrier) run(ctx context.Context, c call, do func(ctx context.Context) (int64, error)) error {
	wait := r.o.Base
	for attempt := 1; ; attempt++ {
		_, err := do(ctx)
		if attempt > 1 && c.op == "remove" && errors.Is(err, fs.ErrNotExist) {
			return nil // the first try did it and its answer was lost
		}
		if err == nil || !transient(err) || attempt >= r.o.Attempts || c.op == "write" || c.op == "commit" {
			return err
		}
		d := wait - rand.N(wait/2+1)
		if r.o.OnRetry != nil {
			r.o.OnRetry(c.op, c.url, attempt, d, err)
		}
		r.retries.Add(1)
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return &fs.Error{Op: c.op, URL: c.url, Err: errors.Join(ctx.Err(), err)}
		}
		wait = min(2*wait, r.o.Max)
	}
}
