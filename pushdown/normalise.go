package pushdown

import "github.com/bdkit/bdkit/internal/kernel"

// Normalise gives a filter of the same meaning, null for null, without nested
// And in And or Or in Or, with constants folded, and with NOT pushed down to
// the comparisons. NOT stays before IN, LIKE and IS NULL, and before an order
// comparison with a number or float, unless Bind knew the column not to be a
// float: NOT (f < 5) is true of NaN, f >= 5 is not.
func Normalise(e Expr) Expr { return normalise(e, false) }

func normalise(e Expr, not bool) Expr {
	switch e := e.(type) {
	case Not:
		return normalise(e.X, !not)
	case And:
		return fold(e.Args, not, !not)
	case Or:
		return fold(e.Args, not, not)
	case Const:
		if not {
			return e.not()
		}
	case Cmp:
		if not {
			if n, ok := e.negated(false); ok {
				return n
			}
			return Not{e}
		}
	case In, IsNull, Like:
		return negate(e, not)
	}
	return e
}

func (e Const) not() Const { return [...]Const{Const(Maybe), True, False}[e] }

// negated gives the complement of a comparison, where it is one.
func (e Cmp) negated(exact bool) (Expr, bool) {
	c := kernel.ClassOf(e.Value.Type())
	if e.Op > Ne && !exact && (c == kernel.Number || c == kernel.Float || c == kernel.None) {
		return nil, false
	}
	e.Op = [...]Op{Ne, Eq, Ge, Gt, Le, Lt}[e.Op]
	return e, true
}

// fold joins args, each negated if not says so, by AND or by OR.
func fold(args []Expr, not, and bool) Expr {
	zero, unit := False, True // of AND
	if !and {
		zero, unit = True, False
	}
	var out []Expr
	null := false
	for _, a := range args {
		a = normalise(a, not)
		var sub []Expr
		switch a := a.(type) {
		case Const:
			switch a {
			case zero:
				return zero
			case Const(Maybe):
				null = true
			}
			continue
		case And:
			if and {
				sub = a.Args
			}
		case Or:
			if !and {
				sub = a.Args
			}
		}
		if sub == nil {
			sub = []Expr{a}
		}
		for _, s := range sub {
			if c, ok := s.(Const); ok { // only null is left in a normal form
				null = null || c == Const(Maybe)
				continue
			}
			out = append(out, s)
		}
	}
	if null {
		out = append(out, Const(Maybe))
	}
	switch {
	case len(out) == 0:
		return unit
	case len(out) == 1:
		return out[0]
	case and:
		return And{out}
	}
	return Or{out}
}

// Conjuncts are the parts that must all be true for e to be: the flattened
// arguments of its outer AND, e itself if there is none, nothing for True.
func Conjuncts(e Expr) []Expr {
	switch e := e.(type) {
	case nil:
		return nil
	case Const:
		if e == True {
			return nil
		}
	case And:
		var out []Expr
		for _, a := range e.Args {
			out = append(out, Conjuncts(a)...)
		}
		return out
	}
	return []Expr{e}
}

// Conjoin is the inverse of Conjuncts: True of none, itself of one.
func Conjoin(args []Expr) Expr {
	switch len(args) {
	case 0:
		return True
	case 1:
		return args[0]
	}
	return And{args}
}

// Divide asks a store about all conjuncts of e at once and gives what it is to
// do and what is left to do here: together they pass the rows that e passes.
// Inexact conjuncts are in both; conjuncts without an answer are Unsupported.
func Divide(e Expr, can func(conjuncts []Expr) []Exactness) (pushed, residual Expr) {
	parts := Conjuncts(e)
	if len(parts) == 0 {
		return True, True
	}
	answers := can(parts)
	var there, here []Expr
	for i, p := range parts {
		a := Unsupported
		if i < len(answers) {
			a = answers[i]
		}
		if a != Unsupported {
			there = append(there, p)
		}
		if a != Exact {
			here = append(here, p)
		}
	}
	return Conjoin(there), Conjoin(here)
}

// Columns are the paths that e names, each once, in order of appearance.
func Columns(e Expr) []Path {
	var out []Path
	seen := map[string]bool{}
	Walk(e, func(e Expr) {
		if p, ok := pathOf(e); ok && !seen[p.String()] {
			seen[p.String()] = true
			out = append(out, p)
		}
	})
	return out
}

// Walk calls f for e and everything in it, parents first.
func Walk(e Expr, f func(Expr)) {
	f(e)
	switch e := e.(type) {
	case And:
		for _, a := range e.Args {
			Walk(a, f)
		}
	case Or:
		for _, a := range e.Args {
			Walk(a, f)
		}
	case Not:
		Walk(e.X, f)
	}
}

func pathOf(e Expr) (Path, bool) {
	switch e := e.(type) {
	case Cmp:
		return e.Path, true
	case In:
		return e.Path, true
	case IsNull:
		return e.Path, true
	case Like:
		return e.Path, true
	}
	return nil, false
}

// rewrite gives e with its leaves replaced by what f makes of them.
func rewrite(e Expr, f func(Expr) (Expr, error)) (Expr, error) {
	all := func(args []Expr) ([]Expr, error) {
		out := make([]Expr, len(args))
		for i, a := range args {
			var err error
			if out[i], err = rewrite(a, f); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch e := e.(type) {
	case And:
		args, err := all(e.Args)
		return And{args}, err
	case Or:
		args, err := all(e.Args)
		return Or{args}, err
	case Not:
		x, err := rewrite(e.X, f)
		return Not{x}, err
	}
	return f(e)
}
