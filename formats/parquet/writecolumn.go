package parquet

import (
	"errors"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
)

// columnWriter encodes one leaf column: levels and values fill a page, full
// pages are compressed at once, and a row group's pages wait, encoded, for the
// columns before them to be written.
//
//	entries ─► levels ────────────────────────► page ─► pages of the chunk
//	        └► convert ─► bounds ─► dictionary ─┘
type columnWriter struct {
	node    *schema.Node
	elem    *meta.SchemaElement
	o       columnPlan
	convert converter
	order   *order
	pages   pageWriter

	// The page being filled.
	rep, def []int16
	levels   int
	rows     int
	live     int      // values that are not null
	values   valueBuf // PLAIN; of a dictionary page the indices instead
	indices  []uint32
	bounds   bounds
	raw      int64 // bytes of its byte arrays

	scratch valueBuf
	sel     []int
	step    int // levels taken in between two looks at the page's size
	dict    *dictionary
	numbers bool     // dict is in use; false after it fell back
	seen    []uint32 // of the dictionary's values, the last page that has them
	page    uint32   // counts pages, over all chunks
	plain   int      // PLAIN bytes of the values since the chunk began

	chunk chunkState
}

// chunkState is what a chunk has come to so far.
type chunkState struct {
	pages    []writtenPage
	bytes    int64
	levels   int64
	rows     int64
	nulls    int64
	raw      int64
	bounds   bounds
	repHist  []int64
	defHist  []int64
	encStats []meta.PageEncodingStats
	bloom    bloomBuilder
}

func newColumnWriter(n *schema.Node, parent meta.LogicalKind, o columnPlan) (*columnWriter, error) {
	convert, err := newConverter(n)
	if err != nil {
		return nil, err
	}
	c := &columnWriter{node: n, elem: n.Element, o: o, convert: convert, step: firstStep}
	c.pages = pageWriter{codec: o.codec, level: o.level, v2: o.v2, crc: o.crc, maxRep: n.Rep, maxDef: n.Def}
	c.pages.seal = sealer{key: o.key, column: n.Column}
	if o.stats {
		c.order = orderOf(n.Element, parent)
	}
	c.values, c.scratch = newValueBuf(n.Element), newValueBuf(n.Element)
	c.begin()
	return c, nil
}

// begin starts a chunk.
func (c *columnWriter) begin() {
	b := c.chunk.bounds
	b.reset()
	c.chunk = chunkState{bounds: b}
	c.chunk.bloom = newBloomBuilder(c.o.bloom)
	c.plain = 0
	c.pages.rawSize, c.pages.ordinal = 0, 0
	if c.numbers = c.o.dict; c.numbers {
		if c.dict == nil {
			c.dict = newDictionary(newValueBuf(c.elem))
		}
		c.dict.reset()
		c.dict.onNew = nil
		if c.o.bloom != nil {
			c.dict.onNew = c.chunk.bloom.add
		}
	}
	c.startPage()
}

func (c *columnWriter) startPage() {
	c.rep, c.def, c.indices = c.rep[:0], c.def[:0], c.indices[:0]
	c.levels, c.rows, c.live, c.raw = 0, 0, 0, 0
	c.values.reset()
	c.bounds.reset()
}

// Steps are small at first, until the size of a value is known, so that a page
// of large values does not overshoot.
const (
	firstStep = 64
	mostStep  = 1024
)

// append takes the entries of a batch. It cuts pages between records only.
func (c *columnWriter) append(d arrow.ArrayData, e *entries) error {
	for i := 0; i < e.n; {
		j, rows := c.stepEnd(e, i)
		if err := c.take(d, e, i, j); err != nil {
			return c.fail(err)
		}
		c.rows += rows
		i = j
		if c.pageBytes() >= c.o.pageBytes || c.rows >= c.o.pageRows {
			if err := c.cut(); err != nil {
				return c.fail(err)
			}
		}
		if c.numbers && c.dict.bytes() > c.o.dictBytes {
			if err := c.cut(); err != nil {
				return c.fail(err)
			}
			c.fallBack()
		}
	}
	return nil
}

// stepEnd is where the step that begins at entry i ends, a record's end, and
// how many records it has.
func (c *columnWriter) stepEnd(e *entries, i int) (j, rows int) {
	room := c.o.pageRows - c.rows
	if e.rep == nil {
		j = min(i+min(c.step, room), e.n)
		return j, j - i
	}
	rows = 1
	for j = i + 1; j < e.n; j++ {
		if e.rep[j] == 0 {
			if j-i >= c.step || rows >= room {
				break
			}
			rows++
		}
	}
	return j, rows
}

