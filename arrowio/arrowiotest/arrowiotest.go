// Package arrowiotest is the laws that every arrowio.Table keeps:
//
//	scan(filter) == filter(scan())     a projection == projecting the whole
//	the splits' union == the whole     a split == its token, decoded
//	count == the rows of a scan        a limit is kept, and ends early
//	batches stay within BatchRows      what is allocated is released
//
// Formats, datasets and connectors run it on tables of their own.
package arrowiotest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// Options describe the table to the suite.
type Options struct {
	// Filters to hold the filter laws for; the suite has none of its own,
	// since it does not know the columns.
	Filters []string
	// Projections, as lists of paths.
	Projections [][]string
	// Unordered tables give their rows in any order.
	Unordered bool
}

// Run holds the laws for the table that open gives. It is called often and
// must always give the same rows.
func Run(t *testing.T, open func(t testing.TB) arrowio.Table, o Options) {
	whole := rows(t, open(t), arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1}, o)
	for _, jobs := range []int{1, 3} {
		t.Run(fmt.Sprintf("jobs %d", jobs), func(t *testing.T) {
			run := arrowio.RunOptions{Jobs: jobs}
			t.Run("whole", func(t *testing.T) {
				same(t, whole, rows(t, open(t), arrowio.ScanRequest{Ordered: true}, run, o))
				run := run
				run.Budget, run.Alloc = arrowio.NewBudget(64<<20), Poison{}
				same(t, whole, rows(t, open(t), arrowio.ScanRequest{Ordered: true}, run, o))
				if n := run.Budget.InUse(); n != 0 {
					t.Errorf("%d bytes of the budget were not given back", n)
				}
			})
			t.Run("batches", func(t *testing.T) { batches(t, open, run, whole, o) })
			t.Run("limit", func(t *testing.T) { limits(t, open, run, whole, o) })
			for _, f := range o.Filters {
				t.Run("filter "+f, func(t *testing.T) { filters(t, open, run, f, o) })
			}
			for _, p := range o.Projections {
				t.Run(fmt.Sprint("project ", p), func(t *testing.T) { projects(t, open, run, p, o) })
			}
			t.Run("close early", func(t *testing.T) { closeEarly(t, open, run) })
			t.Run("memory", func(t *testing.T) { released(t, open, run) })
		})
	}
	t.Run("splits", func(t *testing.T) { splits(t, open, whole, o) })
	t.Run("count", func(t *testing.T) { counts(t, open, whole, o) })
}

// rows gives the rows of a request as text.
func rows(t testing.TB, tab arrowio.Table, req arrowio.ScanRequest, run arrowio.RunOptions, o Options) []string {
	t.Helper()
	r, err := arrowio.Read(context.Background(), tab, req, run)
	if err != nil {
		t.Fatal(err)
	}
	return drain(t, r, o)
}

func drain(t testing.TB, r arrowio.RecordReader, o Options) []string {
	t.Helper()
	var out []string
	for r.Next() {
		rec := r.RecordBatch()
		if rec.Schema().NumFields() != r.Schema().NumFields() {
			t.Fatalf("a batch of %s from a reader of %s", rec.Schema(), r.Schema())
		}
		out = append(out, Text(rec)...)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if o.Unordered {
		sort.Strings(out)
	}
	return out
}

func same(t testing.TB, want, got []string) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("row %d is %q, want %q", i, got[i], want[i])
		}
	}
}

