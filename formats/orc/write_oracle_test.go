package orc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/arrowschema"
	"github.com/bdkit/bdkit/internal/oracle"
)

// readBack makes pyarrow turn each file into an Arrow IPC file, or a text that
// says why not.
const readBack = `
import sys, os, glob
import pyarrow as pa, pyarrow.orc as orc, pyarrow.ipc as ipc
for path in sorted(glob.glob(os.path.join(sys.argv[1], '*.orc'))):
    out = path[:-4]
    try:
        table = orc.ORCFile(path).read()
        with pa.OSFile(out + '.arrow', 'wb') as f, ipc.new_file(f, table.schema) as w:
            w.write_table(table)
    except BaseException as e:
        open(out + '.err', 'w').write(type(e).__name__ + ': ' + str(e))
`

// writable are the generator's types that ORC has or has a stand-in for.
func writable() []arrow.DataType {
	return slices.DeleteFunc(slices.Concat(arrowiotest.FlatTypes, arrowiotest.MoreTypes), func(dt arrow.DataType) bool {
		d, ok := dt.(arrow.DecimalType)
		return ok && d.GetPrecision() > 38
	})
}

// asStored is an array in the types that ORC has where those are written
// differently: times, durations and so on are the integers that they are.
func asStored(d arrow.ArrayData) arrow.ArrayData {
	dt := d.DataType()
	if dt.ID() == arrow.DICTIONARY {
		dict := asStored(d.Dictionary()).(*array.Data)
		to := *(dt.(*arrow.DictionaryType))
		to.ValueType = dict.DataType()
		return array.NewDataWithDictionary(&to, d.Len(), d.Buffers(), d.NullN(), d.Offset(), dict)
	}
	to := arrowschema.MapLeaves(dt, func(dt arrow.DataType) arrow.DataType {
		switch dt.(type) {
		case *arrow.Time32Type:
			return arrow.PrimitiveTypes.Int32
		case *arrow.Time64Type, *arrow.DurationType:
			return arrow.PrimitiveTypes.Int64
		}
		return dt
	})
	var kids []arrow.ArrayData
	for _, k := range d.Children() {
		kids = append(kids, asStored(k))
	}
	return array.NewData(to, d.Len(), d.Buffers(), kids, d.NullN(), d.Offset())
}

// storedText is the canonical text of a column's values as stored.
func storedText(batches []arrow.RecordBatch, col int) (out []string) {
	for _, b := range batches {
		out = append(out, arrowiotest.ColumnText(array.MakeFromData(asStored(b.Column(col).Data())))...)
	}
	return out
}

type writtenFile struct {
	name    string
	s       *arrow.Schema
	o       WriteOptions
	batches []arrow.RecordBatch
}

// generateFiles writes files of random schemas, data and options to a folder.
func generateFiles(t *testing.T, dir string, n int, seen map[string]int) []writtenFile {
	var files []writtenFile
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		g := &arrowiotest.Generator{R: r, Leaves: writable(), Nested: seed%3 > 0, Exotic: seed%2 == 0, Unions: seed%5 == 0, Seen: seen}
		s := g.Schema()
		w := writtenFile{name: fmt.Sprintf("f%03d", seed), s: s, o: randomOptions(r), batches: []arrow.RecordBatch{g.Batch(s, r.IntN(3000)), g.Batch(s, r.IntN(100))}}
		raw := writeFile(t, w.o, s, w.batches...)
		if err := os.WriteFile(filepath.Join(dir, w.name+".orc"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, w)
		g.Note("codec " + w.o.Codec)
	}
	return files
}

// checkSeen holds the floor of what the generator made.
func checkSeen(t *testing.T, seen map[string]int) {
	t.Helper()
	t.Log("coverage:", seen)
	want := []string{"LIST", "LARGE_LIST", "FIXED_SIZE_LIST", "LIST_VIEW", "MAP", "STRUCT", "DENSE_UNION", "SPARSE_UNION", "DICTIONARY", "RUN_END_ENCODED",
		"nulls none", "nulls some", "codec none", "codec zlib", "codec snappy", "codec lz4", "codec zstd"}
	for _, dt := range writable() {
		want = append(want, dt.ID().String())
	}
	for _, w := range want {
		if seen[w] == 0 {
			t.Errorf("nothing of %s was made", w)
		}
	}
}

