package orc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/bloom"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

func newColumnWriter(n *writeNode, o columnPlan, unit string) *columnWriter {
	c := &columnWriter{node: n, o: o}
	c.present.s.w = o.w
	stream := func(s *outStream) { s.w = o.w }
	switch n.typ.Kind {
	case proto.Boolean:
		v := &boolWriter{}
		stream(&v.bits.s)
		c.vals = v
	case proto.Byte:
		v := &byteWriter{}
		stream(&v.data)
		c.vals = v
	case proto.Short, proto.Int, proto.Long, proto.Date:
		v := &intWriter{load: loadInts(n.storage)}
		stream(&v.data.outStream)
		v.data.enc.Signed = true
		c.vals = v
	case proto.Float:
		v := &floatWriter[float32]{half: n.storage.ID() == arrow.FLOAT16}
		stream(&v.data)
		c.vals = v
	case proto.Double:
		v := &floatWriter[float64]{}
		stream(&v.data)
		c.vals = v
	case proto.Decimal:
		v := newDecimalWriter(n)
		stream(&v.data)
		stream(&v.scales.outStream)
		c.vals = v
	case proto.Timestamp, proto.TimestampInstant:
		v := newTimeWriter(n, unit)
		stream(&v.secs.outStream)
		stream(&v.nanos.outStream)
		c.vals = v
	case proto.List, proto.Map:
		v := &listWriter{}
		stream(&v.lengths.outStream)
		c.vals = v
	case proto.Union:
		v := newUnionWriter(n)
		stream(&v.tags.data)
		c.vals = v
	case proto.Struct:
		c.vals = structWriter{}
	default:
		v := newTextWriter(n, o)
		stream(&v.data)
		stream(&v.lengths.outStream)
		stream(&v.rows.outStream)
		c.vals = v
	}
	if o.bloom != nil {
		c.filter = bloom.New(o.stride, o.bloom.FPP)
	}
	return c
}

// columnStripe is what one column adds to a stripe. The bytes are valid until
// the column is reset.
type columnStripe struct {
	index  []byte // the ROW_INDEX stream
	filter []byte // the BLOOM_FILTER_UTF8 stream
	valueStreams
}

// finish ends the stripe in this column and those below.
func (c *columnWriter) finish(out []columnStripe) error {
	v, err := c.vals.finish(c)
	if err != nil {
		return c.fail(err)
	}
	if c.filter != nil {
		v.encoding.BloomEncoding = proto.Some(uint32(1)) // UTF8_UTC
	}
	s := &out[c.node.id]
	s.encoding = v.encoding
	if c.present.nulls {
		c.present.s.raw = c.present.enc.Flush(c.present.s.raw)
		if err := s.add(proto.Present, &c.present.s); err != nil {
			return c.fail(err)
		}
	}
	s.kinds, s.bytes = append(s.kinds, v.kinds...), append(s.bytes, v.bytes...)
	for _, b := range s.bytes {
		c.disk += uint64(len(b))
	}
	c.stripe = columnStats{}
	for i := range c.groups {
		c.stripe.merge(&c.groups[i])
	}
	c.file.merge(&c.stripe)
	if c.o.stride > 0 {
		if err := c.index(s); err != nil {
			return c.fail(err)
		}
	}
	for _, kid := range c.kids {
		if err := kid.finish(out); err != nil {
			return err
		}
	}
	return nil
}

// index makes the index streams (specification, "Row Group Index").
func (c *columnWriter) index(s *columnStripe) (err error) {
	x := proto.RowIndex{Entries: make([]proto.RowIndexEntry, len(c.groups))}
	for g := range c.groups {
		var p []uint64
		if c.present.nulls {
			p = append(p, c.present.marks.at(g)...)
		}
		stats := c.groups[g].proto(c.node.typ)
		x.Entries[g] = proto.RowIndexEntry{Positions: c.vals.positions(p, g), Statistics: &stats}
	}
	if s.index, err = c.o.w.Append(nil, x.Append(nil)); err != nil || c.filter == nil {
		return err
	}
	f := proto.BloomFilterIndex{Filters: c.filters}
	s.filter, err = c.o.w.Append(nil, f.Append(nil))
	return err
}

// reset starts the next stripe.
func (c *columnWriter) reset() {
	c.vals.reset()
	c.present.reset()
	c.groups, c.filters = c.groups[:0], c.filters[:0]
	for _, k := range c.kids {
		k.reset()
	}
}

