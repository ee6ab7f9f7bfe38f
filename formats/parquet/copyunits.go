package parquet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/fs"
)

// unitCopy joins files by their row groups: the bytes of the chunks as they are,
// what refers to them rewritten.
//
//	file ─► chunks (dictionary and data pages) ─► Bloom filters ─► …next row group… ─► page indexes, footer
type unitCopy struct {
	w       fs.Writer
	pos     int64
	md      *meta.FileMetaData // nil before the first file
	arrow   *arrow.Schema
	indexes [][]chunkIndex
	buf     []byte
	codec   meta.Codec
	anyOf   bool // any codec will do
	mixed   bool // writers differ
}

// copyWindow is how much of a chunk is read at once.
const copyWindow = 4 << 20

// CopyUnits implements formats.UnitCopier. Of the writer's options only codec,
// which the chunks must have, kv and created-by make sense.
func (format) CopyUnits(ctx context.Context, w fs.Writer, files iter.Seq2[formats.FileReader, error], o formats.Options) (res arrowio.Result, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	c := &unitCopy{w: w, anyOf: true}
	wo, err := c.options(o)
	if err != nil {
		return res, err
	}
	if err := c.put([]byte(magicPlain)); err != nil {
		return res, err
	}
	for f, err := range files {
		if err != nil {
			return res, err
		}
		r, ok := f.(*Reader)
		if !ok {
			return res, fmt.Errorf("%w: copying row groups of a %s file into a Parquet file", arrowio.ErrUnsupported, f.Meta().Format)
		}
		if err := c.file(ctx, r); err != nil {
			return res, r.where(err)
		}
	}
	if c.md == nil {
		return res, fmt.Errorf("%w: no file to copy row groups of", arrowio.ErrIncomplete)
	}
	if err := c.end(wo); err != nil {
		return res, err
	}
	info, err := w.Commit(ctx)
	if err != nil {
		return res, err
	}
	return arrowio.Result{Rows: c.md.NumRows, Bytes: c.pos, Files: []arrowio.WrittenFile{{URL: info.Name, Rows: c.md.NumRows, Bytes: c.pos}}}, nil
}

func (c *unitCopy) options(o formats.Options) (WriteOptions, error) {
	for key := range o.Set {
		if key != "codec" && key != "created-by" && key != "kv" && key != "encrypt" && (len(key) < 3 || key[:3] != "kv.") {
			return WriteOptions{}, fmt.Errorf("%w: %s is no option where row groups are copied as they are", arrowio.ErrOption, key)
		}
	}
	wo, err := parseWriteOptions(o)
	if err != nil {
		return wo, err
	}
	if wo.Encryption != nil {
		return wo, fmt.Errorf("%w: row groups that are copied as they are cannot be encrypted", arrowio.ErrUnsupported)
	}
	if wo.Codec != "" {
		known, ok := writeCodecs[wo.Codec]
		if !ok {
			return wo, fmt.Errorf("%w: codec %q", arrowio.ErrOption, wo.Codec)
		}
		c.codec, c.anyOf = known.id, false
	}
	return wo, nil
}

func (c *unitCopy) put(b []byte) error {
	n, err := c.w.Write(b)
	c.pos += int64(n)
	return err
}

// file copies the row groups of one file.
func (c *unitCopy) file(ctx context.Context, r *Reader) error {
	if r.hidden != "" {
		return fmt.Errorf("%w: row groups of an encrypted file cannot be copied as they are", arrowio.ErrUnsupported)
	}
	if err := c.same(r); err != nil {
		return err
	}
	for rg := range r.md.RowGroups {
		if r.md.RowGroups[rg].NumRows == 0 {
			continue // some writers leave them without pages
		}
		if err := c.rowGroup(ctx, r, rg); err != nil {
			return err
		}
	}
	return nil
}

