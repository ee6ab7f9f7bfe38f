package kernel

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// ErrOverflow is a result too long for the offsets of its type.
var ErrOverflow = errors.New("result overflows the type's offsets")

// Filter gives the rows of arr that are in mask. A mask of all rows, and a
// single long run, share arr's memory.
func Filter(mem memory.Allocator, arr arrow.Array, mask Bitmap) (arrow.Array, error) {
	if mask.Len != arr.Len() {
		return nil, fmt.Errorf("kernel: mask of %d rows over an array of %d", mask.Len, arr.Len())
	}
	return filter(mem, arr, maskRuns(mask))
}

func filter(mem memory.Allocator, arr arrow.Array, s selection) (arrow.Array, error) {
	if s.n == arr.Len() {
		arr.Retain()
		return arr, nil
	}
	if len(s.runs) == 1 && s.n >= arr.Len()/2 {
		r := s.runs[0]
		return array.NewSlice(arr, int64(r.off), int64(r.off+r.n)), nil
	}
	return gather(mem, arr, s)
}

// FilterBatch gives the rows of rec that are in mask.
func FilterBatch(mem memory.Allocator, rec arrow.RecordBatch, mask Bitmap) (arrow.RecordBatch, error) {
	if int64(mask.Len) != rec.NumRows() {
		return nil, fmt.Errorf("kernel: mask of %d rows over a batch of %d", mask.Len, rec.NumRows())
	}
	s := maskRuns(mask)
	cols := make([]arrow.Array, rec.NumCols())
	defer release(cols)
	for i := range cols {
		c, err := filter(mem, rec.Column(i), s)
		if err != nil {
			return nil, err
		}
		cols[i] = c
	}
	return array.NewRecordBatch(rec.Schema(), cols, int64(s.n)), nil
}

func release(cols []arrow.Array) {
	for _, c := range cols {
		if c != nil {
			c.Release()
		}
	}
}

// Take gives the rows of arr at indices, in their order; a negative index
// gives null.
func Take[I int32 | int64](mem memory.Allocator, arr arrow.Array, indices []I) (arrow.Array, error) {
	var s selection
	n := arr.Len()
	for _, i := range indices {
		if int64(i) >= int64(n) {
			return nil, fmt.Errorf("kernel: index %d in an array of %d", i, n)
		}
		s.add(max(int(i), -1), 1)
	}
	return gather(mem, arr, s)
}

func gather(mem memory.Allocator, arr arrow.Array, s selection) (arrow.Array, error) {
	d, err := gatherer{mem}.data(arr.Data(), s)
	if err != nil {
		return nil, err
	}
	defer d.Release()
	return array.MakeFromData(d), nil
}

// gatherer works on array data: one function a layout, whatever the type.
type gatherer struct{ mem memory.Allocator }

func (g gatherer) buffer(n int) *memory.Buffer {
	b := memory.NewResizableBuffer(g.mem)
	b.Resize(n)
	return b
}

func (g gatherer) bitBuffer(n int) *memory.Buffer {
	b := g.buffer((n + 7) / 8)
	clear(b.Bytes())
	return b
}

func drop(bufs ...*memory.Buffer) {
	for _, b := range bufs {
		if b != nil {
			b.Release()
		}
	}
}

func storage(t arrow.DataType) arrow.DataType {
	for {
		e, ok := t.(arrow.ExtensionType)
		if !ok {
			return t
		}
		t = e.StorageType()
	}
}

func (g gatherer) validity(d arrow.ArrayData, s selection) *memory.Buffer {
	bufs := d.Buffers()
	var src []byte
	if len(bufs) > 0 && bufs[0] != nil && d.NullN() != 0 {
		src = bufs[0].Bytes()
	}
	if src == nil && !s.nulls {
		return nil
	}
	out := g.bitBuffer(s.n)
	dst, at := Bitmap{out.Bytes(), s.n}, 0
	for _, r := range s.runs {
		switch {
		case r.off < 0:
		case src == nil:
			dst.SetRange(at, r.n)
		default:
			copyBits(dst.Bits, at, src, d.Offset()+r.off, r.n)
		}
		at += r.n
	}
	return out
}

