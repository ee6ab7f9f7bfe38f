// Package render turns the values of Arrow arrays into text: JSON, or the plain
// text that tables and CSV show. A column is compiled once a batch into a
// function that appends the text of one row, so that a row costs no type
// switch and no allocation.
package render

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/internal/kernel"
)

// Appender appends the text of row i.
type Appender func(dst []byte, i int) []byte

// Style is how values are written. The zero value is plain text.
type Style struct {
	JSON bool
	// SafeIntegers writes integers that a double cannot hold as strings in
	// JSON; SafeDecimals all decimals.
	SafeIntegers, SafeDecimals bool
	// FloatNames writes NaN and infinities as strings in JSON, in place of null.
	FloatNames bool
	// Null is the text of null; in JSON it is always null.
	Null string
	// Binary is hex, base64 or utf8; "" is base64 in JSON and hex in text.
	Binary string
	// Zone shows timestamps that are instants in a zone of the reader's
	// choice; nil takes the column's.
	Zone *time.Location
	// Layout formats timestamps and dates by a layout of package time; "" is
	// RFC 3339 with the digits of the column's unit.
	Layout string
	// Warn is told of what the text cannot say, at least once; nil is not.
	Warn func(what string)
}

func (s *Style) warn(what string) {
	if s.Warn != nil {
		s.Warn(what)
	}
}

// Column compiles the text of an array. The field tells of extension types.
func (s *Style) Column(arr arrow.Array, f arrow.Field) Appender {
	inner := s.values(arr, f)
	null := s.Null
	if s.JSON {
		null = "null"
	}
	if _, ok := arr.(*array.Null); ok {
		return func(dst []byte, _ int) []byte { return append(dst, null...) }
	}
	if arr.NullN() == 0 {
		return inner
	}
	return func(dst []byte, i int) []byte {
		if arr.IsNull(i) {
			return append(dst, null...)
		}
		return inner(dst, i)
	}
}

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// maxSafe is the most that a double counts without gaps.
const maxSafe = 1 << 53

func integers[T integer](s *Style, vals []T) Appender {
	var zero T
	if zero-1 > zero { // unsigned
		return func(dst []byte, i int) []byte {
			v := uint64(vals[i])
			if s.JSON && s.SafeIntegers && v > maxSafe {
				return append(strconv.AppendUint(append(dst, '"'), v, 10), '"')
			}
			return strconv.AppendUint(dst, v, 10)
		}
	}
	return func(dst []byte, i int) []byte {
		v := int64(vals[i])
		if s.JSON && s.SafeIntegers && (v > maxSafe || v < -maxSafe) {
			return append(strconv.AppendInt(append(dst, '"'), v, 10), '"')
		}
		return strconv.AppendInt(dst, v, 10)
	}
}

func (s *Style) float(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		name := "NaN"
		switch {
		case math.IsInf(v, 1):
			name = "Infinity"
		case math.IsInf(v, -1):
			name = "-Infinity"
		}
		switch {
		case !s.JSON:
			return append(dst, name...)
		case s.FloatNames:
			return append(append(append(dst, '"'), name...), '"')
		}
		s.warn("NaN and infinities are null in JSON")
		return append(dst, "null"...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, bits)
}

// values compiles the text of values that are not null.
func (s *Style) values(arr arrow.Array, f arrow.Field) Appender {
	switch a := arr.(type) {
	case *array.Boolean:
		return func(dst []byte, i int) []byte { return strconv.AppendBool(dst, a.Value(i)) }
	case *array.Int8:
		return integers(s, a.Int8Values())
	case *array.Int16:
		return integers(s, a.Int16Values())
	case *array.Int32:
		return integers(s, a.Int32Values())
	case *array.Int64:
		return integers(s, a.Int64Values())
	case *array.Uint8:
		return integers(s, a.Uint8Values())
	case *array.Uint16:
		return integers(s, a.Uint16Values())
	case *array.Uint32:
		return integers(s, a.Uint32Values())
	case *array.Uint64:
		return integers(s, a.Uint64Values())
	case *array.Float16:
		return func(dst []byte, i int) []byte { return s.float(dst, kernel.HalfFloat(a.Value(i)), 32) }
	case *array.Float32:
		return func(dst []byte, i int) []byte { return s.float(dst, float64(a.Value(i)), 32) }
	case *array.Float64:
		return func(dst []byte, i int) []byte { return s.float(dst, a.Value(i), 64) }
	case *array.String:
		return s.text(a.Value)
	case *array.LargeString:
		return s.text(a.Value)
	case *array.StringView:
		return s.text(a.Value)
	case *array.Binary:
		return s.binary(a.Value)
	case *array.LargeBinary:
		return s.binary(a.Value)
	case *array.BinaryView:
		return s.binary(a.Value)
	case *array.FixedSizeBinary:
		if ext, _ := f.Metadata.GetValue("ARROW:extension:name"); ext == "arrow.uuid" && a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth == 16 {
			return s.quoted(func(dst []byte, i int) []byte { return appendUUID(dst, a.Value(i)) })
		}
		return s.binary(a.Value)
	case *array.Dictionary:
		inner := s.Column(a.Dictionary(), f)
		return func(dst []byte, i int) []byte { return inner(dst, a.GetValueIndex(i)) }
	case *array.RunEndEncoded:
		inner := s.Column(a.Values(), f)
		return func(dst []byte, i int) []byte { return inner(dst, a.GetPhysicalIndex(i)) }
	case array.ExtensionArray:
		return s.Column(a.Storage(), f)
	}
	if out := s.decimals(arr); out != nil {
		return out
	}
	if out := s.times(arr); out != nil {
		return out
	}
	if out := s.nested(arr); out != nil {
		return out
	}
	return s.text(arr.ValueStr)
}

