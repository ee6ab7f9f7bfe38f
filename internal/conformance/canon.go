// Package conformance reads the corpus of files written by others (its
// manifest, the digests of its content) and judges a reader by it. Each
// format's conformance test is a few lines over Run.
package conformance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/internal/kernel"
)

// Digest accumulates the canon-1 digests of a table's columns, batch by batch.
type Digest struct {
	Rows  int64
	sums  []hash.Hash
	buf   []byte
	names []string
}

// NewDigest starts the digests of a table of schema s.
func NewDigest(s *arrow.Schema) *Digest {
	d := &Digest{}
	for _, f := range s.Fields() {
		d.sums = append(d.sums, sha256.New())
		d.names = append(d.names, f.Name)
	}
	return d
}

// Names are the column names.
func (d *Digest) Names() []string { return d.names }

// Add digests one batch.
func (d *Digest) Add(rec arrow.RecordBatch) error {
	d.Rows += rec.NumRows()
	for c, col := range rec.Columns() {
		for i := range col.Len() {
			var err error
			if d.buf, err = AppendValue(d.buf, col, i); err != nil {
				return fmt.Errorf("column %s: %w", d.names[c], err)
			}
			d.buf = append(d.buf, '\n')
			if len(d.buf) > 1<<16 {
				d.sums[c].Write(d.buf)
				d.buf = d.buf[:0]
			}
		}
		d.sums[c].Write(d.buf)
		d.buf = d.buf[:0]
	}
	return nil
}

// Sums gives the digest of each column: 32 hex digits.
func (d *Digest) Sums() []string {
	out := make([]string, len(d.sums))
	for i, h := range d.sums {
		out[i] = hex.EncodeToString(h.Sum(nil))[:32]
	}
	return out
}

// AppendValue appends the canon-1 form of value i of arr.
func AppendValue(dst []byte, arr arrow.Array, i int) ([]byte, error) {
	switch a := arr.(type) {
	case *array.SparseUnion, *array.DenseUnion:
		return appendUnion(dst, arr, i)
	case *array.RunEndEncoded:
		return AppendValue(dst, a.Values(), a.GetPhysicalIndex(i))
	case array.ExtensionArray:
		return AppendValue(dst, a.Storage(), i)
	}
	if arr.IsNull(i) {
		return append(dst, "null"...), nil
	}
	switch a := arr.(type) {
	case *array.Null:
		return append(dst, "null"...), nil
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i)), nil
	case *array.Int8:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10), nil
	case *array.Int16:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10), nil
	case *array.Int32:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10), nil
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(i), 10), nil
	case *array.Uint8:
		return strconv.AppendUint(dst, uint64(a.Value(i)), 10), nil
	case *array.Uint16:
		return strconv.AppendUint(dst, uint64(a.Value(i)), 10), nil
	case *array.Uint32:
		return strconv.AppendUint(dst, uint64(a.Value(i)), 10), nil
	case *array.Uint64:
		return strconv.AppendUint(dst, a.Value(i), 10), nil
	case *array.Float16:
		return appendFloat32(dst, float32(kernel.HalfFloat(a.Value(i)))), nil
	case *array.Float32:
		return appendFloat32(dst, a.Value(i)), nil
	case *array.Float64:
		v := a.Value(i)
		if math.IsNaN(v) {
			return append(dst, "d7ff8000000000000"...), nil
		}
		return fmt.Appendf(dst, "d%016x", math.Float64bits(v)), nil
	case *array.String:
		return appendBytes(dst, []byte(a.Value(i))), nil
	case *array.LargeString:
		return appendBytes(dst, []byte(a.Value(i))), nil
	case *array.Binary:
		return appendBytes(dst, a.Value(i)), nil
	case *array.LargeBinary:
		return appendBytes(dst, a.Value(i)), nil
	case *array.StringView:
		return appendBytes(dst, []byte(a.Value(i))), nil
	case *array.BinaryView:
		return appendBytes(dst, a.Value(i)), nil
	case *array.FixedSizeBinary:
		return appendBytes(dst, a.Value(i)), nil
	case *array.Decimal32:
		return appendDecimal(dst, big.NewInt(int64(a.Value(i))), a.DataType()), nil
	case *array.Decimal64:
		return appendDecimal(dst, big.NewInt(int64(a.Value(i))), a.DataType()), nil
	case *array.Decimal128:
		return appendDecimal(dst, a.Value(i).BigInt(), a.DataType()), nil
	case *array.Decimal256:
		return appendDecimal(dst, a.Value(i).BigInt(), a.DataType()), nil
	case *array.Date32:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10), nil
	case *array.Date64:
		ms := int64(a.Value(i))
		day := ms / 86_400_000
		if ms%86_400_000 < 0 {
			day--
		}
		return strconv.AppendInt(dst, day, 10), nil
	case *array.Time32:
		return appendNanos(dst, int64(a.Value(i)), a.DataType().(*arrow.Time32Type).Unit), nil
	case *array.Time64:
		return appendNanos(dst, int64(a.Value(i)), a.DataType().(*arrow.Time64Type).Unit), nil
	case *array.Timestamp:
		return appendNanos(dst, int64(a.Value(i)), a.DataType().(*arrow.TimestampType).Unit), nil
	case *array.Duration:
		return appendNanos(dst, int64(a.Value(i)), a.DataType().(*arrow.DurationType).Unit), nil
	case *array.MonthInterval:
		return fmt.Appendf(dst, "%d,0,0", a.Value(i)), nil
	case *array.DayTimeInterval:
		v := a.Value(i)
		return fmt.Appendf(dst, "0,%d,%d", v.Days, int64(v.Milliseconds)*1_000_000), nil
	case *array.MonthDayNanoInterval:
		v := a.Value(i)
		return fmt.Appendf(dst, "%d,%d,%d", v.Months, v.Days, v.Nanoseconds), nil
	case *array.Dictionary:
		return AppendValue(dst, a.Dictionary(), a.GetValueIndex(i))
	case *array.Map:
		start, end := a.ValueOffsets(i)
		return appendRange(dst, a.ListValues(), start, end)
	case array.ListLike:
		start, end := a.ValueOffsets(i)
		return appendRange(dst, a.ListValues(), start, end)
	case *array.Struct:
		dst = append(dst, '(')
		for f := range a.NumField() {
			if f > 0 {
				dst = append(dst, ',')
			}
			var err error
			// Field already accounts for the struct's own offset.
			if dst, err = AppendValue(dst, a.Field(f), i); err != nil {
				return dst, err
			}
		}
		return append(dst, ')'), nil
	}
	return dst, fmt.Errorf("canon-1 has no form for %s", arr.DataType())
}

