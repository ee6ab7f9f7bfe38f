package pushdown

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel"
)

// BindOptions govern Bind.
type BindOptions struct {
	// CaseInsensitive lets a name that nothing matches exactly match in
	// another case. Bound paths are spelled as in the schema.
	CaseInsensitive bool
}

// Bind resolves the columns of e in the schema and gives every literal the
// type of its column (of its values, where it is encoded). A literal that has
// no exact place in the type changes the comparison, never the answer: on an
// integer column a < 5.5 becomes a <= 5, and a = 5.5 a constant that is still
// null where a is null. Against a float column a fraction means the nearest
// float of the column's width, an integer means itself.
//
// Text stands for a date, time or timestamp where it reads as one. A timestamp
// without zone is taken as UTC, in literals and in columns alike. Errors wrap
// ErrExpr, and ErrColumn where a column is unknown or ambiguous.
func Bind(e Expr, schema *arrow.Schema, o BindOptions) (Expr, error) {
	if n, ok := e.(Not); ok {
		x, err := Bind(n.X, schema, o)
		if err != nil {
			return nil, err
		}
		if c, ok := x.(Cmp); ok {
			if n, ok := c.negated(kernel.ClassOf(c.Value.Type()) != kernel.Float); ok {
				return n, nil
			}
		}
		return Not{x}, nil
	}
	bindAll := func(args []Expr) ([]Expr, error) {
		out := make([]Expr, len(args))
		for i, a := range args {
			var err error
			if out[i], err = Bind(a, schema, o); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch e := e.(type) {
	case nil:
		return True, nil
	case And:
		args, err := bindAll(e.Args)
		return And{args}, err
	case Or:
		args, err := bindAll(e.Args)
		return Or{args}, err
	}
	p, ok := pathOf(e)
	if !ok {
		return e, nil
	}
	p, dt, err := Resolve(p, schema, o)
	if err != nil {
		return nil, err
	}
	return bindLeaf(e, p, dt)
}

// Resolve finds a path in a schema: its spelling there, and its type.
func Resolve(p Path, schema *arrow.Schema, o BindOptions) (Path, arrow.DataType, error) {
	fields := schema.Fields()
	out := make(Path, 0, len(p))
	var dt arrow.DataType
	for i, name := range p {
		if i > 0 {
			st, ok := valueType(dt).(*arrow.StructType)
			if !ok {
				return nil, nil, fmt.Errorf("%w: %w %s: %s is %s, which has no fields to filter by", ErrExpr, ErrColumn, p, out, dt)
			}
			fields = st.Fields()
		}
		at, n := -1, 0
		for j, f := range fields {
			if f.Name == name {
				at, n = j, n+1
			}
		}
		if n == 0 && o.CaseInsensitive {
			for j, f := range fields {
				if strings.EqualFold(f.Name, name) {
					at, n = j, n+1
				}
			}
		}
		switch {
		case n > 1:
			return nil, nil, fmt.Errorf("%w: %w: %d columns match %s", ErrExpr, ErrColumn, n, p[:i+1])
		case n == 0:
			hint := ""
			if _, ok := schema.FieldsByName(strings.Join(p, ".")); ok {
				hint = fmt.Sprintf("; did you mean %s?", Path{strings.Join(p, ".")})
			} else if s, ok := nearest(name, fields); ok {
				hint = fmt.Sprintf("; did you mean %s?", append(out, s))
			}
			return nil, nil, fmt.Errorf("%w: %w: %s%s", ErrExpr, ErrColumn, p[:i+1], hint)
		}
		out = append(out, fields[at].Name)
		dt = fields[at].Type
	}
	if len(p) == 0 {
		return nil, nil, fmt.Errorf("%w: %w: no name", ErrExpr, ErrColumn)
	}
	return out, dt, nil
}

// nearest is the field whose name is closest, if it is close.
func nearest(name string, fields []arrow.Field) (best string, ok bool) {
	limit := len(name)/3 + 1
	for _, f := range fields {
		if len(f.Name) > 200 || len(name) > 200 {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(f.Name)); d <= limit {
			best, ok, limit = f.Name, true, d-1
		}
	}
	return best, ok
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diag
			if a[i] != b[j] {
				d = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// valueType is the type of a column's values without encodings and extensions.
func valueType(dt arrow.DataType) arrow.DataType {
	for {
		switch t := dt.(type) {
		case *arrow.DictionaryType:
			dt = t.ValueType
		case *arrow.RunEndEncodedType:
			dt = t.Encoded()
		case arrow.ExtensionType:
			dt = t.StorageType()
		default:
			return dt
		}
	}
}

// trueOf and falseOf are constants where p is not null, and null where it is.
func trueOf(p Path) Expr  { return Or{[]Expr{Not{IsNull{p}}, Const(Maybe)}} }
func falseOf(p Path) Expr { return And{[]Expr{IsNull{p}, Const(Maybe)}} }

// bindLeaf types the literals of a leaf over the column p of type dt.
func bindLeaf(e Expr, p Path, dt arrow.DataType) (Expr, error) {
	vt := valueType(dt)
	switch e := e.(type) {
	case IsNull:
		return IsNull{p}, nil
	case Like:
		if vt.ID() != arrow.NULL && kernel.ClassOf(vt) != kernel.Text {
			return nil, fmt.Errorf("%w: LIKE needs text, and %s is %s", ErrExpr, p, dt)
		}
		return Like{p, e.Pattern}, nil
	case Cmp:
		return bindCmp(e.Op, p, e.Value, vt)
	case In:
		var vals []Literal
		known := false
		for _, v := range e.Values {
			x, err := bindCmp(Eq, p, v, vt)
			if err != nil {
				return nil, err
			}
			if c, ok := x.(Cmp); ok {
				vals, known = append(vals, c.Value), true
			} else if isConst(x, Const(Maybe)) {
				null, err := kernel.MakeArray(heap, vt, kernel.Scalar{})
				if err != nil {
					return nil, fmt.Errorf("%w: %s: %v", ErrExpr, p, err)
				}
				vals = append(vals, Literal{null})
			}
		}
		switch {
		case len(e.Values) == 0:
			return False, nil
		case known:
			return In{p, vals}, nil
		case len(vals) > 0:
			return Const(Maybe), nil
		}
		return falseOf(p), nil
	}
	return e, nil
}

// isConst avoids comparing interfaces that hold slices.
func isConst(e Expr, c Const) bool {
	k, ok := e.(Const)
	return ok && k == c
}

func bindCmp(op Op, p Path, lit Literal, dt arrow.DataType) (Expr, error) {
	if lit.IsNull() || dt.ID() == arrow.NULL {
		return Const(Maybe), nil
	}
	if arrow.TypeEqual(lit.Type(), dt) {
		return Cmp{op, p, lit}, nil
	}
	class, s := kernel.ClassOf(dt), lit.scalar()
	mismatch := func(hint string) (Expr, error) {
		return nil, fmt.Errorf("%w: %s is %s and cannot be compared with %s%s", ErrExpr, p, dt, lit, hint)
	}
	if class == kernel.None {
		return mismatch("")
	}
	if s.Class == kernel.Text && (class == kernel.Instant || class == kernel.Clock || class == kernel.Span) {
		t, err := kernel.ParseText(s.Text, class)
		if err != nil {
			return mismatch(", which does not read as one")
		}
		s = t
	}
	var out kernel.Scalar
	switch {
	case class == kernel.Float && (s.Class == kernel.Number || s.Class == kernel.Float):
		f, exact := kernel.RoundFloat(s, dt)
		whole := s.Class == kernel.Number && s.Rat.IsInt()
		if !exact && (whole || math.IsInf(f, 0)) {
			return floatBracket(op, p, s, f, dt)
		}
		out = kernel.Scalar{Class: kernel.Float, Float: f}
	case class == kernel.Number && s.Class == kernel.Float:
		switch {
		case s.Float != s.Float:
			if op == Ne {
				return trueOf(p), nil
			}
			return falseOf(p), nil
		case math.IsInf(s.Float, 0):
			return beyond(op, p, s.Float > 0), nil
		}
		s = kernel.Scalar{Class: kernel.Number, Rat: new(big.Rat).SetFloat64(s.Float)}
		return exactCmp(op, p, s, dt)
	case class == kernel.Text && s.Class == kernel.Bytes && !utf8.ValidString(s.Text):
		return mismatch(", which is not UTF-8")
	case (class == kernel.Text || class == kernel.Bytes) && (s.Class == kernel.Text || s.Class == kernel.Bytes):
		if t, ok := dt.(*arrow.FixedSizeBinaryType); ok && len(s.Text) != t.ByteWidth {
			return mismatch(fmt.Sprintf(", which has %d bytes", len(s.Text)))
		}
		out = kernel.Scalar{Class: class, Text: s.Text}
	case class == s.Class && class == kernel.Bool:
		out = s
	case class == s.Class:
		return exactCmp(op, p, s, dt)
	case class == kernel.Text:
		return mismatch(": text stands in single quotes")
	case s.Class == kernel.Text:
		return mismatch(": write the value without quotes")
	default:
		return mismatch("")
	}
	l, err := makeLiteral(dt, out)
	if err != nil {
		return nil, errors.Join(ErrExpr, err)
	}
	return Cmp{op, p, l}, nil
}

// beyond is a comparison with what lies above or below all values of the type.
func beyond(op Op, p Path, above bool) Expr {
	if op == Ne || above && (op == Lt || op == Le) || !above && (op == Gt || op == Ge) {
		return trueOf(p)
	}
	return falseOf(p)
}

// exactCmp narrows a comparison to the type's own steps.
func exactCmp(op Op, p Path, s kernel.Scalar, dt arrow.DataType) (Expr, error) {
	d, _ := kernel.DomainOf(dt)
	n, exact := d.Units(s)
	switch {
	case n.Cmp(d.Min) < 0:
		return beyond(op, p, false), nil
	case n.Cmp(d.Max) > 0 || n.Cmp(d.Max) == 0 && !exact:
		return beyond(op, p, true), nil
	}
	if !exact { // between n and n+1
		switch op {
		case Eq:
			return falseOf(p), nil
		case Ne:
			return trueOf(p), nil
		case Lt, Le:
			op = Le
		default:
			op = Ge
			n = new(big.Int).Add(n, big.NewInt(1))
		}
	}
	v := new(big.Rat).SetInt(n)
	l, err := makeLiteral(dt, kernel.Scalar{Class: d.Class, Rat: v.Quo(v, d.Unit)})
	if err != nil {
		return nil, errors.Join(ErrExpr, err)
	}
	return Cmp{op, p, l}, nil
}

// floatBracket narrows a comparison with a number that lies between two
// neighbouring floats, of which near is one.
func floatBracket(op Op, p Path, s kernel.Scalar, near float64, dt arrow.DataType) (Expr, error) {
	above := math.IsInf(near, 1) // near lies above s
	switch {
	case math.IsInf(near, 0):
	case s.Class == kernel.Float:
		above = near > s.Float
	default:
		above = new(big.Rat).SetFloat64(near).Cmp(s.Rat) > 0
	}
	switch op {
	case Eq:
		return falseOf(p), nil
	case Ne:
		return trueOf(p), nil
	case Lt, Le:
		op = Le
		if above {
			near = kernel.NextFloat(near, dt, false)
		}
	default:
		op = Ge
		if !above {
			near = kernel.NextFloat(near, dt, true)
		}
	}
	l, err := makeLiteral(dt, kernel.Scalar{Class: kernel.Float, Float: near})
	if err != nil {
		return nil, errors.Join(ErrExpr, err)
	}
	return Cmp{op, p, l}, nil
}
