package orc

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/layer"
	"github.com/bdkit/bdkit/fs/local"
	"github.com/bdkit/bdkit/pushdown"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: the bytes asked for are others (a change of this file is a commit of its own that says why):\n%s\nwant:\n%s", name, got, want)
	}
}

// logged reads a request of testdata/sorted.orc and gives its rows and the two
// I/O logs. The file's end is read in small, so that not all lies in it.
func logged(t *testing.T, columns, filter string, limit int64) (rows int64, log string, logical []layer.Entry) {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := local.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	var l layer.Log
	ctx := context.Background()
	f, err := layer.IOLog(inner, &l).Open(ctx, "sorted.orc", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rd, err := Open(ctx, f, Options{tail: 1024})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	req := arrowio.ScanRequest{Ordered: true, Limit: limit, Columns: []pushdown.Path{}}
	for c := range strings.FieldsSeq(columns) {
		req.Columns = append(req.Columns, strings.Split(c, "."))
	}
	if filter != "" {
		if req.Filter, err = pushdown.Parse(filter); err != nil {
			t.Fatal(err)
		}
	}
	for rec, err := range arrowio.Batches(ctx, rd, req, arrowio.RunOptions{Jobs: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		rows += rec.NumRows()
	}
	return rows, l.String(), l.Logical()
}

// TestIOLogs: the bytes that a scan asks for, and those that are fetched.
func TestIOLogs(t *testing.T) {
	for _, c := range []struct {
		name            string
		columns, filter string
		limit           int64
		rows            int64
	}{
		{"projection", "c", "", 0, 15000},
		{"nested", "s.x", "", 0, 15000},
		{"stripe", "dec", "id >= 10000", 0, 5000},
		{"rowgroup", "c", "id = 7345", 0, 1},
		{"range", "id b", "id BETWEEN 3950 AND 4050", 0, 101},
		{"far", "ts", "id IN (100, 4900)", 0, 2},
		{"bloom", "id", "b = 'b40'", 0, 0},
		{"head", "id c", "", 10, 10},
		{"nothing", "", "id < 0", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, log, logical := logged(t, c.columns, c.filter, c.limit)
			if rows != c.rows {
				t.Fatalf("%d rows, want %d", rows, c.rows)
			}
			asked := strings.Fields(c.columns)
			if c.filter != "" {
				asked = append(asked, strings.Fields(c.filter)[0])
			}
			for _, e := range logical {
				if _, rest, ok := strings.Cut(e.Label, ", column "); ok {
					col, _, _ := strings.Cut(rest, ":")
					wanted := false
					for _, a := range asked {
						wanted = wanted || a == col || strings.HasPrefix(a, col+".")
					}
					if !wanted {
						t.Errorf("a range of column %s, which nobody asked for: %s", col, e)
					}
				}
			}
			golden(t, "io-"+c.name+".txt", fmt.Sprintf("columns: %s\nfilter: %s\nrows: %d\n%s", c.columns, c.filter, rows, log))
		})
	}
}
