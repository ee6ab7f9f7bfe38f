package pushdowntest

import (
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// floor is how often each type, operator, node and answer must have been tried.
const floor = 3

// RunLaws checks every law on generated data, then that the data was varied
// enough to mean something.
func RunLaws(t *testing.T) {
	cov := NewCoverage()
	for _, law := range []struct {
		name  string
		check func(*rapid.T, Batch)
	}{
		{"eval", evalLaw}, {"prune", pruneLaw}, {"divide", divideLaw}, {"normalise", normaliseLaw}, {"text", textLaw}, {"bind", bindLaw}, {"substitute", substituteLaw},
	} {
		t.Run(law.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				b := DrawBatch(rt, cov)
				for range 6 {
					law.check(rt, b)
				}
			})
		})
	}
	if !t.Failed() && !testing.Short() {
		if miss := cov.Missing(floor); len(miss) > 0 {
			t.Errorf("tried fewer than %d times: %q", floor, miss)
		}
	}
}

// same checks that e passes just the rows for which ref is true, and that its
// complement passes those for which it is false.
func same(t *rapid.T, what string, e, ref pushdown.Expr, rec arrow.RecordBatch) {
	yes, err := pushdown.Eval(mem, e, rec)
	if err != nil {
		t.Fatalf("%s: %s: %v", what, e, err)
	}
	no, err := pushdown.Eval(mem, pushdown.Not{X: e}, rec)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range int(rec.NumRows()) {
		got := pushdown.Maybe
		if yes.Get(i) {
			got = pushdown.Always
			n++
		} else if no.Get(i) {
			got = pushdown.Never
		}
		if want := Row(ref, rec, i); got != want {
			t.Fatalf("%s: row %d: %v, want %v (maybe is null)\nfilter    %s\nreference %s\n%v", what, i, got, want, e, ref, rec)
		}
	}
	if yes.Count() != n {
		t.Fatalf("%s: count %d, want %d", what, yes.Count(), n)
	}
}

func evalLaw(t *rapid.T, b Batch) {
	e := b.DrawExpr(t, 3, true)
	same(t, "eval", e, e, b.Rec)
}

func normaliseLaw(t *rapid.T, b Batch) {
	e := b.DrawExpr(t, 4, true)
	norm := pushdown.Normalise(e)
	same(t, "normalise", norm, e, b.Rec)
	if again := pushdown.Normalise(norm); !pushdown.Equal(norm, again) {
		t.Fatalf("normalised %s, and again %s", norm, again)
	}
}

func textLaw(t *rapid.T, b Batch) {
	e := b.DrawExpr(t, 3, rapid.Bool().Draw(t, "bound"))
	back, err := pushdown.Parse(e.String())
	if err != nil {
		t.Fatal(err)
	}
	if !pushdown.Equal(e, back) {
		t.Fatalf("%s comes back as %s", e, back)
	}
	for _, p := range pushdown.Columns(e) {
		if q, err := pushdown.ParsePath(p.String()); err != nil || !q.Equal(p) {
			t.Fatal(p, q, err)
		}
	}
}

func bindLaw(t *rapid.T, b Batch) {
	e := b.DrawExpr(t, 2, false)
	bound, err := pushdown.Bind(e, b.Rec.Schema(), pushdown.BindOptions{})
	if err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	if !pushdown.Equal(e, bound) {
		b.cov.Rewritten++
	}
	same(t, "bind", bound, e, b.Rec)
	same(t, "eval unbound", e, e, b.Rec)
	if _, err := pushdown.Bind(pushdown.IsNull{Path: pushdown.Path{"missing"}}, b.Rec.Schema(), pushdown.BindOptions{}); !errors.Is(err, pushdown.ErrColumn) {
		t.Fatal(err)
	}
}

// divideLaw plays a store that evaluates exactly what it says it does, and
// lets some rows through besides where it is inexact.
func divideLaw(t *rapid.T, b Batch) {
	e := b.DrawExpr(t, 3, true)
	answer := map[string]pushdown.Exactness{}
	pushed, residual := pushdown.Divide(e, func(parts []pushdown.Expr) []pushdown.Exactness {
		out := make([]pushdown.Exactness, len(parts))
		for i, p := range parts {
			out[i] = pushdown.Exactness(rapid.IntRange(0, 2).Draw(t, "exactness"))
			answer[p.String()] = out[i]
		}
		return out
	})
	all, left := mask(t, e, b.Rec), mask(t, residual, b.Rec)
	store := kernel.Full(int(b.Rec.NumRows()))
	for _, p := range pushdown.Conjuncts(pushed) {
		m := kernel.Bitmap(mask(t, p, b.Rec))
		if answer[p.String()] == pushdown.Inexact {
			m = kernel.Full(m.Len)
		}
		store.And(m)
	}
	for i := range all.Len {
		if all.Get(i) != (left.Get(i) && store.Get(i)) {
			t.Fatalf("row %d: %s: pushed %s, residual %s", i, e, pushed, residual)
		}
	}
}

func mask(t *rapid.T, e pushdown.Expr, rec arrow.RecordBatch) pushdown.Mask {
	m, err := pushdown.Eval(mem, e, rec)
	if err != nil {
		t.Fatal(e, err)
	}
	return m
}

// substituteLaw makes a column's value in one row a constant for that row.
func substituteLaw(t *rapid.T, b Batch) {
	if b.Rec.NumRows() == 0 {
		return
	}
	e := b.DrawExpr(t, 3, true)
	i := rapid.IntRange(0, int(b.Rec.NumRows())-1).Draw(t, "row")
	out := pushdown.Substitute(e, func(p pushdown.Path) (pushdown.Literal, bool) {
		for _, c := range b.cols {
			if c.path.Equal(p) {
				if v, ok := cell(p, b.Rec, i); ok {
					return literal(c.dt, v), true
				}
			}
		}
		return pushdown.Null(), true
	})
	if got, want := pushdown.Normalise(out), pushdown.Const(Row(e, b.Rec, i)); !pushdown.Equal(got, want) {
		t.Fatalf("%s with row %d is %s, want %s", e, i, got, want)
	}
}

func pruneLaw(t *rapid.T, b Batch) {
	e := b.DrawExpr(t, 3, true)
	if rapid.Bool().Draw(t, "normal") {
		e = pushdown.Normalise(e)
	}
	s := newStats(t, b)
	got := pushdown.Prune(e, s)
	if len(got) != s.Len() {
		t.Fatalf("%d answers for %d containers", len(got), s.Len())
	}
	for k, truth := range got {
		b.cov.Truths[truth]++
		for i := s.at[k]; i < s.at[k+1]; i++ {
			row := Row(e, b.Rec, i)
			if truth == pushdown.Never && row == pushdown.Always || truth == pushdown.Always && row != pushdown.Always {
				t.Fatalf("container %d is %v, its row %d %v\n%s\n%v", k, truth, i, row, e, b.Rec)
			}
		}
	}
}
