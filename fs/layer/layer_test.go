package layer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/fstest"
	"github.com/bdkit/bdkit/fs/layer"
	"github.com/bdkit/bdkit/fs/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func put(t *testing.T, fsys fs.FileSystem, name string, data []byte) {
	t.Helper()
	w, err := fsys.Create(t.Context(), name, fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, fsys fs.FileSystem, name string) fs.File {
	t.Helper()
	f, err := fsys.Open(t.Context(), name, fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func numbers(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8) ^ byte(i)
	}
	return b
}

// Every layer is a filesystem.
func TestSuite(t *testing.T) {
	// Many attempts: of parallel readers one may meet each fault.
	quick := layer.RetryOptions{Attempts: 100, Base: time.Microsecond, Max: time.Millisecond}
	for name, over := range map[string]func(fs.FileSystem) fs.FileSystem{
		"Retry":  func(f fs.FileSystem) fs.FileSystem { return layer.Retry(f, quick) },
		"Limit":  func(f fs.FileSystem) fs.FileSystem { return layer.Limit(f, 2) },
		"Prefix": func(f fs.FileSystem) fs.FileSystem { return layer.Prefix(f, "some/dir") },
		"Cache":  func(f fs.FileSystem) fs.FileSystem { return layer.Cache(f, layer.CacheOptions{Block: 1000}) },
		"Cache small": func(f fs.FileSystem) fs.FileSystem {
			return layer.Cache(f, layer.CacheOptions{Block: 512, Bytes: 3000})
		},
		"IOLog":   func(f fs.FileSystem) fs.FileSystem { return layer.IOLog(f, &layer.Log{}) },
		"Metrics": func(f fs.FileSystem) fs.FileSystem { return layer.Metrics(f, func(layer.Event) {}) },
		// Each third operation of a kind fails once and nobody notices. Not
		// remove: after a failure a file that is not there counts as removed.
		"Retry over faults": func(f fs.FileSystem) fs.FileSystem {
			var faults []fstest.Fault
			for _, op := range []string{"open", "read", "tail", "info", "stat", "list", "create"} {
				for n := 1; n < 3000; n += 3 {
					faults = append(faults, fstest.Fault{Op: op, Nth: n, Partial: op == "read" || op == "list"})
				}
			}
			return layer.Retry(fstest.NewFaulty(f, faults...), quick)
		},
		"all": func(f fs.FileSystem) fs.FileSystem {
			f = layer.Limit(layer.Prefix(f, "p"), 3)
			return layer.IOLog(layer.Cache(layer.Retry(layer.Metrics(f, func(layer.Event) {}), quick), layer.CacheOptions{}), &layer.Log{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			fstest.Run(t, func(t *testing.T) fs.FileSystem {
				// Gaps and little requests, so that there is something to merge.
				return over(mem.New().WithCaps(func(c *fs.Caps) { c.CoalesceGap, c.CoalesceMax = 50, 4000 }))
			})
		})
	}
}

func TestRetry(t *testing.T) {
	for name, c := range map[string]struct {
		fault   fstest.Fault
		retries int64
		want    error
	}{
		"none":        {fstest.Fault{Op: "read", Nth: 99}, 0, nil},
		"once":        {fstest.Fault{Op: "read"}, 1, nil},
		"half":        {fstest.Fault{Op: "read", Partial: true}, 1, nil},
		"four times":  {fstest.Fault{Op: "read", Times: 4}, 4, nil},
		"five times":  {fstest.Fault{Op: "read", Times: 5}, 4, fs.ErrIO},
		"always":      {fstest.Fault{Op: "read", Times: -1}, 4, fs.ErrIO},
		"changed":     {fstest.Fault{Op: "read", Err: fs.ErrChanged}, 0, fs.ErrChanged},
		"not there":   {fstest.Fault{Op: "read", Err: fs.ErrNotExist}, 0, fs.ErrNotExist},
		"past end":    {fstest.Fault{Op: "read", Err: io.ErrUnexpectedEOF}, 0, io.ErrUnexpectedEOF},
		"short body":  {fstest.Fault{Op: "read", Err: fmt.Errorf("%w: %w", fs.ErrIO, io.ErrUnexpectedEOF)}, 1, nil},
		"their clock": {fstest.Fault{Op: "read", Err: fmt.Errorf("%w: %w", fs.ErrIO, context.DeadlineExceeded)}, 0, fs.ErrIO},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := mem.New()
				put(t, m, "f", numbers(1000))
				var waits []time.Duration
				r := layer.Retry(fstest.NewFaulty(m, c.fault), layer.RetryOptions{OnRetry: func(op, url string, attempt int, wait time.Duration, err error) {
					if op != "read" || url != m.URL("f") || attempt != len(waits)+1 || !errors.Is(err, fs.ErrIO) {
						t.Errorf("told of %s %s attempt %d: %v", op, url, attempt, err)
					}
					waits = append(waits, wait)
				}})
				f := open(t, r, "f")
				dst := make([]byte, 100)
				start := time.Now()
				err := f.ReadRanges(t.Context(), []fs.Range{{Off: 5, Dst: dst}})
				if !errors.Is(err, c.want) || c.want == nil && !bytes.Equal(dst, numbers(1000)[5:105]) {
					t.Errorf("%v, want %v", err, c.want)
				}
				if r.Retries() != c.retries || int64(len(waits)) != c.retries {
					t.Errorf("%d retries, want %d", r.Retries(), c.retries)
				}
				var sum time.Duration
				for i, w := range waits {
					full := 100 * time.Millisecond << i
					if sum += w; w > full || w < full/2 {
						t.Errorf("wait %d is %v", i, w)
					}
				}
				if got := time.Since(start); got != sum {
					t.Errorf("it took %v, the waits are %v", got, sum)
				}
			})
		})
	}
}

func TestRetryEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mem.New()
		put(t, m, "f", numbers(10))
		r := layer.Retry(fstest.NewFaulty(m, fstest.Fault{Op: "tail", Times: -1}), layer.RetryOptions{Attempts: 1000, Base: time.Hour, Max: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, _, err := open(t, r, "f").Tail(ctx, make([]byte, 3))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, fs.ErrIO) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// What may have happened is not done twice; a listing goes on where it broke.
func TestRetryWrites(t *testing.T) {
	m := mem.New()
	for i := range 20 {
		put(t, m, fmt.Sprintf("d/%02d", i), nil)
	}
	faulty := fstest.NewFaulty(m, fstest.Fault{Op: "commit"}, fstest.Fault{Op: "write", Nth: 2}, fstest.Fault{Op: "remove", Partial: true}, fstest.Fault{Op: "list", Partial: true})
	r := layer.Retry(faulty, layer.RetryOptions{Base: 1})
	for _, want := range []string{"commit", "write"} {
		w, err := r.Create(t.Context(), "x", fs.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.Write([]byte("x")); err == nil {
			_, err = w.Commit(t.Context())
		}
		if !errors.Is(err, fs.ErrIO) || faulty.Calls(want) != map[string]int{"commit": 1, "write": 2}[want] {
			t.Errorf("%s: %v after %d calls", want, err, faulty.Calls(want))
		}
		w.Close()
	}
	if err := r.Remove(t.Context(), "d/00"); err != nil {
		t.Errorf("a remove whose answer was lost: %v", err)
	}
	var names []string
	for info, err := range r.List(t.Context(), "", fs.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	if len(names) != 19 || faulty.Calls("list") != 2 {
		t.Errorf("%q in %d listings", names, faulty.Calls("list"))
	}
}

func TestLimit(t *testing.T) {
	m := mem.New().WithCaps(func(c *fs.Caps) { c.Parallel = 50 })
	put(t, m, "f", numbers(10000))
	var now, peak atomic.Int64
	counting := layer.Metrics(fstest.NewFaulty(m, fstest.Fault{Op: "read", Times: -1, Delay: time.Millisecond}), func(layer.Event) { now.Add(-1) })
	l := layer.Limit(gauge{counting, &now, &peak}, 3)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			f, err := l.Open(t.Context(), "f", fs.OpenOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			var rs []fs.Range
			for i := range 10 {
				rs = append(rs, fs.Range{Off: int64(i) * 1000, Dst: make([]byte, 10)})
			}
			if err := f.ReadRanges(t.Context(), rs); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if p := peak.Load(); p > 3 || p < 2 {
		t.Errorf("%d requests at once, the limit is 3", p)
	}
}

// gauge counts reads in flight; the hook of Metrics counts them out.
type gauge struct {
	fs.FileSystem
	now, peak *atomic.Int64
}

func (g gauge) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	g.now.Add(1)
	f, err := g.FileSystem.Open(ctx, name, o)
	return gaugeFile{f, g}, err
}

type gaugeFile struct {
	fs.File
	g gauge
}

func (f gaugeFile) ReadRanges(ctx context.Context, rs []fs.Range) error {
	n := f.g.now.Add(1)
	for p := f.g.peak.Load(); n > p && !f.g.peak.CompareAndSwap(p, n); p = f.g.peak.Load() {
	}
	return f.File.ReadRanges(ctx, rs)
}

func TestCache(t *testing.T) {
	m := mem.New()
	data := numbers(10_000)
	put(t, m, "f", data)
	var log layer.Log
	c := layer.Cache(layer.IOLog(m, &log), layer.CacheOptions{Block: 1000, Bytes: 4000})
	read := func(off, n int) {
		t.Helper()
		dst := make([]byte, n)
		if err := open(t, c, "f").ReadRanges(t.Context(), []fs.Range{{Off: int64(off), Dst: dst, Label: "x"}}); err != nil || !bytes.Equal(dst, data[off:off+n]) {
			t.Errorf("%d bytes at %d: %v", n, off, err)
		}
		if s := c.Stats(); s.Bytes > 4000 {
			t.Errorf("the cache holds %d bytes", s.Bytes)
		}
	}
	reads := func() (s []string) {
		for _, e := range log.Physical() {
			if e.Op == "read" {
				s = append(s, fmt.Sprintf("%d+%d", e.Off, e.Len))
			}
		}
		log.Reset()
		return s
	}
	for _, step := range []struct {
		off, n int
		want   string
	}{
		{10, 5, "[0+1000]"}, {0, 1000, "[]"}, {999, 2, "[1000+1000]"}, {1500, 10, "[]"},
		{9990, 10, "[9000+1000]"}, {0, 4000, "[0+4000]"}, {2000, 1, "[2000+1000]"}, {3000, 1, "[3000+1000]"},
		{0, 1, "[0+1000]"}, {9990, 10, "[]"}, {1500, 1, "[1000+1000]"},
	} {
		read(step.off, step.n)
		if got := fmt.Sprint(reads()); got != step.want {
			t.Errorf("%d bytes at %d: %s, want %s", step.n, step.off, got, step.want)
		}
	}
	// Another version is another block.
	old := open(t, c, "f")
	data = bytes.ToUpper(bytes.Repeat([]byte("new"), 3000))
	put(t, m, "f", data)
	read(9, 5)
	if err := old.ReadRanges(t.Context(), []fs.Range{{Off: 9, Dst: make([]byte, 5)}}); !errors.Is(err, fs.ErrChanged) {
		t.Errorf("a handle on the old version: %v", err)
	}
}

func TestIOLog(t *testing.T) {
	m := mem.New().WithCaps(func(c *fs.Caps) { c.CoalesceGap = 100 })
	put(t, m, "dir/f", numbers(10_000))
	var first string
	for range 5 {
		var log layer.Log
		fsys := layer.IOLog(layer.Retry(fstest.NewFaulty(m, fstest.Fault{Op: "tail"}), layer.RetryOptions{Base: 1}), &log)
		f := open(t, fsys, "dir/f")
		if _, _, err := f.Tail(t.Context(), make([]byte, 64)); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				off := int64(i * 5000)
				if err := f.ReadRanges(t.Context(), []fs.Range{
					{Off: off + 150, Dst: make([]byte, 50), Label: fmt.Sprintf("row group %d, column b: data page 0", i)},
					{Off: off, Dst: make([]byte, 100), Label: fmt.Sprintf("row group %d, column a: data page 0", i)},
					{Off: off + 1000, Dst: make([]byte, 10)},
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if first == "" {
			first = log.String()
		} else if log.String() != first {
			t.Fatal("the log is not the same twice")
		}
	}
	want := `logical: 7 ranges, 384 bytes
  dir/f read [0,100) row group 0, column a: data page 0
  dir/f read [150,200) row group 0, column b: data page 0
  dir/f read [1000,1010)
  dir/f read [5000,5100) row group 1, column a: data page 0
  dir/f read [5150,5200) row group 1, column b: data page 0
  dir/f read [6000,6010)
  dir/f tail 64
physical: 5 requests, 484 bytes, 100 foreign
  dir/f read [0,200) foreign 50
  dir/f read [1000,1010)
  dir/f read [5000,5200) foreign 50
  dir/f read [6000,6010)
  dir/f tail 64
`
	if first != want {
		t.Errorf("got\n%swant\n%s", first, want)
	}
}

func TestMetrics(t *testing.T) {
	m := mem.New()
	var mu sync.Mutex
	var got []string
	fsys := layer.Metrics(m, func(e layer.Event) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprint(e.Op, " ", strings.TrimPrefix(e.URL, "mem:///"), " ", e.Bytes, " ", e.Err != nil))
	})
	put(t, fsys, "f", numbers(10))
	f := open(t, fsys, "f")
	f.ReadRanges(t.Context(), []fs.Range{{Dst: make([]byte, 3)}, {Off: 5, Dst: make([]byte, 2)}})
	f.ReadRanges(t.Context(), []fs.Range{{Dst: make([]byte, 30)}})
	f.Tail(t.Context(), make([]byte, 4))
	fsys.Stat(t.Context(), "missing")
	for range fsys.List(t.Context(), "f", fs.ListOptions{}) {
	}
	fsys.Remove(t.Context(), "f")
	want := "create f 0 false|write f 10 false|commit f 0 false|open f 0 false|read f 5 false|read f 0 true|tail f 4 false|stat missing 0 true|list f 0 false|remove f 0 false"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}
