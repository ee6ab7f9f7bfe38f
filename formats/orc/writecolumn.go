package orc

import (
	"fmt"
	mathbits "math/bits"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/bloom"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/kernel"
)

// places are the places in an array's buffers, its offset included, of the
// values that reach a column. Idx nil: n places from base on.
type places struct {
	n    int
	idx  []int
	base int
}

func (s places) at(i int) int {
	if s.idx == nil {
		return s.base + i
	}
	return s.idx[i]
}

// columnWriter writes one column of the type tree, one stripe after another:
// which rows have a value, and those values; positions and statistics of each
// row group.
type columnWriter struct {
	node *writeNode
	o    columnPlan
	vals valueWriter
	kids []*columnWriter

	present presentWriter
	group   columnStats   // of the row group that is being filled
	groups  []columnStats // of the stripe's others
	stripe  columnStats
	file    columnStats
	disk    uint64 // bytes of streams written
	filter  *bloom.Filter
	filters []proto.BloomFilterBits

	idx   []int
	valid []byte
	moved []int // the parent's places, as this column's
}

// columnPlan is what the options come to for one column.
type columnPlan struct {
	w          *block.Writer
	dictionary DictionaryMode
	threshold  float64 // most distinct values a value in a dictionary
	stride     int     // rows of a row group; 0: no index
	bloom      *BloomOptions
}

// valueWriter encodes the values of one kind of column.
type valueWriter interface {
	// write encodes the values at the places of d.
	write(c *columnWriter, d arrow.ArrayData, at places) error
	// begin starts a row group: the place is remembered.
	begin()
	// positions appends where a row group begins, stream by stream.
	positions(p []uint64, group int) []uint64
	// finish ends the stripe. It gives the streams in the order of the
	// positions; they are valid until reset.
	finish(c *columnWriter) (valueStreams, error)
	reset()
	// size is the bytes of the stripe so far, about; held the memory.
	size() int64
	held() int64
}

// valueStreams are a column's streams in one stripe.
type valueStreams struct {
	encoding proto.ColumnEncoding
	kinds    []proto.StreamKind
	bytes    [][]byte
}

func (v *valueStreams) add(kind proto.StreamKind, s *outStream) error {
	b, err := s.finish()
	v.kinds, v.bytes = append(v.kinds, kind), append(v.bytes, b)
	return err
}

// presentWriter is the PRESENT stream, which a stripe without nulls leaves out.
type presentWriter struct {
	s     outStream
	enc   encoding.BoolRLEEncoder
	marks marks
	nulls bool
}

func (p *presentWriter) begin() {
	at := len(p.marks.flat)
	p.marks.flat = p.s.mark(p.marks.flat)
	run, bit := p.enc.Held()
	p.marks.flat = append(p.marks.flat, uint64(run), uint64(bit))
	p.marks.add(at)
}

func (p *presentWriter) all(n int) {
	p.s.raw = p.enc.AppendOnes(p.s.raw, n)
	p.s.settle()
}

func (p *presentWriter) bitmap(bm []byte, off, n int) {
	p.nulls = true
	p.s.raw = p.enc.Append(p.s.raw, bm, off, n)
	p.s.settle()
}

func (p *presentWriter) reset() {
	p.s.reset()
	p.enc.Reset()
	p.marks.reset()
	p.nulls = false
}

// write encodes the values of d at places in.
func (c *columnWriter) write(d arrow.ArrayData, in places) error {
	d, live, err := c.resolve(d, in)
	if err != nil {
		return c.fail(err)
	}
	c.group.values += uint64(live.n)
	if live.n < in.n {
		c.group.hasNull = true
	}
	if live.n == 0 {
		return nil
	}
	return c.fail(c.vals.write(c, d, live))
}

// fail gives an error the column's name, unless it has one.
func (c *columnWriter) fail(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*arrowio.Error); ok {
		if e.Column == "" {
			e.Column = c.node.path
		}
		return e
	}
	return &arrowio.Error{Op: "write", Column: c.node.path, Err: err}
}

// resolve follows dictionary indices, run ends and extensions down to the array
// that holds the values, writes which of the places have one, and gives those.
func (c *columnWriter) resolve(d arrow.ArrayData, in places) (arrow.ArrayData, places, error) {
	holes := false
	for {
		dt := d.DataType()
		for {
			ext, ok := dt.(arrow.ExtensionType)
			if !ok {
				break
			}
			dt = ext.StorageType()
		}
		switch dt.(type) {
		case *arrow.DictionaryType:
			in = c.own(in)
			holes = c.dropNulls(d, in) || holes
			if err := kernel.DictionaryPositions(d, in.idx); err != nil {
				return nil, in, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
			}
			if d.Dictionary() == nil {
				return d, places{}, c.compact(&in, holes)
			}
			d = d.Dictionary()
		case *arrow.RunEndEncodedType:
			in = c.own(in)
			if err := kernel.RunPositions(d, in.idx); err != nil {
				return nil, in, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
			}
			d = d.Children()[1]
		default:
			if in.idx == nil {
				return c.plain(d, in)
			}
			if nullable(d) {
				in = c.own(in)
				holes = c.dropNulls(d, in) || holes
			}
			err := c.compact(&in, holes)
			return d, in, err
		}
	}
}

