package colbuild

import (
	"fmt"
	"math"
	"unsafe"
)

// Int8 appends to a column of 8-bit slots.
func (c *Column) Int8(v int8) {
	if c.n >= c.room {
		c.grow()
	}
	*(*int8)(unsafe.Add(c.p, c.n)) = v
	c.n++
}

// Int16 appends to a column of 16-bit slots, Float16 among them.
func (c *Column) Int16(v int16) {
	if c.n >= c.room {
		c.grow()
	}
	*(*int16)(unsafe.Add(c.p, c.n*2)) = v
	c.n++
}

// Int32 appends to a column of 32-bit slots: integers of either sign, dates,
// times, decimals, months.
func (c *Column) Int32(v int32) {
	if c.n >= c.room {
		c.grow()
	}
	*(*int32)(unsafe.Add(c.p, c.n*4)) = v
	c.n++
}

// Int64 appends to a column of 64-bit slots: integers of either sign, times,
// timestamps, durations, decimals.
func (c *Column) Int64(v int64) {
	if c.n >= c.room {
		c.grow()
	}
	*(*int64)(unsafe.Add(c.p, c.n*8)) = v
	c.n++
}

// Float32 appends to a column of float32.
func (c *Column) Float32(v float32) {
	if c.n >= c.room {
		c.grow()
	}
	*(*float32)(unsafe.Add(c.p, c.n*4)) = v
	c.n++
}

// Float64 appends to a column of float64.
func (c *Column) Float64(v float64) {
	if c.n >= c.room {
		c.grow()
	}
	*(*float64)(unsafe.Add(c.p, c.n*8)) = v
	c.n++
}

// Decimal128 appends to a column of 128-bit slots.
func (c *Column) Decimal128(lo uint64, hi int64) {
	if c.n >= c.room {
		c.grow()
	}
	*(*[2]uint64)(unsafe.Add(c.p, c.n*16)) = [2]uint64{lo, uint64(hi)}
	c.n++
}

// MonthDayNano appends to a column of calendar intervals.
func (c *Column) MonthDayNano(months, days int32, nanos int64) {
	c.Decimal128(uint64(uint32(months))|uint64(uint32(days))<<32, nanos)
}

// Bool appends to a column of booleans.
func (c *Column) Bool(v bool) {
	if c.n >= c.room {
		c.grow()
	}
	*(*bool)(unsafe.Add(c.p, c.n)) = v
	c.n++
}

// Fixed appends the bytes of a slot as they lie in memory; there must be as
// many as the slots are wide. What v holds is copied.
func (c *Column) Fixed(v []byte) {
	if dst := c.slot(); dst != nil {
		copy(dst, v)
	}
}

// slot appends a slot of fixed width for the caller to fill; nil if the row
// has failed.
func (c *Column) slot() []byte {
	if c.n >= c.room {
		if c.width <= 64 {
			c.grow()
		} else if !c.growWide() {
			return nil
		}
	}
	c.n++
	return unsafe.Slice((*byte)(unsafe.Add(c.p, (c.n-1)*c.width)), c.width)
}

// Width is the bytes of a slot of fixed width, or the length of a fixed-size
// list.
func (c *Column) Width() int { return c.width }

// Bytes appends to a column of text or binary, of 32- or 64-bit offsets.
func (c *Column) Bytes(v []byte) {
	i := len(c.data)
	if i+len(v) > cap(c.data) && !c.growData(len(v)) {
		return
	}
	c.data = c.data[:i+len(v)]
	copy(c.data[i:], v)
	c.endBytes()
}

// String is Bytes of a string.
func (c *Column) String(v string) {
	c.Bytes(unsafe.Slice(unsafe.StringData(v), len(v)))
}

func (c *Column) endBytes() {
	c.n++
	if c.layout == largeText {
		if len(c.offs64) >= cap(c.offs64)-1 {
			c.growOffs()
		}
		c.offs64 = append(c.offs64, int64(len(c.data)))
		return
	}
	if len(c.offs) >= cap(c.offs)-1 {
		c.growOffs()
	}
	c.offs = append(c.offs, int32(len(c.data)))
}

// Room gives memory for n more bytes of the value in hand, for codecs that
// unescape or render straight into the column; Write keeps the first k of
// them and EndBytes ends the value. It is nil if the row has failed.
func (c *Column) Room(n int) []byte {
	i := len(c.data)
	if i+n > cap(c.data) && !c.growData(n) {
		return nil
	}
	return c.data[i : i+n : i+n]
}

// Write keeps k bytes of what Room gave.
func (c *Column) Write(k int) { c.data = c.data[:len(c.data)+k] }

// EndBytes ends a value whose bytes were put by Room and Write.
func (c *Column) EndBytes() {
	if !c.b.Failed() {
		c.endBytes()
	}
}

