package variant

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// scalarFunc appends the encoding of one element of a typed_value column.
type scalarFunc func(dst []byte, i int) ([]byte, error)

// scalarFor maps the Arrow type of a typed_value column to its variant type
// (VariantShredding.md, "Shredded Value Types"); nil for types that can't be
// shredded.
func scalarFor(arr arrow.Array) scalarFunc {
	switch a := arr.(type) {
	case *array.Null:
		return func(dst []byte, i int) ([]byte, error) { return appendHeader(dst, typeNull), nil }
	case *array.Boolean:
		return func(dst []byte, i int) ([]byte, error) { return appendBool(dst, a.Value(i)), nil }
	case *array.Int8:
		return integers(a, typeInt8, 1)
	case *array.Int16:
		return integers(a, typeInt16, 2)
	case *array.Int32:
		return integers(a, typeInt32, 4)
	case *array.Int64:
		return integers(a, typeInt64, 8)
	case *array.Date32:
		return integers(a, typeDate, 4)
	case *array.Time64:
		if a.DataType().(*arrow.Time64Type).Unit == arrow.Microsecond {
			return integers(a, typeTime, 8)
		}
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		types := map[arrow.TimeUnit][2]int{
			arrow.Microsecond: {typeTimestampNTZ, typeTimestamp},
			arrow.Nanosecond:  {typeTimestampNTZNanos, typeTimestampNanos},
		}
		if pair, ok := types[t.Unit]; ok {
			typ := pair[0]
			if t.TimeZone != "" {
				typ = pair[1]
			}
			return integers(a, typ, 8)
		}
	case *array.Float32:
		return func(dst []byte, i int) ([]byte, error) {
			return appendInt(dst, typeFloat, uint64(math.Float32bits(a.Value(i))), 4), nil
		}
	case *array.Float64:
		return func(dst []byte, i int) ([]byte, error) {
			return appendInt(dst, typeDouble, math.Float64bits(a.Value(i)), 8), nil
		}
	case *array.Decimal32:
		return decimals(a.DataType(), func(i int) decimal128.Num { return decimal128.FromI64(int64(a.Value(i))) })
	case *array.Decimal64:
		return decimals(a.DataType(), func(i int) decimal128.Num { return decimal128.FromI64(int64(a.Value(i))) })
	case *array.Decimal128:
		return decimals(a.DataType(), a.Value)
	case *array.String:
		return func(dst []byte, i int) ([]byte, error) { return appendString(dst, []byte(a.Value(i))), nil }
	case *array.LargeString:
		return func(dst []byte, i int) ([]byte, error) { return appendString(dst, []byte(a.Value(i))), nil }
	case *array.StringView:
		return func(dst []byte, i int) ([]byte, error) { return appendString(dst, []byte(a.Value(i))), nil }
	case *array.FixedSizeBinary:
		if a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth == 16 {
			return func(dst []byte, i int) ([]byte, error) {
				return append(appendHeader(dst, typeUUID), a.Value(i)...), nil
			}
		}
	default:
		if isBinary(arr) {
			return func(dst []byte, i int) ([]byte, error) { return appendLong(dst, typeBinary, binaryAt(arr, i)), nil }
		}
	}
	return nil
}

func integers[T ~int8 | ~int16 | ~int32 | ~int64](a interface{ Value(int) T }, typ, width int) scalarFunc {
	return func(dst []byte, i int) ([]byte, error) {
		return appendInt(dst, typ, uint64(a.Value(i)), width), nil
	}
}

// decimals picks the width by precision, as the shredding's physical types do.
func decimals(t arrow.DataType, at func(int) decimal128.Num) scalarFunc {
	dt := t.(arrow.DecimalType)
	scale := dt.GetScale()
	if scale < 0 || scale > 38 {
		return nil
	}
	typ, width := typeDecimal16, 16
	switch p := dt.GetPrecision(); {
	case p <= 9:
		typ, width = typeDecimal4, 4
	case p <= 18:
		typ, width = typeDecimal8, 8
	}
	return func(dst []byte, i int) ([]byte, error) {
		v := at(i)
		dst = append(appendHeader(dst, typ), byte(scale))
		dst = appendUint(dst, v.LowBits(), min(width, 8))
		if width == 16 {
			dst = appendUint(dst, uint64(v.HighBits()), 8)
		}
		return dst, nil
	}
}
