package parquet

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/internal/oracle"
)

// several yields files as CopyUnits takes them.
func several(files ...*Reader) iter.Seq2[formats.FileReader, error] {
	return func(yield func(formats.FileReader, error) bool) {
		for _, f := range files {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func copyUnits(o formats.Options, files ...*Reader) ([]byte, error) {
	w := &memWriter{}
	_, err := format{}.CopyUnits(context.Background(), w, several(files...), o)
	return w.Bytes(), err
}

// allText reads a file whole.
func allText(r *Reader) ([]string, error) {
	rr, err := arrowiotest.ReadSplits(context.Background(), r, arrowio.ScanRequest{}, arrowio.ReadOptions{Budget: arrowio.NewBudget(128 << 20)}, func() error { return nil })
	if err != nil {
		return nil, err
	}
	defer rr.Close()
	var out []string
	for rr.Next() {
		out = append(out, arrowiotest.Text(rr.RecordBatch())...)
	}
	return out, rr.Err()
}

// defects are what a deep check finds, without the file's name.
func defects(r *Reader) (n int) {
	for range r.Check(context.Background(), true) {
		n++
	}
	return n
}

// damagedIndexes are files whose rows can be read, but not their indexes.
var damagedIndexes = map[string]string{
	"parquet/duckdb-duckdb/0488a398-bloom_filter_bad_length_range.parquet": "a Bloom filter whose header is wrong",
	"parquet/parquet-go-parquet-go/98fea11f-issue206.parquet":              "an offset index whose first rows lie beyond the row group",
}

// TestCopyUnitsOfTheCorpus copies every file of the corpus twice into one and
// reads it: twice the rows, no byte of a chunk changed, no defect that was not
// there, and its indexes lead to the pages.
func TestCopyUnitsOfTheCorpus(t *testing.T) {
	root, entries := conformance.Load(t, "parquet")
	copied, indexed, blooms := 0, 0, 0
	for _, e := range entries {
		path := filepath.Join(root, e.File)
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if limit := int64(300 << 10); testing.Short() && st.Size() > limit/6 || st.Size() > 8*limit {
			continue
		}
		f, err := openLocal(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(context.Background(), f, Options{})
		if err != nil {
			continue // the conformance test has its say on it
		}
		if r.NumRows()*int64(len(r.tree.Leaves)) > 300_000 {
			r.Close()
			continue
		}
		raw, err := copyUnits(formats.Options{}, r, r)
		if err != nil {
			if want, rerr := allText(r); rerr == nil && damagedIndexes[e.File] == "" && !errors.Is(err, arrowio.ErrUnsupported) {
				t.Errorf("%s: %d rows are read, and the copy fails: %v", e.File, len(want), err)
			}
			r.Close()
			continue
		}
		want, rerr := allText(r)
		if rerr != nil {
			r.Close()
			continue
		}
		got, err := openBytes(t, raw, Options{})
		if err != nil {
			t.Errorf("%s: the copy: %v", e.File, err)
			r.Close()
			continue
		}
		copied++
		full := slices.DeleteFunc(slices.Clone(r.md.RowGroups), func(g meta.RowGroup) bool { return g.NumRows == 0 })
		for i := range got.md.RowGroups {
			for k := range got.md.RowGroups[i].Columns {
				from := &full[i%len(full)].Columns[k]
				to := &got.md.RowGroups[i].Columns[k]
				sameChunk(t, e.File, r, got, chunkStart(from.Meta), chunkStart(to.Meta), to.Meta.CompressedSize)
				if to.OffsetIndexOffset > 0 {
					indexed++
				}
				if to.Meta.BloomFilterOffset > 0 {
					blooms++
				}
			}
		}
		text, err := allText(got)
		if err != nil || !slices.Equal(text, append(slices.Clone(want), want...)) {
			t.Errorf("%s: %d rows, the copy of two has %d (%v)", e.File, len(want), len(text), err)
		}
		if a, b := defects(r), defects(got); b > 2*a {
			t.Errorf("%s: %d defects, the copy has %d", e.File, a, b)
		}
		r.Close()
	}
	floor := []int{400, 100, 20}
	if testing.Short() {
		floor = []int{200, 20, 1}
	}
	if copied < floor[0] || indexed < floor[1] || blooms < floor[2] {
		t.Errorf("%d files, %d chunks with an offset index and %d with a Bloom filter were copied, want %v", copied, indexed, blooms, floor)
	}
}

func sameChunk(t *testing.T, name string, a, b *Reader, at, to, n int64) {
	t.Helper()
	x, y := make([]byte, n), make([]byte, n)
	err := a.f.ReadRanges(context.Background(), []fs.Range{{Off: at, Dst: x}})
	if err == nil {
		err = b.f.ReadRanges(context.Background(), []fs.Range{{Off: to, Dst: y}})
	}
	if err != nil || !bytes.Equal(x, y) {
		t.Errorf("%s: the chunk at %d differs in the copy at %d (%v)", name, at, to, err)
	}
}

// numbered is a file of n rows from first on, in row groups of 100.
func numbered(t *testing.T, o WriteOptions, name string, dt arrow.DataType, first, n int) *Reader {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: name, Type: dt, Nullable: true}, {Name: "t", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	for i := range n {
		if err := b.Field(0).AppendValueFromString(string('0' + rune((first+i)%10))); err != nil {
			t.Fatal(err)
		}
		b.Field(1).(*array.StringBuilder).Append("text " + string('a'+rune(i%26)))
	}
	o.RowGroupRows, o.PageRows = 100, 30
	r, err := openBytes(t, writeFile(t, o, s, b.NewRecordBatch()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCopyUnitsRefusals(t *testing.T) {
	i32, i64 := arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64
	a := numbered(t, WriteOptions{}, "n", i32, 0, 250)
	for what, b := range map[string]*Reader{
		"type": numbered(t, WriteOptions{}, "n", i64, 0, 10), "name": numbered(t, WriteOptions{}, "m", i32, 0, 10),
	} {
		if _, err := copyUnits(formats.Options{}, a, b); !errors.Is(err, arrowio.ErrUnsupported) {
			t.Errorf("another %s: %v", what, err)
		}
	}
	if _, err := copyUnits(formats.Options{Set: map[string]string{"codec": "gzip"}}, a); !errors.Is(err, arrowio.ErrUnsupported) {
		t.Errorf("another codec: %v", err)
	}
	if _, err := copyUnits(formats.Options{Set: map[string]string{"page-rows": "5"}}, a); !errors.Is(err, arrowio.ErrOption) {
		t.Errorf("an option without effect: %v", err)
	}
	if _, err := copyUnits(formats.Options{}); !errors.Is(err, arrowio.ErrIncomplete) {
		t.Errorf("no file: %v", err)
	}
	if _, err := copyUnits(formats.Options{Set: map[string]string{"codec": "zstd", "kv.who": "me"}}, a, a); err != nil {
		t.Errorf("the codec that the chunks have: %v", err)
	}
}

// TestCopyUnitsReadByOthers lets pyarrow and DuckDB read a copy, and use its
// indexes.
func TestCopyUnitsReadByOthers(t *testing.T) {
	py := oracle.Python(t, "copies of row groups read by others are")
	o := WriteOptions{Columns: map[string]ColumnOptions{"t": {Bloom: &BloomOptions{}}}}
	raw, err := copyUnits(formats.Options{}, numbered(t, o, "n", arrow.PrimitiveTypes.Int32, 0, 250), numbered(t, o, "n", arrow.PrimitiveTypes.Int32, 3, 170))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.parquet")
	if err := os.WriteFile(path, raw, 0o666); err != nil {
		t.Fatal(err)
	}
	oracle.Run(t, py, `
import sys, pyarrow.parquet as pq, duckdb
t = pq.read_table(sys.argv[1], page_checksum_verification=True)
want = [i % 10 for i in range(250)] + [(3 + i) % 10 for i in range(170)]
assert t["n"].to_pylist() == want, t["n"]
assert t["t"].to_pylist() == ["text " + chr(97 + i % 26) for i in [*range(250), *range(170)]]
md = pq.ParquetFile(sys.argv[1]).metadata
assert md.num_rows == 420 and md.num_row_groups == 5, md
assert all(md.row_group(g).column(c).has_offset_index for g in range(5) for c in range(2))
n, = duckdb.sql(f"select count(*) from '{sys.argv[1]}' where t = 'text q' and n = 6").fetchall()[0]
assert n == sum(1 for a, b in zip(want, t["t"].to_pylist()) if a == 6 and b == "text q"), n
assert duckdb.sql(f"select count(*) from '{sys.argv[1]}' where t = 'no such'").fetchall()[0] == (0,)
`, path)
}
