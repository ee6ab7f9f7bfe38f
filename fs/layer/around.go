package layer

import (
	"context"
	"iter"

	"github.com/bdkit/bdkit/fs"
)

// call is one operation on a filesystem.
type call struct {
	op     string // open, read, tail, info, stat, list, create, write, commit, remove
	name   string
	url    string
	ranges []fs.Range // of a read
	bytes  int64      // asked for, or to be written
}

// advice is what a decorator does around each call. It may run do again, or
// under another context; do gives the bytes moved.
type advice func(ctx context.Context, c call, do func(ctx context.Context) (int64, error)) error

// around is a filesystem with advice on every operation. What is embedded is
// forwarded.
type around struct {
	fs.FileSystem
	advice advice
}

func (a *around) call(op, name string) call { return call{op: op, name: name, url: a.URL(name)} }

func (a *around) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	var f fs.File
	err := a.advice(ctx, a.call("open", name), func(ctx context.Context) (_ int64, err error) {
		f, err = a.FileSystem.Open(ctx, name, o)
		return 0, err
	})
	if err != nil {
		return nil, err
	}
	return &aroundFile{File: f, a: a, name: name}, nil
}

func (a *around) Create(ctx context.Context, name string, o fs.CreateOptions) (fs.Writer, error) {
	var w fs.Writer
	err := a.advice(ctx, a.call("create", name), func(ctx context.Context) (_ int64, err error) {
		w, err = a.FileSystem.Create(ctx, name, o)
		return 0, err
	})
	if err != nil {
		return nil, err
	}
	return &aroundWriter{Writer: w, a: a, name: name, ctx: ctx}, nil
}

func (a *around) Stat(ctx context.Context, name string) (info fs.FileInfo, err error) {
	err = a.advice(ctx, a.call("stat", name), func(ctx context.Context) (_ int64, err error) {
		info, err = a.FileSystem.Stat(ctx, name)
		return 0, err
	})
	return info, err
}

func (a *around) Remove(ctx context.Context, name string) error {
	return a.advice(ctx, a.call("remove", name), func(ctx context.Context) (int64, error) {
		return 0, a.FileSystem.Remove(ctx, name)
	})
}

// List may be run again by the advice after it failed half-way: what the
// consumer has seen is not yielded twice.
func (a *around) List(ctx context.Context, prefix string, o fs.ListOptions) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		type entry struct {
			name string
			dir  bool
		}
		var (
			sorted  = a.Caps().SortedList
			last    entry
			any     bool
			seen    = map[entry]bool{} // of stores without order
			stopped bool
		)
		err := a.advice(ctx, a.call("list", prefix), func(ctx context.Context) (int64, error) {
			for info, err := range a.FileSystem.List(ctx, prefix, o) {
				if err != nil {
					return 0, err
				}
				e := entry{info.Name, info.IsDir}
				if sorted {
					if any && (e.name < last.name || e.name == last.name && (e.dir == last.dir || last.dir)) {
						continue
					}
				} else if seen[e] {
					continue
				} else {
					seen[e] = true
				}
				last, any = e, true
				if !yield(info, nil) {
					stopped = true
					return 0, nil
				}
			}
			return 0, nil
		})
		if err != nil && !stopped {
			yield(fs.FileInfo{}, err)
		}
	}
}

type aroundFile struct {
	fs.File
	a    *around
	name string
}

func (f *aroundFile) call(op string) call {
	return call{op: op, name: f.name, url: f.String()}
}

func (f *aroundFile) ReadRanges(ctx context.Context, rs []fs.Range) error {
	c := f.call("read")
	c.ranges = rs
	for _, r := range rs {
		c.bytes += int64(len(r.Dst))
	}
	return f.a.advice(ctx, c, func(ctx context.Context) (int64, error) {
		if err := f.File.ReadRanges(ctx, rs); err != nil {
			return 0, err
		}
		return c.bytes, nil
	})
}

func (f *aroundFile) Tail(ctx context.Context, dst []byte) (n int, info fs.FileInfo, err error) {
	c := f.call("tail")
	c.bytes = int64(len(dst))
	err = f.a.advice(ctx, c, func(ctx context.Context) (_ int64, err error) {
		n, info, err = f.File.Tail(ctx, dst)
		return int64(n), err
	})
	return n, info, err
}

func (f *aroundFile) Info(ctx context.Context) (info fs.FileInfo, err error) {
	err = f.a.advice(ctx, f.call("info"), func(ctx context.Context) (_ int64, err error) {
		info, err = f.File.Info(ctx)
		return 0, err
	})
	return info, err
}

type aroundWriter struct {
	fs.Writer
	a    *around
	name string
	ctx  context.Context // of Create: io.Writer has none
}

func (w *aroundWriter) Write(p []byte) (n int, err error) {
	c := w.a.call("write", w.name)
	c.bytes = int64(len(p))
	err = w.a.advice(w.ctx, c, func(context.Context) (_ int64, err error) {
		n, err = w.Writer.Write(p)
		return int64(n), err
	})
	return n, err
}

func (w *aroundWriter) Commit(ctx context.Context) (info fs.FileInfo, err error) {
	err = w.a.advice(ctx, w.a.call("commit", w.name), func(ctx context.Context) (_ int64, err error) {
		info, err = w.Writer.Commit(ctx)
		return 0, err
	})
	return info, err
}
