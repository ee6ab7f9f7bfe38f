package fstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/bdkit/bdkit/fs"
)

func create(t *testing.T, fsys fs.FileSystem, name, text string, o fs.CreateOptions) fs.Writer {
	t.Helper()
	w, err := fsys.Create(t.Context(), name, o)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatalf("write: %v", err)
	}
	return w
}

// absent checks that a name leads to nothing and that nothing is listed.
func (s *suite) absent(t *testing.T, fsys fs.FileSystem, when, name string) {
	t.Helper()
	if _, err := fsys.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: stat: %v", when, err)
	}
	if s.noList {
		return
	}
	for _, info := range list(t, fsys, "", fs.ListOptions{}) {
		t.Errorf("%s: the listing shows %q", when, info.Name)
	}
	for _, info := range list(t, fsys, "", fs.ListOptions{Delimited: true}) {
		if !info.IsDir {
			t.Errorf("%s: the delimited listing shows %q", when, info.Name)
		}
	}
}

func (s *suite) abort(t *testing.T, fsys fs.FileSystem) {
	// Larger than any buffer, so that bytes are under way.
	w := create(t, fsys, "d/f", string(random(9<<20)), fs.CreateOptions{PartSize: 5 << 20})
	s.absent(t, fsys, "before commit", "d/f")
	for range 2 {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	s.absent(t, fsys, "after close without commit", "d/f")
	if _, err := w.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if _, err := w.Commit(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("commit after close: %v", err)
	}
	s.absent(t, fsys, "after commit of a closed writer", "d/f")
}

func (s *suite) commit(t *testing.T, fsys fs.FileSystem) {
	w := create(t, fsys, "d/f", "text", fs.CreateOptions{})
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Errorf("close after commit: %v", err)
		}
	}
	if _, err := w.Write([]byte("more")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after commit: %v", err)
	}
	if _, err := w.Commit(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second commit: %v", err)
	}
	got, err := read(t.Context(), fsys, "d/f")
	if err != nil || string(got) != "text" {
		t.Errorf("read back %q, %v", got, err)
	}
	st, err := fsys.Stat(t.Context(), "d/f")
	if err != nil || st.Version != info.Version || st.Size != info.Size {
		t.Errorf("commit says %+v, stat %+v, %v", info, st, err)
	}
}

func (s *suite) commitCancelled(t *testing.T, fsys fs.FileSystem) {
	w := create(t, fsys, "f", "text", fs.CreateOptions{})
	promptly(t, "Commit", func(ctx context.Context) error { _, err := w.Commit(ctx); return err })
	if err := w.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	s.absent(t, fsys, "after a cancelled commit", "f")
	promptly(t, "Create", func(ctx context.Context) error {
		w, err := fsys.Create(ctx, "f", fs.CreateOptions{})
		if err == nil { // lazy
			defer w.Close()
			_, err = w.Commit(ctx)
		}
		return err
	})
	promptly(t, "Remove", func(ctx context.Context) error { return fsys.Remove(ctx, "f") })
	s.absent(t, fsys, "after a cancelled create", "f")
}

func (s *suite) overwrite(t *testing.T, fsys fs.FileSystem) {
	s.write(t, fsys, "f", []byte("a long first version"))
	before, err := fsys.Stat(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	w := create(t, fsys, "f", "short", fs.CreateOptions{})
	if got, err := read(t.Context(), fsys, "f"); err != nil || string(got) != "a long first version" {
		t.Errorf("while the new one is written: %q, %v", got, err)
	}
	if _, err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t.Context(), fsys, "f"); err != nil || string(got) != "short" {
		t.Errorf("after: %q, %v", got, err)
	}
	after, err := fsys.Stat(t.Context(), "f")
	if err != nil || before.Version != "" && after.Version == before.Version {
		t.Errorf("the version stays %q, %v", after.Version, err)
	}
}

func (s *suite) ifNotExists(t *testing.T, fsys fs.FileSystem) {
	o := fs.CreateOptions{IfNotExists: true}
	w := create(t, fsys, "d/f", "first", o)
	if _, err := w.Commit(t.Context()); err != nil {
		t.Fatalf("a free name: %v", err)
	}
	// Create may say so, Commit must.
	w, err := fsys.Create(t.Context(), "d/f", o)
	if err == nil {
		io.WriteString(w, "second")
		_, err = w.Commit(t.Context())
		w.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("a taken name: %v is no fs.ErrExist", err)
	}
	if got, err := read(t.Context(), fsys, "d/f"); err != nil || string(got) != "first" {
		t.Errorf("the first file now is %q, %v", got, err)
	}
}

func (s *suite) createRace(t *testing.T, fsys fs.FileSystem) {
	for round := range 20 {
		name := fmt.Sprintf("race/%d/f", round)
		const racers = 4
		var (
			wg      sync.WaitGroup
			start   = make(chan struct{})
			winners = make(chan int, racers)
		)
		text := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 1000) }
		for i := range racers {
			w, err := fsys.Create(t.Context(), name, fs.CreateOptions{IfNotExists: true})
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				defer w.Close()
				if _, err := w.Write(text(i)); err != nil {
					t.Error(err)
				}
				<-start
				_, err := w.Commit(t.Context())
				if err == nil {
					winners <- i
				} else if !errors.Is(err, fs.ErrExist) {
					t.Errorf("a loser gets %v", err)
				}
			})
		}
		close(start)
		wg.Wait()
		close(winners)
		if len(winners) != 1 {
			t.Fatalf("round %d: %d winners of %d", round, len(winners), racers)
		}
		if got, err := read(t.Context(), fsys, name); err != nil || !bytes.Equal(got, text(<-winners)) {
			t.Errorf("the winner's bytes are not there: %.5q, %v", got, err)
		}
	}
}

func (s *suite) remove(t *testing.T, fsys fs.FileSystem) {
	s.write(t, fsys, "d/f", []byte("x"))
	s.write(t, fsys, "d/ff", []byte("x"))
	if err := fsys.Remove(t.Context(), "d/f"); err != nil {
		t.Fatal(err)
	}
	if _, err := fsys.Stat(t.Context(), "d/f"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat after remove: %v", err)
	}
	if err := fsys.Remove(t.Context(), "d/f"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("second remove: %v", err)
	}
	if _, err := fsys.Stat(t.Context(), "d/ff"); err != nil {
		t.Errorf("the neighbour: %v", err)
	}
}

func (s *suite) readOnly(t *testing.T, fsys fs.FileSystem) {
	if _, err := fsys.Create(t.Context(), "f", fs.CreateOptions{}); !errors.Is(err, fs.ErrUnsupported) {
		t.Errorf("create: %v is no fs.ErrUnsupported", err)
	}
	if err := fsys.Remove(t.Context(), "f"); !errors.Is(err, fs.ErrUnsupported) {
		t.Errorf("remove: %v is no fs.ErrUnsupported", err)
	}
}
