package formatstest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/fstest"
	"github.com/bdkit/bdkit/fs/local"
	"github.com/bdkit/bdkit/fs/mem"
)

func (s *suite) newSink(t *testing.T, fsys fs.FileSystem, w Way, schema *arrow.Schema) arrowio.Sink {
	t.Helper()
	out, err := fsys.Create(t.Context(), "out", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.Format.NewSink(out, schema, formats.Options{Set: w.Write})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func listed(t *testing.T, fsys fs.FileSystem) (out []string) {
	t.Helper()
	for info, err := range fsys.List(t.Context(), "", fs.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, info.Name)
	}
	return out
}

// sink: nothing is there before Commit nor without it, and nothing after an
// error; what was written may be released at once.
func (s *suite) sink(t *testing.T) {
	if s.ReadOnly {
		t.Skip("the format has no writer")
	}
	schema := s.peopleSchema(t)
	rec := peopleBatch(schema, 3, 0, 700)
	for _, w := range s.Ways {
		for _, kind := range []string{"memory", "disk"} {
			t.Run(w.Name+"/"+kind, func(t *testing.T) {
				dir := t.TempDir()
				var fsys fs.FileSystem = mem.New()
				if kind == "disk" {
					var err error
					if fsys, err = local.New(dir); err != nil {
						t.Fatal(err)
					}
				}
				s.sinkEnds(t, fsys, w, schema, rec)
				if left, err := os.ReadDir(dir); err != nil || kind == "disk" && len(left) != 1 {
					t.Errorf("left in the directory: %v (%v)", left, err)
				}
			})
		}
		t.Run(w.Name+"/released", func(t *testing.T) { s.sinkReleases(t, w, schema, rec) })
	}
}

func (s *suite) sinkEnds(t *testing.T, fsys fs.FileSystem, w Way, schema *arrow.Schema, rec arrow.RecordBatch) {
	ctx := t.Context()
	nothing := func(when string) {
		t.Helper()
		if l := listed(t, fsys); len(l) > 0 {
			t.Fatalf("%s there is %v", when, l)
		}
	}
	k := s.newSink(t, fsys, w, schema)
	if err := k.Write(ctx, rec); err != nil {
		t.Fatal(err)
	}
	nothing("before the commit")
	for range 2 {
		if err := k.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	nothing("after a close without a commit")
	if _, err := k.Commit(ctx); err == nil {
		t.Error("committed after Close")
	}
	nothing("after a commit of a closed sink")

	k = s.newSink(t, fsys, w, schema)
	gone, stop := context.WithCancel(ctx)
	stop()
	if err := k.Write(gone, rec); !errors.Is(err, context.Canceled) {
		t.Errorf("a write with a context that has ended: %v", err)
	}
	if _, err := k.Commit(ctx); err == nil {
		t.Error("committed after a write that was cancelled")
	}
	if err := k.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	nothing("after a write that was cancelled")

	k = s.newSink(t, fsys, w, schema)
	other := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "other", Type: arrow.PrimitiveTypes.Int8}}, nil), []arrow.Array{array.NewInt8Builder(memory.DefaultAllocator).NewArray()}, 0)
	if err := k.Write(ctx, other); err == nil || panicked(err) {
		t.Errorf("a batch of another schema: %v", err)
	}
	if _, err := k.Commit(ctx); err == nil {
		t.Error("committed after a failed write")
	}
	if err := k.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	nothing("after a failed write")

	k = s.newSink(t, fsys, w, schema)
	if err := k.Write(ctx, rec); err != nil {
		t.Fatal(err)
	}
	res, err := k.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Write(ctx, rec); err == nil {
		t.Error("a write after the commit")
	}
	for range 2 {
		if err := k.Close(); err != nil {
			t.Errorf("close after commit: %v", err)
		}
	}
	if l := listed(t, fsys); len(l) != 1 || res.Rows != rec.NumRows() || res.Bytes != int64(len(contents(t, fsys, "out"))) {
		t.Errorf("committed %+v, there is %v", res, l)
	}
}

// sinkReleases: what a sink keeps of a batch it retains, and gives back.
func (s *suite) sinkReleases(t *testing.T, w Way, schema *arrow.Schema, rec arrow.RecordBatch) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	b := array.NewInt64Builder(alloc)
	defer func() {
		b.Release()
		if n := alloc.CurrentAlloc(); n != 0 {
			t.Errorf("%d bytes of the batches are not released", n)
		}
	}()
	for _, commit := range []bool{true, false} {
		k := s.newSink(t, mem.New(), w, schema)
		for range 3 {
			cols := append([]arrow.Array{}, rec.Columns()...)
			for i := range rec.NumRows() {
				b.Append(i)
			}
			cols[0] = b.NewArray()
			one := array.NewRecordBatch(schema, cols, rec.NumRows())
			cols[0].Release()
			if err := k.Write(t.Context(), one); err != nil {
				t.Fatal(err)
			}
			one.Release()
		}
		if commit {
			if _, err := k.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// sinkFaults: a fault of the filesystem is an error of Write or of Commit, and
// nothing is published.
func (s *suite) sinkFaults(t *testing.T) {
	if s.ReadOnly {
		t.Skip("the format has no writer")
	}
	schema := s.peopleSchema(t)
	rec := peopleBatch(schema, 3, 0, 700)
	attempt := func(fsys fs.FileSystem, w Way) error {
		out, err := fsys.Create(t.Context(), "out", fs.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		k, err := s.Format.NewSink(out, schema, formats.Options{Set: w.Write})
		if err != nil {
			return err
		}
		for range 3 {
			if err := k.Write(t.Context(), rec); err != nil {
				return errors.Join(err, k.Close())
			}
		}
		_, err = k.Commit(t.Context())
		return errors.Join(err, k.Close())
	}
	for _, w := range s.Ways {
		clean := fstest.NewFaulty(mem.New())
		if err := attempt(clean, w); err != nil {
			t.Fatal(err)
		}
		for _, op := range []string{"write", "commit"} {
			n := clean.Calls(op)
			if n == 0 {
				t.Errorf("%s: no %s", w.Name, op)
			}
			for nth := 1; nth <= n; nth += 1 + n/20 {
				for _, partial := range []bool{false, true} {
					inner := mem.New()
					boom := fmt.Errorf("%w: planted", fs.ErrIO)
					err := attempt(fstest.NewFaulty(inner, fstest.Fault{Op: op, Nth: nth, Err: boom, Partial: partial}), w)
					if !errors.Is(err, boom) || len(listed(t, inner)) > 0 {
						t.Fatalf("%s: %s %d of %d fails (partial %v): %v, published %v", w.Name, op, nth, n, partial, err, listed(t, inner))
					}
				}
			}
		}
	}
}
