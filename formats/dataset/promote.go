package dataset

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/internal/arrowschema"
	"github.com/bdkit/bdkit/internal/kernel"
)

var heap = memory.DefaultAllocator

var errDiffer = errors.New("no type holds both")

func isCancel(err error) bool { return errors.Is(err, context.Canceled) }

// uniteField gives the field that holds the values of both.
func uniteField(a, b arrow.Field) (arrow.Field, error) {
	dt, err := uniteTypes(a.Type, b.Type)
	a.Type, a.Nullable = dt, a.Nullable || b.Nullable
	return a, err
}

// uniteTypes gives the smallest type that holds the values of both exactly.
func uniteTypes(a, b arrow.DataType) (arrow.DataType, error) {
	switch {
	case arrow.TypeEqual(a, b):
		return a, nil
	case a.ID() == arrow.NULL:
		return b, nil
	case b.ID() == arrow.NULL:
		return a, nil
	}
	if pa, pb := arrowschema.Storage(a), arrowschema.Storage(b); pa != a || pb != b {
		return uniteTypes(pa, pb)
	}
	ca, cb := kernel.ClassOf(a), kernel.ClassOf(b)
	switch {
	case ca == kernel.Number && cb == kernel.Number:
		return uniteNumbers(a, b)
	case ca == kernel.Float && cb == kernel.Float:
		return wider(a, b), nil
	case ca == kernel.Float && cb == kernel.Number:
		return floatAnd(a, b)
	case ca == kernel.Number && cb == kernel.Float:
		return floatAnd(b, a)
	case ca == kernel.Text && cb == kernel.Text:
		return large(a, b, arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString), nil
	case ca == kernel.Bytes && cb == kernel.Bytes:
		return large(a, b, arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary), nil
	case ca == kernel.Instant && cb == kernel.Instant:
		return uniteInstants(a, b)
	}
	return uniteNested(a, b)
}

func wider(a, b arrow.DataType) arrow.DataType {
	if a.(arrow.FixedWidthDataType).BitWidth() >= b.(arrow.FixedWidthDataType).BitWidth() {
		return a
	}
	return b
}

func large(a, b, small, big arrow.DataType) arrow.DataType {
	for _, dt := range []arrow.DataType{a, b} {
		switch dt.ID() {
		case arrow.LARGE_STRING, arrow.LARGE_BINARY:
			return big
		}
	}
	return small
}

// integer says whether a type is one, its bits, and its sign.
func integer(dt arrow.DataType) (bits int, signed, ok bool) {
	if !arrow.IsInteger(dt.ID()) {
		return 0, false, false
	}
	return dt.(arrow.FixedWidthDataType).BitWidth(), arrow.IsSignedInteger(dt.ID()), true
}

var signedTypes = map[int]arrow.DataType{8: arrow.PrimitiveTypes.Int8, 16: arrow.PrimitiveTypes.Int16, 32: arrow.PrimitiveTypes.Int32, 64: arrow.PrimitiveTypes.Int64}

func uniteNumbers(a, b arrow.DataType) (arrow.DataType, error) {
	na, sa, ia := integer(a)
	nb, sb, ib := integer(b)
	if ia && ib {
		switch {
		case sa == sb && na >= nb:
			return a, nil
		case sa == sb:
			return b, nil
		case !sa: // a is to be the signed one
			na, nb = nb, na
		}
		if n := max(na, 2*nb); n <= 64 {
			return signedTypes[n], nil
		}
		return &arrow.Decimal128Type{Precision: 20}, nil
	}
	pa, ea, oka := digits(a)
	pb, eb, okb := digits(b)
	if !oka || !okb {
		return nil, errDiffer // a duration is a number of its own kind
	}
	scale := max(ea, eb)
	precision := max(pa-ea, pb-eb) + scale
	switch {
	case precision <= 38:
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}, nil
	case precision <= 76:
		return &arrow.Decimal256Type{Precision: precision, Scale: scale}, nil
	}
	return nil, errDiffer
}

// digits are the digits of a decimal or integer, and those behind the point.
func digits(dt arrow.DataType) (precision, scale int32, ok bool) {
	if d, ok := dt.(arrow.DecimalType); ok {
		return d.GetPrecision(), d.GetScale(), true
	}
	n, signed, ok := integer(dt)
	most := map[int]int32{8: 3, 16: 5, 32: 10, 64: 19}[n]
	if n == 64 && !signed {
		most = 20
	}
	return most, 0, ok
}

// floatAnd is float64 with an integer that it holds exactly.
func floatAnd(_, i arrow.DataType) (arrow.DataType, error) {
	if n, _, ok := integer(i); ok && n <= 32 {
		return arrow.PrimitiveTypes.Float64, nil
	}
	return nil, errDiffer
}

func uniteInstants(a, b arrow.DataType) (arrow.DataType, error) {
	ta, oka := a.(*arrow.TimestampType)
	tb, okb := b.(*arrow.TimestampType)
	date := func(dt arrow.DataType) bool { return dt.ID() == arrow.DATE32 || dt.ID() == arrow.DATE64 }
	switch {
	case oka && okb && ta.TimeZone == tb.TimeZone:
		return &arrow.TimestampType{Unit: max(ta.Unit, tb.Unit), TimeZone: ta.TimeZone}, nil
	case oka && ta.TimeZone == "" && date(b):
		return ta, nil
	case okb && tb.TimeZone == "" && date(a):
		return tb, nil
	case date(a) && date(b):
		return arrow.FixedWidthTypes.Date64, nil
	}
	return nil, errDiffer
}

func uniteNested(a, b arrow.DataType) (arrow.DataType, error) {
	switch x := a.(type) {
	case *arrow.StructType:
		if y, ok := b.(*arrow.StructType); ok {
			return uniteStructs(x, y)
		}
	case *arrow.MapType:
		y, ok := b.(*arrow.MapType)
		if !ok {
			return nil, errDiffer
		}
		key, err := uniteField(x.KeyField(), y.KeyField())
		if err != nil {
			return nil, err
		}
		item, err := uniteField(x.ItemField(), y.ItemField())
		if err != nil {
			return nil, err
		}
		return arrow.MapOfFields(key, item), nil
	case arrow.ListLikeType:
		y, ok := b.(arrow.ListLikeType)
		if !ok || y.ID() == arrow.MAP {
			return nil, errDiffer
		}
		elem, err := uniteField(x.ElemField(), y.ElemField())
		if err != nil {
			return nil, err
		}
		if a.ID() == arrow.LARGE_LIST || b.ID() == arrow.LARGE_LIST || a.ID() == arrow.LARGE_LIST_VIEW || b.ID() == arrow.LARGE_LIST_VIEW {
			return arrow.LargeListOfField(elem), nil
		}
		return arrow.ListOfField(elem), nil
	}
	return nil, errDiffer
}

func uniteStructs(a, b *arrow.StructType) (arrow.DataType, error) {
	fields := append([]arrow.Field{}, a.Fields()...)
	for i := range fields {
		if _, ok := b.FieldIdx(fields[i].Name); !ok {
			fields[i].Nullable = true
		}
	}
	for _, f := range b.Fields() {
		i, ok := a.FieldIdx(f.Name)
		if !ok {
			f.Nullable = true
			fields = append(fields, f)
			continue
		}
		g, err := uniteField(fields[i], f)
		if err != nil {
			return nil, err
		}
		fields[i] = g
	}
	return arrow.StructOf(fields...), nil
}
