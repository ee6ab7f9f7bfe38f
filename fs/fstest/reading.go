package fstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bdkit/bdkit/fs"
)

var weirdNames = []string{
	"plain", "a b", " lead and trail ", "a+b", "100%", "%41", "%2F", "a#b", "a?b=c&d", "a=b;c,d", "ünïcödé", "日本/語.parquet",
	"e\u0301", "quote'\"`", "a..b", "..a", ".hidden", "_under", "[1]*{x}", "a\\b", "a:b@c", "~", "-", "tab\there", "new\nline",
	"year=2020/month=01/x", "deep/er/and/deep/er/x", strings.Repeat("n", 200), "xml<&>", "$HOME", "a|b",
}

func (s *suite) roundTrip(t *testing.T, fsys fs.FileSystem) {
	for _, n := range []int{0, 1, 4095, 65537, 3<<20 + 1} {
		name := fmt.Sprint("size/", n)
		want := random(n)
		s.write(t, fsys, name, want)
		got, err := read(t.Context(), fsys, name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: read back %d, equal %v, %v", n, len(got), bytes.Equal(got, want), err)
		}
		info, err := fsys.Stat(t.Context(), name)
		if err != nil || info.Size != int64(n) || info.Name != name || info.IsDir {
			t.Errorf("stat of %d bytes: %+v, %v", n, info, err)
		}
		f := open(t, fsys, name)
		if finfo, err := f.Info(t.Context()); err != nil || finfo.Size != info.Size || finfo.Version != info.Version || finfo.Name != name {
			t.Errorf("Info says %+v, Stat %+v, %v", finfo, info, err)
		}
		if f.String() != fsys.URL(name) {
			t.Errorf("the file calls itself %q, the filesystem %q", f.String(), fsys.URL(name))
		}
	}
}

func (s *suite) weird(t *testing.T, fsys fs.FileSystem) {
	for _, n := range s.names {
		s.write(t, fsys, n, []byte("contents of "+n))
	}
	for _, n := range s.names {
		got, err := read(t.Context(), fsys, n)
		if err != nil || string(got) != "contents of "+n {
			t.Errorf("%q: %q, %v", n, got, err)
		}
		if info, err := fsys.Stat(t.Context(), n); err != nil || info.Name != n {
			t.Errorf("stat %q: %q, %v", n, info.Name, err)
		}
		if s.noList {
			continue
		}
		found := false
		for _, info := range list(t, fsys, n, fs.ListOptions{}) {
			found = found || info.Name == n
			if !strings.HasPrefix(info.Name, n) {
				t.Errorf("the listing of %q has %q", n, info.Name)
			}
		}
		if !found {
			t.Errorf("the listing of %q lacks it", n)
		}
	}
}

func (s *suite) badNames(t *testing.T, fsys fs.FileSystem) {
	for _, n := range []string{"/abs", "../up", "a/../../up", "a/./b", "..", ".", "nul\x00"} {
		if _, err := read(t.Context(), fsys, n); err == nil {
			t.Errorf("%q was opened", n)
		}
		if w, err := fsys.Create(t.Context(), n, fs.CreateOptions{}); err == nil {
			w.Close()
			t.Errorf("%q was created", n)
		}
	}
}

