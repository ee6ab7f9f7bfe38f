package parquet

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/layer"
	"github.com/bdkit/bdkit/pushdown"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
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

// sorted is 4000 rows in four row groups of ten pages a column, ascending by
// id: b is wide, so that its bytes are far from those of the others.
func sorted(t testing.TB, o WriteOptions) []byte {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.BinaryTypes.String}, {Name: "c", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}, nil)
	r := rand.New(rand.NewPCG(3, 3))
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for i := range 4000 {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		text := make([]byte, 200)
		for k := range text {
			text[k] = byte('a' + r.IntN(26))
		}
		b.Field(1).(*array.StringBuilder).Append(string(text))
		b.Field(2).(*array.Float64Builder).Append(r.Float64())
	}
	o.RowGroupRows, o.PageRows, o.Codec, o.Dictionary, o.CreatedBy, o.Jobs = 1000, 100, "none", DictionaryOff, "test", 1
	return writeFile(t, o, s, b.NewRecordBatch())
}

// logged reads a request and gives its rows and the two I/O logs.
func logged(t *testing.T, raw []byte, columns, filter string, limit int64) (rows int64, log string, logical []layer.Entry) {
	t.Helper()
	inner, name := inMemory(t, raw)
	var l layer.Log
	fsys := layer.IOLog(inner, &l)
	ctx := context.Background()
	f, err := fsys.Open(ctx, name, fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rd, err := Open(ctx, f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	req := arrowio.ScanRequest{Ordered: true, Limit: limit}
	for c := range strings.FieldsSeq(columns) {
		req.Columns = append(req.Columns, pushdown.Path{c})
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
	plain := sorted(t, WriteOptions{})
	bloom := sorted(t, WriteOptions{Columns: map[string]ColumnOptions{"b": {Bloom: &BloomOptions{NDV: 1000}}}})
	for _, c := range []struct {
		name            string
		raw             []byte
		columns, filter string
		limit           int64
		rows            int64
	}{
		{"projection", plain, "c", "", 0, 4000},
		{"point", plain, "c", "id = 2345", 0, 1},
		{"range", plain, "id b", "id BETWEEN 1150 AND 1250", 0, 101},
		{"head", plain, "id c", "", 10, 10},
		{"bloom", bloom, "id", "b = 'not there'", 0, 0},
		{"nothing", plain, "", "id < 0", 0, 0},
		// The filter's column tells nothing by statistics: of the other, the
		// pages are asked for where rows survive.
		{"late", plain, "c", "b LIKE '%qjzx%'", 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, log, logical := logged(t, c.raw, c.columns, c.filter, c.limit)
			if rows != c.rows {
				t.Fatalf("%d rows, want %d", rows, c.rows)
			}
			asked := c.columns
			if c.filter != "" {
				asked += " " + strings.Fields(c.filter)[0]
			}
			for _, e := range logical {
				if _, rest, ok := strings.Cut(e.Label, ", column "); ok {
					col, _, _ := strings.Cut(rest, ":")
					if !strings.Contains(" "+asked+" ", " "+col+" ") {
						t.Errorf("a range of column %s, which nobody asked for: %s", col, e)
					}
				}
			}
			golden(t, "io-"+c.name+".txt", fmt.Sprintf("columns: %s\nfilter: %s\nrows: %d\n%s", c.columns, c.filter, rows, log))
		})
	}
}
