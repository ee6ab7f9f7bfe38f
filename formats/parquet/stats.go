package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/bloom"
	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/arrowschema"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// bound is a lower and an upper bound of a container's values, as stored
// (plain encoded, without the length of byte arrays). Nil is unknown.
type bound struct {
	lo, hi           []byte
	loExact, hiExact bool
}

// ordered says whether bounds of a column mean anything: the order of its
// type is defined, and the file says that it used it (parquet.thrift,
// ColumnOrder; Statistics.min_value).
func (r *Reader) ordered(n *schema.Node) bool {
	if n.Column >= len(r.md.ColumnOrders) || r.md.ColumnOrders[n.Column] != meta.TypeDefinedOrder && r.md.ColumnOrders[n.Column] != meta.IEEE754TotalOrder {
		return false
	}
	return hasOrder(n)
}

func hasOrder(n *schema.Node) bool {
	e := n.Element
	if e.Type == meta.Int96 || e.Converted == meta.ConvertedInterval {
		return false
	}
	k := e.Logical.Kind
	return k <= meta.LogicalFloat16 && k != meta.LogicalUnknown && n.Field.Type.ID() != arrow.NULL
}

// oldOrdered says whether the deprecated min and max, compared as signed, are
// in the order of the type.
func oldOrdered(n *schema.Node) bool {
	switch n.Field.Type.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64, arrow.DATE32, arrow.TIME32, arrow.TIME64,
		arrow.TIMESTAMP, arrow.DURATION:
		return n.Element.Type != meta.Int96
	case arrow.DECIMAL128:
		return n.Element.Type == meta.Int32 || n.Element.Type == meta.Int64
	}
	return false
}

// chunkBound is the bound that a chunk's statistics give.
func (r *Reader) chunkBound(n *schema.Node, s *meta.Statistics) (b bound) {
	if s == nil {
		return b
	}
	fixed := n.Element.Type != meta.ByteArray && n.Element.Type != meta.FixedLenByteArray
	exact := func(flag *bool) bool { return flag != nil && *flag || flag == nil && fixed }
	if r.ordered(n) && (s.MinValue != nil || s.MaxValue != nil) {
		return bound{lo: s.MinValue, hi: s.MaxValue, loExact: exact(s.IsMinExact), hiExact: exact(s.IsMaxExact)}
	}
	if oldOrdered(n) {
		return bound{lo: s.Min, hi: s.Max, loExact: true, hiExact: true}
	}
	return b
}

// boundArrays gives bounds as arrays of the type the column is shown in. A
// bound that makes no sense is unknown.
func boundArrays(n *schema.Node, bs []bound) (lo, hi arrow.Array, loExact, hiExact []bool, err error) {
	loRaw, hiRaw := make([][]byte, len(bs)), make([][]byte, len(bs))
	loExact, hiExact = make([]bool, len(bs)), make([]bool, len(bs))
	for i, b := range bs {
		loRaw[i], hiRaw[i] = b.lo, b.hi
		loExact[i], hiExact[i] = b.loExact, b.hiExact
	}
	if lo, err = plainArray(n, loRaw); err != nil {
		return nil, nil, nil, nil, err
	}
	if hi, err = plainArray(n, hiRaw); err != nil {
		lo.Release()
		return nil, nil, nil, nil, err
	}
	return lo, hi, loExact, hiExact, nil
}

