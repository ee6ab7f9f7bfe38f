package fs

import "context"

// Access is one request that reached a store.
type Access struct {
	Op   string // read, tail, stat, list, create, commit, remove
	Off  int64  // of a read; for a tail, minus the bytes asked for
	Len  int64  // bytes asked of the store
	Want int64  // of those, bytes that some range asked for
}

// Trace is told of every access, before it is made, and from many goroutines
// at once.
type Trace func(Access)

type traceKey struct{}

// WithTrace makes drivers report to t what they ask of their stores under the
// context; a trace already there is told as well.
func WithTrace(ctx context.Context, t Trace) context.Context {
	if outer, ok := ctx.Value(traceKey{}).(Trace); ok {
		mine := t
		t = func(a Access) { mine(a); outer(a) }
	}
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceAccess is called by drivers for each request that they send.
// [ReadCoalesced] does it for reads.
func TraceAccess(ctx context.Context, a Access) {
	if t, ok := ctx.Value(traceKey{}).(Trace); ok {
		t(a)
	}
}
