package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/pushdown"
)

// rowGroup reads one row group as record batches.
type rowGroup struct {
	r      *Reader
	rg     int
	unit   string
	o      arrowio.ReadOptions
	tree   *schema.Tree  // what is shown
	filter pushdown.Expr // nil: none
	scan   columnar.Scan
	opened []*leaf

	indexes map[int]*meta.OffsetIndex // read already, by column
}

// columnSet is columns that are read in step.
type columnSet struct {
	roots  []*schema.Node
	leaves []*leaf
	asm    assembler
	schema *arrow.Schema
	limits []int64
	primed int                         // leaves whose first window was fetched
	more   func(context.Context) error // fetches those of the leaves that come next; nil: each does when it is read
}

// newColumnSet prepares the leaves of some roots.
func (g *rowGroup) newColumnSet(ctx context.Context, roots []*schema.Node, sel columnar.Selection) (*columnSet, error) {
	s := &columnSet{roots: roots, asm: assembler{mem: g.o.Alloc, taken: map[*schema.Node]*taken{}}}
	var raw []int64
	sum := int64(1)
	fields := make([]arrow.Field, 0, len(roots))
	for _, root := range roots {
		fields = append(fields, root.Exposed())
		for _, n := range root.AppendLeaves(nil) {
			l, err := g.newLeaf(ctx, n, n == root, sel)
			if err != nil {
				return nil, err
			}
			s.leaves = append(s.leaves, l)
			g.opened = append(g.opened, l)
			raw = append(raw, l.pages.meta.UncompressedSize)
			sum += max(l.pages.meta.UncompressedSize, 0)
		}
	}
	for _, b := range raw { // a share of the batch, by size, with room for values that a dictionary made small
		share := float64(max(b, 0))/float64(sum) + 1/float64(len(raw))
		s.limits = append(s.limits, int64(float64(g.o.BatchBytes)*share)+64<<10)
	}
	s.schema = arrow.NewSchema(fields, nil)
	return s, nil
}

// newLeaf opens a column chunk. Behind a filter's columns it is a late one, read
// only where rows survive.
func (g *rowGroup) newLeaf(ctx context.Context, n *schema.Node, root bool, sel columnar.Selection) (*leaf, error) {
	fail := func(err error) error {
		return &arrowio.Error{Op: "read", URL: g.r.url, Unit: g.unit, Column: n.Name(), Err: err}
	}
	c, key, err := g.r.chunk(g.rg, n.Column)
	if errors.Is(err, arrowio.ErrKey) && g.r.looksPlain(ctx, g.rg, n.Column) {
		c, err = &g.r.md.RowGroups[g.rg].Columns[n.Column], nil
	}
	if err != nil {
		return nil, err
	}
	m := c.Meta
	if m.Type != n.Element.Type {
		return nil, fail(fmt.Errorf("%w: a chunk of %s in a column of %s", arrowio.ErrCorrupt, m.Type, n.Element.Type))
	}
	l, err := newLeaf(n, root, g.o.Alloc)
	if err != nil {
		return nil, fail(err)
	}
	codec, err := codecOf(m.Codec)
	if err != nil {
		return nil, fail(err)
	}
	file, end, err := g.r.fileOf(ctx, c)
	if err != nil {
		return nil, fail(err)
	}
	start := chunkStart(m)
	if start < 0 || start > end || m.CompressedSize < 0 || m.NumValues < 0 {
		return nil, fail(fmt.Errorf("%w: the chunk lies at offset %d with %d bytes and %d values", arrowio.ErrCorrupt, start, m.CompressedSize, m.NumValues))
	}
	l.unit, l.total = g.unit, g.r.md.RowGroups[g.rg].NumRows
	l.pages = pageStream{
		meta: m, codec: codec, crypt: key, rowGroup: g.r.ordinal(g.rg), column: n.Column, verify: !g.r.o.NoVerify,
		maxDef: n.Def, maxRep: n.Rep, start: start, off: start,
		win: columnar.Window{File: file, Budget: g.o.Budget, Label: g.unit + ", column " + n.Name(), Soft: min(start+m.CompressedSize, end), Hard: end, Step: firstWindow(m)},
	}
	rows := g.r.md.RowGroups[g.rg].NumRows
	late := g.scan.First != nil
	if late {
		l.pages.win.Most = mostWindow
	}
	if sel.Count() < rows || late && (m.CompressedSize > worthIndex || c.OffsetIndexOffset >= g.r.size-int64(len(g.r.tail))) {
		if err := l.useIndex(ctx, g, c, key, sel, rows); err != nil {
			return nil, fail(err)
		}
	}
	return l, nil
}

const (
	// mostWindow is how much of a chunk is fetched at a time, at most.
	mostWindow = 4 << 20
	// worthIndex is the size of a chunk from which on it pays to fetch its offset
	// index so as to pass over pages of which no row survives.
	worthIndex = 128 << 10
)

