package parquet

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// Sink writes one Parquet file, in order and without seeking. It is an
// arrowio.Sink: not for concurrent use, nothing is published before Commit,
// and after an error it only closes.
//
//	batch ─► shred ─► column writers (pages, compressed as they fill) ─► row group ─► file
//	                                                            Commit ─► indexes, footer
type Sink struct {
	w     fs.Writer
	o     WriteOptions
	tree  *schema.Tree
	cols  []*columnWriter
	roots []*shredder

	pos      int64
	md       meta.FileMetaData
	crypt    *fileCrypt // nil: nothing is encrypted
	sorting  []meta.SortingColumn
	indexes  [][]chunkIndex
	rows     int64 // of the row group being built
	slice    int64 // rows taken between two looks at the row group's size
	charged  int64 // bytes taken from the budget
	err      error
	finished bool
}

// chunkIndex waits for the end of the file.
type chunkIndex struct {
	column *meta.ColumnIndex
	offset *meta.OffsetIndex
}

// NewSink starts a file of record batches of schema s in w, which it takes
// over: Commit commits it, Close closes it, and so does NewSink when it fails.
func NewSink(w fs.Writer, s *arrow.Schema, o WriteOptions) (*Sink, error) {
	k, err := newFileSink(w, s, o)
	if err != nil {
		_ = w.Close() // the error to report is err
		return nil, err
	}
	return k, nil
}

func newFileSink(w fs.Writer, s *arrow.Schema, o WriteOptions) (*Sink, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	unit, ok := writeUnits[o.TimestampUnit]
	if !ok {
		return nil, fmt.Errorf("%w: timestamp unit %q (ms, us, ns)", arrowio.ErrOption, o.TimestampUnit)
	}
	tree, err := schema.FromArrow(s, schema.WriteOptions{TimestampUnit: unit})
	if err != nil {
		return nil, err
	}
	plans, err := o.plan(tree)
	if err != nil {
		return nil, err
	}
	k := &Sink{w: w, o: o, tree: tree, slice: firstSlice}
	if k.crypt, err = newFileCrypt(o.Encryption, tree, plans); err != nil {
		return nil, err
	}
	for _, root := range tree.Roots {
		if err := k.addColumns(root, meta.NoLogical, plans); err != nil {
			return nil, err
		}
	}
	for _, root := range tree.Roots {
		k.roots = append(k.roots, newShredder(root, k.cols))
	}
	if k.sorting, err = o.sortingColumns(tree); err != nil {
		return nil, err
	}
	// The format asks for version 1 whatever the file has (parquet.thrift).
	k.md = meta.FileMetaData{Version: 1, Schema: tree.Elements, CreatedBy: o.CreatedBy}
	for range tree.Leaves {
		k.md.ColumnOrders = append(k.md.ColumnOrders, meta.TypeDefinedOrder)
	}
	for _, kv := range o.KeyValues {
		k.md.KeyValues = append(k.md.KeyValues, meta.KeyValue{Key: kv.Key, Value: kv.Value, HasValue: true})
	}
	if err := k.schemaKeyValues(s); err != nil {
		return nil, err
	}
	return k, k.put([]byte(k.crypt.magic()))
}

// addColumns makes the writers of the leaves below n, in column order.
func (k *Sink) addColumns(n *schema.Node, parent meta.LogicalKind, plans []columnPlan) error {
	if n.Kind == schema.Leaf {
		c, err := newColumnWriter(n, parent, plans[n.Column])
		if err != nil {
			return &arrowio.Error{Op: "write", Column: strings.Join(n.Path, "."), Err: err}
		}
		k.cols = append(k.cols, c)
		return nil
	}
	if name, _ := schema.ExtensionName(n.Field); strings.HasSuffix(name, "parquet.variant") {
		parent = meta.LogicalVariant
	}
	for _, c := range n.Children {
		if err := k.addColumns(c, parent, plans); err != nil {
			return err
		}
	}
	return nil
}

// schemaKeyValues keeps the Arrow schema's own metadata, as key-values, and the
// schema itself, with its timestamps in the units in which they are stored.
func (k *Sink) schemaKeyValues(s *arrow.Schema) error {
	m := s.Metadata()
	for i, key := range m.Keys() {
		if key != arrowschema.Key {
			k.md.KeyValues = append(k.md.KeyValues, meta.KeyValue{Key: key, Value: m.Values()[i], HasValue: true})
		}
	}
	if k.o.NoArrowSchema {
		return nil
	}
	text, err := arrowschema.Encode(storedSchema(s, k.tree))
	if err != nil {
		return fmt.Errorf("%w: the Arrow schema cannot be stored: %w", arrowio.ErrUnsupported, err)
	}
	k.md.KeyValues = append(k.md.KeyValues, meta.KeyValue{Key: arrowschema.Key, Value: text, HasValue: true})
	return nil
}

