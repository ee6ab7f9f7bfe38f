package arrowipc

import (
	"math/bits"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// values sees a buffer as numbers, as many as it holds.
func values[T int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64](b []byte) []T {
	var z T
	n := len(b) / int(unsafe.Sizeof(z))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

func (p *part) short(what string, have int) error {
	return corrupt("%d bytes of %s for %d values of %s", have, what, p.length, p.value)
}

func (p *part) checkValidity() error {
	if b := p.raw(0); p.bufs[0].mem != nil && int64(len(b)) < (p.length+7)/8 {
		return p.short("validity", len(b))
	}
	return nil
}

// check holds the buffers and children of a part against its length, and every
// place in them against what it refers to.
func (p *part) check(kids []arrow.ArrayData) error {
	switch t := p.value.(type) {
	case *arrow.NullType:
		return nil
	case *arrow.RunEndEncodedType:
		return p.checkRuns(kids)
	case arrow.UnionType:
		return p.checkUnion(t, kids)
	}
	if err := p.checkValidity(); err != nil {
		return err
	}
	switch t := p.value.(type) {
	case *arrow.StructType:
		for i, k := range kids {
			if int64(k.Len()) < p.length {
				return corrupt("field %d of a struct has %d values, the struct %d", i, k.Len(), p.length)
			}
		}
	case *arrow.FixedSizeListType:
		if hi, lo := bits.Mul64(uint64(p.length), uint64(t.Len())); hi != 0 || lo > uint64(kids[0].Len()) {
			return corrupt("%d lists of %d values in %d values", p.length, t.Len(), kids[0].Len())
		}
	case *arrow.BooleanType:
		if b := p.raw(1); int64(len(b)) < (p.length+7)/8 {
			return p.short("values", len(b))
		}
	case *arrow.StringType, *arrow.BinaryType:
		return checkOffsets[int32](p, len(p.raw(2)))
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		return checkOffsets[int64](p, len(p.raw(2)))
	case *arrow.ListType, *arrow.MapType:
		return checkOffsets[int32](p, kids[0].Len())
	case *arrow.LargeListType:
		return checkOffsets[int64](p, kids[0].Len())
	case *arrow.ListViewType:
		return checkListViews[int32](p, kids[0].Len())
	case *arrow.LargeListViewType:
		return checkListViews[int64](p, kids[0].Len())
	case arrow.BinaryViewDataType:
		return p.checkViews()
	case arrow.FixedWidthDataType:
		if b := p.raw(1); int64(len(b))/max(1, int64(t.Bytes())) < p.length && t.Bytes() > 0 {
			return p.short("values", len(b))
		}
	}
	return nil
}

func checkOffsets[T int32 | int64](p *part, end int) error {
	o := values[T](p.raw(1))
	if p.length == 0 && len(o) == 0 {
		return nil
	}
	if int64(len(o)) < p.length+1 {
		return p.short("offsets", len(p.raw(1)))
	}
	o = o[:p.length+1]
	bad := o[0] < 0 || int64(o[p.length]) > int64(end)
	last := o[0]
	for _, x := range o {
		bad = bad || x < last
		last = x
	}
	if bad {
		return corrupt("offsets of %s that do not ascend within %d", p.value, end)
	}
	return nil
}

func checkListViews[T int32 | int64](p *part, end int) error {
	o, s := values[T](p.raw(1)), values[T](p.raw(2))
	if int64(min(len(o), len(s))) < p.length {
		return p.short("positions", min(len(p.raw(1)), len(p.raw(2))))
	}
	valid := p.raw(0)
	for i := range int(p.length) {
		if o[i] < 0 || s[i] < 0 || int64(o[i]) > int64(end)-int64(s[i]) {
			if valid != nil && !bitutil.BitIsSet(valid, i) { // what is null may lie anywhere
				o[i], s[i] = 0, 0
				continue
			}
			return corrupt("a list of %d values at %d, of %d values", s[i], o[i], end)
		}
	}
	return nil
}

func (p *part) checkViews() error {
	v := values[int32](p.raw(1))
	if int64(len(v))/4 < p.length {
		return p.short("views", len(p.raw(1)))
	}
	valid := p.raw(0)
	for i := range int(p.length) {
		w := v[4*i : 4*i+4 : 4*i+4]
		if w[0] >= 0 && w[0] <= 12 {
			continue
		}
		if valid != nil && !bitutil.BitIsSet(valid, i) {
			clear(w)
			continue
		}
		if k := int(w[2]); w[0] < 0 || k < 0 || k >= len(p.bufs)-2 || w[3] < 0 || int64(w[3])+int64(w[0]) > int64(len(p.raw(2+k))) {
			return corrupt("a view of %d bytes at %d of buffer %d", w[0], w[3], w[2])
		}
	}
	return nil
}

func (p *part) checkUnion(t arrow.UnionType, kids []arrow.ArrayData) error {
	ids := p.raw(0)
	if int64(len(ids)) < p.length {
		return p.short("types", len(ids))
	}
	child := t.ChildIDs()
	var places []int32
	if t.Mode() == arrow.DenseMode {
		if places = values[int32](p.raw(1)); int64(len(places)) < p.length {
			return p.short("positions", len(p.raw(1)))
		}
	} else {
		for _, k := range kids {
			if int64(k.Len()) < p.length {
				return corrupt("a field of a union has %d values, the union %d", k.Len(), p.length)
			}
		}
	}
	for i, id := range ids[:p.length] {
		if int(id) >= len(child) || child[id] < 0 {
			return corrupt("type %d of a union that has none such", id)
		}
		if places != nil && (places[i] < 0 || int(places[i]) >= kids[child[id]].Len()) {
			return corrupt("value %d of %d of a union's field", places[i], kids[child[id]].Len())
		}
	}
	return nil
}

func (p *part) checkRuns(kids []arrow.ArrayData) error {
	ends, vals := kids[0], kids[1]
	if ends.NullN() != 0 || vals.Len() < ends.Len() {
		return corrupt("%d run ends, %d of them null, for %d values", ends.Len(), ends.NullN(), vals.Len())
	}
	var last int64
	ok := true
	switch b := p.kids[0].raw(1); ends.DataType().ID() {
	case arrow.INT16:
		last, ok = ascending(values[int16](b)[:ends.Len()])
	case arrow.INT32:
		last, ok = ascending(values[int32](b)[:ends.Len()])
	default:
		last, ok = ascending(values[int64](b)[:ends.Len()])
	}
	if !ok || last < p.length {
		return corrupt("run ends that do not ascend to %d", p.length)
	}
	return nil
}

func ascending[T int16 | int32 | int64](v []T) (last int64, ok bool) {
	var at T
	for _, x := range v {
		if x <= at {
			return 0, false
		}
		at = x
	}
	return int64(at), true
}

func (p *part) checkIndices(n int) error {
	b, valid := p.raw(1), p.raw(0)
	switch p.typ.(*arrow.DictionaryType).IndexType.ID() {
	case arrow.INT8:
		return checkIndices(p, values[int8](b), valid, n)
	case arrow.UINT8:
		return checkIndices(p, values[uint8](b), valid, n)
	case arrow.INT16:
		return checkIndices(p, values[int16](b), valid, n)
	case arrow.UINT16:
		return checkIndices(p, values[uint16](b), valid, n)
	case arrow.INT32:
		return checkIndices(p, values[int32](b), valid, n)
	case arrow.UINT32:
		return checkIndices(p, values[uint32](b), valid, n)
	case arrow.INT64:
		return checkIndices(p, values[int64](b), valid, n)
	}
	return checkIndices(p, values[uint64](b), valid, n)
}

func checkIndices[T int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64](p *part, v []T, valid []byte, n int) error {
	if int64(len(v)) < p.length {
		return p.short("indices", len(p.raw(1)))
	}
	for i, x := range v[:p.length] {
		if x < 0 || uint64(x) >= uint64(n) {
			if valid != nil && !bitutil.BitIsSet(valid, i) { // what is null may refer to anything
				v[i] = 0
				continue
			}
			return corrupt("index %d of a dictionary of %d values", x, n)
		}
	}
	return nil
}