// flush ends the stripe and writes it: indexes, data, footer.
func (k *Sink) flush() error {
	if k.rows == 0 {
		return nil
	}
	if k.groupRows > 0 {
		k.root.end()
		k.groupRows = 0
	}
	stripe := make([]columnStripe, len(k.cols))
	kids := k.root.kids
	k.root.kids = nil // the root's own streams; its children's come next, together
	err := k.root.finish(stripe)
	k.root.kids = kids
	if err == nil {
		err = k.each(func(_ int, c *columnWriter) error { return c.finish(stripe) })
	}
	if err != nil {
		return err
	}
	info := proto.StripeInformation{Offset: uint64(k.pos), Rows: uint64(k.rows)}
	foot := proto.StripeFooter{WriterTimezone: proto.Some("UTC")}
	put := func(kind proto.StreamKind, col int, b []byte) error {
		foot.Streams = append(foot.Streams, proto.Stream{Kind: kind, Column: uint32(col), Length: uint64(len(b))})
		return k.put(b)
	}
	start := k.pos
	for i := range stripe {
		s := &stripe[i]
		if s.index != nil {
			if err := put(proto.RowIndexStream, i, s.index); err != nil {
				return err
			}
		}
		if s.filter != nil {
			if err := put(proto.BloomFilterUTF8, i, s.filter); err != nil {
				return err
			}
		}
	}
	info.IndexLength = uint64(k.pos - start)
	start = k.pos
	stats := proto.StripeStatistics{}
	for i := range stripe {
		s := &stripe[i]
		for j, b := range s.bytes {
			if err := put(s.kinds[j], i, b); err != nil {
				return err
			}
		}
		foot.Columns = append(foot.Columns, s.encoding)
		stats.Columns = append(stats.Columns, k.statistics(i, &k.cols[i].stripe))
	}
	info.DataLength = uint64(k.pos - start)
	b, err := k.chunk.Append(nil, foot.Append(nil))
	if err != nil {
		return err
	}
	info.FooterLength = uint64(len(b))
	if err := k.put(b); err != nil {
		return err
	}
	k.stripes, k.stats = append(k.stripes, info), append(k.stats, stats)
	k.total += k.rows
	k.rows = 0
	k.root.reset()
	k.discharge()
	return nil
}

// statistics are what is told of a column; counts alone if so asked.
func (k *Sink) statistics(col int, s *columnStats) proto.ColumnStatistics {
	if k.o.Statistics == StatisticsNone {
		return proto.ColumnStatistics{Values: proto.Some(s.values), HasNull: proto.Some(s.hasNull)}
	}
	return s.proto(k.cols[col].node.typ)
}

// writeTail writes what follows the stripes (specification, "File Tail").
func (k *Sink) writeTail() error {
	code := writeCodecs[k.o.Codec]
	foot := proto.Footer{
		HeaderLength: uint64(len(magic)), ContentLength: proto.Some(uint64(k.pos)), Stripes: k.stripes, Metadata: k.metadata,
		Rows: proto.Some(uint64(k.total)), Writer: proto.Some(uint32(writerID)),
		Calendar: proto.Some(proto.ProlepticGregorian), SoftwareVersion: proto.Some(k.o.CreatedBy),
	}
	stride := uint32(0)
	if k.o.Statistics == StatisticsRowGroup {
		stride = uint32(k.o.Stride)
	}
	foot.RowIndexStride = proto.Some(stride)
	for i, c := range k.cols {
		foot.Types = append(foot.Types, *c.node.typ)
		s := k.statistics(i, &c.file)
		s.BytesOnDisk = proto.Some(c.disk)
		foot.Statistics = append(foot.Statistics, s)
	}
	ps := proto.PostScript{
		Compression: code.kind, BlockSize: proto.Some(uint64(k.o.BlockBytes)), Version: []uint32{0, 12},
		WriterVersion: proto.Some(uint32(writerVersion)), Magic: proto.Some(magic),
	}
	meta := proto.Metadata{Stripes: k.stats}
	b, err := k.chunk.Append(nil, meta.Append(nil))
	if err != nil {
		return err
	}
	ps.MetadataLength = uint64(len(b))
	if b, err = k.chunk.Append(b, foot.Append(nil)); err != nil {
		return err
	}
	ps.FooterLength = uint64(len(b)) - ps.MetadataLength
	at := len(b)
	b = ps.Append(b)
	return k.put(append(b, byte(len(b)-at)))
}

// userMetadata is the caller's, the Arrow schema's own, and that schema itself.
func (k *Sink) userMetadata() ([]proto.UserMetadataItem, error) {
	var out []proto.UserMetadataItem
	for _, kv := range k.o.KeyValues {
		out = append(out, proto.UserMetadataItem{Name: kv.Key, Value: []byte(kv.Value)})
	}
	m := k.arrow.Metadata()
	for i, key := range m.Keys() {
		if key != arrowschema.Key {
			out = append(out, proto.UserMetadataItem{Name: key, Value: []byte(m.Values()[i])})
		}
	}
	if k.o.NoArrowSchema {
		return out, nil
	}
	text, err := arrowschema.Encode(k.storedSchema())
	if err != nil {
		return nil, fmt.Errorf("%w: the Arrow schema cannot be stored: %w", arrowio.ErrUnsupported, err)
	}
	return append(out, proto.UserMetadataItem{Name: arrowschema.Key, Value: []byte(text)}), nil
}

// storedSchema is the schema as ARROW:schema tells it: its own metadata is in
// the file's, and timestamps have the unit asked for.
func (k *Sink) storedSchema() *arrow.Schema {
	unit, ok := unitTicks[k.o.TimestampUnit]
	if !ok {
		return arrow.NewSchema(k.arrow.Fields(), nil)
	}
	fields := make([]arrow.Field, k.arrow.NumFields())
	for i, f := range k.arrow.Fields() {
		f.Type = arrowschema.MapLeaves(f.Type, func(dt arrow.DataType) arrow.DataType {
			if t, ok := dt.(*arrow.TimestampType); ok {
				return &arrow.TimestampType{Unit: unit.arrow, TimeZone: t.TimeZone}
			}
			return dt
		})
		fields[i] = f
	}
	return arrow.NewSchema(fields, nil)
}
