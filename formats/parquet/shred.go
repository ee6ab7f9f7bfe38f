package parquet

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/kernel"
)

// Shredding turns Arrow arrays into Dremel's levels, one nesting level at a
// time and a whole batch at once:
//
//	entries of a node ─► resolve dictionary and run-end ─► validity ─► struct: children share them
//	                                                                 ─► list: each expands into its elements
//	                                                                 ─► leaf: levels and value positions
//
// An entry is one (repetition, definition) pair of every leaf below. Where it
// still lives, it points at a slot of the node's array; where a null or an
// empty list above ended it, its definition level is final.

// entries are the level pairs that reach a node.
type entries struct {
	n     int
	rep   []int16 // nil: all zero
	def   []int16 // nil: all equal level
	level int16
	// idx are positions in the node's buffers, the array's offset included; -1
	// is an entry that has ended. Nil: base, base+1, …, all alive.
	idx  []int
	base int
}

// shredder walks one top-level field. It keeps its buffers from batch to batch.
type shredder struct {
	node  *schema.Node
	kids  []*shredder
	out   *columnWriter // of a leaf
	def   []int16
	rep   []int16
	idx   []int
	own   entries
	moved entries // the parent's, with this field's positions
	inner entries // of a list's elements
}

func newShredder(n *schema.Node, leaves []*columnWriter) *shredder {
	s := &shredder{node: n}
	if n.Kind == schema.Leaf {
		s.out = leaves[n.Column]
	}
	for _, c := range n.Children {
		s.kids = append(s.kids, newShredder(c, leaves))
	}
	return s
}

// rows shreds rows [from, from+n) of a top-level array.
func (s *shredder) rows(d arrow.ArrayData, from, n int) error {
	return s.write(d, &entries{n: n, base: d.Offset() + from})
}

func (s *shredder) write(d arrow.ArrayData, in *entries) error {
	d, e, err := s.resolve(d, in)
	if err != nil {
		return err
	}
	switch s.node.Kind {
	case schema.Struct:
		for i, kid := range s.kids {
			child := d.Children()[i]
			shift := child.Offset()
			if err := kid.write(child, kid.shifted(e, shift)); err != nil {
				return err
			}
		}
		return nil
	case schema.List, schema.Map:
		return s.list(d, e)
	}
	return s.out.append(d, e)
}

// shifted moves positions of a struct into those of its child's buffers.
func (s *shredder) shifted(e *entries, shift int) *entries {
	if shift == 0 {
		return e
	}
	idx := s.moved.idx
	s.moved = *e
	if e.idx == nil {
		s.moved.base += shift
		return &s.moved
	}
	s.moved.idx = grow(idx, e.n)
	for i, x := range e.idx[:e.n] {
		if x >= 0 {
			x += shift
		}
		s.moved.idx[i] = x
	}
	return &s.moved
}

// resolve follows dictionary indices, run ends and extensions down to the
// array that holds the values, and then applies that array's validity: what is
// alive afterwards is not null.
func (s *shredder) resolve(d arrow.ArrayData, e *entries) (arrow.ArrayData, *entries, error) {
	level := int16(s.node.Def)
	for {
		dt := d.DataType()
		for {
			ext, ok := dt.(arrow.ExtensionType)
			if !ok {
				break
			}
			dt = ext.StorageType()
		}
		var err error
		switch dt.(type) {
		case *arrow.DictionaryType:
			if e, err = s.validity(d, e, level-1); err != nil {
				return nil, nil, err
			}
			if err = s.viaDictionary(d, e); err != nil {
				return nil, nil, err
			}
			d, e = d.Dictionary(), &s.own
		case *arrow.RunEndEncodedType:
			if err = s.viaRunEnds(d, e); err != nil {
				return nil, nil, err
			}
			d, e = d.Children()[1], &s.own
		default:
			e, err = s.validity(d, e, level-1)
			if err != nil {
				return nil, nil, err
			}
			return d, s.rise(e, level), nil
		}
	}
}

// rise gives the entries that are still alive the node's definition level.
func (s *shredder) rise(e *entries, level int16) *entries {
	if e.def == nil && e.level == level {
		return e
	}
	if e != &s.own {
		s.own = *e
		e = &s.own
	}
	if e.idx == nil {
		e.def, e.level = nil, level
		return e
	}
	def := s.ownDef(e)
	for i, x := range e.idx[:e.n] {
		if x >= 0 {
			def[i] = level
		}
	}
	return e
}

// ownDef makes e's definition levels writable.
func (s *shredder) ownDef(e *entries) []int16 {
	if len(e.def) > 0 && len(s.def) > 0 && &e.def[0] == &s.def[0] {
		return e.def
	}
	s.def = grow(s.def, e.n)
	if e.def == nil {
		for i := range s.def {
			s.def[i] = e.level
		}
	} else {
		copy(s.def, e.def)
	}
	e.def = s.def
	return e.def
}

