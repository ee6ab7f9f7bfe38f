package kernel

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func appendExact(b array.Builder, s Scalar, to arrow.DataType) error {
	d, ok := DomainOf(to)
	if !ok {
		return impossible(to, to)
	}
	n, _ := d.Units(s)
	switch b := b.(type) {
	case *array.Int8Builder:
		b.Append(int8(n.Int64()))
	case *array.Int16Builder:
		b.Append(int16(n.Int64()))
	case *array.Int32Builder:
		b.Append(int32(n.Int64()))
	case *array.Int64Builder:
		b.Append(n.Int64())
	case *array.Uint8Builder:
		b.Append(uint8(n.Uint64()))
	case *array.Uint16Builder:
		b.Append(uint16(n.Uint64()))
	case *array.Uint32Builder:
		b.Append(uint32(n.Uint64()))
	case *array.Uint64Builder:
		b.Append(n.Uint64())
	case *array.Date32Builder:
		b.Append(arrow.Date32(n.Int64()))
	case *array.Date64Builder:
		b.Append(arrow.Date64(n.Int64()))
	case *array.Time32Builder:
		b.Append(arrow.Time32(n.Int64()))
	case *array.Time64Builder:
		b.Append(arrow.Time64(n.Int64()))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(n.Int64()))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(n.Int64()))
	case *array.MonthIntervalBuilder:
		b.Append(arrow.MonthInterval(n.Int64()))
	case *array.Decimal32Builder:
		b.Append(decimal.Decimal32(n.Int64()))
	case *array.Decimal64Builder:
		b.Append(decimal.Decimal64(n.Int64()))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromBigInt(n))
	case *array.Decimal256Builder:
		b.Append(decimal256.FromBigInt(n))
	default:
		return impossible(to, to)
	}
	return nil
}

// MakeArray is an array of dt of the given values, each of which Convert made
// for dt; one of class None is null.
func MakeArray(mem memory.Allocator, dt arrow.DataType, vals ...Scalar) (arrow.Array, error) {
	b := array.NewBuilder(mem, dt)
	defer b.Release()
	for _, s := range vals {
		if s.Class == None {
			b.AppendNull()
		} else if err := appendRaw(b, s, dt); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}