// EndList ends a list or map of the elements appended to Child(0) since the
// slot before. A fixed-size list of another length is an error.
func (c *Column) EndList() error {
	k := c.kids[0].n
	if k > math.MaxInt32 {
		c.b.fail(c, "%d elements in one batch", k)
		return nil
	}
	c.n++
	switch c.layout {
	case list:
		if len(c.offs) >= cap(c.offs)-1 {
			c.growOffs()
		}
		c.offs = append(c.offs, int32(k))
	case largeList:
		if len(c.offs64) >= cap(c.offs64)-1 {
			c.growOffs()
		}
		c.offs64 = append(c.offs64, int64(k))
	default:
		if k != c.n*c.width {
			return fmt.Errorf("a list of %d elements where the type has %d", k-(c.n-1)*c.width, c.width)
		}
	}
	return nil
}

// EndStruct ends a struct of which each child was given one value.
func (c *Column) EndStruct() { c.n++ }

// Branch appends a union slot of the i-th child and gives the child, which
// must be given one value.
func (c *Column) Branch(i int) *Column {
	k := c.kids[i]
	if len(c.data) < cap(c.data) || c.growData(1) {
		c.data = append(c.data, byte(c.codes[i]))
	}
	if len(c.offs) >= cap(c.offs) {
		c.growOffs()
	}
	c.offs = append(c.offs, int32(k.n))
	if k.n >= math.MaxInt32 {
		c.b.fail(c, "%d values in one batch", k.n)
	}
	c.n++
	return k
}

// Null appends a null. A union has none of its own: it takes its null child, or
// the first that is nullable.
func (c *Column) Null() {
	if c.layout == denseUnion {
		c.nullBranch()
		return
	}
	c.nulls = append(c.nulls, int32(c.n))
	c.blank()
}

func (c *Column) nullBranch() {
	at := 0
	for i := len(c.kids) - 1; i >= 0; i-- {
		if c.kids[i].field.Nullable {
			at = i
		}
	}
	for i, k := range c.kids {
		if k.layout == nothing {
			at = i
		}
	}
	c.Branch(at).Null()
}

// blank appends a slot that no one looks at: beneath a null.
func (c *Column) blank() {
	switch c.layout {
	case nothing:
		c.n++
	case flags:
		c.Bool(false)
	case fixed:
		if dst := c.slot(); dst != nil {
			clear(dst)
		}
	case text, largeText:
		c.endBytes()
	case list, largeList:
		_ = c.EndList() // no elements: it cannot be of the wrong length
	case fixedList:
		c.n++
		for range c.width {
			c.kids[0].pad()
			if c.b.Failed() {
				return
			}
		}
	case structure:
		c.n++
		for _, k := range c.kids {
			k.pad()
		}
	case denseUnion:
		c.nullBranch()
	}
}

// pad appends what belongs beneath a null: a null where the field may be null,
// so that its flag stays true of the array.
func (c *Column) pad() {
	if c.field.Nullable {
		c.Null()
	} else {
		c.blank()
	}
}

// Nulls appends n nulls.
func (c *Column) Nulls(n int) {
	if c.layout == nothing {
		if c.n += n; c.n > math.MaxInt32 {
			c.b.fail(c, "%d values in one batch", c.n)
		}
		return
	}
	for range n {
		c.Null()
		if c.b.Failed() {
			return
		}
	}
}

// Decimal appends the decimal, or integer, whose unscaled value is v in
// big-endian two's complement of any length, to a column of 32-, 64-, 128- or
// 256-bit slots. A value that does not fit is reported and not appended. No
// bytes are zero.
func (c *Column) Decimal(v []byte) (fits bool) {
	var sign byte
	if len(v) > 0 && v[0]&0x80 != 0 {
		sign = 0xff
	}
	for len(v) > c.width { // leading bytes that only repeat the sign
		if v[0] != sign || v[1]&0x80 != sign&0x80 {
			return false
		}
		v = v[1:]
	}
	if c.width == 16 && len(v) <= 8 {
		x := int64(int8(sign))
		for _, b := range v {
			x = x<<8 | int64(b)
		}
		c.Decimal128(uint64(x), x>>63)
		return true
	}
	dst := c.slot()
	if dst == nil {
		return true // the row has failed
	}
	k := len(v)
	for i, b := range v {
		dst[k-1-i] = b
	}
	for i := k; i < len(dst); i++ {
		dst[i] = sign
	}
	return true
}

// Index appends to a dictionary column the index of a value.
func (c *Column) Index(v int) {
	switch c.width {
	case 1:
		c.Int8(int8(v))
	case 2:
		c.Int16(int16(v))
	case 4:
		c.Int32(int32(v))
	default:
		c.Int64(int64(v))
	}
}
