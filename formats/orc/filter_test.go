package orc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// TestJavaFilters: scan(filter) == filter(scan()) for files of Java's writer,
// with literals from the rows and beside them, on every column that filters can
// speak of, with and without the column shown.
func TestJavaFilters(t *testing.T) {
	files := javaFiles(t)
	rng := rand.New(rand.NewPCG(1, 2))
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	tried := 0
	for _, name := range []string{"bloom", "codec-zlib", "direct", "dictionary", "v11-direct", "v11-dictionary", "no-index", "sorted", "nested", "unions", "utc", "encrypted-128", "encrypted-256"} {
		t.Run(name, func(t *testing.T) {
			o := Options{}
			if strings.HasPrefix(name, "encrypted") {
				o.Keys = javaKeys{}
			}
			r, recs := openJava(t, files[name].path, o)
			for _, p := range leafPaths(r.roots, nil) {
				for range rounds {
					e := randomFilter(rng, r, recs, p)
					if e == nil {
						continue
					}
					tried++
					holdFilter(t, rng, r, recs, e)
				}
			}
		})
	}
	if tried < 60*rounds {
		t.Fatalf("only %d filters were tried", tried)
	}
}

func openJava(t *testing.T, path string, o Options) (*Reader, []arrow.RecordBatch) {
	t.Helper()
	ctx := context.Background()
	f, err := openLocal(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(ctx, f, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, collect(t, r, arrowio.ScanRequest{}, arrowio.ReadOptions{})
}

func collect(t *testing.T, r *Reader, req arrowio.ScanRequest, o arrowio.ReadOptions) (recs []arrow.RecordBatch) {
	t.Helper()
	rr, err := arrowiotest.ReadSplits(context.Background(), r, req, o, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for rr.Next() {
		rec := rr.RecordBatch()
		rec.Retain()
		recs = append(recs, rec)
	}
	if err := rr.Close(); err != nil {
		t.Fatal(err)
	}
	return recs
}

// leafPaths are the columns that a filter can name.
func leafPaths(nodes []*node, above pushdown.Path) (out []pushdown.Path) {
	for _, n := range nodes {
		p := append(slices.Clone(above), n.field.Name)
		if st, ok := n.field.Type.(*arrow.StructType); ok && st.NumFields() > 0 {
			out = append(out, leafPaths(n.children, p)...)
		}
		out = append(out, p)
	}
	return out
}

// randomFilter is a filter of a column; nil if none is to be had.
func randomFilter(rng *rand.Rand, r *Reader, recs []arrow.RecordBatch, p pushdown.Path) pushdown.Expr {
	null := pushdown.Expr(pushdown.IsNull{Path: p})
	if rng.IntN(6) == 0 {
		return null
	}
	if rng.IntN(6) == 0 {
		return pushdown.Not{X: null}
	}
	rec := recs[rng.IntN(len(recs))]
	i := rng.IntN(int(rec.NumRows()))
	arr := rec.Column(rec.Schema().FieldIndices(p[0])[0])
	for _, name := range p[1:] {
		st, ok := arr.(interface {
			arrow.Array
			Field(int) arrow.Array
		})
		if !ok {
			return nil
		}
		k, _ := arr.DataType().(*arrow.StructType).FieldIdx(name)
		arr = st.Field(k)
	}
	if arr.IsNull(i) || kernel.ClassOf(arr.DataType()) == kernel.None {
		return nil
	}
	s := kernel.ScalarAt(arr, i)
	text := kernel.Format(s, arr.DataType())
	switch rng.IntN(3) { // a neighbour, most often not there
	case 0:
		if s.Class == kernel.Text {
			text = "'" + strings.ReplaceAll(s.Text, "'", "") + "q'"
		}
	}
	op := []string{"=", "!=", "<", "<=", ">", ">=", "IN"}[rng.IntN(7)]
	if op == "IN" {
		text = "(" + text + ", " + text + ")"
	}
	e, err := pushdown.Parse(p.String() + " " + op + " " + text)
	if err != nil {
		return nil
	}
	if _, err := pushdown.Bind(e, r.schema, pushdown.BindOptions{}); err != nil {
		return nil
	}
	return e
}

// holdFilter holds a scan with a filter against the filter of a scan.
func holdFilter(t *testing.T, rng *rand.Rand, r *Reader, recs []arrow.RecordBatch, e pushdown.Expr) {
	t.Helper()
	shown := []pushdown.Path{{r.roots[rng.IntN(len(r.roots))].field.Name}}
	shown = append(shown, pushdown.Path{r.roots[0].field.Name})[:1+rng.IntN(2)]
	if len(shown) == 2 && shown[0][0] == shown[1][0] {
		shown = shown[:1]
	}
	bound, err := pushdown.Bind(e, r.schema, pushdown.BindOptions{})
	if err != nil {
		t.Fatal(err)
	}
	part, err := arrowio.ProjectSchema(r.schema, shown)
	if err != nil {
		t.Fatal(err)
	}
	want := conformance.NewDigest(part)
	for _, rec := range recs {
		mask, err := pushdown.Eval(memory.DefaultAllocator, bound, rec)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		kept, err := kernel.FilterBatch(memory.DefaultAllocator, rec, kernel.Bitmap(mask))
		if err != nil {
			t.Fatal(err)
		}
		if err := want.Add(pick(kept, part)); err != nil {
			t.Fatal(err)
		}
	}
	got := conformance.NewDigest(part)
	o := arrowio.ReadOptions{BatchRows: []int{0, 50, 100, 3000}[rng.IntN(4)], Budget: arrowio.NewBudget(64 << 20)}
	for _, rec := range collect(t, r, arrowio.ScanRequest{Columns: shown, Filter: e}, o) {
		if err := got.Add(rec); err != nil {
			t.Fatal(err)
		}
	}
	if got.Rows != want.Rows || fmt.Sprint(got.Sums()) != fmt.Sprint(want.Sums()) {
		t.Fatalf("%s showing %v, batches of %d: %d rows, want %d", e, shown, o.BatchRows, got.Rows, want.Rows)
	}
	if o.Budget.InUse() != 0 {
		t.Fatalf("%s: %d bytes of the budget are not given back", e, o.Budget.InUse())
	}
}

func pick(rec arrow.RecordBatch, s *arrow.Schema) arrow.RecordBatch {
	var cols []arrow.Array
	for _, f := range s.Fields() {
		cols = append(cols, rec.Column(rec.Schema().FieldIndices(f.Name)[0]))
	}
	return array.NewRecordBatch(s, cols, rec.NumRows())
}
