package pushdown

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel"
)

// outcome is the set of values that a filter may take over the rows of a
// container. It only ever errs by holding too much.
type outcome uint8

const (
	mayTrue outcome = 1 << iota
	mayFalse
	mayNull
	mayAll = mayTrue | mayFalse | mayNull
)

// Prune says of each container what its statistics prove: Never, that no row
// passes; Always, that every row does; else Maybe. The filter should be bound.
// Floats may hide NaN from bounds, a container without rows is Never, and
// bloom filters are asked only of containers that nothing else drops.
func Prune(e Expr, s Stats) []Truth {
	p := pruner{s: s, n: s.Len(), bounds: map[string]*bounds{}}
	alive := make([]bool, p.n)
	for i := range alive {
		alive[i] = true
	}
	out := make([]Truth, p.n)
	for i, o := range p.prune(e, alive) {
		switch {
		case o&mayTrue == 0:
			out[i] = Never
		case o == mayTrue:
			out[i] = Always
		}
	}
	return out
}

type bounds struct {
	lo, hi      arrow.Array
	start       []outcome // from the counts alone; without values, only null
	nulls, rows []int64
}

type pruner struct {
	s      Stats
	n      int
	bounds map[string]*bounds
}

// of fetches what is known of a column, once.
func (p *pruner) of(path Path) *bounds {
	key := path.String()
	if b, ok := p.bounds[key]; ok {
		return b
	}
	b := &bounds{start: make([]outcome, p.n)}
	b.lo, b.hi, _, _ = p.s.Bounds(path)
	if b.lo != nil && b.lo.Len() != p.n {
		b.lo = nil
	}
	if b.hi != nil && b.hi.Len() != p.n {
		b.hi = nil
	}
	b.nulls, b.rows = p.s.Nulls(path)
	for i := range p.n {
		nulls, rows := int64(-1), int64(-1)
		if i < len(b.nulls) {
			nulls = b.nulls[i]
		}
		if i < len(b.rows) {
			rows = b.rows[i]
		}
		switch {
		case rows == 0:
			b.start[i] = 0
		case nulls == 0:
			b.start[i] = mayTrue | mayFalse
		case nulls > 0 && nulls == rows:
			b.start[i] = mayNull
		default:
			b.start[i] = mayAll
		}
	}
	p.bounds[key] = b
	return b
}

func (p *pruner) fill(o outcome) []outcome {
	out := make([]outcome, p.n)
	for i := range out {
		out[i] = o
	}
	return out
}

func (p *pruner) prune(e Expr, alive []bool) []outcome {
	switch e := e.(type) {
	case nil:
		return p.fill(mayTrue)
	case Const:
		return p.fill([...]outcome{mayNull, mayFalse, mayTrue}[e])
	case Not:
		out := p.prune(e.X, alive)
		for i, o := range out {
			out[i] = o&mayNull | o&mayTrue<<1 | o&mayFalse>>1
		}
		return out
	case And:
		return p.all(e.Args, alive, mayTrue, mayFalse)
	case Or:
		return p.all(e.Args, alive, mayFalse, mayTrue)
	case IsNull:
		b := p.of(e.Path)
		out := make([]outcome, p.n)
		for i, o := range b.start {
			if o&mayNull != 0 {
				out[i] |= mayTrue
			}
			if o&(mayTrue|mayFalse) != 0 {
				out[i] |= mayFalse
			}
		}
		return out
	case Cmp:
		if e.Value.IsNull() {
			return p.fill(mayNull)
		}
		b := p.of(e.Path)
		out := p.cmp(b, e.Op, e.Value)
		if e.Op == Eq {
			p.contains(e.Path, []Literal{e.Value}, out, alive)
		}
		return out
	case In:
		return p.in(e, alive)
	case Like:
		return p.like(e)
	}
	return p.fill(mayAll)
}

// all combines by AND, whose unit is true and zero false, or by OR, exchanged.
// A container in which an argument never is the unit need not be looked at
// more closely for the others.
func (p *pruner) all(args []Expr, alive []bool, unit, zero outcome) []outcome {
	out := p.fill(unit)
	left := append([]bool(nil), alive...)
	for _, a := range args {
		for i, o := range p.prune(a, left) {
			x := out[i]
			y := (x | o) & zero
			if x&unit != 0 && o&unit != 0 {
				y |= unit
			}
			if x&mayNull != 0 && o&(mayNull|unit) != 0 || o&mayNull != 0 && x&(mayNull|unit) != 0 {
				y |= mayNull
			}
			if x == 0 || o == 0 { // no rows at all
				y = 0
			}
			out[i] = y
			left[i] = left[i] && (y&unit != 0 || unit == mayFalse)
		}
	}
	return out
}