// same makes the first file's schema the copy's, and holds the others to it.
func (c *unitCopy) same(r *Reader) error {
	if c.md == nil {
		c.arrow = r.tree.Arrow
		c.md = &meta.FileMetaData{
			Version: r.md.Version, Schema: r.md.Schema, KeyValues: slices.Clone(r.md.KeyValues), CreatedBy: r.md.CreatedBy, ColumnOrders: r.md.ColumnOrders,
		}
		return nil
	}
	if len(c.md.Schema) != len(r.md.Schema) {
		return fmt.Errorf("%w: its schema is not that of the first file, so that its row groups cannot be copied as they are", arrowio.ErrUnsupported)
	}
	for i := 1; i < len(c.md.Schema); i++ { // the root's name means nothing
		if c.md.Schema[i] != r.md.Schema[i] {
			return fmt.Errorf("%w: its column %s is not that of the first file, so that its row groups cannot be copied as they are", arrowio.ErrUnsupported, r.md.Schema[i].Name)
		}
	}
	for i, f := range c.arrow.Fields() {
		if g := r.tree.Arrow.Field(i); !arrow.TypeEqual(f.Type, g.Type, arrow.CheckMetadata()) {
			return fmt.Errorf("%w: its column %s is %s, in the first file %s", arrowio.ErrUnsupported, g.Name, g.Type, f.Type)
		}
	}
	if !slices.Equal(c.md.ColumnOrders, r.md.ColumnOrders) {
		return fmt.Errorf("%w: its statistics have another order than the first file's", arrowio.ErrUnsupported)
	}
	c.mixed = c.mixed || c.md.CreatedBy != r.md.CreatedBy
	for _, kv := range r.md.KeyValues {
		if !slices.ContainsFunc(c.md.KeyValues, func(have meta.KeyValue) bool { return have.Key == kv.Key }) {
			c.md.KeyValues = append(c.md.KeyValues, kv)
		}
	}
	return nil
}

func (c *unitCopy) rowGroup(ctx context.Context, r *Reader, rg int) error {
	from := &r.md.RowGroups[rg]
	to := *from
	to.FileOffset, to.CompressedSize, to.Ordinal = c.pos, 0, -1
	if n := len(c.md.RowGroups); n <= math.MaxInt16 {
		to.Ordinal = int32(n)
	}
	to.Columns = make([]meta.ColumnChunk, len(from.Columns))
	indexes := make([]chunkIndex, len(from.Columns))
	for i := range from.Columns {
		m, err := c.chunk(ctx, r, rg, i, &indexes[i])
		if err != nil {
			return c.at(r, rg, i, err)
		}
		to.Columns[i].Meta = m
		to.CompressedSize += m.CompressedSize
	}
	for i := range from.Columns {
		m := to.Columns[i].Meta
		if m.BloomFilterOffset <= 0 {
			continue
		}
		b, err := r.rawBloom(ctx, rg, i)
		if err != nil {
			return c.at(r, rg, i, err)
		}
		m.BloomFilterOffset, m.BloomFilterLength = c.pos, int32(len(b))
		if err := c.put(b); err != nil {
			return err
		}
	}
	c.indexes = append(c.indexes, indexes)
	c.md.RowGroups = append(c.md.RowGroups, to)
	c.md.NumRows += from.NumRows
	return nil
}

func (c *unitCopy) at(r *Reader, rg, column int, err error) error {
	var e *arrowio.Error
	if errors.As(err, &e) {
		return err
	}
	return &arrowio.Error{Op: "read", URL: r.url, Unit: rowGroupName(rg), Column: r.tree.Leaves[column].Name(), Err: err}
}

// chunk copies the pages of a chunk and gives its metadata, moved.
func (c *unitCopy) chunk(ctx context.Context, r *Reader, rg, column int, x *chunkIndex) (*meta.ColumnMetaData, error) {
	from, _, err := r.chunk(rg, column)
	if err != nil {
		return nil, err
	}
	if from.FilePath != "" {
		return nil, fmt.Errorf("%w: the column is kept in the file %q", arrowio.ErrUnsupported, from.FilePath)
	}
	m := *from.Meta
	if !c.anyOf && m.Codec != c.codec {
		return nil, fmt.Errorf("%w: the chunk is compressed by %s, and another codec is asked for", arrowio.ErrUnsupported, m.Codec)
	}
	start := chunkStart(&m)
	if start < int64(len(magicPlain)) || m.CompressedSize < 0 || start+m.CompressedSize > r.footer {
		return nil, fmt.Errorf("%w: a chunk of %d bytes at offset %d", arrowio.ErrCorrupt, m.CompressedSize, start)
	}
	if x.offset, err = r.offsetIndex(ctx, from, nil, rg, column); err != nil {
		return nil, err
	}
	if x.column, err = r.columnIndex(ctx, from, nil, rg, column); err != nil {
		return nil, err
	}
	move := c.pos - start
	if x.offset != nil {
		pages := slices.Clone(x.offset.Pages)
		for i := range pages {
			p := &pages[i]
			if p.Offset < start || p.Offset+int64(p.CompressedSize) > start+m.CompressedSize {
				return nil, fmt.Errorf("%w: offset index: a page at offset %d, outside of its chunk", arrowio.ErrCorrupt, p.Offset)
			}
			p.Offset += move
		}
		x.offset = &meta.OffsetIndex{Pages: pages, UnencodedByteArrayBytes: x.offset.UnencodedByteArrayBytes}
	}
	m.DataPageOffset += move
	if m.DictionaryPageOffset > 0 {
		m.DictionaryPageOffset += move
	}
	if m.IndexPageOffset > 0 {
		m.IndexPageOffset += move
	}
	label := rowGroupName(rg) + ", column " + r.tree.Leaves[column].Name()
	for at, end := start, start+m.CompressedSize+c.uncounted(r, start+m.CompressedSize, x); at < end; {
		n := min(end-at, copyWindow)
		c.buf = slices.Grow(c.buf[:0], int(n))[:n]
		if err := r.f.ReadRanges(ctx, []fs.Range{{Off: at, Dst: c.buf, Label: label}}); err != nil {
			return nil, err
		}
		if err := c.put(c.buf); err != nil {
			return nil, err
		}
		at += n
	}
	return &m, nil
}

