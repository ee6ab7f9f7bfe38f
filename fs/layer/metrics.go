package layer

import (
	"context"
	"time"

	"github.com/bdkit/bdkit/fs"
)

// Event is an operation that has ended.
type Event struct {
	Op       string // open, read, tail, info, stat, list, create, write, commit, remove
	URL      string // without secrets
	Bytes    int64  // read or written; 0 after an error of a read
	Duration time.Duration
	Err      error
}

// Metrics calls hook after every operation, from the goroutine that made it.
// The duration of a listing has its consumer's time in it.
func Metrics(inner fs.FileSystem, hook func(Event)) fs.FileSystem {
	return &around{inner, func(ctx context.Context, c call, do func(ctx context.Context) (int64, error)) error {
		start := time.Now()
		n, err := do(ctx)
		hook(Event{Op: c.op, URL: c.url, Bytes: n, Duration: time.Since(start), Err: err})
		return err
	}}
}
