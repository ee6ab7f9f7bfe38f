package parquet

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/bloom"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// maxIndex bounds an index or a bloom filter: parquet.thrift gives their
// lengths 32 bits.
const maxIndex = 1<<31 - 1

// section reads a stretch of the file that lies outside the pages, decrypted.
func (r *Reader) section(ctx context.Context, label string, off int64, size int64, key *crypt.Column, kind crypt.Module, rg, column int) ([]byte, error) {
	if off < 0 || size <= 0 || size > maxIndex || off+size > r.size {
		return nil, &arrowio.Error{Op: "read", URL: r.url, Unit: rowGroupName(rg), Offset: off, Err: fmt.Errorf("%w: %s of %d bytes", arrowio.ErrCorrupt, label, size)}
	}
	b := make([]byte, size)
	if start := r.size - int64(len(r.tail)); off >= start {
		copy(b, r.tail[off-start:])
	} else if err := r.f.ReadRanges(ctx, []fs.Range{{Off: off, Dst: b, Label: fmt.Sprintf("%s, column %s: %s", rowGroupName(rg), r.tree.Leaves[column].Name(), label)}}); err != nil {
		return nil, err
	}
	if key == nil {
		return b, nil
	}
	plain, _, err := key.Open(nil, b, kind, r.ordinal(rg), column, -1)
	return plain, err
}

// offsetIndex reads a chunk's offset index; nil if it has none. An index that
// is damaged, or does not fit the row group, is an error: pages found by it
// would be the wrong ones.
func (r *Reader) offsetIndex(ctx context.Context, c *meta.ColumnChunk, key *crypt.Column, rg, column int) (*meta.OffsetIndex, error) {
	if c.OffsetIndexOffset <= 0 || c.OffsetIndexLength <= 0 || c.FilePath != "" {
		return nil, nil
	}
	b, err := r.section(ctx, "offset index", c.OffsetIndexOffset, int64(c.OffsetIndexLength), key, crypt.OffsetIndex, rg, column)
	if err != nil {
		return nil, err
	}
	x, _, err := meta.DecodeOffsetIndex(b)
	if err != nil {
		return nil, err
	}
	rows := r.md.RowGroups[rg].NumRows
	for i, p := range x.Pages {
		if p.Offset < 0 || p.CompressedSize < 0 || p.Offset+int64(p.CompressedSize) > r.size || p.FirstRow < 0 || p.FirstRow > rows ||
			i == 0 && p.FirstRow != 0 || i > 0 && (p.FirstRow < x.Pages[i-1].FirstRow || p.Offset < x.Pages[i-1].Offset) {
			return nil, fmt.Errorf("%w: offset index: page %d at offset %d with %d bytes and first row %d", arrowio.ErrCorrupt, i, p.Offset, p.CompressedSize, p.FirstRow)
		}
	}
	if len(x.Pages) == 0 {
		return nil, nil
	}
	return x, nil
}

// columnIndex reads a chunk's column index; nil if it has none.
func (r *Reader) columnIndex(ctx context.Context, c *meta.ColumnChunk, key *crypt.Column, rg, column int) (*meta.ColumnIndex, error) {
	if c.ColumnIndexOffset <= 0 || c.ColumnIndexLength <= 0 || c.FilePath != "" {
		return nil, nil
	}
	b, err := r.section(ctx, "column index", c.ColumnIndexOffset, int64(c.ColumnIndexLength), key, crypt.ColumnIndex, rg, column)
	if err != nil {
		return nil, err
	}
	x, _, err := meta.DecodeColumnIndex(b)
	return x, err
}

// bloomFilter reads a chunk's bloom filter; nil if it has none that is known.
func (r *Reader) bloomFilter(ctx context.Context, rg, column int) (bloom.Filter, error) {
	c, key, err := r.chunk(rg, column)
	if err != nil || c.Meta.BloomFilterOffset <= 0 || c.FilePath != "" {
		return nil, err
	}
	off := c.Meta.BloomFilterOffset
	size := int64(c.Meta.BloomFilterLength)
	known := size > 0
	if !known { // old writers leave the length to the header
		size = min(256, r.size-off)
	}
	if key != nil {
		size = r.size - off
		if known {
			size = min(size, int64(c.Meta.BloomFilterLength))
		}
		return r.sealedBloom(ctx, off, size, known, key, rg, column)
	}
	b, err := r.section(ctx, "bloom filter", off, size, nil, crypt.BloomFilterHeader, rg, column)
	if err != nil {
		return nil, err
	}
	bits, n, err := bloomHeader(b)
	if err != nil || bits == 0 {
		return nil, err
	}
	if off+int64(n)+bits > r.size {
		return nil, fmt.Errorf("%w: of %d bytes", errBloom, bits)
	}
	if int64(len(b)-n) < bits {
		if b, err = r.section(ctx, "bloom filter", off+int64(n), bits, nil, crypt.BloomFilterBitset, rg, column); err != nil {
			return nil, err
		}
		n = 0
	}
	return bloom.Filter(b[n : int64(n)+bits]), nil
}

