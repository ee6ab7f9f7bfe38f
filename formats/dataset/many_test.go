package dataset_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/dataset"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/pushdown"
)

// manyFiles is n files in 100 partitions, of two formats.
func manyFiles(t testing.TB, n int) *store {
	s := newStore(t)
	schema := fields(t, "id:i64 name:s")
	for i := range 2 {
		s.add([]string{"seed.parquet", "seed.arrow"}[i], schema, `[{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]`)
	}
	ctx := t.Context()
	var seeds [2][]byte
	for i, f := range s.files {
		h, err := s.fsys.Open(ctx, f.Name, fs.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		info, err := h.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		seeds[i] = make([]byte, info.Size)
		if err := h.ReadRanges(ctx, []fs.Range{{Dst: seeds[i]}}); err != nil {
			t.Fatal(err)
		}
	}
	s.files = nil
	for i := range n {
		name := fmt.Sprintf("day=%02d/part-%05d.%s", i%100, i, []string{"parquet", "arrow"}[i/100%2])
		w, err := s.fsys.Create(ctx, name, fs.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(seeds[i/100%2]); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, dataset.File{Name: name, Path: name})
	}
	return s
}

// TestManyFiles: 10,000 small files in 100 partitions. A scan of one partition
// opens no file of another, head opens one, and memory does not grow with the
// files that were read.
func TestManyFiles(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 2000
	}
	s := manyFiles(t, n)
	tab := s.must(dataset.Options{})
	if opened := s.opens.Load(); opened != 1 {
		t.Fatalf("%d files were opened for the schema", opened)
	}
	where := func(text string) pushdown.Expr {
		e, err := pushdown.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	count := func(r arrowio.ScanRequest) (splits, opened int, noted int) {
		t.Helper()
		before := s.opens.Load()
		scan, err := tab.Plan(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if s.opens.Load() != before {
			t.Error("planning opens files before they are drawn")
		}
		for sp, err := range scan.Splits {
			if err != nil {
				t.Fatal(err)
			}
			if r.Filter != nil && !strings.Contains(sp.Source, "day=07") {
				t.Fatalf("a split of %s", sp.Source)
			}
			splits++
		}
		if s.open.Load() != 0 {
			t.Errorf("%d files are open", s.open.Load())
		}
		return splits, int(s.opens.Load() - before), len(scan.Pruned)
	}
	if splits, opened, noted := count(arrowio.ScanRequest{Filter: where("day = '07'")}); splits != n/100 || opened != n/100 || noted != n-n/100 {
		t.Errorf("one partition: %d splits, %d files opened, %d pruned", splits, opened, noted)
	}
	if splits, opened, _ := count(arrowio.ScanRequest{Filter: where("day = '07' AND id > 100")}); splits > n/200 || opened != n/100 {
		t.Errorf("one partition and no row of its Parquet files: %d splits, %d files opened", splits, opened)
	}
	before := s.opens.Load()
	for rec, err := range arrowio.Batches(t.Context(), tab, arrowio.ScanRequest{Limit: 2, Ordered: true}, arrowio.RunOptions{Jobs: 1}) {
		if err != nil || rec.NumRows() != 2 {
			t.Fatal(err)
		}
	}
	if opened := s.opens.Load() - before; opened != 1 {
		t.Errorf("head opened %d files", opened)
	}

	var early, late runtime.MemStats
	seen, most := 0, int64(0)
	for rec, err := range arrowio.Batches(t.Context(), tab, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, s.open.Load())
		if seen += int(rec.NumRows()); seen == n/5*2 {
			runtime.GC()
			runtime.ReadMemStats(&early)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&late)
	if seen != 2*n {
		t.Errorf("%d rows", seen)
	}
	if grown := int64(late.HeapAlloc) - int64(early.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes more at the end than after a fifth of the files", grown)
	}
	if most > 64 || s.open.Load() != 0 {
		t.Errorf("%d files were open at once, %d at the end", most, s.open.Load())
	}
	runtime.KeepAlive(tab)
	union := s.must(dataset.Options{UnionByName: true})
	if union.Schema().NumFields() != 3 || s.open.Load() != 0 {
		t.Errorf("%v", union.Schema())
	}
}
