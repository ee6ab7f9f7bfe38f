package orc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/kernel"
)

// structWriter writes structs: their fields have values where the struct has.
type structWriter struct{}

func (structWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	for i, kid := range c.kids {
		child := d.Children()[i]
		if err := kid.write(child, kid.shifted(at, child.Offset())); err != nil {
			return err
		}
	}
	return nil
}

func (structWriter) begin()                                     {}
func (structWriter) positions(p []uint64, _ int) []uint64       { return p }
func (structWriter) finish(*columnWriter) (valueStreams, error) { return valueStreams{}, nil }
func (structWriter) reset()                                     {}
func (structWriter) size() int64                                { return 0 }
func (structWriter) held() int64                                { return 0 }

// listWriter writes lists and maps: lengths, and the elements one after another.
type listWriter struct {
	lengths intOut
	marks   marks
	buf     []int64
	idx     []int
}

func (v *listWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	spans := kernel.ListSpans(d)
	child := d.Children()[0]
	v.buf = sized(v.buf, at.n)
	v.idx = v.idx[:0]
	in := places{}
	adjacent := true
	stats := listStats{any: true, min: 1<<64 - 1}
	for i := range v.buf {
		start, n := spans.Span(at.at(i))
		v.buf[i] = int64(n)
		stats.min, stats.max, stats.total = min(stats.min, uint64(n)), max(stats.max, uint64(n)), stats.total+uint64(n)
		if n == 0 {
			continue
		}
		start += child.Offset()
		switch {
		case in.n == 0:
			in.base = start
		case adjacent && start != in.base+in.n:
			adjacent = false
			for k := range in.n {
				v.idx = append(v.idx, in.base+k)
			}
		}
		if !adjacent {
			for k := range n {
				v.idx = append(v.idx, start+k)
			}
		}
		in.n += n
	}
	if !adjacent {
		in.idx = v.idx
	}
	c.group.lists.merge(&stats)
	v.lengths.append(v.buf)
	if c.node.typ.Kind == proto.List {
		return c.kids[0].write(child, in)
	}
	for i, kid := range c.kids {
		e := child.Children()[i]
		if err := kid.write(e, kid.shifted(in, e.Offset())); err != nil {
			return err
		}
	}
	return nil
}

func (v *listWriter) begin() {
	at := len(v.marks.flat)
	v.marks.flat = v.lengths.mark(v.marks.flat)
	v.marks.add(at)
}

func (v *listWriter) positions(p []uint64, group int) []uint64 {
	return append(p, v.marks.at(group)...)
}

func (v *listWriter) finish(*columnWriter) (out valueStreams, err error) {
	out.encoding.Kind = proto.DirectV2
	return out, out.add(proto.Length, v.lengths.end())
}

func (v *listWriter) reset() {
	v.lengths.reset()
	v.marks.reset()
}

func (v *listWriter) size() int64 { return v.lengths.size() }
func (v *listWriter) held() int64 { return v.lengths.held() + int64(8*(cap(v.buf)+cap(v.idx))) }

// unionWriter writes unions: tags, and the values of each member.
type unionWriter struct {
	tags    byteWriter
	members [128]int8 // of an Arrow type code; -1 is none
	buf     []byte
	idx     [][]int
}

func newUnionWriter(n *writeNode) *unionWriter {
	v := &unionWriter{idx: make([][]int, len(n.children))}
	for i := range v.members {
		v.members[i] = -1
	}
	for i, code := range n.storage.(arrow.UnionType).TypeCodes() {
		v.members[code] = int8(i)
	}
	return v
}

func (v *unionWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	codes := view[int8](d, 1)
	var offsets []int32
	if c.node.storage.(arrow.UnionType).Mode() == arrow.DenseMode {
		offsets = view[int32](d, 2)
	}
	v.buf = sized(v.buf, at.n)
	for i := range v.idx {
		v.idx[i] = v.idx[i][:0]
	}
	for i := range v.buf {
		x := at.at(i)
		code := codes[x]
		if code < 0 || v.members[code] < 0 {
			return fmt.Errorf("%w: type code %d is none of the union's", arrowio.ErrCorrupt, code)
		}
		m := v.members[code]
		v.buf[i] = byte(m)
		if offsets != nil {
			x = int(offsets[x])
			if n := d.Children()[m].Len(); x < 0 || x >= n {
				return fmt.Errorf("%w: offset %d in a union's member of %d values", arrowio.ErrCorrupt, x, n)
			}
		}
		v.idx[m] = append(v.idx[m], d.Children()[m].Offset()+x)
	}
	v.tags.append(v.buf)
	for m, kid := range c.kids {
		if len(v.idx[m]) == 0 {
			continue
		}
		if err := kid.write(d.Children()[m], places{n: len(v.idx[m]), idx: v.idx[m]}); err != nil {
			return err
		}
	}
	return nil
}

func (v *unionWriter) begin()                                       { v.tags.begin() }
func (v *unionWriter) positions(p []uint64, group int) []uint64     { return v.tags.positions(p, group) }
func (v *unionWriter) finish(c *columnWriter) (valueStreams, error) { return v.tags.finish(c) }
func (v *unionWriter) reset()                                       { v.tags.reset() }
func (v *unionWriter) size() int64                                  { return v.tags.size() }

func (v *unionWriter) held() int64 {
	n := v.tags.held() + int64(cap(v.buf))
	for _, idx := range v.idx {
		n += int64(8 * cap(idx))
	}
	return n
}
