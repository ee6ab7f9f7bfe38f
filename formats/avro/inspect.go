package avro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/avro/internal/program"
	"github.com/bdkit/bdkit/formats/avro/internal/schema"
	"github.com/bdkit/bdkit/internal/arrowschema"
	"github.com/bdkit/bdkit/internal/colbuild"
)

var _ formats.Inspector = (*Reader)(nil)

type metaCache struct {
	once sync.Once
	meta *formats.Meta
}

// Meta implements formats.FileReader. The first call walks the headers of all
// blocks, as nothing else tells rows and blocks; Rows is -1 if that fails.
func (r *Reader) Meta() *formats.Meta {
	r.meta.once.Do(func() {
		r.meta.meta = r.describe(context.Background())
		r.rows.Store(r.meta.meta.Rows)
	})
	return r.meta.meta
}

func (r *Reader) describe(ctx context.Context) *formats.Meta {
	m := &formats.Meta{Format: "avro", Version: "1", Size: r.size, Schema: indented(r.h.schema)}
	for _, kv := range r.h.meta {
		switch kv.Key {
		case createdByKey:
			m.Writer = kv.Value
		default:
			m.KeyValues = append(m.KeyValues, kv)
		}
	}
	if r.reader.Kind == schema.Record {
		r.describeRecord(m, r.reader, r.arrow.Fields(), "")
	} else {
		r.describeColumn(m, r.reader, r.arrow.Field(0), "value")
	}
	// Blocks hold rows whole: of a column in a block nothing is known.
	chunks := make([]formats.ChunkMeta, len(m.Columns))
	for i := range chunks {
		chunks[i] = formats.ChunkMeta{Codec: r.h.codec, Raw: -1, Values: -1, Nulls: -1, Distinct: -1}
	}
	if r.forward { // its blocks come but once
		m.Size, m.Rows = -1, -1
		return m
	}
	b := r.blocks(0, r.size, nil)
	defer b.close()
	for !b.done() {
		blk, err := b.next(ctx, false)
		if err != nil {
			m.Rows = -1
			break
		}
		raw := int64(-1)
		if r.codec.decompress == nil {
			raw = blk.size
		}
		m.Units = append(m.Units, formats.UnitMeta{Kind: "block", Offset: blk.off, Bytes: blk.size, Raw: raw, Rows: blk.count, Columns: chunks})
		m.Rows += blk.count
	}
	return m
}

// indented is a schema's JSON for people.
func indented(text []byte) string {
	var b strings.Builder
	var v json.RawMessage
	if json.Unmarshal(text, &v) != nil {
		return string(text) + "\n"
	}
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if enc.Encode(v) != nil {
		return string(text) + "\n"
	}
	return b.String()
}

func (r *Reader) describeRecord(m *formats.Meta, s *schema.Schema, fields []arrow.Field, parent string) {
	for i, f := range s.Fields {
		if i >= len(fields) {
			return
		}
		path := fields[i].Name
		if parent != "" {
			path = parent + "." + path
		}
		r.describeColumn(m, f.Type, fields[i], path)
	}
}

// describeColumn adds the leaves of a column.
func (r *Reader) describeColumn(m *formats.Meta, s *schema.Schema, f arrow.Field, path string) {
	leaf := func() {
		physical := s.Kind.String()
		if s.Kind == schema.Fixed {
			physical = fmt.Sprintf("fixed(%d)", s.Size)
		}
		logical := s.Logical.String()
		if s.Logical == schema.Decimal {
			logical = fmt.Sprintf("decimal(%d,%d)", s.Precision, s.Scale)
		}
		m.Columns = append(m.Columns, formats.ColumnInfo{Path: path, Physical: physical, Logical: logical, Arrow: f.Type})
	}
	dt := arrowschema.Storage(f.Type)
	switch s.Kind {
	case schema.Record:
		if t, ok := dt.(*arrow.StructType); ok {
			r.describeRecord(m, s, t.Fields(), path)
			return
		}
	case schema.Array:
		if t, ok := dt.(arrow.ListLikeType); ok {
			r.describeColumn(m, s.Items, t.ElemField(), path+"."+t.ElemField().Name)
			return
		}
	case schema.Map:
		if t, ok := dt.(*arrow.MapType); ok {
			m.Columns = append(m.Columns, formats.ColumnInfo{Path: path + ".key", Physical: "string", Arrow: t.KeyType()})
			r.describeColumn(m, s.Items, t.ItemField(), path+".value")
			return
		}
	case schema.Union:
		if t, ok := dt.(*arrow.DenseUnionType); ok {
			for i, b := range s.Branches {
				r.describeColumn(m, b, t.Fields()[i], path+"."+t.Fields()[i].Name)
			}
			return
		}
		for _, b := range s.Branches {
			if b.Kind != schema.Null || f.Type.ID() == arrow.NULL {
				r.describeColumn(m, b, f, path)
				return
			}
		}
	}
	leaf()
}

