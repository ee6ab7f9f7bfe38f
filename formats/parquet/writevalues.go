package parquet

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// valueBuf holds values of one physical type: of fixed width, little-endian
// (booleans one byte each), or byte arrays in Arrow's layout.
type valueBuf struct {
	width   int // 0: byte arrays
	n       int
	fixed   []byte
	offsets []int32
	data    []byte
}

func newValueBuf(e *meta.SchemaElement) valueBuf {
	v := valueBuf{}
	switch e.Type {
	case meta.Boolean:
		v.width = 1
	case meta.Int32, meta.Float:
		v.width = 4
	case meta.Int64, meta.Double:
		v.width = 8
	case meta.FixedLenByteArray:
		v.width = int(e.TypeLength)
	default:
		v.offsets = []int32{0}
	}
	return v
}

func (v *valueBuf) reset() {
	v.n, v.fixed, v.data = 0, v.fixed[:0], v.data[:0]
	if v.width == 0 {
		v.offsets = v.offsets[:1]
	}
}

// at is the bytes of value i.
func (v *valueBuf) at(i int) []byte {
	if v.width > 0 {
		return v.fixed[i*v.width : (i+1)*v.width : (i+1)*v.width]
	}
	return v.data[v.offsets[i]:v.offsets[i+1]:v.offsets[i+1]]
}

// plainBytes is the size of all values in the PLAIN encoding, about.
func (v *valueBuf) plainBytes() int {
	if v.width == 0 {
		return len(v.data) + 4*v.n
	}
	return len(v.fixed)
}

// add appends one byte array, or one value of fixed width.
func (v *valueBuf) add(b []byte) error {
	if v.width > 0 {
		v.fixed = append(v.fixed, b...)
		v.n++
		return nil
	}
	if len(v.data)+len(b) > math.MaxInt32 {
		return fmt.Errorf("%w: a page cannot hold %d bytes", arrowio.ErrLimit, len(v.data)+len(b))
	}
	v.data = append(v.data, b...)
	v.offsets = append(v.offsets, int32(len(v.data)))
	v.n++
	return nil
}

// addAll appends the values of src.
func (v *valueBuf) addAll(src *valueBuf) error {
	if v.width > 0 {
		v.fixed = append(v.fixed, src.fixed...)
		v.n += src.n
		return nil
	}
	if len(v.data)+len(src.data) > math.MaxInt32 {
		return fmt.Errorf("%w: a page cannot hold %d bytes", arrowio.ErrLimit, len(v.data)+len(src.data))
	}
	base := int32(len(v.data))
	v.data = append(v.data, src.data...)
	for _, o := range src.offsets[1:] {
		v.offsets = append(v.offsets, base+o)
	}
	v.n += src.n
	return nil
}

// selection is which slots of an array's buffers are wanted: the positions in
// idx, or [lo, hi) when idx is nil.
type selection struct {
	idx    []int
	lo, hi int
}

func (s selection) len() int {
	if s.idx != nil {
		return len(s.idx)
	}
	return s.hi - s.lo
}

func (s selection) at(i int) int {
	if s.idx != nil {
		return s.idx[i]
	}
	return s.lo + i
}

// converter appends the selected values of an Arrow array, none of them null,
// as the physical type of a column.
type converter func(dst *valueBuf, d arrow.ArrayData, sel selection) error

// newConverter picks the conversion of a leaf once, by its Arrow storage type.
func newConverter(n *schema.Node) (converter, error) {
	e := n.Element
	switch t := arrowschema.Storage(n.Field.Type).(type) {
	case *arrow.NullType:
		return func(*valueBuf, arrow.ArrayData, selection) error { return nil }, nil
	case *arrow.BooleanType:
		return convertBools, nil
	case *arrow.Int8Type:
		return widen[int8], nil
	case *arrow.Int16Type:
		return widen[int16], nil
	case *arrow.Uint8Type:
		return widen[uint8], nil
	case *arrow.Uint16Type:
		return widen[uint16], nil
	case *arrow.Time32Type:
		if t.Unit == arrow.Second {
			return rescale[int32](1000, 1, t), nil
		}
		return copyFixed[[4]byte], nil
	case *arrow.TimestampType:
		return timestampConverter(t, e.Logical.Unit), nil
	case *arrow.Date64Type:
		return convertDate64, nil
	case *arrow.Decimal32Type:
		return copyFixed[[4]byte], nil
	case *arrow.Decimal64Type:
		if e.Type == meta.Int64 {
			return copyFixed[[8]byte], nil
		}
		return decimals(e, decimal256.FromI64, func(v int64) (int64, bool) { return v, true }), nil
	case *arrow.Decimal128Type:
		return decimals(e, decimal256.FromDecimal128, func(v decimal128.Num) (int64, bool) {
			lo := int64(v.LowBits())
			return lo, v.HighBits() == lo>>63
		}), nil
	case *arrow.Decimal256Type:
		return decimals(e, func(v decimal256.Num) decimal256.Num { return v }, func(v decimal256.Num) (int64, bool) {
			w := v.Array()
			lo := int64(w[0])
			sign := uint64(lo >> 63)
			return lo, w[1] == sign && w[2] == sign && w[3] == sign
		}), nil
	case *arrow.MonthIntervalType, *arrow.DayTimeIntervalType, *arrow.MonthDayNanoIntervalType:
		return intervalConverter(t), nil
	case *arrow.StringType, *arrow.BinaryType:
		return binaries[int32], nil
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		return binaries[int64], nil
	case *arrow.StringViewType, *arrow.BinaryViewType:
		return views, nil
	case arrow.FixedWidthDataType:
		switch t.Bytes() {
		case 2:
			return copyFixed[[2]byte], nil
		case 4:
			return copyFixed[[4]byte], nil
		case 8:
			return copyFixed[[8]byte], nil
		case 16:
			return copyFixed[[16]byte], nil
		}
		return copyWidth, nil
	}
	return nil, fmt.Errorf("%w: Parquet has no %s", arrowio.ErrUnsupported, n.Field.Type)
}

