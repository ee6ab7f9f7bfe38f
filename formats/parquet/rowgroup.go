package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// rowGroup reads one row group as record batches: the filter's columns first,
// the rest only where rows survive.
//
//	candidates ─► filter columns ─► mask ─► job{rows, filter arrays} ─► other columns ─► batch
type rowGroup struct {
	r      *Reader
	rg     int
	unit   string
	o      arrowio.ReadOptions
	tree   *schema.Tree  // what is shown
	filter pushdown.Expr // nil: none

	first  *columnSet // the filter's columns, nil without one
	rest   *columnSet // the shown columns that are not the filter's
	shown  []origin   // where each shown column comes from
	todo   columnar.Selection
	job    *job
	held   *job // found while another was put together
	rows   int  // of a batch, at most
	opened []*leaf

	indexes map[int]*meta.OffsetIndex // read already, by column
}

// origin of a shown column: one of the filter's columns, or of the rest.
type origin struct {
	fromFilter bool
	at         int
}

// job is a stretch of rows whose filter columns are read and whose others are
// to be.
type job struct {
	rows columnar.Selection // of the row group, in step with the arrays
	cols []arrow.Array      // the filter's columns
	mask kernel.Bitmap      // which of rows pass; all of them if Bits is nil
	few  bool               // only rows that pass are left
	n    int
	done int
}

func (j *job) release() {
	for _, c := range j.cols {
		c.Release()
	}
	j.cols = nil
}

// columnSet is columns that are read in step.
type columnSet struct {
	roots  []*schema.Node
	leaves []*leaf
	asm    assembler
	schema *arrow.Schema
	limits []int64
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
	for _, b := range raw { // a share of the batch, by size, with room for skew
		s.limits = append(s.limits, int64(float64(g.o.BatchBytes)*float64(max(b, 0))/float64(sum))+64<<10)
	}
	s.schema = arrow.NewSchema(fields, nil)
	return s, nil
}

// newLeaf opens a column chunk.
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
		win: window{file: file, budget: g.o.Budget, label: g.unit + ", column " + n.Name(), soft: min(start+m.CompressedSize, end), hard: end, step: firstWindow(m)},
	}
	rows := g.r.md.RowGroups[g.rg].NumRows
	if sel.Count() < rows {
		if err := l.useIndex(ctx, g, c, key, sel, rows); err != nil {
			return nil, fail(err)
		}
	}
	return l, nil
}

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

// prime fetches the first windows of all columns in one go, so that a store
// can serve them side by side, and opens the windows for the rest.
func (g *rowGroup) prime(ctx context.Context, s *columnSet) error {
	if len(s.leaves) == 0 {
		return nil
	}
	step := int64(4 << 20)
	if b := g.o.Budget.Size(); b > 0 {
		step = max(64<<10, min(step, b/8/int64(len(s.leaves))))
	}
	var rs []fs.Range
	room := int64(64 << 20)
	for _, l := range s.leaves {
		w := &l.pages.win
		first := int64(w.step)
		if g.o.BatchRows > fewBatchRows { // not the head alone is wanted
			first = max(first, step)
		}
		if w.file == g.r.f && first <= room && l.pages.index == nil && g.r.md.RowGroups[g.rg].NumRows > 0 {
			if n := min(first, w.soft-l.pages.off); n > 0 {
				r, err := w.prepare(l.pages.off, int(n))
				if err != nil {
					return l.fail(err)
				}
				rs = append(rs, r)
				room -= n
			}
		}
		w.step = int(step)
	}
	if len(rs) == 0 {
		return nil
	}
	return g.r.f.ReadRanges(ctx, rs)
}

// fewBatchRows is the batch size up to which a reader is taken to want the
// first rows only, and no more than a page of each column is fetched at first.
const fewBatchRows = 4096

// read makes up to want rows wait in all leaves and gives how many there are.
func (s *columnSet) read(ctx context.Context, sel columnar.Selection, want int) (int, error) {
	for i, l := range s.leaves {
		if err := l.read(ctx, sel, want, s.limits[i]); err != nil {
			return 0, err
		}
		want = min(want, l.rows)
	}
	return want, nil
}

// take builds the columns of the first n rows.
func (s *columnSet) take(n int) (cols []arrow.Array, err error) {
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
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if g.job == nil {
			if g.job, err = g.nextJob(ctx); err != nil {
				return nil, err
			}
		}
		rec, err := g.emit(ctx)
		if err != nil || rec != nil {
			return rec, err
		}
	}
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

// cut takes the first n rows of the selection.
func cut(sel columnar.Selection, n int64) (head, tail columnar.Selection) {
	for i, s := range sel {
		if n < s.Len() {
			if n > 0 {
				head = append(head, columnar.Span{Start: s.Start, End: s.Start + n})
			}
			tail = append(columnar.Selection{{Start: s.Start + n, End: s.End}}, sel[i+1:]...)
			return head, tail
		}
		head = append(head, s)
		n -= s.Len()
	}
	return head, nil
}

