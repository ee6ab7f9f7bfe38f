package fstest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/fstest"
	"github.com/bdkit/bdkit/fs/mem"
)

// buggy is a filesystem with one planted bug, which the suite must see.
type buggy struct {
	fs.FileSystem
	bug string
}

// bugs maps each bug to the case that must turn red.
var bugs = map[string]string{
	"range off by one":         "Ranges",
	"overlaps not filled":      "Ranges",
	"short past the end":       "PastEOF",
	"tail gives the head":      "Tail",
	"tail too short":           "Tail",
	"new version is read":      "Pinned",
	"Known is ignored":         "Known",
	"context is ignored":       "Cancel",
	"listing ends at a page":   "ListMany",
	"listing out of order":     "ListMany",
	"prefix is a directory":    "ListPrefix",
	"directories with slash":   "ListPrefix",
	"yield after stop":         "ListStops",
	"close commits":            "Abort",
	"visible while written":    "Abort",
	"names are unescaped":      "Names",
	"last writer wins":         "CreateRace",
	"IfNotExists is ignored":   "IfNotExists",
	"remove is always fine":    "Remove",
	"plain error":              "NotExist",
	"read after close":         "Closed",
	"races on a shared buffer": "Concurrent",
	"writer keeps the slice":   "RoundTrip",
	"cancelled commit commits": "CommitCancelled",
}

func (b buggy) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	switch b.bug {
	case "Known is ignored":
		o.Known = nil
	case "context is ignored":
		ctx = context.Background()
	case "names are unescaped":
		name = strings.ReplaceAll(name, "%41", "A")
	}
	f, err := b.FileSystem.Open(ctx, name, o)
	if err != nil {
		if b.bug == "plain error" {
			err = errors.New(err.Error())
		}
		return nil, err
	}
	return &buggyFile{File: f, b: b, name: name}, nil
}

type buggyFile struct {
	fs.File
	b    buggy
	name string
}

func (f *buggyFile) Close() error {
	if f.b.bug == "read after close" {
		return nil
	}
	return f.File.Close()
}

func (f *buggyFile) ReadRanges(ctx context.Context, rs []fs.Range) error {
	switch f.b.bug {
	case "range off by one":
		for _, r := range rs {
			if r.Off == 1499 {
				r.Off--
			}
			if err := f.File.ReadRanges(ctx, []fs.Range{r}); err != nil {
				return err
			}
		}
		return nil
	case "overlaps not filled":
		seen := map[int64]bool{}
		var once []fs.Range
		for _, r := range rs {
			if !seen[r.Off] {
				once = append(once, r)
			}
			seen[r.Off] = true
		}
		rs = once
	case "short past the end":
		if err := f.File.ReadRanges(ctx, rs); err != nil && strings.Contains(err.Error(), "EOF") {
			return nil
		}
	case "context is ignored":
		ctx = context.Background()
	case "new version is read":
		fresh, err := f.b.FileSystem.Open(ctx, f.name, fs.OpenOptions{})
		if err != nil {
			return err
		}
		return fresh.ReadRanges(ctx, rs)
	case "races on a shared buffer":
		if len(rs) == 5 {
			for i := range rs {
				if n := len(rs[i].Dst); n > 0 && n < 100 {
					rs[i].Dst[0]++
				}
			}
			if err := f.File.ReadRanges(ctx, rs); err != nil {
				return err
			}
			for i := range rs {
				if n := len(rs[i].Dst); n > 0 {
					rs[i].Dst[n/2] ^= byte(len(rs))
				}
			}
			return nil
		}
	}
	return f.File.ReadRanges(ctx, rs)
}

func (f *buggyFile) Tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	n, info, err := f.File.Tail(ctx, dst)
	switch {
	case err != nil:
	case f.b.bug == "tail gives the head" && n > 0:
		err = f.File.ReadRanges(ctx, []fs.Range{{Dst: dst[:n]}})
	case f.b.bug == "tail too short" && n > 1000:
		n = copy(dst, dst[1:n])
	}
	return n, info, err
}

func (b buggy) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	if b.bug == "context is ignored" {
		ctx = context.Background()
	}
	return b.FileSystem.Stat(ctx, name)
}

func (b buggy) List(ctx context.Context, prefix string, o fs.ListOptions) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		var all []fs.FileInfo
		for info, err := range b.FileSystem.List(ctx, prefix, o) {
			if err != nil {
				yield(info, err)
				return
			}
			switch {
			case b.bug == "prefix is a directory" && prefix != "" && !strings.HasSuffix(prefix, "/") && info.Name != prefix && !strings.HasPrefix(info.Name, prefix+"/"):
				continue
			case b.bug == "directories with slash" && info.IsDir:
				info.Name += "/"
			}
			all = append(all, info)
		}
		if b.bug == "listing ends at a page" {
			all = all[:min(len(all), 1000)]
		}
		if b.bug == "listing out of order" && len(all) > 2 {
			all[0], all[1] = all[1], all[0]
		}
		for _, info := range all {
			if !yield(info, nil) && b.bug != "yield after stop" {
				return
			}
		}
	}
}

