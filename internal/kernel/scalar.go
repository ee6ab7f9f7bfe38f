package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/float16"
)

// ErrCast is a value that does not fit the type asked for.
var ErrCast = errors.New("value does not fit the type")

// Class is what kind of thing a value is, whatever its width and unit. Exact
// casts exist within a class, between numbers and floats, and from and to text.
type Class uint8

// The classes. Number is exact: integers and decimals. Instant, Clock and Span
// count seconds: since 1970, since midnight, and of a duration.
const (
	None Class = iota
	Bool
	Number
	Float
	Text
	Bytes
	Instant
	Clock
	Span
	Months
)

// Scalar is one value outside of any array. Rat holds the exact classes.
type Scalar struct {
	Class Class
	Rat   *big.Rat
	Float float64
	Text  string // of Text and Bytes
	Bool  bool
}

// Domain says how a type of an exact class stores its values: as integers of
// Width bytes between Min and Max, Unit of them to one (second).
type Domain struct {
	Class    Class
	Width    int
	Signed   bool
	Unit     *big.Rat
	Min, Max *big.Int
}

var one = big.NewInt(1)

func intDomain(c Class, bits int, signed bool, unit *big.Rat) Domain {
	d := Domain{Class: c, Width: bits / 8, Signed: signed, Unit: unit, Min: new(big.Int)}
	if signed {
		d.Max = new(big.Int).Lsh(one, uint(bits-1))
		d.Min.Neg(d.Max)
	} else {
		d.Max = new(big.Int).Lsh(one, uint(bits))
	}
	d.Max.Sub(d.Max, one)
	return d
}

func pow10(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

func tenTo(scale int64) *big.Rat {
	if scale < 0 {
		return new(big.Rat).SetFrac(one, pow10(-scale))
	}
	return new(big.Rat).SetInt(pow10(scale))
}

func perSecond(u arrow.TimeUnit) *big.Rat { return tenTo(int64(u) * 3) }

// DomainOf gives the domain of an exact type; ok is false for all others.
func DomainOf(dt arrow.DataType) (d Domain, ok bool) {
	unit := big.NewRat(1, 1)
	switch t := dt.(type) {
	case arrow.DecimalType:
		d = intDomain(Number, t.BitWidth(), true, tenTo(int64(t.GetScale())))
		d.Max = new(big.Int).Sub(pow10(int64(t.GetPrecision())), one)
		d.Min = new(big.Int).Neg(d.Max)
		return d, true
	case *arrow.TimestampType:
		return intDomain(Instant, 64, true, perSecond(t.Unit)), true
	case *arrow.DurationType:
		return intDomain(Span, 64, true, perSecond(t.Unit)), true
	case *arrow.Time32Type:
		return clock(intDomain(Clock, 32, true, perSecond(t.Unit))), true
	case *arrow.Time64Type:
		return clock(intDomain(Clock, 64, true, perSecond(t.Unit))), true
	}
	switch dt.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		signed := arrow.IsSignedInteger(dt.ID())
		return intDomain(Number, dt.(arrow.FixedWidthDataType).BitWidth(), signed, unit), true
	case arrow.DATE32:
		return intDomain(Instant, 32, true, big.NewRat(1, 86400)), true
	case arrow.DATE64:
		return intDomain(Instant, 64, true, big.NewRat(1000, 1)), true
	case arrow.INTERVAL_MONTHS:
		return intDomain(Months, 32, true, unit), true
	}
	return Domain{}, false
}

// clock bounds a time of day: 24:00 is a value some writers use.
func clock(d Domain) Domain {
	d.Min = new(big.Int)
	d.Max = new(big.Int).Mul(big.NewInt(86400), d.Unit.Num())
	return d
}

// ClassOf tells the class of a type's values; None for nested types.
func ClassOf(dt arrow.DataType) Class {
	if d, ok := DomainOf(dt); ok {
		return d.Class
	}
	switch dt.ID() {
	case arrow.BOOL:
		return Bool
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return Float
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return Text
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return Bytes
	}
	return None
}

// readInt reads a little-endian integer of any width.
func readInt(b []byte, signed bool) *big.Int {
	switch {
	case len(b) == 8 && signed:
		return big.NewInt(int64(binary.LittleEndian.Uint64(b)))
	case len(b) == 4 && signed:
		return big.NewInt(int64(int32(binary.LittleEndian.Uint32(b))))
	}
	be := make([]byte, len(b))
	for i, c := range b {
		be[len(b)-1-i] = c
	}
	v := new(big.Int).SetBytes(be)
	if signed && len(b) > 0 && be[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(one, uint(len(b)*8)))
	}
	return v
}

// writeInt writes v, which fits, as a little-endian integer.
func writeInt(b []byte, v *big.Int) {
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(one, uint(len(b)*8)))
	}
	be := v.FillBytes(make([]byte, len(b)))
	for i, c := range be {
		b[len(b)-1-i] = c
	}
}

