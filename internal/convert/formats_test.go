package convert

import (
	"context"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/kernel"
)

// lacking are the columns that a format cannot hold: ORC has no timestamp in the
// microsecond before 1970, CSV no nested columns.
var lacking = map[string][]string{"orc": {"ts"}, "csv": {"l", "s"}, "tsv": {"l", "s"}}

// TestEveryFormat takes a table to every format and back to Parquet, whole, in
// parts, and in folders, each read back and compared. A format that joins by
// registration joins this test.
func TestEveryFormat(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src.parquet")
	writeTable(t, src, map[string]string{"row-group-rows": "250"}, randomTable(rand.New(rand.NewPCG(2, 2)), 0, 800, 5, 30))
	want, order := readRows(t, src)
	ran := 0
	for _, f := range formats.All() {
		if f.Name() == "lossy" || f.Name() == "slow" {
			continue
		}
		drop := lacking[f.Name()]
		ran++
		t.Run(f.Name(), func(t *testing.T) {
			there := func(name string, l Layout) string {
				t.Helper()
				j := newJob(filepath.Join(dir, f.Name(), name), src)
				j.Write.Format, j.Layout, j.Verify = f.Name(), l, true
				j.Shape.Drop = drop
				if _, err := j.Execute(context.Background()); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				return j.Dest
			}
			back := func(from string) (map[int64]string, []int64) {
				t.Helper()
				j := newJob(from+"-back.parquet", from)
				j.Verify = true
				if _, err := j.Execute(context.Background()); err != nil {
					t.Fatal(err)
				}
				return readRows(t, j.Dest)
			}
			ext := "." + f.Extensions()[0]
			rows, ids := back(there("whole"+ext, Layout{}))
			if !slices.Equal(ids, order) || drop == nil && !maps.Equal(rows, want) {
				t.Errorf("%d rows came back, and not as they were", len(rows))
			}
			rows, ids = back(there("parts", Layout{MaxRows: 300}))
			if !slices.Equal(ids, order) || drop == nil && !maps.Equal(rows, want) {
				t.Errorf("%d rows came back from parts, and not as they were", len(rows))
			}
			there("bytes", Layout{MaxBytes: 20_000})
			_, ids = back(there("sorted", Layout{MaxRows: 1000, SortWithin: []SortColumn{{Name: "id", SortOrder: kernel.SortOrder{Descending: true}}}}))
			slices.Reverse(ids)
			if !slices.Equal(ids, order) {
				t.Error("not in descending order")
			}
			tree := there("tree", Layout{PartitionBy: []string{"b"}, MaxOpen: 1})
			n := 0
			for _, name := range dataFiles(t, tree) {
				n += len(rowsOf(t, filepath.Join(tree, name)))
			}
			if n != len(want) {
				t.Errorf("%d rows in folders", n)
			}
		})
	}
	if ran < 5 {
		t.Errorf("%d formats", ran)
	}
}
