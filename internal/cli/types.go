package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

var typeNames = map[string]arrow.DataType{
	"bool": arrow.FixedWidthTypes.Boolean, "boolean": arrow.FixedWidthTypes.Boolean,
	"int8": arrow.PrimitiveTypes.Int8, "int16": arrow.PrimitiveTypes.Int16, "int32": arrow.PrimitiveTypes.Int32, "int64": arrow.PrimitiveTypes.Int64,
	"uint8": arrow.PrimitiveTypes.Uint8, "uint16": arrow.PrimitiveTypes.Uint16, "uint32": arrow.PrimitiveTypes.Uint32, "uint64": arrow.PrimitiveTypes.Uint64,
	"tinyint": arrow.PrimitiveTypes.Int8, "smallint": arrow.PrimitiveTypes.Int16, "int": arrow.PrimitiveTypes.Int32, "bigint": arrow.PrimitiveTypes.Int64,
	"float16": arrow.FixedWidthTypes.Float16, "float32": arrow.PrimitiveTypes.Float32, "float64": arrow.PrimitiveTypes.Float64,
	"float": arrow.PrimitiveTypes.Float32, "double": arrow.PrimitiveTypes.Float64,
	"string": arrow.BinaryTypes.String, "utf8": arrow.BinaryTypes.String, "varchar": arrow.BinaryTypes.String, "large_string": arrow.BinaryTypes.LargeString,
	"large_utf8": arrow.BinaryTypes.LargeString, "string_view": arrow.BinaryTypes.StringView, "utf8_view": arrow.BinaryTypes.StringView,
	"binary_view": arrow.BinaryTypes.BinaryView, "null": arrow.Null,
	"month_interval": arrow.FixedWidthTypes.MonthInterval, "day_time_interval": arrow.FixedWidthTypes.DayTimeInterval, "month_day_nano_interval": arrow.FixedWidthTypes.MonthDayNanoInterval,
	"binary": arrow.BinaryTypes.Binary, "large_binary": arrow.BinaryTypes.LargeBinary,
	"date": arrow.PrimitiveTypes.Date32, "date32": arrow.PrimitiveTypes.Date32, "date64": arrow.PrimitiveTypes.Date64,
}

var unitNames = map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}

// ParseType reads the name of a type: int64, string, date, decimal(10,2),
// time(us), timestamp(us), timestamp(us,UTC), duration(ms),
// fixed_size_binary(16), list(int32), dictionary(string).
func ParseType(text string) (arrow.DataType, error) {
	bad := fmt.Errorf("%w: %q is no type (int64, string, date, decimal(10,2), timestamp(us,UTC), list(int32), dictionary(string) …)", ErrUsage, text)
	name, rest, hasArgs := strings.Cut(strings.TrimSpace(text), "(")
	name = strings.ToLower(strings.TrimSpace(name))
	if !hasArgs {
		switch name {
		case "timestamp":
			return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
		case "time":
			return arrow.FixedWidthTypes.Time64us, nil
		}
		if dt := typeNames[name]; dt != nil {
			return dt, nil
		}
		return nil, bad
	}
	inner, ok := strings.CutSuffix(strings.TrimSpace(rest), ")")
	if !ok {
		return nil, bad
	}
	switch name {
	case "list":
		elem, err := ParseType(inner)
		if err != nil {
			return nil, err
		}
		return arrow.ListOf(elem), nil
	case "dictionary":
		value, err := ParseType(inner)
		if err != nil {
			return nil, err
		}
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: value}, nil
	}
	args := strings.Split(inner, ",")
	for i := range args {
		args[i] = strings.TrimSpace(args[i])
	}
	number := func(i int) (int64, bool) {
		if i >= len(args) {
			return 0, i == 1
		}
		n, err := strconv.ParseInt(args[i], 10, 32)
		return n, err == nil
	}
	unit, isUnit := unitNames[args[0]]
	switch name {
	case "decimal", "decimal128", "decimal256", "numeric":
		p, ok1 := number(0)
		s, ok2 := number(1)
		if !ok1 || !ok2 || len(args) > 2 || p < 1 || p > 76 || s > p {
			return nil, bad
		}
		if p > 38 || name == "decimal256" {
			return &arrow.Decimal256Type{Precision: int32(p), Scale: int32(s)}, nil
		}
		return &arrow.Decimal128Type{Precision: int32(p), Scale: int32(s)}, nil
	case "timestamp":
		if !isUnit || len(args) > 2 {
			return nil, bad
		}
		t := &arrow.TimestampType{Unit: unit}
		if len(args) == 2 {
			t.TimeZone = args[1]
		}
		return t, nil
	case "time":
		if !isUnit {
			return nil, bad
		}
		if unit <= arrow.Millisecond {
			return &arrow.Time32Type{Unit: unit}, nil
		}
		return &arrow.Time64Type{Unit: unit}, nil
	case "duration":
		if !isUnit {
			return nil, bad
		}
		return &arrow.DurationType{Unit: unit}, nil
	case "fixed_size_binary":
		n, ok := number(0)
		if !ok || n < 1 {
			return nil, bad
		}
		return &arrow.FixedSizeBinaryType{ByteWidth: int(n)}, nil
	}
	return nil, bad
}
