package pushdown

import (
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel"
)

// How deep a filter may nest, and how long its text may be.
const (
	maxDepth = 200
	maxText  = 1 << 20
)

// Parse reads a filter as --where takes it. Keywords are case-insensitive,
// names are not. An error wraps ErrExpr and shows the place.
//
//	a = 5 AND (b.c IN ('x', 'y') OR NOT flag) AND ts >= TIMESTAMP '2024-01-01T00:00Z'
//	"odd name" BETWEEN 1 AND 10 AND `t`.u LIKE 'p%' AND v IS NOT NULL AND 5 < w
func Parse(text string) (Expr, error) {
	p := parser{lex: lexer{text: text}}
	if len(text) > maxText {
		p.lex.text = text[:1]
		return nil, p.lex.fail(0, "a filter of %d bytes, the limit is %d", len(text), maxText)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != end {
		return nil, p.expected("AND, OR or the end")
	}
	return e, nil
}

// ParsePath reads a column's name as it stands in a filter: a, a.b, "odd name".x.
func ParsePath(text string) (Path, error) {
	p := parser{lex: lexer{text: text}}
	if err := p.next(); err != nil {
		return nil, err
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != end {
		return nil, p.expected("a dot or the end")
	}
	return path, nil
}

type parser struct {
	lex   lexer
	tok   token
	depth int
}

func (p *parser) next() (err error) {
	p.tok, err = p.lex.next()
	return err
}

func (p *parser) expected(what string) error {
	return p.lex.fail(p.tok.pos, "expected %s, found %s", what, p.tok)
}

// eat takes the keyword or symbol if it is next.
func (p *parser) eat(s string) (bool, error) {
	if !p.tok.is(s) {
		return false, nil
	}
	return true, p.next()
}

func (p *parser) need(s string) error {
	ok, err := p.eat(s)
	if err == nil && !ok {
		err = p.expected(s)
	}
	return err
}

func (p *parser) or() (Expr, error) {
	return p.chain("OR", p.and, func(args []Expr) Expr { return Or{args} })
}

func (p *parser) and() (Expr, error) {
	return p.chain("AND", p.not, func(args []Expr) Expr { return And{args} })
}

func (p *parser) chain(sep string, part func() (Expr, error), join func([]Expr) Expr) (Expr, error) {
	var args []Expr
	for {
		e, err := part()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
		if more, err := p.eat(sep); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	if len(args) == 1 {
		return args[0], nil
	}
	return join(args), nil
}

func (p *parser) not() (Expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.lex.fail(p.tok.pos, "nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	if ok, err := p.eat("NOT"); err != nil {
		return nil, err
	} else if ok {
		e, err := p.not()
		return Not{e}, err
	}
	if ok, err := p.eat("("); err != nil {
		return nil, err
	} else if ok {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		return e, p.need(")")
	}
	return p.predicate()
}

var operators = map[string]Op{"=": Eq, "==": Eq, "!=": Ne, "<>": Ne, "<": Lt, "<=": Le, ">": Gt, ">=": Ge}

// mirrored is the operator with its sides exchanged.
func (o Op) mirrored() Op { return [...]Op{Eq, Ne, Gt, Ge, Lt, Le}[o] }

func (p *parser) operator() (Op, bool, error) {
	op, ok := operators[p.tok.text]
	if !ok || p.tok.kind != symbol {
		return 0, false, nil
	}
	return op, true, p.next()
}

func (p *parser) predicate() (Expr, error) {
	if p.atLiteral() {
		start := p.tok
		v, err := p.literal()
		if err != nil {
			return nil, err
		}
		op, ok, err := p.operator()
		if err != nil {
			return nil, err
		}
		if !ok {
			if start.kind == word { // a constant filter
				switch {
				case v.IsNull() && v.Type().ID() == arrow.NULL:
					return Const(Maybe), nil
				case v.Type().ID() == arrow.BOOL:
					if v.scalar().Bool {
						return True, nil
					}
					return False, nil
				}
			}
			return nil, p.expected("a comparison such as = or <")
		}
		if p.atLiteral() {
			return nil, p.lex.fail(p.tok.pos, "expected a column: one side of a comparison is a column")
		}
		path, err := p.path()
		return Cmp{op.mirrored(), path, v}, err
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if op, ok, err := p.operator(); err != nil {
		return nil, err
	} else if ok {
		v, err := p.operand()
		return Cmp{op, path, v}, err
	}
	if ok, err := p.eat("IS"); err != nil {
		return nil, err
	} else if ok {
		not, err := p.eat("NOT")
		if err != nil {
			return nil, err
		}
		return negate(IsNull{path}, not), p.need("NULL")
	}
	not, err := p.eat("NOT")
	if err != nil {
		return nil, err
	}
	switch {
	case p.tok.is("IN"):
		vals, err := p.list()
		return negate(In{path, vals}, not), err
	case p.tok.is("BETWEEN"):
		if err := p.next(); err != nil {
			return nil, err
		}
		lo, err := p.operand()
		if err != nil {
			return nil, err
		}
		if err := p.need("AND"); err != nil {
			return nil, err
		}
		hi, err := p.operand()
		return negate(And{[]Expr{Cmp{Ge, path, lo}, Cmp{Le, path, hi}}}, not), err
	case p.tok.is("LIKE"):
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.tok.kind != text {
			return nil, p.expected("a pattern in single quotes")
		}
		pattern := p.tok.text
		return negate(Like{path, pattern}, not), p.next()
	}
	if not {
		return nil, p.expected("IN, BETWEEN or LIKE")
	}
	if p.tok.kind != end && !p.tok.is("AND") && !p.tok.is("OR") && !p.tok.is(")") {
		return nil, p.expected("a comparison, IN, BETWEEN, LIKE or IS")
	}
	return Cmp{Eq, path, Bool(true)}, nil // a boolean column alone
}

func negate(e Expr, not bool) Expr {
	if not {
		return Not{e}
	}
	return e
}

func (p *parser) list() (vals []Literal, err error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	if err := p.need("("); err != nil {
		return nil, err
	}
	for !p.tok.is(")") {
		if len(vals) > 0 {
			if err := p.need(","); err != nil {
				return nil, err
			}
		}
		v, err := p.operand()
		if err != nil {
			return nil, err
		}
		vals = append(vals, v)
	}
	return vals, p.next()
}

// operand reads a literal where a column would be an easy mistake.
func (p *parser) operand() (Literal, error) {
	if !p.atLiteral() {
		switch {
		case p.tok.kind == name:
			return Literal{}, p.lex.fail(p.tok.pos, "expected a value, found the column %s: columns compare with values only, and text stands in single quotes", p.tok)
		case p.tok.kind == word && !isKeyword(p.tok.text):
			return Literal{}, p.lex.fail(p.tok.pos, "expected a value, found the column %s: columns compare with values only (text stands in single quotes: %s)", p.tok, quoteText(p.tok.text))
		}
		return Literal{}, p.expected("a value")
	}
	return p.literal()
}

func (p *parser) atLiteral() bool {
	switch p.tok.kind {
	case number, text, blob:
		return true
	case symbol:
		return p.tok.text == "-" || p.tok.text == "+"
	case word:
		if p.tok.is("TRUE") || p.tok.is("FALSE") || p.tok.is("NULL") {
			return true
		}
		if p.tok.is("DATE") || p.tok.is("TIME") || p.tok.is("TIMESTAMP") {
			ahead := p.lex
			t, err := ahead.next()
			return err == nil && t.kind == text
		}
	}
	return false
}

// literal reads a value and the type it may be given by ::.
func (p *parser) literal() (Literal, error) {
	t := p.tok
	v, err := p.plain()
	if err != nil || !p.tok.is("::") {
		return v, err
	}
	at := p.lex.pos
	dt, ok := parseType(p.lex.typeName())
	if !ok {
		return v, p.lex.fail(min(at, len(p.lex.text)), "expected the name of a type, such as int32 or timestamp[us]")
	}
	if v.IsNull() {
		v.Value, err = kernel.MakeArray(heap, dt, kernel.Scalar{})
	} else {
		v.Value, err = kernel.Cast(heap, v.Value, dt, kernel.CastOptions{})
	}
	if err != nil {
		return v, p.lex.fail(t.pos, "%v", err)
	}
	return v, p.next()
}

func (p *parser) plain() (Literal, error) {
	t := p.tok
	bad := func(what string) (Literal, error) {
		return Literal{}, p.lex.fail(t.pos, "expected %s, found %s", what, t)
	}
	switch {
	case t.kind == text:
		return Text(t.text), p.next()
	case t.kind == blob:
		b, err := hex.DecodeString(t.text)
		if err != nil {
			return bad("pairs of hexadecimal digits in X'…'")
		}
		l, _ := makeLiteral(arrow.BinaryTypes.Binary, kernel.Scalar{Class: kernel.Bytes, Text: string(b)})
		return l, p.next()
	case t.is("TRUE"), t.is("FALSE"):
		return Bool(t.is("TRUE")), p.next()
	case t.is("NULL"):
		return Null(), p.next()
	case t.kind == word: // DATE, TIME, TIMESTAMP
		if err := p.next(); err != nil {
			return Literal{}, err
		}
		l, hint := timeLiteral(strings.ToUpper(t.text), p.tok.text)
		if hint != "" {
			t = p.tok
			return bad(hint)
		}
		return l, p.next()
	}
	sign := ""
	if t.kind == symbol {
		if sign = t.text; sign != "-" && sign != "+" {
			return bad("a value")
		}
		if err := p.next(); err != nil {
			return Literal{}, err
		}
		if t = p.tok; t.kind != number {
			return bad("a number")
		}
	}
	l, ok := numberLiteral(strings.TrimPrefix(sign, "+") + t.text)
	if !ok {
		return bad("a number of at most 76 digits, or a float within range")
	}
	return l, p.next()
}

// numberLiteral gives an integer as int64 or, beyond it, decimal; a fraction
// as decimal; an exponent as float64.
func numberLiteral(s string) (Literal, bool) {
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		return Float64(f), err == nil
	}
	whole, frac, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if frac == "" && !strings.Contains(s, ".") {
		if v, err := strconv.ParseInt(s, 10, 64); err == nil {
			return Int64(v), true
		}
	}
	digits := max(len(strings.TrimLeft(whole, "0"))+len(frac), 1)
	if digits > 76 {
		return Literal{}, false
	}
	var dt arrow.DataType = &arrow.Decimal128Type{Precision: int32(digits), Scale: int32(len(frac))}
	if digits > 38 {
		dt = &arrow.Decimal256Type{Precision: int32(digits), Scale: int32(len(frac))}
	}
	v, err := kernel.ParseText(s, kernel.Number)
	if err != nil {
		return Literal{}, false
	}
	l, err := makeLiteral(dt, v)
	return l, err == nil
}

// timeLiteral gives a literal of the coarsest unit that holds all digits, or
// says what was expected.
func timeLiteral(word, s string) (Literal, string) {
	var dt arrow.DataType
	v := kernel.Scalar{Class: kernel.Instant}
	var ok, zoned bool
	switch word {
	case "DATE":
		v.Rat, _, ok = kernel.ParseInstant(s)
		if !ok || strings.ContainsAny(s, ": T") {
			return Literal{}, "a date as 'yyyy-mm-dd'"
		}
		dt = arrow.FixedWidthTypes.Date32
	case "TIME":
		var err error
		if v, err = kernel.ParseText(s, kernel.Clock); err != nil {
			return Literal{}, "a time as 'hh:mm:ss[.fraction]'"
		}
	default:
		if v.Rat, zoned, ok = kernel.ParseInstant(s); !ok {
			return Literal{}, "a timestamp as 'yyyy-mm-dd hh:mm:ss[.fraction][Z|±hh:mm]'"
		}
	}
	if dt == nil {
		unit := arrow.Second
		for ; unit < arrow.Nanosecond; unit++ {
			scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(1000), big.NewInt(int64(unit)), nil))
			if scale.Mul(scale, v.Rat).IsInt() {
				break
			}
		}
		switch {
		case word == "TIMESTAMP" && zoned:
			dt = &arrow.TimestampType{Unit: unit, TimeZone: "UTC"}
		case word == "TIMESTAMP":
			dt = &arrow.TimestampType{Unit: unit}
		case unit <= arrow.Millisecond:
			dt = &arrow.Time32Type{Unit: unit}
		default:
			dt = &arrow.Time64Type{Unit: unit}
		}
	}
	v, err := kernel.Convert(v, dt, dt, kernel.CastOptions{})
	if err != nil {
		return Literal{}, "an instant of at most nine digits below the second, within range"
	}
	l, err := makeLiteral(dt, v)
	if err != nil {
		return Literal{}, err.Error()
	}
	return l, ""
}

func (p *parser) path() (Path, error) {
	var path Path
	for {
		switch {
		case p.tok.kind == name:
		case p.tok.kind == word && (len(path) > 0 || !isKeyword(p.tok.text)):
		case p.tok.kind == word:
			return nil, p.lex.fail(p.tok.pos, "expected a column or a value, found the keyword %s (a column of that name needs double quotes)", p.tok)
		default:
			return nil, p.expected("a column or a value")
		}
		path = append(path, p.tok.text)
		if err := p.next(); err != nil {
			return nil, err
		}
		if dot, err := p.eat("."); err != nil {
			return nil, err
		} else if !dot {
			return path, nil
		}
	}
}
