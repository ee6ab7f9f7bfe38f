package kernel

import (
	"errors"
	"fmt"
	"sort"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
)

// Writers walk arrays by the positions of the values they still want: indices
// into an array's buffers, its offset included, -1 for none. The functions here
// move positions from an array that refers to another into that other one.

// ErrIndices is an array whose indices or run ends point at nothing.
var ErrIndices = errors.New("indices that point at no value")

// DictionaryPositions turns positions in a dictionary array into positions in
// its dictionary.
func DictionaryPositions(d arrow.ArrayData, idx []int) error {
	dt := d.DataType()
	if ext, ok := dt.(arrow.ExtensionType); ok {
		dt = ext.StorageType()
	}
	dict := d.Dictionary()
	raw := d.Buffers()[1]
	if raw == nil || dict == nil {
		for _, x := range idx {
			if x >= 0 {
				return fmt.Errorf("%w: dictionary array without a dictionary", ErrIndices)
			}
		}
		return nil
	}
	b, off, n := raw.Bytes(), dict.Offset(), dict.Len()
	switch dt.(*arrow.DictionaryType).IndexType.ID() {
	case arrow.INT8:
		return gatherIndex(idx, view[int8](b), off, n)
	case arrow.UINT8:
		return gatherIndex(idx, view[uint8](b), off, n)
	case arrow.INT16:
		return gatherIndex(idx, view[int16](b), off, n)
	case arrow.UINT16:
		return gatherIndex(idx, view[uint16](b), off, n)
	case arrow.INT32:
		return gatherIndex(idx, view[int32](b), off, n)
	case arrow.UINT32:
		return gatherIndex(idx, view[uint32](b), off, n)
	case arrow.INT64:
		return gatherIndex(idx, view[int64](b), off, n)
	}
	return gatherIndex(idx, view[uint64](b), off, n)
}

func gatherIndex[T int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64](idx []int, src []T, off, n int) error {
	for i, x := range idx {
		if x < 0 {
			continue
		}
		v := src[x]
		if v < 0 || uint64(v) >= uint64(n) {
			return fmt.Errorf("%w: dictionary index %d of %d values", ErrIndices, v, n)
		}
		idx[i] = off + int(v)
	}
	return nil
}

// RunPositions turns logical positions in a run-end encoded array into
// positions in its values.
func RunPositions(d arrow.ArrayData, idx []int) error {
	ends, values := d.Children()[0], d.Children()[1]
	if ends.Buffers()[1] == nil {
		return nil
	}
	b := ends.Buffers()[1].Bytes()
	lo, n := ends.Offset(), ends.Len()
	switch ends.DataType().ID() {
	case arrow.INT16:
		return gatherRuns(idx, view[int16](b)[lo:lo+n], values.Offset())
	case arrow.INT32:
		return gatherRuns(idx, view[int32](b)[lo:lo+n], values.Offset())
	}
	return gatherRuns(idx, view[int64](b)[lo:lo+n], values.Offset())
}

func gatherRuns[T int16 | int32 | int64](idx []int, ends []T, off int) error {
	run := 0
	for i, x := range idx {
		if x < 0 {
			continue
		}
		if run >= len(ends) || x >= int(ends[run]) || (run > 0 && x < int(ends[run-1])) {
			run = sort.Search(len(ends), func(k int) bool { return int(ends[k]) > x })
			if run == len(ends) {
				return fmt.Errorf("%w: run ends stop before row %d", ErrIndices, x)
			}
		}
		idx[i] = off + run
	}
	return nil
}

// Spans tells where the elements of a list array's slots are: from start on in
// the child array, its offset not included. A slot is a position.
type Spans interface {
	Span(slot int) (start, length int)
}

// ListSpans are the spans of a list of any kind, or of a map.
func ListSpans(d arrow.ArrayData) Spans {
	dt := d.DataType()
	if ext, ok := dt.(arrow.ExtensionType); ok {
		dt = ext.StorageType()
	}
	switch t := dt.(type) {
	case *arrow.FixedSizeListType:
		return fixedSpans{int(t.Len())}
	case *arrow.LargeListType:
		return offsetSpans[int64]{buffer[int64](d, 1)}
	case *arrow.ListViewType:
		return viewSpans[int32]{buffer[int32](d, 1), buffer[int32](d, 2)}
	case *arrow.LargeListViewType:
		return viewSpans[int64]{buffer[int64](d, 1), buffer[int64](d, 2)}
	}
	return offsetSpans[int32]{buffer[int32](d, 1)} // list and map
}

type fixedSpans struct{ width int }

func (f fixedSpans) Span(slot int) (int, int) { return slot * f.width, f.width }

type offsetSpans[T int32 | int64] struct{ offsets []T }

func (o offsetSpans[T]) Span(slot int) (int, int) {
	return int(o.offsets[slot]), int(o.offsets[slot+1] - o.offsets[slot])
}

type viewSpans[T int32 | int64] struct{ offsets, sizes []T }

func (v viewSpans[T]) Span(slot int) (int, int) { return int(v.offsets[slot]), int(v.sizes[slot]) }

// buffer is buffer i of d as values of T; empty without one.
func buffer[T any](d arrow.ArrayData, i int) []T {
	if i >= len(d.Buffers()) || d.Buffers()[i] == nil {
		return nil
	}
	return view[T](d.Buffers()[i].Bytes())
}

// view sees bytes in Arrow's layout as values of T.
func view[T any](b []byte) []T {
	var zero T
	n := len(b) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
