package fs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// Forward makes a File of a stream, a pipe for instance, that can be read once
// and only onwards: a range before one that was read is ErrUnsupported, and so
// are Tail and Info, since nobody knows the end. A range at the very end of the
// stream is io.EOF. Close closes r if it can be closed.
func Forward(r io.Reader, name string) File {
	return &forward{r: r, name: name, ahead: make(chan piece, 2), quit: make(chan struct{})}
}

// IsForward says whether a file can be read only onwards, so that a format must
// start at its beginning and leave its end for last.
func IsForward(f File) bool {
	_, ok := f.(*forward)
	return ok
}

type forward struct {
	name string
	r    io.Reader

	mu    sync.Mutex
	at    int64
	left  []byte // read and not asked for yet
	err   error
	once  sync.Once
	ahead chan piece
	quit  chan struct{}
}

// piece is what one Read gave.
type piece struct {
	b   []byte
	err error
}

func (f *forward) fail(op string, err error) error { return &Error{Op: op, URL: f.name, Err: err} }

// pump reads ahead by a few pieces, in a goroutine, since a read of a pipe
// cannot be called off when a context ends.
func (f *forward) pump() {
	defer close(f.ahead)
	for {
		b := make([]byte, 128<<10)
		n, err := f.r.Read(b)
		select {
		case f.ahead <- piece{b[:n], err}:
		case <-f.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// next makes sure that bytes are left; io.EOF at the end.
func (f *forward) next(ctx context.Context) error {
	for len(f.left) == 0 {
		if f.err != nil {
			return f.err
		}
		select {
		case p, ok := <-f.ahead:
			if f.left = p.b; !ok {
				p.err = ErrClosed
			}
			f.err = p.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// ReadRanges implements File. What lies between the ranges is lost.
func (f *forward) ReadRanges(ctx context.Context, rs []Range) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.once.Do(func() { go f.pump() })
	order := slices.Clone(rs)
	slices.SortStableFunc(order, func(a, b Range) int { return cmp.Compare(a.Off, b.Off) })
	for i, r := range order {
		if err := ctx.Err(); err != nil {
			return f.fail("read", err)
		}
		if r.Off < f.at { // ranges of one call may overlap
			n := copyFrom(order[:i], r, f.at)
			if n < min(int64(len(r.Dst)), f.at-r.Off) {
				return f.fail("read", fmt.Errorf("%w: going back in a stream from %d to %d", ErrUnsupported, f.at, r.Off))
			}
			r.Off, r.Dst = r.Off+n, r.Dst[n:]
		}
		for dst := r.Dst; len(dst) > 0; {
			if err := f.next(ctx); err != nil {
				return f.fail("read", f.ended(err, len(dst) < len(r.Dst) || r.Off > f.at))
			}
			n := int(min(int64(len(f.left)), r.Off-f.at))
			if r.Off <= f.at {
				n = copy(dst, f.left)
				dst = dst[n:]
			}
			f.left, f.at = f.left[n:], f.at+int64(n)
		}
	}
	return nil
}

// copyFrom fills the front of r from ranges that are filled already, up to a
// place in the file.
func copyFrom(filled []Range, r Range, to int64) (n int64) {
	for more := true; more && n < int64(len(r.Dst)) && r.Off+n < to; {
		more = false
		for _, d := range filled {
			if at := r.Off + n - d.Off; at >= 0 && at < int64(len(d.Dst)) {
				n += int64(copy(r.Dst[n:], d.Dst[at:]))
				more = true
			}
		}
	}
	return n
}

// ended says what the end of the stream, or what else stopped it, is where
// bytes are missing.
func (f *forward) ended(err error, inside bool) error {
	switch {
	case errors.Is(err, io.EOF) && inside:
		return io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF), errors.Is(err, ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%w: %w", ErrIO, err)
}

// Tail implements File.
func (f *forward) Tail(context.Context, []byte) (int, FileInfo, error) {
	return 0, FileInfo{}, f.fail("tail", ErrUnsupported)
}

// Info implements File.
func (f *forward) Info(context.Context) (FileInfo, error) {
	return FileInfo{}, f.fail("info", ErrUnsupported)
}

func (f *forward) String() string { return f.name }

// Close implements io.Closer.
func (f *forward) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(f.err, ErrClosed) {
		return nil
	}
	f.err, f.left = ErrClosed, nil
	close(f.quit)
	f.once.Do(func() { close(f.ahead) }) // nothing was read, and nothing will be
	if c, ok := f.r.(io.Closer); ok {
		if err := c.Close(); err != nil {
			return f.fail("close", fmt.Errorf("%w: %w", ErrIO, err))
		}
	}
	return nil
}
