package arrowipc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel"
)

// unifier makes the dictionaries of successive batches one that only grows: a
// batch's indices are rewritten to those of the values that are there already,
// and its new values follow them.
type unifier struct {
	stream bool
	known  map[string]*array.Data // by place in the schema
}

var heap = memory.DefaultAllocator

// unify gives the array with its dictionaries replaced, at any depth.
func (u *unifier) unify(place string, arr arrow.Array) (arrow.Array, error) {
	if !hasDictionary(arr.DataType()) {
		arr.Retain()
		return arr, nil
	}
	d, err := u.data(place, arr.Data())
	if err != nil {
		return nil, err
	}
	defer d.Release()
	return array.MakeFromData(d), nil
}

func hasDictionary(dt arrow.DataType) bool {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return true
	case arrow.ExtensionType:
		return hasDictionary(t.StorageType())
	case arrow.NestedType:
		for _, f := range t.Fields() {
			if hasDictionary(f.Type) {
				return true
			}
		}
	}
	return false
}

func (u *unifier) data(place string, d arrow.ArrayData) (arrow.ArrayData, error) {
	if !hasDictionary(d.DataType()) {
		d.Retain()
		return d, nil
	}
	if t, ok := d.DataType().(*arrow.DictionaryType); ok {
		return u.dictionary(place, d, t)
	}
	kids := make([]arrow.ArrayData, len(d.Children()))
	for i, k := range d.Children() {
		x, err := u.data(fmt.Sprint(place, ".", i), k)
		if err != nil {
			return nil, err
		}
		defer x.Release()
		kids[i] = x
	}
	return array.NewData(d.DataType(), d.Len(), d.Buffers(), kids, d.NullN(), d.Offset()), nil
}

func (u *unifier) dictionary(place string, d arrow.ArrayData, t *arrow.DictionaryType) (arrow.ArrayData, error) {
	if u.known == nil {
		u.known = map[string]*array.Data{}
	}
	own := d.Dictionary().(*array.Data)
	known := u.known[place]
	if known == nil {
		own.Retain()
		u.known[place] = own
		known = own
	}
	if known == own {
		d.Retain()
		return d, nil
	}
	arr := array.MakeFromData(d).(*array.Dictionary)
	defer arr.Release()
	have := array.MakeFromData(known)
	defer have.Release()
	grown, to, err := unite(have, arr.Dictionary())
	if err != nil {
		if u.stream { // which may replace a dictionary
			own.Retain()
			u.known[place] = own
			d.Retain()
			return d, nil
		}
		return nil, err
	}
	defer grown.Release()
	b := array.NewInt64Builder(heap)
	defer b.Release()
	for i := range arr.Len() {
		if arr.IsNull(i) || to[arr.GetValueIndex(i)] < 0 {
			b.AppendNull()
		} else {
			b.Append(to[arr.GetValueIndex(i)])
		}
	}
	wide := b.NewArray()
	defer wide.Release()
	idx, err := kernel.Cast(heap, wide, t.IndexType, kernel.CastOptions{})
	if err != nil {
		return nil, fmt.Errorf("%d distinct values in a dictionary: %w (try: a column of the plain type)", grown.Len(), err)
	}
	defer idx.Release()
	if grown.Len() > have.Len() {
		u.known[place] = grown.Data().(*array.Data)
		u.known[place].Retain()
	}
	x := idx.Data()
	return array.NewDataWithDictionary(t, x.Len(), x.Buffers(), x.NullN(), x.Offset(), u.known[place]), nil
}

// unite gives the values of a, then those of b that a has not, and the place of
// each of b's values among them; -1 of a null.
func unite(a, b arrow.Array) (grown arrow.Array, to []int64, err error) {
	fail := func(err error) (arrow.Array, []int64, error) {
		return nil, nil, fmt.Errorf("%w: dictionaries of %s that differ between batches: %w", arrowio.ErrUnsupported, a.DataType(), err)
	}
	both, err := kernel.Concat(heap, []arrow.Array{a, b})
	if err != nil {
		return fail(err)
	}
	defer both.Release()
	coded, err := kernel.Cast(heap, both, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: a.DataType()}, kernel.CastOptions{})
	if err != nil {
		return fail(err)
	}
	defer coded.Release()
	dict := coded.(*array.Dictionary)
	at := map[int]int64{} // of each distinct value
	for i := range a.Len() {
		if v := i; dict.IsValid(v) {
			if k := dict.GetValueIndex(v); at[k] == 0 {
				at[k] = int64(i) + 1
			}
		}
	}
	fresh := array.NewInt64Builder(heap)
	defer fresh.Release()
	to = make([]int64, b.Len())
	n := int64(a.Len())
	for i := range to {
		if dict.IsNull(a.Len() + i) {
			to[i] = -1
			continue
		}
		k := dict.GetValueIndex(a.Len() + i)
		if at[k] == 0 {
			n++
			at[k] = n
			fresh.Append(int64(a.Len() + i))
		}
		to[i] = at[k] - 1
	}
	if fresh.Len() == 0 {
		a.Retain()
		return a, to, nil
	}
	places := fresh.NewInt64Array()
	defer places.Release()
	added, err := kernel.Take(heap, both, places.Int64Values())
	if err != nil {
		return fail(err)
	}
	defer added.Release()
	if grown, err = kernel.Concat(heap, []arrow.Array{a, added}); err != nil {
		return fail(err)
	}
	return grown, to, nil
}
