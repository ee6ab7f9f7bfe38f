package kernel

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// castUnion casts a union member by member, by their places; the mode and the
// codes may differ.
func castUnion(mem memory.Allocator, arr array.Union, to arrow.UnionType, o CastOptions) (arrow.Array, error) {
	n, members := arr.Len(), to.Fields()
	if arr.NumFields() != len(members) {
		return nil, impossible(arr.DataType(), to)
	}
	dense, isDense := arr.(*array.DenseUnion)
	g := gatherer{mem}
	codes := g.buffer(n)
	bufs := []*memory.Buffer{nil, codes}
	defer func() { drop(bufs[1:]...) }()
	rows := make([][]int64, len(members))
	sparse := to.Mode() == arrow.SparseMode
	var offsets []int32
	if !sparse {
		b := g.buffer(4 * n)
		bufs = append(bufs, b)
		offsets = words[int32](b.Bytes())
	}
	for k := range rows {
		if !sparse {
			continue
		}
		rows[k] = make([]int64, n)
		filler := int64(-1) // what slots of other members hold
		if !members[k].Nullable && arr.Field(k).Len() > 0 {
			filler = 0
		}
		for i := range rows[k] {
			rows[k][i] = filler
		}
	}
	for i := range n {
		k := arr.ChildID(i)
		codes.Bytes()[i] = byte(to.TypeCodes()[k])
		at := int64(i)
		if isDense {
			at = int64(dense.ValueOffset(i))
		}
		if sparse {
			rows[k][i] = at
		} else {
			offsets[i] = int32(len(rows[k]))
			rows[k] = append(rows[k], at)
		}
	}
	var kids []arrow.ArrayData
	defer func() {
		for _, k := range kids {
			k.Release()
		}
	}()
	for k, f := range members {
		taken, err := Take(mem, arr.Field(k), rows[k])
		if err != nil {
			return nil, err
		}
		kid, err := Cast(mem, taken, f.Type, o)
		taken.Release()
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid.Data())
		kid.Data().Retain()
		kid.Release()
	}
	d := array.NewData(to, n, bufs, kids, 0, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}
