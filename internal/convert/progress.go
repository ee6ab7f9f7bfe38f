package convert

import "time"

// Event tells how far a job is.
type Event struct {
	Phase Phase `json:"phase"`
	// Read of Total bytes of the planned input.
	Read  int64 `json:"bytes"`
	Total int64 `json:"total_bytes"`
	// Rows that were read, Files and Written bytes that are complete.
	Rows    int64   `json:"rows"`
	Files   int64   `json:"files"`
	Written int64   `json:"written_bytes"`
	Elapsed float64 `json:"elapsed_s"`
	// ETA is the time left in seconds; -1 is unknown.
	ETA float64 `json:"eta_s"`
}

// tick is how often progress is told.
const tick = 250 * time.Millisecond

// enter tells that a phase has begun.
func (e *engine) enter(p Phase) {
	e.mu.Lock()
	changed := e.phase != p && !(p == PhaseWriting && e.phase == PhaseBetween)
	if changed {
		e.phase = p
	}
	e.mu.Unlock()
	if changed {
		e.tell()
	}
}

// opened tells that the first part is open.
func (e *engine) opened(string) { e.enter(PhaseWriting) }

func (e *engine) tell() {
	if e.j.Progress == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ev := Event{
		Phase: e.phase, Read: e.m.read.Load(), Total: e.m.total.Load(), Rows: e.m.rows.Load(), Files: e.m.files.Load(), Written: e.m.out.Load(),
		Elapsed: time.Since(e.start).Seconds(), ETA: -1,
	}
	if ev.Phase == PhaseDone {
		ev.ETA, ev.Read = 0, ev.Total
	} else if ev.Read > 0 && ev.Total > 0 {
		ev.Read = min(ev.Read, ev.Total)
		ev.ETA = ev.Elapsed * float64(ev.Total-ev.Read) / float64(ev.Read)
	}
	e.j.Progress(ev)
}

// watch tells progress now and then until it is stopped.
func (e *engine) watch() (stop func()) {
	if e.j.Progress == nil {
		return func() {}
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(tick)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				e.tell()
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}
