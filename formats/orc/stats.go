package orc

import (
	"context"
	"math"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/arrowschema"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// The versions of Java's writer that mended what statistics say
// (orc_proto.proto, PostScript.writer_version).
const (
	fixedStringStats  = 1 // HIVE-8732
	fixedTimestamps   = 6 // ORC-135: timestamp statistics in UTC
	fixedDecimal64    = 7 // ORC-517
	fixedTextBlooms   = 3 // HIVE-12055
	writerJava        = 0
	bloomTimestampUTC = 1 // ColumnEncoding.bloom_encoding
)

// fixed says whether the file was written by a writer without the defect that
// Java's had before a version.
func (r *Reader) fixed(version uint32) bool {
	return r.footer.Writer.Or(writerJava) != writerJava || r.ps.WriterVersion.Or(0) >= version
}

// bound is a lower and an upper bound of a container's values; nil is unknown.
type bound struct {
	lo, hi           any
	loExact, hiExact bool
}

// boundOf is the bound that statistics give of a column, in a form that its
// natural type's appendBound takes.
func (r *Reader) boundOf(n *node, s *proto.ColumnStatistics) (b bound) {
	if s == nil {
		return b
	}
	switch n.typ.Kind {
	case proto.Boolean:
		if s.Bucket != nil && len(s.Bucket.Count) > 0 && s.Values.V > 0 && s.Bucket.Count[0] <= s.Values.V {
			trues := s.Bucket.Count[0]
			return bound{trues == s.Values.V, trues > 0, true, true}
		}
	case proto.Byte, proto.Short, proto.Int, proto.Long:
		if t := s.Int; t != nil {
			return exactBound(t.Min, t.Max)
		}
	case proto.Float, proto.Double:
		// A NaN among the values may have kept others from being compared.
		if t := s.Double; t != nil && !math.IsNaN(t.Sum.V) && !math.IsNaN(t.Min.V) && !math.IsNaN(t.Max.V) {
			return exactBound(t.Min, t.Max)
		}
	case proto.String, proto.Char, proto.Varchar:
		if t := s.String; t != nil && r.fixed(fixedStringStats) {
			b = exactBound(t.Min, t.Max)
			if b.lo == nil && t.LowerBound.Set {
				b.lo, b.loExact = t.LowerBound.V, false
			}
			if b.hi == nil && t.UpperBound.Set {
				b.hi, b.hiExact = t.UpperBound.V, false
			}
		}
	case proto.Date:
		if t := s.Date; t != nil && r.fixed(fixedStringStats) {
			return exactBound(t.Min, t.Max)
		}
	case proto.Decimal:
		if t := s.Decimal; t != nil && r.fixed(fixedDecimal64) && t.Min.Set && t.Max.Set {
			return bound{t.Min.V, t.Max.V, true, true}
		}
	case proto.Timestamp, proto.TimestampInstant:
		if t := s.Timestamp; t != nil && r.fixed(fixedTimestamps) {
			return timestampBound(t)
		}
	}
	return b
}

func exactBound[T any](lo, hi proto.Opt[T]) (b bound) {
	if lo.Set {
		b.lo, b.loExact = lo.V, true
	}
	if hi.Set {
		b.hi, b.hiExact = hi.V, true
	}
	return b
}

// instant is a count of nanoseconds.
type instant decimal128.Num

// timestampBound widens the milliseconds to what their values may have been.
// Before 1970 writers differ in how they rounded.
func timestampBound(t *proto.TimestampStatistics) (b bound) {
	if !t.MinUTC.Set || !t.MaxUTC.Set {
		return b
	}
	at := func(ms, ns int64) instant {
		n := decimal128.FromI64(ms).Mul(decimal128.FromI64(1_000_000)).Add(decimal128.FromI64(ns))
		return instant(n)
	}
	lo, hi := t.MinUTC.V, t.MaxUTC.V
	loNanos, hiNanos := int64(0), int64(999_999)
	if v := t.MinNanos; v.Set && v.V >= 1 && v.V <= 1_000_000 {
		loNanos, b.loExact = int64(v.V)-1, lo >= 0
	}
	if v := t.MaxNanos; v.Set && v.V >= 1 && v.V <= 1_000_000 {
		hiNanos, b.hiExact = int64(v.V)-1, hi >= 0
	}
	if lo < 0 {
		lo, loNanos = lo-1000, 0
	}
	if hi < 0 {
		hi, hiNanos = hi+1000, 999_999
	}
	b.lo, b.hi = at(lo, loNanos), at(hi, hiNanos)
	return b
}

// boundArrays gives bounds as arrays of the type the column is shown in. A
// bound that makes no sense is unknown.
func boundArrays(n *node, bs []bound) (lo, hi arrow.Array, loExact, hiExact []bool) {
	loExact, hiExact = make([]bool, len(bs)), make([]bool, len(bs))
	los, his := make([]any, len(bs)), make([]any, len(bs))
	for i, b := range bs {
		los[i], his[i], loExact[i], hiExact[i] = b.lo, b.hi, b.loExact, b.hiExact
	}
	lo = boundArray(n, los, loExact, false)
	hi = boundArray(n, his, hiExact, true)
	return lo, hi, loExact, hiExact
}

func boundArray(n *node, vals []any, exact []bool, up bool) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, n.field.Type)
	defer b.Release()
	for i, v := range vals {
		if v == nil || !appendBound(b, n, v, &exact[i], up) {
			b.AppendNull()
		}
	}
	arr := b.NewArray()
	want := arrowschema.Storage(n.want)
	if arrow.TypeEqual(n.field.Type, want) {
		return arr
	}
	defer arr.Release()
	shown, err := kernel.Cast(memory.DefaultAllocator, arr, want, kernel.CastOptions{})
	if err != nil {
		return array.NewNull(len(vals))
	}
	return shown
}

