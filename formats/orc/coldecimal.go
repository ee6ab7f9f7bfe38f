package orc

import (
	"fmt"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

// decimalColumn reads DECIMAL columns: unscaled values as varints of any
// length, each with a scale of its own; in files of version 2 those of at most
// 18 digits are an integer stream in the column's scale.
type decimalColumn struct {
	slots
	vals   encoding.Varints
	scales intStream
	ints64 *intStream // version 2
	narrow bool       // every value fits 64 bits
	scale  int64
	out    vec[decimal128.Num]
	v, s   []int64
}

func newDecimalColumn(st *stripe, n *node, enc proto.ColumnEncoding) (column, error) {
	precision, scale := decimalOf(n.typ)
	c := &decimalColumn{out: vec[decimal128.Num]{mem: st.o.Alloc}, scale: int64(scale), narrow: precision <= 18}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	if c.narrow && st.r.decimalsAreInts() {
		in, err := st.ints(n, proto.Data, 2, true)
		c.ints64 = &in
		return c, err
	}
	src, err := st.source(n.id, proto.Data)
	if err != nil {
		return nil, err
	}
	c.vals.Reset(src)
	c.scales, err = st.ints(n, proto.Secondary, version(enc.Kind), true)
	return c, err
}

// decimalsAreInts says that the file is of the unreleased version 2, marked as
// 1.9999, whose short decimals have no scales.
func (r *Reader) decimalsAreInts() bool {
	v := r.ps.Version
	return len(v) == 2 && (v[0] == 1 && v[1] == 9999 || v[0] >= 2)
}

func (c *decimalColumn) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	dst := c.out.room(n)[:m.ones]
	if len(dst) > 0 {
		if err := c.decode(dst); err != nil {
			return c.fail(err)
		}
	}
	c.out.spread(n, m)
	return nil
}

func (c *decimalColumn) decode(dst []decimal128.Num) error {
	for len(dst) > 0 {
		k := min(len(dst), pieceLen)
		if err := c.piece(dst[:k]); err != nil {
			return err
		}
		dst = dst[k:]
	}
	return nil
}

func (c *decimalColumn) piece(dst []decimal128.Num) error {
	v := scratch(&c.v, len(dst))
	if c.ints64 != nil {
		if err := c.ints64.decode(v); err != nil {
			return err
		}
		widen(dst, v)
		return nil
	}
	s := scratch(&c.s, len(dst))
	if err := c.scales.decode(s); err != nil {
		return err
	}
	if c.narrow {
		if err := c.vals.Next64(v); err != nil {
			return fmt.Errorf("DATA: %w", err)
		}
		if err := rescale64(v, s, c.scale); err != nil {
			return err
		}
		widen(dst, v)
		return nil
	}
	if err := c.vals.Next128(dst); err != nil {
		return fmt.Errorf("DATA: %w", err)
	}
	for i, sc := range s {
		if sc != c.scale {
			var err error
			if dst[i], err = rescale(dst[i], sc, c.scale); err != nil {
				return err
			}
		}
	}
	return nil
}

func widen(dst []decimal128.Num, v []int64) {
	for i, x := range v[:len(dst)] {
		dst[i] = decimal128.New(x>>63, uint64(x))
	}
}

// maxScale is the most digits that 128 bits hold, and maxScale64 that 64 do.
const maxScale, maxScale64 = 38, 18

// tens are the powers of ten that fit 64 bits, signed.
var tens = func() (t [maxScale64 + 1]int64) {
	t[0] = 1
	for i := range maxScale64 {
		t[i+1] = 10 * t[i]
	}
	return t
}()

// rescale64 brings values to the column's scale, exactly. Java's writer drops
// zeros at the end, so that most values have another.
func rescale64(v, from []int64, to int64) error {
	for i, sc := range from {
		if sc == to {
			continue
		}
		d := uint64(to - sc)
		if d <= maxScale64 {
			if w := v[i] * tens[d]; w/tens[d] == v[i] {
				v[i] = w
				continue
			}
		}
		w, err := rescale(decimal128.FromI64(v[i]), sc, to)
		if err != nil {
			return err
		}
		if w.HighBits() != int64(w.LowBits())>>63 {
			return misfit(decimal128.FromI64(v[i]), sc, to)
		}
		v[i] = int64(w.LowBits())
	}
	return nil
}

func misfit(v decimal128.Num, from, to int64) error {
	return fmt.Errorf("%w: %s at scale %d does not fit the column's scale %d", arrowio.ErrCast, v.BigInt(), from, to)
}

// rescale brings a value to the column's scale, exactly.
func rescale(v decimal128.Num, from, to int64) (decimal128.Num, error) {
	if v == (decimal128.Num{}) {
		return v, nil
	}
	if from < -maxScale || from > 2*maxScale {
		return v, corrupt("a decimal of scale %d", from)
	}
	abs := v.Abs()
	hi, lo := uint64(abs.HighBits()), abs.LowBits()
	for d := to - from; d != 0; {
		if d > 0 {
			k := min(d, maxScale64)
			over, mid := bits.Mul64(hi, uint64(tens[k]))
			carry, low := bits.Mul64(lo, uint64(tens[k]))
			mid, c := bits.Add64(mid, carry, 0)
			if over+c != 0 || mid>>63 != 0 {
				return v, misfit(v, from, to)
			}
			hi, lo, d = mid, low, d-k
			continue
		}
		k := min(-d, maxScale64)
		ten := uint64(tens[k])
		q, rest := hi/ten, hi%ten
		if lo, rest = bits.Div64(rest, lo, ten); rest != 0 {
			return v, misfit(v, from, to)
		}
		hi, d = q, d+k
	}
	out := decimal128.New(int64(hi), lo)
	if v.Sign() < 0 {
		out = out.Negate()
	}
	return out, nil
}

func (c *decimalColumn) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil || ones == 0 {
		return err
	}
	if c.ints64 != nil {
		return c.fail(c.ints64.pass(ones))
	}
	if err := c.vals.Skip(ones); err != nil {
		return c.fail(fmt.Errorf("DATA: %w", err))
	}
	return c.fail(c.scales.pass(ones))
}

func (c *decimalColumn) seek(group int) error {
	at, err := c.seekPresent(group)
	switch {
	case err != nil:
	case c.ints64 != nil:
		err = at.ints(c.st, c.node, *c.ints64)
	default:
		if err = at.varints(c.st, c.node, &c.vals); err == nil {
			err = at.ints(c.st, c.node, c.scales)
		}
	}
	return c.fail(err)
}

func (c *decimalColumn) size() int64   { return c.out.size() }
func (c *decimalColumn) reserve(n int) { c.out.reserve(n) }

func (c *decimalColumn) take() (arrow.ArrayData, error) { return c.data(nil, c.out.take()), nil }

func (c *decimalColumn) release() {
	c.slots.release()
	c.out.release()
}