// extend makes room for n values of T at the end of dst.
func extend[T any](dst *valueBuf, n int) []T {
	at := len(dst.fixed)
	need := at + n*dst.width
	if cap(dst.fixed) < need {
		grown := make([]byte, at, max(need, 2*cap(dst.fixed)))
		copy(grown, dst.fixed)
		dst.fixed = grown
	}
	dst.fixed = dst.fixed[:need]
	dst.n += n
	return cast[T](dst.fixed[at:])
}

func copyFixed[T any](dst *valueBuf, d arrow.ArrayData, sel selection) error {
	src := bufferOf[T](d, 1)
	out := extend[T](dst, sel.len())
	if sel.idx == nil {
		copy(out, src[sel.lo:sel.hi])
		return nil
	}
	for i, x := range sel.idx {
		out[i] = src[x]
	}
	return nil
}

func copyWidth(dst *valueBuf, d arrow.ArrayData, sel selection) error {
	src, w := bufferOf[byte](d, 1), dst.width
	for i := range sel.len() {
		x := sel.at(i)
		dst.fixed = append(dst.fixed, src[x*w:(x+1)*w]...)
	}
	dst.n += sel.len()
	return nil
}

func convertBools(dst *valueBuf, d arrow.ArrayData, sel selection) error {
	src := bufferOf[byte](d, 1)
	out := extend[byte](dst, sel.len())
	for i := range out {
		out[i] = 0
		if bitutil.BitIsSet(src, sel.at(i)) {
			out[i] = 1
		}
	}
	return nil
}

func widen[T int8 | int16 | uint8 | uint16](dst *valueBuf, d arrow.ArrayData, sel selection) error {
	src := bufferOf[T](d, 1)
	out := extend[int32](dst, sel.len())
	for i := range out {
		out[i] = int32(src[sel.at(i)])
	}
	return nil
}

// rescale multiplies by mul and divides by div, and refuses what does not fit
// or leaves a remainder.
func rescale[T int32 | int64](mul, div T, from arrow.DataType) converter {
	return func(dst *valueBuf, d arrow.ArrayData, sel selection) error {
		src := bufferOf[T](d, 1)
		out := extend[T](dst, sel.len())
		for i := range out {
			v := src[sel.at(i)]
			scaled := v * mul
			if scaled/mul != v {
				return fmt.Errorf("%w: %s %d overflows the stored unit", arrowio.ErrCast, from, v)
			}
			if scaled%div != 0 {
				return &arrowio.Error{
					Hint: "timestamp-unit ns to store nanoseconds",
					Err:  fmt.Errorf("%w: %s %d has digits below the stored unit", arrowio.ErrCast, from, v),
				}
			}
			out[i] = scaled / div
		}
		return nil
	}
}

func timestampConverter(t *arrow.TimestampType, unit meta.TimeUnit) converter {
	perSecond := map[meta.TimeUnit]int64{meta.Millis: 1e3, meta.Micros: 1e6, meta.Nanos: 1e9}[unit]
	from := int64(t.Unit.Multiplier())
	from = int64(1e9) / from // ticks per second
	switch {
	case from == perSecond:
		return copyFixed[[8]byte]
	case from < perSecond:
		return rescale(perSecond/from, 1, arrow.DataType(t))
	}
	return rescale(1, from/perSecond, arrow.DataType(t))
}

const dayMillis = 24 * 60 * 60 * 1000

func convertDate64(dst *valueBuf, d arrow.ArrayData, sel selection) error {
	src := bufferOf[int64](d, 1)
	out := extend[int32](dst, sel.len())
	for i := range out {
		v := src[sel.at(i)]
		days := v / dayMillis
		if days*dayMillis != v || days != int64(int32(days)) {
			return fmt.Errorf("%w: date64 %d is not a whole day within reach of DATE", arrowio.ErrCast, v)
		}
		out[i] = int32(days)
	}
	return nil
}

