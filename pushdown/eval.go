package pushdown

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/internal/kernel"
)

// Mask is the set of rows that pass a filter: bit i, least significant first,
// is row i. Its memory is Go's; there is nothing to release.
type Mask struct {
	Bits []byte
	Len  int
}

// Count is the number of rows in the mask.
func (m Mask) Count() int { return kernel.Bitmap(m).Count() }

// Get tells whether row i is in the mask.
func (m Mask) Get(i int) bool { return kernel.Bitmap(m).Get(i) }

// Filter gives the rows of rec that are in the mask. The caller releases it.
func (m Mask) Filter(mem memory.Allocator, rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	return kernel.FilterBatch(mem, rec, kernel.Bitmap(m))
}

// logic is a filter's value over rows: where it is true, where it is false;
// elsewhere it is null.
type logic struct{ t, f kernel.Bitmap }

// Eval gives the rows of rec for which e is true. A bound filter is compared
// as it is; literals of other types are bound on the way. mem serves scratch
// arrays, all released on return. An error wraps ErrExpr, or ErrColumn where
// rec lacks a column.
func Eval(mem memory.Allocator, e Expr, rec arrow.RecordBatch) (Mask, error) {
	ev := evaluator{mem: mem, rec: rec, n: int(rec.NumRows())}
	defer ev.release()
	v, err := ev.eval(e)
	return Mask(v.t), err
}

type evaluator struct {
	mem     memory.Allocator
	rec     arrow.RecordBatch
	n       int
	scratch []arrow.Array
}

func (ev *evaluator) release() {
	for _, a := range ev.scratch {
		a.Release()
	}
}

func (ev *evaluator) constant(c Const) logic {
	v := logic{kernel.NewBitmap(ev.n), kernel.NewBitmap(ev.n)}
	switch c {
	case True:
		v.t.SetRange(0, ev.n)
	case False:
		v.f.SetRange(0, ev.n)
	}
	return v
}

func (ev *evaluator) eval(e Expr) (logic, error) {
	switch e := e.(type) {
	case nil:
		return ev.constant(True), nil
	case Const:
		return ev.constant(e), nil
	case Not:
		v, err := ev.eval(e.X)
		return logic{v.f, v.t}, err
	case And:
		out := ev.constant(True)
		for _, a := range e.Args {
			v, err := ev.eval(a)
			if err != nil {
				return v, err
			}
			out.t.And(v.t)
			out.f.Or(v.f)
		}
		return out, nil
	case Or:
		out := ev.constant(False)
		for _, a := range e.Args {
			v, err := ev.eval(a)
			if err != nil {
				return v, err
			}
			out.t.Or(v.t)
			out.f.And(v.f)
		}
		return out, nil
	}
	p, ok := pathOf(e)
	if !ok {
		return logic{}, fmt.Errorf("%w: no filter %T", ErrExpr, e)
	}
	col, valid, err := ev.column(p)
	if err != nil {
		return logic{}, err
	}
	return ev.leaf(e, p, col, valid)
}

// column finds a path's array and the rows in which it is not null.
func (ev *evaluator) column(p Path) (arrow.Array, kernel.Bitmap, error) {
	fail := func() (arrow.Array, kernel.Bitmap, error) {
		return nil, kernel.Bitmap{}, fmt.Errorf("%w: %w: %s", ErrExpr, ErrColumn, p)
	}
	if len(p) == 0 {
		return fail()
	}
	at := ev.rec.Schema().FieldIndices(p[0])
	if len(at) != 1 {
		return fail()
	}
	col := ev.rec.Column(at[0])
	valid := kernel.Validity(col)
	for _, name := range p[1:] {
		if col.DataType().ID() != arrow.STRUCT {
			if valueType(col.DataType()).ID() != arrow.STRUCT {
				return fail()
			}
			plain, err := kernel.Decode(ev.mem, col)
			if err != nil {
				return nil, valid, err
			}
			ev.scratch = append(ev.scratch, plain)
			col = plain
		}
		st := col.(*array.Struct)
		i := -1
		for j, f := range st.DataType().(*arrow.StructType).Fields() {
			if f.Name == name {
				if i >= 0 {
					return fail()
				}
				i = j
			}
		}
		if i < 0 {
			return fail()
		}
		col = st.Field(i)
		valid.And(kernel.Validity(col))
	}
	return col, valid, nil
}

func (ev *evaluator) leaf(e Expr, p Path, col arrow.Array, valid kernel.Bitmap) (logic, error) {
	// known makes the value of a leaf that is null just where its column is.
	known := func(t kernel.Bitmap) logic {
		t.And(valid)
		valid.AndNot(t)
		return logic{t, valid}
	}
	vt := valueType(col.DataType())
	switch e := e.(type) {
	case IsNull:
		null := kernel.Full(ev.n)
		null.AndNot(valid)
		return logic{null, valid}, nil
	case Like:
		parts := parseLike(e.Pattern)
		t, ok := kernel.Match(col, func(s string) bool { return matchLike(parts, s) })
		if !ok {
			return logic{}, fmt.Errorf("%w: LIKE needs text, and %s is %s", ErrExpr, p, col.DataType())
		}
		return known(t), nil
	case Cmp:
		if !e.Value.IsNull() && arrow.TypeEqual(e.Value.Type(), vt) {
			t, err := kernel.Compare(col, kernel.Op(e.Op), e.Value.Value)
			if err != nil {
				return logic{}, fmt.Errorf("%w: %s: %v", ErrExpr, p, err)
			}
			return known(t), nil
		}
	case In:
		t, nulls, same := kernel.NewBitmap(ev.n), false, len(e.Values) > 0
		for _, v := range e.Values {
			same = same && arrow.TypeEqual(v.Type(), vt)
		}
		if !same {
			break
		}
		for _, v := range e.Values {
			if v.IsNull() {
				nulls = true
				continue
			}
			x, err := kernel.Compare(col, kernel.Eq, v.Value)
			if err != nil {
				return logic{}, fmt.Errorf("%w: %s: %v", ErrExpr, p, err)
			}
			t.Or(x)
		}
		out := known(t)
		if nulls {
			out.f = kernel.NewBitmap(ev.n)
		}
		return out, nil
	}
	bound, err := bindLeaf(e, p, col.DataType())
	if err != nil {
		return logic{}, err
	}
	return ev.eval(bound)
}

// Substitute replaces columns by constants: where f gives a literal for a
// path, what e says of the path becomes a constant. A column that a file lacks
// is Null(); a partition column is its value. What cannot be decided stays.
func Substitute(e Expr, f func(Path) (Literal, bool)) Expr {
	out, _ := rewrite(e, func(e Expr) (Expr, error) {
		p, ok := pathOf(e)
		if !ok {
			return e, nil
		}
		lit, ok := f(p)
		if !ok {
			return e, nil
		}
		if lit.Value == nil {
			lit = Null()
		}
		rec := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "v", Type: lit.Type(), Nullable: true}}, nil), []arrow.Array{lit.Value}, 1)
		ev := evaluator{mem: heap, rec: rec, n: 1}
		defer ev.release()
		v, err := ev.leaf(e, Path{"v"}, lit.Value, kernel.Validity(lit.Value))
		switch {
		case err != nil:
			return e, nil
		case v.t.Get(0):
			return True, nil
		case v.f.Get(0):
			return False, nil
		}
		return Const(Maybe), nil
	})
	return out
}
