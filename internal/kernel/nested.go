package kernel

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// castNested casts structs, lists and unions child by child.
func castNested(mem memory.Allocator, arr arrow.Array, to arrow.DataType, o CastOptions) (arrow.Array, error) {
	if u, ok := arr.(array.Union); ok {
		if t, ok := to.(arrow.UnionType); ok {
			return castUnion(mem, u, t, o)
		}
		return nil, impossible(arr.DataType(), to)
	}
	if s, ok := arr.(*array.Struct); ok {
		if t, ok := to.(*arrow.StructType); ok {
			return castStruct(mem, s, t, o)
		}
		return nil, impossible(arr.DataType(), to)
	}
	src, ok1 := arr.(array.ListLike)
	dst, ok2 := to.(arrow.ListLikeType)
	if !ok1 || !ok2 {
		return nil, impossible(arr.DataType(), to)
	}
	// The rows' children, in order and without gaps, and each row's length.
	n := arr.Len()
	valid := Validity(arr)
	var sub selection
	lens := make([]int, n)
	fsl, _ := to.(*arrow.FixedSizeListType)
	for i := range n {
		if !valid.Get(i) {
			if fsl != nil {
				sub.add(-1, int(fsl.Len()))
			}
			continue
		}
		from, end := src.ValueOffsets(i)
		lens[i] = int(end - from)
		if fsl != nil && lens[i] != int(fsl.Len()) {
			return nil, fmt.Errorf("row %d: %w: a list of %d as %s", i, ErrCast, lens[i], to)
		}
		sub.add(int(from), lens[i])
	}
	flat, err := gather(mem, src.ListValues(), sub)
	if err != nil {
		return nil, err
	}
	defer flat.Release()
	kid, err := Cast(mem, flat, dst.Elem(), o)
	if err != nil {
		return nil, err
	}
	defer kid.Release()
	g := gatherer{mem}
	vb := g.buffer(len(valid.Bits))
	copy(vb.Bytes(), valid.Bits)
	bufs := []*memory.Buffer{vb}
	switch to.ID() {
	case arrow.FIXED_SIZE_LIST:
	case arrow.LIST, arrow.MAP:
		bufs = append(bufs, g.starts(lens, 4, 1))
	case arrow.LARGE_LIST:
		bufs = append(bufs, g.starts(lens, 8, 1))
	case arrow.LIST_VIEW:
		bufs = append(bufs, g.starts(lens, 4, 0), g.sizes(lens, 4))
	case arrow.LARGE_LIST_VIEW:
		bufs = append(bufs, g.starts(lens, 8, 0), g.sizes(lens, 8))
	}
	defer drop(bufs...)
	if sub.n>>31 != 0 && to.ID() != arrow.LARGE_LIST && to.ID() != arrow.LARGE_LIST_VIEW && fsl == nil {
		return nil, fmt.Errorf("%w: %d in %s", ErrOverflow, sub.n, to)
	}
	d := array.NewData(to, n, bufs, []arrow.ArrayData{kid.Data()}, n-valid.Count(), 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

func (g gatherer) starts(lens []int, w, extra int) *memory.Buffer {
	buf, sum := g.buffer((len(lens)+extra)*w), 0
	for i := range len(lens) + extra {
		put(buf.Bytes(), i, w, sum)
		if i < len(lens) {
			sum += lens[i]
		}
	}
	return buf
}

func (g gatherer) sizes(lens []int, w int) *memory.Buffer {
	buf := g.buffer(len(lens) * w)
	for i, n := range lens {
		put(buf.Bytes(), i, w, n)
	}
	return buf
}

func put(b []byte, i, w, v int) {
	if w == 4 {
		words[int32](b)[i] = int32(v)
	} else {
		words[int64](b)[i] = int64(v)
	}
}

func castStruct(mem memory.Allocator, arr *array.Struct, to *arrow.StructType, o CastOptions) (arrow.Array, error) {
	from := arr.DataType().(*arrow.StructType)
	// The key and value of a map match by position: their names vary.
	byPlace := from.NumFields() == 2 && to.NumFields() == 2 && to.Field(0).Name == "key" && from.Field(0).Name != to.Field(0).Name
	used := 0
	kids := make([]arrow.ArrayData, to.NumFields())
	defer func() {
		for _, k := range kids {
			if k != nil {
				k.Release()
			}
		}
	}()
	for i, f := range to.Fields() {
		at, ok := i, true
		if !byPlace {
			at, ok = from.FieldIdx(f.Name)
		}
		var kid arrow.Array
		var err error
		switch {
		case ok:
			used++
			kid, err = Cast(mem, arr.Field(at), f.Type, o)
		case f.Nullable:
			kid, err = nullsOf(mem, f.Type, arr.Len())
		default:
			err = fmt.Errorf("%w: %s has no value for the required field %q", ErrCast, from, f.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		kids[i] = kid.Data()
		kids[i].Retain()
		kid.Release()
	}
	if used < from.NumFields() {
		return nil, fmt.Errorf("%w: %s has fields that %s lacks", ErrCast, from, to)
	}
	valid := Validity(arr)
	vb := gatherer{mem}.buffer(len(valid.Bits))
	copy(vb.Bytes(), valid.Bits)
	defer drop(vb)
	d := array.NewData(to, arr.Len(), []*memory.Buffer{vb}, kids, arr.Len()-valid.Count(), 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}
