package parquet

import (
	"context"
	"fmt"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// window is a moving stretch of one file, the only part of a column chunk's
// bytes that is in memory. Bytes it hands out are valid until the next call.
type window struct {
	file   fs.File
	budget *arrowio.Budget
	label  string // of the I/O log: "row group 0, column a"
	buf    []byte
	off    int64 // of buf in the file
	soft   int64 // no byte from here on is expected to be needed
	hard   int64 // no byte from here on exists for this column
	step   int   // bytes to fetch at a time
	held   int64 // of the budget
}

// has says whether the n bytes at off are in memory.
func (w *window) has(off int64, n int) bool {
	return off >= w.off && off+int64(n) <= w.off+int64(len(w.buf))
}

// bytes gives the n bytes at off, fetching a step's worth if they are not
// there. A range beyond the hard end is ErrCorrupt.
func (w *window) bytes(ctx context.Context, off int64, n int) ([]byte, error) {
	if !w.has(off, n) {
		if err := w.fetch(ctx, off, n); err != nil {
			return nil, err
		}
	}
	at := int(off - w.off)
	return w.buf[at : at+n : at+n], nil
}

// some gives what is in memory from off on, at least least bytes unless the
// file ends before.
func (w *window) some(ctx context.Context, off int64, least int) ([]byte, error) {
	least = int(min(int64(least), w.hard-off))
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

// want is the range that fetch would read to have n bytes at off, after what
// is kept of the bytes in memory.
func (w *window) want(off int64, n int) (keep []byte, size int) {
	size = max(n, int(min(int64(w.step), w.soft-off)))
	if off >= w.off && off < w.off+int64(len(w.buf)) {
		keep = w.buf[off-w.off:]
	}
	return keep, size
}

func (w *window) fetch(ctx context.Context, off int64, n int) error {
	r, err := w.prepare(off, n)
	if err != nil {
		return err
	}
	if err := w.file.ReadRanges(ctx, []fs.Range{r}); err != nil {
		w.buf = w.buf[:0]
		return err
	}
	return nil
}

// prepare makes room for n bytes at off and gives the range to read into it.
func (w *window) prepare(off int64, n int) (fs.Range, error) {
	if off < 0 || off+int64(n) > w.hard {
		return fs.Range{}, &arrowio.Error{Offset: off, Err: fmt.Errorf("%w: %d bytes reach past %d, the end of what the file has for the column", arrowio.ErrCorrupt, n, w.hard)}
	}
	keep, size := w.want(off, n)
	if cap(w.buf) < size {
		if err := w.budget.Force(int64(size)); err != nil {
			return fs.Range{}, &arrowio.Error{Offset: off, Err: err}
		}
		grown := scratch.Allocate(size)
		copy(grown, keep)
		w.close()
		w.buf, w.held = grown, int64(size)
	} else {
		w.buf = w.buf[:size]
		copy(w.buf, keep)
	}
	w.off = off
	return fs.Range{Off: off + int64(len(keep)), Dst: w.buf[len(keep):], Label: w.label}, nil
}

func (w *window) close() {
	w.budget.Release(w.held)
	if w.buf != nil {
		scratch.Free(w.buf)
	}
	w.buf, w.held = nil, 0
}

// scratch recycles the memory of windows and pages from chunk to chunk.
var scratch = arrowio.NewPool()
