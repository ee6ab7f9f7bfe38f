package layer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bdkit/bdkit/fs"
)

// Log is what was asked of a filesystem, twice: the logical log has the
// ranges as the reader named them, equal on every filesystem; the physical log
// has the requests that reached the store, after coalescing, retries and
// caches below. It is safe for concurrent use.
type Log struct {
	mu       sync.Mutex
	logical  []Entry
	physical []Entry
}

// Entry is one line of a log.
type Entry struct {
	Name  string // of the file
	Op    string // read, tail, stat, list, create, commit, remove
	Off   int64  // of a read; of a tail, minus the bytes asked for
	Len   int64  // bytes asked for
	Want  int64  // physical: of those, bytes that some range wanted
	Label string // logical: what the bytes are
}

// Foreign are bytes that were fetched and nobody wanted.
func (e Entry) Foreign() int64 { return e.Len - e.Want }

func (e Entry) String() string {
	s := e.Name + " " + e.Op
	switch e.Op {
	case "read":
		s += fmt.Sprintf(" [%d,%d)", e.Off, e.Off+e.Len)
	case "tail":
		s += fmt.Sprintf(" %d", -e.Off)
	case "commit":
		if e.Len > 0 {
			s += fmt.Sprintf(" %d", e.Len)
		}
	}
	if e.Foreign() > 0 {
		s += fmt.Sprintf(" foreign %d", e.Foreign())
	}
	if e.Label != "" {
		s += " " + e.Label
	}
	return s
}

// IOLog writes into l what is asked of inner, before it is done. The physical
// log has what drivers tell by fs.TraceAccess.
func IOLog(inner fs.FileSystem, l *Log) fs.FileSystem {
	return &around{inner, func(ctx context.Context, c call, do func(ctx context.Context) (int64, error)) error {
		l.ask(c)
		_, err := do(fs.WithTrace(ctx, func(a fs.Access) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.physical = append(l.physical, Entry{Name: c.name, Op: a.Op, Off: a.Off, Len: a.Len, Want: a.Want})
		}))
		return err
	}}
}

func (l *Log) ask(c call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch c.op {
	case "open", "write":
		return // bytes are not asked for by one, nor in chosen places by the other
	case "read":
		for _, r := range c.ranges {
			n := int64(len(r.Dst))
			l.logical = append(l.logical, Entry{Name: c.name, Op: "read", Off: r.Off, Len: n, Want: n, Label: r.Label})
		}
		return
	}
	e := Entry{Name: c.name, Op: c.op, Len: c.bytes, Want: c.bytes}
	if c.op == "tail" {
		e.Off = -c.bytes
	}
	l.logical = append(l.logical, e)
}

func order(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Op, b.Op), cmp.Compare(a.Off, b.Off),
		cmp.Compare(a.Len, b.Len), cmp.Compare(a.Want, b.Want), cmp.Compare(a.Label, b.Label))
}

func (l *Log) take(es *[]Entry) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(*es)
	slices.SortFunc(out, order)
	return out
}

// Logical is what was asked, ordered by file, operation and place: the order
// of time is not the same twice when readers run in parallel.
func (l *Log) Logical() []Entry { return l.take(&l.logical) }

// Physical is what reached the store, in the same order.
func (l *Log) Physical() []Entry { return l.take(&l.physical) }

// Reset empties the log.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logical, l.physical = nil, nil
}

// String renders both logs for a golden file: the same for the same accesses,
// in whatever order they came.
func (l *Log) String() string {
	var b strings.Builder
	for _, part := range []struct {
		title string
		es    []Entry
	}{{"logical", l.Logical()}, {"physical", l.Physical()}} {
		var bytes, foreign, requests int64
		for _, e := range part.es {
			bytes += e.Len
			foreign += e.Foreign()
			requests++
		}
		if part.title == "logical" {
			fmt.Fprintf(&b, "logical: %d ranges, %d bytes\n", requests, bytes)
		} else {
			fmt.Fprintf(&b, "physical: %d requests, %d bytes, %d foreign\n", requests, bytes, foreign)
		}
		for _, e := range part.es {
			fmt.Fprintf(&b, "  %s\n", e)
		}
	}
	return b.String()
}