// plainArray decodes one plain value an element; nil, or one of the wrong
// width or NaN, is null.
func plainArray(n *schema.Node, raw [][]byte) (arrow.Array, error) {
	e := n.Element
	width := physicalWidth(e)
	valid := make([]byte, len(raw)/8+1)
	values := encoding.Binary{}
	values.Reset()
	count := 0
	for i, b := range raw {
		if b == nil || width >= 0 && len(b) != width || isNaN(n.Field.Type, b) {
			continue
		}
		valid[i>>3] |= 1 << (i & 7)
		values.Data = append(values.Data, b...)
		values.Offsets = append(values.Offsets, int32(len(values.Data)))
		count++
	}
	mem := memory.DefaultAllocator
	v, err := newVector(n, mem)
	if err != nil {
		return nil, err
	}
	defer v.release()
	plain := values.Data
	switch e.Type {
	case meta.ByteArray:
		plain = encoding.AppendPlainBinary(nil, values.Offsets, values.Data)
	case meta.Boolean:
		plain = make([]byte, count/8+1)
		for i, b := range values.Data {
			plain[i>>3] |= (b & 1) << (i & 7)
		}
	}
	if err := v.page(meta.Plain, plain, count); err != nil {
		return nil, err
	}
	if _, err := v.decode(count); err != nil {
		return nil, err
	}
	v.spread(len(raw), valid, 0)
	buffers := append([]*memory.Buffer{memory.NewBufferBytes(valid)}, v.take(len(raw))...)
	defer releaseAll(buffers)
	d := array.NewData(n.Field.Type, len(raw), buffers, nil, len(raw)-count, 0)
	defer d.Release()
	arr := array.MakeFromData(d)
	want := arrowschema.Storage(n.Want)
	if arrow.TypeEqual(n.Field.Type, want) {
		return arr, nil
	}
	defer arr.Release()
	return kernel.Cast(mem, arr, want, kernel.CastOptions{})
}

// physicalWidth is the bytes of a value; -1 for byte arrays.
func physicalWidth(e *meta.SchemaElement) int {
	switch e.Type {
	case meta.Boolean:
		return 1
	case meta.Int32, meta.Float:
		return 4
	case meta.Int64, meta.Double:
		return 8
	case meta.Int96:
		return 12
	case meta.FixedLenByteArray:
		return int(e.TypeLength)
	}
	return -1
}

