package local

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/bdkit/bdkit/fs"
)

// chunk is how much is read between two looks at the context.
const chunk = 4 << 20

// Open implements fs.FileSystem. It is not lazy: a missing file is reported
// here, and the handle pins the file's contents against renames.
func (l *FS) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	fail := func(err error) (fs.File, error) { return nil, l.fail("open", name, err) }
	if err := check(name); err != nil {
		return fail(err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	// Opening a pipe would wait for its writer, so look first.
	st, err := os.Stat(l.path(name))
	if err == nil {
		err = regular(st)
	}
	if err != nil {
		return fail(err)
	}
	f, err := os.Open(l.path(name))
	if err != nil {
		return fail(err)
	}
	if st, err = f.Stat(); err == nil {
		err = regular(st)
	}
	info := fs.FileInfo{}
	if err == nil {
		info = l.info(name, st)
		if o.Known != nil && o.Known.Version != "" && o.Known.Version != info.Version {
			err = fs.ErrChanged
		}
	}
	if err != nil {
		f.Close()
		return fail(err)
	}
	return &file{fsys: l, f: f, info: info}, nil
}

type file struct {
	fsys *FS
	f    *os.File
	info fs.FileInfo
}

func (f *file) String() string { return f.fsys.URL(f.info.Name) }

func (f *file) Close() error {
	if err := f.f.Close(); err != nil && classify(err) != fs.ErrClosed {
		return f.fsys.fail("close", f.info.Name, err)
	}
	return nil
}

// unchanged tells whether the open file still is the version first seen.
func (f *file) unchanged() error {
	st, err := f.f.Stat()
	if err != nil {
		return classify(err)
	}
	if f.fsys.info(f.info.Name, st).Version != f.info.Version {
		return fs.ErrChanged
	}
	return nil
}

func (f *file) Info(ctx context.Context) (fs.FileInfo, error) {
	err := ctx.Err()
	if err == nil {
		err = f.unchanged()
	}
	if err != nil {
		return fs.FileInfo{}, f.fsys.fail("stat", f.info.Name, err)
	}
	return f.info, nil
}

func (f *file) ReadRanges(ctx context.Context, rs []fs.Range) error {
	err := fs.ReadCoalesced(ctx, f.fsys.Caps(), rs, func(ctx context.Context, r fs.Request) error {
		for _, g := range r.Ranges {
			if err := f.readAt(ctx, g.Dst, g.Off); err != nil {
				return fs.Request{Off: g.Off, Ranges: []fs.Range{g}}.Err(f.String(), f.changedFirst(err))
			}
		}
		return nil
	})
	if err == nil {
		err = f.unchanged()
	}
	if err == nil {
		return nil
	}
	if _, ok := err.(*fs.Error); ok {
		return err
	}
	return &fs.Error{Op: "read", URL: f.String(), Err: err}
}

// changedFirst prefers to say that the file changed: a file cut short while it
// is read ends too early, and that is the cause.
func (f *file) changedFirst(err error) error {
	if f.unchanged() == fs.ErrChanged {
		return fs.ErrChanged
	}
	return err
}

func (f *file) readAt(ctx context.Context, dst []byte, off int64) error {
	// Past the end the kernel says EOF, and the memory is not touched.
	for len(dst) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.f.ReadAt(dst[:min(len(dst), chunk)], off)
		dst, off = dst[n:], off+int64(n)
		switch {
		case err == io.EOF && len(dst) > 0:
			return fmt.Errorf("%w: the file has %d bytes", io.ErrUnexpectedEOF, f.info.Size)
		case err != nil && err != io.EOF:
			return classify(err)
		}
	}
	return nil
}

func (f *file) Tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	n := int(min(int64(len(dst)), f.info.Size))
	fs.TraceAccess(ctx, fs.Access{Op: "tail", Off: -int64(len(dst)), Len: int64(n), Want: int64(n)})
	err := f.readAt(ctx, dst[:n], f.info.Size-int64(n))
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = f.unchanged()
	} else {
		err = f.changedFirst(err)
	}
	if err != nil {
		return 0, fs.FileInfo{}, f.fsys.fail("tail", f.info.Name, err)
	}
	return n, f.info, nil
}