// uncounted is how many bytes of a chunk its size leaves out: old parquet-mr
// forgot the header of the dictionary page (PARQUET-816).
func (c *unitCopy) uncounted(r *Reader, end int64, x *chunkIndex) int64 {
	if x.offset != nil || !strings.HasPrefix(r.md.CreatedBy, "parquet-mr") {
		return 0
	}
	const most = 100 // bytes of such a header
	next := r.footer
	for g := range r.md.RowGroups {
		for i := range r.md.RowGroups[g].Columns {
			o := r.md.RowGroups[g].Columns[i].Meta
			for _, at := range []int64{chunkStart(o), o.BloomFilterOffset} {
				if at >= end {
					next = min(next, at)
				}
			}
		}
	}
	if gap := next - end; gap <= most {
		return gap
	}
	return 0
}

// rawBloom reads a bloom filter with its header.
func (r *Reader) rawBloom(ctx context.Context, rg, column int) ([]byte, error) {
	m := r.md.RowGroups[rg].Columns[column].Meta
	size := int64(m.BloomFilterLength)
	if size <= 0 { // old writers leave the length to the header
		head, err := r.section(ctx, "bloom filter", m.BloomFilterOffset, min(256, r.size-m.BloomFilterOffset), nil, crypt.BloomFilterHeader, rg, column)
		if err != nil {
			return nil, err
		}
		bits, n, err := bloomHeader(head)
		if err != nil || bits == 0 {
			return nil, errors.Join(err, errBloom)
		}
		size = int64(n) + bits
	}
	return r.section(ctx, "bloom filter", m.BloomFilterOffset, size, nil, crypt.BloomFilterHeader, rg, column)
}

// end writes the page indexes and the footer.
func (c *unitCopy) end(o WriteOptions) error {
	if c.mixed {
		// What the old statistics mean depends on the writer.
		c.md.CreatedBy = createdBy()
		for g := range c.md.RowGroups {
			for i := range c.md.RowGroups[g].Columns {
				m := c.md.RowGroups[g].Columns[i].Meta
				if s := m.Statistics; s != nil {
					plain := *s
					plain.Min, plain.Max = nil, nil
					m.Statistics = &plain
				}
			}
		}
	}
	if o.CreatedBy != "" {
		c.md.CreatedBy = o.CreatedBy
	}
	for _, kv := range o.KeyValues {
		c.md.KeyValues = append(c.md.KeyValues, meta.KeyValue{Key: kv.Key, Value: kv.Value, HasValue: true})
	}
	var b []byte
	for g, indexes := range c.indexes {
		for i, x := range indexes {
			chunk := &c.md.RowGroups[g].Columns[i]
			if x.column == nil {
				continue
			}
			b = appendColumnIndex(b[:0], x.column)
			chunk.ColumnIndexOffset, chunk.ColumnIndexLength = c.pos, int32(len(b))
			if err := c.put(b); err != nil {
				return err
			}
		}
	}
	for g, indexes := range c.indexes {
		for i, x := range indexes {
			chunk := &c.md.RowGroups[g].Columns[i]
			if x.offset == nil {
				continue
			}
			b = appendOffsetIndex(b[:0], x.offset)
			chunk.OffsetIndexOffset, chunk.OffsetIndexLength = c.pos, int32(len(b))
			if err := c.put(b); err != nil {
				return err
			}
		}
	}
	b = appendFileMetaData(b[:0], c.md)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)))
	return c.put(append(b, magicPlain...))
}

var _ formats.UnitCopier = format{}
