package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// plainTypes are the types that need no parameter, by all their names.
var plainTypes = map[string]arrow.DataType{
	"null": arrow.Null, "bool": arrow.FixedWidthTypes.Boolean, "boolean": arrow.FixedWidthTypes.Boolean,
	"int8": arrow.PrimitiveTypes.Int8, "int16": arrow.PrimitiveTypes.Int16, "int32": arrow.PrimitiveTypes.Int32, "int64": arrow.PrimitiveTypes.Int64,
	"uint8": arrow.PrimitiveTypes.Uint8, "uint16": arrow.PrimitiveTypes.Uint16, "uint32": arrow.PrimitiveTypes.Uint32, "uint64": arrow.PrimitiveTypes.Uint64,
	"int": arrow.PrimitiveTypes.Int32, "bigint": arrow.PrimitiveTypes.Int64,
	"float16": arrow.FixedWidthTypes.Float16, "float32": arrow.PrimitiveTypes.Float32, "float64": arrow.PrimitiveTypes.Float64,
	"float": arrow.PrimitiveTypes.Float32, "double": arrow.PrimitiveTypes.Float64,
	"string": arrow.BinaryTypes.String, "utf8": arrow.BinaryTypes.String, "text": arrow.BinaryTypes.String,
	"large_string": arrow.BinaryTypes.LargeString, "large_utf8": arrow.BinaryTypes.LargeString, "string_view": arrow.BinaryTypes.StringView,
	"binary": arrow.BinaryTypes.Binary, "large_binary": arrow.BinaryTypes.LargeBinary, "binary_view": arrow.BinaryTypes.BinaryView,
	"date": arrow.FixedWidthTypes.Date32, "date32": arrow.FixedWidthTypes.Date32, "date64": arrow.FixedWidthTypes.Date64,
	"timestamp": &arrow.TimestampType{Unit: arrow.Microsecond}, "time": arrow.FixedWidthTypes.Time64us, "duration": &arrow.DurationType{Unit: arrow.Microsecond},
}

var timeUnits = map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}

// ParseType reads the name of an Arrow type: int32, string, decimal(10,2),
// timestamp(us,UTC), time(ms), duration(ns), fixed_size_binary(16),
// list(int32), dictionary(int32,string). Brackets do as well as parentheses.
func ParseType(text string) (arrow.DataType, error) {
	name, args, err := splitType(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	bad := func() (arrow.DataType, error) {
		return nil, fmt.Errorf("%w: %q is no type like int32, string, decimal(10,2) or timestamp(us,UTC)", ErrUsage, text)
	}
	if dt, ok := plainTypes[name]; ok && len(args) == 0 {
		return dt, nil
	}
	switch {
	case len(args) == 0:
		return bad()
	case strings.HasPrefix(name, "decimal"):
		return decimalType(name, args, bad)
	case name == "list" && len(args) == 1, name == "large_list" && len(args) == 1:
		elem, err := ParseType(args[0])
		if err != nil {
			return nil, err
		}
		if name == "list" {
			return arrow.ListOf(elem), nil
		}
		return arrow.LargeListOf(elem), nil
	case name == "dictionary" && len(args) == 2:
		return dictionaryType(args, bad)
	case name == "fixed_size_binary" && len(args) == 1:
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 0 {
			return bad()
		}
		return &arrow.FixedSizeBinaryType{ByteWidth: n}, nil
	}
	unit, ok := timeUnits[args[0]]
	switch {
	case !ok || len(args) > 2 || len(args) == 2 && name != "timestamp":
		return bad()
	case name == "timestamp":
		t := &arrow.TimestampType{Unit: unit}
		if len(args) == 2 {
			t.TimeZone = strings.TrimPrefix(args[1], "tz=")
			if _, err := parseZone(t.TimeZone); err != nil {
				return nil, err
			}
		}
		return t, nil
	case name == "duration":
		return &arrow.DurationType{Unit: unit}, nil
	case name == "time" && unit <= arrow.Millisecond, name == "time32" && unit <= arrow.Millisecond:
		return &arrow.Time32Type{Unit: unit}, nil
	case name == "time" && unit >= arrow.Microsecond, name == "time64" && unit >= arrow.Microsecond:
		return &arrow.Time64Type{Unit: unit}, nil
	}
	return bad()
}

// splitType cuts "name(a,b)" into its parts.
func splitType(text string) (name string, args []string, err error) {
	at := strings.IndexAny(text, "([")
	if at < 0 {
		return strings.ToLower(text), nil, nil
	}
	closing := map[byte]string{'(': ")", '[': "]"}[text[at]]
	inner, ok := strings.CutSuffix(text[at+1:], closing)
	if !ok {
		return "", nil, fmt.Errorf("%w: type %q: a parenthesis is not closed", ErrUsage, text)
	}
	args = splitOutside(inner)
	for i, a := range args {
		args[i] = strings.TrimSpace(a)
	}
	return strings.ToLower(strings.TrimSpace(text[:at])), args, nil
}

// splitOutside cuts at commas that no parenthesis or quote encloses.
func splitOutside(text string) (out []string) {
	depth, start, quote := 0, 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '`':
			quote = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	return append(out, text[start:])
}

func decimalType(name string, args []string, bad func() (arrow.DataType, error)) (arrow.DataType, error) {
	p, err := strconv.ParseInt(args[0], 10, 32)
	s := int64(0)
	if err == nil && len(args) == 2 {
		s, err = strconv.ParseInt(args[1], 10, 32)
	}
	if err != nil || len(args) > 2 || p < 1 || p > 76 {
		return bad()
	}
	id, ok := map[string]arrow.Type{"decimal32": arrow.DECIMAL32, "decimal64": arrow.DECIMAL64, "decimal128": arrow.DECIMAL128, "decimal256": arrow.DECIMAL256}[name]
	if name == "decimal" {
		id, ok = arrow.DECIMAL128, true
		if p > 38 {
			id = arrow.DECIMAL256
		}
	}
	if !ok {
		return bad()
	}
	dt, err := arrow.NewDecimalType(id, int32(p), int32(s))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return dt, nil
}

func dictionaryType(args []string, bad func() (arrow.DataType, error)) (arrow.DataType, error) {
	index, err := ParseType(args[0])
	if err != nil {
		return nil, err
	}
	value, err := ParseType(args[1])
	if err != nil {
		return nil, err
	}
	if !arrow.IsInteger(index.ID()) || arrow.IsNested(value.ID()) {
		return bad()
	}
	return &arrow.DictionaryType{IndexType: index, ValueType: value}, nil
}

// Pairs reads "name=value,name=value"; commas inside parentheses and quotes
// belong to a value. The names are paths of one element, quoted as in filters.
func Pairs(flag, text string) (names, values []string, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil, nil
	}
	for _, part := range splitOutside(text) {
		name, value, ok := strings.Cut(part, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" {
			return nil, nil, fmt.Errorf("%w: --%s %q: want column=value,column=value", ErrUsage, flag, text)
		}
		names, values = append(names, name), append(values, value)
	}
	return names, values, nil
}
