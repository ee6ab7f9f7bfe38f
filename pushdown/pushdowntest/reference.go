package pushdowntest

import (
	"cmp"
	"math"
	"math/big"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// Row evaluates e on row i of rec, the slow and plain way: literals as exact
// numbers, LIKE as a regular expression. Maybe stands for null.
func Row(e pushdown.Expr, rec arrow.RecordBatch, i int) pushdown.Truth {
	is := func(b bool) pushdown.Truth {
		if b {
			return pushdown.Always
		}
		return pushdown.Never
	}
	switch e := e.(type) {
	case pushdown.Const:
		return pushdown.Truth(e)
	case pushdown.Not:
		switch Row(e.X, rec, i) {
		case pushdown.Always:
			return pushdown.Never
		case pushdown.Never:
			return pushdown.Always
		}
		return pushdown.Maybe
	case pushdown.And:
		out := pushdown.Always
		for _, a := range e.Args {
			switch Row(a, rec, i) {
			case pushdown.Never:
				return pushdown.Never
			case pushdown.Maybe:
				out = pushdown.Maybe
			}
		}
		return out
	case pushdown.Or:
		out := pushdown.Never
		for _, a := range e.Args {
			switch Row(a, rec, i) {
			case pushdown.Always:
				return pushdown.Always
			case pushdown.Maybe:
				out = pushdown.Maybe
			}
		}
		return out
	case pushdown.IsNull:
		_, ok := cell(e.Path, rec, i)
		return is(!ok)
	case pushdown.Cmp:
		v, ok := cell(e.Path, rec, i)
		if !ok || e.Value.IsNull() {
			return pushdown.Maybe
		}
		return is(compare(v, e.Op, kernel.ScalarAt(e.Value.Value, 0)))
	case pushdown.In:
		v, ok := cell(e.Path, rec, i)
		if !ok {
			return pushdown.Maybe
		}
		out := pushdown.Never
		for _, x := range e.Values {
			if x.IsNull() {
				out = pushdown.Maybe
			} else if compare(v, pushdown.Eq, kernel.ScalarAt(x.Value, 0)) {
				return pushdown.Always
			}
		}
		return out
	case pushdown.Like:
		v, ok := cell(e.Path, rec, i)
		if !ok {
			return pushdown.Maybe
		}
		return is(likeRegexp(e.Pattern).MatchString(v.Text))
	}
	panic("no such node")
}

func likeRegexp(pattern string) *regexp.Regexp {
	var b strings.Builder
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped || r != '%' && r != '_' && r != '\\':
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			b.WriteString("(?s:.*)")
		default:
			b.WriteString("(?s:.)")
		}
	}
	return regexp.MustCompile("^(?:" + b.String() + ")$")
}

// cell reads one value by path; ok is false where it is null.
func cell(p pushdown.Path, rec arrow.RecordBatch, i int) (kernel.Scalar, bool) {
	arr := rec.Column(rec.Schema().FieldIndices(p[0])[0])
	for _, name := range p[1:] {
		if arr.IsNull(i) {
			return kernel.Scalar{}, false
		}
		at, _ := arr.DataType().(*arrow.StructType).FieldIdx(name)
		arr = arr.(*array.Struct).Field(at)
	}
	switch a := arr.(type) {
	case *array.Dictionary:
		if a.IsNull(i) {
			return kernel.Scalar{}, false
		}
		arr, i = a.Dictionary(), a.GetValueIndex(i)
	case *array.RunEndEncoded:
		arr, i = a.Values(), a.GetPhysicalIndex(i)
	}
	if arr.IsNull(i) {
		return kernel.Scalar{}, false
	}
	return kernel.ScalarAt(arr, i), true
}

func compare(a kernel.Scalar, op pushdown.Op, b kernel.Scalar) bool {
	var c int
	switch {
	case a.Class == kernel.Float && b.Class == kernel.Number:
		switch {
		case a.Float != a.Float:
			return op == pushdown.Ne
		case math.IsInf(a.Float, 0):
			c = cmp.Compare(a.Float, 0)
		default:
			c = new(big.Rat).SetFloat64(a.Float).Cmp(b.Rat)
		}
	case a.Class == kernel.Float:
		if a.Float != a.Float || b.Float != b.Float {
			return op == pushdown.Ne
		}
		c = cmp.Compare(a.Float+0, b.Float+0)
		if a.Float == b.Float {
			c = 0
		}
	case a.Rat != nil:
		c = a.Rat.Cmp(b.Rat)
	case a.Class == kernel.Bool:
		if a.Bool != b.Bool {
			if c = -1; a.Bool {
				c = 1
			}
		}
	default:
		c = strings.Compare(a.Text, b.Text)
	}
	return [...]bool{c == 0, c != 0, c < 0, c <= 0, c > 0, c >= 0}[op]
}