func isNaN(dt arrow.DataType, b []byte) bool {
	switch dt.ID() {
	case arrow.FLOAT32:
		return math.IsNaN(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case arrow.FLOAT64:
		return math.IsNaN(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case arrow.FLOAT16:
		return binary.LittleEndian.Uint16(b)&0x7fff > 0x7c00
	}
	return false
}

// leafAt finds the leaf that a filter's path names, if statistics can speak of
// it: one outside lists, whose nulls are those of the path.
func (r *Reader) leafAt(p pushdown.Path) *schema.Node {
	nodes := r.tree.Roots
	for i, name := range p {
		var found *schema.Node
		for _, n := range nodes {
			if n.Field.Name == name {
				found = n
			}
		}
		if found == nil {
			return nil
		}
		if i == len(p)-1 && found.Kind == schema.Leaf && found.Rep == 0 {
			return found
		}
		if found.Kind != schema.Struct || found.Variant {
			return nil
		}
		nodes = found.Children
	}
	return nil
}

// unknownBounds is n containers of which nothing is known.
func unknownBounds(n int) (lo, hi arrow.Array, loExact, hiExact []bool) {
	return array.NewNull(n), array.NewNull(n), nil, nil
}

// rowGroupStats is what the footer and the bloom filters say of row groups.
type rowGroupStats struct {
	ctx context.Context
	r   *Reader
	err error // the first of reading a bloom filter
}

var _ pushdown.Stats = (*rowGroupStats)(nil)

func (s *rowGroupStats) Len() int { return len(s.r.md.RowGroups) }

func (s *rowGroupStats) Bounds(p pushdown.Path) (lo, hi arrow.Array, loExact, hiExact []bool) {
	n := s.r.leafAt(p)
	if n == nil {
		return unknownBounds(s.Len())
	}
	bs := make([]bound, s.Len())
	for i := range bs {
		if c := s.r.statistics(i, n); c != nil {
			bs[i] = s.r.chunkBound(n, c)
		}
	}
	lo, hi, loExact, hiExact, err := boundArrays(n, bs)
	if err != nil { // bounds that cannot be read say nothing
		return unknownBounds(s.Len())
	}
	return lo, hi, loExact, hiExact
}

// statistics of a chunk, nil where there are none or they are encrypted with a
// key that is not known.
func (r *Reader) statistics(rg int, n *schema.Node) *meta.Statistics {
	c, _, err := r.chunk(rg, n.Column)
	if err != nil || c.Meta.Type != n.Element.Type {
		return nil
	}
	return c.Meta.Statistics
}

func (s *rowGroupStats) Nulls(p pushdown.Path) (nulls, rows []int64) {
	nulls, rows = make([]int64, s.Len()), make([]int64, s.Len())
	n := s.r.leafAt(p)
	for i := range nulls {
		rows[i] = s.r.md.RowGroups[i].NumRows
		nulls[i] = -1
		if n == nil {
			continue
		}
		if n.Def == 0 {
			nulls[i] = 0
		} else if c := s.r.statistics(i, n); c != nil && c.NullCount >= 0 && c.NullCount <= rows[i] {
			nulls[i] = c.NullCount
		}
	}
	return nulls, rows
}

func (s *rowGroupStats) MayContain(p pushdown.Path, values arrow.Array, alive []bool) []pushdown.Truth {
	n := s.r.leafAt(p)
	if n == nil {
		return nil
	}
	hashes, ok := bloomHashes(n, values)
	if !ok {
		return nil
	}
	out := make([]pushdown.Truth, s.Len())
	for i := range out {
		if !alive[i] {
			continue
		}
		f, err := s.r.bloomFilter(s.ctx, i, n.Column)
		if err != nil {
			if s.err == nil {
				s.err = err
			}
			return nil
		}
		if f == nil {
			continue
		}
		out[i] = pushdown.Never
		for _, h := range hashes {
			if f.MayContain(h) {
				out[i] = pushdown.Maybe
				break
			}
		}
	}
	return out
}

// bloomHashes hashes values as the file stores them (BloomFilter.md). Not ok:
// a type whose stored form is not settled by the value alone.
func bloomHashes(n *schema.Node, values arrow.Array) (hashes []uint64, ok bool) {
	natural := n.Field.Type
	arr, err := kernel.Cast(memory.DefaultAllocator, values, natural, kernel.CastOptions{})
	if err != nil {
		return nil, false
	}
	defer arr.Release()
	for i := range arr.Len() {
		if arr.IsNull(i) {
			continue
		}
		plain, ok := plainValue(n.Element, arr, i)
		if !ok {
			return nil, false
		}
		hashes = append(hashes, bloom.Hash(plain))
		if zero := len(bytes.Trim(plain, "\x00")) == 0; zero && (n.Element.Type == meta.Float || n.Element.Type == meta.Double) {
			plain[len(plain)-1] = 0x80 // -0 equals 0 and has other bits
			hashes = append(hashes, bloom.Hash(plain))
		}
	}
	return hashes, true
}

// plainValue is a value of the natural type in its stored form.
func plainValue(e *meta.SchemaElement, arr arrow.Array, i int) ([]byte, bool) {
	le := binary.LittleEndian
	switch a := arr.(type) {
	case *array.Int8:
		return le.AppendUint32(nil, uint32(int32(a.Value(i)))), true
	case *array.Int16:
		return le.AppendUint32(nil, uint32(int32(a.Value(i)))), true
	case *array.Uint8:
		return le.AppendUint32(nil, uint32(a.Value(i))), true
	case *array.Uint16:
		return le.AppendUint32(nil, uint32(a.Value(i))), true
	case *array.String:
		return []byte(a.Value(i)), true
	case *array.Binary:
		return bytes.Clone(a.Value(i)), true
	case *array.FixedSizeBinary:
		return bytes.Clone(a.Value(i)), true
	}
	if t, ok := arr.DataType().(arrow.FixedWidthDataType); ok && arr.DataType().ID() != arrow.BOOL && t.BitWidth() == 8*physicalWidth(e) && e.Type != meta.FixedLenByteArray && e.Type != meta.Int96 {
		w, d := t.BitWidth()/8, arr.Data()
		at := (d.Offset() + i) * w
		return bytes.Clone(d.Buffers()[1].Bytes()[at : at+w]), true
	}
	return nil, false
}

var errBloom = fmt.Errorf("%w: bloom filter", arrowio.ErrCorrupt)