// appendBound appends a bound to the builder of the column's natural type. up
// says that it is an upper one, to be rounded up where it is between two
// values; false says that it is out of the type's range.
func appendBound(b array.Builder, n *node, v any, exact *bool, up bool) bool {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int8Builder:
		return appendInt(b.Append, v)
	case *array.Int16Builder:
		return appendInt(b.Append, v)
	case *array.Int32Builder:
		return appendInt(b.Append, v)
	case *array.Int64Builder:
		return appendInt(b.Append, v)
	case *array.Time32Builder:
		return appendInt(b.Append, v)
	case *array.Time64Builder:
		return appendInt(b.Append, v)
	case *array.DurationBuilder:
		return appendInt(b.Append, v)
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.(int32)))
	case *array.Float32Builder:
		f := float32(v.(float64))
		if float64(f) != v.(float64) {
			return false
		}
		b.Append(f)
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.Decimal128Builder:
		if ts, ok := v.(instant); ok {
			b.Append(decimal128.Num(ts))
			return true
		}
		d, ok := parseDecimal(v.(string), n.field.Type.(*arrow.Decimal128Type))
		if ok {
			b.Append(d)
		}
		return ok
	case *array.TimestampBuilder:
		step := int64(1e9) / (int64(1e9) / int64(n.field.Type.(*arrow.TimestampType).Unit.Multiplier()))
		q, m := new(big.Int).DivMod(decimal128.Num(v.(instant)).BigInt(), big.NewInt(step), new(big.Int))
		if m.Sign() != 0 {
			if *exact = false; up {
				q.Add(q, big.NewInt(1))
			}
		}
		if !q.IsInt64() {
			return false
		}
		b.Append(arrow.Timestamp(q.Int64()))
	default:
		return false
	}
	return true
}

func appendInt[T ~int8 | ~int16 | ~int32 | ~int64](add func(T), v any) bool {
	i := v.(int64)
	if int64(T(i)) != i {
		return false
	}
	add(T(i))
	return true
}

// parseDecimal reads decimal text at a type's scale, exactly.
func parseDecimal(s string, t *arrow.Decimal128Type) (decimal128.Num, bool) {
	if len(s) > 100 || strings.ContainsAny(s, "/xXpP_") {
		return decimal128.Num{}, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 5 {
		return decimal128.Num{}, false
	}
	q, ok := new(big.Rat).SetString(s)
	if !ok {
		return decimal128.Num{}, false
	}
	q.Mul(q, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil)))
	if !q.IsInt() || q.Num().BitLen() > 127 {
		return decimal128.Num{}, false
	}
	return decimal128.FromBigInt(q.Num()), true
}

