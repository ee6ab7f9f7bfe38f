package orc

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

// timestampColumn reads TIMESTAMP columns, as the wall clock of the writer's
// zone, and TIMESTAMP WITH LOCAL TIME ZONE columns, as instants.
type timestampColumn struct {
	slots
	secs, nanos intStream
	zone        *zone
	perSec      int64 // units in a second; 0: exact nanoseconds as decimals
	out         vec[int64]
	exact       vec[decimal128.Num]
	s, ns       []int64
}

func newTimestampColumn(st *stripe, n *node, enc proto.ColumnEncoding) (column, error) {
	c := &timestampColumn{out: vec[int64]{mem: st.o.Alloc}, exact: vec[decimal128.Num]{mem: st.o.Alloc}}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	if t, ok := n.field.Type.(*arrow.TimestampType); ok {
		c.perSec = int64(1e9) / int64(t.Unit.Multiplier())
	}
	var err error
	if n.typ.Kind == proto.TimestampInstant {
		c.zone, err = zoneOf("")
	} else {
		c.zone, err = zoneOf(st.footer.WriterTimezone.Or(""))
	}
	if err != nil {
		return nil, err
	}
	if c.secs, err = st.ints(n, proto.Data, version(enc.Kind), true); err != nil {
		return nil, err
	}
	c.nanos, err = st.ints(n, proto.Secondary, version(enc.Kind), false)
	return c, err
}

func (c *timestampColumn) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	if c.perSec == 0 {
		dst := c.exact.room(n)[:m.ones]
		for len(dst) > 0 && err == nil {
			k := min(len(dst), pieceLen)
			err = c.pieceExact(dst[:k])
			dst = dst[k:]
		}
		c.exact.spread(n, m)
		return c.fail(err)
	}
	dst := c.out.room(n)[:m.ones]
	for len(dst) > 0 && err == nil {
		k := min(len(dst), pieceLen)
		err = c.piece(dst[:k])
		dst = dst[k:]
	}
	c.out.spread(n, m)
	return c.fail(err)
}

// decode gives the next seconds since 1970, as wall clock or instant, and
// nanoseconds.
func (c *timestampColumn) decode(secs, nanos []int64) error {
	if err := c.secs.decode(secs); err != nil {
		return err
	}
	if err := c.nanos.decode(nanos); err != nil {
		return err
	}
	if err := encoding.DecodeNanos(nanos); err != nil {
		return fmt.Errorf("SECONDARY: %w", err)
	}
	base, z := c.zone.base, c.zone
	for i, s := range secs {
		if s > math.MaxInt64>>2 || s < math.MinInt64>>2 {
			return corrupt("a timestamp of %d seconds", s)
		}
		s += base
		// Writers cut the seconds of instants before 1970 towards zero.
		if s < 0 && nanos[i] > 999_999 {
			s--
		}
		secs[i] = z.wall(s)
	}
	return nil
}

func (c *timestampColumn) piece(dst []int64) error {
	secs, nanos := dst, scratch(&c.ns, len(dst))
	if err := c.decode(secs, nanos); err != nil {
		return err
	}
	per := c.perSec
	most := math.MaxInt64/per - 1
	step := int64(1e9) / per
	for i, s := range secs {
		ns := nanos[i]
		if s > most || s < -most {
			v, err := c.edge(s, ns)
			if err != nil {
				return err
			}
			dst[i] = v
			continue
		}
		sub := ns
		if step > 1 {
			if sub = ns / step; sub*step != ns {
				return fmt.Errorf("%w: a timestamp of %d seconds and %d nanoseconds is none of whole %s (try: -X timestamp=exact)", arrowio.ErrCast, s, ns, c.node.field.Type)
			}
		}
		dst[i] = s*per + sub
	}
	return nil
}

// edge is a timestamp close to the ends of what 64 bits hold, or beyond.
func (c *timestampColumn) edge(s, ns int64) (int64, error) {
	v, ok := exactNanos(s, ns), true
	q := v.BigInt()
	if step := int64(1e9) / c.perSec; step > 1 {
		d, _ := v.Div(decimal128.FromI64(step))
		ok = d.Mul(decimal128.FromI64(step)) == v
		q = d.BigInt()
	}
	if !ok || !q.IsInt64() {
		return 0, fmt.Errorf("%w: a timestamp of %d seconds and %d nanoseconds does not fit %s (try: -X timestamp=us or timestamp=exact)", arrowio.ErrCast, s, ns, c.node.field.Type)
	}
	return q.Int64(), nil
}

// exactNanos is s seconds and ns nanoseconds in nanoseconds.
func exactNanos(s, ns int64) decimal128.Num {
	hi, lo := bits.Mul64(uint64(s), 1e9)
	if s < 0 {
		hi -= 1e9
	}
	lo, carry := bits.Add64(lo, uint64(ns), 0)
	return decimal128.New(int64(hi+carry), lo)
}

func (c *timestampColumn) pieceExact(dst []decimal128.Num) error {
	secs, nanos := scratch(&c.s, len(dst)), scratch(&c.ns, len(dst))
	if err := c.decode(secs, nanos); err != nil {
		return err
	}
	for i, s := range secs {
		dst[i] = exactNanos(s, nanos[i])
	}
	return nil
}

func (c *timestampColumn) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil {
		return err
	}
	if err := c.secs.pass(ones); err != nil {
		return c.fail(err)
	}
	return c.fail(c.nanos.pass(ones))
}

func (c *timestampColumn) seek(group int) error {
	at, err := c.seekPresent(group)
	if err == nil {
		err = at.ints(c.st, c.node, c.secs)
	}
	if err == nil {
		err = at.ints(c.st, c.node, c.nanos)
	}
	return c.fail(err)
}

func (c *timestampColumn) size() int64 { return c.out.size() + c.exact.size() }

func (c *timestampColumn) reserve(n int) {
	if c.perSec == 0 {
		c.exact.reserve(n)
		return
	}
	c.out.reserve(n)
}

func (c *timestampColumn) take() (arrow.ArrayData, error) {
	if c.perSec == 0 {
		return c.data(nil, c.exact.take()), nil
	}
	return c.data(nil, c.out.take()), nil
}

func (c *timestampColumn) release() {
	c.slots.release()
	c.out.release()
	c.exact.release()
}