// quoted puts text that needs no escaping between quotes, in JSON.
func (s *Style) quoted(inner Appender) Appender {
	if !s.JSON {
		return inner
	}
	return func(dst []byte, i int) []byte { return append(inner(append(dst, '"'), i), '"') }
}

func (s *Style) text(value func(int) string) Appender {
	if !s.JSON {
		return func(dst []byte, i int) []byte { return append(dst, value(i)...) }
	}
	return func(dst []byte, i int) []byte { return s.jsonString(dst, value(i)) }
}

const hexDigits = "0123456789abcdef"

// jsonString appends a JSON string. Bytes that are no UTF-8 become U+FFFD.
func (s *Style) jsonString(dst []byte, v string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(v); {
		b := v[i]
		if b >= ' ' && b != '"' && b != '\\' && b < utf8.RuneSelf {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(v[i:])
			if r == utf8.RuneError && size == 1 {
				s.warn("text that is not UTF-8 is shown with U+FFFD")
				dst = append(append(dst, v[start:i]...), "\ufffd"...)
				i++
				start = i
				continue
			}
			i += size
			continue
		}
		dst = append(dst, v[start:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
		i++
		start = i
	}
	return append(append(dst, v[start:]...), '"')
}

func (s *Style) binary(value func(int) []byte) Appender {
	form := s.Binary
	if form == "" {
		if form = "hex"; s.JSON {
			form = "base64"
		}
	}
	switch form {
	case "utf8":
		return s.text(func(i int) string { return string(value(i)) })
	case "hex":
		return s.quoted(func(dst []byte, i int) []byte { return hex.AppendEncode(dst, value(i)) })
	}
	return s.quoted(func(dst []byte, i int) []byte { return base64.StdEncoding.AppendEncode(dst, value(i)) })
}

func appendUUID(dst, v []byte) []byte {
	for i, b := range v {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

// decimals compiles the four widths of decimal; nil for other arrays.
func (s *Style) decimals(arr arrow.Array) Appender {
	t, ok := arr.DataType().(arrow.DecimalType)
	if !ok {
		return nil
	}
	scale := int(t.GetScale())
	digits := func(dst []byte, i int) []byte { return dst }
	switch a := arr.(type) {
	case *array.Decimal32:
		digits = func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(a.Value(i)), 10) }
	case *array.Decimal64:
		digits = func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(a.Value(i)), 10) }
	case *array.Decimal128:
		digits = func(dst []byte, i int) []byte {
			v := a.Value(i)
			if lo := int64(v.LowBits()); v.HighBits() == lo>>63 {
				return strconv.AppendInt(dst, lo, 10)
			}
			return appendBig(dst, v.BigInt())
		}
	case *array.Decimal256:
		digits = func(dst []byte, i int) []byte { return appendBig(dst, a.Value(i).BigInt()) }
	}
	plain := func(dst []byte, i int) []byte { return appendScaled(dst, digits, i, scale) }
	if s.SafeDecimals {
		return s.quoted(plain)
	}
	return plain
}

func appendBig(dst []byte, v *big.Int) []byte { return v.Append(dst, 10) }

// appendScaled puts the point of a decimal among its digits.
func appendScaled(dst []byte, digits Appender, i, scale int) []byte {
	start := len(dst)
	dst = digits(dst, i)
	if scale == 0 {
		return dst
	}
	if dst[start] == '-' {
		start++
	}
	n := len(dst) - start
	if scale < 0 {
		if n == 1 && dst[start] == '0' {
			return dst
		}
		for range -scale {
			dst = append(dst, '0')
		}
		return dst
	}
	if pad := scale + 1 - n; pad > 0 {
		for range pad {
			dst = append(dst, 0)
		}
		copy(dst[start+pad:], dst[start:start+n])
		for k := range pad {
			dst[start+k] = '0'
		}
		n += pad
	}
	dst = append(dst, 0)
	at := start + n - scale
	copy(dst[at+1:], dst[at:start+n])
	dst[at] = '.'
	return dst
}