func (g gatherer) data(d arrow.ArrayData, s selection) (arrow.ArrayData, error) {
	dt := storage(d.DataType())
	switch t := dt.(type) {
	case *arrow.NullType:
		return array.NewData(d.DataType(), s.n, []*memory.Buffer{nil}, nil, s.n, 0), nil
	case *arrow.RunEndEncodedType:
		return g.runEnds(d, s)
	case *arrow.SparseUnionType:
		return g.sparse(d, t, s)
	case *arrow.DenseUnionType:
		return g.dense(d, t, s)
	}
	valid := g.validity(d, s)
	defer drop(valid)
	nulls := 0
	if valid != nil {
		nulls = s.n - Bitmap{valid.Bytes(), s.n}.Count()
	}
	var kids []arrow.ArrayData
	defer func() {
		for _, k := range kids {
			k.Release()
		}
	}()
	bufs := d.Buffers()
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		vals := g.fixed(bufs[1], t.BitWidth()/8, d.Offset(), s)
		defer drop(vals)
		return array.NewDataWithDictionary(d.DataType(), s.n, []*memory.Buffer{valid, vals}, nulls, 0, d.Dictionary().(*array.Data)), nil
	case *arrow.StructType:
		sub := s.shift(d.Offset(), 1)
		for _, c := range d.Children() {
			k, err := g.data(c, sub)
			if err != nil {
				return nil, err
			}
			kids = append(kids, k)
		}
		return array.NewData(d.DataType(), s.n, []*memory.Buffer{valid}, kids, nulls, 0), nil
	case *arrow.FixedSizeListType:
		k, err := g.data(d.Children()[0], s.shift(d.Offset(), int(t.Len())))
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
		return array.NewData(d.DataType(), s.n, []*memory.Buffer{valid}, kids, nulls, 0), nil
	case *arrow.BooleanType:
		out := g.bitBuffer(s.n)
		defer drop(out)
		at := 0
		for _, r := range s.runs {
			if r.off >= 0 {
				copyBits(out.Bytes(), at, bufs[1].Bytes(), d.Offset()+r.off, r.n)
			}
			at += r.n
		}
		return array.NewData(d.DataType(), s.n, []*memory.Buffer{valid, out}, nil, nulls, 0), nil
	}
	switch dt.ID() {
	case arrow.BINARY, arrow.STRING:
		return varlen[int32](g, d, s, valid, nulls)
	case arrow.LARGE_BINARY, arrow.LARGE_STRING:
		return varlen[int64](g, d, s, valid, nulls)
	case arrow.LIST, arrow.MAP:
		return list[int32](g, d, s, valid, nulls)
	case arrow.LARGE_LIST:
		return list[int64](g, d, s, valid, nulls)
	case arrow.BINARY_VIEW, arrow.STRING_VIEW:
		views := g.fixed(bufs[1], arrow.ViewHeaderSizeBytes, d.Offset(), s)
		defer drop(views)
		return array.NewData(d.DataType(), s.n, append([]*memory.Buffer{valid, views}, bufs[2:]...), nil, nulls, 0), nil
	case arrow.LIST_VIEW, arrow.LARGE_LIST_VIEW:
		w := 4
		if dt.ID() == arrow.LARGE_LIST_VIEW {
			w = 8
		}
		offs, sizes := g.fixed(bufs[1], w, d.Offset(), s), g.fixed(bufs[2], w, d.Offset(), s)
		defer drop(offs, sizes)
		return array.NewData(d.DataType(), s.n, []*memory.Buffer{valid, offs, sizes}, d.Children(), nulls, 0), nil
	}
	if t, ok := dt.(arrow.FixedWidthDataType); ok {
		vals := g.fixed(bufs[1], t.BitWidth()/8, d.Offset(), s)
		defer drop(vals)
		return array.NewData(d.DataType(), s.n, []*memory.Buffer{valid, vals}, nil, nulls, 0), nil
	}
	return nil, fmt.Errorf("kernel: no layout for type %s", dt)
}

// fixed gathers values of w bytes. Long runs are copied at once; short ones of
// the usual widths are loops over machine words. Nulls become zeros.
func (g gatherer) fixed(buf *memory.Buffer, w, off int, s selection) *memory.Buffer {
	out := g.buffer(s.n * w)
	if s.n == 0 {
		return out
	}
	var src []byte
	if buf != nil && buf.Len() > 0 {
		src = buf.Bytes()
	}
	dst := out.Bytes()
	switch w {
	case 4:
		copyRuns(words[uint32](dst), words[uint32](src), off, s)
	case 8:
		copyRuns(words[uint64](dst), words[uint64](src), off, s)
	case 16:
		copyRuns(words[[2]uint64](dst), words[[2]uint64](src), off, s)
	default:
		at := 0
		for _, r := range s.runs {
			n := r.n * w
			if r.off < 0 {
				clear(dst[at : at+n])
			} else {
				copy(dst[at:at+n], src[(off+r.off)*w:])
			}
			at += n
		}
	}
	return out
}

