package orc

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

var _ formats.Inspector = (*Reader)(nil)

// column finds a column of Meta's list in a stripe.
func (r *Reader) column(ctx context.Context, unit, column int) (*stripe, *node, error) {
	nodes := r.columns()
	if unit < 0 || unit >= len(r.footer.Stripes) || column < 0 || column >= len(nodes) {
		return nil, nil, fmt.Errorf("%w: no column %d in stripe %d", arrowio.ErrColumn, column, unit)
	}
	st, err := r.openStripe(ctx, unit, arrowio.ReadOptions{})
	return st, nodes[column], err
}

// Pages implements formats.Inspector: the streams of the column, in file order,
// and then its row groups with what the row index says of them.
func (r *Reader) Pages(ctx context.Context, unit, column int) iter.Seq2[formats.PageMeta, error] {
	return func(yield func(formats.PageMeta, error) bool) {
		st, n, err := r.column(ctx, unit, column)
		if err != nil {
			yield(formats.PageMeta{}, err)
			return
		}
		defer st.close()
		for _, k := range st.streamsOf(n) {
			if !yield(st.streamMeta(n, k), nil) {
				return
			}
		}
		keys := map[int]bool{n.id: true}
		if ok, err := st.loadIndexes(keys); err != nil {
			yield(formats.PageMeta{}, err)
			return
		} else if !ok {
			return
		}
		for g := range st.indexes[n.id].Entries {
			if !yield(st.groupMeta(n, g), nil) {
				return
			}
		}
	}
}

// streamsOf are a column's streams in file order.
func (st *stripe) streamsOf(n *node) (keys []streamKey) {
	for k := range st.streams {
		if k.column == n.id {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b streamKey) int {
		return cmp.Or(cmp.Compare(st.streams[a].off, st.streams[b].off), cmp.Compare(a.kind, b.kind))
	})
	return keys
}

func (st *stripe) streamMeta(n *node, k streamKey) formats.PageMeta {
	ext := st.streams[k]
	p := formats.PageMeta{Kind: k.kind.String(), Offset: ext.off, Bytes: ext.size, Raw: -1, Values: -1, Nulls: -1, Rows: -1, FirstRow: -1, CRC: "none"}
	switch k.kind {
	case proto.RowIndexStream, proto.BloomFilter, proto.BloomFilterUTF8, proto.Present:
	default:
		if e, err := st.encoding(n.id); err == nil {
			p.Encoding = e.Kind.String()
		}
	}
	if !st.r.format.Compressed() {
		p.Raw = p.Bytes
	}
	return p
}

// groupMeta shows a row group of the row index as a page without bytes.
func (st *stripe) groupMeta(n *node, g int) formats.PageMeta {
	first := int64(g) * st.stride()
	p := formats.PageMeta{
		Kind: "row group", Raw: -1, Values: -1, Nulls: -1, Rows: max(0, min(st.stride(), int64(st.info.Rows)-first)), FirstRow: first, CRC: "none",
	}
	s := st.indexes[n.id].Entries[g].Statistics
	if s == nil {
		return p
	}
	p.Values, p.Nulls = p.Rows, nullsOf(s, p.Rows)
	if len(n.children) == 0 {
		lo, hi, _, _ := boundArrays(n, []bound{st.r.boundOf(n, s)})
		p.Min, p.Max = known(lo), known(hi)
	}
	return p
}

// Dictionary implements formats.Inspector.
func (r *Reader) Dictionary(ctx context.Context, unit, column int) (arrow.Array, error) {
	st, n, err := r.column(ctx, unit, column)
	if err != nil {
		return nil, err
	}
	e, err := st.encoding(n.id)
	if err != nil || e.Kind != proto.Dictionary && e.Kind != proto.DictionaryV2 {
		st.close()
		return nil, err
	}
	s, err := newColumnSet(st, []*node{n})
	defer st.close()
	defer s.release()
	if err != nil {
		return nil, err
	}
	c, ok := s.cols[0].(*bytesColumn)
	if !ok || c.dict == nil {
		return nil, nil
	}
	if err := c.dict.load(); err != nil {
		return nil, c.fail(err)
	}
	count := len(c.dict.ends) - 1
	blob := c.dict.blob[:c.dict.ends[count]]
	d := array.NewData(n.field.Type, count, []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.dict.ends)), memory.NewBufferBytes(blob)}, nil, 0, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

// Layout implements formats.Inspector.
func (r *Reader) Layout(ctx context.Context) iter.Seq2[formats.Extent, error] {
	return func(yield func(formats.Extent, error) bool) {
		es := []formats.Extent{
			{Off: 0, Len: int64(len(magic)), Label: "magic"},
			{Off: r.place.postscript, Len: r.size - 1 - r.place.postscript, Label: "postscript"},
			{Off: r.size - 1, Len: 1, Label: "postscript length"},
		}
		add := func(off, n int64, label string) {
			if n > 0 {
				es = append(es, formats.Extent{Off: off, Len: n, Label: label})
			}
		}
		add(r.place.stripeStats, r.place.metadata-r.place.stripeStats, "encrypted stripe statistics")
		add(r.place.metadata, r.place.metadataLen, "stripe statistics")
		add(r.place.foot, r.place.footLen, "footer")
		for i := range r.footer.Stripes {
			st, err := r.openStripe(ctx, i, arrowio.ReadOptions{})
			if err != nil {
				if !yield(formats.Extent{}, err) {
					return
				}
				continue
			}
			for k, ext := range st.streams {
				add(ext.off, ext.size, st.label(k))
			}
			add(int64(st.info.Offset+st.info.IndexLength+st.info.DataLength), int64(st.info.FooterLength), st.unit+": footer")
		}
		slices.SortStableFunc(es, func(a, b formats.Extent) int { return cmp.Compare(a.Off, b.Off) })
		for _, e := range es {
			if !yield(e, nil) {
				return
			}
		}
	}
}
