package parquet

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/kernel"
)

// taken is what a leaf hands over of its first rows. The levels are valid
// until the leaf reads on.
type taken struct {
	slots, nulls int
	buffers      []*memory.Buffer // validity first
	defs, reps   []int16
}

// take hands over the first n rows waiting.
func (l *leaf) take(n int) taken {
	var t taken
	t.slots = n
	if l.nested {
		t.defs, t.reps = l.outD, l.outR
		if n < l.rows {
			t.defs, t.reps = l.levelsOf(n)
		}
		l.gone = len(t.defs)
		t.slots = l.slots
		if n < l.rows {
			t.slots = 0
			for _, d := range t.defs {
				if d >= l.slot {
					t.slots++
				}
			}
		}
	}
	t.buffers = append([]*memory.Buffer{l.takeValid(&t)}, l.vals.take(t.slots)...)
	l.rows -= n
	l.slots -= t.slots
	return t
}

// levelsOf are the levels of the first n rows.
func (l *leaf) levelsOf(n int) (defs, reps []int16) {
	if l.maxRep == 0 {
		return l.outD[:n], nil
	}
	end, _ := firstRows(l.outR, n)
	return l.outD[:end], l.outR[:end]
}

// takeValid hands over the validity of the first slots, nil where none is null.
func (l *leaf) takeValid(t *taken) *memory.Buffer {
	out, rest := l.valid, l.slots-t.slots
	t.nulls = l.nulls
	l.valid, l.nulls = nil, 0
	if out == nil {
		return nil
	}
	if rest > 0 {
		t.nulls = t.slots - bits.Count(out.Bytes(), 0, t.slots)
		l.needValid(rest)
		bits.Copy(l.valid.Bytes(), 0, out.Bytes(), t.slots, rest)
		l.nulls = rest - bits.Count(l.valid.Bytes(), 0, rest)
	}
	if t.nulls == 0 {
		out.Release()
		return nil
	}
	out.ResizeNoShrink((t.slots + 7) / 8)
	return out
}

// assembler puts the leaves' values together to arrays of the nodes around
// them, by their levels.
type assembler struct {
	mem    memory.Allocator
	taken  map[*schema.Node]*taken // by leaf
	levels []int16                 // scratch
}

// column builds a root's array of n rows in the type it is shown in.
func (a *assembler) column(root *schema.Node, n int) (arrow.Array, error) {
	d, err := a.build(root, n, true)
	if err != nil {
		return nil, err
	}
	defer d.Release()
	arr := array.MakeFromData(d)
	if arrow.TypeEqual(root.Field.Type, root.Want) {
		return arr, nil
	}
	defer arr.Release()
	return kernel.Cast(a.mem, arr, root.Want, kernel.CastOptions{})
}

func (a *assembler) build(n *schema.Node, length int, showNulls bool) (arrow.ArrayData, error) {
	switch n.Kind {
	case schema.Leaf:
		return a.leaf(n, length, showNulls)
	case schema.Struct:
		return a.structure(n, length)
	}
	return a.list(n, length)
}

func (a *assembler) leaf(n *schema.Node, length int, showNulls bool) (arrow.ArrayData, error) {
	t := a.taken[n]
	if t.slots != length {
		return nil, a.uneven(n, t.slots, length)
	}
	buffers, nulls := t.buffers, t.nulls
	t.buffers = nil
	defer releaseAll(buffers)
	if n.Field.Type.ID() == arrow.NULL {
		return array.NewData(arrow.Null, length, []*memory.Buffer{nil}, nil, length, 0), nil
	}
	if !showNulls { // those of the groups around say it all
		out := append([]*memory.Buffer{nil}, buffers[1:]...)
		return array.NewData(n.Field.Type, length, out, nil, 0, 0), nil
	}
	return array.NewData(n.Field.Type, length, buffers, nil, nulls, 0), nil
}

func (a *assembler) uneven(n *schema.Node, got, want int) error {
	return &arrowio.Error{Op: "read", Column: n.Field.Name, Err: fmt.Errorf("%w: %d values where the group around has %d", arrowio.ErrCorrupt, got, want)}
}

func releaseAll(buffers []*memory.Buffer) {
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
}

// release drops what was taken and not built.
func (a *assembler) release() {
	for _, t := range a.taken {
		releaseAll(t.buffers)
		t.buffers = nil
	}
}

func (a *assembler) structure(n *schema.Node, length int) (arrow.ArrayData, error) {
	children := make([]arrow.ArrayData, 0, len(n.Children))
	defer func() { releaseData(children) }()
	for _, c := range n.Children {
		d, err := a.build(c, length, c.Field.Nullable)
		if err != nil {
			return nil, err
		}
		children = append(children, d)
	}
	valid, nulls := (*memory.Buffer)(nil), 0
	if first := n.FirstLeaf(); first != nil && n.Field.Nullable {
		t := a.taken[first]
		own := memory.NewResizableBuffer(a.mem)
		defer own.Release()
		valid = own
		growBits(valid, length)
		levels := a.slotLevels(n, t)
		if len(levels) != length {
			return nil, a.uneven(n, len(levels), length)
		}
		nulls = bits.FromLevels(valid.Bytes(), 0, levels, int16(n.Def))
	}
	dt := n.Field.Type
	if n.Variant {
		dt = n.Stored
	}
	if nulls == 0 {
		valid = nil
	}
	d := array.NewData(dt, length, []*memory.Buffer{valid}, children, nulls, 0)
	if !n.Variant {
		return d, nil
	}
	defer d.Release()
	return showAs(a.mem, n, d)
}

