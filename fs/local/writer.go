package local

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/bdkit/bdkit/fs"
)

const tempPrefix = ".bdtmp-"

// Create implements fs.FileSystem. Missing directories are made, and removed
// again when the file is not committed. An existing file keeps its permissions
// when it is replaced; a device or pipe is never replaced.
func (l *FS) Create(ctx context.Context, name string, o fs.CreateOptions) (fs.Writer, error) {
	fail := func(err error) (fs.Writer, error) { return nil, l.fail("create", name, err) }
	if err := check(name); err != nil {
		return fail(err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	w := &writer{fsys: l, name: name, path: l.path(name), ifNotExists: o.IfNotExists}
	if st, err := os.Stat(w.path); err == nil {
		if err := regular(st); err != nil {
			return fail(err)
		}
	}
	fs.TraceAccess(ctx, fs.Access{Op: "create"})
	err := w.open()
	// A writer that gives up removes the directories it made, perhaps just
	// before this one uses them.
	for try := 0; try < 10 && errors.Is(err, os.ErrNotExist); try++ {
		err = w.open()
	}
	if err != nil {
		w.discard()
		return fail(err)
	}
	return w, nil
}

func (w *writer) open() error {
	dir := filepath.Dir(w.path)
	if err := w.mkdirs(dir); err != nil {
		return err
	}
	temp := filepath.Join(dir, tempPrefix+rand.Text())
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	w.temp, w.f, w.buf = temp, f, bufio.NewWriterSize(f, 256<<10)
	return nil
}

type writer struct {
	fsys        *FS
	name, path  string
	ifNotExists bool

	mu   sync.Mutex // Close may race with Write when a context ends
	f    *os.File
	buf  *bufio.Writer
	temp string
	made []string // directories made here, outermost first
	err  error    // the first failed write; nothing is committed after it
	done bool
}

func (w *writer) mkdirs(dir string) error {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		st, err := os.Stat(d)
		if err == nil && !st.IsDir() {
			return fmt.Errorf("%w: %s is not a directory", fs.ErrUnsupported, d)
		}
		if err == nil {
			break
		}
		// Below a regular file the kernel says ENOTDIR; go up to name it.
		if !gone(err) {
			return err
		}
		missing = append(missing, d)
		if filepath.Dir(d) == d {
			break
		}
	}
	for i := len(missing) - 1; i >= 0; i-- {
		err := os.Mkdir(missing[i], 0o777)
		if err == nil {
			w.made = append(w.made, missing[i])
		} else if !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return 0, w.fsys.fail("write", w.name, fs.ErrClosed)
	}
	if w.err != nil {
		return 0, w.fsys.fail("write", w.name, w.err)
	}
	n, err := w.buf.Write(p)
	if err != nil {
		w.err = err
		return n, w.fsys.fail("write", w.name, err)
	}
	return n, nil
}

func (w *writer) Commit(ctx context.Context) (fs.FileInfo, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return fs.FileInfo{}, w.fsys.fail("commit", w.name, fs.ErrClosed)
	}
	info, err := w.commit(ctx)
	if err != nil {
		w.discard()
		return fs.FileInfo{}, w.fsys.fail("commit", w.name, err)
	}
	return info, nil
}

func (w *writer) commit(ctx context.Context) (fs.FileInfo, error) {
	var none fs.FileInfo
	if w.err != nil {
		return none, w.err
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if err := w.buf.Flush(); err != nil {
		return none, err
	}
	if st, err := os.Stat(w.path); err == nil && !w.ifNotExists {
		if err := regular(st); err != nil {
			return none, err
		}
		if err := w.f.Chmod(st.Mode().Perm()); err != nil {
			return none, err
		}
	}
	if err := w.f.Sync(); err != nil {
		return none, err
	}
	st, err := w.f.Stat()
	if err != nil {
		return none, err
	}
	if err := w.f.Close(); err != nil {
		return none, err
	}
	w.f = nil
	if err := ctx.Err(); err != nil {
		return none, err
	}
	fs.TraceAccess(ctx, fs.Access{Op: "commit", Len: st.Size(), Want: st.Size()})
	if w.ifNotExists {
		// A link, unlike a rename, fails when the name is taken.
		if err := os.Link(w.temp, w.path); err != nil {
			return none, err
		}
		os.Remove(w.temp)
	} else if err := os.Rename(w.temp, w.path); err != nil {
		return none, err
	}
	// Published: from here on nothing may be taken back.
	w.done, w.temp = true, ""
	for _, d := range append([]string{filepath.Dir(w.path)}, w.made...) {
		if err := syncDir(d); err != nil {
			return none, err
		}
	}
	for _, d := range w.made {
		if err := syncDir(filepath.Dir(d)); err != nil {
			return none, err
		}
	}
	w.made = nil
	return w.fsys.info(w.name, st), nil
}

func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil
	}
	if err := w.discard(); err != nil {
		return w.fsys.fail("close", w.name, err)
	}
	return nil
}

// discard removes what this writer made, and nothing that others put there.
func (w *writer) discard() error {
	if w.done && w.temp == "" {
		return nil
	}
	w.done = true
	if w.f != nil {
		w.f.Close()
		w.f = nil
	}
	var err error
	if w.temp != "" {
		if err = os.Remove(w.temp); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		w.temp = ""
	}
	for i := len(w.made) - 1; i >= 0; i-- {
		if os.Remove(w.made[i]) != nil {
			break // somebody else uses it by now
		}
	}
	w.made = nil
	return err
}
