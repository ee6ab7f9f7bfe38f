package formatstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/pushdown"
	"github.com/bdkit/bdkit/pushdown/pushdowntest"
)

// filter: a filter pushed into the source passes the rows that a plain
// row-at-a-time evaluation over the whole passes, over generated data and
// filters.
func (s *suite) filter(t *testing.T) {
	can := func(dt arrow.DataType) bool {
		_, ok := s.holds(arrow.Field{Name: "x", Type: dt, Nullable: true})
		return ok
	}
	kinds := pushdowntest.Kinds{
		Types:      slices.DeleteFunc(pushdowntest.Types(), func(dt arrow.DataType) bool { return !can(dt) }),
		Dictionary: can(people[8].Type), RunEnd: can(arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, people[0].Type)), Struct: can(arrow.StructOf(people[0])),
	}
	cov, made := pushdowntest.NewCoverage(), pushdowntest.NewCoverage()
	cov.Types = []arrow.DataType{} // those as which the held ones are read
	for _, dt := range kinds.Types {
		as, _ := s.holds(arrow.Field{Name: "x", Type: dt, Nullable: true})
		if !slices.ContainsFunc(cov.Types, func(x arrow.DataType) bool { return arrow.TypeEqual(x, as) }) {
			cov.Types = append(cov.Types, as)
		}
	}
	passed := map[string]int{}
	law := func(rt *rapid.T) {
		b := pushdowntest.DrawBatchOf(rt, made, kinds)
		schema := b.Rec.Schema()
		var fields []arrow.Field // without the combinations that the format lacks
		var cols []arrow.Array
		for i, f := range schema.Fields() {
			if can(f.Type) {
				fields, cols = append(fields, f), append(cols, b.Rec.Column(i))
			}
		}
		if len(fields) == 0 {
			rt.Skip("no column is held")
		}
		w := rapid.SampledFrom(s.Ways).Draw(rt, "way")
		cut := int64(rapid.IntRange(0, int(b.Rec.NumRows())).Draw(rt, "cut"))
		f, ok := s.writeWhatFits(rt, w, newBatch(fields, cols, b.Rec.NumRows()), cut)
		if !ok {
			passed["refused"]++
			return
		}
		s.filterFile(rt, f, cov, 4, passed)
	}
	for range 8 { // rapid's own number of tries is set for the whole process
		if rapid.Check(t, law); t.Failed() {
			return
		}
	}
	const least = 3
	if miss := cov.MissingKinds(least); len(miss) > 0 && !testing.Short() {
		t.Errorf("tried fewer than %d times: %q", least, miss)
	}
	t.Log("rows that pass:", passed)
	if passed["refused"] > passed["some"] {
		t.Errorf("mostly nothing could be written: %v", passed)
	}
	for _, what := range []string{"none", "some", "all"} {
		floor(t, passed, what, 10)
	}
}

// writeWhatFits leaves out the columns with a value that the format refuses, an
// extreme timestamp for instance.
func (s *suite) writeWhatFits(t *rapid.T, w Way, rec arrow.RecordBatch, cut int64) (file, bool) {
	for rec.NumCols() > 0 {
		f, err := s.tryWrite(t, w, rec.Schema(), rec.NewSlice(0, cut), rec.NewSlice(cut, rec.NumRows()))
		if err == nil {
			return f, true
		}
		var e *arrowio.Error
		if !errors.Is(err, arrowio.ErrCast) || !errors.As(err, &e) {
			t.Fatalf("%v by %+v: %v", rec.Schema(), w, err)
		}
		var fields []arrow.Field
		var cols []arrow.Array
		for i, f := range rec.Schema().Fields() {
			if e.Column != f.Name && !strings.HasPrefix(e.Column, f.Name+".") && e.Column != (pushdown.Path{f.Name}).String() {
				fields, cols = append(fields, f), append(cols, rec.Column(i))
			}
		}
		if len(fields) == int(rec.NumCols()) {
			t.Fatalf("an error that names no column: %v", err)
		}
		rec = newBatch(fields, cols, rec.NumRows())
	}
	return file{}, false
}

