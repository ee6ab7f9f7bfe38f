package orc

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/bits"
)

// structColumn reads STRUCT columns: a PRESENT stream, and children that have
// values only where the struct is not null.
type structColumn struct {
	slots
	children []column
}

func newStructColumn(st *stripe, n *node) (column, error) {
	c := &structColumn{}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	var err error
	c.children, err = newColumns(st, n.children)
	return c, err
}

func newColumns(st *stripe, nodes []*node) ([]column, error) {
	var out []column
	for _, n := range nodes {
		c, err := newColumn(st, n)
		if err != nil {
			releaseColumns(out)
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func releaseColumns(cs []column) {
	for _, c := range cs {
		c.release()
	}
}

func (c *structColumn) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	for _, child := range c.children {
		if err := child.read(n, m); err != nil {
			return err
		}
	}
	return nil
}

func (c *structColumn) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil || ones == 0 {
		return err
	}
	for _, child := range c.children {
		if err := child.skip(ones); err != nil {
			return err
		}
	}
	return nil
}

func (c *structColumn) seek(group int) error {
	if _, err := c.seekPresent(group); err != nil {
		return c.fail(err)
	}
	return seekAll(c.children, group)
}

func seekAll(cs []column, group int) error {
	for _, c := range cs {
		if err := c.seek(group); err != nil {
			return err
		}
	}
	return nil
}

func (c *structColumn) size() int64 { return sizeOf(c.children) }

func sizeOf(cs []column) (n int64) {
	for _, c := range cs {
		n += c.size()
	}
	return n
}

func (c *structColumn) reserve(n int) {
	for _, child := range c.children {
		child.reserve(n)
	}
}

func (c *structColumn) take() (arrow.ArrayData, error) {
	children, err := takeAll(c.children)
	if err != nil {
		return nil, err
	}
	return c.data(children), nil
}

func takeAll(cs []column) ([]arrow.ArrayData, error) {
	out := make([]arrow.ArrayData, 0, len(cs))
	for _, c := range cs {
		d, err := c.take()
		if err != nil {
			for _, d := range out {
				d.Release()
			}
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func (c *structColumn) release() {
	c.slots.release()
	releaseColumns(c.children)
}

// listColumn reads LIST and MAP columns: a stream of lengths, and children
// that have the elements of all lists one after another.
type listColumn struct {
	slots
	lens     intStream
	children []column // the elements, or keys and values
	offs     vec[int32]
	total    int64
	tmp      []int64
}

func newListColumn(st *stripe, n *node, enc proto.ColumnEncoding) (column, error) {
	c := &listColumn{offs: vec[int32]{mem: st.o.Alloc}}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	var err error
	if c.lens, err = st.ints(n, proto.Length, version(enc.Kind), false); err != nil {
		return nil, err
	}
	c.children, err = newColumns(st, n.children)
	return c, err
}

func (c *listColumn) start() {
	if c.offs.n == 0 {
		c.offs.room(1)[0] = 0
	}
}

func (c *listColumn) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	c.start()
	tmp := scratch(&c.tmp, m.ones)
	if err := c.lens.decode(tmp); err != nil {
		return c.fail(err)
	}
	base := c.offs.n - 1
	offs := c.offs.room(n)
	before := c.total
	for i, k := range tmp {
		if uint64(k) > math.MaxInt32 {
			return c.fail(corrupt("a list of %d elements", uint64(k)))
		}
		if c.total += k; c.total > math.MaxInt32 {
			return c.fail(fmt.Errorf("%w: lists of %d elements in one batch; an array holds 2^31", arrowio.ErrLimit, c.total))
		}
		offs[i] = int32(c.total)
	}
	if m.ones < n {
		bits.SpreadOffsets(c.offs.all()[base:], n, m.bits, m.off)
	}
	return c.elements(int(c.total - before))
}

// elements reads n elements, in pieces, so that a length that nothing backs
// takes no memory.
func (c *listColumn) elements(n int) error {
	const piece = 4096
	most := c.st.o.Budget.Size()
	for n > 0 {
		k := min(n, piece)
		for _, child := range c.children {
			if err := child.read(k, all(k)); err != nil {
				return err
			}
		}
		if n -= k; most > 0 && sizeOf(c.children) > most {
			return c.fail(fmt.Errorf("%w: lists of more than %d bytes in one batch, the budget", arrowio.ErrLimit, most))
		}
	}
	return nil
}

func (c *listColumn) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil {
		return err
	}
	for ones > 0 {
		tmp := scratch(&c.tmp, min(ones, pieceLen))
		if err := c.lens.decode(tmp); err != nil {
			return c.fail(err)
		}
		sum := int64(0)
		for _, k := range tmp {
			if uint64(k) > math.MaxInt32 {
				return c.fail(corrupt("a list of %d elements", uint64(k)))
			}
			sum += k
		}
		for _, child := range c.children {
			if err := child.skip(int(sum)); err != nil {
				return err
			}
		}
		ones -= len(tmp)
	}
	return nil
}

func (c *listColumn) seek(group int) error {
	at, err := c.seekPresent(group)
	if err == nil {
		err = at.ints(c.st, c.node, c.lens)
	}
	if err != nil {
		return c.fail(err)
	}
	return seekAll(c.children, group)
}

func (c *listColumn) size() int64 { return c.offs.size() + sizeOf(c.children) }

func (c *listColumn) reserve(n int) { c.offs.reserve(n + 1) }

func (c *listColumn) take() (arrow.ArrayData, error) {
	c.start()
	children, err := takeAll(c.children)
	if err != nil {
		return nil, err
	}
	c.total = 0
	if c.node.typ.Kind == proto.List {
		return c.data(children, c.offs.take()), nil
	}
	if k := children[0].NullN(); k > 0 {
		for _, d := range children {
			d.Release()
		}
		return nil, c.fail(fmt.Errorf("%w: %d null keys in a map, which Arrow's maps cannot have", arrowio.ErrUnsupported, k))
	}
	return c.data([]arrow.ArrayData{entries(c.node, children)}, c.offs.take()), nil
}

func (c *listColumn) release() {
	c.slots.release()
	c.offs.release()
	releaseColumns(c.children)
}

// unionColumn reads UNION columns: a tag a value, and children that have the
// values of their tag alone.
type unionColumn struct {
	slots
	tags     encoding.ByteRLE
	children []column
	ids      vec[int8]
	offs     vec[int32]
	counts   []int32 // of the slots of each child
	tmp      []byte
	first    []byte // of the first child's slots those that are no null union
}

func newUnionColumn(st *stripe, n *node) (column, error) {
	c := &unionColumn{ids: vec[int8]{mem: st.o.Alloc}, offs: vec[int32]{mem: st.o.Alloc}, counts: make([]int32, len(n.children))}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	src, err := st.source(n.id, proto.Data)
	if err != nil {
		return nil, err
	}
	c.tags.Reset(src)
	c.children, err = newColumns(st, n.children)
	return c, err
}

func (c *unionColumn) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	if n > 0 && len(c.children) == 0 {
		return c.fail(corrupt("a value of a union of no types"))
	}
	if len(c.tmp) < n {
		c.tmp = make([]byte, n+n/2)
	}
	tags := c.tmp[:m.ones]
	if m.ones > 0 {
		if err := c.tags.Next(tags); err != nil {
			return c.fail(fmt.Errorf("DATA: %w", err))
		}
	}
	if need := bits.ByteCount(n, 1); len(c.first) < need {
		c.first = make([]byte, need+need/2)
	}
	ids, offs := c.ids.room(n), c.offs.room(n)
	before := make([]int32, len(c.counts))
	copy(before, c.counts)
	// Arrow's unions have no nulls of their own: a null one is a null of the
	// first type.
	nulls, firsts := 0, 0
	for i := range n {
		tag := byte(0)
		null := m.bits != nil && !bits.Get(m.bits, m.off+i)
		if !null {
			if tag = tags[i-nulls]; int(tag) >= len(c.children) {
				return c.fail(corrupt("the tag %d of a union of %d types", tag, len(c.children)))
			}
		} else {
			nulls++
		}
		ids[i], offs[i] = int8(tag), c.counts[tag]
		c.counts[tag]++
		if tag == 0 {
			bits.SetRange(c.first, firsts, 1, !null)
			firsts++
		}
	}
	for k, child := range c.children {
		count := int(c.counts[k] - before[k])
		m := all(count)
		if k == 0 && nulls > 0 {
			m = mask{bits: c.first, ones: count - nulls}
		}
		if count > 0 {
			if err := child.read(count, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *unionColumn) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil {
		return err
	}
	counts := make([]int, len(c.children))
	for ones > 0 {
		k := min(ones, pieceLen)
		if len(c.tmp) < k {
			c.tmp = make([]byte, k)
		}
		if err := c.tags.Next(c.tmp[:k]); err != nil {
			return c.fail(fmt.Errorf("DATA: %w", err))
		}
		for _, tag := range c.tmp[:k] {
			if int(tag) >= len(counts) {
				return c.fail(corrupt("the tag %d of a union of %d types", tag, len(counts)))
			}
			counts[tag]++
		}
		ones -= k
	}
	for k, child := range c.children {
		if counts[k] > 0 {
			if err := child.skip(counts[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *unionColumn) seek(group int) error {
	at, err := c.seekPresent(group)
	if err == nil {
		err = at.bytes(c.st, c.node, &c.tags)
	}
	if err != nil {
		return c.fail(err)
	}
	return seekAll(c.children, group)
}

func (c *unionColumn) size() int64 { return c.ids.size() + c.offs.size() + sizeOf(c.children) }

func (c *unionColumn) reserve(n int) {
	c.ids.reserve(n)
	c.offs.reserve(n)
}

func (c *unionColumn) take() (arrow.ArrayData, error) {
	children, err := takeAll(c.children)
	if err != nil {
		return nil, err
	}
	clear(c.counts)
	valid, n, _ := c.takeValid()
	if valid != nil {
		valid.Release()
	}
	return unionData(c.node, n, children, c.ids.take(), c.offs.take()), nil
}

func (c *unionColumn) release() {
	c.slots.release()
	c.ids.release()
	c.offs.release()
	releaseColumns(c.children)
}

// entries makes the struct that Arrow's maps have keys and values in.
func entries(n *node, children []arrow.ArrayData) arrow.ArrayData {
	t := n.field.Type.(*arrow.MapType).Elem()
	d := array.NewData(t, children[0].Len(), []*memory.Buffer{nil}, children, 0, 0)
	for _, c := range children {
		c.Release()
	}
	return d
}

func unionData(n *node, length int, children []arrow.ArrayData, ids, offs *memory.Buffer) arrow.ArrayData {
	d := array.NewData(n.field.Type, length, []*memory.Buffer{nil, ids, offs}, children, 0, 0)
	ids.Release()
	offs.Release()
	for _, c := range children {
		c.Release()
	}
	return d
}
