package columnar

import (
	"math/rand/v2"
	"testing"
)

// The algebra is that of sets: every operation agrees with one on booleans.
func TestSelection(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) ([]bool, Selection) {
		set, sel := make([]bool, n), Selection(nil)
		for i := range set {
			set[i] = rng.IntN(3) > 0 == (i%7 < 4)
			if set[i] {
				sel = sel.Add(int64(i), int64(i+1))
			}
		}
		return set, sel
	}
	check := func(name string, got Selection, n int, want func(i int) bool) {
		t.Helper()
		at, count := 0, int64(0)
		for i := range n {
			for at < len(got) && got[at].End <= int64(i) {
				at++
			}
			in := at < len(got) && got[at].Start <= int64(i)
			if in != want(i) {
				t.Fatalf("%s: row %d", name, i)
			}
			if in {
				count++
			}
		}
		if count != got.Count() {
			t.Fatalf("%s: count %d, want %d", name, got.Count(), count)
		}
		for i := 1; i < len(got); i++ {
			if got[i-1].End >= got[i].Start {
				t.Fatalf("%s: spans %v touch", name, got)
			}
		}
	}
	for range 500 {
		n := rng.IntN(60)
		a, sa := random(n)
		b, sb := random(n)
		check("and", sa.And(sb), n, func(i int) bool { return a[i] && b[i] })
		check("or", sa.Or(sb), n, func(i int) bool { return a[i] || b[i] })
		check("complement", sa.Complement(int64(n)), n, func(i int) bool { return !a[i] })
		check("all", All(int64(n)), n, func(int) bool { return true })
		lo := rng.IntN(n + 1)
		hi := lo + rng.IntN(n+1-lo)
		any := false
		for i := lo; i < hi; i++ {
			any = any || a[i]
		}
		if sa.Overlaps(int64(lo), int64(hi)) != any {
			t.Fatalf("overlaps [%d,%d) of %v", lo, hi, sa)
		}
	}
}