// bloomHeader reads a bloom filter's header and checks the size of its bitset;
// 0 for a kind that is not known.
func bloomHeader(b []byte) (bits int64, n int, err error) {
	h, n, err := meta.DecodeBloomFilterHeader(b)
	if err != nil || !h.Known {
		return 0, n, err
	}
	if bits = int64(h.NumBytes); bits <= 0 || bits%32 != 0 {
		return 0, n, fmt.Errorf("%w: of %d bytes", errBloom, bits)
	}
	return bits, n, nil
}

// sealedBloom reads an encrypted bloom filter: header and bitset are modules of
// their own.
func (r *Reader) sealedBloom(ctx context.Context, off, size int64, known bool, key *crypt.Column, rg, column int) (bloom.Filter, error) {
	first := size
	if !known {
		first = min(size, 256)
	}
	b, err := r.section(ctx, "bloom filter", off, first, nil, crypt.BloomFilterHeader, rg, column)
	if err != nil {
		return nil, err
	}
	header, n, err := key.Open(nil, b, crypt.BloomFilterHeader, r.ordinal(rg), column, -1)
	if err != nil {
		return nil, err
	}
	bits, _, err := bloomHeader(header)
	if err != nil || bits == 0 {
		return nil, err
	}
	b = b[n:]
	if !known {
		if b, err = r.section(ctx, "bloom filter", off+int64(n), min(bits+moduleExtra, r.size-off-int64(n)), nil, crypt.BloomFilterBitset, rg, column); err != nil {
			return nil, err
		}
	}
	set, _, err := key.Open(nil, b, crypt.BloomFilterBitset, r.ordinal(rg), column, -1)
	if err == nil && int64(len(set)) != bits {
		err = fmt.Errorf("%w: of %d bytes where its header says %d", errBloom, len(set), bits)
	}
	return bloom.Filter(set), err
}

// moduleExtra is what a GCM module has besides its plaintext: length, nonce, tag.
const moduleExtra = 4 + 12 + 16

// selectRows finds the rows of a row group that the page indexes of the
// filter's columns leave possible. The pages of several columns do not end at
// the same rows: the containers judged are the stretches between any two ends.
//
// The offset indexes that were read on the way are kept in known, by column.
func (r *Reader) selectRows(ctx context.Context, rg int, filter pushdown.Expr, cols *schema.Tree, known map[int]*meta.OffsetIndex) (columnar.Selection, error) {
	rows := r.md.RowGroups[rg].NumRows
	all := columnar.All(rows)
	st := pageStats{r: r, rows: rows, columns: map[int]*pageColumn{}}
	starts := []int64{0}
	var leaves []*schema.Node
	for _, n := range cols.Roots {
		leaves = n.AppendLeaves(leaves)
	}
	for _, n := range leaves {
		if n.Rep > 0 {
			continue
		}
		c, key, err := r.chunk(rg, n.Column)
		if err != nil {
			return nil, err
		}
		ci, err := r.columnIndex(ctx, c, key, rg, n.Column)
		if err != nil || ci == nil {
			if err != nil {
				return nil, r.indexError(rg, n, err)
			}
			continue
		}
		oi, err := r.offsetIndex(ctx, c, key, rg, n.Column)
		if err != nil {
			return nil, r.indexError(rg, n, err)
		}
		if oi == nil || len(oi.Pages) != len(ci.NullPages) {
			continue
		}
		known[n.Column] = oi
		for _, p := range oi.Pages {
			starts = append(starts, p.FirstRow)
		}
		st.columns[n.Column] = &pageColumn{node: n, ci: ci, oi: oi}
	}
	if len(st.columns) == 0 || rows == 0 {
		return all, nil
	}
	slices.Sort(starts)
	st.starts = slices.Compact(starts)
	if last := len(st.starts) - 1; st.starts[last] == rows {
		st.starts = st.starts[:last]
	}
	var sel columnar.Selection
	for i, t := range pushdown.Prune(filter, &st) {
		if t != pushdown.Never {
			sel = sel.Add(st.starts[i], st.end(i))
		}
	}
	return sel, nil
}

