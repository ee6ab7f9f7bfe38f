package program

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/colbuild"
)

const (
	// maxSkipDepth bounds the nesting of recursive values that are skipped.
	maxSkipDepth = 10_000
	// maxEmpty bounds the elements without bytes (null, records of nothing) of
	// one buffer, whose count no bytes back; each byte allows for some more.
	maxEmpty     = 1 << 20
	emptyPerByte = 16
)

var (
	errShort  = fmt.Errorf("%w: the data ends within a value", arrowio.ErrCorrupt)
	errVarint = fmt.Errorf("%w: a number of more than 64 bits", arrowio.ErrCorrupt)
	errUTF8   = fmt.Errorf("%w: %w", arrowio.ErrCorrupt, colbuild.ErrText)
)

// Rows decodes up to n rows of buf from p on and ends each with EndRow. It
// stops early at a row that fills the batch or is refused (then the row at the
// returned place is to be decoded again), and at an error, which names the
// column.
func (d *Decoder) Rows(buf []byte, p, n int) (next, done int, st colbuild.Status, err error) {
	if p == 0 {
		d.empty = maxEmpty + emptyPerByte*len(buf)
	}
	for done < n {
		q := d.run(d.root, buf, p)
		if q < 0 && d.err != nil {
			err, d.err = d.err, nil
			d.b.Rewind()
			return p, done, colbuild.More, err
		}
		switch st = d.b.EndRow(); st {
		case colbuild.Refused:
			return p, done, st, nil
		case colbuild.Full:
			return q, done + 1, st, nil
		}
		p = q
		done++
	}
	return p, done, colbuild.More, nil
}

// Skip passes over n values of buf from p on, of a program by CompileSkip.
func (d *Decoder) Skip(buf []byte, p, n int) (next int, err error) {
	d.empty = maxEmpty + emptyPerByte*len(buf)
	for range n {
		if p = d.run(d.root, buf, p); p < 0 {
			err, d.err = d.err, nil
			return 0, err
		}
	}
	return p, nil
}

// fail notes the first error and which column it is of. A row that was refused
// goes on failing without one.
func (d *Decoder) fail(o *op, err error) int {
	if d.err == nil {
		if o != nil && o.col != nil && o.col.Path() != "" {
			err = &arrowio.Error{Op: "read", Column: o.col.Path(), Err: err}
		}
		d.err = err
	}
	return -1
}

// varint reads a number that is not one byte; -1 for one that is cut or too
// long.
func varint(b []byte, p int) (uint64, int) {
	if p+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[p:])
		if stop := ^x & 0x8080808080808080; stop != 0 {
			x &= stop ^ (stop - 1)
			x &= 0x7f7f7f7f7f7f7f7f
			x = x&0x007f007f007f007f | x&0x7f007f007f007f00>>1
			x = x&0x00003fff00003fff | x&0x3fff00003fff0000>>2
			x = x&0x000000000fffffff | x&0x0fffffff00000000>>4
			n := 0
			for stop&0x80 == 0 {
				stop >>= 8
				n++
			}
			return x, p + n + 1
		}
	}
	if p < 0 || p > len(b) {
		return 0, -1
	}
	x, n := binary.Uvarint(b[p:min(len(b), p+10)])
	if n <= 0 {
		return 0, -1
	}
	return x, p + n
}