func (s *suite) ranges(t *testing.T, fsys fs.FileSystem) {
	data := random(100_000)
	s.write(t, fsys, "f", data)
	f := open(t, fsys, "f")
	r := rand.New(rand.NewPCG(7, 7))
	check := func(what string, rs []fs.Range) {
		t.Helper()
		for i := range rs {
			for j := range rs[i].Dst {
				rs[i].Dst[j] = ^data[rs[i].Off+int64(j)] // each byte must be written
			}
		}
		before := make([]fs.Range, len(rs))
		copy(before, rs)
		if err := f.ReadRanges(t.Context(), rs); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for i, g := range rs {
			if g.Off != before[i].Off || len(g.Dst) != len(before[i].Dst) {
				t.Fatalf("%s: the caller's ranges were changed", what)
			}
			if !bytes.Equal(g.Dst, data[g.Off:g.Off+int64(len(g.Dst))]) {
				t.Errorf("%s: the range of %d bytes at %d has the wrong bytes", what, len(g.Dst), g.Off)
			}
		}
	}
	at := func(off, n int) fs.Range {
		return fs.Range{Off: int64(off), Dst: make([]byte, n), Label: fmt.Sprintf("%d bytes at %d", n, off)}
	}
	check("none", nil)
	check("empty", []fs.Range{at(0, 0), at(50, 0), at(len(data), 0)})
	check("whole", []fs.Range{at(0, len(data))})
	check("first and last byte", []fs.Range{at(0, 1), at(len(data)-1, 1)})
	check("backwards and touching", []fs.Range{at(200, 100), at(100, 100), at(0, 100)})
	check("the same twice", []fs.Range{at(10, 50), at(10, 50)})
	check("overlapping and nested", []fs.Range{at(0, 1000), at(500, 1000), at(600, 10), at(1499, 2), at(0, 1)})
	var many []fs.Range
	for i := range 2000 {
		many = append(many, at((i*7919)%99_000, 1+i%40))
	}
	check("two thousand", many)
	for i := range 50 {
		var rs []fs.Range
		for range r.IntN(20) {
			off := r.IntN(len(data))
			rs = append(rs, at(off, r.IntN(min(5000, len(data)-off)+1)))
		}
		check(fmt.Sprint("random ", i), rs)
	}
}

func (s *suite) pastEOF(t *testing.T, fsys fs.FileSystem) {
	s.write(t, fsys, "f", random(1000))
	s.write(t, fsys, "empty", nil)
	for _, c := range []struct {
		name string
		off  int64
		n    int
		ok   bool
	}{
		{"f", 990, 10, true}, {"f", 990, 11, false}, {"f", 1000, 1, false}, {"f", 5000, 1, false},
		{"f", 1 << 40, 10, false}, {"f", math.MaxInt64 - 3, 10, false}, {"f", -1, 1, false}, {"empty", 0, 1, false}, {"empty", 0, 0, true},
	} {
		f := open(t, fsys, c.name) // fresh: a driver may know the size by now
		err := f.ReadRanges(t.Context(), []fs.Range{{Off: 0, Dst: nil}, {Off: c.off, Dst: make([]byte, c.n), Label: "the label"}})
		switch {
		case c.ok && err != nil:
			t.Errorf("%d bytes at %d of %s: %v", c.n, c.off, c.name, err)
		case !c.ok && err == nil:
			t.Errorf("%d bytes at %d of %s: no error", c.n, c.off, c.name)
		case !c.ok && c.off >= 0 && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Errorf("%d bytes at %d of %s: %v is no io.ErrUnexpectedEOF", c.n, c.off, c.name, err)
		case !c.ok:
			named(t, err, f.String())
		}
	}
}

// named checks that an error is an fs.Error that says of which file it is.
func named(t *testing.T, err error, url string) {
	t.Helper()
	var e *fs.Error
	if !errors.As(err, &e) || e.URL != url || !strings.Contains(err.Error(), url) {
		t.Errorf("the error %q does not name %s", err, url)
	}
}

func (s *suite) tail(t *testing.T, fsys fs.FileSystem) {
	for _, size := range []int{0, 1, 10, 100_000, 3 << 20} {
		data := random(size)
		name := fmt.Sprint("f", size)
		s.write(t, fsys, name, data)
		for _, n := range []int{0, 1, 8, 10, 11, 65536, 4 << 20} {
			f := open(t, fsys, name)
			dst := bytes.Repeat([]byte{0xA5}, n)
			got, info, err := f.Tail(t.Context(), dst)
			want := data[size-min(n, size):]
			if err != nil || got != len(want) || info.Size != int64(size) || info.Name != name || !bytes.Equal(dst[:got], want) {
				t.Errorf("tail of %d from %d bytes: n %d, size %d, name %q, equal %v, %v", n, size, got, info.Size, info.Name, err == nil && bytes.Equal(dst[:got], want), err)
			}
			if again, err := f.Info(t.Context()); err != nil || again.Size != info.Size || again.Version != info.Version {
				t.Errorf("Tail says %+v, Info %+v, %v", info, again, err)
			}
			f.Close()
		}
	}
}

