package orc

import (
	"bytes"
	"math"
	"math/bits"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

// columnStats gathers the statistics of a column over some rows: a row group, a
// stripe, the file. What the column's kind does not have stays zero.
type columnStats struct {
	values  uint64
	hasNull bool

	ints    intStats
	floats  floatStats
	text    textStats
	decimal decimalStats
	times   timeStats
	lists   listStats
	trues   uint64
}

// merge adds the statistics of other rows.
func (s *columnStats) merge(o *columnStats) {
	s.values += o.values
	s.hasNull = s.hasNull || o.hasNull
	s.ints.merge(&o.ints)
	s.floats.merge(&o.floats)
	s.text.merge(&o.text)
	s.decimal.merge(&o.decimal)
	s.times.merge(&o.times)
	s.lists.merge(&o.lists)
	s.trues += o.trues
}

// proto gives what is stored of a column of that kind.
func (s *columnStats) proto(t *proto.Type) proto.ColumnStatistics {
	out := proto.ColumnStatistics{Values: proto.Some(s.values), HasNull: proto.Some(s.hasNull)}
	switch t.Kind {
	case proto.Boolean:
		out.Bucket = &proto.BucketStatistics{Count: []uint64{s.trues}}
	case proto.Byte, proto.Short, proto.Int, proto.Long:
		out.Int = s.ints.proto()
	case proto.Date:
		out.Date = s.ints.date()
	case proto.Float, proto.Double:
		out.Double = s.floats.proto()
	case proto.String, proto.Varchar, proto.Char:
		out.String = s.text.proto()
	case proto.Binary:
		out.Binary = &proto.BinaryStatistics{Sum: s.text.sum()}
	case proto.Decimal:
		out.Decimal = s.decimal.proto(int32(t.Scale.V))
	case proto.Timestamp, proto.TimestampInstant:
		out.Timestamp = s.times.proto()
	case proto.List, proto.Map:
		out.Collection = s.lists.proto()
	}
	return out
}

// intStats is of integers and dates.
type intStats struct {
	any      bool
	min, max int64
	sum      int64
	overflow bool
}

func (s *intStats) add(v []int64) {
	if len(v) == 0 {
		return
	}
	lo, hi := v[0], v[0]
	var sum, carry uint64 // of 128 bits, so that only the total can overflow
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
		var c uint64
		sum, c = bits.Add64(sum, uint64(x), 0)
		carry += c + uint64(x>>63)
	}
	o := intStats{any: true, min: lo, max: hi, sum: int64(sum)}
	o.overflow = int64(carry) != int64(sum)>>63
	s.merge(&o)
}

func (s *intStats) merge(o *intStats) {
	if !o.any {
		return
	}
	if !s.any {
		*s = *o
		return
	}
	s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	sum := s.sum + o.sum
	s.overflow = s.overflow || o.overflow || (s.sum < 0) == (o.sum < 0) && (sum < 0) != (s.sum < 0)
	s.sum = sum
}

func (s *intStats) proto() *proto.IntegerStatistics {
	out := &proto.IntegerStatistics{}
	if s.any {
		out.Min, out.Max = proto.Some(s.min), proto.Some(s.max)
	}
	if !s.overflow {
		out.Sum = proto.Some(s.sum)
	}
	return out
}

func (s *intStats) date() *proto.DateStatistics {
	out := &proto.DateStatistics{}
	if s.any {
		out.Min, out.Max = proto.Some(int32(s.min)), proto.Some(int32(s.max))
	}
	return out
}

// floatStats is of floats and doubles. Where there is a NaN there are no
// bounds, and the sum says so: no order puts a NaN between two.
type floatStats struct {
	any, nan bool
	min, max float64
	sum      float64
}

func addFloats[T float32 | float64](s *floatStats, v []T) {
	if len(v) == 0 {
		return
	}
	o := floatStats{any: true, min: math.Inf(1), max: math.Inf(-1)}
	lo, hi := v[0], v[0]
	for _, x := range v {
		if x != x {
			o.nan = true
		}
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
		o.sum += float64(x)
	}
	o.min, o.max = float64(lo), float64(hi)
	s.merge(&o)
}

func (s *floatStats) merge(o *floatStats) {
	if !o.any {
		return
	}
	if !s.any {
		*s = *o
		return
	}
	s.nan = s.nan || o.nan
	s.min, s.max = min(s.min, o.min), max(s.max, o.max)
	s.sum += o.sum
}

func (s *floatStats) proto() *proto.DoubleStatistics {
	out := &proto.DoubleStatistics{Sum: proto.Some(s.sum)}
	if s.any && !s.nan {
		lo, hi := s.min, s.max
		// Readers that order the zeros find both.
		if lo == 0 {
			lo = math.Copysign(0, -1)
		}
		if hi == 0 {
			hi = 0
		}
		out.Min, out.Max = proto.Some(lo), proto.Some(hi)
	}
	return out
}

// maxBound is the length of the longest minimum or maximum that is stored
// whole, as in Java's writer.
const maxBound = 1024

// textStats is of strings and, without the bounds, of binaries. The bounds own
// their bytes.
type textStats struct {
	any      bool
	min, max []byte
	length   uint64
	overflow bool
}

// bounds takes the bounds of values into account.
func (s *textStats) bounds(lo, hi []byte) {
	if !s.any {
		s.any = true
		s.min, s.max = bytes.Clone(lo), bytes.Clone(hi)
		return
	}
	if bytes.Compare(lo, s.min) < 0 {
		s.min = append(s.min[:0:0], lo...)
	}
	if bytes.Compare(hi, s.max) > 0 {
		s.max = append(s.max[:0:0], hi...)
	}
}

