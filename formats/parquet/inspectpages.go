package parquet

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/internal/kernel"
)

var _ formats.Inspector = (*Reader)(nil)

// openLeaf opens a column chunk to look at its pages.
func (r *Reader) openLeaf(ctx context.Context, rg, column int) (*leaf, error) {
	if rg < 0 || rg >= len(r.md.RowGroups) || column < 0 || column >= len(r.tree.Leaves) {
		return nil, fmt.Errorf("%w: no column %d in row group %d", arrowio.ErrColumn, column, rg)
	}
	g := &rowGroup{r: r, rg: rg, unit: rowGroupName(rg), o: arrowio.ReadOptions{}.WithDefaults()}
	n := r.tree.Leaves[column]
	l, err := g.newLeaf(ctx, n, n.Rep == 0 && n.Def <= 1, columnar.All(r.md.RowGroups[rg].NumRows))
	if err != nil {
		return nil, err
	}
	l.pages.win.Step = 256 << 10
	return l, nil
}

// Pages implements formats.Inspector. Checksums are verified; a wrong one is
// shown, not an error.
func (r *Reader) Pages(ctx context.Context, unit, column int) iter.Seq2[formats.PageMeta, error] {
	return func(yield func(formats.PageMeta, error) bool) {
		l, err := r.openLeaf(ctx, unit, column)
		if err != nil {
			yield(formats.PageMeta{}, err)
			return
		}
		defer l.close()
		c, key, err := r.chunk(unit, column)
		if err != nil {
			yield(formats.PageMeta{}, err)
			return
		}
		oi, err := r.offsetIndex(ctx, c, key, unit, column)
		if err != nil {
			yield(formats.PageMeta{}, l.fail(err))
			return
		}
		ci, err := r.columnIndex(ctx, c, key, unit, column)
		if err != nil {
			yield(formats.PageMeta{}, l.fail(err))
			return
		}
		l.pages.verify = false
		for {
			p, err := l.pageMeta(ctx, oi, ci)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(p, l.fail(err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (l *leaf) pageMeta(ctx context.Context, oi *meta.OffsetIndex, ci *meta.ColumnIndex) (formats.PageMeta, error) {
	s := &l.pages
	h, err := s.header(ctx)
	if err != nil {
		return formats.PageMeta{}, err
	}
	p := formats.PageMeta{
		Offset: s.headAt, Header: s.bodyAt - s.headAt, Bytes: int64(h.CompressedSize), Raw: int64(h.UncompressedSize),
		Values: int64(h.NumValues), Nulls: -1, Rows: -1, FirstRow: -1, Encoding: h.Encoding.String(), CRC: "none",
	}
	ordinal := s.ordinal
	switch h.Type {
	case meta.DictionaryPage:
		p.Kind = "dictionary"
	case meta.DataPage:
		p.Kind = "data v1"
		if l.maxRep == 0 {
			p.Rows = p.Values
		}
	case meta.DataPageV2:
		p.Kind, p.Rows, p.Nulls = "data v2", int64(h.NumRows), int64(h.NumNulls)
	}
	if h.Type != meta.DictionaryPage {
		var b bound
		if st := h.Statistics; st != nil {
			b = bound{lo: slices.Clone(st.MinValue), hi: slices.Clone(st.MaxValue)}
			if p.Nulls < 0 {
				p.Nulls = st.NullCount
			}
		}
		if oi != nil && ordinal < len(oi.Pages) {
			p.FirstRow = oi.Pages[ordinal].FirstRow
		}
		if ci != nil && ordinal < len(ci.NullPages) {
			if !ci.NullPages[ordinal] {
				b = bound{lo: ci.Min[ordinal], hi: ci.Max[ordinal]}
			}
			if ci.NullCounts != nil {
				p.Nulls = ci.NullCounts[ordinal]
			}
		}
		if hasOrder(l.node) {
			if lo, hi, _, _, err := boundArrays(l.node, []bound{b}); err == nil {
				p.Min, p.Max = known(lo), known(hi)
			}
		}
	}
	if h.HasCRC {
		stored, err := s.win.Bytes(ctx, s.bodyAt, int(h.CompressedSize))
		if err != nil {
			return p, err
		}
		if p.CRC = "bad"; s.checksum(stored) {
			p.CRC = "ok"
		}
	}
	s.pass()
	return p, nil
}

// Dictionary implements formats.Inspector.
func (r *Reader) Dictionary(ctx context.Context, unit, column int) (arrow.Array, error) {
	l, err := r.openLeaf(ctx, unit, column)
	if err != nil {
		return nil, err
	}
	defer l.close()
	h, err := l.pages.header(ctx)
	if err == io.EOF || err == nil && h.Type != meta.DictionaryPage {
		return nil, nil
	}
	if err != nil {
		return nil, l.fail(err)
	}
	n := int(h.NumValues)
	b, err := l.pages.body(ctx)
	if err != nil {
		return nil, l.fail(err)
	}
	v, err := newVector(l.node, memory.DefaultAllocator)
	if err != nil {
		return nil, l.fail(err)
	}
	defer v.release()
	if err := v.page(meta.Plain, b, n); err != nil {
		return nil, l.fail(err)
	}
	if _, err := v.decode(n); err != nil {
		return nil, l.fail(err)
	}
	buffers := append([]*memory.Buffer{nil}, v.take(n)...)
	defer releaseAll(buffers)
	d := array.NewData(l.node.Field.Type, n, buffers, nil, 0, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

// Layout implements formats.Inspector.
func (r *Reader) Layout(context.Context) iter.Seq2[formats.Extent, error] {
	es := []formats.Extent{{Off: 0, Len: int64(len(magicPlain)), Label: "magic"}, {Off: r.footer, Len: r.size - r.footer - trailer, Label: "footer"},
		{Off: r.size - trailer, Len: trailer, Label: "footer length and magic"}}
	for rg := range r.md.RowGroups {
		for i := range r.md.RowGroups[rg].Columns {
			c, _, err := r.chunk(rg, i)
			if err != nil || c.FilePath != "" {
				continue
			}
			name := fmt.Sprintf("%s, column %s: ", rowGroupName(rg), r.tree.Leaves[i].Name())
			add := func(off, n int64, what string) {
				if off > 0 && n > 0 {
					es = append(es, formats.Extent{Off: off, Len: n, Label: name + what})
				}
			}
			start, data := chunkStart(c.Meta), c.Meta.DataPageOffset
			add(start, data-start, "dictionary")
			add(data, c.Meta.CompressedSize-(data-start), "data pages")
			add(c.ColumnIndexOffset, int64(c.ColumnIndexLength), "column index")
			add(c.OffsetIndexOffset, int64(c.OffsetIndexLength), "offset index")
			add(c.Meta.BloomFilterOffset, int64(c.Meta.BloomFilterLength), "bloom filter")
		}
	}
	slices.SortStableFunc(es, func(a, b formats.Extent) int { return cmp.Compare(a.Off, b.Off) })
	return func(yield func(formats.Extent, error) bool) {
		for _, e := range es {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Check implements formats.Inspector.
func (r *Reader) Check(ctx context.Context, deep bool) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range []error{r.checkMagic(ctx), r.checkLayout(ctx)} {
			if err != nil && !yield(r.where(err)) {
				return
			}
		}
		for rg := range r.md.RowGroups {
			for c := range r.tree.Leaves {
				if ctx.Err() != nil {
					return
				}
				if err := r.checkChunk(ctx, rg, c, deep); err != nil && !yield(r.where(err)) {
					return
				}
			}
		}
	}
}

func (r *Reader) checkMagic(ctx context.Context) error {
	head := make([]byte, len(magicPlain))
	if err := r.f.ReadRanges(ctx, []fs.Range{{Dst: head, Label: "magic"}}); err != nil {
		return err
	}
	if s := string(head); s != magicPlain && s != magicEncrypted {
		return fmt.Errorf("%w: the file begins with %q, not with %s", arrowio.ErrCorrupt, s, magicPlain)
	}
	return nil
}

// checkLayout finds extents that overlap or leave the file.
func (r *Reader) checkLayout(ctx context.Context) error {
	end, last := int64(0), ""
	for e := range r.Layout(ctx) {
		if e.Off < end {
			return &arrowio.Error{Offset: e.Off, Err: fmt.Errorf("%w: %s overlaps %s", arrowio.ErrCorrupt, e.Label, last)}
		}
		if end, last = e.Off+e.Len, e.Label; end > r.size {
			return &arrowio.Error{Offset: e.Off, Err: fmt.Errorf("%w: %s ends at %d, the file at %d", arrowio.ErrCorrupt, e.Label, end, r.size)}
		}
	}
	return nil
}

// checkChunk follows a chunk's pages against what the metadata says of them;
// deep, it decodes the values and holds them against the statistics.
func (r *Reader) checkChunk(ctx context.Context, rg, column int, deep bool) error {
	l, err := r.openLeaf(ctx, rg, column)
	if err != nil {
		return err
	}
	defer l.close()
	c, key, err := r.chunk(rg, column)
	if err != nil {
		return err
	}
	oi, err := r.offsetIndex(ctx, c, key, rg, column)
	if err != nil {
		return l.fail(err)
	}
	if _, err := r.columnIndex(ctx, c, key, rg, column); err != nil {
		return l.fail(err)
	}
	if _, err := r.bloomFilter(ctx, rg, column); err != nil {
		return l.fail(err)
	}
	for {
		h, err := l.pages.header(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return l.fail(err)
		}
		if h.Type != meta.DictionaryPage && oi != nil {
			if i := l.pages.ordinal; i >= len(oi.Pages) || oi.Pages[i].Offset != l.pages.headAt {
				return l.fail(&arrowio.Error{Offset: l.pages.headAt, Err: fmt.Errorf("%w: the offset index does not know data page %d", arrowio.ErrCorrupt, i)})
			}
		}
		if !deep {
			l.pages.pass()
			continue
		}
		if _, err := l.pages.body(ctx); err != nil {
			return l.fail(err)
		}
	}
	if l.pages.seen != c.Meta.NumValues {
		return l.fail(fmt.Errorf("%w: the pages hold %d values, the metadata says %d", arrowio.ErrCorrupt, l.pages.seen, c.Meta.NumValues))
	}
	if deep {
		return r.checkValues(ctx, rg, column)
	}
	return nil
}

// checkValues decodes a column of a row group and holds its statistics to it.
func (r *Reader) checkValues(ctx context.Context, rg, column int) error {
	g := &rowGroup{r: r, rg: rg, unit: rowGroupName(rg), o: arrowio.ReadOptions{}.WithDefaults()}
	todo := columnar.All(r.md.RowGroups[rg].NumRows)
	n := r.tree.Leaves[column]
	l, err := g.newLeaf(ctx, n, n.Rep == 0 && n.Def <= 1, todo)
	if err != nil {
		return err
	}
	defer l.close()
	var lo, hi arrow.Array
	if st := r.statistics(rg, n); st != nil {
		if lo, hi, _, _, err = boundArrays(n, []bound{r.chunkBound(n, st)}); err != nil {
			return l.fail(err)
		}
		lo, hi = known(lo), known(hi)
	}
	for left := todo; len(left) > 0; {
		if err := l.read(ctx, left, g.o.BatchRows, g.o.BatchBytes); err != nil {
			return err
		}
		rows := l.rows
		if rows == 0 {
			return l.fail(fmt.Errorf("%w: one row holds more bytes than a batch may", arrowio.ErrLimit))
		}
		t := l.take(rows)
		err := holdBounds(&t, l, lo, hi)
		releaseAll(t.buffers)
		if err != nil {
			return err
		}
		_, left = left.Cut(int64(rows))
	}
	return nil
}

// holdBounds holds values against the bounds of their chunk.
func holdBounds(t *taken, l *leaf, lo, hi arrow.Array) error {
	n := l.node
	if n.Field.Type.ID() == arrow.NULL || lo == nil && hi == nil || !arrow.TypeEqual(n.Field.Type, n.Want) {
		return nil
	}
	d := array.NewData(n.Field.Type, t.slots, t.buffers, nil, t.nulls, 0)
	defer d.Release()
	arr := array.MakeFromData(d)
	defer arr.Release()
	for _, c := range []struct {
		bound arrow.Array
		op    kernel.Op
		what  string
	}{{lo, kernel.Lt, "below the minimum"}, {hi, kernel.Gt, "above the maximum"}} {
		if c.bound == nil {
			continue
		}
		mask, err := kernel.Compare(arr, c.op, c.bound)
		if err != nil {
			return l.fail(err)
		}
		if k := mask.Count(); k > 0 {
			return l.fail(fmt.Errorf("%w: %d values are %s %s of the statistics", arrowio.ErrCorrupt, k, c.what, c.bound.ValueStr(0)))
		}
	}
	return nil
}
