package kernel

import (
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// castFast does the casts that data meets every day as loops over machine
// words: numbers, changes of unit, string layouts. ok tells whether it did.
func castFast(mem memory.Allocator, arr arrow.Array, to arrow.DataType, o CastOptions) (out arrow.Array, ok bool, err error) {
	if o.Nulls {
		return nil, false, nil
	}
	from := arr.DataType()
	switch a := arr.(type) {
	case *array.Int8:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Int16:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Int32:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Int64:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Uint8:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Uint16:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Uint32:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Uint64:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Float32:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Float64:
		return toNumber(mem, arr, a.Values(), to, o)
	case *array.Timestamp:
		return toUnit(mem, arr, a.Values(), to, o)
	case *array.Duration:
		return toUnit(mem, arr, a.Values(), to, o)
	case *array.Time32:
		return toUnit(mem, arr, a.Values(), to, o)
	case *array.Time64:
		return toUnit(mem, arr, a.Values(), to, o)
	case *array.Date32:
		return toUnit(mem, arr, a.Values(), to, o)
	case *array.Date64:
		return toUnit(mem, arr, a.Values(), to, o)
	case *array.String, *array.LargeString, *array.Binary, *array.LargeBinary, *array.StringView, *array.BinaryView:
		if out, ok := castBytes(mem, arr, to); ok {
			return out, true, nil
		}
		return relabel(arr, from, to)
	}
	return nil, false, nil
}

// relabel changes text to binary and back where the layout stays.
func relabel(arr arrow.Array, from, to arrow.DataType) (arrow.Array, bool, error) {
	pair := map[arrow.Type]arrow.Type{arrow.STRING: arrow.BINARY, arrow.LARGE_STRING: arrow.LARGE_BINARY, arrow.STRING_VIEW: arrow.BINARY_VIEW}
	if pair[from.ID()] != to.ID() && pair[to.ID()] != from.ID() {
		return nil, false, nil
	}
	if b, ok := arr.(interface{ Value(int) []byte }); ok {
		for i := range arr.Len() {
			if arr.IsValid(i) && !utf8.Valid(b.Value(i)) {
				return nil, false, fmt.Errorf("row %d: %w: invalid UTF-8 as %s", i, ErrCast, to)
			}
		}
	}
	d := arr.Data()
	nd := array.NewData(to, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
	defer nd.Release()
	return array.MakeFromData(nd), true, nil
}

func toNumber[S number](mem memory.Allocator, arr arrow.Array, src []S, to arrow.DataType, o CastOptions) (arrow.Array, bool, error) {
	switch to.ID() {
	case arrow.INT8:
		return convert[S, int8](mem, arr, src, to, o)
	case arrow.INT16:
		return convert[S, int16](mem, arr, src, to, o)
	case arrow.INT32:
		return convert[S, int32](mem, arr, src, to, o)
	case arrow.INT64:
		return convert[S, int64](mem, arr, src, to, o)
	case arrow.UINT8:
		return convert[S, uint8](mem, arr, src, to, o)
	case arrow.UINT16:
		return convert[S, uint16](mem, arr, src, to, o)
	case arrow.UINT32:
		return convert[S, uint32](mem, arr, src, to, o)
	case arrow.UINT64:
		return convert[S, uint64](mem, arr, src, to, o)
	case arrow.FLOAT32:
		return convert[S, float32](mem, arr, src, to, o)
	case arrow.FLOAT64:
		return convert[S, float64](mem, arr, src, to, o)
	}
	return nil, false, nil
}

// convert goes there and back: a value that returns as it was, with its sign,
// fits. What a float conversion does beyond the integer's range is up to the
// machine, so floats are held against the range first.
func convert[S, D number](mem memory.Allocator, arr arrow.Array, src []S, to arrow.DataType, o CastOptions) (arrow.Array, bool, error) {
	return build(mem, arr, to, len(src), func(dst []D) error {
		var half D = 1
		floatDst := half/2 != 0
		var hs, zero S = 1, 0
		floatSrc, unsigned := hs/2 != 0, zero-1 > 0
		var lo, hi float64
		if d, ok := DomainOf(to); ok {
			lo, _ = new(big.Float).SetInt(d.Min).Float64()
			hi, _ = new(big.Float).SetInt(new(big.Int).Add(d.Max, one)).Float64()
		}
		for i, v := range src {
			w := D(v)
			switch {
			case floatSrc && floatDst:
				if S(w) == v || v != v || o.Truncate {
					dst[i] = w
					continue
				}
			case floatSrc:
				f := float64(v)
				if o.Truncate {
					f = math.Floor(f)
				}
				if f >= lo && f < hi && float64(D(f)) == f {
					dst[i] = D(f)
					continue
				}
			case floatDst:
				// The way back must be defined: 2^63 and 2^64 are no integers.
				f := float64(w)
				if o.Truncate || f < 0x1p63 && S(int64(f)) == v || f >= 0x1p63 && f < 0x1p64 && unsigned && S(uint64(f)) == v {
					dst[i] = w
					continue
				}
			default:
				if S(w) == v && (v < 0) == (w < 0) {
					dst[i] = w
					continue
				}
			}
			if arr.IsNull(i) {
				continue
			}
			return fmt.Errorf("row %d: %w: %v (%s) as %s", i, ErrCast, v, arr.DataType(), to)
		}
		return nil
	})
}

// build makes a flat array with arr's nulls and values that fill writes.
func build[D any](mem memory.Allocator, arr arrow.Array, to arrow.DataType, n int, fill func([]D) error) (arrow.Array, bool, error) {
	g := gatherer{mem}
	var z D
	buf := g.buffer(n * int(unsafe.Sizeof(z)))
	defer drop(buf)
	clear(buf.Bytes())
	if err := fill(words[D](buf.Bytes())); err != nil {
		return nil, false, err
	}
	var vb *memory.Buffer
	nulls := 0
	if valid := Validity(arr); valid.Count() < n {
		vb = g.buffer(len(valid.Bits))
		copy(vb.Bytes(), valid.Bits)
		nulls = n - valid.Count()
		defer drop(vb)
	}
	d := array.NewData(to, n, []*memory.Buffer{vb, buf}, nil, nulls, 0)
	defer d.Release()
	return array.MakeFromData(d), true, nil
}

// toUnit multiplies or divides times into another unit of the same class.
func toUnit[S ~int32 | ~int64](mem memory.Allocator, arr arrow.Array, src []S, to arrow.DataType, o CastOptions) (arrow.Array, bool, error) {
	from, ok1 := DomainOf(arr.DataType())
	dst, ok2 := DomainOf(to)
	if !ok1 || !ok2 || from.Class != dst.Class {
		return nil, false, nil
	}
	factor := new(big.Rat).Quo(dst.Unit, from.Unit)
	mul, div := factor.Num().Int64(), factor.Denom().Int64()
	lo, hi := dst.Min.Int64()/mul, dst.Max.Int64()/mul
	fit := func(i int) (int64, error) {
		v := int64(src[i])
		q := v / div
		if r := v % div; r != 0 {
			if !o.Truncate {
				return 0, fmt.Errorf("row %d: %w: %s has digits below the unit of %s", i, ErrCast, Format(ScalarAt(arr, i), arr.DataType()), to)
			}
			if r < 0 {
				q--
			}
		}
		if q > hi || q < lo {
			return 0, fmt.Errorf("row %d: %w: %s is out of range of %s", i, ErrCast, Format(ScalarAt(arr, i), arr.DataType()), to)
		}
		return q * mul, nil
	}
	if dst.Width == 4 {
		return build(mem, arr, to, len(src), func(out []int32) error {
			return fillUnits(arr, out, fit, scaleUnits(out, src, mul, div, lo, hi))
		})
	}
	return build(mem, arr, to, len(src), func(out []int64) error {
		return fillUnits(arr, out, fit, scaleUnits(out, src, mul, div, lo, hi))
	})
}

// scaleUnits fills out as far as nothing is amiss, with what null slots hold
// too, and gives how far.
func scaleUnits[S, D ~int32 | ~int64](out []D, src []S, mul, div, lo, hi int64) int {
	for i, s := range src {
		q := int64(s)
		if div != 1 {
			if q = int64(s) / div; q*div != int64(s) {
				return i
			}
		}
		if q > hi || q < lo {
			return i
		}
		out[i] = D(q * mul)
	}
	return len(src)
}

// fillUnits fills out from a place on.
func fillUnits[D ~int32 | ~int64](arr arrow.Array, out []D, fit func(int) (int64, error), from int) error {
	for i := from; i < len(out); i++ {
		if arr.IsNull(i) {
			continue
		}
		v, err := fit(i)
		if err != nil {
			return err
		}
		out[i] = D(v)
	}
	return nil
}
