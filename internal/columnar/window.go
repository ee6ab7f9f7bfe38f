package columnar

import (
	"context"
	"fmt"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// Window is a moving stretch of one file, the only part of a column chunk's or
// a stream's bytes that is in memory. Bytes it hands out are valid until the
// next call.
type Window struct {
	File   fs.File
	Budget *arrowio.Budget
	Label  string // of the I/O log: "row group 0, column a"
	Soft   int64  // no byte from here on is expected to be needed
	Hard   int64  // no byte from here on exists for this column
	Step   int    // bytes to fetch at a time
	Most   int    // up to which Step doubles with each fetch that goes on where the last ended; 0: it stays

	buf  []byte
	off  int64 // of buf in the file
	held int64 // of the budget
}

// has says whether the n bytes at off are in memory.
func (w *Window) has(off int64, n int) bool {
	return off >= w.off && off+int64(n) <= w.off+int64(len(w.buf))
}

// Bytes gives the n bytes at off, fetching a step's worth if they are not
// there. A range beyond the hard end is ErrCorrupt.
func (w *Window) Bytes(ctx context.Context, off int64, n int) ([]byte, error) {
	if !w.has(off, n) {
		if err := w.fetch(ctx, off, n); err != nil {
			return nil, err
		}
	}
	at := int(off - w.off)
	return w.buf[at : at+n : at+n], nil
}

// Some gives what is in memory from off on, at least least bytes unless the
// file ends before.
func (w *Window) Some(ctx context.Context, off int64, least int) ([]byte, error) {
	least = int(min(int64(least), w.Hard-off))
	if least <= 0 {
		return nil, nil
	}
	if !w.has(off, least) {
		if err := w.fetch(ctx, off, least); err != nil {
			return nil, err
		}
	}
	return w.buf[off-w.off:], nil
}

// Held gives what is in memory from off on.
func (w *Window) Held(off int64) []byte {
	if off < w.off || off >= w.off+int64(len(w.buf)) {
		return nil
	}
	return w.buf[off-w.off:]
}

// want is the range that fetch would read to have n bytes at off, after what
// is kept of the bytes in memory.
func (w *Window) want(off int64, n int) (keep []byte, size int) {
	size = max(n, int(min(int64(w.Step), w.Soft-off)))
	if off >= w.off && off < w.off+int64(len(w.buf)) {
		keep = w.buf[off-w.off:]
	}
	return keep, size
}

func (w *Window) fetch(ctx context.Context, off int64, n int) error {
	goesOn := len(w.buf) > 0 && off >= w.off && off <= w.off+int64(len(w.buf))
	if goesOn && w.Most > 0 {
		w.Step = min(2*w.Step, w.Most)
	}
	r, err := w.Prepare(off, n)
	if err != nil {
		return err
	}
	if err := w.File.ReadRanges(ctx, []fs.Range{r}); err != nil {
		w.buf = w.buf[:0]
		return err
	}
	return nil
}

// Prepare makes room for n bytes at off and gives the range to read into it.
func (w *Window) Prepare(off int64, n int) (fs.Range, error) {
	if off < 0 || off+int64(n) > w.Hard {
		return fs.Range{}, &arrowio.Error{Offset: off, Err: fmt.Errorf("%w: %d bytes reach past %d, the end of what the file has for the column", arrowio.ErrCorrupt, n, w.Hard)}
	}
	keep, size := w.want(off, n)
	if cap(w.buf) < size {
		if err := w.Budget.Force(int64(size)); err != nil {
			return fs.Range{}, &arrowio.Error{Offset: off, Err: err}
		}
		grown := Scratch.Allocate(size)
		copy(grown, keep)
		w.Close()
		w.buf, w.held = grown, int64(size)
	} else {
		w.buf = w.buf[:size]
		copy(w.buf, keep)
	}
	w.off = off
	return fs.Range{Off: off + int64(len(keep)), Dst: w.buf[len(keep):], Label: w.Label}, nil
}

// Close gives the memory back.
func (w *Window) Close() {
	w.Budget.Release(w.held)
	if w.buf != nil {
		Scratch.Free(w.buf)
	}
	w.buf, w.held = nil, 0
}

// Scratch recycles the memory of windows, pages and chunks.
var Scratch = arrowio.NewPool()
