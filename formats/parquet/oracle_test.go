package parquet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/oracle"
)

// pyarrowLacks are the messages of what pyarrow's reader cannot do with its own
// files either; they are counted and bounded.
var pyarrowLacks = []string{
	"Expected all lists to be of size",                                  // null fixed-size lists
	"Nested data conversions not implemented for chunked array outputs", // dictionaries inside of structs and lists
}

// readBack makes each engine turn each file into an Arrow IPC file, or a text
// that says why not.
const readBack = `
import sys, os, traceback, glob
import pyarrow as pa, pyarrow.parquet as pq, pyarrow.ipc as ipc
d = sys.argv[1]
def save(path, table):
    with pa.OSFile(path, 'wb') as f, ipc.new_file(f, table.schema) as w:
        w.write_table(table)
def attempt(engine, path, read):
    out = path[:-8] + '.' + engine
    try:
        save(out + '.arrow', read())
    except BaseException as e:
        open(out + '.err', 'w').write(type(e).__name__ + ': ' + str(e))
for path in sorted(glob.glob(os.path.join(d, '*.parquet'))):
    attempt('pyarrow', path, lambda: pq.ParquetFile(path, page_checksum_verification=True).read())
    if os.path.basename(path).startswith('all'):
        import duckdb, polars
        def duck():
            c = duckdb.connect()
            c.execute("SET TimeZone='UTC'")
            return c.execute("SELECT * FROM read_parquet('" + path + "')").to_arrow_table()
        attempt('duckdb', path, duck)
        attempt('polars', path, lambda: polars.read_parquet(path).to_arrow())
`

// TestWriteReadByOthers: what is written, pyarrow reads back equal, of any type
// it has; DuckDB and Polars too, of the types that all have.
func TestWriteReadByOthers(t *testing.T) {
	n := campaign(30, 120, 1500)
	py := oracle.Python(t, fmt.Sprintf("that others read back %d files is", n))
	dir := t.TempDir()
	type written struct {
		name    string
		s       *arrow.Schema
		o       WriteOptions
		batches []arrow.RecordBatch
	}
	var files []written
	seen := map[string]int{}
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		g := &arrowiotest.Generator{R: r, Leaves: arrowiotest.FlatTypes, Nested: seed%3 > 0, Seen: seen}
		name := fmt.Sprintf("all%03d", seed)
		if seed%2 == 0 {
			g.Leaves = append(slices.Clone(arrowiotest.FlatTypes), withoutDurations...)
			g.Exotic = true
			name = fmt.Sprintf("pa%03d", seed)
		}
		s := g.Schema()
		w := written{name: name, s: s, o: randomOptions(r), batches: []arrow.RecordBatch{g.Batch(s, r.IntN(400)), g.Batch(s, r.IntN(100))}}
		randomEncodings(r, s, &w.o, seen)
		raw := writeFile(t, w.o, s, w.batches...)
		if err := os.WriteFile(filepath.Join(dir, name+".parquet"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, w)
	}
	cmd := exec.CommandContext(t.Context(), py, "-c", readBack, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	read := map[string]int{}
	for _, w := range files {
		engines := []string{"pyarrow"}
		if strings.HasPrefix(w.name, "all") {
			engines = append(engines, "duckdb", "polars")
		}
		for _, e := range engines {
			t.Run(w.name+"/"+e, func(t *testing.T) {
				out := filepath.Join(dir, w.name+"."+e)
				if msg, err := os.ReadFile(out + ".err"); err == nil {
					for _, lack := range pyarrowLacks {
						if e == "pyarrow" && strings.Contains(string(msg), lack) {
							read["not pyarrow: "+lack]++
							return
						}
					}
					t.Fatalf("%v %+v: %s", w.s, w.o, msg)
				}
				raw, err := os.ReadFile(out + ".arrow")
				if err != nil {
					t.Fatal(err)
				}
				got, err := readIPC(raw)
				if err != nil {
					t.Fatal(err)
				}
				for i, f := range w.s.Fields() {
					var want []string
					for _, b := range w.batches {
						want = append(want, arrowiotest.ColumnText(b.Column(i))...)
					}
					compareColumns(t, fmt.Sprintf("%v %+v", f, w.o), want, got[i])
				}
				read[e]++
			})
		}
	}
	t.Log("coverage:", seen)
	t.Logf("files read back equal: %v", read)
	for what, least := range map[string]int{
		"STRUCT": n / 3, "LIST": n / 4, "MAP": n / 10, "DICTIONARY": n / 10, "RUN_END_ENCODED": n / 10, "DECIMAL128": n / 2, "TIMESTAMP": n / 2,
		"nulls some": 4 * n, "nulls none": 4 * n, "page v1": n / 4, "page v2": n / 4, "codec none": n / 15, "codec snappy": n / 15, "codec gzip": n / 15,
		"codec brotli": n / 15, "codec zstd": n / 15, "codec lz4_raw": n / 15, "encoding delta": n / 60, "encoding byte_stream_split": n / 60,
	} {
		if testing.Short() {
			least /= 4
		}
		if seen[what] < least {
			t.Errorf("coverage of %s is %d, the floor is %d", what, seen[what], least)
		}
	}
	for _, e := range []string{"duckdb", "polars"} {
		if read[e] < n/2 {
			t.Errorf("%s read %d of %d files", e, read[e], n/2)
		}
	}
	if read["pyarrow"] < n*9/10 {
		t.Errorf("pyarrow read %d of %d files", read["pyarrow"], n)
	}
}

// withoutDurations leaves out the type that is a number wherever the Arrow schema
// is not stored, and to pyarrow within dictionaries.
var withoutDurations = slices.DeleteFunc(slices.Clone(arrowiotest.MoreTypes), func(dt arrow.DataType) bool { return dt.ID() == arrow.DURATION })

func readIPC(raw []byte) ([][]string, error) {
	r, err := ipc.NewFileReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := make([][]string, r.Schema().NumFields())
	for i := range r.NumRecords() {
		rec, err := r.RecordBatchAt(i)
		if err != nil {
			return nil, err
		}
		for k := range out {
			out[k] = append(out[k], arrowiotest.ColumnText(rec.Column(k))...)
		}
		rec.Release()
	}
	return out, nil
}
