package parquet

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
)

// converterFunc turns stored values into Arrow's layout. A value that has no
// place there is an error, never another value.
type converterFunc func(dst, src []byte) error

// converterOf gives the conversion of a column's stored values, nil where they
// lie as Arrow wants them. For byte arrays it takes one value at a time.
func converterOf(e *meta.SchemaElement, dt arrow.DataType, stored int) (converterFunc, error) {
	switch dt.ID() {
	case arrow.DECIMAL128, arrow.DECIMAL256:
		if declared := schema.Annotation(e).Precision; declared > schema.MaxDecimal {
			return wideDecimals(e, stored), nil
		}
		width := dt.(arrow.FixedWidthDataType).BitWidth() / 8
		switch e.Type {
		case meta.Int32:
			return func(dst, src []byte) error { return signExtend(dst, src, 4, width) }, nil
		case meta.Int64:
			return func(dst, src []byte) error { return signExtend(dst, src, 8, width) }, nil
		case meta.Int96:
			return int96Exact, nil
		case meta.ByteArray:
			return func(dst, src []byte) error { return bigEndian(dst, src) }, nil
		}
		return func(dst, src []byte) error {
			for ; len(src) > 0; dst, src = dst[width:], src[stored:] {
				if err := bigEndian(dst[:width], src[:stored]); err != nil {
					return err
				}
			}
			return nil
		}, nil
	case arrow.INT8:
		return narrow[int8](), nil
	case arrow.INT16:
		return narrow[int16](), nil
	case arrow.UINT8:
		return narrow[uint8](), nil
	case arrow.UINT16:
		return narrow[uint16](), nil
	case arrow.TIMESTAMP:
		if e.Type == meta.Int96 {
			return int96Timestamps(dt.(*arrow.TimestampType).Unit), nil
		}
	}
	if width := dt.(arrow.FixedWidthDataType).BitWidth() / 8; width != stored {
		return nil, fmt.Errorf("%w: %s of %d bytes as %s", arrowio.ErrUnsupported, e.Type, stored, dt)
	}
	return nil, nil
}

// wideDecimals reads decimals declared to have more digits than Arrow's widest
// holds: those values that fit it.
func wideDecimals(e *meta.SchemaElement, stored int) converterFunc {
	one := func(dst, src []byte) error {
		if err := bigEndian(dst, src); err != nil {
			return err
		}
		n := decimal256.New(binary.LittleEndian.Uint64(dst[24:]), binary.LittleEndian.Uint64(dst[16:]), binary.LittleEndian.Uint64(dst[8:]), binary.LittleEndian.Uint64(dst))
		if !n.FitsInPrecision(schema.MaxDecimal) {
			return fmt.Errorf("%w: a decimal of more than %d digits", arrowio.ErrCast, schema.MaxDecimal)
		}
		return nil
	}
	if e.Type == meta.ByteArray {
		return one
	}
	return func(dst, src []byte) error {
		for ; len(src) > 0; dst, src = dst[32:], src[stored:] {
			if err := one(dst[:32], src[:stored]); err != nil {
				return err
			}
		}
		return nil
	}
}

// narrow takes 32-bit integers to the 8 or 16 bits that they are declared to
// have. The bits above carry nothing: writers extend with the sign, with zeroes
// or not at all, and all readers take the low ones.
func narrow[T int8 | int16 | uint8 | uint16]() converterFunc {
	return func(dst, src []byte) error {
		out := cast[T](dst)
		for i, v := range cast[int32](src) {
			out[i] = T(v)
		}
		return nil
	}
}

// signExtend takes little-endian integers to a wider two's complement.
func signExtend(dst, src []byte, from, to int) error {
	for ; len(src) > 0; dst, src = dst[to:], src[from:] {
		var v int64
		if from == 4 {
			v = int64(int32(binary.LittleEndian.Uint32(src)))
		} else {
			v = int64(binary.LittleEndian.Uint64(src))
		}
		binary.LittleEndian.PutUint64(dst, uint64(v))
		sign := uint64(v >> 63)
		for at := 8; at < to; at += 8 {
			binary.LittleEndian.PutUint64(dst[at:], sign)
		}
	}
	return nil
}

// bigEndian takes one big-endian two's complement of any length to a
// little-endian one of len(dst) bytes (LogicalTypes.md, "DECIMAL"). Leading
// bytes beyond that must be sign alone. No byte at all is zero.
func bigEndian(dst, src []byte) error {
	sign := byte(0)
	if len(src) > 0 {
		sign = byte(int8(src[0]) >> 7)
	}
	if extra := len(src) - len(dst); extra > 0 {
		for _, b := range src[:extra] {
			if b != sign {
				return fmt.Errorf("%w: a decimal of %d bytes in %d", arrowio.ErrCast, len(src), len(dst))
			}
		}
		if src = src[extra:]; byte(int8(src[0])>>7) != sign {
			return fmt.Errorf("%w: a decimal of %d bytes in %d", arrowio.ErrCast, len(src)+extra, len(dst))
		}
	}
	n := len(src)
	for i := range dst[:n] {
		dst[i] = src[n-1-i]
	}
	for i := n; i < len(dst); i++ {
		dst[i] = sign
	}
	return nil
}