func appendRange(dst []byte, values arrow.Array, start, end int64) ([]byte, error) {
	dst = append(dst, '[')
	for j := start; j < end; j++ {
		if j > start {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = AppendValue(dst, values, int(j)); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendUnion(dst []byte, arr arrow.Array, i int) ([]byte, error) {
	switch a := arr.(type) {
	case *array.SparseUnion:
		return AppendValue(dst, a.Field(a.ChildID(i)), i)
	case *array.DenseUnion:
		return AppendValue(dst, a.Field(a.ChildID(i)), int(a.ValueOffset(i)))
	}
	return dst, fmt.Errorf("canon-1 has no form for %s", arr.DataType())
}

func appendFloat32(dst []byte, v float32) []byte {
	if v != v {
		return append(dst, "f7fc00000"...)
	}
	return fmt.Appendf(dst, "f%08x", math.Float32bits(v))
}

func appendBytes(dst, v []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(v)), 10)
	dst = append(dst, ':')
	return append(dst, v...)
}

func appendDecimal(dst []byte, v *big.Int, t arrow.DataType) []byte {
	scale := int(t.(arrow.DecimalType).GetScale())
	s := new(big.Int).Abs(v).String()
	if v.Sign() < 0 {
		dst = append(dst, '-')
	}
	if scale <= 0 {
		dst = append(dst, s...)
		if v.Sign() != 0 {
			dst = append(dst, bytes.Repeat([]byte{'0'}, -scale)...)
		}
		return dst
	}
	for len(s) <= scale {
		s = "0" + s
	}
	dst = append(dst, s[:len(s)-scale]...)
	dst = append(dst, '.')
	return append(dst, s[len(s)-scale:]...)
}

// appendNanos appends v units as nanoseconds without reducing them to 64 bits.
func appendNanos(dst []byte, v int64, unit arrow.TimeUnit) []byte {
	if v == 0 {
		return append(dst, '0')
	}
	dst = strconv.AppendInt(dst, v, 10)
	return append(dst, "000000000"[:9-3*int(unit)]...)
}