func fixedAt(d arrow.ArrayData, i, w int) []byte {
	at := (d.Offset() + i) * w
	return d.Buffers()[1].Bytes()[at : at+w]
}

// ScalarAt reads row i of arr, which is neither null nor nested.
func ScalarAt(arr arrow.Array, i int) Scalar {
	switch a := arr.(type) {
	case array.ExtensionArray:
		return ScalarAt(a.Storage(), i)
	case *array.Dictionary:
		return ScalarAt(a.Dictionary(), a.GetValueIndex(i))
	case *array.RunEndEncoded:
		return ScalarAt(a.Values(), a.GetPhysicalIndex(i))
	case *array.Boolean:
		return Scalar{Class: Bool, Bool: a.Value(i)}
	case *array.Float16:
		return Scalar{Class: Float, Float: HalfFloat(a.Value(i))}
	case *array.Float32:
		return Scalar{Class: Float, Float: float64(a.Value(i))}
	case *array.Float64:
		return Scalar{Class: Float, Float: a.Value(i)}
	case interface{ Value(int) string }:
		return Scalar{Class: Text, Text: a.Value(i)}
	case interface{ Value(int) []byte }:
		return Scalar{Class: Bytes, Text: string(a.Value(i))}
	}
	d, ok := DomainOf(arr.DataType())
	if !ok {
		return Scalar{}
	}
	v := new(big.Rat).SetInt(readInt(fixedAt(arr.Data(), i, d.Width), d.Signed))
	return Scalar{Class: d.Class, Rat: v.Quo(v, d.Unit)}
}

// Units gives s in the stored integers of d: the floor, and whether that is
// exact. It may lie outside of Min and Max.
func (d Domain) Units(s Scalar) (floor *big.Int, exact bool) {
	q := new(big.Rat).Mul(s.Rat, d.Unit)
	if q.IsInt() {
		return q.Num(), true
	}
	return new(big.Int).Div(q.Num(), q.Denom()), false // Euclidean: floor, the denominator being positive
}

// exact turns a float into an exact number.
func (s Scalar) exact() (Scalar, error) {
	if s.Class != Float {
		return s, nil
	}
	r := new(big.Rat).SetFloat64(s.Float)
	if r == nil {
		return s, fmt.Errorf("%w: %v is not finite", ErrCast, s.Float)
	}
	return Scalar{Class: Number, Rat: r}, nil
}

// RoundFloat gives the float of dt nearest to s, and whether it is s exactly.
func RoundFloat(s Scalar, dt arrow.DataType) (float64, bool) {
	f, exact := s.Float, true
	if s.Class != Float {
		f, exact = s.Rat.Float64()
		if dt.ID() != arrow.FLOAT64 {
			var g float32
			g, exact = s.Rat.Float32()
			f = float64(g)
		}
	}
	if f != f {
		return f, true
	}
	switch dt.ID() {
	case arrow.FLOAT32:
		g := float64(float32(f))
		return g, exact && g == f
	case arrow.FLOAT16:
		g := HalfFloat(half(f))
		return g, exact && g == f
	}
	return f, exact
}

// half rounds to the nearest half float, ties to even.
func half(f float64) float16.Num {
	sign := uint16(math.Float64bits(f) >> 48 & 0x8000)
	a := math.Abs(f)
	switch {
	case f != f:
		return float16.NaN()
	case a >= 65520:
		return float16.FromBits(sign | 0x7c00)
	case a < 0x1p-14:
		return float16.FromBits(sign | uint16(math.RoundToEven(a*0x1p24)))
	}
	frac, exp := math.Frexp(a) // a = frac·2^exp, frac in [½, 1)
	m := uint16(math.RoundToEven(frac * 2048))
	return float16.FromBits(sign | (uint16(exp+14-1)<<10 + m))
}

// HalfFloat widens a half float exactly. arrow-go's own Float32 misreads
// subnormal halves.
func HalfFloat(h float16.Num) float64 {
	b := h.Uint16()
	m, exp := float64(b&0x3ff), int(b>>10&31)
	switch exp {
	case 0:
		m *= 0x1p-24
	case 31:
		if m != 0 {
			return math.NaN()
		}
		m = math.Inf(1)
	default:
		m = math.Ldexp(m+1024, exp-25)
	}
	if b&0x8000 != 0 {
		return -m
	}
	return m
}

// NextFloat is the neighbour of f, up or down, among the floats of dt.
func NextFloat(f float64, dt arrow.DataType, up bool) float64 {
	to := math.Inf(-1)
	if up {
		to = math.Inf(1)
	}
	switch dt.ID() {
	case arrow.FLOAT64:
		return math.Nextafter(f, to)
	case arrow.FLOAT32:
		return float64(math.Nextafter32(float32(f), float32(to)))
	}
	h := half(f).Uint16()
	switch {
	case f == to || f != f:
		return f
	case f == 0:
		h = 1
		if !up {
			h |= 0x8000
		}
	case (f > 0) == up:
		h++
	default:
		h--
	}
	return HalfFloat(float16.FromBits(h))
}