func (r *Reader) indexError(rg int, n *schema.Node, err error) error {
	if _, ok := err.(*arrowio.Error); ok {
		return err
	}
	return &arrowio.Error{Op: "read", URL: r.url, Unit: rowGroupName(rg), Column: n.Name(), Err: err}
}

// pageColumn is one column's page index.
type pageColumn struct {
	node *schema.Node
	ci   *meta.ColumnIndex
	oi   *meta.OffsetIndex
}

// pageStats is what page indexes say of the stretches of rows between the
// starts of pages.
type pageStats struct {
	r       *Reader
	rows    int64
	starts  []int64
	columns map[int]*pageColumn
}

var _ pushdown.Stats = (*pageStats)(nil)

func (s *pageStats) Len() int { return len(s.starts) }

func (s *pageStats) end(i int) int64 {
	if i+1 < len(s.starts) {
		return s.starts[i+1]
	}
	return s.rows
}

// column finds the page index for a path and the page of each stretch.
func (s *pageStats) column(p pushdown.Path) (*pageColumn, []int32) {
	n := s.r.leafAt(p)
	if n == nil || s.columns[n.Column] == nil {
		return nil, nil
	}
	c := s.columns[n.Column]
	pages := make([]int32, s.Len())
	for i, start := range s.starts {
		// Of pages that begin at one row all but the last are empty.
		pages[i] = int32(sort.Search(len(c.oi.Pages), func(k int) bool { return c.oi.Pages[k].FirstRow > start }) - 1)
	}
	return c, pages
}

func (s *pageStats) Bounds(p pushdown.Path) (lo, hi arrow.Array, loExact, hiExact []bool) {
	c, pages := s.column(p)
	if c == nil || !s.r.ordered(c.node) {
		return unknownBounds(s.Len())
	}
	bs := make([]bound, len(c.ci.NullPages))
	for i, null := range c.ci.NullPages {
		if !null { // bounds of a page may always be truncated
			bs[i] = bound{lo: c.ci.Min[i], hi: c.ci.Max[i]}
		}
	}
	lo, hi, _, _, err := boundArrays(c.node, bs)
	if err != nil {
		return unknownBounds(s.Len())
	}
	defer lo.Release()
	defer hi.Release()
	var out [2]arrow.Array
	for i, a := range []arrow.Array{lo, hi} {
		if out[i], err = kernel.Take(memory.DefaultAllocator, a, pages); err != nil {
			return unknownBounds(s.Len())
		}
	}
	return out[0], out[1], nil, nil
}

func (s *pageStats) Nulls(p pushdown.Path) (nulls, rows []int64) {
	nulls, rows = make([]int64, s.Len()), make([]int64, s.Len())
	c, pages := s.column(p)
	for i := range nulls {
		rows[i] = s.end(i) - s.starts[i]
		nulls[i] = -1
		switch {
		case c == nil:
		case c.ci.NullPages[pages[i]]:
			nulls[i] = rows[i]
		case c.node.Def == 0, c.ci.NullCounts != nil && c.ci.NullCounts[pages[i]] == 0:
			nulls[i] = 0
		}
	}
	return nulls, rows
}

func (s *pageStats) MayContain(pushdown.Path, arrow.Array, []bool) []pushdown.Truth { return nil }

// useIndex lets a leaf find its pages by the offset index.
func (l *leaf) useIndex(ctx context.Context, g *rowGroup, c *meta.ColumnChunk, key *crypt.Column, sel columnar.Selection, rows int64) error {
	x := g.indexes[l.node.Column]
	if x == nil {
		var err error
		if x, err = g.r.offsetIndex(ctx, c, key, g.rg, l.node.Column); err != nil || x == nil {
			return err
		}
	}
	s := &l.pages
	s.index, s.wanted = x, make([]bool, len(x.Pages))
	for i, p := range x.Pages {
		end := rows
		if i+1 < len(x.Pages) {
			end = x.Pages[i+1].FirstRow
		}
		s.wanted[i] = sel.Overlaps(p.FirstRow, end)
	}
	// Until the first jump, only a dictionary is of interest.
	s.win.Soft = max(s.off, min(s.win.Soft, x.Pages[0].Offset))
	if s.wanted[0] && s.win.Most == 0 {
		s.win.Soft = s.runEnd(0)
	}
	return nil
}
