package orc

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/bloom"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

// decimalWriter writes decimal columns (specification, "Decimal Columns"):
// unscaled values as varints, and the scale of each, always the column's.
type decimalWriter struct {
	data   outStream
	scales intOut
	marks  marks
	load   func(dst []decimal128.Num, d arrow.ArrayData, at places) error
	digits int32
	scale  []int64 // the column's, repeated
	wide   []decimal128.Num
	narrow []int64
}

func newDecimalWriter(n *writeNode) *decimalWriter {
	v := &decimalWriter{digits: int32(n.typ.Precision.V), scale: make([]int64, encoding.MaxRun), load: loadDecimals(n.storage)}
	for i := range v.scale {
		v.scale[i] = int64(n.typ.Scale.V)
	}
	v.scales.enc.Signed = true
	return v
}

// loadDecimals gives the function that reads unscaled values of an Arrow type.
func loadDecimals(dt arrow.DataType) func(dst []decimal128.Num, d arrow.ArrayData, at places) error {
	switch dt.(type) {
	case *arrow.Uint64Type:
		return gatherDecimals(func(v uint64) (decimal128.Num, bool) { return decimal128.New(0, v), true })
	case *arrow.Decimal32Type:
		return gatherDecimals(func(v int32) (decimal128.Num, bool) { return decimal128.FromI64(int64(v)), true })
	case *arrow.Decimal64Type:
		return gatherDecimals(func(v int64) (decimal128.Num, bool) { return decimal128.FromI64(v), true })
	case *arrow.Decimal256Type:
		return gatherDecimals(func(v decimal256.Num) (decimal128.Num, bool) {
			w := v.Array()
			sign := uint64(int64(w[1]) >> 63)
			return decimal128.New(int64(w[1]), w[0]), w[2] == sign && w[3] == sign
		})
	}
	return gatherDecimals(func(v decimal128.Num) (decimal128.Num, bool) { return v, true })
}

func gatherDecimals[T any](to func(T) (decimal128.Num, bool)) func(dst []decimal128.Num, d arrow.ArrayData, at places) error {
	return func(dst []decimal128.Num, d arrow.ArrayData, at places) error {
		src := view[T](d, 1)
		for i := range dst {
			v, ok := to(src[at.at(i)])
			if !ok {
				return fmt.Errorf("%w: a decimal of more than 38 digits", arrowio.ErrCast)
			}
			dst[i] = v
		}
		return nil
	}
}

func (v *decimalWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	v.wide = sized(v.wide, at.n)
	if err := v.load(v.wide, d, at); err != nil {
		return err
	}
	if v.digits <= 18 {
		v.narrow = sized(v.narrow, at.n)
		most := tens[v.digits]
		for i, x := range v.wide {
			lo := int64(x.LowBits())
			if x.HighBits() != lo>>63 || lo <= -most || lo >= most {
				return v.tooBig(x)
			}
			v.narrow[i] = lo
		}
		c.group.decimal.addNarrow(v.narrow)
		v.data.raw = encoding.AppendVarints(v.data.raw, v.narrow)
	} else {
		for _, x := range v.wide {
			if !x.FitsInPrecision(v.digits) {
				return v.tooBig(x)
			}
			v.data.raw = encoding.AppendVarint128(v.data.raw, x)
		}
		c.group.decimal.add(v.wide)
	}
	v.data.settle()
	for n := at.n; n > 0; n -= min(n, len(v.scale)) {
		v.scales.append(v.scale[:min(n, len(v.scale))])
	}
	if c.filter != nil {
		for _, x := range v.wide {
			c.filter.Add(bloom.HashBytes([]byte(decimalText(x, int32(v.scale[0])))))
		}
	}
	return nil
}

func (v *decimalWriter) tooBig(x decimal128.Num) error {
	return fmt.Errorf("%w: a decimal has more than %d digits: %s unscaled", arrowio.ErrCast, v.digits, x.BigInt())
}

func (v *decimalWriter) begin() {
	at := len(v.marks.flat)
	v.marks.flat = v.scales.mark(v.data.mark(v.marks.flat))
	v.marks.add(at)
}

func (v *decimalWriter) positions(p []uint64, group int) []uint64 {
	return append(p, v.marks.at(group)...)
}

func (v *decimalWriter) finish(*columnWriter) (out valueStreams, err error) {
	out.encoding.Kind = proto.DirectV2
	if err := out.add(proto.Data, &v.data); err != nil {
		return out, err
	}
	return out, out.add(proto.Secondary, v.scales.end())
}

func (v *decimalWriter) reset() {
	v.data.reset()
	v.scales.reset()
	v.marks.reset()
}

