package parquet

import (
	"encoding/binary"
	"math"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// thriftWriter appends structs in Thrift's compact protocol, the fields that
// the writer fills (parquet.thrift; thrift-compact-protocol.md).
type thriftWriter struct {
	b    []byte
	last []int16 // the previous field id, of each struct that is open
}

// The types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftStruct = 12
)

func (w *thriftWriter) body(fill func()) {
	w.last = append(w.last, 0)
	fill()
	w.last = w.last[:len(w.last)-1]
	w.b = append(w.b, 0)
}

func (w *thriftWriter) field(id int16, typ byte) {
	last := &w.last[len(w.last)-1]
	if delta := id - *last; delta > 0 && delta <= 15 {
		w.b = append(w.b, byte(delta)<<4|typ)
	} else {
		w.b = binary.AppendVarint(append(w.b, typ), int64(id))
	}
	*last = id
}

func (w *thriftWriter) number(id int16, typ byte, v int64) {
	w.field(id, typ)
	w.b = binary.AppendVarint(w.b, v)
}

func (w *thriftWriter) i32(id int16, v int32) { w.number(id, thriftI32, int64(v)) }
func (w *thriftWriter) i64(id int16, v int64) { w.number(id, thriftI64, v) }

func (w *thriftWriter) boolean(id int16, v bool) {
	if v {
		w.field(id, thriftTrue)
	} else {
		w.field(id, thriftFalse)
	}
}

func (w *thriftWriter) octet(id int16, v int8) {
	w.field(id, thriftByte)
	w.b = append(w.b, byte(v))
}

func (w *thriftWriter) double(id int16, v float64) {
	w.field(id, thriftDouble)
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v))
}

func (w *thriftWriter) raw(v string) {
	w.b = binary.AppendUvarint(w.b, uint64(len(v)))
	w.b = append(w.b, v...)
}

func (w *thriftWriter) text(id int16, v string) {
	w.field(id, thriftBinary)
	w.raw(v)
}

func (w *thriftWriter) object(id int16, fill func()) {
	w.field(id, thriftStruct)
	w.body(fill)
}

func (w *thriftWriter) list(id int16, typ byte, n int) {
	w.field(id, thriftList)
	if n < 15 {
		w.b = append(w.b, byte(n)<<4|typ)
		return
	}
	w.b = binary.AppendUvarint(append(w.b, 0xf0|typ), uint64(n))
}

// objects is a list of structs.
func objects[T any](w *thriftWriter, id int16, list []T, fill func(*T)) {
	w.list(id, thriftStruct, len(list))
	for i := range list {
		w.body(func() { fill(&list[i]) })
	}
}

func numbers[T int32 | int64 | meta.Encoding](w *thriftWriter, id int16, typ byte, list []T) {
	w.list(id, typ, len(list))
	for _, v := range list {
		w.b = binary.AppendVarint(w.b, int64(v))
	}
}

func (w *thriftWriter) counts(id int16, list []int64) {
	if list != nil {
		numbers(w, id, thriftI64, list)
	}
}

func appendFileMetaData(dst []byte, m *meta.FileMetaData) []byte {
	w := &thriftWriter{b: dst}
	w.body(func() {
		w.i32(1, m.Version)
		objects(w, 2, m.Schema, w.schemaElement)
		w.i64(3, m.NumRows)
		objects(w, 4, m.RowGroups, w.rowGroup)
		if len(m.KeyValues) > 0 {
			objects(w, 5, m.KeyValues, w.keyValue)
		}
		w.text(6, m.CreatedBy)
		if len(m.ColumnOrders) > 0 {
			objects(w, 7, m.ColumnOrders, func(o *meta.ColumnOrder) {
				if *o != meta.NoOrder { // of a union that a copied file leaves empty
					w.object(int16(*o), func() {})
				}
			})
		}
		if m.Encryption != nil {
			w.object(8, func() { w.algorithm(m.Encryption) })
			if m.FooterSigningKey != nil {
				w.text(9, string(m.FooterSigningKey))
			}
		}
	})
	return w.b
}

func (w *thriftWriter) keyValue(kv *meta.KeyValue) {
	w.text(1, kv.Key)
	if kv.HasValue {
		w.text(2, kv.Value)
	}
}

