package pushdowntest

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// stats are true statistics of a batch cut into containers: bounds exact,
// wider than they need be, or missing; counts known or not.
type stats struct {
	b     Batch
	at    []int // container k holds rows at[k] to at[k+1]
	loose int   // 0 exact, 1 some wider, 2 some missing
	count bool
	bloom bool
}

func newStats(t *rapid.T, b Batch) *stats {
	s := &stats{b: b, at: []int{0}, loose: rapid.IntRange(0, 2).Draw(t, "loose"), count: rapid.IntRange(0, 3).Draw(t, "count") > 0, bloom: rapid.Bool().Draw(t, "bloom")}
	n, size := int(b.Rec.NumRows()), rapid.IntRange(1, 20).Draw(t, "container")
	for at := 0; at < n; {
		at = min(at+size, n)
		s.at = append(s.at, at)
	}
	if rapid.Bool().Draw(t, "empty") {
		s.at = append(s.at, n)
	}
	return s
}

func (s *stats) Len() int { return len(s.at) - 1 }

func (s *stats) column(p pushdown.Path) column {
	for _, c := range s.b.cols {
		if c.path.Equal(p) {
			return c
		}
	}
	return column{}
}

func (s *stats) Bounds(p pushdown.Path) (lo, hi arrow.Array, exactLo, exactHi []bool) {
	dt := s.column(p).dt
	var los, his []kernel.Scalar
	for k := range s.Len() {
		var l, h kernel.Scalar
		for i := s.at[k]; i < s.at[k+1]; i++ {
			v, ok := cell(p, s.b.Rec, i)
			if !ok || v.Class == kernel.Float && v.Float != v.Float {
				continue
			}
			if l.Class == kernel.None || compare(v, pushdown.Lt, l) {
				l = v
			}
			if h.Class == kernel.None || compare(v, pushdown.Gt, h) {
				h = v
			}
		}
		exact := true
		switch {
		case s.loose == 1 && k%2 == 0 && l.Class != kernel.None:
			exact = false
			for _, v := range pool(dt) { // as truncation does, only farther
				if compare(v, pushdown.Lt, l) {
					l = v
				}
				if compare(v, pushdown.Gt, h) {
					h = v
				}
			}
		case s.loose == 2 && k%3 == 0:
			l = kernel.Scalar{}
		case s.loose == 2 && k%3 == 1:
			h = kernel.Scalar{}
		}
		los, his = append(los, l), append(his, h)
		exactLo, exactHi = append(exactLo, exact), append(exactHi, exact)
	}
	lo, err1 := kernel.MakeArray(mem, dt, los...)
	hi, err2 := kernel.MakeArray(mem, dt, his...)
	if err1 != nil || err2 != nil {
		return nil, nil, nil, nil
	}
	return lo, hi, exactLo, exactHi
}

func (s *stats) Nulls(p pushdown.Path) (nulls, rows []int64) {
	for k := range s.Len() {
		var n int64
		for i := s.at[k]; i < s.at[k+1]; i++ {
			if _, ok := cell(p, s.b.Rec, i); !ok {
				n++
			}
		}
		if !s.count {
			n = -1
		}
		nulls, rows = append(nulls, n), append(rows, int64(s.at[k+1]-s.at[k]))
	}
	return nulls, rows
}

func (s *stats) MayContain(p pushdown.Path, values arrow.Array, alive []bool) []pushdown.Truth {
	if !s.bloom {
		return nil
	}
	out := make([]pushdown.Truth, s.Len())
	for k := range out {
		if !alive[k] {
			out[k] = pushdown.Never // may answer anything
			continue
		}
		found := slices.ContainsFunc(slices.Collect(rows(values.Len())), func(j int) bool {
			for i := s.at[k]; i < s.at[k+1]; i++ {
				if v, ok := cell(p, s.b.Rec, i); ok && compare(v, pushdown.Eq, kernel.ScalarAt(values, j)) {
					return true
				}
			}
			return false
		})
		if !found {
			out[k] = pushdown.Never
		}
	}
	return out
}

func rows(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}