func (s *suite) notExist(t *testing.T, fsys fs.FileSystem) {
	s.write(t, fsys, "file", []byte("x"))
	for _, name := range []string{"missing", "no/such/dir/x", "file/below"} {
		use := func(what string, do func(f fs.File) error) {
			f, err := fsys.Open(t.Context(), name, fs.OpenOptions{})
			if err == nil {
				err = do(f)
				f.Close()
			}
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s of %s: %v is no fs.ErrNotExist", what, name, err)
			} else {
				named(t, err, fsys.URL(name))
			}
		}
		use("read", func(f fs.File) error { return f.ReadRanges(t.Context(), []fs.Range{{Dst: make([]byte, 1)}}) })
		use("tail", func(f fs.File) error { _, _, err := f.Tail(t.Context(), make([]byte, 8)); return err })
		use("info", func(f fs.File) error { _, err := f.Info(t.Context()); return err })
		if _, err := fsys.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat of %s: %v", name, err)
		}
		if !fsys.Caps().ReadOnly {
			if err := fsys.Remove(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("remove of %s: %v", name, err)
			}
		}
	}
}

func (s *suite) closed(t *testing.T, fsys fs.FileSystem) {
	s.write(t, fsys, "f", random(100))
	f := open(t, fsys, "f")
	for range 2 {
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := f.ReadRanges(t.Context(), []fs.Range{{Dst: make([]byte, 1)}}); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if _, _, err := f.Tail(t.Context(), make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("tail after close: %v", err)
	}
}

// pinnedVersion: after a file was replaced, a handle gives the old bytes or
// ErrChanged, and never a byte of the new ones.
func (s *suite) pinnedVersion(t *testing.T, fsys fs.FileSystem) {
	for _, first := range []string{"tail", "info", "read"} {
		for _, size := range []int{5000, 9000} { // the same size and another
			name := fmt.Sprint("f", first, size)
			old, next := bytes.Repeat([]byte("old.."), 1000), bytes.Repeat([]byte("N"), size)
			s.write(t, fsys, name, old)
			f := open(t, fsys, name)
			dst := make([]byte, 50)
			var err error
			switch first {
			case "tail":
				_, _, err = f.Tail(t.Context(), dst)
			case "info":
				_, err = f.Info(t.Context())
			case "read":
				err = f.ReadRanges(t.Context(), []fs.Range{{Dst: dst}})
			}
			if err != nil {
				t.Fatalf("%s: %v", first, err)
			}
			s.write(t, fsys, name, next)
			clear(dst)
			err = f.ReadRanges(t.Context(), []fs.Range{{Off: 100, Dst: dst}})
			if err == nil && !bytes.Equal(dst, old[100:150]) || err != nil && !errors.Is(err, fs.ErrChanged) {
				t.Errorf("after %s and a replacement: read gives %q, %v", first, dst, err)
			}
			n, info, err := f.Tail(t.Context(), dst)
			if err == nil && (info.Size != 5000 || !bytes.Equal(dst[:n], old[4950:])) || err != nil && !errors.Is(err, fs.ErrChanged) {
				t.Errorf("after %s and a replacement: tail gives %q, %v", first, dst, err)
			}
			if got, err := read(t.Context(), fsys, name); err != nil || !bytes.Equal(got, next) {
				t.Errorf("a new handle does not see the new file: %v", err)
			}
		}
	}
}

// known: what a listing saw must be what is read.
func (s *suite) known(t *testing.T, fsys fs.FileSystem) {
	data := random(5000)
	s.write(t, fsys, "f", data)
	info, err := fsys.Stat(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	try := func() ([]byte, error) {
		f, err := fsys.Open(t.Context(), "f", fs.OpenOptions{Known: &info})
		if err != nil {
			return nil, err
		}
		defer f.Close()
		dst := make([]byte, 100)
		return dst, f.ReadRanges(t.Context(), []fs.Range{{Off: 10, Dst: dst}})
	}
	if got, err := try(); err != nil || !bytes.Equal(got, data[10:110]) {
		t.Errorf("the version that was listed: %v", err)
	}
	if info.Version == "" {
		t.Skip("the store tells no versions")
	}
	if !s.noList {
		for _, l := range list(t, fsys, "f", fs.ListOptions{}) {
			if l.Version != "" && l.Version != info.Version {
				t.Errorf("the listing says version %q, Stat %q", l.Version, info.Version)
			}
		}
	}
	s.write(t, fsys, "f", random(5001)[:5000])
	if _, err := try(); !errors.Is(err, fs.ErrChanged) {
		t.Errorf("another version than was listed: %v is no fs.ErrChanged", err)
	}
}

// promptly runs do under a context that has ended.
func promptly(t *testing.T, what string, do func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s under a cancelled context: %v", what, err)
		}
	case <-time.After(patience):
		t.Fatalf("%s does not notice that its context ended", what)
	}
}

