package cli

import (
	"fmt"
	"sync/atomic"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/layer"
)

// IOStats are the reads of a program.
type IOStats struct {
	Requests, Bytes int64
}

// String is for people.
func (s IOStats) String() string {
	return fmt.Sprintf("%d reads, %s", s.Requests, HumanBytes(s.Bytes))
}

// tracer counts the reads of filesystems.
type tracer struct{ requests, bytes atomic.Int64 }

func (t *tracer) wrap(inner fs.FileSystem) fs.FileSystem {
	return layer.Metrics(inner, func(e layer.Event) {
		switch e.Op {
		case "read", "tail":
			t.requests.Add(1)
			t.bytes.Add(e.Bytes)
		}
	})
}

// Trace counts what is read from now on.
func (a *App) Trace() {
	if a.trace == nil {
		a.trace = &tracer{}
	}
}

// IO is what was read since Trace.
func (a *App) IO() IOStats {
	if a.trace == nil {
		return IOStats{}
	}
	return IOStats{a.trace.requests.Load(), a.trace.bytes.Load()}
}
