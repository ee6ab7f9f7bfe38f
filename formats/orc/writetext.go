package orc

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/bloom"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

// textWriter writes strings, chars, varchars and binaries. Strings are numbered
// in a dictionary until enough values are there to judge by; the stripe is then
// either written directly or its numbers kept to its end, when the dictionary
// is sorted: values next to each other share their beginnings, which compresses,
// and a range of values is a range of numbers.
type textWriter struct {
	data    outStream // bytes, or of a dictionary
	lengths intOut
	marks   marks
	bytes   func(d arrow.ArrayData, at places, put func(b []byte) error) error
	kind    proto.TypeKind
	most    int // characters, of char and varchar

	direct  bool // in this stripe
	decided bool // direct or not
	forced  bool // the options say that it is not
	dict    *numbering
	ids     []uint32
	cuts    []int // how many ids there were when each row group began
	rows    intOut
	buf     []int64
	sizes   []int64
	pad     []byte
}

// judgeAt is the number of values after which a column turns direct, if the
// dictionary does not pay.
const judgeAt = 10_000

func newTextWriter(n *writeNode, o columnPlan) *textWriter {
	v := &textWriter{kind: n.typ.Kind, bytes: textBytes(n.storage), most: int(n.typ.MaximumLength.V)}
	if v.direct = v.kind == proto.Binary || o.dictionary == DictionaryOff; !v.direct {
		v.dict = newNumbering()
		v.forced = o.dictionary == DictionaryOn
		v.decided = v.forced
	}
	return v
}