// ownIdx makes e's positions writable.
func (s *shredder) ownIdx(e *entries) []int {
	if len(e.idx) > 0 && len(s.idx) > 0 && &e.idx[0] == &s.idx[0] {
		return e.idx
	}
	s.idx = grow(s.idx, e.n)
	if e.idx == nil {
		for i := range s.idx {
			s.idx[i] = e.base + i
		}
	} else {
		copy(s.idx, e.idx)
	}
	e.idx = s.idx
	return e.idx
}

// validity ends the entries whose slot in d is null, at definition level end.
func (s *shredder) validity(d arrow.ArrayData, e *entries, end int16) (*entries, error) {
	var bitmap []byte
	allNull := d.DataType().ID() == arrow.NULL
	if !allNull {
		if len(d.Buffers()) == 0 || d.Buffers()[0] == nil || d.Buffers()[0].Len() == 0 || d.NullN() == 0 {
			return e, nil
		}
		bitmap = d.Buffers()[0].Bytes()
		if e.idx == nil && bitutil.CountSetBits(bitmap, e.base, e.n) == e.n {
			return e, nil
		}
	}
	s.own, e = *e, &s.own
	idx := s.ownIdx(e)
	def := s.ownDef(e)
	nulls := false
	for i, x := range idx {
		if x >= 0 && (allNull || !bitutil.BitIsSet(bitmap, x)) {
			idx[i], def[i], nulls = -1, end, true
		}
	}
	if nulls && !s.node.Field.Nullable && !allNull {
		return nil, fmt.Errorf("%w: a null in a field that is declared not null", arrowio.ErrCast)
	}
	return e, nil
}

// viaDictionary replaces positions in an index array by those in its
// dictionary; the result is s.own.
func (s *shredder) viaDictionary(d arrow.ArrayData, e *entries) error {
	s.own, e = *e, &s.own
	return corruptArray(kernel.DictionaryPositions(d, s.ownIdx(e)))
}

// viaRunEnds replaces logical positions by those of the runs' values.
func (s *shredder) viaRunEnds(d arrow.ArrayData, e *entries) error {
	s.own, e = *e, &s.own
	return corruptArray(kernel.RunPositions(d, s.ownIdx(e)))
}

func corruptArray(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
}

// list expands every living entry into the elements of its list.
func (s *shredder) list(d arrow.ArrayData, e *entries) error {
	child := d.Children()[0]
	s.expand(e, kernel.ListSpans(d), child.Offset())
	if s.node.Kind == schema.Map {
		for i, kid := range s.kids {
			c := child.Children()[i]
			if err := kid.write(c, kid.shifted(&s.inner, c.Offset())); err != nil {
				return err
			}
		}
		return nil
	}
	return s.kids[0].write(child, &s.inner)
}

// expand fills s.inner from e. The list's own levels stand for entries that
// have no element.
func (s *shredder) expand(e *entries, spans kernel.Spans, shift int) {
	total := 0
	for i := range e.n {
		if x := e.at(i); x >= 0 {
			_, n := spans.Span(x)
			total += max(n, 1)
		} else {
			total++
		}
	}
	in := &s.inner
	// The buffers hold the element entries: s.def and s.idx may still back e.
	in.n, in.level, in.base = total, 0, 0
	in.rep = grow(in.rep, total)
	in.def = grow(in.def, total)
	in.idx = grow(in.idx, total)
	rep, elem := int16(s.node.Rep), int16(s.node.Def)+1
	k := 0
	for i := range e.n {
		r := int16(0)
		if e.rep != nil {
			r = e.rep[i]
		}
		x := e.at(i)
		start, n := 0, 0
		if x >= 0 {
			start, n = spans.Span(x)
		}
		if n == 0 {
			in.rep[k], in.idx[k] = r, -1
			in.def[k] = e.defAt(i)
			k++
			continue
		}
		for j := range n {
			in.rep[k], in.def[k], in.idx[k] = rep, elem, shift+start+j
			k++
		}
		in.rep[k-n] = r
	}
}

func (e *entries) at(i int) int {
	if e.idx == nil {
		return e.base + i
	}
	return e.idx[i]
}

func (e *entries) defAt(i int) int16 {
	if e.def == nil {
		return e.level
	}
	return e.def[i]
}

// bufferOf is buffer i of d as values of T.
func bufferOf[T any](d arrow.ArrayData, i int) []T {
	if i >= len(d.Buffers()) || d.Buffers()[i] == nil {
		return nil
	}
	return cast[T](d.Buffers()[i].Bytes())
}

// cast views bytes in Arrow layout as values of T.
func cast[T any](b []byte) []T {
	var zero T
	n := len(b) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// grow gives a slice of length n, over s's memory if it suffices. Its contents
// are undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