// nullsOf is how many of a container's rows are null in a column outside lists;
// -1 is unknown.
func nullsOf(s *proto.ColumnStatistics, rows int64) int64 {
	switch {
	case s == nil:
		return -1
	case !s.Values.Set || s.Values.V > uint64(rows):
		return -1
	case s.HasNull.Set && !s.HasNull.V && s.Values.V < uint64(rows):
		// Nulls of a struct around, or statistics that nobody kept: writers
		// without a row index leave zeros.
		return -1
	}
	return rows - int64(s.Values.V)
}

// leafAt finds the column that a filter's path names, if statistics can speak
// of it: one outside lists and unions, whose nulls are those of the path.
func (r *Reader) leafAt(p pushdown.Path) *node {
	nodes := r.roots
	for i, name := range p {
		var found *node
		for _, n := range nodes {
			if n.field.Name == name {
				found = n
			}
		}
		if found == nil {
			return nil
		}
		if i == len(p)-1 {
			return found
		}
		if found.typ.Kind != proto.Struct {
			return nil
		}
		nodes = found.children
	}
	return nil
}

// statsOf is a set of containers of which statistics are known.
type statsOf struct {
	r    *Reader
	rows []int64
	of   func(i int, n *node) *proto.ColumnStatistics
	may  func(p *node, values arrow.Array, alive []bool) []pushdown.Truth
}

var _ pushdown.Stats = (*statsOf)(nil)

func (s *statsOf) Len() int { return len(s.rows) }

func (s *statsOf) Bounds(p pushdown.Path) (lo, hi arrow.Array, loExact, hiExact []bool) {
	n := s.r.leafAt(p)
	if n == nil || len(n.children) > 0 {
		return array.NewNull(s.Len()), array.NewNull(s.Len()), nil, nil
	}
	bs := make([]bound, s.Len())
	for i := range bs {
		bs[i] = s.r.boundOf(n, s.of(i, n))
	}
	return boundArrays(n, bs)
}

func (s *statsOf) Nulls(p pushdown.Path) (nulls, rows []int64) {
	nulls = make([]int64, s.Len())
	n := s.r.leafAt(p)
	for i := range nulls {
		if nulls[i] = -1; n != nil && n.typ.Kind != proto.Union {
			nulls[i] = nullsOf(s.of(i, n), s.rows[i])
		}
	}
	return nulls, s.rows
}

func (s *statsOf) MayContain(p pushdown.Path, values arrow.Array, alive []bool) []pushdown.Truth {
	if n := s.r.leafAt(p); n != nil && s.may != nil && arrow.TypeEqual(n.field.Type, arrowschema.Storage(n.want)) {
		return s.may(n, values, alive)
	}
	return nil
}

// stripeStats is the statistics of all columns of all stripes.
type stripeStats struct{ md *proto.Metadata }

// of is a column's statistics in a stripe; those of the file where the stripe
// has none, which hold for any part of it but for the number of values.
func (s *stripeStats) of(r *Reader, stripe int, n *node) *proto.ColumnStatistics {
	if cs, decrypted := r.crypt.stripeStats(n.id); decrypted {
		if stripe < len(cs) {
			return &cs[stripe]
		}
		return nil
	}
	if stripe < len(s.md.Stripes) {
		if cols := s.md.Stripes[stripe].Columns; n.id < len(cols) {
			return &cols[n.id]
		}
	}
	if len(s.md.Stripes) == 0 && n.id < len(r.footer.Statistics) {
		out := r.footer.Statistics[n.id]
		if out.Values = (proto.Opt[uint64]{}); out.Bucket != nil {
			out.Bucket = nil
		}
		return &out
	}
	return nil
}

// loadStripeStats reads the statistics of the stripes, once.
func (r *Reader) loadStripeStats(ctx context.Context) (*stripeStats, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stripes != nil {
		return r.stripes, nil
	}
	md := &proto.Metadata{}
	if r.place.metadataLen > 0 {
		stored, err := r.bytes(ctx, r.place.metadata, r.place.metadataLen, "stripe statistics")
		if err != nil {
			return nil, err
		}
		raw, err := block.ReadAll(r.format, stored, maxMetadata)
		if err == nil {
			md, err = proto.DecodeMetadata(raw)
		}
		if err != nil {
			return nil, &arrowio.Error{Op: "read", URL: r.url, Offset: r.place.metadata, Err: err}
		}
	}
	if err := r.crypt.loadStripeStats(ctx); err != nil {
		return nil, err
	}
	r.stripes = &stripeStats{md}
	return r.stripes, nil
}
