package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// FromIOFS makes a read-only filesystem of one of the standard library:
// embedded files, a zip archive, os.DirFS. A file that can neither be read at
// offsets nor seek is read into memory when it is opened.
func FromIOFS(fsys iofs.FS) FileSystem { return ioFS{fsys} }

type ioFS struct{ fsys iofs.FS }

func (s ioFS) Caps() Caps {
	return Caps{RealDirs: true, SortedList: true, ReadOnly: true, CoalesceMax: 8 << 20, Parallel: 1}
}

func (s ioFS) URL(name string) string { return name }

func (s ioFS) fail(op, name string, err error) error {
	var pe *iofs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	switch {
	case errors.Is(err, iofs.ErrInvalid):
		// io/fs has no such name.
		err = fmt.Errorf("%w: %w", ErrNotExist, err)
	case sentinel(err):
	default:
		err = fmt.Errorf("%w: %w", ErrIO, err)
	}
	return &Error{Op: op, URL: s.URL(name), Err: err}
}

func sentinel(err error) bool {
	for _, s := range []error{ErrNotExist, ErrExist, ErrClosed, ErrPermission, ErrAuth, ErrChanged, ErrIO, ErrUnsupported, io.ErrUnexpectedEOF, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

func ioInfo(name string, st iofs.FileInfo) FileInfo {
	fi := FileInfo{Name: name, ModTime: st.ModTime(), IsDir: st.IsDir()}
	if !fi.IsDir {
		fi.Size = st.Size()
		fi.Version = fmt.Sprintf("%x-%x", st.ModTime().UnixNano(), st.Size())
	}
	return fi
}

func (s ioFS) Stat(ctx context.Context, name string) (FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return FileInfo{}, s.fail("stat", name, err)
	}
	p := name
	if p == "" {
		p = "."
	}
	st, err := iofs.Stat(s.fsys, p)
	if err != nil {
		return FileInfo{}, s.fail("stat", name, err)
	}
	return ioInfo(name, st), nil
}

func (s ioFS) Create(_ context.Context, name string, _ CreateOptions) (Writer, error) {
	return nil, s.fail("create", name, ErrUnsupported)
}

func (s ioFS) Remove(_ context.Context, name string) error {
	return s.fail("remove", name, ErrUnsupported)
}

func (s ioFS) List(ctx context.Context, prefix string, o ListOptions) iter.Seq2[FileInfo, error] {
	return func(yield func(FileInfo, error) bool) {
		dir, base := "", prefix
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			dir, base = prefix[:i], prefix[i+1:]
		}
		s.list(ctx, dir, base, o.Delimited, yield)
	}
}

func (s ioFS) list(ctx context.Context, dir, base string, delimited bool, yield func(FileInfo, error) bool) bool {
	fail := func(err error) bool { yield(FileInfo{}, s.fail("list", dir, err)); return false }
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	p := dir
	if p == "" {
		p = "."
	}
	if st, err := iofs.Stat(s.fsys, p); errors.Is(err, ErrNotExist) || errors.Is(err, iofs.ErrInvalid) || err == nil && !st.IsDir() {
		return true // nothing has such a prefix
	}
	des, err := iofs.ReadDir(s.fsys, p)
	if err != nil {
		return fail(err)
	}
	if !delimited {
		key := func(d iofs.DirEntry) string {
			if d.IsDir() {
				return d.Name() + "/"
			}
			return d.Name()
		}
		slices.SortFunc(des, func(a, b iofs.DirEntry) int { return strings.Compare(key(a), key(b)) })
	}
	for _, de := range des {
		if !strings.HasPrefix(de.Name(), base) {
			continue
		}
		name := path.Join(dir, de.Name())
		if de.IsDir() && !delimited {
			if !s.list(ctx, name, "", false, yield) {
				return false
			}
			continue
		}
		st, err := de.Info()
		if err != nil {
			return fail(err)
		}
		if !de.IsDir() && !st.Mode().IsRegular() {
			continue
		}
		if !yield(ioInfo(name, st), nil) {
			return false
		}
	}
	return true
}

func (s ioFS) Open(ctx context.Context, name string, o OpenOptions) (File, error) {
	fail := func(err error) (File, error) { return nil, s.fail("open", name, err) }
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	f, err := s.fsys.Open(name)
	if err != nil {
		return fail(err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is not a regular file", ErrUnsupported)
	}
	if err != nil {
		f.Close()
		return fail(err)
	}
	info := ioInfo(name, st)
	if o.Known != nil && o.Known.Version != "" && o.Known.Version != info.Version {
		f.Close()
		return fail(ErrChanged)
	}
	file := &ioFile{s: s, info: info, c: f}
	switch r := f.(type) {
	case io.ReaderAt:
		file.r = r
	case io.ReadSeeker:
		file.r = &seekReaderAt{r: r}
	default:
		data, err := io.ReadAll(io.LimitReader(f, info.Size))
		if err != nil {
			f.Close()
			return fail(err)
		}
		file.r = bytes.NewReader(data)
	}
	return file, nil
}

type ioFile struct {
	s      ioFS
	info   FileInfo
	r      io.ReaderAt
	c      io.Closer
	closed atomic.Bool
}

// seekReaderAt lets one reader at a time move the only position there is.
type seekReaderAt struct {
	mu sync.Mutex
	r  io.ReadSeeker
}

func (s *seekReaderAt) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.r.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(s.r, p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

func (f *ioFile) String() string { return f.s.URL(f.info.Name) }

func (f *ioFile) Close() error {
	if f.closed.Swap(true) {
		return nil
	}
	return f.c.Close()
}

func (f *ioFile) alive(ctx context.Context) error {
	if f.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

func (f *ioFile) Info(ctx context.Context) (FileInfo, error) {
	if err := f.alive(ctx); err != nil {
		return FileInfo{}, f.s.fail("stat", f.info.Name, err)
	}
	return f.info, nil
}

func (f *ioFile) readAt(dst []byte, off int64) error {
	n, err := f.r.ReadAt(dst, off)
	if n == len(dst) {
		return nil
	}
	if err == nil || err == io.EOF {
		return fmt.Errorf("%w: the file has %d bytes", io.ErrUnexpectedEOF, f.info.Size)
	}
	return err
}

func (f *ioFile) ReadRanges(ctx context.Context, rs []Range) error {
	err := f.alive(ctx)
	if err == nil {
		err = ReadCoalesced(ctx, f.s.Caps(), rs, func(ctx context.Context, r Request) error {
			for _, g := range r.Ranges {
				if err := f.readAt(g.Dst, g.Off); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return f.s.fail("read", f.info.Name, err)
	}
	return nil
}

func (f *ioFile) Tail(ctx context.Context, dst []byte) (int, FileInfo, error) {
	n := int(min(int64(len(dst)), f.info.Size))
	err := f.alive(ctx)
	if err == nil {
		TraceAccess(ctx, Access{Op: "tail", Off: -int64(len(dst)), Len: int64(n), Want: int64(n)})
		err = f.readAt(dst[:n], f.info.Size-int64(n))
	}
	if err != nil {
		return 0, FileInfo{}, f.s.fail("tail", f.info.Name, err)
	}
	return n, f.info, nil
}
