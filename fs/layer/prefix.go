package layer

import (
	"context"
	"iter"
	"strings"

	"github.com/bdkit/bdkit/fs"
)

// Prefix shows what lies below dir as a filesystem of its own, which names
// cannot leave. Errors and URLs show the whole name.
func Prefix(inner fs.FileSystem, dir string) fs.FileSystem {
	dir = strings.Trim(dir, "/")
	if dir == "" {
		return inner
	}
	return &prefix{inner, dir + "/"}
}

type prefix struct {
	fs.FileSystem
	dir string // with a slash at the end
}

// in refuses what would be a proper name only behind the prefix.
func (p *prefix) in(op, name string) (string, error) {
	if err := fs.CheckName(name); err != nil {
		return "", &fs.Error{Op: op, URL: p.URL(name), Err: err}
	}
	return p.dir + name, nil
}

func (p *prefix) out(info fs.FileInfo) fs.FileInfo {
	info.Name = strings.TrimPrefix(info.Name, p.dir)
	return info
}

func (p *prefix) URL(name string) string { return p.FileSystem.URL(p.dir + name) }

func (p *prefix) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	full, err := p.in("open", name)
	if err != nil {
		return nil, err
	}
	if o.Known != nil {
		known := *o.Known
		known.Name = full
		o.Known = &known
	}
	f, err := p.FileSystem.Open(ctx, full, o)
	if err != nil {
		return nil, err
	}
	return &prefixFile{f, p}, nil
}

func (p *prefix) Create(ctx context.Context, name string, o fs.CreateOptions) (fs.Writer, error) {
	full, err := p.in("create", name)
	if err != nil {
		return nil, err
	}
	w, err := p.FileSystem.Create(ctx, full, o)
	if err != nil {
		return nil, err
	}
	return &prefixWriter{w, p}, nil
}

func (p *prefix) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	if name == "" { // the directory itself
		info, err := p.FileSystem.Stat(ctx, strings.TrimSuffix(p.dir, "/"))
		info.Name = ""
		return info, err
	}
	full, err := p.in("stat", name)
	if err != nil {
		return fs.FileInfo{}, err
	}
	info, err := p.FileSystem.Stat(ctx, full)
	return p.out(info), err
}

func (p *prefix) Remove(ctx context.Context, name string) error {
	full, err := p.in("remove", name)
	if err != nil {
		return err
	}
	return p.FileSystem.Remove(ctx, full)
}

func (p *prefix) List(ctx context.Context, pre string, o fs.ListOptions) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		for e := range strings.SplitSeq(pre, "/") {
			if e == ".." {
				return // no name has it
			}
		}
		for info, err := range p.FileSystem.List(ctx, p.dir+pre, o) {
			if !yield(p.out(info), err) {
				return
			}
		}
	}
}

type prefixFile struct {
	fs.File
	p *prefix
}

func (f *prefixFile) Info(ctx context.Context) (fs.FileInfo, error) {
	info, err := f.File.Info(ctx)
	return f.p.out(info), err
}

func (f *prefixFile) Tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	n, info, err := f.File.Tail(ctx, dst)
	return n, f.p.out(info), err
}

type prefixWriter struct {
	fs.Writer
	p *prefix
}

func (w *prefixWriter) Commit(ctx context.Context) (fs.FileInfo, error) {
	info, err := w.Writer.Commit(ctx)
	return w.p.out(info), err
}