// nullable tells whether any of an array's places may be null.
func nullable(d arrow.ArrayData) bool {
	if d.DataType().ID() == arrow.NULL {
		return true
	}
	return len(d.Buffers()) > 0 && d.Buffers()[0] != nil && d.Buffers()[0].Len() > 0 && d.NullN() != 0
}

// plain is resolve of adjacent places of an array that holds its own values.
func (c *columnWriter) plain(d arrow.ArrayData, in places) (arrow.ArrayData, places, error) {
	if !nullable(d) {
		c.present.all(in.n)
		return d, in, nil
	}
	if d.DataType().ID() == arrow.NULL {
		c.idx = c.idx[:0]
		c.valid = sized(c.valid, in.n/8+1)
		clear(c.valid)
		c.present.bitmap(c.valid, 0, in.n)
		return d, places{}, nil
	}
	bm := d.Buffers()[0].Bytes()
	live := bits.Count(bm, in.base, in.n)
	if live == in.n {
		c.present.all(in.n)
		return d, in, nil
	}
	if !c.node.field.Nullable {
		return d, in, errNull
	}
	c.present.bitmap(bm, in.base, in.n)
	c.idx = sized(c.idx, live)
	k := 0
	for i := 0; i < in.n; i += 8 { // the set bits of a byte at a time
		var w [1]byte
		n := min(8, in.n-i)
		bits.Copy(w[:], 0, bm, in.base+i, n)
		for b := w[0]; b != 0; b &= b - 1 {
			c.idx[k] = in.base + i + mathbits.TrailingZeros8(b)
			k++
		}
	}
	return d, places{n: live, idx: c.idx}, nil
}

var errNull = fmt.Errorf("%w: a null in a field that is declared not null", arrowio.ErrCast)

// own makes the places writable.
func (c *columnWriter) own(in places) places {
	if len(in.idx) > 0 && len(c.idx) > 0 && &in.idx[0] == &c.idx[0] {
		return in
	}
	c.idx = sized(c.idx, in.n)
	for i := range c.idx {
		c.idx[i] = in.at(i)
	}
	return places{n: in.n, idx: c.idx}
}

// dropNulls makes the places of nulls -1, and tells whether there is any.
func (c *columnWriter) dropNulls(d arrow.ArrayData, in places) bool {
	if !nullable(d) {
		return false
	}
	if d.DataType().ID() == arrow.NULL {
		for i := range in.idx {
			in.idx[i] = -1
		}
		return true
	}
	any := false
	bm := d.Buffers()[0].Bytes()
	for i, x := range in.idx {
		if x >= 0 && !bits.Get(bm, x) {
			in.idx[i], any = -1, true
		}
	}
	return any
}

// compact writes which places are there, and leaves those.
func (c *columnWriter) compact(in *places, holes bool) error {
	if !holes {
		c.present.all(in.n)
		return nil
	}
	c.valid = sized(c.valid, in.n/8+1)
	clear(c.valid)
	k := 0
	for i, x := range in.idx {
		if x >= 0 {
			bits.Set(c.valid, i)
			in.idx[k] = x
			k++
		}
	}
	if k < in.n && !c.node.field.Nullable && c.node.storage.ID() != arrow.NULL {
		return errNull
	}
	c.present.bitmap(c.valid, 0, in.n)
	in.n, in.idx = k, in.idx[:k]
	return nil
}

// shifted are the places of a child whose array starts at an offset of its own.
func (c *columnWriter) shifted(in places, by int) places {
	if in.idx == nil {
		in.base += by
		return in
	}
	if by == 0 {
		return in
	}
	c.moved = sized(c.moved, in.n)
	for i, x := range in.idx[:in.n] {
		c.moved[i] = x + by
	}
	in.idx = c.moved
	return in
}

// begin starts a row group in this column and those below.
func (c *columnWriter) begin() {
	c.present.begin()
	c.vals.begin()
	for _, k := range c.kids {
		k.begin()
	}
}

// end ends a row group.
func (c *columnWriter) end() {
	c.groups = append(c.groups, c.group)
	c.group = columnStats{}
	if c.filter != nil {
		c.endFilter()
	}
	for _, k := range c.kids {
		k.end()
	}
}

func (c *columnWriter) endFilter() {
	c.filters = append(c.filters, proto.BloomFilterBits{Hashes: uint32(c.filter.Hashes()), Bytes: c.filter.Bytes()})
	c.filter.Reset()
}

// size is the bytes of the stripe so far, about.
func (c *columnWriter) size() int64 {
	n := c.vals.size() + c.present.s.size()
	for i := range c.filters {
		n += int64(len(c.filters[i].Bytes))
	}
	for _, k := range c.kids {
		n += k.size()
	}
	return n
}

// held is the memory of the column and those below.
func (c *columnWriter) held() int64 {
	n := c.vals.held() + c.present.s.held() + int64(8*(cap(c.idx)+cap(c.moved)))
	n += int64(len(c.groups)) * int64(unsafe.Sizeof(columnStats{}))
	for i := range c.filters {
		n += int64(len(c.filters[i].Bytes))
	}
	for _, k := range c.kids {
		n += k.held()
	}
	return n
}

// view sees buffer i of d as values of T; empty without one.
func view[T any](d arrow.ArrayData, i int) []T {
	if i >= len(d.Buffers()) || d.Buffers()[i] == nil {
		return nil
	}
	var zero T
	b := d.Buffers()[i].Bytes()
	n := len(b) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// sized gives a slice of length n, over s's memory if it suffices. Its contents
// are undefined.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
