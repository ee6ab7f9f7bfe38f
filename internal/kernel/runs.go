package kernel

import "math/bits"

// run is n consecutive source rows from off; off < 0 stands for n nulls.
type run struct{ off, n int }

// selection is what filter and take have in common: runs, and their sum.
type selection struct {
	runs  []run
	n     int
	nulls bool // some run is of nulls
}

func (s *selection) add(off, n int) {
	if n == 0 {
		return
	}
	s.n += n
	if off < 0 {
		s.nulls = true
	}
	if k := len(s.runs) - 1; k >= 0 {
		last := &s.runs[k]
		if off < 0 && last.off < 0 || off >= 0 && last.off >= 0 && last.off+last.n == off {
			last.n += n
			return
		}
	}
	s.runs = append(s.runs, run{off, n})
}

// shift moves a selection by the offset of a parent whose children are not sliced.
func (s selection) shift(off, times int) selection {
	if off == 0 && times == 1 {
		return s
	}
	out := selection{runs: make([]run, len(s.runs)), n: s.n * times, nulls: s.nulls}
	for i, r := range s.runs {
		if r.off >= 0 {
			r.off = (r.off + off) * times
		}
		out.runs[i] = run{r.off, r.n * times}
	}
	return out
}

// maskRuns finds the runs of ones, a word at a time.
func maskRuns(m Bitmap) selection {
	var s selection
	for k := 0; k*64 < m.Len; k++ {
		w := m.word(k)
		for w != 0 {
			lo := bits.TrailingZeros64(w)
			n := bits.TrailingZeros64(^(w >> lo))
			s.add(k*64+lo, n)
			if lo+n >= 64 {
				break
			}
			w &= ^uint64(0) << (lo + n)
		}
	}
	return s
}