// textBytes gives the function that visits the values of an Arrow type.
func textBytes(dt arrow.DataType) func(d arrow.ArrayData, at places, put func(b []byte) error) error {
	switch t := dt.(type) {
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		return offsetBytes[int64]
	case *arrow.StringViewType, *arrow.BinaryViewType:
		return viewBytes
	case *arrow.FixedSizeBinaryType:
		return func(d arrow.ArrayData, at places, put func(b []byte) error) error {
			src, w := view[byte](d, 1), t.ByteWidth
			for i := range at.n {
				x := at.at(i)
				if err := put(src[x*w : (x+1)*w]); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return offsetBytes[int32]
}

func offsetBytes[T int32 | int64](d arrow.ArrayData, at places, put func(b []byte) error) error {
	offsets, data := view[T](d, 1), view[byte](d, 2)
	for i := range at.n {
		x := at.at(i)
		if err := put(data[offsets[x]:offsets[x+1]]); err != nil {
			return err
		}
	}
	return nil
}

func viewBytes(d arrow.ArrayData, at places, put func(b []byte) error) error {
	src := view[arrow.ViewHeader](d, 1)
	for i := range at.n {
		h := &src[at.at(i)]
		var b []byte
		if h.IsInline() {
			b = h.InlineBytes()
		} else {
			off := int(h.BufferOffset())
			b = view[byte](d, 2+int(h.BufferIndex()))[off : off+h.Len()]
		}
		if err := put(b); err != nil {
			return err
		}
	}
	return nil
}

func (v *textWriter) write(c *columnWriter, d arrow.ArrayData, at places) error {
	if v.direct {
		return v.writeDirect(c, d, at)
	}
	err := v.bytes(d, at, func(b []byte) error {
		b, err := v.fit(b)
		v.ids = append(v.ids, v.dict.number(b))
		return err
	})
	if err == nil && !v.decided && len(v.ids) >= judgeAt {
		v.judge(c)
	}
	return err
}

// fit holds a value against the length of its type; a char is padded with
// spaces to it.
func (v *textWriter) fit(b []byte) ([]byte, error) {
	if v.most == 0 {
		return b, nil
	}
	n := utf8.RuneCount(b)
	if n > v.most {
		return b, fmt.Errorf("%w: a text of %d characters in a %s of %d", arrowio.ErrCast, n, v.kind, v.most)
	}
	if v.kind == proto.Char && n < v.most {
		v.pad = append(append(v.pad[:0], b...), bytes.Repeat([]byte{' '}, v.most-n)...)
		return v.pad, nil
	}
	return b, nil
}

func (v *textWriter) writeDirect(c *columnWriter, d arrow.ArrayData, at places) error {
	v.buf = v.buf[:0]
	text := v.kind != proto.Binary
	var lo, hi []byte
	total := uint64(0)
	err := v.bytes(d, at, func(b []byte) error {
		b, err := v.fit(b)
		if text && v.most == 0 {
			if len(v.buf) == 0 {
				lo, hi = b, b
			} else if bytes.Compare(b, lo) < 0 {
				lo = b
			} else if bytes.Compare(b, hi) > 0 {
				hi = b
			}
		} else if text {
			c.group.text.bounds(b, b) // b may be padded, in memory that is used again
		}
		v.data.raw = append(v.data.raw, b...)
		v.buf = append(v.buf, int64(len(b)))
		total += uint64(len(b))
		if c.filter != nil {
			c.filter.Add(bloom.HashBytes(b))
		}
		if len(v.data.raw) >= 2*v.data.w.Size {
			v.data.settle()
		}
		return err
	})
	if err != nil {
		return err
	}
	v.data.settle()
	v.lengths.append(v.buf)
	c.group.text.addLength(total)
	if text && v.most == 0 {
		c.group.text.bounds(lo, hi)
	}
	return nil
}

func (v *textWriter) begin() {
	if !v.direct {
		v.cuts = append(v.cuts, len(v.ids))
		return
	}
	v.mark()
}

func (v *textWriter) mark() {
	at := len(v.marks.flat)
	v.marks.flat = v.lengths.mark(v.data.mark(v.marks.flat))
	v.marks.add(at)
}

func (v *textWriter) positions(p []uint64, group int) []uint64 {
	return append(p, v.marks.at(group)...)
}

// judge ends the doubt: a dictionary that holds too many of the values is given
// up, and what it stood for written directly.
func (v *textWriter) judge(c *columnWriter) {
	v.decided = true
	if float64(v.dict.len()) <= c.o.threshold*float64(len(v.ids)) {
		return
	}
	v.direct = true
	v.eachGroup(c, func(g *columnStats, ids []uint32) {
		v.mark()
		v.buf = v.buf[:0]
		for _, id := range ids {
			b := v.dict.at(id)
			v.data.raw = append(v.data.raw, b...)
			v.buf = append(v.buf, int64(len(b)))
			g.text.addLength(uint64(len(b)))
			g.text.bounds(b, b)
		}
		v.data.settle()
		v.lengths.append(v.buf)
	})
	v.dict.reset()
	v.ids, v.cuts = v.ids[:0], v.cuts[:0]
}

// eachGroup visits the numbers of each row group begun, with its statistics, and
// gives those of ended ones their Bloom filters, which end had no values for.
func (v *textWriter) eachGroup(c *columnWriter, visit func(g *columnStats, ids []uint32)) {
	for i, from := range v.cuts {
		to := len(v.ids)
		if i+1 < len(v.cuts) {
			to = v.cuts[i+1]
		}
		ids := v.ids[from:to]
		g := &c.group
		if i < len(c.groups) {
			g = &c.groups[i]
		}
		visit(g, ids)
		if c.filter == nil {
			continue
		}
		if i < len(c.groups) {
			c.filter.Reset()
		}
		last := ^uint32(0)
		for _, id := range ids {
			if id != last { // repeated values come next to each other, often
				c.filter.Add(bloom.HashBytes(v.dict.at(id)))
				last = id
			}
		}
		if i < len(c.groups) {
			c.filters[i].Bytes = c.filter.Bytes()
			c.filter.Reset()
		}
	}
}

func (v *textWriter) finish(c *columnWriter) (out valueStreams, err error) {
	if !v.direct && !v.decided {
		v.judge(c)
	}
	if !v.direct {
		return v.finishDictionary(c)
	}
	out.encoding.Kind = proto.DirectV2
	if err := out.add(proto.Data, &v.data); err != nil {
		return out, err
	}
	return out, out.add(proto.Length, v.lengths.end())
}

func (v *textWriter) finishDictionary(c *columnWriter) (out valueStreams, err error) {
	order := v.dict.sorted()
	rank := make([]uint32, len(order))
	v.sizes = sized(v.sizes, len(order))
	for r, id := range order {
		rank[id] = uint32(r)
		b := v.dict.at(id)
		v.sizes[r] = int64(len(b))
		v.data.raw = append(v.data.raw, b...)
		if len(v.data.raw) >= 2*v.data.w.Size {
			v.data.settle()
		}
	}
	v.lengths.append(v.sizes)
	v.eachGroup(c, func(g *columnStats, ids []uint32) {
		at := len(v.marks.flat)
		v.marks.flat = v.rows.mark(v.marks.flat)
		v.marks.add(at)
		if len(ids) == 0 {
			return
		}
		v.buf = sized(v.buf, len(ids))
		lo, hi, total := rank[ids[0]], rank[ids[0]], uint64(0)
		for i, id := range ids {
			r := rank[id]
			lo, hi = min(lo, r), max(hi, r)
			total += uint64(v.sizes[r])
			v.buf[i] = int64(r)
		}
		g.text.addLength(total)
		g.text.bounds(v.dict.at(order[lo]), v.dict.at(order[hi]))
		v.rows.append(v.buf)
	})
	out.encoding = proto.ColumnEncoding{Kind: proto.DictionaryV2, DictionarySize: proto.Some(uint32(len(order)))}
	if err := out.add(proto.Data, v.rows.end()); err != nil {
		return out, err
	}
	if err := out.add(proto.Length, v.lengths.end()); err != nil {
		return out, err
	}
	return out, out.add(proto.DictionaryData, &v.data)
}

func (v *textWriter) reset() {
	v.data.reset()
	v.lengths.reset()
	v.rows.reset()
	v.marks.reset()
	v.ids, v.cuts = v.ids[:0], v.cuts[:0]
	if v.dict != nil {
		v.dict.reset()
		v.direct, v.decided = false, v.forced
	}
}

func (v *textWriter) size() int64 {
	n := v.data.size() + v.lengths.size() + v.rows.size()
	if v.dict != nil {
		n += int64(len(v.dict.data) + 2*len(v.ids))
	}
	return n
}

func (v *textWriter) held() int64 {
	n := v.data.held() + v.lengths.held() + v.rows.held() + int64(4*cap(v.ids)+8*(cap(v.cuts)+cap(v.buf)+cap(v.sizes)))
	if v.dict != nil {
		n += v.dict.held()
	}
	return n
}