// sampleFilter holds the law of filters over the rows of samples.
func (s *suite) sampleFilter(t *testing.T) {
	for _, x := range s.Samples {
		t.Run(x.Name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				s.filterFile(rt, file{x.Name, x.Raw, x.Read, true}, pushdowntest.NewCoverage(), 2, map[string]int{})
			})
		})
	}
}

// filterFile draws filters over what the file holds.
func (s *suite) filterFile(t *rapid.T, f file, cov *pushdowntest.Coverage, n int, passed map[string]int) {
	r := s.open(t, f)
	all := s.batches(t, r)
	if len(all) == 0 {
		return
	}
	b, ok := pushdowntest.BatchOf(all[0], cov)
	if !ok {
		return
	}
	for range n {
		e := b.DrawExpr(t, 3, rapid.IntRange(0, 3).Draw(t, "bound") > 0)
		cols := [][]pushdown.Path{nil, {}, pushdown.Columns(e), topPaths(r.Schema(), rapid.IntRange(0, r.Schema().NumFields()-1).Draw(t, "column"))}[rapid.IntRange(0, 3).Draw(t, "columns")]
		if cols == nil && rapid.Bool().Draw(t, "none") {
			cols = []pushdown.Path{}
		}
		req := arrowio.ScanRequest{Filter: e, Columns: cols, Ordered: true}
		paths := cols
		if cols == nil {
			paths = allPaths(r.Schema())
		}
		var want []string
		total := 0
		for _, rec := range all {
			for i := range int(rec.NumRows()) {
				total++
				if pushdowntest.Row(e, rec, i) == pushdown.Always {
					want = append(want, projected(rec.Schema().Fields(), rec.Columns(), paths, i))
				}
			}
		}
		switch len(want) {
		case 0:
			passed["none"]++
		case total:
			passed["all"]++
		default:
			passed["some"]++
		}
		what := fmt.Sprintf("%s: %s giving %v of %v", f.name, e, cols, r.Schema())
		o := arrowio.RunOptions{Jobs: rapid.IntRange(1, 2).Draw(t, "jobs"), ReadOptions: arrowio.ReadOptions{BatchRows: rapid.SampledFrom([]int{0, 1, 7}).Draw(t, "batch rows")}}
		tab := arrowio.Table(r)
		if rapid.Bool().Draw(t, "tokens") { // planned here, read by another process
			tab = elsewhere{r, s.open(t, f)}
		}
		got, err := rows(context.Background(), tab, req, o)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, want, got)
		if req.Limit = int64(rapid.IntRange(0, 80).Draw(t, "limit")); req.Limit > 0 {
			if got, err = rows(context.Background(), tab, req, o); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			same(t, fmt.Sprint(what, " limit ", req.Limit), want[:min(len(want), int(req.Limit))], got)
		}
		if n, err := arrowio.Count(context.Background(), tab, e, o); err != nil || n != int64(len(want)) {
			t.Fatalf("%s: count is %d (%v), %d rows pass", what, n, err, len(want))
		}
	}
}

func topPaths(s *arrow.Schema, i int) []pushdown.Path {
	return []pushdown.Path{{s.Field(i).Name}}
}

func allPaths(s *arrow.Schema) (out []pushdown.Path) {
	for i := range s.NumFields() {
		out = append(out, pushdown.Path{s.Field(i).Name})
	}
	return out
}

// elsewhere plans with one table and opens the splits, sent as tokens, with
// another.
type elsewhere struct {
	arrowio.Table
	other arrowio.Table
}

func (e elsewhere) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	token, err := arrowio.EncodeSplit(s)
	if err != nil {
		return nil, err
	}
	if s, err = arrowio.DecodeSplit(token); err != nil {
		return nil, err
	}
	return e.other.Open(ctx, s, o)
}