// chunkStart is where a chunk's first page is. Some writers put zero, or the
// place of a data page, for a dictionary that is not there.
func chunkStart(m *meta.ColumnMetaData) int64 {
	if d := m.DictionaryPageOffset; d > 0 && d < m.DataPageOffset {
		return d
	}
	return m.DataPageOffset
}

// firstWindow is how much of a chunk is fetched at first: its dictionary and
// about one data page, since a reader may want no more than that.
func firstWindow(m *meta.ColumnMetaData) int {
	dict := m.DataPageOffset - chunkStart(m)
	data := m.CompressedSize - dict
	pages := int64(0)
	for _, s := range m.EncodingStats {
		if s.Page != meta.DictionaryPage {
			pages += int64(s.Count)
		}
	}
	page := int64(1 << 20)
	if m.UncompressedSize > m.CompressedSize { // pages are cut by their bytes before compression
		page = int64(float64(page) * float64(m.CompressedSize) / float64(m.UncompressedSize))
	}
	if pages > 0 {
		page = data / pages
	}
	page += page/8 + 4096
	return int(max(4096, min(dict, 4<<20)+min(page, 4<<20)))
}

// prime fetches the first windows of the columns that come next, as many as
// room is for, in one go, so that a store can serve them side by side, and opens
// the windows for the rest.
func (g *rowGroup) prime(ctx context.Context, s *columnSet) error {
	step := int64(mostWindow)
	if b := g.o.Budget.Size(); b > 0 {
		step = max(64<<10, min(step, b/8/int64(max(len(s.leaves), 1))))
	}
	var rs []fs.Range
	room := int64(64 << 20)
	if fs.Scheme(g.r.url) == "file" { // what is read soon is still in the processor's cache
		room = nearRoom
	}
	for ; s.primed < len(s.leaves) && room > 0; s.primed++ {
		l := s.leaves[s.primed]
		w := &l.pages.win
		first := int64(w.Step)
		if g.o.BatchRows > fewBatchRows { // not the head alone is wanted
			first = max(first, step)
		}
		if w.File == g.r.f && l.pages.index == nil && g.r.md.RowGroups[g.rg].NumRows > 0 {
			if n := min(first, w.Soft-l.pages.off); n > 0 {
				r, err := w.Prepare(l.pages.off, int(n))
				if err != nil {
					return l.fail(err)
				}
				rs = append(rs, r)
				room -= n
			}
		}
		w.Step = int(step)
	}
	if len(rs) == 0 {
		return nil
	}
	return g.r.f.ReadRanges(ctx, rs)
}

// nearRoom is how much of a local file is fetched in one go.
const nearRoom = 1 << 20

// fewBatchRows is the batch size up to which a reader is taken to want the
// first rows only, and no more than a page of each column is fetched at first.
const fewBatchRows = 4096

// Schema implements columnar.Columns.
func (s *columnSet) Schema() *arrow.Schema { return s.schema }

// Read implements columnar.Columns.
func (s *columnSet) Read(ctx context.Context, sel columnar.Selection, want int) (int, error) {
	for i, l := range s.leaves {
		if s.more != nil && i == s.primed {
			if err := s.more(ctx); err != nil {
				return 0, err
			}
		}
		if err := l.read(ctx, sel, want, s.limits[i]); err != nil {
			return 0, err
		}
		want = min(want, l.rows)
	}
	return want, nil
}

// Take implements columnar.Columns.
func (s *columnSet) Take(n int) (cols []arrow.Array, err error) {
	for _, l := range s.leaves {
		t := l.take(n)
		s.asm.taken[l.node] = &t
	}
	defer func() {
		s.asm.release()
		if err != nil {
			for _, c := range cols {
				c.Release()
			}
			cols = nil
		}
	}()
	for _, root := range s.roots {
		c, err := s.asm.column(root, n)
		if err != nil {
			return cols, &arrowio.Error{Column: root.Field.Name, Err: err}
		}
		cols = append(cols, c)
	}
	return cols, nil
}

// next gives the next batch, io.EOF at the end.
func (g *rowGroup) next(ctx context.Context) (rec arrow.RecordBatch, err error) {
	defer func() {
		if err != nil && err != io.EOF {
			err = g.where(err)
		}
	}()
	defer arrowio.Guard(&err)
	return g.scan.Next(ctx)
}

func (g *rowGroup) where(err error) error {
	e, ok := err.(*arrowio.Error)
	if !ok {
		return g.r.where(err)
	}
	e.Op, e.URL = "read", g.r.url
	if e.Unit == "" {
		e.Unit = g.unit
	}
	return e
}

// close releases everything.
func (g *rowGroup) close() error {
	g.scan.Release()
	for _, l := range g.opened {
		l.close()
	}
	g.opened = nil
	return nil
}
