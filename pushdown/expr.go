// Package pushdown is the language of filters: an expression tree, its
// parser, its binding to an Arrow schema, and the three things a scan does
// with it: prune containers by their statistics, divide it between a store
// and us, and evaluate it over a record batch.
//
//	--where text ─► Parse ─► Expr ─► Bind(schema) ─► Expr with typed literals
//	                                    ├─► Prune(Stats)   Never | Maybe | Always, for N containers
//	                                    ├─► Divide(can)    what the store does, what we do again
//	                                    └─► Eval(batch)    a selection mask
//
// The logic is SQL's, three-valued: a comparison with null is null, and a row
// passes only when the whole filter is true.
package pushdown

import "github.com/apache/arrow-go/v18/arrow"

// Expr is a filter. The set of nodes is closed: [And], [Or], [Not], [Cmp],
// [In], [IsNull], [Like], [Const]. String gives text that Parse reads back to
// an equal tree.
type Expr interface {
	expr()
	String() string
}

// Path names a column or a field inside one: a, a.b, tags.list.element. The
// elements are names of Arrow fields as they are, case-sensitive.
type Path []string

// And is true when all of Args are; of none it is true.
type And struct{ Args []Expr }

// Or is true when one of Args is; of none it is false.
type Or struct{ Args []Expr }

// Not is the three-valued complement: NOT null is null.
type Not struct{ X Expr }

// Cmp compares a column with a literal. Floats compare by IEEE 754 (NaN
// equals nothing and orders with nothing, -0 equals 0), strings and binary by
// unsigned bytes, decimals and timestamps by value across scale and unit.
type Cmp struct {
	Op    Op
	Path  Path
	Value Literal
}

// In is true when the column equals one of Values. A null among Values makes
// a miss null, as in SQL.
type In struct {
	Path   Path
	Values []Literal
}

// IsNull is true or false, never null. A field below a null struct is null.
type IsNull struct{ Path Path }

// Like matches a string column against an SQL pattern: % any run, _ one
// character (a Unicode code point), \ escapes.
type Like struct {
	Path    Path
	Pattern string
}

// Const is a filter that is the same for every row.
type Const Truth

// True and False are the constant filters.
const (
	True  = Const(Always)
	False = Const(Never)
)

func (And) expr()    {}
func (Or) expr()     {}
func (Not) expr()    {}
func (Cmp) expr()    {}
func (In) expr()     {}
func (IsNull) expr() {}
func (Like) expr()   {}
func (Const) expr()  {}

// Op is a comparison.
type Op uint8

// The comparisons, in SQL's spelling = != < <= > >=.
const (
	Eq Op = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

// Truth is what statistics can say of a filter over a container of rows, in
// increasing order of trust in its rows.
type Truth uint8

// The zero Truth is Maybe, the safe answer. Only Never may be dropped, and
// Always may skip evaluation: every row passes.
const (
	Maybe Truth = iota
	Never
	Always
)

// Exactness is a store's answer to a pushed conjunct.
type Exactness uint8

// Unsupported conjuncts stay with us; Inexact ones are pushed and evaluated
// again; Exact ones are the store's alone.
const (
	Unsupported Exactness = iota
	Inexact
	Exact
)

// Stats describes N containers (row groups, pages, stripes, files) at once.
// Answers are fetched lazily: Prune asks for Bounds and Nulls of the columns a
// filter names, and for MayContain only of containers still alive.
type Stats interface {
	// Len is the number of containers.
	Len() int
	// Bounds gives a lower and an upper bound of the non-null values of p in
	// each container, as arrays of Len elements of p's type where null means
	// unknown. The exact flags say whether a bound is attained by a value
	// rather than truncated; a nil slice means no bound is. NaN is never a
	// bound; Prune takes it that a float column may hold NaN besides.
	Bounds(p Path) (lo, hi arrow.Array, exactLo, exactHi []bool)
	// Nulls gives the null and total counts of p a container; -1 is unknown.
	// Rows is the container's row count.
	Nulls(p Path) (nulls, rows []int64)
	// MayContain answers, for each container with alive[i], whether one of
	// values (of p's type) can be in it, by bloom filter or dictionary. A nil
	// result knows nothing. Containers that are not alive may answer anything.
	MayContain(p Path, values arrow.Array, alive []bool) []Truth
}
