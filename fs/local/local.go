// Package local is the driver of local disks: scheme file and plain paths.
//
//	data/x.parquet  file:///data/x.parquet  ─► FileSystem rooted at "/", name "data/x.parquet"
//
// A file is held open, so reading goes on unharmed when it is replaced or
// removed; a file that is changed in place is fs.ErrChanged. Create writes a
// hidden temporary file beside the target and renames it on Commit, after it
// has been synced; a crash leaves at most a file ".bdtmp-…", which List does
// not show.
package local

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/bdkit/bdkit/fs"
)

func init() { fs.Register("file", open) }

// FS is a local directory tree.
type FS struct {
	root string // "" for the whole machine, else absolute without a trailing slash
}

// New gives the filesystem below the directory root, which need not exist. An
// empty root, or "/", is the whole machine. Names cannot climb out of root
// with "..", but symbolic links are followed wherever they point.
func New(root string) (*FS, error) {
	if root == "" {
		return &FS{}, nil
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, &fs.Error{Op: "open", URL: root, Err: classify(err)}
	}
	return &FS{root: strings.TrimSuffix(abs, string(filepath.Separator))}, nil
}

func open(_ context.Context, raw string, o fs.Options) (fs.FileSystem, string, error) {
	fail := func(err error) (fs.FileSystem, string, error) {
		return nil, "", &fs.Error{Op: "open", URL: raw, Err: err}
	}
	if err := o.Check("file"); err != nil {
		return fail(err)
	}
	path := raw
	if i := strings.Index(raw, "://"); i == len("file") && strings.EqualFold(raw[:i], "file") {
		_, host, rest := fs.SplitURL(raw)
		if host != "" && !strings.EqualFold(host, "localhost") {
			return fail(fmt.Errorf("%w: a file URL of the host %q (a local one has three slashes: file:///path)", fs.ErrUnsupported, host))
		}
		p, err := url.PathUnescape(rest)
		if err != nil {
			return fail(fmt.Errorf("%w: %w", fs.ErrUnsupported, err))
		}
		path = "/" + p
		if runtime.GOOS == "windows" {
			path = p
		}
	}
	if path == "" {
		return fail(fmt.Errorf("%w: an empty path", fs.ErrNotExist))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fail(classify(err))
	}
	return &FS{}, strings.TrimPrefix(filepath.ToSlash(abs), "/"), nil
}

// Caps implements fs.FileSystem. Touching ranges are one request; ranges with
// a gap are not worth merging where a request costs a microsecond.
func (l *FS) Caps() fs.Caps {
	return fs.Caps{
		CreateIfNotExists: true, RealDirs: true, SortedList: true,
		CoalesceGap: 0, CoalesceMax: 8 << 20, Parallel: 4,
	}
}

// URL implements fs.FileSystem: the absolute path, which people know their
// files by and Resolve takes like a URL.
func (l *FS) URL(name string) string { return l.path(name) }

func (l *FS) path(name string) string {
	p := filepath.FromSlash(name)
	if l.root == "" && runtime.GOOS == "windows" {
		return p
	}
	return l.root + string(filepath.Separator) + p
}

// check refuses what the kernel would read as another name.
func check(name string) error {
	if err := fs.CheckName(name); err != nil {
		return err
	}
	if strings.Contains(name, "//") || strings.HasSuffix(name, "/") {
		return fmt.Errorf("%w: the name %q has an empty element", fs.ErrUnsupported, name)
	}
	return nil
}

func (l *FS) fail(op, name string, err error) error {
	return &fs.Error{Op: op, URL: l.URL(name), Err: classify(err)}
}

// classify wraps what the kernel says in a sentinel, without the path that
// fs.Error names already.
func classify(err error) error {
	var pe *iofs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		err = le.Err
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case errors.Is(err, os.ErrClosed):
		return fs.ErrClosed
	}
	for _, s := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrChanged, fs.ErrUnsupported, fs.ErrIO} {
		if errors.Is(err, s) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", fs.ErrIO, err)
}

// regular explains why something cannot be read at random offsets.
func regular(st iofs.FileInfo) error {
	what := ""
	switch m := st.Mode(); {
	case m.IsRegular():
		return nil
	case m.IsDir():
		what = "a directory"
	case m&iofs.ModeNamedPipe != 0:
		what = "a pipe, which cannot be read at offsets"
	case m&iofs.ModeSocket != 0:
		what = "a socket"
	case m&iofs.ModeDevice != 0:
		what = "a device"
	default:
		what = "a special file"
	}
	return fmt.Errorf("%w: it is %s, not a regular file", fs.ErrUnsupported, what)
}

func (l *FS) info(name string, st iofs.FileInfo) fs.FileInfo {
	fi := fs.FileInfo{Name: name, ModTime: st.ModTime(), IsDir: st.IsDir()}
	if !fi.IsDir {
		fi.Size = st.Size()
		fi.Version = fmt.Sprintf("%x-%x-%x", inode(st), st.ModTime().UnixNano(), st.Size())
	}
	return fi
}

// Stat implements fs.FileSystem. The empty name is the root directory.
func (l *FS) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	if name != "" {
		if err := check(name); err != nil {
			return fs.FileInfo{}, l.fail("stat", name, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return fs.FileInfo{}, l.fail("stat", name, err)
	}
	fs.TraceAccess(ctx, fs.Access{Op: "stat"})
	st, err := os.Stat(l.path(name))
	if err != nil {
		return fs.FileInfo{}, l.fail("stat", name, err)
	}
	return l.info(name, st), nil
}

// Remove implements fs.FileSystem. Directories are left alone.
func (l *FS) Remove(ctx context.Context, name string) error {
	if err := check(name); err != nil {
		return l.fail("remove", name, err)
	}
	if err := ctx.Err(); err != nil {
		return l.fail("remove", name, err)
	}
	fs.TraceAccess(ctx, fs.Access{Op: "remove"})
	st, err := os.Lstat(l.path(name))
	if err == nil && st.IsDir() {
		err = fmt.Errorf("%w: it is a directory", fs.ErrUnsupported)
	}
	if err == nil {
		err = os.Remove(l.path(name))
	}
	if err != nil {
		return l.fail("remove", name, err)
	}
	return nil
}
