package orc

import (
	"bytes"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/bdkit/bdkit/formats/orc/internal/bloom"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

// bloomKind is the stream of a column's bloom filters that can be trusted, the
// one with texts in UTF-8 first. Those of the first kind have texts in whatever
// the writer's platform took them for, decimals with them, and timestamps in
// the writer's zone (HIVE-12055, ORC-101, ORC-135).
func (st *stripe) bloomKind(n *node) (proto.StreamKind, bool) {
	if _, ok := st.streams[streamKey{n.id, proto.BloomFilterUTF8}]; ok {
		return proto.BloomFilterUTF8, true
	}
	if _, ok := st.streams[streamKey{n.id, proto.BloomFilter}]; !ok {
		return 0, false
	}
	switch n.typ.Kind {
	case proto.String, proto.Char, proto.Varchar:
		return proto.BloomFilter, st.r.fixed(fixedTextBlooms)
	case proto.Decimal, proto.Timestamp, proto.TimestampInstant:
		return 0, false
	}
	return proto.BloomFilter, true
}

// bloomHashes are the hashes of values as the writer made them; false where
// that is not known.
func (r *Reader) bloomHashes(n *node, kind proto.StreamKind, enc proto.ColumnEncoding, values arrow.Array) ([]uint64, bool) {
	out := make([]uint64, 0, values.Len())
	for i := range values.Len() {
		if values.IsNull(i) {
			continue
		}
		switch a := values.(type) {
		case *array.Int8:
			out = append(out, bloom.HashInt(int64(a.Value(i))))
		case *array.Int16:
			out = append(out, bloom.HashInt(int64(a.Value(i))))
		case *array.Int32:
			out = append(out, bloom.HashInt(int64(a.Value(i))))
		case *array.Int64:
			out = append(out, bloom.HashInt(a.Value(i)))
		case *array.Date32:
			out = append(out, bloom.HashInt(int64(a.Value(i))))
		case *array.Float32:
			out = appendFloat(out, float64(a.Value(i)))
		case *array.Float64:
			out = appendFloat(out, a.Value(i))
		case *array.String:
			b := []byte(a.Value(i))
			if kind == proto.BloomFilter && !ascii(b) { // in the platform's encoding
				return nil, false
			}
			out = append(out, bloom.HashBytes(b))
		case *array.Binary:
			out = append(out, bloom.HashBytes(a.Value(i)))
		case *array.Decimal128:
			if n.typ.Kind != proto.Decimal {
				return nil, false
			}
			t := a.DataType().(*arrow.Decimal128Type)
			out = append(out, bloom.HashBytes([]byte(decimalText(a.Value(i), t.Scale))))
		case *array.Timestamp:
			if enc.BloomEncoding.Or(0) != bloomTimestampUTC {
				return nil, false
			}
			per := int64(a.DataType().(*arrow.TimestampType).Unit.Multiplier()) // nanoseconds in a unit
			ms, ok := floorMillis(int64(a.Value(i)), per)
			if !ok {
				return nil, false
			}
			out = append(out, bloom.HashInt(ms))
		default:
			return nil, false
		}
	}
	return out, true
}

// appendFloat takes both zeros, which are equal and differ in their bits.
func appendFloat(out []uint64, v float64) []uint64 {
	out = append(out, bloom.HashFloat(v))
	if v == 0 {
		out = append(out, bloom.HashFloat(-v))
	}
	return out
}

func ascii(b []byte) bool { return bytes.IndexFunc(b, func(r rune) bool { return r >= 0x80 }) < 0 }

// floorMillis converts units of per nanoseconds to milliseconds, down.
func floorMillis(v, per int64) (int64, bool) {
	if per >= 1_000_000 {
		f := per / 1_000_000
		if out := v * f; out/f == v {
			return out, true
		}
		return 0, false
	}
	d := 1_000_000 / per
	q := v / d
	if v%d < 0 {
		q--
	}
	return q, true
}

// decimalText is a decimal as Java's HiveDecimal writes it: without zeros that
// say nothing.
func decimalText(v decimal128.Num, scale int32) string {
	s := v.ToString(scale)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}
