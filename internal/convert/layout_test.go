package convert

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/internal/kernel"
)

// unescape reads the folders of a partitioned file back, by the rules of URLs
// and not by our own.
func unescape(t *testing.T, name string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for el := range strings.SplitSeq(path.Dir(filepath.ToSlash(name)), "/") {
		k, v, ok := strings.Cut(el, "=")
		key, err1 := url.PathUnescape(k)
		val, err2 := url.PathUnescape(v)
		if !ok || err1 != nil || err2 != nil {
			t.Fatalf("folder %q: %v, %v", el, err1, err2)
		}
		if out[key] = val; v == "__HIVE_DEFAULT_PARTITION__" {
			out[key] = "(null)"
		}
	}
	return out
}

// TestPartitionedIsWhole: the rows of all files, with what their folders tell,
// are the rows of the source; a partition has one file however few may be open.
func TestPartitionedIsWhole(t *testing.T) {
	columns := []string{"i", "w", "d", "ts", "b", "f", "dec", "k"}
	n := 24
	if testing.Short() {
		n = 4
	}
	spilled := 0
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		dir := t.TempDir()
		src := filepath.Join(dir, "src.parquet")
		rows, width := 200+r.IntN(800), 10
		big := seed%4 == 0
		if big { // more than waits in memory
			rows, width = 15_000, 400
		}
		writeTable(t, src, map[string]string{"row-group-rows": "1500"}, randomTable(r, 0, rows, 1+r.IntN(30), width))
		by := columns[seed%len(columns) : seed%len(columns)+1 : seed%len(columns)+1]
		if r.IntN(2) == 0 {
			by = append(by, columns[(seed+1+r.IntN(len(columns)-1))%len(columns)])
		}
		j := newJob(filepath.Join(dir, "out"), src)
		j.Verify = true
		j.Memory = 8 << 20
		j.Layout = Layout{PartitionBy: by, KeepPartitionColumns: r.IntN(3) == 0, MaxOpen: 1 + r.IntN(5)}
		if r.IntN(3) == 0 {
			j.Layout.SortWithin = []SortColumn{{Name: "text"}}
		}
		t.Run(fmt.Sprintf("%d by %s", seed, by), func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			rep, err := j.Execute(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if big {
				spilled++
			}
			want, _ := readRows(t, src)
			names := dataFiles(t, j.Dest)
			dirs := map[string]int{}
			got := map[int64]map[string]string{}
			for _, name := range names {
				dirs[path.Dir(name)]++
				folder := unescape(t, name)
				if !slices.Equal(slices.Sorted(maps.Keys(folder)), slices.Sorted(slices.Values(by))) {
					t.Fatalf("%s: not by %s", name, by)
				}
				for id, text := range rowsOf(t, filepath.Join(j.Dest, name)) {
					for k, v := range folder {
						if have, kept := text[k]; kept != j.Layout.KeepPartitionColumns || kept && folderText(k, have) != folderText(k, v) {
							t.Fatalf("%s: column %s is %q in the file and %q in the folder's name", name, k, have, v)
						}
						text[k] = v
					}
					got[id] = text
				}
			}
			for dir, n := range dirs {
				if n != 1 {
					t.Errorf("%d files in %s", n, dir)
				}
			}
			if len(got) != len(want) || rep.Rows != int64(len(want)) {
				t.Fatalf("%d rows of %d, %d reported", len(got), len(want), rep.Rows)
			}
			for id, text := range rowsOf(t, src) {
				for k, v := range text {
					if folderText(k, got[id][k]) != folderText(k, v) {
						t.Fatalf("row %d, column %s: %q, want %q", id, k, got[id][k], v)
					}
				}
			}
			left, err := os.ReadDir(os.Getenv("TMPDIR"))
			if err != nil || len(left) > 0 {
				t.Errorf("spill files are left: %v %v", left, err)
			}
		})
	}
	if spilled == 0 {
		t.Error("no case was larger than memory")
	}
}

