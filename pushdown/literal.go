package pushdown

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/internal/kernel"
)

// Literal is a typed constant: an Arrow array of one element. A Literal out of
// the parser has the type its spelling tells (int64, decimal128, float64,
// utf8, bool, date32, timestamp, binary, or null); Bind casts it to the type
// of the column it meets, exactly or not at all.
//
// Literals are immutable and live as long as anybody holds them; their arrays
// come from Go's allocator and need no Release.
type Literal struct{ Value arrow.Array }

var heap = memory.NewGoAllocator()

// makeLiteral builds a literal of dt; s fits, as what kernel.Convert gives does.
func makeLiteral(dt arrow.DataType, s kernel.Scalar) (Literal, error) {
	arr, err := kernel.MakeArray(heap, dt, s)
	return Literal{arr}, err
}

// Int64 is an integer literal.
func Int64(v int64) Literal {
	b := array.NewInt64Builder(heap)
	b.Append(v)
	return Literal{b.NewArray()}
}

// Float64 is a floating-point literal.
func Float64(v float64) Literal {
	b := array.NewFloat64Builder(heap)
	b.Append(v)
	return Literal{b.NewArray()}
}

// Text is a string literal.
func Text(v string) Literal {
	b := array.NewStringBuilder(heap)
	b.Append(v)
	return Literal{b.NewArray()}
}

// Bool is TRUE or FALSE as a value.
func Bool(v bool) Literal {
	b := array.NewBooleanBuilder(heap)
	b.Append(v)
	return Literal{b.NewArray()}
}

// Null is the literal without a type.
func Null() Literal { return Literal{array.NewNull(1)} }

// IsNull tells a literal that is null, of whatever type.
func (l Literal) IsNull() bool {
	return l.Value == nil || l.Value.Len() == 0 || !kernel.Validity(l.Value).Get(0)
}

// Type is the literal's Arrow type.
func (l Literal) Type() arrow.DataType {
	if l.Value == nil {
		return arrow.Null
	}
	return l.Value.DataType()
}

func (l Literal) scalar() kernel.Scalar {
	if l.IsNull() {
		return kernel.Scalar{}
	}
	return kernel.ScalarAt(l.Value, 0)
}

// Equal tells literals of the same type and value; NaN equals NaN, -0 is not 0.
func (l Literal) Equal(o Literal) bool {
	if l.IsNull() || o.IsNull() {
		return l.IsNull() && o.IsNull() && arrow.TypeEqual(l.Type(), o.Type())
	}
	return arrow.TypeEqual(l.Type(), o.Type()) && kernel.Format(l.scalar(), l.Type()) == kernel.Format(o.scalar(), o.Type())
}

// String spells the literal so that the parser gives it back, type included:
// plainly where the spelling tells the type, else as 'text'::type.
func (l Literal) String() string {
	dt := l.Type()
	if l.IsNull() {
		if dt.ID() == arrow.NULL {
			return "NULL"
		}
		return "NULL::" + typeName(dt)
	}
	s := l.scalar()
	text := kernel.Format(s, dt)
	plain := ""
	quoted := quoteText(text)
	switch {
	case s.Class == kernel.Bool:
		plain = strings.ToUpper(text)
	case s.Class == kernel.Number:
		plain = text
	case s.Class == kernel.Float && !math.IsNaN(s.Float) && !math.IsInf(s.Float, 0):
		plain = strconv.FormatFloat(s.Float, 'e', -1, 64)
	case s.Class == kernel.Text:
		plain = quoted
	case s.Class == kernel.Bytes:
		plain = "X'" + hex.EncodeToString([]byte(text)) + "'"
		quoted = plain
	case s.Class == kernel.Clock:
		plain = "TIME " + quoted
	case dt.ID() == arrow.DATE32:
		plain = "DATE " + quoted
	case dt.ID() == arrow.TIMESTAMP:
		plain = "TIMESTAMP " + quoted
	}
	if plain != "" {
		p := parser{lex: lexer{text: plain}}
		if p.next() == nil {
			if back, err := p.literal(); err == nil && back.Equal(l) {
				return plain
			}
		}
	}
	return quoted + "::" + typeName(dt)
}

func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

var flatTypes = func() map[string]arrow.DataType {
	m := map[string]arrow.DataType{}
	for _, t := range append([]arrow.DataType{
		arrow.FixedWidthTypes.Boolean, arrow.FixedWidthTypes.Float16, arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64,
		arrow.FixedWidthTypes.MonthInterval, arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView,
		arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.BinaryView, arrow.Null,
	}, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint8,
		arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64) {
		m[t.Name()] = t
	}
	return m
}()

// typeName spells a flat type for the :: of literals.
func typeName(dt arrow.DataType) string {
	switch t := dt.(type) {
	case arrow.DecimalType:
		return fmt.Sprintf("decimal%d(%d,%d)", t.BitWidth(), t.GetPrecision(), t.GetScale())
	case *arrow.FixedSizeBinaryType:
		return fmt.Sprintf("fixed_size_binary[%d]", t.ByteWidth)
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return fmt.Sprintf("timestamp[%s,%s]", t.Unit, t.TimeZone)
		}
		return fmt.Sprintf("timestamp[%s]", t.Unit)
	case *arrow.Time32Type:
		return fmt.Sprintf("time32[%s]", t.Unit)
	case *arrow.Time64Type:
		return fmt.Sprintf("time64[%s]", t.Unit)
	case *arrow.DurationType:
		return fmt.Sprintf("duration[%s]", t.Unit)
	}
	return dt.Name()
}

// parseType reads what typeName writes.
func parseType(name string) (arrow.DataType, bool) {
	if t, ok := flatTypes[strings.ToLower(name)]; ok {
		return t, true
	}
	i := strings.IndexAny(name, "[(")
	if i < 0 {
		return nil, false
	}
	a, b, _ := strings.Cut(name[i+1:len(name)-1], ",")
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	unit := arrow.TimeUnit(-1)
	for u := arrow.Second; u <= arrow.Nanosecond; u++ {
		if u.String() == a {
			unit = u
		}
	}
	n, errN := strconv.Atoi(a)
	m, errM := strconv.Atoi(b)
	switch base := strings.ToLower(name[:i]); {
	case base == "timestamp" && unit >= 0:
		return &arrow.TimestampType{Unit: unit, TimeZone: b}, true
	case base == "duration" && unit >= 0:
		return &arrow.DurationType{Unit: unit}, true
	case base == "time32" && unit >= 0 && unit <= arrow.Millisecond:
		return &arrow.Time32Type{Unit: unit}, true
	case base == "time64" && unit >= arrow.Microsecond:
		return &arrow.Time64Type{Unit: unit}, true
	case base == "fixed_size_binary" && errN == nil && n >= 0 && n < 1<<24:
		return &arrow.FixedSizeBinaryType{ByteWidth: n}, true
	case strings.HasPrefix(base, "decimal") && errN == nil && errM == nil && m >= -200 && m <= 200:
		id, ok := map[string]arrow.Type{"decimal32": arrow.DECIMAL32, "decimal64": arrow.DECIMAL64, "decimal128": arrow.DECIMAL128, "decimal256": arrow.DECIMAL256}[base]
		if !ok {
			return nil, false
		}
		t, err := arrow.NewDecimalType(id, int32(n), int32(m))
		return t, err == nil && n > 0
	}
	return nil, false
}