// take adds entries [i, j) to the page.
func (c *columnWriter) take(d arrow.ArrayData, e *entries, i, j int) error {
	if c.pages.maxRep > 0 {
		c.rep = append(c.rep, e.rep[i:j]...)
	}
	if c.pages.maxDef > 0 {
		if e.def != nil {
			c.def = append(c.def, e.def[i:j]...)
		} else {
			at := len(c.def)
			c.def = slices.Grow(c.def, j-i)[:at+j-i]
			for k := at; k < len(c.def); k++ {
				c.def[k] = e.level
			}
		}
	}
	c.levels += j - i
	sel := c.selected(e, i, j)
	if sel.len() == 0 {
		return nil
	}
	c.live += sel.len()
	into, from := &c.values, c.values.n
	if c.numbers {
		c.scratch.reset()
		into, from = &c.scratch, 0
	}
	size := into.plainBytes()
	data := len(into.data)
	if err := c.convert(into, d, sel); err != nil {
		return err
	}
	size = into.plainBytes() - size
	c.plain += size
	c.raw += int64(len(into.data) - data)
	// Some sixteen looks a page.
	c.step = min(max(c.o.pageBytes*(j-i)/(16*max(size, 1)), 1), mostStep)
	if c.order != nil && !c.boundsByNumber() {
		c.order.scan(into, from, &c.bounds)
	}
	if c.numbers {
		var err error
		c.indices, err = c.dict.number(c.indices, into)
		return err
	}
	if c.chunk.bloom.on {
		for k := from; k < into.n; k++ {
			c.chunk.bloom.add(into.at(k))
		}
	}
	return nil
}

// selected are the slots of entries [i, j) that hold a value.
func (c *columnWriter) selected(e *entries, i, j int) selection {
	if e.idx == nil {
		return selection{lo: e.base + i, hi: e.base + j}
	}
	c.sel = c.sel[:0]
	dense := true
	for _, x := range e.idx[i:j] {
		if x < 0 {
			continue
		}
		dense = dense && (len(c.sel) == 0 || x == c.sel[len(c.sel)-1]+1)
		c.sel = append(c.sel, x)
	}
	if len(c.sel) == 0 {
		return selection{}
	}
	if dense {
		return selection{lo: c.sel[0], hi: c.sel[0] + len(c.sel)}
	}
	return selection{idx: c.sel}
}

// pageBytes is the size of the page being filled, about.
func (c *columnWriter) pageBytes() int {
	n := c.values.plainBytes() + (len(c.rep)+len(c.def))/4
	if c.numbers {
		n += len(c.indices) * c.dict.width() / 8
	}
	return n
}

// held is the memory that the chunk takes.
func (c *columnWriter) held() int64 {
	n := c.chunk.bytes + int64(c.values.plainBytes()+2*(len(c.rep)+len(c.def))+4*len(c.indices)) + c.chunk.bloom.held()
	if c.dict != nil {
		n += c.dict.held()
	}
	return n
}

// fallBack ends the use of the dictionary for this chunk; its page stays for
// the pages that refer to it.
func (c *columnWriter) fallBack() { c.numbers = false }

// judge drops a dictionary that does not pay by the time of the first page.
func (c *columnWriter) judge() error {
	if !c.numbers || c.o.dictAlways || len(c.chunk.pages) > 0 || len(c.indices) == 0 {
		return nil
	}
	if c.dict.bytes()+len(c.indices)*c.dict.width()/8 < c.plain {
		return nil
	}
	if err := c.dict.gather(&c.values, c.indices); err != nil {
		return err
	}
	c.indices = c.indices[:0]
	c.dict.reset()
	c.fallBack()
	return nil
}