// What is written, pyarrow reads back equal.
func TestWriteReadByPyarrow(t *testing.T) {
	n := 150
	if testing.Short() {
		n = 60
	}
	py := oracle.Python(t, fmt.Sprintf("that pyarrow reads back %d files is", n))
	dir := t.TempDir()
	seen := map[string]int{}
	files := generateFiles(t, dir, n, seen)
	oracle.Run(t, py, readBack, dir)
	lacks := map[string]int{}
	read := 0
	for _, w := range files {
		t.Run(w.name, func(t *testing.T) {
			out := filepath.Join(dir, w.name)
			if msg, err := os.ReadFile(out + ".err"); err == nil {
				for _, lack := range pyarrowLacks {
					if strings.Contains(string(msg), lack) {
						lacks[lack]++
						return
					}
				}
				t.Fatalf("%v %+v: %s", w.s, w.o, msg)
			}
			got := readIPC(t, out+".arrow")
			for i, f := range w.s.Fields() {
				compareColumns(t, fmt.Sprintf("%v %+v", f, w.o), storedText(w.batches, i), got[i])
			}
			read++
		})
	}
	checkSeen(t, seen)
	t.Logf("read back equal: %d of %d; not read: %v", read, n, lacks)
	if read < n*8/10 {
		t.Errorf("pyarrow read %d of %d files", read, n)
	}
}

// pyarrowLacks are the messages of what pyarrow's reader cannot do, whoever
// wrote the file; they are counted and bounded.
var pyarrowLacks = []string{}

func readIPC(t *testing.T, path string) [][]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewFileReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := make([][]string, r.Schema().NumFields())
	for i := range r.NumRecords() {
		rec, err := r.RecordBatchAt(i)
		if err != nil {
			t.Fatal(err)
		}
		for k := range out {
			out[k] = append(out[k], arrowiotest.ColumnText(rec.Column(k))...)
		}
		rec.Release()
	}
	return out
}

func compareColumns(t *testing.T, what string, want, got []string) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("%s: value %d is %s, want %s", what, i, got[i], want[i])
		}
	}
}

// javaJob asks Java for the rows of a file, all or those of a filter.
func javaJob(t *testing.T, dir, name string, args ...string) (job, out string) {
	t.Helper()
	job, out = filepath.Join(dir, name+".job"), filepath.Join(dir, name+".rows")
	if err := os.WriteFile(job, []byte(strings.Join(append([]string{args[0], out}, args[1:]...), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return job, out
}

// javaRows reads what Java printed: the text of every column's values.
func javaRows(t *testing.T, out string, columns int) [][]string {
	t.Helper()
	if msg, err := os.ReadFile(out + ".err"); err == nil {
		t.Fatalf("Java: %s", msg)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([][]string, columns)
	for i := 0; len(raw) > 0; i++ {
		n := int(binary.BigEndian.Uint32(raw))
		rows[i%columns] = append(rows[i%columns], string(raw[4:4+n]))
		raw = raw[4+n:]
	}
	return rows
}

// What is written, Java reads back equal.
func TestWriteReadByJava(t *testing.T) {
	n := 150
	if testing.Short() {
		n = 60
	}
	jar := oracle.Jar(t, "orc-tools", fmt.Sprintf("that Java reads back %d files is", n))
	dir := t.TempDir()
	seen := map[string]int{}
	files := generateFiles(t, dir, n, seen)
	args := []string{}
	for _, w := range files {
		job, _ := javaJob(t, dir, w.name, filepath.Join(dir, w.name+".orc"))
		args = append(args, job)
	}
	oracle.Java(t, jar, "testdata/Dump.java", args...)
	for _, w := range files {
		t.Run(w.name, func(t *testing.T) {
			got := javaRows(t, filepath.Join(dir, w.name+".rows"), w.s.NumFields())
			for i, f := range w.s.Fields() {
				compareColumns(t, fmt.Sprintf("%v %+v", f, w.o), storedText(w.batches, i), got[i])
			}
		})
	}
	checkSeen(t, seen)
}