func parse(t testing.TB, text string) pushdown.Expr {
	t.Helper()
	e, err := pushdown.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// filters holds scan(filter) == filter(scan()), also with a projection that
// leaves the filter's columns out.
func filters(t *testing.T, open func(testing.TB) arrowio.Table, run arrowio.RunOptions, text string, o Options) {
	e := parse(t, text)
	r, err := arrowio.Read(context.Background(), open(t), arrowio.ScanRequest{Ordered: true}, run)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = arrowio.Filter(r, e, run.ReadOptions); err != nil {
		t.Fatal(err)
	}
	want := drain(t, r, o)
	same(t, want, rows(t, open(t), arrowio.ScanRequest{Filter: e, Ordered: true}, run, o))
	for _, p := range o.Projections {
		cols := paths(t, p)
		r, err := arrowio.Read(context.Background(), open(t), arrowio.ScanRequest{Ordered: true}, run)
		if err != nil {
			t.Fatal(err)
		}
		if r, err = arrowio.Filter(r, e, run.ReadOptions); err != nil {
			t.Fatal(err)
		}
		if r, err = arrowio.Project(r, cols); err != nil {
			t.Fatal(err)
		}
		same(t, drain(t, r, o), rows(t, open(t), arrowio.ScanRequest{Columns: cols, Filter: e, Ordered: true}, run, o))
	}
	n, err := arrowio.Count(context.Background(), open(t), e, run)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(len(want)) {
		t.Errorf("count is %d, a scan has %d rows", n, len(want))
	}
}

func paths(t testing.TB, texts []string) []pushdown.Path {
	t.Helper()
	out := []pushdown.Path{}
	for _, s := range texts {
		p, err := pushdown.ParsePath(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func projects(t *testing.T, open func(testing.TB) arrowio.Table, run arrowio.RunOptions, texts []string, o Options) {
	cols := paths(t, texts)
	r, err := arrowio.Read(context.Background(), open(t), arrowio.ScanRequest{Ordered: true}, run)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = arrowio.Project(r, cols); err != nil {
		t.Fatal(err)
	}
	want := drain(t, r, o)
	same(t, want, rows(t, open(t), arrowio.ScanRequest{Columns: cols, Ordered: true}, run, o))
}

func batches(t *testing.T, open func(testing.TB) arrowio.Table, run arrowio.RunOptions, whole []string, o Options) {
	run.BatchRows = 7
	var got []string
	for rec, err := range arrowio.Batches(context.Background(), open(t), arrowio.ScanRequest{Ordered: true}, run) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.NumRows() > 7 || rec.NumRows() == 0 {
			t.Fatalf("a batch of %d rows, at most 7 were asked for", rec.NumRows())
		}
		got = append(got, Text(rec)...)
	}
	if o.Unordered {
		sort.Strings(got)
	}
	same(t, whole, got)
}

func limits(t *testing.T, open func(testing.TB) arrowio.Table, run arrowio.RunOptions, whole []string, o Options) {
	for _, n := range []int{1, 2, len(whole) / 2, len(whole), len(whole) + 1} {
		if n == 0 {
			continue
		}
		got := rows(t, open(t), arrowio.ScanRequest{Limit: int64(n), Ordered: true}, run, o)
		if o.Unordered {
			if len(got) != min(n, len(whole)) {
				t.Fatalf("%d rows, the limit is %d", len(got), n)
			}
			continue
		}
		same(t, whole[:min(n, len(whole))], got)
	}
}

// splits holds that the splits, sent as tokens to a table opened anew, make up
// the whole, each but once.
func splits(t *testing.T, open func(testing.TB) arrowio.Table, whole []string, o Options) {
	ctx := context.Background()
	scan, err := open(t).Plan(ctx, arrowio.ScanRequest{Ordered: true})
	if err != nil {
		t.Fatal(err)
	}
	other := open(t)
	var got []string
	ids := map[string]bool{}
	for s, err := range scan.Splits {
		if err != nil {
			t.Fatal(err)
		}
		if ids[s.ID] {
			t.Errorf("two splits have the ID %s", s.ID)
		}
		ids[s.ID] = true
		token, err := arrowio.EncodeSplit(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := arrowio.DecodeSplit(token)
		if err != nil {
			t.Fatal(err)
		}
		r, err := other.Open(ctx, back, arrowio.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		part := drain(t, r, o)
		if s.Exact && s.Rows != int64(len(part)) {
			t.Errorf("split %s says exactly %d rows and has %d", s.ID, s.Rows, len(part))
		}
		got = append(got, part...)
	}
	if o.Unordered {
		sort.Strings(got)
	}
	same(t, whole, got)
}

func counts(t *testing.T, open func(testing.TB) arrowio.Table, whole []string, o Options) {
	n, err := arrowio.Count(context.Background(), open(t), nil, arrowio.RunOptions{})
	if err != nil || n != int64(len(whole)) {
		t.Errorf("count is %d (%v), a scan has %d rows", n, err, len(whole))
	}
	got := rows(t, open(t), arrowio.ScanRequest{Columns: []pushdown.Path{}}, arrowio.RunOptions{Jobs: 1}, o)
	if len(got) != len(whole) {
		t.Errorf("a scan of no column has %d rows, of all %d", len(got), len(whole))
	}
}

// closeEarly holds that nothing runs on after Close, and that Close can be
// called twice.
func closeEarly(t *testing.T, open func(testing.TB) arrowio.Table, run arrowio.RunOptions) {
	tab := open(t)
	before := runtime.NumGoroutine()
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		run.BatchRows = 3
		r, err := arrowio.Read(ctx, tab, arrowio.ScanRequest{Ordered: true}, run)
		if err != nil {
			t.Fatal(err)
		}
		r.Next()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error("closed twice:", err)
		}
		if r.Next() {
			t.Error("a closed reader goes on")
		}
		cancel()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
}

// released holds that a checked allocator has everything back at the end.
func released(t *testing.T, open func(testing.TB) arrowio.Table, run arrowio.RunOptions) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	run.Alloc = mem
	tab := open(t)
	for i := range 2 {
		r, err := arrowio.Read(context.Background(), tab, arrowio.ScanRequest{Ordered: true}, run)
		if err != nil {
			t.Fatal(err)
		}
		for r.Next() {
			for _, c := range r.RecordBatch().Columns() {
				_ = kernel.ByteSize(c)
			}
			if i == 1 {
				break
			}
		}
		r.Release()
		if err := r.Close(); err != nil && !slices.Contains([]error{context.Canceled}, err) {
			t.Error(err)
		}
	}
}
