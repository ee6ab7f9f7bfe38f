// Package columnar is what columnar formats share: which rows of a container
// (a row group, a stripe) a scan still wants, the reading of its filter's
// columns before the others, and the moving windows its bytes are read through.
package columnar

import "sort"

// Span is rows [Start, End) of a container.
type Span struct{ Start, End int64 }

// Len is the number of rows.
func (s Span) Len() int64 { return s.End - s.Start }

// Selection is the rows that are wanted: spans in order that neither touch nor
// overlap, none of them empty. The nil Selection wants none.
type Selection []Span

// All selects rows [0, n).
func All(n int64) Selection {
	if n <= 0 {
		return nil
	}
	return Selection{{0, n}}
}

// Add appends a span behind all others, joined to the last one if they touch.
func (s Selection) Add(start, end int64) Selection {
	if start >= end {
		return s
	}
	if n := len(s); n > 0 && s[n-1].End >= start {
		s[n-1].End = max(s[n-1].End, end)
		return s
	}
	return append(s, Span{start, end})
}

// Count is the number of rows.
func (s Selection) Count() int64 {
	var n int64
	for _, r := range s {
		n += r.Len()
	}
	return n
}

// And selects the rows of both.
func (s Selection) And(o Selection) Selection {
	var out Selection
	for i, j := 0, 0; i < len(s) && j < len(o); {
		out = out.Add(max(s[i].Start, o[j].Start), min(s[i].End, o[j].End))
		if s[i].End < o[j].End {
			i++
		} else {
			j++
		}
	}
	return out
}

// Or selects the rows of either.
func (s Selection) Or(o Selection) Selection {
	var out Selection
	for i, j := 0, 0; i < len(s) || j < len(o); {
		if j == len(o) || i < len(s) && s[i].Start <= o[j].Start {
			out = out.Add(s[i].Start, s[i].End)
			i++
		} else {
			out = out.Add(o[j].Start, o[j].End)
			j++
		}
	}
	return out
}

// Complement selects the other rows of [0, n).
func (s Selection) Complement(n int64) Selection {
	var out Selection
	at := int64(0)
	for _, r := range s {
		out = out.Add(at, min(r.Start, n))
		at = r.End
	}
	return out.Add(at, n)
}

// Cut takes the first n rows off.
func (s Selection) Cut(n int64) (head, tail Selection) {
	for i, r := range s {
		if n < r.Len() {
			if n > 0 {
				head = append(head, Span{r.Start, r.Start + n})
			}
			return head, append(Selection{{r.Start + n, r.End}}, s[i+1:]...)
		}
		head = append(head, r)
		n -= r.Len()
	}
	return head, nil
}

// Overlaps reports whether a row of [start, end) is selected.
func (s Selection) Overlaps(start, end int64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].End > start })
	return start < end && i < len(s) && s[i].Start < end
}