func words[T any](b []byte) []T {
	var z T
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(z)))
}

func copyRuns[T any](dst, src []T, off int, s selection) {
	at := 0
	for _, r := range s.runs {
		to := dst[at : at+r.n]
		switch {
		case r.off < 0:
			clear(to)
		case r.n < 8:
			from := src[off+r.off : off+r.off+r.n]
			for i := range to {
				to[i] = from[i]
			}
		default:
			copy(to, src[off+r.off:])
		}
		at += r.n
	}
}

// offsets gives new offsets for the runs and hands each source range to emit.
func offsets[O int32 | int64](g gatherer, d arrow.ArrayData, s selection, emit func(from, to int)) (*memory.Buffer, int64, error) {
	var z O
	out := g.buffer((s.n + 1) * int(unsafe.Sizeof(z)))
	dst := words[O](out.Bytes())
	var src []O
	if b := d.Buffers()[1]; b != nil && b.Len() > 0 {
		src = words[O](b.Bytes())[d.Offset():]
	}
	dst[0] = 0
	at, sum := 1, int64(0)
	for _, r := range s.runs {
		if r.off < 0 {
			for range r.n {
				dst[at] = O(sum)
				at++
			}
			continue
		}
		o := src[r.off : r.off+r.n+1]
		base := int64(o[0])
		if more := int64(o[r.n]) - base; int64(O(sum+more)) != sum+more {
			out.Release()
			return nil, 0, fmt.Errorf("%w: %d in %s", ErrOverflow, sum+more, d.DataType())
		}
		for _, v := range o[1:] {
			dst[at] = O(sum + int64(v) - base)
			at++
		}
		sum += int64(o[r.n]) - base
		emit(int(base), int(o[r.n]))
	}
	return out, sum, nil
}

func varlen[O int32 | int64](g gatherer, d arrow.ArrayData, s selection, valid *memory.Buffer, nulls int) (arrow.ArrayData, error) {
	ranges := make([]run, 0, len(s.runs))
	offs, size, err := offsets[O](g, d, s, func(from, to int) {
		if to > from {
			ranges = append(ranges, run{from, to - from})
		}
	})
	if err != nil {
		return nil, err
	}
	vals := g.buffer(int(size))
	defer drop(offs, vals)
	dst := vals.Bytes()
	for _, r := range ranges {
		dst = dst[copy(dst, d.Buffers()[2].Bytes()[r.off:r.off+r.n]):]
	}
	return array.NewData(d.DataType(), s.n, []*memory.Buffer{valid, offs, vals}, nil, nulls, 0), nil
}

func list[O int32 | int64](g gatherer, d arrow.ArrayData, s selection, valid *memory.Buffer, nulls int) (arrow.ArrayData, error) {
	var sub selection
	offs, _, err := offsets[O](g, d, s, func(from, to int) { sub.add(from, to-from) })
	if err != nil {
		return nil, err
	}
	defer drop(offs)
	k, err := g.data(d.Children()[0], sub)
	if err != nil {
		return nil, err
	}
	defer k.Release()
	return array.NewData(d.DataType(), s.n, []*memory.Buffer{valid, offs}, []arrow.ArrayData{k}, nulls, 0), nil
}