// Pages implements formats.Inspector: a block, which holds whole rows.
func (r *Reader) Pages(_ context.Context, unit, column int) iter.Seq2[formats.PageMeta, error] {
	return func(yield func(formats.PageMeta, error) bool) {
		m := r.Meta()
		if unit < 0 || unit >= len(m.Units) || column < 0 || column >= len(m.Columns) {
			yield(formats.PageMeta{}, fmt.Errorf("%w: no column %d in block %d", arrowio.ErrColumn, column, unit))
			return
		}
		u := &m.Units[unit]
		first := int64(0)
		for _, x := range m.Units[:unit] {
			first += x.Rows
		}
		yield(formats.PageMeta{Kind: "block", Offset: u.Offset, Bytes: u.Bytes, Raw: u.Raw, Values: -1, Nulls: -1, Rows: u.Rows, FirstRow: first, CRC: "none"}, nil)
	}
}

// Dictionary implements formats.Inspector. Avro has none.
func (r *Reader) Dictionary(context.Context, int, int) (arrow.Array, error) { return nil, nil }

// Layout implements formats.Inspector.
func (r *Reader) Layout(ctx context.Context) iter.Seq2[formats.Extent, error] {
	return func(yield func(formats.Extent, error) bool) {
		if !yield(formats.Extent{Off: 0, Len: r.h.end, Label: "header"}, nil) {
			return
		}
		b := r.blocks(0, r.size, nil)
		defer b.close()
		for i := 0; !b.done(); i++ {
			blk, err := b.next(ctx, false)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(formats.Extent{}, r.where(err))
				return
			}
			for _, e := range []formats.Extent{
				{Off: blk.off, Len: blk.data - blk.off, Label: fmt.Sprintf("block %d: count and size", i)},
				{Off: blk.data, Len: blk.size, Label: fmt.Sprintf("block %d: %d rows", i, blk.count)},
				{Off: blk.data + blk.size, Len: syncSize, Label: fmt.Sprintf("block %d: sync marker", i)},
			} {
				if e.Len > 0 && !yield(e, nil) {
					return
				}
			}
		}
	}
}

// Check implements formats.Inspector: the markers and headers of all blocks
// and, when deep, their checksums and values.
func (r *Reader) Check(ctx context.Context, deep bool) iter.Seq[error] {
	return func(yield func(error) bool) {
		s, err := r.checker()
		if err != nil {
			yield(r.where(err))
			return
		}
		defer func() { _ = s.close() }() // nothing to report
		for !s.b.done() {
			if err := ctx.Err(); err != nil {
				yield(err)
				return
			}
			off := s.b.off
			if deep {
				err = s.checkBlock(ctx)
			} else {
				_, err = s.b.next(ctx, false)
			}
			if err == nil {
				continue
			}
			if err == io.EOF {
				return
			}
			if !yield(r.where(err)) || !badData(err) {
				return
			}
			if s.b.off != off { // the block's ends are sound
				continue
			}
			if r.forward {
				return
			}
			if ok, err := s.b.seek(ctx, off); err != nil || !ok {
				if err != nil {
					yield(r.where(err))
				}
				return
			}
		}
	}
}

func badData(err error) bool {
	return errors.Is(err, arrowio.ErrCorrupt) || errors.Is(err, arrowio.ErrUnsupported) || errors.Is(err, arrowio.ErrCast)
}

// checker reads the whole file with every column.
func (r *Reader) checker() (*stretch, error) {
	o := arrowio.ReadOptions{}.WithDefaults()
	s := &stretch{r: r, o: o, shown: r.arrow, b: r.blocks(0, r.size, nil), plain: plain{codec: r.codec}}
	prog, err := program.Compile(r.writer, r.reader, r.natural)
	if err != nil {
		return nil, err
	}
	if s.build, err = colbuild.New(r.natural, colbuild.Options{Rows: o.BatchRows, Bytes: o.BatchBytes, CheckText: true}); err != nil {
		return nil, err
	}
	if s.decode, err = prog.Bind(s.build); err != nil {
		return nil, err
	}
	s.verify, err = program.CompileSkip(r.writer, true).Bind(nil)
	return s, err
}

// checkBlock decodes the next block and drops it.
func (s *stretch) checkBlock(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	for s.left > 0 {
		n, done, st, err := s.decode.Rows(s.data, s.at, int(s.left))
		s.at, s.left = n, s.left-int64(done)
		if err != nil {
			return s.inBlock(err)
		}
		if st == colbuild.Refused && s.build.Rows() == 0 {
			return s.inBlock(fmt.Errorf("%w: %w", arrowio.ErrLimit, s.build.Err()))
		}
		rec, err := s.batch()
		if err != nil {
			return s.inBlock(err)
		}
		rec.Release()
	}
	return nil
}
