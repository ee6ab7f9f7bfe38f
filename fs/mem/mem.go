// Package mem keeps files in memory: scheme mem. The authority names a store
// that the whole process shares, so that a test can write where a program
// under test reads.
//
//	mem://store/dir/x.parquet ─► Named("store"), name "dir/x.parquet"
//
// It behaves as an object store does: no real directories, a version a write,
// and a reader whose file was replaced gets fs.ErrChanged.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bdkit/bdkit/fs"
)

func init() { fs.Register("mem", open) }

// FS is a store in memory. Its methods are safe for concurrent use.
type FS struct {
	name string
	caps fs.Caps
	*store
}

type store struct {
	mu      sync.RWMutex
	objects map[string]object
	version int64
}

type object struct {
	data []byte // never written to again
	info fs.FileInfo
}

var named = struct {
	sync.Mutex
	stores map[string]*FS
}{stores: map[string]*FS{}}

// New makes an empty store that nobody else sees.
func New() *FS {
	return &FS{
		store: &store{objects: map[string]object{}},
		caps:  fs.Caps{CreateIfNotExists: true, SortedList: true, CoalesceMax: 8 << 20, Parallel: 4},
	}
}

// Named gives the process's store of that name, made on first use.
func Named(name string) *FS {
	named.Lock()
	defer named.Unlock()
	m := named.stores[name]
	if m == nil {
		m = New()
		m.name = name
		named.stores[name] = m
	}
	return m
}

// Drop forgets a named store; those that hold it keep it.
func Drop(name string) {
	named.Lock()
	defer named.Unlock()
	delete(named.stores, name)
}

// WithCaps is the same store with other capabilities, to see how a reader
// behaves on one that coalesces or races differently.
func (m *FS) WithCaps(change func(*fs.Caps)) *FS {
	c := *m
	change(&c.caps)
	return &c
}

func open(_ context.Context, raw string, o fs.Options) (fs.FileSystem, string, error) {
	err := o.Check("mem")
	_, host, path := fs.SplitURL(raw)
	if err == nil {
		if path, err = url.PathUnescape(path); err != nil {
			err = fmt.Errorf("%w: %w", fs.ErrUnsupported, err)
		}
	}
	if err != nil {
		return nil, "", &fs.Error{Op: "open", URL: fs.Redact(raw), Err: err}
	}
	return Named(host), path, nil
}

// Caps implements fs.FileSystem.
func (m *FS) Caps() fs.Caps { return m.caps }

// URL implements fs.FileSystem.
func (m *FS) URL(name string) string {
	return "mem://" + m.name + (&url.URL{Path: "/" + name}).EscapedPath()
}

func (m *FS) fail(op, name string, err error) error {
	return &fs.Error{Op: op, URL: m.URL(name), Err: err}
}

