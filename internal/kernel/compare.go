package kernel

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
)

// Op is a comparison, in the order of pushdown.Op.
type Op uint8

// The comparisons = != < <= > >=.
const (
	Eq Op = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

// Compare gives the rows of arr that are not null and compare with the one
// value of x, of arr's own type (the value type, where arr is encoded).
// Dictionaries and runs compare each distinct value once. Floats compare by
// IEEE 754, bytes without sign.
func Compare(arr arrow.Array, op Op, x arrow.Array) (Bitmap, error) {
	switch a := arr.(type) {
	case array.ExtensionArray:
		return Compare(a.Storage(), op, x)
	case *array.Null:
		return NewBitmap(arr.Len()), nil
	case *array.Dictionary:
		vals, err := Compare(a.Dictionary(), op, x)
		if err != nil {
			return Bitmap{}, err
		}
		out := NewBitmap(a.Len())
		for i := range a.Len() {
			if a.IsValid(i) && vals.Get(a.GetValueIndex(i)) {
				out.Set(i)
			}
		}
		return out, nil
	case *array.RunEndEncoded:
		vals, err := Compare(a.Values(), op, x)
		if err != nil {
			return Bitmap{}, err
		}
		return expand(a, vals), nil
	}
	if !arrow.TypeEqual(arr.DataType(), x.DataType()) || x.Len() != 1 || x.IsNull(0) {
		return Bitmap{}, fmt.Errorf("kernel: comparing %s with %s", arr.DataType(), x.DataType())
	}
	out := NewBitmap(arr.Len())
	if !compareFlat(arr, op, x, out) {
		return Bitmap{}, fmt.Errorf("kernel: %s has no order", arr.DataType())
	}
	out.And(Validity(arr))
	return out, nil
}

func compareFlat(arr arrow.Array, op Op, x arrow.Array, out Bitmap) bool {
	switch a := arr.(type) {
	case *array.Int8:
		ordered(a.Values(), op, x.(*array.Int8).Value(0), out)
	case *array.Int16:
		ordered(a.Values(), op, x.(*array.Int16).Value(0), out)
	case *array.Int32:
		ordered(a.Values(), op, x.(*array.Int32).Value(0), out)
	case *array.Int64:
		ordered(a.Values(), op, x.(*array.Int64).Value(0), out)
	case *array.Uint8:
		ordered(a.Values(), op, x.(*array.Uint8).Value(0), out)
	case *array.Uint16:
		ordered(a.Values(), op, x.(*array.Uint16).Value(0), out)
	case *array.Uint32:
		ordered(a.Values(), op, x.(*array.Uint32).Value(0), out)
	case *array.Uint64:
		ordered(a.Values(), op, x.(*array.Uint64).Value(0), out)
	case *array.Float32:
		ordered(a.Values(), op, x.(*array.Float32).Value(0), out)
	case *array.Float64:
		ordered(a.Values(), op, x.(*array.Float64).Value(0), out)
	case *array.Date32:
		ordered(a.Values(), op, x.(*array.Date32).Value(0), out)
	case *array.Date64:
		ordered(a.Values(), op, x.(*array.Date64).Value(0), out)
	case *array.Time32:
		ordered(a.Values(), op, x.(*array.Time32).Value(0), out)
	case *array.Time64:
		ordered(a.Values(), op, x.(*array.Time64).Value(0), out)
	case *array.Timestamp:
		ordered(a.Values(), op, x.(*array.Timestamp).Value(0), out)
	case *array.Duration:
		ordered(a.Values(), op, x.(*array.Duration).Value(0), out)
	case *array.MonthInterval:
		ordered(a.Values(), op, x.(*array.MonthInterval).Value(0), out)
	case *array.Decimal32:
		ordered(a.Values(), op, x.(*array.Decimal32).Value(0), out)
	case *array.Decimal64:
		ordered(a.Values(), op, x.(*array.Decimal64).Value(0), out)
	case *array.Float16:
		vals := make([]float64, a.Len())
		for i, v := range a.Values() {
			vals[i] = HalfFloat(v)
		}
		ordered(vals, op, HalfFloat(x.(*array.Float16).Value(0)), out)
	case *array.Boolean:
		vals := make([]uint8, a.Len())
		for i := range vals {
			vals[i] = bit(a.Value(i))
		}
		ordered(vals, op, bit(x.(*array.Boolean).Value(0)), out)
	case *array.Decimal128:
		compared(a.Values(), op, x.(*array.Decimal128).Value(0), out)
	case *array.Decimal256:
		compared(a.Values(), op, x.(*array.Decimal256).Value(0), out)
	case interface{ Value(int) string }:
		v := x.(interface{ Value(int) string }).Value(0)
		for i := range arr.Len() {
			if arr.IsValid(i) && holds(op, cmp.Compare(a.Value(i), v)) {
				out.Set(i)
			}
		}
	case interface{ Value(int) []byte }:
		v := x.(interface{ Value(int) []byte }).Value(0)
		for i := range arr.Len() {
			if arr.IsValid(i) && holds(op, bytes.Compare(a.Value(i), v)) {
				out.Set(i)
			}
		}
	default:
		return false
	}
	return true
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func holds(op Op, c int) bool {
	switch op {
	case Eq:
		return c == 0
	case Ne:
		return c != 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	}
	return c >= 0
}

// ordered builds a word of bits at a time, the comparison chosen outside of
// the loop over 64 values. Floats compare as IEEE 754 says by themselves.
func ordered[T cmp.Ordered](vals []T, op Op, x T, out Bitmap) {
	for k := 0; k < len(vals); k += 64 {
		part := vals[k:min(k+64, len(vals))]
		var w uint64
		switch op {
		case Eq:
			for i, v := range part {
				w |= uint64(bit(v == x)) << i
			}
		case Ne:
			for i, v := range part {
				w |= uint64(bit(v != x)) << i
			}
		case Lt:
			for i, v := range part {
				w |= uint64(bit(v < x)) << i
			}
		case Le:
			for i, v := range part {
				w |= uint64(bit(v <= x)) << i
			}
		case Gt:
			for i, v := range part {
				w |= uint64(bit(v > x)) << i
			}
		case Ge:
			for i, v := range part {
				w |= uint64(bit(v >= x)) << i
			}
		}
		binary.LittleEndian.PutUint64(out.Bits[k/8:], w)
	}
}

func compared[T decimal128.Num | decimal256.Num](vals []T, op Op, x T, out Bitmap) {
	for i, v := range vals {
		var c int
		switch v := any(v).(type) {
		case decimal128.Num:
			c = v.Cmp(any(x).(decimal128.Num))
		case decimal256.Num:
			c = v.Cmp(any(x).(decimal256.Num))
		}
		if holds(op, c) {
			out.Set(i)
		}
	}
}

// Match gives the rows of a text array for which f is true; false where the
// array does not hold text. Dictionaries and runs ask once a distinct value.
func Match(arr arrow.Array, f func(string) bool) (Bitmap, bool) {
	switch a := arr.(type) {
	case array.ExtensionArray:
		return Match(a.Storage(), f)
	case *array.Null:
		return NewBitmap(arr.Len()), true
	case *array.Dictionary:
		vals, ok := Match(a.Dictionary(), f)
		out := NewBitmap(a.Len())
		for i := range a.Len() {
			if ok && a.IsValid(i) && vals.Get(a.GetValueIndex(i)) {
				out.Set(i)
			}
		}
		return out, ok
	case *array.RunEndEncoded:
		vals, ok := Match(a.Values(), f)
		if !ok {
			return vals, ok
		}
		return expand(a, vals), true
	case interface{ Value(int) string }:
		out := NewBitmap(arr.Len())
		for i := range arr.Len() {
			if arr.IsValid(i) && f(a.Value(i)) {
				out.Set(i)
			}
		}
		return out, true
	}
	return Bitmap{}, false
}