func (w *thriftWriter) schemaElement(e *meta.SchemaElement) {
	if e.HasType {
		w.i32(1, int32(e.Type))
		if e.Type == meta.FixedLenByteArray {
			w.i32(2, e.TypeLength)
		}
	}
	if e.HasRep {
		w.i32(3, int32(e.Repetition))
	}
	w.text(4, e.Name)
	if !e.HasType || e.NumChildren > 0 { // some writers give groups a type
		w.i32(5, e.NumChildren)
	}
	if e.Converted != meta.NoConvertedType {
		w.i32(6, int32(e.Converted))
	}
	if e.Logical.Kind == meta.LogicalDecimal || e.Converted == meta.ConvertedDecimal {
		w.i32(7, e.Scale)
		w.i32(8, e.Precision)
	}
	if e.HasFieldID {
		w.i32(9, e.FieldID)
	}
	if e.Logical.Kind != meta.NoLogical {
		w.object(10, func() {
			w.object(int16(e.Logical.Kind), func() { w.logical(&e.Logical) })
		})
	}
}

func (w *thriftWriter) logical(l *meta.LogicalType) {
	switch l.Kind {
	case meta.LogicalDecimal:
		w.i32(1, l.Scale)
		w.i32(2, l.Precision)
	case meta.LogicalTime, meta.LogicalTimestamp:
		w.boolean(1, l.UTC)
		w.object(2, func() { w.object(int16(l.Unit), func() {}) })
	case meta.LogicalInteger:
		w.octet(1, l.BitWidth)
		w.boolean(2, l.Signed)
	case meta.LogicalVariant:
		w.octet(1, l.Version)
	case meta.LogicalGeometry, meta.LogicalGeography:
		if l.CRS != "" {
			w.text(1, l.CRS)
		}
		if l.Kind == meta.LogicalGeography && l.Algorithm >= 0 {
			w.i32(2, l.Algorithm)
		}
	}
}

func (w *thriftWriter) rowGroup(g *meta.RowGroup) {
	objects(w, 1, g.Columns, func(c *meta.ColumnChunk) {
		if c.FilePath != "" {
			w.text(1, c.FilePath)
		}
		w.i64(2, c.FileOffset)
		if c.Meta != nil {
			w.object(3, func() { w.columnMetaData(c.Meta) })
		}
		if c.OffsetIndexOffset > 0 {
			w.i64(4, c.OffsetIndexOffset)
			w.i32(5, c.OffsetIndexLength)
		}
		if c.ColumnIndexOffset > 0 {
			w.i64(6, c.ColumnIndexOffset)
			w.i32(7, c.ColumnIndexLength)
		}
		if c.Crypto != nil {
			w.object(8, func() { w.columnCrypto(c.Crypto) })
		}
		if c.EncryptedMeta != nil {
			w.text(9, string(c.EncryptedMeta))
		}
	})
	w.i64(2, g.TotalByteSize)
	w.i64(3, g.NumRows)
	if len(g.Sorting) > 0 {
		objects(w, 4, g.Sorting, func(s *meta.SortingColumn) {
			w.i32(1, s.Column)
			w.boolean(2, s.Descending)
			w.boolean(3, s.NullsFirst)
		})
	}
	w.i64(5, g.FileOffset)
	w.i64(6, g.CompressedSize)
	if g.Ordinal >= 0 {
		w.number(7, thriftI16, int64(g.Ordinal))
	}
}

func (w *thriftWriter) columnMetaData(m *meta.ColumnMetaData) {
	w.i32(1, int32(m.Type))
	numbers(w, 2, thriftI32, m.Encodings)
	w.list(3, thriftBinary, len(m.Path))
	for _, p := range m.Path {
		w.raw(p)
	}
	w.i32(4, int32(m.Codec))
	w.i64(5, m.NumValues)
	w.i64(6, m.UncompressedSize)
	w.i64(7, m.CompressedSize)
	if m.KeyValues != nil {
		objects(w, 8, m.KeyValues, w.keyValue)
	}
	w.i64(9, m.DataPageOffset)
	if m.IndexPageOffset > 0 {
		w.i64(10, m.IndexPageOffset)
	}
	if m.DictionaryPageOffset > 0 {
		w.i64(11, m.DictionaryPageOffset)
	}
	if s := m.Statistics; s != nil {
		w.object(12, func() { w.statistics(s) })
	}
	if m.EncodingStats != nil {
		objects(w, 13, m.EncodingStats, func(s *meta.PageEncodingStats) {
			w.i32(1, int32(s.Page))
			w.i32(2, int32(s.Encoding))
			w.i32(3, s.Count)
		})
	}
	if m.BloomFilterOffset > 0 {
		w.i64(14, m.BloomFilterOffset)
		w.i32(15, m.BloomFilterLength)
	}
	if s := m.SizeStatistics; s != nil {
		w.object(16, func() {
			if s.UnencodedByteArrayBytes >= 0 {
				w.i64(1, s.UnencodedByteArrayBytes)
			}
			w.counts(2, s.RepLevelHistogram)
			w.counts(3, s.DefLevelHistogram)
		})
	}
	if g := m.Geospatial; g != nil {
		w.object(17, func() { w.geospatial(g) })
	}
}