// sides compares the bounds with a literal, nothing being known of containers
// without a bound, or of all where the types are not those of a bound filter.
func sides(arr arrow.Array, op Op, v Literal) kernel.Bitmap {
	if arr == nil {
		return kernel.Bitmap{}
	}
	b, err := kernel.Compare(arr, kernel.Op(op), v.Value)
	if err != nil {
		return kernel.Bitmap{}
	}
	return b
}

func has(b kernel.Bitmap, i int) bool { return i < b.Len && b.Get(i) }

// cmp is the heart: where all values lie between lo and hi, and NaN besides
// where the type is a float.
func (p *pruner) cmp(b *bounds, op Op, v Literal) []outcome {
	out := append([]outcome(nil), b.start...)
	exact := kernel.ClassOf(v.Type()) != kernel.Float
	var never, always func(i int) bool
	lo := func(op Op) func(int) bool {
		m := sides(b.lo, op, v)
		return func(i int) bool { return has(m, i) }
	}
	hi := func(op Op) func(int) bool {
		m := sides(b.hi, op, v)
		return func(i int) bool { return has(m, i) }
	}
	switch op {
	case Eq, Ne:
		loAbove, hiBelow, loIs, hiIs := lo(Gt), hi(Lt), lo(Eq), hi(Eq)
		apart := func(i int) bool { return loAbove(i) || hiBelow(i) }
		same := func(i int) bool { return loIs(i) && hiIs(i) && exact }
		never, always = apart, same
		if op == Ne {
			never, always = same, apart
		}
		for i := range out {
			if never(i) {
				out[i] &^= mayTrue
			}
			if always(i) {
				out[i] &^= mayFalse
			}
		}
		return out
	case Lt:
		never, always = lo(Ge), hi(Lt)
	case Le:
		never, always = lo(Gt), hi(Le)
	case Gt:
		never, always = hi(Le), lo(Gt)
	case Ge:
		never, always = hi(Lt), lo(Ge)
	}
	for i := range out {
		if never(i) {
			out[i] &^= mayTrue
		}
		if exact && always(i) {
			out[i] &^= mayFalse
		}
	}
	return out
}

func (p *pruner) in(e In, alive []bool) []outcome {
	b := p.of(e.Path)
	out := make([]outcome, p.n)
	for i, o := range b.start {
		out[i] = o &^ mayTrue
	}
	var vals []Literal
	nulls := false
	for _, v := range e.Values {
		if v.IsNull() {
			nulls = true
			continue
		}
		vals = append(vals, v)
		for i, o := range p.cmp(b, Eq, v) {
			out[i] |= o & mayTrue
			if o&mayFalse == 0 {
				out[i] &^= mayFalse
			}
		}
	}
	p.contains(e.Path, vals, out, alive)
	for i, o := range out {
		if nulls && o&mayFalse != 0 { // a miss is null
			out[i] = o&^mayFalse | mayNull
		}
	}
	return out
}

// contains asks bloom filters and dictionaries where equality is still open.
func (p *pruner) contains(path Path, vals []Literal, out []outcome, alive []bool) {
	ask, any := make([]bool, p.n), false
	for i, o := range out {
		ask[i] = alive[i] && o&mayTrue != 0
		any = any || ask[i]
	}
	if !any || len(vals) == 0 {
		return
	}
	arrs := make([]arrow.Array, len(vals))
	for i, v := range vals {
		if arrs[i] = v.Value; !arrow.TypeEqual(v.Type(), vals[0].Type()) {
			return
		}
	}
	one, err := kernel.Concat(heap, arrs)
	if err != nil {
		return
	}
	for i, t := range p.s.MayContain(path, one, ask) {
		if i < p.n && ask[i] && t == Never {
			out[i] &^= mayTrue
		}
	}
}

func (p *pruner) like(e Like) []outcome {
	b := p.of(e.Path)
	out := append([]outcome(nil), b.start...)
	prefix, whole, open := likePrefix(parseLike(e.Pattern))
	lo, hi := textOf(b.lo), textOf(b.hi)
	for i := range out {
		l, okL := lo(i)
		h, okH := hi(i)
		// Matches lie from prefix up to, not including, what comes after all
		// texts that begin with it.
		if okH && h < prefix || okL && l > prefix && (whole || !strings.HasPrefix(l, prefix)) {
			out[i] &^= mayTrue
		}
		if okL && okH && (whole && l == prefix && h == prefix ||
			open && strings.HasPrefix(l, prefix) && strings.HasPrefix(h, prefix)) {
			out[i] &^= mayFalse
		}
	}
	return out
}

func textOf(arr arrow.Array) func(i int) (string, bool) {
	if arr == nil || kernel.ClassOf(valueType(arr.DataType())) != kernel.Text {
		return func(int) (string, bool) { return "", false }
	}
	valid := kernel.Validity(arr)
	return func(i int) (string, bool) {
		if !valid.Get(i) {
			return "", false
		}
		return kernel.ScalarAt(arr, i).Text, true
	}
}