// decimals stores unscaled values in the column's 4, 8 or n bytes; the last
// big-endian, as the format has it. narrow also tells whether 64 bits are all
// of a value.
func decimals[T any](e *meta.SchemaElement, wide func(T) decimal256.Num, narrow func(T) (v int64, fits bool)) converter {
	tooBig := func() error {
		return fmt.Errorf("%w: a decimal has more than %d digits", arrowio.ErrCast, e.Precision)
	}
	return func(dst *valueBuf, d arrow.ArrayData, sel selection) error {
		src := bufferOf[T](d, 1)
		switch dst.width {
		case 4:
			if e.Type != meta.Int32 {
				break
			}
			out := extend[int32](dst, sel.len())
			for i := range out {
				v, fits := narrow(src[sel.at(i)])
				if !fits || v != int64(int32(v)) {
					return tooBig()
				}
				out[i] = int32(v)
			}
			return nil
		case 8:
			if e.Type != meta.Int64 {
				break
			}
			out := extend[int64](dst, sel.len())
			for i := range out {
				v, fits := narrow(src[sel.at(i)])
				if !fits {
					return tooBig()
				}
				out[i] = v
			}
			return nil
		}
		for i := range sel.len() {
			var be [32]byte
			for k, w := range wide(src[sel.at(i)]).Array() {
				for j := range 8 {
					be[31-8*k-j] = byte(w >> (8 * j))
				}
			}
			cut := 32 - dst.width
			sign := byte(int8(be[cut]) >> 7)
			for _, b := range be[:cut] {
				if b != sign {
					return tooBig()
				}
			}
			dst.fixed = append(dst.fixed, be[cut:]...)
		}
		dst.n += sel.len()
		return nil
	}
}

// intervalConverter stores months, days and milliseconds, three unsigned
// little-endian integers (LogicalTypes.md, "INTERVAL").
func intervalConverter(dt arrow.DataType) converter {
	put := func(dst *valueBuf, parts ...int64) error {
		for _, p := range parts {
			if p < 0 || p > math.MaxUint32 {
				return fmt.Errorf("%w: INTERVAL holds no negative and no greater part than 2^32-1, here %d", arrowio.ErrCast, p)
			}
			dst.fixed = append(dst.fixed, byte(p), byte(p>>8), byte(p>>16), byte(p>>24))
		}
		dst.n++
		return nil
	}
	one := func(dst *valueBuf, d arrow.ArrayData, x int) error {
		switch dt.ID() {
		case arrow.INTERVAL_MONTHS:
			return put(dst, int64(bufferOf[int32](d, 1)[x]), 0, 0)
		case arrow.INTERVAL_DAY_TIME:
			v := bufferOf[arrow.DayTimeInterval](d, 1)[x]
			return put(dst, 0, int64(v.Days), int64(v.Milliseconds))
		}
		v := bufferOf[arrow.MonthDayNanoInterval](d, 1)[x]
		if v.Nanoseconds%1e6 != 0 {
			return fmt.Errorf("%w: INTERVAL has no digits below the millisecond, here %d ns", arrowio.ErrCast, v.Nanoseconds)
		}
		return put(dst, int64(v.Months), int64(v.Days), v.Nanoseconds/1e6)
	}
	return func(dst *valueBuf, d arrow.ArrayData, sel selection) error {
		for i := range sel.len() {
			if err := one(dst, d, sel.at(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func binaries[T int32 | int64](dst *valueBuf, d arrow.ArrayData, sel selection) error {
	offsets, data := bufferOf[T](d, 1), bufferOf[byte](d, 2)
	if sel.idx == nil {
		if sel.lo == sel.hi {
			return nil
		}
		first, last := offsets[sel.lo], offsets[sel.hi]
		if int64(len(dst.data))+int64(last-first) > math.MaxInt32 {
			return fmt.Errorf("%w: a page cannot hold %d bytes", arrowio.ErrLimit, int64(len(dst.data))+int64(last-first))
		}
		shift := int64(len(dst.data)) - int64(first)
		dst.data = append(dst.data, data[first:last]...)
		for _, o := range offsets[sel.lo+1 : sel.hi+1] {
			dst.offsets = append(dst.offsets, int32(int64(o)+shift))
		}
		dst.n += sel.hi - sel.lo
		return nil
	}
	for _, x := range sel.idx {
		if err := dst.add(data[offsets[x]:offsets[x+1]]); err != nil {
			return err
		}
	}
	return nil
}

func views(dst *valueBuf, d arrow.ArrayData, sel selection) error {
	src := bufferOf[arrow.ViewHeader](d, 1)
	for i := range sel.len() {
		h := &src[sel.at(i)]
		var b []byte
		if h.IsInline() {
			b = h.InlineBytes()
		} else {
			off := h.BufferOffset()
			b = bufferOf[byte](d, 2+int(h.BufferIndex()))[off : int(off)+h.Len()]
		}
		if err := dst.add(b); err != nil {
			return err
		}
	}
	return nil
}