func (v *decimalWriter) size() int64 { return v.data.size() + v.scales.size() }
func (v *decimalWriter) held() int64 {
	return v.data.held() + v.scales.held() + int64(16*cap(v.wide)+8*cap(v.narrow))
}

// epoch is the second that timestamps count from (specification, "Timestamp
// Columns"): 2015-01-01, in the writer's time zone, which is UTC.
const epoch = 1_420_070_400

// timeWriter writes timestamps, with a local time zone or without.
type timeWriter struct {
	secs, nanos intOut
	marks       marks
	perSecond   int64 // of the Arrow unit
	exact       int64 // every value is a multiple of it
	unit        string
	most        int64 // seconds, either way
	buf, frac   []int64
}

// Timestamps whose milliseconds overflow are beyond what Java reads back.
const maxSeconds = math.MaxInt64/1000 - epoch - 1

func (v *timeWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	v.buf, v.frac = sized(v.buf, at.n), sized(v.frac, at.n)
	if err := load[int64](v.buf, d, at); err != nil {
		return err
	}
	per, scale := v.perSecond, 1_000_000_000/v.perSecond
	var t timeStats
	for i, x := range v.buf {
		if v.exact > 1 && x%v.exact != 0 {
			return &arrowio.Error{
				Hint: "a finer timestamp-unit",
				Err:  fmt.Errorf("%w: timestamp %d (1/%d s) has digits below %s", arrowio.ErrCast, x, per, v.unit),
			}
		}
		sec := x / per
		frac := x - sec*per
		if frac < 0 {
			sec, frac = sec-1, frac+per
		}
		if sec < -v.most || sec > v.most {
			return fmt.Errorf("%w: a timestamp of %d s is beyond what readers can count in 64 bits", arrowio.ErrCast, sec)
		}
		ns := frac * scale
		if p := (moment{sec*1000 + ns/1_000_000, int32(ns % 1_000_000)}); !t.any {
			t = timeStats{true, p, p}
		} else if p.less(t.min) {
			t.min = p
		} else if t.max.less(p) {
			t.max = p
		}
		if c.filter != nil {
			c.filter.Add(bloom.HashInt(sec*1000 + ns/1_000_000))
		}
		if sec < 0 && ns > 999_999 {
			// Readers take a second off again (specification, "Timestamp
			// Columns"), and can tell only by the sign.
			if sec++; sec == 0 {
				return &arrowio.Error{
					Hint: "a cast to int64 or to a string",
					Err:  fmt.Errorf("%w: ORC has no timestamps in the last second before 1970 but for its first millisecond, here -1 s + %d ns", arrowio.ErrCast, ns),
				}
			}
		}
		v.buf[i], v.frac[i] = sec-epoch, encoding.EncodeNano(ns)
	}
	c.group.times.merge(&t)
	v.secs.append(v.buf)
	v.nanos.append(v.frac)
	return nil
}

func (v *timeWriter) begin() {
	at := len(v.marks.flat)
	v.marks.flat = v.nanos.mark(v.secs.mark(v.marks.flat))
	v.marks.add(at)
}

func (v *timeWriter) positions(p []uint64, group int) []uint64 {
	return append(p, v.marks.at(group)...)
}

func (v *timeWriter) finish(*columnWriter) (out valueStreams, err error) {
	out.encoding.Kind = proto.DirectV2
	if err := out.add(proto.Data, v.secs.end()); err != nil {
		return out, err
	}
	return out, out.add(proto.Secondary, v.nanos.end())
}

func (v *timeWriter) reset() {
	v.secs.reset()
	v.nanos.reset()
	v.marks.reset()
}

func (v *timeWriter) size() int64 { return v.secs.size() + v.nanos.size() }
func (v *timeWriter) held() int64 {
	return v.secs.held() + v.nanos.held() + int64(8*(cap(v.buf)+cap(v.frac)))
}

// unitTicks are the units of timestamps, by name.
var unitTicks = map[string]struct {
	arrow     arrow.TimeUnit
	perSecond int64
}{
	"s": {arrow.Second, 1}, "ms": {arrow.Millisecond, 1e3}, "us": {arrow.Microsecond, 1e6}, "ns": {arrow.Nanosecond, 1e9},
}

func newTimeWriter(n *writeNode, unit string) *timeWriter {
	own := unitTicks[n.storage.(*arrow.TimestampType).Unit.String()]
	v := &timeWriter{perSecond: own.perSecond, exact: 1, unit: unit}
	v.most = maxSeconds
	if want, ok := unitTicks[unit]; ok {
		v.exact = max(own.perSecond/want.perSecond, 1)
		v.most = min(v.most, math.MaxInt64/want.perSecond-1)
	}
	v.secs.enc.Signed = true
	return v
}