func (w *thriftWriter) geospatial(g *meta.GeospatialStatistics) {
	if b := g.BBox; b != nil {
		w.object(1, func() {
			for i, v := range []*float64{&b.XMin, &b.XMax, &b.YMin, &b.YMax, b.ZMin, b.ZMax, b.MMin, b.MMax} {
				if v != nil {
					w.double(int16(i+1), *v)
				}
			}
		})
	}
	if g.Types != nil {
		numbers(w, 2, thriftI32, g.Types)
	}
}

func (w *thriftWriter) statistics(s *meta.Statistics) {
	if s.Max != nil { // deprecated: of copied chunks
		w.text(1, string(s.Max))
	}
	if s.Min != nil {
		w.text(2, string(s.Min))
	}
	if s.NullCount >= 0 {
		w.i64(3, s.NullCount)
	}
	if s.DistinctCount > 0 {
		w.i64(4, s.DistinctCount)
	}
	if s.MaxValue != nil {
		w.text(5, string(s.MaxValue))
	}
	if s.MinValue != nil {
		w.text(6, string(s.MinValue))
	}
	if s.IsMaxExact != nil {
		w.boolean(7, *s.IsMaxExact)
	}
	if s.IsMinExact != nil {
		w.boolean(8, *s.IsMinExact)
	}
	if s.NaNCount >= 0 {
		w.i64(9, s.NaNCount)
	}
}

func appendPageHeader(dst []byte, h *meta.PageHeader) []byte {
	w := &thriftWriter{b: dst}
	w.body(func() {
		w.i32(1, int32(h.Type))
		w.i32(2, h.UncompressedSize)
		w.i32(3, h.CompressedSize)
		if h.HasCRC {
			w.i32(4, int32(h.CRC))
		}
		switch h.Type {
		case meta.DataPage:
			w.object(5, func() {
				w.i32(1, h.NumValues)
				w.i32(2, int32(h.Encoding))
				w.i32(3, int32(h.DefEncoding))
				w.i32(4, int32(h.RepEncoding))
			})
		case meta.IndexPage:
			w.object(6, func() {})
		case meta.DictionaryPage:
			w.object(7, func() {
				w.i32(1, h.NumValues)
				w.i32(2, int32(h.Encoding))
			})
		case meta.DataPageV2:
			w.object(8, func() {
				w.i32(1, h.NumValues)
				w.i32(2, h.NumNulls)
				w.i32(3, h.NumRows)
				w.i32(4, int32(h.Encoding))
				w.i32(5, h.DefLevelsLen)
				w.i32(6, h.RepLevelsLen)
				w.boolean(7, h.Compressed)
			})
		}
	})
	return w.b
}

func appendColumnIndex(dst []byte, x *meta.ColumnIndex) []byte {
	w := &thriftWriter{b: dst}
	w.body(func() {
		w.list(1, thriftTrue, len(x.NullPages))
		for _, null := range x.NullPages {
			if null {
				w.b = append(w.b, thriftTrue)
			} else {
				w.b = append(w.b, thriftFalse)
			}
		}
		for i, values := range [][][]byte{x.Min, x.Max} {
			w.list(int16(2+i), thriftBinary, len(values))
			for _, v := range values {
				w.raw(string(v))
			}
		}
		w.i32(4, int32(x.Order))
		w.counts(5, x.NullCounts)
		w.counts(6, x.RepLevelHistogram)
		w.counts(7, x.DefLevelHistogram)
		w.counts(8, x.NaNCounts)
	})
	return w.b
}

func appendOffsetIndex(dst []byte, x *meta.OffsetIndex) []byte {
	w := &thriftWriter{b: dst}
	w.body(func() {
		objects(w, 1, x.Pages, func(p *meta.PageLocation) {
			w.i64(1, p.Offset)
			w.i32(2, p.CompressedSize)
			w.i64(3, p.FirstRow)
		})
		w.counts(2, x.UnencodedByteArrayBytes)
	})
	return w.b
}

// appendBloomFilterHeader says: split blocks, XXH64, not compressed.
func appendBloomFilterHeader(dst []byte, h *meta.BloomFilterHeader) []byte {
	w := &thriftWriter{b: dst}
	w.body(func() {
		w.i32(1, h.NumBytes)
		for id := int16(2); id <= 4; id++ {
			w.object(id, func() { w.object(1, func() {}) })
		}
	})
	return w.b
}
