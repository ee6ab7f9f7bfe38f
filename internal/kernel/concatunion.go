package kernel

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// hasUnion says whether a type is or holds a union, which arrow-go cannot join.
func hasUnion(dt arrow.DataType) bool {
	switch t := dt.(type) {
	case arrow.UnionType:
		return true
	case arrow.ExtensionType:
		return hasUnion(t.StorageType())
	case *arrow.MapType:
		return hasUnion(t.KeyType()) || hasUnion(t.ItemType())
	case arrow.ListLikeType:
		return hasUnion(t.Elem())
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if hasUnion(f.Type) {
				return true
			}
		}
	}
	return false
}

// joined collects the parts of arrays to join.
type joined struct {
	mem   memory.Allocator
	parts []arrow.Array
}

func (j *joined) add(a arrow.Array) { j.parts = append(j.parts, a) }

// whole joins the parts, which it releases.
func (j *joined) whole() (arrow.Array, error) {
	defer release(j.parts)
	return Concat(j.mem, j.parts)
}

// concatUnions joins unions: the children whole for dense ones, whose offsets
// then count on, and row by row for sparse ones.
func concatUnions(mem memory.Allocator, arrs []arrow.Array, t arrow.UnionType) (arrow.Array, error) {
	n := 0
	for _, a := range arrs {
		n += a.Len()
	}
	g := gatherer{mem}
	ids := g.buffer(n)
	buffers := []*memory.Buffer{nil, ids}
	defer func() { drop(buffers...) }()
	at := 0
	for _, a := range arrs {
		d := a.Data()
		at += copy(ids.Bytes()[at:], d.Buffers()[1].Bytes()[d.Offset():d.Offset()+d.Len()])
	}
	_, dense := t.(*arrow.DenseUnionType)
	if dense {
		offs := g.buffer(4 * n)
		buffers = append(buffers, offs)
		if err := denseOffsets(words[int32](offs.Bytes()), arrs); err != nil {
			return nil, err
		}
	}
	children := make([]arrow.ArrayData, len(t.Fields()))
	defer func() {
		for _, c := range children {
			if c != nil {
				c.Release()
			}
		}
	}()
	for k := range children {
		j := joined{mem: mem}
		for _, a := range arrs {
			child := array.MakeFromData(a.Data().Children()[k])
			if dense {
				j.add(child)
				continue
			}
			off := int64(a.Data().Offset())
			j.add(array.NewSlice(child, off, off+int64(a.Len())))
			child.Release()
		}
		c, err := j.whole()
		if err != nil {
			return nil, err
		}
		c.Data().Retain()
		children[k] = c.Data()
		c.Release()
	}
	d := array.NewData(t, n, buffers, children, 0, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

// denseOffsets are those of all arrays, on top of the children before.
func denseOffsets(dst []int32, arrs []arrow.Array) error {
	var base [128]int64
	at := 0
	for _, a := range arrs {
		u := a.(*array.DenseUnion)
		for i := range u.Len() {
			v := int64(u.ValueOffset(i)) + base[u.ChildID(i)]
			if v > math.MaxInt32 {
				return fmt.Errorf("kernel: union of more than 2^31 values: %w", ErrOverflow)
			}
			dst[at] = int32(v)
			at++
		}
		for k, c := range u.Data().Children() {
			base[k] += int64(c.Len())
		}
	}
	return nil
}

// concatLists joins lists and maps whose elements arrow-go cannot join.
func concatLists(mem memory.Allocator, arrs []arrow.Array, dt arrow.DataType) (arrow.Array, error) {
	n, nulls := 0, 0
	for _, a := range arrs {
		n, nulls = n+a.Len(), nulls+a.NullN()
	}
	g := gatherer{mem}
	offs := g.buffer(4 * (n + 1))
	buffers := []*memory.Buffer{nil, offs}
	defer func() { drop(buffers...) }()
	if nulls > 0 {
		buffers[0] = g.bitBuffer(n)
	}
	dst := words[int32](offs.Bytes())
	dst[0] = 0
	j := joined{mem: mem}
	at, end := 0, int64(0)
	for _, a := range arrs {
		l := a.(array.ListLike)
		first, last := int64(0), int64(0)
		if a.Len() > 0 {
			first, _ = l.ValueOffsets(0)
			_, last = l.ValueOffsets(a.Len() - 1)
		}
		if end+last-first > math.MaxInt32 {
			release(j.parts)
			return nil, fmt.Errorf("kernel: lists of more than 2^31 elements: %w", ErrOverflow)
		}
		for i := range a.Len() {
			_, to := l.ValueOffsets(i)
			dst[at+i+1] = int32(end + to - first)
		}
		if nulls > 0 {
			copyBits(buffers[0].Bytes(), at, Validity(a).Bits, 0, a.Len())
		}
		j.add(array.NewSlice(l.ListValues(), first, last))
		at, end = at+a.Len(), end+last-first
	}
	values, err := j.whole()
	if err != nil {
		return nil, err
	}
	defer values.Release()
	d := array.NewData(dt, n, buffers, []arrow.ArrayData{values.Data()}, nulls, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}
