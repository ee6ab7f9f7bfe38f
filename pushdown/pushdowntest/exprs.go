package pushdowntest

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// Coverage counts what generators made.
type Coverage struct {
	Types       []arrow.DataType               // that a floor is held for; nil: all of Types()
	Ops         map[string]map[pushdown.Op]int // by type
	Nulls       map[string]int                 // null values by type
	Extremes    map[string]int                 // extreme literals by type
	Nodes       map[string]int
	Truths      map[pushdown.Truth]int // what Prune said
	Encoded     int
	NullParents int
	Rewritten   int // comparisons that Bind changed
}

// NewCoverage counts from nothing.
func NewCoverage() *Coverage {
	return &Coverage{Ops: map[string]map[pushdown.Op]int{}, Nulls: map[string]int{}, Extremes: map[string]int{}, Nodes: map[string]int{}, Truths: map[pushdown.Truth]int{}}
}

// Missing names what was made fewer than floor times, each type with each
// operator.
func (c *Coverage) Missing(floor int) []string {
	out := c.MissingKinds(floor)
	need := func(n int, what string) {
		if n < floor {
			out = append(out, what)
		}
	}
	for _, dt := range Types() {
		name := dt.String()
		for op := pushdown.Eq; op <= pushdown.Ge; op++ {
			need(c.Ops[name][op], name+" "+op.String())
		}
		need(c.Nulls[name], name+" nulls")
		need(c.Extremes[name], name+" extremes")
	}
	for _, v := range []pushdown.Truth{pushdown.Never, pushdown.Maybe, pushdown.Always} {
		need(c.Truths[v], "pruning says "+v.String())
	}
	need(c.Encoded, "encoded columns")
	need(c.NullParents, "null parents")
	need(c.Rewritten, "rewritten comparisons")
	return out
}

// MissingKinds names the types compared, the operators and the nodes that were
// made fewer than floor times, each on its own. Types are those of c.Types, or
// all.
func (c *Coverage) MissingKinds(floor int) (out []string) {
	need := func(n int, what string) {
		if n < floor {
			out = append(out, what)
		}
	}
	types := c.Types
	if types == nil {
		types = Types()
	}
	text, ops := false, map[pushdown.Op]int{}
	for _, dt := range types {
		sum := 0
		for op, n := range c.Ops[dt.String()] {
			sum += n
			ops[op] += n
		}
		need(sum, dt.String())
		text = text || kernel.ClassOf(dt) == kernel.Text
	}
	for op := pushdown.Eq; op <= pushdown.Ge; op++ {
		need(ops[op], op.String())
	}
	for _, n := range []string{"and", "or", "not", "cmp", "in", "null", "const"} {
		need(c.Nodes[n], n)
	}
	if text {
		need(c.Nodes["like"], "like")
	}
	return out
}

// DrawExpr generates a filter over b. Bound filters have literals of their
// columns' types; the others have what a person might write.
func (b Batch) DrawExpr(t *rapid.T, depth int, bound bool) pushdown.Expr {
	k := rapid.IntRange(0, 9).Draw(t, "node")
	if depth > 0 && k < 5 {
		args := func() (out []pushdown.Expr) {
			for range rapid.IntRange(2, 3).Draw(t, "args") {
				out = append(out, b.DrawExpr(t, depth-1, bound))
			}
			return out
		}
		switch k {
		case 0, 1:
			b.cov.Nodes["and"]++
			return pushdown.And{Args: args()}
		case 2, 3:
			b.cov.Nodes["or"]++
			return pushdown.Or{Args: args()}
		}
		b.cov.Nodes["not"]++
		return pushdown.Not{X: b.DrawExpr(t, depth-1, bound)}
	}
	col := b.cols[rapid.IntRange(0, len(b.cols)-1).Draw(t, "column")]
	switch rapid.IntRange(0, 11).Draw(t, "leaf") {
	case 0:
		b.cov.Nodes["const"]++
		return pushdown.Const(draw(t, "const", []pushdown.Truth{pushdown.Maybe, pushdown.Never, pushdown.Always}))
	case 1:
		b.cov.Nodes["null"]++
		return pushdown.IsNull{Path: col.path}
	case 2, 3:
		b.cov.Nodes["in"]++
		vals := []pushdown.Literal{b.literal(t, col, bound)}
		for range rapid.IntRange(0, 3).Draw(t, "values") {
			vals = append(vals, b.literal(t, col, bound))
		}
		if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
			vals = append(vals, literal(col.dt, kernel.Scalar{}))
		}
		return pushdown.In{Path: col.path, Values: vals}
	case 4, 5:
		if kernel.ClassOf(col.dt) == kernel.Text {
			b.cov.Nodes["like"]++
			return pushdown.Like{Path: col.path, Pattern: draw(t, "pattern", []string{"", "%", "a%", "_", "a_%", "%b", "a\\%b", "ab", "é%", "%'%", "%o%i%e", "a%%c"})}
		}
	}
	b.cov.Nodes["cmp"]++
	op := pushdown.Op(rapid.IntRange(0, 5).Draw(t, "op"))
	name := col.dt.String()
	if b.cov.Ops[name] == nil {
		b.cov.Ops[name] = map[pushdown.Op]int{}
	}
	b.cov.Ops[name][op]++
	return pushdown.Cmp{Op: op, Path: col.path, Value: b.literal(t, col, bound)}
}

func (b Batch) literal(t *rapid.T, col column, bound bool) pushdown.Literal {
	dt := col.dt
	if len(col.seen) > 0 && rapid.Bool().Draw(t, "a value of the column") {
		return literal(dt, col.seen[rapid.IntRange(0, len(col.seen)-1).Draw(t, "value")])
	}
	from := pool(dt)
	i := rapid.IntRange(0, len(from)-1).Draw(t, "literal")
	if i < extremes(dt) {
		b.cov.Extremes[dt.String()]++
	}
	if bound {
		return literal(dt, from[i])
	}
	s := from[i]
	wide := dt
	switch s.Class {
	case kernel.Number: // between the type's steps, and beyond its ends
		d, _ := kernel.DomainOf(dt)
		step := new(big.Rat).Inv(d.Unit)
		step.Mul(step, big.NewRat(int64(rapid.IntRange(-2, 2).Draw(t, "off")), 2))
		s.Rat = new(big.Rat).Add(s.Rat, step)
		if s.Rat.Num().BitLen() < 200 {
			wide = &arrow.Decimal256Type{Precision: 76, Scale: 11}
		}
		s.Rat = new(big.Rat).Set(s.Rat)
	case kernel.Instant:
		if s.Rat.Num().BitLen() < 40 && s.Rat.Denom().BitLen() < 12 {
			wide = arrow.FixedWidthTypes.Timestamp_us
			s.Rat = new(big.Rat).Add(s.Rat, big.NewRat(int64(rapid.IntRange(-1, 1).Draw(t, "off")), 1000000))
		}
	case kernel.Float:
		if dt.ID() != arrow.FLOAT64 {
			wide = arrow.PrimitiveTypes.Int64
			s = kernel.Scalar{Class: kernel.Number, Rat: big.NewRat(draw(t, "whole", []int64{0, 1, 2, 16777217, 65505, 65520, 2049, -1 << 62, 1<<62 + 1}), 1)}
		}
	}
	if v, err := kernel.Convert(s, wide, wide, kernel.CastOptions{}); err == nil {
		return literal(wide, v)
	}
	return literal(dt, from[i])
}
