package local_test

import (
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/local"
)

func newFS(t *testing.T) (*local.FS, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := local.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l, dir
}

func put(t *testing.T, fsys fs.FileSystem, name, text string) fs.FileInfo {
	t.Helper()
	w, err := fsys.Create(t.Context(), name, fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// tree names everything below dir, directories too.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, d iofs.DirEntry, err error) error {
		if p != dir {
			names = append(names, strings.TrimPrefix(p, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAbortLeavesNothing(t *testing.T) {
	l, dir := newFS(t)
	w, err := l.Create(t.Context(), "a/b/c.txt", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Longer than the buffer, so that bytes reach the temporary file.
	if _, err := w.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); len(got) != 3 || !strings.HasPrefix(got[2], "a/b/.bdtmp-") {
		t.Fatalf("while writing: %q", got)
	}
	for info := range l.List(t.Context(), "", fs.ListOptions{}) {
		t.Errorf("the listing shows %s", info.Name)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); len(got) != 0 {
		t.Fatalf("after Close: %q", got)
	}
	// What was there before, or came meanwhile, stays.
	put(t, l, "a/old", "x")
	w, err = l.Create(t.Context(), "a/b/c.txt", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, l, "a/b/other", "x")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"a", "a/b", "a/b/other", "a/old"}) {
		t.Fatalf("after Close: %q", got)
	}
}

func TestFailedCommitLeavesNothing(t *testing.T) {
	l, dir := newFS(t)
	w, err := l.Create(t.Context(), "x", fs.CreateOptions{IfNotExists: true})
	if err != nil {
		t.Fatal(err)
	}
	put(t, l, "x", "first")
	if _, err := w.Commit(t.Context()); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("commit onto a taken name: %v", err)
	}
	if _, err := w.Commit(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("second commit: %v", err)
	}
	if got := tree(t, dir); !slices.Equal(got, []string{"x"}) {
		t.Fatalf("%q", got)
	}
}

func TestSpecialFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no pipes in directories")
	}
	l, dir := newFS(t)
	pipe(t, filepath.Join(dir, "pipe"))
	if err := os.Mkdir(filepath.Join(dir, "dir"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, words := range map[string]string{"pipe": "it is a pipe", "dir": "it is a directory"} {
		done := make(chan error, 1)
		go func() { _, err := l.Open(t.Context(), name, fs.OpenOptions{}); done <- err }()
		select {
		case err := <-done:
			if !errors.Is(err, fs.ErrUnsupported) || !strings.Contains(err.Error(), words) {
				t.Errorf("open %s: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("open %s hangs", name)
		}
		if _, err := l.Create(t.Context(), name, fs.CreateOptions{}); !errors.Is(err, fs.ErrUnsupported) {
			t.Errorf("create over %s: %v", name, err)
		}
	}
	if err := l.Remove(t.Context(), "dir"); !errors.Is(err, fs.ErrUnsupported) {
		t.Errorf("remove of a directory: %v", err)
	}
	root, err := local.New("/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Create(t.Context(), "dev/null", fs.CreateOptions{}); !errors.Is(err, fs.ErrUnsupported) {
		t.Fatalf("create over /dev/null: %v", err)
	}
	if _, err := root.Open(t.Context(), "dev/null", fs.OpenOptions{}); err == nil || !strings.Contains(err.Error(), "/dev/null: open: ") || !strings.Contains(err.Error(), "a device") {
		t.Errorf("open /dev/null: %v", err)
	}
	for info, err := range l.List(t.Context(), "", fs.ListOptions{}) {
		t.Errorf("listed %v, %v", info, err)
	}
}

func TestChangedInPlace(t *testing.T) {
	l, dir := newFS(t)
	put(t, l, "x", "0123456789")
	f, err := l.Open(t.Context(), "x", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(filepath.Join(dir, "x"), 5); err != nil {
		t.Fatal(err)
	}
	if err := f.ReadRanges(t.Context(), []fs.Range{{Off: 5, Dst: make([]byte, 5), Label: "the rest"}}); !errors.Is(err, fs.ErrChanged) || !strings.Contains(err.Error(), "the rest") {
		t.Errorf("read: %v", err)
	}
	if _, _, err := f.Tail(t.Context(), make([]byte, 4)); !errors.Is(err, fs.ErrChanged) {
		t.Errorf("tail: %v", err)
	}
	if _, err := f.Info(t.Context()); !errors.Is(err, fs.ErrChanged) {
		t.Errorf("info: %v", err)
	}
}

// A handle outlives the name: the old contents stay readable.
func TestReplacedWhileOpen(t *testing.T) {
	l, _ := newFS(t)
	put(t, l, "x", "old contents")
	f, err := l.Open(t.Context(), "x", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	put(t, l, "x", "new")
	got := make([]byte, 12)
	if err := f.ReadRanges(t.Context(), []fs.Range{{Dst: got}}); err != nil || string(got) != "old contents" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLinks(t *testing.T) {
	l, dir := newFS(t)
	put(t, l, "real/part/x", "1")
	for link, to := range map[string]string{"loop": "..", "dirlink": "part", "broken": "nowhere", "filelink": "part/x"} {
		if err := os.Symlink(to, filepath.Join(dir, "real", link)); err != nil {
			t.Skip(err)
		}
	}
	var got []string
	for info, err := range l.List(t.Context(), "real/", fs.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Name)
	}
	// The loop leads to the root, and from there into real once more, where
	// it ends: real is being listed.
	if want := []string{"real/dirlink/x", "real/filelink", "real/part/x"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestModeKept(t *testing.T) {
	l, dir := newFS(t)
	put(t, l, "x", "1")
	if err := os.Chmod(filepath.Join(dir, "x"), 0o640); err != nil {
		t.Fatal(err)
	}
	put(t, l, "x", "2")
	st, err := os.Stat(filepath.Join(dir, "x"))
	if err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

func TestURLResolvesBack(t *testing.T) {
	l, _ := newFS(t)
	for _, name := range []string{"a b", "100%", "ünï", "q?x#y", "a+b"} {
		put(t, l, name, name)
		fsys, n, err := fs.Resolve(t.Context(), l.URL(name), nil)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := fsys.Stat(t.Context(), n); err != nil || info.Size != int64(len(name)) {
			t.Errorf("%s: %v, %v", l.URL(name), info, err)
		}
	}
}