// julianEpoch is the Julian day number of 1970-01-01.
const julianEpoch = 2440588

// int96Timestamps reads INT96 timestamps: nanoseconds of the day in 8 bytes,
// then the Julian day in 4, both little-endian (a convention of Impala and
// Hive; the specification deprecates the type).
func int96Timestamps(unit arrow.TimeUnit) converterFunc {
	perUnit := int64(unit.Multiplier()) // nanoseconds
	perDay := int64(86_400_000_000_000) / perUnit
	return func(dst, src []byte) error {
		for ; len(src) > 0; dst, src = dst[8:], src[12:] {
			nanos, days := int96Parts(src)
			part := nanos / perUnit
			whole := days * perDay // within 2^63, or else it does not divide back
			sum := whole + part
			if part*perUnit != nanos || whole/perDay != days || (sum < whole) != (part < 0) {
				return errInt96(src, unit)
			}
			binary.LittleEndian.PutUint64(dst, uint64(sum))
		}
		return nil
	}
}

// int96Parts gives the nanoseconds of the day and the days since 1970-01-01.
// Both are signed, as the engines that write the type compute with them.
func int96Parts(src []byte) (nanos, days int64) {
	return int64(binary.LittleEndian.Uint64(src)), int64(int32(binary.LittleEndian.Uint32(src[8:]))) - julianEpoch
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

func errInt96(src []byte, unit arrow.TimeUnit) error {
	return &arrowio.Error{
		Hint: "-X int96=us, ms or exact (decimal nanoseconds)",
		Err: fmt.Errorf("%w: the INT96 timestamp of Julian day %d and %d ns is not a count of %s in 64 bits", arrowio.ErrCast,
			binary.LittleEndian.Uint32(src[8:]), int64(binary.LittleEndian.Uint64(src)), unit),
	}
}

// int96Exact gives nanoseconds since 1970-01-01 as a decimal of 128 bits, in
// which each has its place.
func int96Exact(dst, src []byte) error {
	for ; len(src) > 0; dst, src = dst[16:], src[12:] {
		nanos, days := int96Parts(src)
		hi, lo := bits.Mul64(uint64(abs(days)), 86_400_000_000_000)
		if days < 0 {
			var borrow uint64
			lo, borrow = bits.Sub64(0, lo, 0)
			hi, _ = bits.Sub64(0, hi, borrow)
		}
		lo, carry := bits.Add64(lo, uint64(nanos), 0)
		hi, _ = bits.Add64(hi, uint64(nanos>>63), carry)
		binary.LittleEndian.PutUint64(dst, lo)
		binary.LittleEndian.PutUint64(dst[8:], hi)
	}
	return nil
}

// converted is a decoder with a conversion behind it.
type converted struct {
	in            encoding.Fixed
	stored, width int
	convert       converterFunc
	scratch       []byte
}

// convertBlock is how many values are converted at a time, few enough to stay
// in the nearest cache.
const convertBlock = 1024

func (c *converted) Reset(page []byte, n int) error { return c.in.Reset(page, n) }
func (c *converted) Skip(k int) error               { return c.in.Skip(k) }

func (c *converted) Decode(dst []byte) error {
	if c.scratch == nil {
		c.scratch = make([]byte, convertBlock*c.stored)
	}
	for len(dst) > 0 {
		k := min(convertBlock, len(dst)/c.width)
		src := c.scratch[:k*c.stored]
		if err := c.in.Decode(src); err != nil {
			return err
		}
		if err := c.convert(dst[:k*c.width], src); err != nil {
			return err
		}
		dst = dst[k*c.width:]
	}
	return nil
}

// bytesAsFixed is byte arrays, a decimal each, as values of fixed width.
type bytesAsFixed struct {
	in      encoding.Bytes
	width   int
	convert converterFunc
	scratch encoding.Binary
}

func (c *bytesAsFixed) Reset(page []byte, n int) error { return c.in.Reset(page, n) }
func (c *bytesAsFixed) Skip(k int) error               { return c.in.Skip(k) }

func (c *bytesAsFixed) Decode(dst []byte) error {
	for len(dst) > 0 {
		c.scratch.Reset()
		k, err := c.in.Decode(&c.scratch, min(convertBlock, len(dst)/c.width))
		if err != nil {
			return err
		}
		if k == 0 {
			return fmt.Errorf("%w: a decimal of more bytes than an array holds", arrowio.ErrLimit)
		}
		for i := range k {
			v := c.scratch.Data[c.scratch.Offsets[i]:c.scratch.Offsets[i+1]]
			if err := c.convert(dst[i*c.width:(i+1)*c.width], v); err != nil {
				return err
			}
		}
		dst = dst[k*c.width:]
	}
	return nil
}
