package fstest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"syscall"
	"time"

	"github.com/bdkit/bdkit/fs"
)

// Fault is something that goes wrong on purpose.
type Fault struct {
	// Op is the operation: open, read, tail, info, stat, list, create, write,
	// commit, remove. The empty one is each of them.
	Op string
	// Nth is the call of Op, counted from 1 over the whole filesystem, that
	// fails, and Times how many do from there on: 0 is one, below 0 all.
	Nth, Times int
	// Err is the error; nil is a connection reset, which is fs.ErrIO.
	Err error
	// Partial makes a read fill half of its memory first, a list yield half
	// of a dozen entries, and a write take half of its bytes.
	Partial bool
	// Silent leaves out the error, which breaks the contract when Partial.
	Silent bool
	// Delay passes first, or the context ends.
	Delay time.Duration
}

// Faulty is a filesystem on which faults happen.
type Faulty struct {
	fs.FileSystem
	mu     sync.Mutex
	faults []Fault
	calls  map[string]int
}

// NewFaulty makes the faults happen on inner.
func NewFaulty(inner fs.FileSystem, faults ...Fault) *Faulty {
	return &Faulty{FileSystem: inner, faults: faults, calls: map[string]int{}}
}

// Calls is how often op was called, failures included.
func (f *Faulty) Calls(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// next counts a call and finds the fault that befalls it.
func (f *Faulty) next(ctx context.Context, op, url string) (Fault, error) {
	f.mu.Lock()
	f.calls[op]++
	f.calls[""]++
	var hit *Fault
	for i := range f.faults {
		t := &f.faults[i]
		if t.Op != "" && t.Op != op {
			continue
		}
		first := max(t.Nth, 1)
		n := f.calls[t.Op]
		if n >= first && (t.Times < 0 || n < first+max(t.Times, 1)) {
			hit = t
			break
		}
	}
	f.mu.Unlock()
	if hit == nil {
		return Fault{}, nil
	}
	if hit.Delay > 0 {
		wait := time.NewTimer(hit.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return *hit, &fs.Error{Op: op, URL: url, Err: ctx.Err()}
		}
		if hit.Err == nil {
			return *hit, nil // slow is not wrong
		}
	}
	if hit.Silent {
		return *hit, nil
	}
	err := hit.Err
	if err == nil {
		err = fmt.Errorf("%w: %w", fs.ErrIO, syscall.ECONNRESET)
	}
	return *hit, &fs.Error{Op: op, URL: url, Err: err}
}

// Open implements fs.FileSystem.
func (f *Faulty) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	if _, err := f.next(ctx, "open", f.URL(name)); err != nil {
		return nil, err
	}
	file, err := f.FileSystem.Open(ctx, name, o)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f}, nil
}

// Create implements fs.FileSystem.
func (f *Faulty) Create(ctx context.Context, name string, o fs.CreateOptions) (fs.Writer, error) {
	if _, err := f.next(ctx, "create", f.URL(name)); err != nil {
		return nil, err
	}
	w, err := f.FileSystem.Create(ctx, name, o)
	if err != nil {
		return nil, err
	}
	return &faultyWriter{w, f, f.URL(name)}, nil
}

// Stat implements fs.FileSystem.
func (f *Faulty) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	if _, err := f.next(ctx, "stat", f.URL(name)); err != nil {
		return fs.FileInfo{}, err
	}
	return f.FileSystem.Stat(ctx, name)
}

// Remove implements fs.FileSystem.
func (f *Faulty) Remove(ctx context.Context, name string) error {
	t, err := f.next(ctx, "remove", f.URL(name))
	if err != nil && t.Partial {
		// The store did it and the answer was lost.
		if rerr := f.FileSystem.Remove(ctx, name); rerr != nil {
			return rerr
		}
	}
	if err != nil {
		return err
	}
	return f.FileSystem.Remove(ctx, name)
}

// List implements fs.FileSystem.
func (f *Faulty) List(ctx context.Context, prefix string, o fs.ListOptions) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		t, ferr := f.next(ctx, "list", f.URL(prefix))
		n := 0
		if ferr != nil && !t.Partial {
			yield(fs.FileInfo{}, ferr)
			return
		}
		for info, err := range f.FileSystem.List(ctx, prefix, o) {
			if t.Partial && n == 6 {
				if ferr != nil {
					yield(fs.FileInfo{}, ferr)
				}
				return
			}
			if !yield(info, err) {
				return
			}
			n++
		}
	}
}

type faultyFile struct {
	fs.File
	f *Faulty
}

func (f *faultyFile) ReadRanges(ctx context.Context, rs []fs.Range) error {
	t, err := f.f.next(ctx, "read", f.String())
	if !t.Partial {
		if err != nil {
			return err
		}
		return f.File.ReadRanges(ctx, rs)
	}
	half := make([]fs.Range, len(rs))
	for i, r := range rs {
		half[i] = fs.Range{Off: r.Off, Dst: r.Dst[:len(r.Dst)/2], Label: r.Label}
	}
	if herr := f.File.ReadRanges(ctx, half); herr != nil {
		return herr
	}
	return err
}

func (f *faultyFile) Tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	t, err := f.f.next(ctx, "tail", f.String())
	if err != nil {
		return 0, fs.FileInfo{}, err
	}
	n, info, err := f.File.Tail(ctx, dst)
	if t.Partial {
		n /= 2
	}
	return n, info, err
}

func (f *faultyFile) Info(ctx context.Context) (fs.FileInfo, error) {
	if _, err := f.f.next(ctx, "info", f.String()); err != nil {
		return fs.FileInfo{}, err
	}
	return f.File.Info(ctx)
}

type faultyWriter struct {
	fs.Writer
	f   *Faulty
	url string
}

func (w *faultyWriter) Write(p []byte) (int, error) {
	t, err := w.f.next(context.Background(), "write", w.url)
	if err != nil && !t.Partial {
		return 0, err
	}
	if t.Partial {
		n, werr := w.Writer.Write(p[:len(p)/2])
		if werr != nil {
			return n, werr
		}
		return n, err
	}
	return w.Writer.Write(p)
}

func (w *faultyWriter) Commit(ctx context.Context) (fs.FileInfo, error) {
	if _, err := w.f.next(ctx, "commit", w.url); err != nil {
		return fs.FileInfo{}, err
	}
	return w.Writer.Commit(ctx)
}