func (s *textStats) addLength(n uint64) {
	s.length += n
	s.overflow = s.overflow || s.length > math.MaxInt64
}

func (s *textStats) merge(o *textStats) {
	s.addLength(o.length)
	if o.any {
		s.bounds(o.min, o.max)
	}
}

func (s *textStats) sum() proto.Opt[int64] {
	if s.overflow {
		return proto.Opt[int64]{}
	}
	return proto.Some(int64(s.length))
}

func (s *textStats) proto() *proto.StringStatistics {
	out := &proto.StringStatistics{Sum: s.sum()}
	// Text that is no UTF-8 has no bounds that other readers could read back.
	if !s.any || !utf8.Valid(s.min) || !utf8.Valid(s.max) {
		return out
	}
	if len(s.min) <= maxBound {
		out.Min = proto.Some(string(s.min))
	} else {
		out.LowerBound = proto.Some(string(cutText(s.min)))
	}
	if len(s.max) <= maxBound {
		out.Max = proto.Some(string(s.max))
	} else if up, ok := successor(cutText(s.max)); ok {
		out.UpperBound = proto.Some(up)
	} else { // no text of that length is above it
		return &proto.StringStatistics{Sum: s.sum()}
	}
	return out
}

// cutText is the longest start of b within maxBound that ends with a character.
func cutText(b []byte) []byte {
	n := maxBound
	for !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}

// successor is text above all that start with b: its last character that can be
// is raised, and what follows dropped.
func successor(b []byte) (string, bool) {
	for len(b) > 0 {
		r, n := utf8.DecodeLastRune(b)
		b = b[:len(b)-n]
		if r++; r == 0xd800 {
			r = 0xe000 // behind the surrogates
		}
		if r <= utf8.MaxRune {
			return string(utf8.AppendRune(bytes.Clone(b), r)), true
		}
	}
	return "", false
}

// decimalStats is of unscaled values.
type decimalStats struct {
	any      bool
	min, max decimal128.Num
	sum      decimal128.Num
	overflow bool
}

func (s *decimalStats) add(v []decimal128.Num) {
	for _, x := range v {
		s.merge(&decimalStats{any: true, min: x, max: x, sum: x})
	}
}

// addNarrow is add of values of 64 bits.
func (s *decimalStats) addNarrow(v []int64) {
	var n intStats
	var sum decimal128.Num
	if n.add(v); !n.any {
		return
	}
	if sum = decimal128.FromI64(n.sum); n.overflow {
		sum = decimal128.Num{}
		for _, x := range v {
			sum = sum.Add(decimal128.FromI64(x))
		}
	}
	s.merge(&decimalStats{any: true, min: decimal128.FromI64(n.min), max: decimal128.FromI64(n.max), sum: sum})
}

func (s *decimalStats) merge(o *decimalStats) {
	if !o.any {
		return
	}
	if !s.any {
		*s = *o
		return
	}
	if o.min.Less(s.min) {
		s.min = o.min
	}
	if s.max.Less(o.max) {
		s.max = o.max
	}
	sum := s.sum.Add(o.sum)
	s.overflow = s.overflow || o.overflow || s.sum.Sign() == o.sum.Sign() && sum.Sign() != s.sum.Sign() || !sum.FitsInPrecision(38)
	s.sum = sum
}

func (s *decimalStats) proto(scale int32) *proto.DecimalStatistics {
	out := &proto.DecimalStatistics{}
	if !s.any {
		return out
	}
	out.Min, out.Max = proto.Some(decimalText(s.min, scale)), proto.Some(decimalText(s.max, scale))
	if !s.overflow {
		out.Sum = proto.Some(decimalText(s.sum, scale))
	}
	return out
}

// moment is a point in time as the statistics have it.
type moment struct {
	ms int64 // rounded down
	ns int32 // within the millisecond
}

func (a moment) less(b moment) bool { return a.ms < b.ms || a.ms == b.ms && a.ns < b.ns }

// timeStats is of timestamps.
type timeStats struct {
	any      bool
	min, max moment
}

func (s *timeStats) merge(o *timeStats) {
	if !o.any {
		return
	}
	if !s.any {
		*s = *o
		return
	}
	if o.min.less(s.min) {
		s.min = o.min
	}
	if s.max.less(o.max) {
		s.max = o.max
	}
}

func (s *timeStats) proto() *proto.TimestampStatistics {
	out := &proto.TimestampStatistics{}
	if s.any {
		out.MinUTC, out.MaxUTC = proto.Some(s.min.ms), proto.Some(s.max.ms)
		out.MinNanos, out.MaxNanos = proto.Some(s.min.ns+1), proto.Some(s.max.ns+1)
	}
	return out
}

// listStats is of the lengths of lists and maps.
type listStats struct {
	any             bool
	min, max, total uint64
}

func (s *listStats) merge(o *listStats) {
	if !o.any {
		return
	}
	if !s.any {
		*s = *o
		return
	}
	s.min, s.max, s.total = min(s.min, o.min), max(s.max, o.max), s.total+o.total
}

func (s *listStats) proto() *proto.CollectionStatistics {
	out := &proto.CollectionStatistics{TotalChildren: proto.Some(s.total)}
	if s.any {
		out.MinChildren, out.MaxChildren = proto.Some(s.min), proto.Some(s.max)
	}
	return out
}
