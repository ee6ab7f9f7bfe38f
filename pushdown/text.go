package pushdown

import (
	"slices"
	"strings"
)

var keywords = []string{"AND", "BETWEEN", "FALSE", "IN", "IS", "LIKE", "NOT", "NULL", "OR", "TRUE"}

func isKeyword(s string) bool {
	_, ok := slices.BinarySearch(keywords, strings.ToUpper(s))
	return ok
}

// String spells the path for the parser, quoting what needs it.
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		plain := s != "" && !isKeyword(s)
		for j, c := range []byte(s) {
			plain = plain && (c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || j > 0 && isDigit(c))
		}
		if !plain {
			s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		parts[i] = s
	}
	return strings.Join(parts, ".")
}

// Equal tells equal paths.
func (p Path) Equal(o Path) bool { return slices.Equal(p, o) }

func (o Op) String() string { return [...]string{"=", "!=", "<", "<=", ">", ">="}[o] }

func (t Truth) String() string { return [...]string{"maybe", "never", "always"}[t] }

// inner puts parentheses around what binds weaker than its surroundings.
func inner(e Expr) string {
	switch e := e.(type) {
	case And:
		if len(e.Args) > 1 {
			return "(" + e.String() + ")"
		}
	case Or:
		if len(e.Args) > 1 {
			return "(" + e.String() + ")"
		}
	}
	return e.String()
}

func join(args []Expr, sep, none string) string {
	switch len(args) {
	case 0:
		return none
	case 1:
		return args[0].String()
	}
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = inner(a)
	}
	return strings.Join(parts, sep)
}

func (e And) String() string { return join(e.Args, " AND ", "TRUE") }
func (e Or) String() string  { return join(e.Args, " OR ", "FALSE") }
func (e Cmp) String() string { return e.Path.String() + " " + e.Op.String() + " " + e.Value.String() }

func (e IsNull) String() string { return e.Path.String() + " IS NULL" }
func (e Like) String() string   { return e.Path.String() + " LIKE " + quoteText(e.Pattern) }

func (e Not) String() string {
	if n, ok := e.X.(IsNull); ok {
		return n.Path.String() + " IS NOT NULL"
	}
	return "NOT " + inner(e.X)
}

func (e In) String() string {
	parts := make([]string, len(e.Values))
	for i, v := range e.Values {
		parts[i] = v.String()
	}
	return e.Path.String() + " IN (" + strings.Join(parts, ", ") + ")"
}

// String is TRUE, FALSE or, of Const(Maybe), NULL.
func (e Const) String() string { return [...]string{"NULL", "FALSE", "TRUE"}[e] }

// Equal tells equal trees: node by node, literals by type and value.
func Equal(a, b Expr) bool {
	switch a := a.(type) {
	case And:
		b, ok := b.(And)
		return ok && slices.EqualFunc(a.Args, b.Args, Equal)
	case Or:
		b, ok := b.(Or)
		return ok && slices.EqualFunc(a.Args, b.Args, Equal)
	case Not:
		b, ok := b.(Not)
		return ok && Equal(a.X, b.X)
	case Cmp:
		b, ok := b.(Cmp)
		return ok && a.Op == b.Op && a.Path.Equal(b.Path) && a.Value.Equal(b.Value)
	case In:
		b, ok := b.(In)
		return ok && a.Path.Equal(b.Path) && slices.EqualFunc(a.Values, b.Values, Literal.Equal)
	case IsNull:
		b, ok := b.(IsNull)
		return ok && a.Path.Equal(b.Path)
	case Like:
		b, ok := b.(Like)
		return ok && a.Pattern == b.Pattern && a.Path.Equal(b.Path)
	case Const:
		b, ok := b.(Const)
		return ok && a == b
	}
	return a == nil && b == nil
}
