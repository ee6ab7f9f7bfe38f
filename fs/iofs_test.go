package fs_test

import (
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/local"
)

func TestIOFS(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for name, f := range tree {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	l, err := local.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	for what, fsys := range map[string]fs.FileSystem{
		"local": l, "flat": &flat{FileSystem: fs.FromIOFS(tree), flat: true},
		"round trip": fs.FromIOFS(fs.IOFS(t.Context(), l)),
	} {
		t.Run(what, func(t *testing.T) {
			if err := fstest.TestFS(fs.IOFS(t.Context(), fsys), names...); err != nil {
				t.Error(err)
			}
		})
	}
}

// only hides what else a file of the standard library can do.
type only struct {
	iofs.FS
	seek bool
}

func (o only) Open(name string) (iofs.File, error) {
	f, err := o.FS.Open(name)
	if err != nil || !o.seek {
		return struct{ iofs.File }{f}, err
	}
	return struct {
		iofs.File
		io.Seeker
	}{f, f.(io.Seeker)}, err
}

func TestFromIOFS(t *testing.T) {
	for what, std := range map[string]iofs.FS{"at": tree, "seek": only{tree, true}, "slurp": only{tree, false}} {
		t.Run(what, func(t *testing.T) {
			f, err := fs.FromIOFS(std).Open(t.Context(), "d/e/f/g.x", fs.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			a, b := make([]byte, 3), make([]byte, 5)
			if err := f.ReadRanges(t.Context(), []fs.Range{{Off: 6, Dst: a}, {Off: 0, Dst: b}, {Off: 9}}); err != nil || string(a) != "g.x" || string(b) != "d/e/f" {
				t.Errorf("%q %q %v", a, b, err)
			}
			if err := f.ReadRanges(t.Context(), []fs.Range{{Off: 7, Dst: a}}); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("past the end: %v", err)
			}
			n, info, err := f.Tail(t.Context(), make([]byte, 100))
			if n != 9 || info.Size != 9 || err != nil {
				t.Errorf("tail: %d %v %v", n, info, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := f.ReadRanges(ctx, []fs.Range{{Dst: a}}); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			f.Close()
			if err := f.ReadRanges(t.Context(), []fs.Range{{Dst: a}}); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		})
	}
	ro := fs.FromIOFS(tree)
	if _, err := ro.Create(t.Context(), "x", fs.CreateOptions{}); !errors.Is(err, fs.ErrUnsupported) {
		t.Error(err)
	}
	if err := ro.Remove(t.Context(), "a.x"); !errors.Is(err, fs.ErrUnsupported) {
		t.Error(err)
	}
	if _, err := ro.Open(t.Context(), "missing", fs.OpenOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := ro.Open(t.Context(), "d", fs.OpenOptions{}); !errors.Is(err, fs.ErrUnsupported) {
		t.Error(err)
	}
}

func TestReaderAt(t *testing.T) {
	f, err := fs.FromIOFS(tree).Open(t.Context(), "d/e/f/g.x", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := fs.ReaderAt(t.Context(), f)
	b, err := io.ReadAll(io.NewSectionReader(r, 2, 100))
	if err != nil || string(b) != "e/f/g.x" {
		t.Errorf("%q %v", b, err)
	}
	if n, err := r.ReadAt(b, 9); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	if _, err := r.ReadAt(b, -1); !errors.Is(err, fs.ErrUnsupported) {
		t.Error(err)
	}
}