func unzig(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// bad says why varint gave -1.
func bad(b []byte, p int) error {
	if len(b)-p >= 10 {
		return errVarint
	}
	return errShort
}

// length reads the length of bytes that must be there.
func (d *Decoder) length(o *op, b []byte, p int) (n, q int) {
	u, q := varint(b, p)
	if q < 0 {
		return 0, d.fail(o, bad(b, p))
	}
	v := unzig(u)
	if v < 0 || v > int64(len(b)-q) {
		return 0, d.fail(o, fmt.Errorf("%w: a value of %d bytes where %d are left", arrowio.ErrCorrupt, v, len(b)-q))
	}
	return int(v), q
}

var errInt = fmt.Errorf("%w: an int beyond 32 bits", arrowio.ErrCorrupt)

// run runs ops over buf from p on and gives where they end, -1 on an error.
func (d *Decoder) run(ops []op, buf []byte, p int) int {
	for i := range ops {
		o := &ops[i]
		if o.null != 0 {
			null, q := d.isNull(o, buf, p)
			if q < 0 {
				return -1
			}
			p = q
			if null {
				o.col.Null()
				continue
			}
		}
		switch o.code {
		case opNull:
			o.col.Null()
		case opBool:
			if p >= len(buf) {
				return d.fail(o, errShort)
			}
			v := buf[p]
			if v > 1 {
				return d.fail(o, fmt.Errorf("%w: a boolean of %d", arrowio.ErrCorrupt, v))
			}
			o.col.Bool(v != 0)
			p++
		case opInt:
			var u uint64
			if p < len(buf) && buf[p] < 0x80 {
				u = uint64(buf[p])
				p++
			} else {
				q := 0
				if u, q = varint(buf, p); q < 0 {
					return d.fail(o, bad(buf, p))
				}
				if p = q; u > math.MaxUint32 {
					return d.fail(o, errInt)
				}
			}
			o.col.Int32(int32(unzig(u)))
		case opLong:
			var u uint64
			if p < len(buf) && buf[p] < 0x80 {
				u = uint64(buf[p])
				p++
			} else {
				q := 0
				if u, q = varint(buf, p); q < 0 {
					return d.fail(o, bad(buf, p))
				}
				p = q
			}
			o.col.Int64(unzig(u))
		case opFloat:
			if len(buf)-p < 4 {
				return d.fail(o, errShort)
			}
			o.col.Int32(int32(binary.LittleEndian.Uint32(buf[p:])))
			p += 4
		case opDouble:
			if len(buf)-p < 8 {
				return d.fail(o, errShort)
			}
			o.col.Int64(int64(binary.LittleEndian.Uint64(buf[p:])))
			p += 8
		case opBytes:
			if p < len(buf) && buf[p]&0x81 == 0 && int(buf[p]>>1) < len(buf)-p {
				n := int(buf[p] >> 1)
				o.col.Bytes(buf[p+1 : p+1+n])
				p += 1 + n
				continue
			}
			n, q := d.length(o, buf, p)
			if q < 0 {
				return -1
			}
			o.col.Bytes(buf[q : q+n])
			p = q + n
		case opFixed:
			if len(buf)-p < o.size {
				return d.fail(o, errShort)
			}
			o.col.Fixed(buf[p : p+o.size])
			p += o.size
		case opDecimal:
			if p+9 <= len(buf) && buf[p]&1 == 0 && buf[p]-2 <= 14 && o.size == 16 { // 1 to 8 bytes
				n := int(buf[p] >> 1)
				v := int64(binary.BigEndian.Uint64(buf[p+1:])) >> (64 - 8*n)
				o.col.Decimal128(uint64(v), v>>63)
				p += 1 + n
				continue
			}
			n, q := d.length(o, buf, p)
			if q < 0 {
				return -1
			}
			if !o.col.Decimal(buf[q : q+n]) {
				return d.fail(o, fmt.Errorf("%w: a decimal of %d bytes does not fit %s", arrowio.ErrCast, n, o.col.Type()))
			}
			p = q + n
		case opRecord:
			if p = d.run(o.kids, buf, p); p < 0 {
				return -1
			}
			if o.col != nil {
				o.col.EndStruct()
			}
		case opSkip:
			if len(buf)-p < o.size {
				return d.fail(nil, errShort)
			}
			p += o.size
		case opSkipVarints:
			for range o.size {
				for p < len(buf) && buf[p] >= 0x80 {
					p++
				}
				p++
			}
			if p > len(buf) {
				return d.fail(nil, errShort)
			}
		case opSkipBytes:
			n, q := d.length(nil, buf, p)
			if q < 0 {
				return -1
			}
			p = q + n
		default:
			if p = d.seldom(o, buf, p); p < 0 {
				return -1
			}
		}
	}
	return p
}

// isNull reads the branch of a union of null and one other.
func (d *Decoder) isNull(o *op, buf []byte, p int) (null bool, next int) {
	if p < len(buf) {
		switch buf[p] {
		case 0:
			return o.null == 1, p + 1
		case 2:
			return o.null == 2, p + 1
		}
	}
	u, q := varint(buf, p)
	if q < 0 {
		return false, d.fail(o, bad(buf, p))
	}
	if u != 0 && u != 2 {
		return false, d.fail(o, fmt.Errorf("%w: branch %d of a union of 2", arrowio.ErrCorrupt, unzig(u)))
	}
	return (u == 0) == (o.null == 1), q
}

// number reads an int or long of its width.
func (d *Decoder) number(o *op, buf []byte, p int, int32s bool) (int64, int) {
	u, q := varint(buf, p)
	if q < 0 {
		return 0, d.fail(o, bad(buf, p))
	}
	if int32s && u > math.MaxUint32 {
		return 0, d.fail(o, errInt)
	}
	return unzig(u), q
}

// seldom runs one op that is not of the most frequent.
func (d *Decoder) seldom(o *op, buf []byte, p int) int {
	switch o.code {
	case opIntLong, opIntFloat, opIntDouble, opLongFloat, opLongDouble:
		v, q := d.number(o, buf, p, o.code <= opIntDouble)
		if q < 0 {
			return -1
		}
		switch o.code {
		case opIntLong:
			o.col.Int64(v)
		case opIntFloat, opLongFloat:
			o.col.Float32(float32(v))
		default:
			o.col.Float64(float64(v))
		}
		return q
	case opFloatDouble:
		if len(buf)-p < 4 {
			return d.fail(o, errShort)
		}
		o.col.Float64(float64(math.Float32frombits(binary.LittleEndian.Uint32(buf[p:]))))
		return p + 4
	case opEnum, opEnumText:
		return d.enum(o, buf, p)
	case opDecimalFixed:
		if len(buf)-p < o.size {
			return d.fail(o, errShort)
		}
		if !o.col.Decimal(buf[p : p+o.size]) {
			return d.fail(o, fmt.Errorf("%w: a decimal of %d bytes does not fit %s", arrowio.ErrCast, o.size, o.col.Type()))
		}
		return p + o.size
	case opDuration:
		return d.duration(o, buf, p)
	case opArray, opMap:
		return d.list(o, buf, p)
	case opBranches, opSkipBranches:
		v, q := d.number(o, buf, p, false)
		if q < 0 {
			return -1
		}
		if v < 0 || v >= int64(len(o.kids)) {
			return d.fail(o, fmt.Errorf("%w: branch %d of a union of %d", arrowio.ErrCorrupt, v, len(o.kids)))
		}
		return d.run(o.kids[v:v+1], buf, q)
	case opInto:
		o.col.Branch(o.size)
		return d.run(o.kids, buf, p)
	case opConst:
		if d.run(o.kids, o.data, 0) < 0 {
			return -1
		}
		return p
	case opFail:
		return d.fail(o, o.err)
	case opInterval, opDayTime:
		return d.interval(o, buf, p)
	case opSkipText:
		n, q := d.length(nil, buf, p)
		if q < 0 {
			return -1
		}
		if !utf8.Valid(buf[q : q+n]) {
			return d.fail(nil, errUTF8)
		}
		return q + n
	case opSkipArray:
		return d.skipList(o, buf, p)
	case opSkipRecord:
		if d.depth++; d.depth > maxSkipDepth {
			d.depth = 0
			return d.fail(nil, fmt.Errorf("%w: a value nested %d deep", arrowio.ErrLimit, maxSkipDepth))
		}
		p = d.run(*o.shared, buf, p)
		d.depth--
		return p
	}
	return d.fail(o, errors.New("avro: an op that is not known"))
}

func (d *Decoder) enum(o *op, buf []byte, p int) int {
	v, q := d.number(o, buf, p, false)
	if q < 0 {
		return -1
	}
	if v < 0 || v >= int64(len(o.symbols)) {
		return d.fail(o, fmt.Errorf("%w: symbol %d of an enum of %d", arrowio.ErrCorrupt, v, len(o.symbols)))
	}
	sym := o.symbols[v]
	if sym < 0 {
		return d.fail(o, fmt.Errorf("%w: symbol %d of the file's enum is not one of the reader's %q, which has no default", arrowio.ErrCast, v, o.names))
	}
	if o.code == opEnumText {
		o.col.String(o.names[sym])
	} else {
		o.col.Index(sym)
	}
	return q
}

func (d *Decoder) duration(o *op, buf []byte, p int) int {
	if len(buf)-p < 12 {
		return d.fail(o, errShort)
	}
	months, days, ms := binary.LittleEndian.Uint32(buf[p:]), binary.LittleEndian.Uint32(buf[p+4:]), binary.LittleEndian.Uint32(buf[p+8:])
	if months > math.MaxInt32 || days > math.MaxInt32 {
		return d.fail(o, fmt.Errorf("%w: a duration of %d months and %d days, which an interval cannot hold (try: -X duration=bytes)", arrowio.ErrCast, months, days))
	}
	o.col.MonthDayNano(int32(months), int32(days), int64(ms)*1e6)
	return p + 12
}

// interval reads the record in which the writer puts an interval.
func (d *Decoder) interval(o *op, buf []byte, p int) int {
	x, p := d.number(o, buf, p, true)
	if p < 0 {
		return -1
	}
	y, p := d.number(o, buf, p, true)
	if p < 0 {
		return -1
	}
	if o.code == opDayTime {
		o.col.Int64(int64(uint64(uint32(x)) | uint64(uint32(y))<<32))
		return p
	}
	z, p := d.number(o, buf, p, false)
	if p < 0 {
		return -1
	}
	o.col.MonthDayNano(int32(x), int32(y), z)
	return p
}

// block reads the count of a block of elements: 0 at the end. size is its bytes
// where it says them, -1 otherwise. The count is one that the bytes can back.
func (d *Decoder) block(o *op, buf []byte, p int) (n, size, next int) {
	v, q := d.number(o, buf, p, false)
	if q < 0 {
		return 0, 0, -1
	}
	size = -1
	if v < 0 {
		s, r := d.number(o, buf, q, false)
		if r < 0 {
			return 0, 0, -1
		}
		if v = -v; v < 0 || s < 0 || s > int64(len(buf)-r) {
			return 0, 0, d.fail(o, fmt.Errorf("%w: a block of %d elements in %d bytes where %d are left", arrowio.ErrCorrupt, v, s, len(buf)-r))
		}
		size, q = int(s), r
	}
	if o.min > 0 && v > int64((len(buf)-q)/o.min) {
		return 0, 0, d.fail(o, fmt.Errorf("%w: %d elements in %d bytes", arrowio.ErrCorrupt, v, len(buf)-q))
	}
	if o.min == 0 {
		if v > int64(d.empty) {
			return 0, 0, d.fail(o, fmt.Errorf("%w: %d elements without bytes", arrowio.ErrLimit, v))
		}
		d.empty -= int(v)
	}
	return int(v), size, q
}

func (d *Decoder) list(o *op, buf []byte, p int) int {
	for {
		n, _, q := d.block(o, buf, p)
		if q < 0 {
			return -1
		}
		if p = q; n == 0 {
			break
		}
		for range n {
			if p = d.run(o.kids, buf, p); p < 0 {
				return -1
			}
			if o.sub != nil {
				o.sub.EndStruct()
			}
			if d.b.Failed() {
				return -1 // the row does not fit
			}
		}
	}
	if err := o.col.EndList(); err != nil {
		return d.fail(o, fmt.Errorf("%w: %w", arrowio.ErrCast, err))
	}
	return p
}

func (d *Decoder) skipList(o *op, buf []byte, p int) int {
	for {
		n, size, q := d.block(o, buf, p)
		if q < 0 {
			return -1
		}
		if p = q; n == 0 {
			return p
		}
		if size >= 0 {
			p += size
			continue
		}
		for range n {
			if p = d.run(o.kids, buf, p); p < 0 {
				return -1
			}
		}
	}
}
