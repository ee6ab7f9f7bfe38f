package orc

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/mem"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/pushdown"
)

// corpusFiles are the small files of the corpus, to mutate.
func corpusFiles(f *testing.F, most int64) (out [][]byte) {
	paths, err := filepath.Glob(filepath.Join(conformance.Root(), "orc", "*", "*.orc"))
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		if info, err := os.Stat(p); err != nil || info.Size() > most || conformance.Root() == "" {
			continue
		}
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// FuzzFile reads whole files, with a filter and without: any error is right, and
// a panic, a hang or runaway memory is not.
func FuzzFile(f *testing.F) {
	for _, b := range corpusFiles(f, 4<<10) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		store := mem.New()
		w, err := store.Create(t.Context(), "f.orc", fs.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		file, err := store.Open(t.Context(), "f.orc", fs.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		rd, err := Open(t.Context(), file, Options{Keys: javaKeys{}})
		if noPanic(t, err); err != nil {
			return
		}
		defer rd.Close()
		_ = rd.Meta()
		n := 0
		for err := range rd.Check(t.Context(), rd.NumRows() < 1<<16) {
			if noPanic(t, err); n > 20 {
				break
			}
			n++
		}
		var filter pushdown.Expr
		for _, fl := range rd.Schema().Fields() {
			filter = pushdown.Not{X: pushdown.IsNull{Path: pushdown.Path{fl.Name}}}
			break
		}
		for _, e := range []pushdown.Expr{nil, filter} {
			rr, err := arrowiotest.ReadSplits(context.Background(), rd, arrowio.ScanRequest{Filter: e}, arrowio.ReadOptions{BatchRows: 512, Budget: arrowio.NewBudget(64 << 20)}, func() error { return nil })
			if noPanic(t, err); err != nil {
				continue
			}
			for rows := int64(0); rows < 1<<16 && rr.Next(); {
				rows += rr.RecordBatch().NumRows()
			}
			noPanic(t, rr.Close())
		}
	})
}

// noPanic fails for a panic that was caught at the package's edge: it is a bug
// all the same.
func noPanic(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "goroutine ") || strings.Contains(err.Error(), "runtime error")) {
		t.Fatal(err)
	}
}

// FuzzChunks reads chunks of every codec: no more comes out than the format
// allows, whatever they claim.
func FuzzChunks(f *testing.F) {
	f.Add(uint8(1), []byte{0x0b, 0, 0, 1, 2, 3, 4, 5})
	f.Add(uint8(2), []byte{0x08, 0, 0, 3, 8, 1, 2})
	f.Add(uint8(5), []byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		format, err := block.FormatOf(&proto.PostScript{Compression: proto.CompressionKind(kind % 7), BlockSize: proto.Some[uint64](1 << 16)})
		if err != nil {
			t.Fatal(err)
		}
		out, err := block.ReadAll(format, b, 1<<20)
		if err == nil && len(out) > 1<<20 {
			t.Fatalf("%d bytes", len(out))
		}
	})
}