// put writes to the file and counts.
func (k *Sink) put(b []byte) error {
	n, err := k.w.Write(b)
	k.pos += int64(n)
	return err
}

// Slices of a batch are small at first, until the size of a row is known, so
// that row groups end near their size.
const (
	firstSlice = 1024
	mostSlice  = 64 << 10
)

// Write adds the rows of rec. The batch is not kept.
func (k *Sink) Write(ctx context.Context, rec arrow.RecordBatch) error {
	if k.err != nil {
		return k.err
	}
	if k.finished {
		return fmt.Errorf("write: %w", fs.ErrClosed)
	}
	k.err = k.write(ctx, rec)
	return k.err
}

func (k *Sink) write(ctx context.Context, rec arrow.RecordBatch) error {
	if err := k.sameTypes(rec.Schema()); err != nil {
		return err
	}
	for at := int64(0); at < rec.NumRows(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(k.slice, rec.NumRows()-at, k.o.RowGroupRows-k.rows)
		if err := k.shred(rec, int(at), int(n)); err != nil {
			return err
		}
		k.rows += n
		at += n
		held := k.held()
		// Some sixteen looks a row group.
		k.slice = min(max(k.o.RowGroupBytes*k.rows/(16*max(held, 1)), 1), mostSlice)
		if k.rows >= k.o.RowGroupRows || held >= k.o.RowGroupBytes || !k.charge(held) {
			if err := k.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *Sink) sameTypes(s *arrow.Schema) error {
	want := k.tree.Arrow
	if s == want {
		return nil
	}
	if s.NumFields() != want.NumFields() {
		return fmt.Errorf("%w: a batch of %d columns, the file has %d", arrowio.ErrCast, s.NumFields(), want.NumFields())
	}
	for i, f := range want.Fields() {
		if !arrow.TypeEqual(f.Type, s.Field(i).Type) {
			return &arrowio.Error{Op: "write", Column: f.Name, Err: fmt.Errorf("%w: the batch has %s, the file %s", arrowio.ErrCast, s.Field(i).Type, f.Type)}
		}
	}
	return nil
}

// shred encodes rows of rec, several columns at once.
func (k *Sink) shred(rec arrow.RecordBatch, at, n int) error {
	one := func(i int) error {
		err := k.roots[i].rows(rec.Column(i).Data(), at, n)
		var named *arrowio.Error
		if err != nil && !errors.As(err, &named) {
			err = &arrowio.Error{Op: "write", Column: rec.ColumnName(i), Err: err}
		}
		return err
	}
	jobs := min(k.o.Jobs, len(k.roots))
	if jobs <= 1 || n < 256 {
		for i := range k.roots {
			if err := one(i); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, len(k.roots))
	next := make(chan int)
	var wg sync.WaitGroup
	for range jobs {
		wg.Go(func() {
			for i := range next {
				errs[i] = one(i)
			}
		})
	}
	for i := range k.roots {
		next <- i
	}
	close(next)
	wg.Wait()
	return cmp.Or(errs...)
}

// Size implements formats.Sized.
func (k *Sink) Size() int64 { return k.pos + k.held() }

// held is the memory of the row group being built.
func (k *Sink) held() int64 {
	n := int64(0)
	for _, c := range k.cols {
		n += c.held()
	}
	return n
}

// charge brings what the budget has granted up to n bytes; false if it is used
// up.
func (k *Sink) charge(n int64) bool {
	if n <= k.charged {
		return true
	}
	if !k.o.Budget.TryAcquire(n - k.charged) {
		return false
	}
	k.charged = n
	return true
}

func (k *Sink) discharge() {
	k.o.Budget.Release(k.charged)
	k.charged = 0
}

// flush ends the row group and writes it: chunk by chunk, then Bloom filters.
func (k *Sink) flush() error {
	if k.rows == 0 {
		return nil
	}
	ordinal := len(k.md.RowGroups)
	rg := meta.RowGroup{NumRows: k.rows, FileOffset: k.pos, Ordinal: -1, Sorting: k.sorting}
	if ordinal <= math.MaxInt16 {
		rg.Ordinal = int32(ordinal)
	}
	indexes := make([]chunkIndex, len(k.cols))
	blooms := make([][]byte, len(k.cols))
	rg.Columns = make([]meta.ColumnChunk, len(k.cols))
	for i, c := range k.cols {
		chunk, err := c.finish()
		if err != nil {
			return err
		}
		m := new(meta.ColumnMetaData)
		*m = chunk.meta // a pointer into the chunk would keep its pages
		start := k.pos
		if chunk.dict != nil {
			m.DictionaryPageOffset = start
			if err := k.put(chunk.dict); err != nil {
				return err
			}
		}
		m.DataPageOffset = k.pos
		if c.o.index {
			indexes[i] = chunkIndex{chunk.columnIndex(), chunk.offsetIndex(k.pos)}
		}
		for _, p := range chunk.pages {
			if err := k.put(p.bytes); err != nil {
				return err
			}
		}
		rg.TotalByteSize += m.UncompressedSize
		rg.CompressedSize += m.CompressedSize
		blooms[i] = chunk.bloom
		rg.Columns[i].Meta = m
	}
	for i, b := range blooms {
		if b == nil {
			continue
		}
		m := rg.Columns[i].Meta
		m.BloomFilterOffset, m.BloomFilterLength = k.pos, int32(len(b))
		if err := k.put(b); err != nil {
			return err
		}
	}
	for i, c := range k.cols {
		if err := k.crypt.hide(&rg.Columns[i], &c.o, &c.pages.seal); err != nil {
			return c.fail(err)
		}
		c.pages.seal.rowGroup = ordinal + 1
	}
	k.indexes = append(k.indexes, indexes)
	k.md.RowGroups = append(k.md.RowGroups, rg)
	k.md.NumRows += k.rows
	k.rows = 0
	k.discharge()
	return nil
}

// Commit writes the last row group, the page indexes and the footer, and
// publishes the file. After a failed Write it publishes nothing and returns
// that error.
func (k *Sink) Commit(ctx context.Context) (arrowio.Result, error) {
	if k.err != nil {
		return arrowio.Result{}, k.err
	}
	if k.finished {
		return arrowio.Result{}, fmt.Errorf("commit: %w", fs.ErrClosed)
	}
	if k.err = k.end(); k.err != nil {
		return arrowio.Result{}, k.err
	}
	info, err := k.w.Commit(ctx)
	if k.err = err; err != nil {
		return arrowio.Result{}, err
	}
	k.finished = true
	return arrowio.Result{
		Rows: k.md.NumRows, Bytes: k.pos,
		Files: []arrowio.WrittenFile{{URL: info.Name, Rows: k.md.NumRows, Bytes: k.pos}},
	}, nil
}

// end writes what follows the last row group (PageIndex.md; README.md of the
// format, "Metadata").
func (k *Sink) end() error {
	if err := k.flush(); err != nil {
		return err
	}
	var b []byte
	for g, indexes := range k.indexes {
		for i, x := range indexes {
			if x.column == nil {
				continue
			}
			b = appendColumnIndex(b[:0], x.column)
			c := &k.md.RowGroups[g].Columns[i]
			var err error
			if c.ColumnIndexOffset, c.ColumnIndexLength, err = k.putIndex(b, crypt.ColumnIndex, g, i); err != nil {
				return err
			}
		}
	}
	for g, indexes := range k.indexes {
		for i, x := range indexes {
			if x.offset == nil {
				continue
			}
			b = appendOffsetIndex(b[:0], x.offset)
			c := &k.md.RowGroups[g].Columns[i]
			var err error
			if c.OffsetIndexOffset, c.OffsetIndexLength, err = k.putIndex(b, crypt.OffsetIndex, g, i); err != nil {
				return err
			}
		}
	}
	b, err := k.crypt.end(b[:0], &k.md)
	if err != nil {
		return err
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)))
	return k.put(append(b, k.crypt.magic()...))
}

// putIndex writes an index of a chunk and tells where it lies.
func (k *Sink) putIndex(b []byte, kind crypt.Module, rg, column int) (off int64, n int32, err error) {
	seal := sealer{key: k.cols[column].o.key, rowGroup: rg, column: column}
	if seal.key != nil {
		if b, err = seal.append(nil, b, kind, -1); err != nil {
			return 0, 0, err
		}
	}
	off = k.pos
	return off, int32(len(b)), k.put(b)
}

// Close discards what has not been committed; after Commit it does nothing.
func (k *Sink) Close() error {
	k.discharge()
	if k.finished {
		return nil
	}
	k.finished = true
	k.cols, k.roots, k.indexes = nil, nil, nil
	return k.w.Close()
}