// slotLevels are the definition levels of a struct's slots, out of those of its
// first leaf. They are valid until the next call.
func (a *assembler) slotLevels(n *schema.Node, t *taken) []int16 {
	deeper := n.FirstLeaf().Rep > n.Rep
	if n.SlotDef == 0 && !deeper {
		return t.defs
	}
	if cap(a.levels) < len(t.defs) {
		a.levels = make([]int16, len(t.defs))
	}
	out, least := a.levels[:len(t.defs)], int16(n.SlotDef)
	if !deeper {
		return out[:atLeast(out, t.defs, least)]
	}
	k, rep := 0, int16(n.Rep)
	reps := t.reps[:len(t.defs)]
	for i, d := range t.defs {
		out[k] = d
		k += below(least-1, d) & below(reps[i], rep+1)
	}
	return out[:k]
}

func releaseData(ds []arrow.ArrayData) {
	for _, d := range ds {
		d.Release()
	}
}

func (a *assembler) list(n *schema.Node, length int) (arrow.ArrayData, error) {
	t := a.taken[n.FirstLeaf()]
	if t == nil {
		return nil, fmt.Errorf("%w: %s is a list of nothing", arrowio.ErrUnsupported, n.Field.Name)
	}
	offs := memory.NewResizableBuffer(a.mem)
	defer offs.Release()
	offs.Resize(4 * (length + 1))
	valid := memory.NewResizableBuffer(a.mem)
	defer valid.Release()
	growBits(valid, length)
	slots, elems, nulls := a.spans(n, t, unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(offs.Bytes()))), length+1), valid.Bytes())
	if slots != length {
		return nil, a.uneven(n, slots, length)
	}
	if elems > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %d list elements in one batch", arrowio.ErrLimit, elems)
	}
	buffers := []*memory.Buffer{nil, offs}
	if nulls > 0 {
		buffers[0] = valid
	}
	child, err := a.elements(n, elems)
	if err != nil {
		return nil, err
	}
	defer child.Release()
	return array.NewData(n.Field.Type, length, buffers, []arrow.ArrayData{child}, nulls, 0), nil
}

// elements builds a list's elements or a map's entries.
func (a *assembler) elements(n *schema.Node, elems int) (arrow.ArrayData, error) {
	if n.Kind == schema.List {
		return a.build(n.Children[0], elems, n.Children[0].Field.Nullable)
	}
	var pair []arrow.ArrayData
	defer func() { releaseData(pair) }()
	for i, c := range n.Children {
		// Files exist that declare keys optional. A key that is null all the
		// same is against the specification, and no Arrow map can hold it.
		d, err := a.build(c, elems, true)
		if err != nil {
			return nil, err
		}
		pair = append(pair, d)
		if i == 0 && d.NullN() > 0 {
			return nil, fmt.Errorf("%w: a null key in map %s", arrowio.ErrCorrupt, n.Field.Name)
		}
	}
	return array.NewData(n.Field.Type.(*arrow.MapType).Elem(), elems, []*memory.Buffer{nil}, pair, 0, 0), nil
}

// spans finds the lists of n among the levels of its first leaf: where each
// begins among the elements, and whether it is null. See schema.Node for the
// rule. It stops counting lists beyond those that offs has room for.
func (a *assembler) spans(n *schema.Node, t *taken, offs []int32, valid []byte) (slots, elems, nulls int) {
	rep, slot, def := int16(n.Rep), int16(n.SlotDef), int16(n.Def)
	most := len(offs) - 1
	var starts [512]int32
	var levels [512]int16
	for defs, reps := t.defs, t.reps[:len(t.defs)]; len(defs) > 0; {
		block := defs[:min(len(defs), len(levels))]
		rs := reps[:len(block)]
		k := 0
		for i, d := range block { // no branch, which would be taken or not at random
			r := rs[i]
			starts[k&511], levels[k&511] = int32(elems), d
			k += below(r, rep) & below(slot-1, d)
			elems += below(def, d) & below(r, rep+1)
		}
		fit := min(k, max(most-slots, 0))
		copy(offs[min(slots, most):], starts[:fit])
		nulls += bits.FromLevels(valid, slots, levels[:fit], def)
		slots += k
		defs, reps = defs[len(block):], reps[len(block):]
	}
	if slots <= most {
		offs[slots] = int32(elems)
	}
	return slots, elems, nulls
}