func (b buggy) Remove(ctx context.Context, name string) error {
	err := b.FileSystem.Remove(ctx, name)
	if b.bug == "remove is always fine" {
		return nil
	}
	return err
}

func (b buggy) Create(ctx context.Context, name string, o fs.CreateOptions) (fs.Writer, error) {
	race := strings.HasPrefix(name, "race/")
	if b.bug == "IfNotExists is ignored" || b.bug == "last writer wins" && race {
		o.IfNotExists = false
	}
	w, err := b.FileSystem.Create(ctx, name, o)
	if err != nil {
		return nil, err
	}
	if b.bug == "visible while written" {
		early, err := b.FileSystem.Create(ctx, name, o)
		if err != nil {
			return nil, err
		}
		if _, err := early.Commit(ctx); err != nil {
			return nil, err
		}
	}
	return &buggyWriter{Writer: w, b: b}, nil
}

type buggyWriter struct {
	fs.Writer
	b    buggy
	kept [][]byte
}

func (w *buggyWriter) Write(p []byte) (int, error) {
	if w.b.bug == "writer keeps the slice" {
		w.kept = append(w.kept, p)
		return len(p), nil
	}
	return w.Writer.Write(p)
}

func (w *buggyWriter) Commit(ctx context.Context) (fs.FileInfo, error) {
	if w.b.bug == "cancelled commit commits" {
		ctx = context.WithoutCancel(ctx)
	}
	if _, err := w.Writer.Write(bytes.Join(w.kept, nil)); err != nil {
		return fs.FileInfo{}, err
	}
	return w.Writer.Commit(ctx)
}

func (w *buggyWriter) Close() error {
	if w.b.bug == "close commits" {
		w.Writer.Commit(context.Background())
	}
	return w.Writer.Close()
}

const bugEnv = "FSTEST_PLANTED_BUG"

// TestSuite is the suite over a good filesystem, or in a child over a bad one.
func TestSuite(t *testing.T) {
	bug := os.Getenv(bugEnv)
	fstest.Run(t, func(t *testing.T) fs.FileSystem { return buggy{FileSystem: mem.New(), bug: bug} })
}

func TestFaultyWithoutFaults(t *testing.T) {
	fstest.Run(t, func(t *testing.T) fs.FileSystem { return fstest.NewFaulty(mem.New()) })
}

// A suite that cannot turn red proves nothing.
func TestPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process a bug")
	}
	for bug, where := range bugs {
		t.Run(strings.ReplaceAll(bug, " ", "_"), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuite$/^"+where+"$", "-test.v")
			cmd.Env = append(os.Environ(), bugEnv+"="+bug)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatal("the suite is green")
			}
			if !bytes.Contains(out, fmt.Appendf(nil, "--- FAIL: TestSuite/%s", where)) && !bytes.Contains(out, []byte("panic: ")) {
				t.Errorf("%s does not see it:\n%s", where, out)
			}
		})
	}
}

// Faulty does what it says.
func TestFaults(t *testing.T) {
	m := mem.New()
	w, err := m.Create(t.Context(), "f", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := fstest.NewFaulty(m,
		fstest.Fault{Op: "read", Nth: 2, Partial: true},
		fstest.Fault{Op: "read", Nth: 3, Partial: true, Silent: true},
		fstest.Fault{Op: "tail", Nth: 1, Err: fs.ErrChanged},
		fstest.Fault{Op: "stat", Times: -1},
	)
	file, err := f.Open(t.Context(), "f", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for i, c := range []struct {
		want string
		err  error
	}{{"0123", nil}, {"01..", fs.ErrIO}, {"01..", nil}, {"0123", nil}} {
		dst := []byte("....")
		if err := file.ReadRanges(t.Context(), []fs.Range{{Dst: dst}}); !errors.Is(err, c.err) || string(dst) != c.want {
			t.Errorf("read %d: %q, %v", i+1, dst, err)
		}
	}
	if _, _, err := file.Tail(t.Context(), make([]byte, 2)); !errors.Is(err, fs.ErrChanged) {
		t.Error(err)
	}
	for range 3 {
		if _, err := f.Stat(t.Context(), "f"); !errors.Is(err, fs.ErrIO) {
			t.Error(err)
		}
	}
	if f.Calls("read") != 4 || f.Calls("stat") != 3 {
		t.Errorf("%d reads and %d stats counted", f.Calls("read"), f.Calls("stat"))
	}
}