// cut ends the page being filled.
func (c *columnWriter) cut() error {
	if c.levels == 0 {
		return nil
	}
	if c.order != nil && c.boundsByNumber() {
		if err := c.scanDistinct(); err != nil {
			return err
		}
	}
	if err := c.judge(); err != nil {
		return err
	}
	nulls := c.levels - c.live
	page := writtenPage{
		firstRow: c.chunk.rows, nulls: int64(nulls), nans: c.bounds.nans, allNull: c.live == 0, unencoded: c.raw,
		repHist: histogram(c.rep, c.pages.maxRep), defHist: histogram(c.def, c.pages.maxDef),
	}
	if c.bounds.has {
		page.min, page.max, _, _ = c.bounds.truncated(c.elem)
		page.hasBounds = page.max != nil
	}
	body, enc, err := c.pages.data(pageParts{
		levels: c.levels, rows: c.rows, nulls: nulls, rep: c.rep, def: c.def, values: c.encode,
	})
	if err != nil {
		return err
	}
	page.bytes = body
	ch := &c.chunk
	ch.pages = append(ch.pages, page)
	ch.bytes += int64(len(body))
	ch.levels += int64(c.levels)
	ch.rows += int64(c.rows)
	ch.nulls += int64(nulls)
	ch.raw += c.raw
	ch.repHist = addHistogram(ch.repHist, page.repHist)
	ch.defHist = addHistogram(ch.defHist, page.defHist)
	if c.order != nil {
		ch.bounds.merge(&c.bounds, c.order)
	}
	typ := meta.DataPage
	if c.o.v2 {
		typ = meta.DataPageV2
	}
	ch.count(typ, enc)
	c.startPage()
	return nil
}

// boundsByNumber says that the bounds of a page are found among its distinct
// values, once it is full: byte arrays take long to compare.
func (c *columnWriter) boundsByNumber() bool { return c.numbers && c.dict.vals.width == 0 }

// scanDistinct takes the page's distinct values into its bounds.
func (c *columnWriter) scanDistinct() error {
	c.page++
	c.seen = slices.Grow(c.seen, max(c.dict.vals.n-len(c.seen), 0))
	for len(c.seen) < c.dict.vals.n {
		c.seen = append(c.seen, 0)
	}
	c.scratch.reset()
	for _, x := range c.indices {
		if c.seen[x] != c.page {
			c.seen[x] = c.page
			if err := c.scratch.add(c.dict.vals.at(int(x))); err != nil {
				return err
			}
		}
	}
	c.order.scan(&c.scratch, 0, &c.bounds)
	return nil
}

func (ch *chunkState) count(t meta.PageType, enc meta.Encoding) {
	for i := range ch.encStats {
		if s := &ch.encStats[i]; s.Page == t && s.Encoding == enc {
			s.Count++
			return
		}
	}
	ch.encStats = append(ch.encStats, meta.PageEncodingStats{Page: t, Encoding: enc, Count: 1})
}

// encode appends the page's values.
func (c *columnWriter) encode(dst []byte) ([]byte, meta.Encoding, error) {
	if c.numbers && c.dict.vals.n > 0 {
		w := c.dict.width()
		dst = append(dst, byte(w))
		return appendIndices(dst, c.indices, w), meta.RLEDictionary, nil
	}
	enc := c.o.encoding
	if c.numbers { // nothing but nulls so far
		enc = meta.Plain
	}
	dst, err := appendEncoded(dst, &c.values, c.elem, enc)
	return dst, enc, err
}

// fail names the column.
func (c *columnWriter) fail(err error) error {
	out := &arrowio.Error{Op: "write", Column: strings.Join(c.node.Path, "."), Err: err}
	var inner *arrowio.Error
	if errors.As(err, &inner) {
		out.Hint, out.Err = inner.Hint, inner.Err
	}
	return out
}

// writtenChunk is a finished chunk; its offsets count from its first byte.
type writtenChunk struct {
	dict  []byte
	pages []writtenPage
	meta  meta.ColumnMetaData
	bloom []byte
	order *order
	float bool
}