func (m *FS) get(ctx context.Context, name string) (object, error) {
	if err := fs.CheckName(name); err != nil {
		return object{}, err
	}
	if err := ctx.Err(); err != nil {
		return object{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	o, ok := m.objects[name]
	if !ok {
		return object{}, fs.ErrNotExist
	}
	return o, nil
}

// Stat implements fs.FileSystem.
func (m *FS) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	fs.TraceAccess(ctx, fs.Access{Op: "stat"})
	o, err := m.get(ctx, name)
	if err != nil {
		return fs.FileInfo{}, m.fail("stat", name, err)
	}
	return o.info, nil
}

// Remove implements fs.FileSystem.
func (m *FS) Remove(ctx context.Context, name string) error {
	fs.TraceAccess(ctx, fs.Access{Op: "remove"})
	_, err := m.get(ctx, name)
	if err != nil {
		return m.fail("remove", name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[name]; !ok {
		return m.fail("remove", name, fs.ErrNotExist)
	}
	delete(m.objects, name)
	return nil
}

// List implements fs.FileSystem: the store as it was when the listing began.
func (m *FS) List(ctx context.Context, prefix string, o fs.ListOptions) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		fs.TraceAccess(ctx, fs.Access{Op: "list"})
		m.mu.RLock()
		var infos []fs.FileInfo
		dirs := map[string]bool{}
		for name, obj := range m.objects {
			rest, ok := strings.CutPrefix(name, prefix)
			if !ok {
				continue
			}
			if i := strings.IndexByte(rest, '/'); o.Delimited && i >= 0 {
				dirs[name[:len(prefix)+i]] = true
				continue
			}
			infos = append(infos, obj.info)
		}
		m.mu.RUnlock()
		for d := range maps.Keys(dirs) {
			infos = append(infos, fs.FileInfo{Name: d, IsDir: true})
		}
		slices.SortFunc(infos, func(a, b fs.FileInfo) int {
			if c := strings.Compare(a.Name, b.Name); c != 0 || a.IsDir == b.IsDir {
				return c
			}
			if a.IsDir { // a file before what lies below its name
				return 1
			}
			return -1
		})
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				yield(fs.FileInfo{}, m.fail("list", prefix, err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(fs.FileInfo{}, m.fail("list", prefix, err))
		}
	}
}

// Open implements fs.FileSystem.
func (m *FS) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	obj, err := m.get(ctx, name)
	if err == nil && o.Known != nil && o.Known.Version != "" && o.Known.Version != obj.info.Version {
		err = fs.ErrChanged
	}
	if err != nil {
		return nil, m.fail("open", name, err)
	}
	return &file{fsys: m, object: obj}, nil
}

type file struct {
	fsys *FS
	object
	closed atomic.Bool
}

func (f *file) String() string { return f.fsys.URL(f.info.Name) }
func (f *file) Close() error   { f.closed.Store(true); return nil }

func (f *file) alive(ctx context.Context) error {
	if f.closed.Load() {
		return fs.ErrClosed
	}
	now, err := f.fsys.get(ctx, f.info.Name)
	if err == nil && now.info.Version != f.info.Version {
		err = fs.ErrChanged
	}
	return err
}

func (f *file) Info(ctx context.Context) (fs.FileInfo, error) {
	if err := f.alive(ctx); err != nil {
		return fs.FileInfo{}, f.fsys.fail("stat", f.info.Name, err)
	}
	return f.info, nil
}

func (f *file) ReadRanges(ctx context.Context, rs []fs.Range) error {
	if err := f.alive(ctx); err != nil {
		return f.fsys.fail("read", f.info.Name, err)
	}
	err := fs.ReadCoalesced(ctx, f.fsys.caps, rs, func(ctx context.Context, r fs.Request) error {
		if end := r.Off + r.Len; end > f.info.Size {
			return r.Err(f.String(), fmt.Errorf("%w: %d bytes asked of a file of %d", io.ErrUnexpectedEOF, end, f.info.Size))
		}
		return r.Scatter(bytes.NewReader(f.data[r.Off:]))
	})
	if _, ok := err.(*fs.Error); err != nil && !ok {
		err = f.fsys.fail("read", f.info.Name, err)
	}
	return err
}

func (f *file) Tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	if err := f.alive(ctx); err != nil {
		return 0, fs.FileInfo{}, f.fsys.fail("tail", f.info.Name, err)
	}
	n := min(len(dst), len(f.data))
	fs.TraceAccess(ctx, fs.Access{Op: "tail", Off: -int64(len(dst)), Len: int64(n), Want: int64(n)})
	copy(dst, f.data[len(f.data)-n:])
	return n, f.info, nil
}

// Create implements fs.FileSystem.
func (m *FS) Create(ctx context.Context, name string, o fs.CreateOptions) (fs.Writer, error) {
	err := fs.CheckName(name)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && m.caps.ReadOnly {
		err = fs.ErrUnsupported
	}
	if err != nil {
		return nil, m.fail("create", name, err)
	}
	fs.TraceAccess(ctx, fs.Access{Op: "create"})
	return &writer{fsys: m, name: name, o: o}, nil
}

type writer struct {
	fsys *FS
	name string
	o    fs.CreateOptions

	mu   sync.Mutex
	buf  []byte
	done bool
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return 0, w.fsys.fail("write", w.name, fs.ErrClosed)
	}
	w.buf = append(w.buf, p...)
	return len(p), nil
}

func (w *writer) Commit(ctx context.Context) (fs.FileInfo, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := ctx.Err()
	if w.done {
		err = fs.ErrClosed
	}
	w.done = true
	if err != nil {
		return fs.FileInfo{}, w.fsys.fail("commit", w.name, err)
	}
	data := w.buf
	w.buf = nil
	fs.TraceAccess(ctx, fs.Access{Op: "commit", Len: int64(len(data)), Want: int64(len(data))})

	m := w.fsys
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.objects[w.name]; taken && w.o.IfNotExists {
		return fs.FileInfo{}, m.fail("commit", w.name, fs.ErrExist)
	}
	m.version++
	info := fs.FileInfo{Name: w.name, Size: int64(len(data)), ModTime: time.Now(), Version: strconv.FormatInt(m.version, 10)}
	m.objects[w.name] = object{data: data, info: info}
	return info, nil
}

func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done, w.buf = true, nil
	return nil
}
