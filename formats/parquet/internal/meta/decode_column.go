package meta

import "math"

// DecodeColumnMetaData reads a chunk's metadata on its own, as it lies
// decrypted, and tells its length. Byte slices in the result are those of b.
func DecodeColumnMetaData(b []byte) (*ColumnMetaData, int, error) {
	r := reader{b: b}
	c := &ColumnMetaData{}
	r.columnMeta(c)
	n, err := r.finish("column metadata")
	if err != nil {
		return nil, 0, err
	}
	return c, n, nil
}

func (r *reader) columnChunk(c *ColumnChunk) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			c.FilePath = r.string(&f)
		case 2:
			c.FileOffset = r.i64(&f)
		case 3:
			if r.expect(&f, wireStruct) {
				c.Meta = new(ColumnMetaData)
				r.columnMeta(c.Meta)
			}
		case 4:
			c.OffsetIndexOffset = r.i64(&f)
		case 5:
			c.OffsetIndexLength = r.i32(&f)
		case 6:
			c.ColumnIndexOffset = r.i64(&f)
		case 7:
			c.ColumnIndexLength = r.i32(&f)
		case 8:
			c.Crypto = r.columnCrypto(&f)
		case 9:
			c.EncryptedMeta = r.bytes(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(2), "column chunk")
}

func (r *reader) columnCrypto(f *field) *ColumnCrypto {
	if !r.expect(f, wireStruct) {
		return nil
	}
	c := &ColumnCrypto{}
	u := r.open()
	for r.next(&u) {
		if u.id != 2 || !r.expect(&u, wireStruct) {
			c.WithFooterKey = u.id == 1
			r.skip(&u)
			continue
		}
		m := r.open()
		for r.next(&m) {
			switch m.id {
			case 1:
				c.Path = r.nameList(&m)
			case 2:
				c.KeyMetadata = r.bytes(&m)
			default:
				r.skip(&m)
			}
		}
		r.require(&m, need(1), "column crypto metadata")
	}
	if r.err == nil && u.seen&need(1, 2) == 0 {
		r.require(&u, need(1), "column crypto metadata")
	}
	return c
}

func (r *reader) columnMeta(c *ColumnMetaData) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			c.Type = Type(r.i32(&f))
		case 2:
			c.Encodings = int32s[Encoding](r, &f)
		case 3:
			c.Path = r.nameList(&f)
		case 4:
			c.Codec = Codec(r.i32(&f))
		case 5:
			c.NumValues = r.i64(&f)
		case 6:
			c.UncompressedSize = r.i64(&f)
		case 7:
			c.CompressedSize = r.i64(&f)
		case 8:
			c.KeyValues = structs(r, &f, 3, (*reader).keyValue)
		case 9:
			c.DataPageOffset = r.i64(&f)
		case 10:
			c.IndexPageOffset = r.i64(&f)
		case 11:
			c.DictionaryPageOffset = r.i64(&f)
		case 12:
			if r.expect(&f, wireStruct) {
				c.Statistics = new(Statistics)
				r.statistics(c.Statistics)
			}
		case 13:
			c.EncodingStats = structs(r, &f, 7, (*reader).pageEncodingStats)
		case 14:
			c.BloomFilterOffset = r.i64(&f)
		case 15:
			c.BloomFilterLength = r.i32(&f)
		case 16:
			c.SizeStatistics = r.sizeStatistics(&f)
		case 17:
			c.Geospatial = r.geospatial(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3, 4, 5, 6, 7, 9), "column metadata")
}

func (r *reader) pageEncodingStats(s *PageEncodingStats) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			s.Page = PageType(r.i32(&f))
		case 2:
			s.Encoding = Encoding(r.i32(&f))
		case 3:
			s.Count = r.i32(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3), "page encoding statistics")
}

func (r *reader) sizeStatistics(f *field) *SizeStatistics {
	if !r.expect(f, wireStruct) {
		return nil
	}
	s := &SizeStatistics{UnencodedByteArrayBytes: -1}
	m := r.open()
	for r.next(&m) {
		switch m.id {
		case 1:
			s.UnencodedByteArrayBytes = r.i64(&m)
		case 2:
			s.RepLevelHistogram = r.int64s(&m)
		case 3:
			s.DefLevelHistogram = r.int64s(&m)
		default:
			r.skip(&m)
		}
	}
	return s
}

func (r *reader) geospatial(f *field) *GeospatialStatistics {
	if !r.expect(f, wireStruct) {
		return nil
	}
	g := &GeospatialStatistics{}
	m := r.open()
	for r.next(&m) {
		switch m.id {
		case 1:
			g.BBox = r.boundingBox(&m)
		case 2:
			g.Types = int32s[int32](r, &m)
		default:
			r.skip(&m)
		}
	}
	return g
}

func (r *reader) boundingBox(f *field) *BoundingBox {
	if !r.expect(f, wireStruct) {
		return nil
	}
	nan := math.NaN()
	b := &BoundingBox{XMin: nan, XMax: nan, YMin: nan, YMax: nan}
	optional := func(f *field) *float64 {
		v := r.double(f)
		return &v
	}
	m := r.open()
	for r.next(&m) {
		switch m.id {
		case 1:
			b.XMin = r.double(&m)
		case 2:
			b.XMax = r.double(&m)
		case 3:
			b.YMin = r.double(&m)
		case 4:
			b.YMax = r.double(&m)
		case 5:
			b.ZMin = optional(&m)
		case 6:
			b.ZMax = optional(&m)
		case 7:
			b.MMin = optional(&m)
		case 8:
			b.MMax = optional(&m)
		default:
			r.skip(&m)
		}
	}
	return b
}