func (s *suite) cancel(t *testing.T, fsys fs.FileSystem) {
	s.write(t, fsys, "f", random(1000))
	f := open(t, fsys, "f")
	promptly(t, "ReadRanges", func(ctx context.Context) error {
		return f.ReadRanges(ctx, []fs.Range{{Dst: make([]byte, 10)}, {Off: 900, Dst: make([]byte, 10)}})
	})
	promptly(t, "Tail", func(ctx context.Context) error { _, _, err := f.Tail(ctx, make([]byte, 10)); return err })
	promptly(t, "Stat", func(ctx context.Context) error { _, err := fsys.Stat(ctx, "f"); return err })
	promptly(t, "Open", func(ctx context.Context) error {
		f, err := fsys.Open(ctx, "f", fs.OpenOptions{})
		if err == nil { // lazy
			defer f.Close()
			_, err = f.Info(ctx)
		}
		return err
	})
	if !s.noList {
		promptly(t, "List", func(ctx context.Context) error {
			for _, err := range fsys.List(ctx, "", fs.ListOptions{}) {
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	// The handle is none the worse.
	if err := f.ReadRanges(t.Context(), []fs.Range{{Dst: make([]byte, 10)}}); err != nil {
		t.Errorf("after a cancelled read: %v", err)
	}
}

func (s *suite) concurrent(t *testing.T, fsys fs.FileSystem) {
	data := random(1 << 20)
	s.write(t, fsys, "f", data)
	f := open(t, fsys, "f")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range 20 {
				rs := make([]fs.Range, 5)
				for i := range rs {
					rs[i] = fs.Range{Off: r.Int64N(1<<20 - 5000), Dst: make([]byte, r.IntN(5000))}
				}
				if err := f.ReadRanges(t.Context(), rs); err != nil {
					t.Errorf("reader %d: %v", w, err)
					return
				}
				for _, g := range rs {
					if !bytes.Equal(g.Dst, data[g.Off:g.Off+int64(len(g.Dst))]) {
						t.Errorf("reader %d: wrong bytes at %d", w, g.Off)
						return
					}
				}
				tail := make([]byte, 100)
				if n, _, err := f.Tail(t.Context(), tail); err != nil || !bytes.Equal(tail[:n], data[1<<20-100:]) {
					t.Errorf("reader %d: tail: %v", w, err)
				}
			}
		})
	}
	wg.Wait()
}