// nextJob finds rows that pass the filter.
func (g *rowGroup) nextJob(ctx context.Context) (*job, error) {
	if g.first == nil {
		n := min(g.todo.Count(), int64(g.rows))
		if n == 0 {
			return nil, io.EOF
		}
		j := &job{n: int(n)}
		j.rows, g.todo = cut(g.todo, n)
		return j, nil
	}
	if j := g.held; j != nil {
		g.held = nil
		return j, nil
	}
	var found []*job // stretches of which few rows pass
	count := 0
	for len(g.todo) > 0 && count < g.rows/2 {
		j, err := g.filterSome(ctx)
		if err != nil {
			releaseJobs(found)
			return nil, err
		}
		if j == nil {
			continue
		}
		if !j.few {
			if count == 0 {
				return j, nil
			}
			g.held = j
			break
		}
		found, count = append(found, j), count+j.n
	}
	if count == 0 {
		return nil, io.EOF
	}
	return g.join(found, count)
}

func releaseJobs(jobs []*job) {
	for _, j := range jobs {
		j.release()
	}
}

// filterSome reads a stretch of the filter's columns and finds the rows that
// pass; nil if none does.
func (g *rowGroup) filterSome(ctx context.Context) (*job, error) {
	n, err := g.first.read(ctx, g.todo, int(min(g.todo.Count(), int64(g.rows))))
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errNothing
	}
	cols, err := g.first.take(n)
	if err != nil {
		return nil, err
	}
	j := &job{cols: cols, n: n}
	j.rows, g.todo = cut(g.todo, int64(n))
	rec := array.NewRecordBatch(g.first.schema, cols, int64(n))
	defer rec.Release()
	mask, err := pushdown.Eval(g.o.Alloc, g.filter, rec)
	if err != nil {
		j.release()
		return nil, err
	}
	count := mask.Count()
	switch {
	case count == 0:
		j.release()
		return nil, nil
	case count == n:
		return j, nil
	case len(g.rest.leaves) > 0 && count > n/fewRows:
		j.mask = kernel.Bitmap(mask)
		return j, nil
	}
	defer j.release()
	out := &job{n: count, few: true, rows: passing(j.rows, kernel.Bitmap(mask))}
	for _, c := range cols {
		f, err := kernel.Filter(g.o.Alloc, c, kernel.Bitmap(mask))
		if err != nil {
			out.release()
			return nil, err
		}
		out.cols = append(out.cols, f)
	}
	return out, nil
}

// fewRows is the share, one in so many, from which on skipping to the rows that
// pass costs more than to decode all and filter.
const fewRows = 8

// passing is the rows of the selection whose bit is set.
func passing(sel columnar.Selection, mask kernel.Bitmap) (out columnar.Selection) {
	i := 0
	for _, s := range sel {
		for row := s.Start; row < s.End; row++ {
			if mask.Get(i) {
				out = out.Add(row, row+1)
			}
			i++
		}
	}
	return out
}

// join makes one job of several.
func (g *rowGroup) join(jobs []*job, n int) (*job, error) {
	if len(jobs) == 1 {
		return jobs[0], nil
	}
	defer releaseJobs(jobs)
	out := &job{n: n}
	for _, j := range jobs {
		for _, s := range j.rows {
			out.rows = out.rows.Add(s.Start, s.End)
		}
	}
	for i := range jobs[0].cols {
		parts := make([]arrow.Array, len(jobs))
		for k, j := range jobs {
			parts[k] = j.cols[i]
		}
		c, err := kernel.Concat(g.o.Alloc, parts)
		if err != nil {
			out.release()
			return nil, err
		}
		out.cols = append(out.cols, c)
	}
	return out, nil
}

// emit reads the other columns of the job's next rows and puts the batch
// together; nil if none of its rows passes.
func (g *rowGroup) emit(ctx context.Context) (arrow.RecordBatch, error) {
	j := g.job
	n, err := g.rest.read(ctx, j.rows, j.n-j.done)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errNothing
	}
	rest, err := g.rest.take(n)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, c := range rest {
			c.Release()
		}
	}()
	cols := make([]arrow.Array, len(g.shown))
	for i, o := range g.shown {
		if o.fromFilter {
			cols[i] = array.NewSlice(j.cols[o.at], int64(j.done), int64(j.done+n))
			defer cols[i].Release()
		} else {
			cols[i] = rest[o.at]
		}
	}
	rec := array.NewRecordBatch(g.tree.Arrow, cols, int64(n))
	if j.mask.Bits != nil {
		defer rec.Release()
		mask := kernel.NewBitmap(n)
		bits.Copy(mask.Bits, 0, j.mask.Bits, j.done, n)
		if rec, err = kernel.FilterBatch(g.o.Alloc, rec, mask); err != nil {
			return nil, err
		}
	}
	_, j.rows = cut(j.rows, int64(n))
	if j.done += n; j.done == j.n {
		j.release()
		g.job = nil
	}
	if rec.NumRows() == 0 {
		rec.Release()
		return nil, nil
	}
	return rec, nil
}

// close releases everything.
func (g *rowGroup) close() error {
	for _, j := range []*job{g.job, g.held} {
		if j != nil {
			j.release()
		}
	}
	g.job, g.held = nil, nil
	for _, l := range g.opened {
		l.close()
	}
	g.opened = nil
	return nil
}

var errNothing = fmt.Errorf("%w: one row holds more bytes than a batch may", arrowio.ErrLimit)
