package orc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/mem"
)

// openBytes opens a file in memory.
func openBytes(t testing.TB, raw []byte, o Options) *Reader {
	t.Helper()
	store := mem.New()
	w, err := store.Create(t.Context(), "f.orc", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := store.Open(t.Context(), "f.orc", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readText is the canonical text of all columns, and the schema.
func readText(t testing.TB, raw []byte, o Options) (*arrow.Schema, [][]string) {
	t.Helper()
	r := openBytes(t, raw, o)
	out := make([][]string, r.Schema().NumFields())
	rr, err := arrowiotest.ReadSplits(t.Context(), r, arrowio.ScanRequest{}, arrowio.ReadOptions{}, r.Close)
	if err != nil {
		t.Fatal(err)
	}
	defer rr.Release()
	for rr.Next() {
		rec := rr.RecordBatch()
		for i := range out {
			out[i] = append(out[i], arrowiotest.ColumnText(rec.Column(i))...)
		}
	}
	if err := rr.Err(); err != nil {
		t.Fatal(err)
	}
	return r.Schema(), out
}

// What is written, our reader reads back equal: the values, and with the stored
// schema the types, nullability and metadata too.
func TestWriteRead(t *testing.T) {
	n := 300
	if testing.Short() {
		n = 100
	}
	seen := map[string]int{}
	for seed := range n {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 3))
			g := &arrowiotest.Generator{R: r, Leaves: writable(), Nested: seed%3 > 0, Exotic: seed%2 == 0, Unions: seed%5 == 0, Seen: seen}
			s := g.Schema()
			batches := []arrow.RecordBatch{g.Batch(s, r.IntN(2000)), g.Batch(s, r.IntN(100))}
			o := randomOptions(r)
			g.Note("codec " + o.Codec)
			raw := writeFile(t, o, s, batches...)
			got, text := readText(t, raw, Options{})
			for i, f := range s.Fields() {
				var want []string
				if o.NoArrowSchema {
					want = storedText(batches, i)
				} else {
					for _, b := range batches {
						want = append(want, arrowiotest.ColumnText(b.Column(i))...)
					}
				}
				compareColumns(t, fmt.Sprintf("%v %+v", f, o), want, text[i])
			}
			if !o.NoArrowSchema && !got.Equal(s) {
				t.Fatalf("schema\n%v\nwant\n%v", got, s)
			}
		})
	}
	checkSeen(t, seen)
}