func (g gatherer) runEnds(d arrow.ArrayData, s selection) (arrow.ArrayData, error) {
	ends := array.MakeFromData(d.Children()[0])
	defer ends.Release()
	var sub selection
	var out []int
	for at, i := 0, 0; i < len(s.runs); i++ {
		r := s.runs[i]
		if r.off < 0 {
			at += r.n
			sub.add(-1, 1)
			out = append(out, at)
			continue
		}
		from, to := d.Offset()+r.off, d.Offset()+r.off+r.n
		for k := sort.Search(ends.Len(), func(k int) bool { return runEnd(ends, k) > from }); from < to; k++ {
			end := min(runEnd(ends, k), to)
			at += end - from
			from = end
			if n := len(sub.runs); n > 0 && sub.runs[n-1].off >= 0 && sub.runs[n-1].off+sub.runs[n-1].n == k+1 {
				out[len(out)-1] = at // the same run goes on
				continue
			}
			sub.add(k, 1)
			out = append(out, at)
		}
	}
	vals, err := g.data(d.Children()[1], sub)
	if err != nil {
		return nil, err
	}
	defer vals.Release()
	et := ends.DataType()
	w := et.(arrow.FixedWidthDataType).BitWidth() / 8
	if lim := int64(math.MaxInt64) >> (64 - 8*w); int64(s.n) > lim {
		return nil, fmt.Errorf("%w: %d rows in %s", ErrOverflow, s.n, d.DataType())
	}
	buf := g.buffer(len(out) * w)
	defer drop(buf)
	for i, e := range out {
		switch w {
		case 2:
			words[int16](buf.Bytes())[i] = int16(e)
		case 4:
			words[int32](buf.Bytes())[i] = int32(e)
		default:
			words[int64](buf.Bytes())[i] = int64(e)
		}
	}
	ed := array.NewData(et, len(out), []*memory.Buffer{nil, buf}, nil, 0, 0)
	defer ed.Release()
	return array.NewData(d.DataType(), s.n, []*memory.Buffer{nil}, []arrow.ArrayData{ed, vals}, 0, 0), nil
}

// typeIDs gathers a union's type codes; nulls take the first child's.
func (g gatherer) typeIDs(d arrow.ArrayData, codes []arrow.UnionTypeCode, s selection) *memory.Buffer {
	ids := g.fixed(d.Buffers()[1], 1, d.Offset(), s)
	at := 0
	for _, r := range s.runs {
		if r.off < 0 {
			for i := at; i < at+r.n; i++ {
				ids.Bytes()[i] = byte(codes[0])
			}
		}
		at += r.n
	}
	return ids
}

func (g gatherer) sparse(d arrow.ArrayData, t *arrow.SparseUnionType, s selection) (arrow.ArrayData, error) {
	ids := g.typeIDs(d, t.TypeCodes(), s)
	defer drop(ids)
	return g.union(d, s, []*memory.Buffer{nil, ids}, func(int) selection { return s.shift(d.Offset(), 1) })
}

func (g gatherer) dense(d arrow.ArrayData, t *arrow.DenseUnionType, s selection) (arrow.ArrayData, error) {
	ids := g.typeIDs(d, t.TypeCodes(), s)
	defer drop(ids)
	offs := g.buffer(s.n * 4)
	defer drop(offs)
	dst := words[int32](offs.Bytes())
	src := words[int32](d.Buffers()[2].Bytes())
	subs := make([]selection, len(d.Children()))
	child := t.ChildIDs()
	at := 0
	for _, r := range s.runs {
		for i := range r.n {
			c := child[int8(ids.Bytes()[at])]
			dst[at] = int32(subs[c].n)
			if r.off < 0 {
				subs[c].add(-1, 1)
			} else {
				subs[c].add(int(src[d.Offset()+r.off+i]), 1)
			}
			at++
		}
	}
	return g.union(d, s, []*memory.Buffer{nil, ids, offs}, func(c int) selection { return subs[c] })
}

func (g gatherer) union(d arrow.ArrayData, s selection, bufs []*memory.Buffer, sub func(c int) selection) (arrow.ArrayData, error) {
	var kids []arrow.ArrayData
	defer func() {
		for _, k := range kids {
			k.Release()
		}
	}()
	for c, ch := range d.Children() {
		k, err := g.data(ch, sub(c))
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
	}
	return array.NewData(d.DataType(), s.n, bufs, kids, 0, 0), nil
}

// TakeBatch gives the rows of a batch at the indices; a negative index gives
// nulls. A nil mem is the default allocator.
func TakeBatch(mem memory.Allocator, rec arrow.RecordBatch, indices []int64) (arrow.RecordBatch, error) {
	if mem == nil {
		mem = memory.DefaultAllocator
	}
	cols := make([]arrow.Array, rec.NumCols())
	defer release(cols)
	for i := range cols {
		c, err := Take(mem, rec.Column(i), indices)
		if err != nil {
			return nil, err
		}
		cols[i] = c
	}
	return array.NewRecordBatch(rec.Schema(), cols, int64(len(indices))), nil
}