// folderText makes what arrow-go prints of a value what a folder is named by.
func folderText(column, text string) string {
	switch column {
	case "ts":
		return strings.Replace(strings.TrimSuffix(text, "Z"), "T", " ", 1)
	case "dec", "f":
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return text
}

// rowsOf gives the rows of one file, by id, column by column.
func rowsOf(t *testing.T, file string) map[int64]map[string]string {
	t.Helper()
	ctx := context.Background()
	f, err := catalog.OpenFile(ctx, file, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[int64]map[string]string{}
	for rec, err := range arrowio.Batches(ctx, f, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		at := rec.Schema().FieldIndices("id")[0]
		for i := range int(rec.NumRows()) {
			row := map[string]string{}
			for k, c := range rec.Columns() {
				row[rec.ColumnName(k)] = c.ValueStr(i)
			}
			id := rec.Column(at).(*array.Int64).Value(i)
			if out[id] != nil {
				t.Fatalf("%s: row %d twice", file, id)
			}
			out[id] = row
		}
	}
	return out
}

// TestConvertIsIdentity: whatever the files are cut by, and however the job
// runs, the rows are those of the source, in its order.
func TestConvertIsIdentity(t *testing.T) {
	n := 30
	if testing.Short() {
		n = 6
	}
	parts := 0
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 5))
		dir := t.TempDir()
		var sources []string
		for i := range 1 + r.IntN(3) {
			src := filepath.Join(dir, "in", fmt.Sprintf("%d.parquet", i))
			writeTable(t, src, map[string]string{"row-group-rows": fmt.Sprint(10 + r.IntN(500))}, randomTable(r, i*10_000, r.IntN(1500), 5, 20))
			sources = append(sources, src)
		}
		j := newJob(filepath.Join(dir, "out"), sources...)
		j.Verify = true
		j.Run.Jobs = 1 + r.IntN(3)
		if r.IntN(2) == 0 {
			j.Run.Budget = arrowio.NewBudget(16 << 20)
		}
		switch r.IntN(4) {
		case 0:
			j.Dest += ".parquet"
		case 1:
			j.Layout.MaxRows = 1 + r.Int64N(400)
		case 2:
			j.Layout.MaxBytes = 4000 + r.Int64N(20_000)
		case 3:
			j.Layout.Name = "{stem}-{i}-{uuid}.{ext}"
			j.Layout.MaxRows = 100
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			if _, err := j.Execute(context.Background()); err != nil {
				t.Fatal(err)
			}
			want, order := readRows(t, filepath.Join(dir, "in"))
			got, have := readRows(t, j.Dest)
			if !maps.Equal(got, want) {
				t.Errorf("%d rows differ from the %d of the source", len(got), len(want))
			}
			if j.Layout.Name == "" && !slices.Equal(have, order) {
				t.Error("another order")
			}
			if !strings.HasSuffix(j.Dest, ".parquet") {
				parts += len(dataFiles(t, j.Dest))
			}
			for _, name := range dataFiles(t, j.Dest) {
				if j.Layout.MaxRows > 0 && int64(len(rowsOf(t, filepath.Join(j.Dest, name)))) > j.Layout.MaxRows {
					t.Errorf("%s has more than %d rows", name, j.Layout.MaxRows)
				}
				st, err := os.Stat(filepath.Join(j.Dest, name))
				if err != nil {
					t.Fatal(err)
				}
				if footer := int64(12_000); j.Layout.MaxBytes > 0 && st.Size() > j.Layout.MaxBytes*3/2+footer {
					t.Errorf("%s has %d bytes, %d were asked for", name, st.Size(), j.Layout.MaxBytes)
				}
			}
		})
	}
	if parts < n {
		t.Errorf("%d parts in all", parts)
	}
}

// TestSorter holds the external sort, with runs of a few batches and merges of
// merges, against a stable sort in memory.
func TestSorter(t *testing.T) {
	ctx := context.Background()
	deep := 0
	for seed := range 12 {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		orders := []kernel.SortOrder{{Descending: r.IntN(2) == 0, NullsFirst: r.IntN(2) == 0}, {Descending: r.IntN(2) == 0}}
		cols := []int{1 + r.IntN(9), 1 + r.IntN(9)}
		s := newSorter(tableSchema, cols, orders, []int64{1, 30_000, 1 << 40}[seed%3], t.TempDir())
		var keys [][]byte
		first := 0
		for range 150 {
			rec := randomTable(r, first, 1+r.IntN(40), 4, 10)
			k, err := s.keys(rec)
			if err != nil {
				t.Fatal(err)
			}
			for i := range k.Len() {
				keys = append(keys, slices.Clone(k.At(i)))
			}
			first += int(rec.NumRows())
			if err := s.add(ctx, rec); err != nil {
				t.Fatal(err)
			}
			rec.Release()
		}
		if s.spilled > 0 && seed%3 == 0 {
			deep++
		}
		want := make([]int64, len(keys))
		for i := range want {
			want[i] = int64(i)
		}
		slices.SortStableFunc(want, func(a, b int64) int { return strings.Compare(string(keys[a]), string(keys[b])) })
		var got []int64
		if err := s.merge(ctx, func(rec arrow.RecordBatch) error {
			got = append(got, rec.Column(0).(*array.Int64).Values()...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: another order than a stable sort", seed)
		}
		s.close()
	}
	if deep == 0 {
		t.Error("no sort had more runs than are merged at once")
	}
}

// TestSortWithin: each file is in order, and rows of equal keys in that of the
// source.
func TestSortWithin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	src := filepath.Join(dir, "src.parquet")
	writeTable(t, src, nil, randomTable(r, 0, 3000, 7, 10))
	j := newJob(filepath.Join(dir, "out")+"/", src)
	j.Verify = true
	j.Layout = Layout{MaxRows: 700, SortWithin: []SortColumn{{Name: "i", SortOrder: kernel.SortOrder{Descending: true}}, {Name: "w", SortOrder: kernel.SortOrder{NullsFirst: true}}}}
	if _, err := j.Execute(context.Background()); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range dataFiles(t, j.Dest) {
		f, err := catalog.OpenFile(context.Background(), filepath.Join(j.Dest, name), catalog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		prev := ""
		for rec, err := range arrowio.Batches(context.Background(), f, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			i, w, id := rec.Column(1).(*array.Int32), rec.Column(2).(*array.String), rec.Column(0).(*array.Int64)
			for k := range int(rec.NumRows()) {
				key := "~" // nulls last
				if i.IsValid(k) {
					key = fmt.Sprintf("%04d", 1000-i.Value(k))
				}
				if w.IsValid(k) {
					key += "v" + w.Value(k)
				}
				key += fmt.Sprintf("\x00%08d", id.Value(k))
				if key < prev {
					t.Fatalf("%s: %q after %q", name, key, prev)
				}
				prev = key
				seen++
			}
		}
		f.Close()
	}
	if seen != 3000 {
		t.Errorf("%d rows", seen)
	}
}