// finish ends the chunk and starts the next.
func (c *columnWriter) finish() (*writtenChunk, error) {
	if err := c.cut(); err != nil {
		return nil, c.fail(err)
	}
	ch := &c.chunk
	out := &writtenChunk{pages: ch.pages, order: c.order}
	m := &out.meta
	*m = meta.ColumnMetaData{
		Type: c.elem.Type, Path: c.node.Path, Codec: c.o.codecID, NumValues: ch.levels,
	}
	if c.dict != nil && c.dict.vals.n > 0 {
		page, err := c.pages.dictionary(c.dict)
		if err != nil {
			return nil, c.fail(err)
		}
		out.dict = page
		ch.bytes += int64(len(page))
		ch.encStats = slices.Insert(ch.encStats, 0, meta.PageEncodingStats{Page: meta.DictionaryPage, Encoding: meta.Plain, Count: 1})
		m.DataPageOffset = int64(len(page))
	}
	if c.node.Def > 0 || c.node.Rep > 0 {
		m.Encodings = append(m.Encodings, meta.RLE)
	}
	for _, s := range ch.encStats {
		if !slices.Contains(m.Encodings, s.Encoding) {
			m.Encodings = append(m.Encodings, s.Encoding)
		}
	}
	m.EncodingStats = ch.encStats
	m.CompressedSize, m.UncompressedSize = ch.bytes, c.pages.rawSize
	if c.o.stats {
		m.Statistics = c.statistics()
		m.SizeStatistics = &meta.SizeStatistics{UnencodedByteArrayBytes: -1}
		if c.elem.Type == meta.ByteArray {
			m.SizeStatistics.UnencodedByteArrayBytes = ch.raw
		}
		if c.node.Rep > 0 {
			m.SizeStatistics.RepLevelHistogram = ch.repHist
		}
		if c.node.Def > 0 {
			m.SizeStatistics.DefLevelHistogram = ch.defHist
		}
	}
	if c.o.bloom != nil {
		var err error
		if out.bloom, err = ch.bloom.build(c.o.bloom, &c.pages.seal); err != nil {
			return nil, c.fail(err)
		}
	}
	c.begin()
	return out, nil
}

func (c *columnWriter) statistics() *meta.Statistics {
	ch := &c.chunk
	s := &meta.Statistics{NullCount: ch.nulls, DistinctCount: -1, NaNCount: -1}
	if c.order == nil {
		return s
	}
	if c.order.float {
		s.NaNCount = ch.bounds.nans
	}
	if ch.bounds.has {
		lo, hi, loExact, hiExact := ch.bounds.truncated(c.elem)
		s.MinValue, s.IsMinExact = lo, &loExact
		if hi != nil {
			s.MaxValue, s.IsMaxExact = hi, &hiExact
		}
	}
	return s
}

// histogram counts levels; nil where there are none to count.
func histogram(levels []int16, most int) []int64 {
	if most == 0 {
		return nil
	}
	h := make([]int64, most+1)
	for _, l := range levels {
		h[l]++
	}
	return h
}

func addHistogram(dst, src []int64) []int64 {
	if dst == nil {
		return slices.Clone(src)
	}
	for i, n := range src {
		dst[i] += n
	}
	return dst
}

// columnIndex is the chunk's column index; nil where a page has values but no
// bounds, which the index cannot say.
func (w *writtenChunk) columnIndex() *meta.ColumnIndex {
	if w.order == nil || len(w.pages) == 0 {
		return nil
	}
	x := &meta.ColumnIndex{}
	asc, desc := true, true
	last := -1
	for i := range w.pages {
		p := &w.pages[i]
		if !p.allNull && !p.hasBounds {
			return nil
		}
		x.NullPages = append(x.NullPages, p.allNull)
		x.NullCounts = append(x.NullCounts, p.nulls)
		if w.order.float {
			x.NaNCounts = append(x.NaNCounts, p.nans)
		}
		x.RepLevelHistogram = append(x.RepLevelHistogram, p.repHist...)
		x.DefLevelHistogram = append(x.DefLevelHistogram, p.defHist...)
		if p.allNull {
			x.Min, x.Max = append(x.Min, []byte{}), append(x.Max, []byte{})
			continue
		}
		x.Min, x.Max = append(x.Min, p.min), append(x.Max, p.max)
		if last >= 0 {
			q := &w.pages[last]
			asc = asc && !w.order.less(p.min, q.min) && !w.order.less(p.max, q.max)
			desc = desc && !w.order.less(q.min, p.min) && !w.order.less(q.max, p.max)
		}
		last = i
	}
	switch {
	case asc:
		x.Order = meta.Ascending
	case desc:
		x.Order = meta.Descending
	}
	return x
}

// offsetIndex is the chunk's offset index, with its first data page at off.
func (w *writtenChunk) offsetIndex(off int64) *meta.OffsetIndex {
	x := &meta.OffsetIndex{}
	for i := range w.pages {
		p := &w.pages[i]
		x.Pages = append(x.Pages, meta.PageLocation{Offset: off, CompressedSize: int32(len(p.bytes)), FirstRow: p.firstRow})
		off += int64(len(p.bytes))
		if w.meta.Type == meta.ByteArray {
			x.UnencodedByteArrayBytes = append(x.UnencodedByteArrayBytes, p.unencoded)
		}
	}
	return x
}
