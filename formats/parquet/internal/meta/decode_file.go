package meta

// DecodeFileMetaData reads a footer and tells its length; what follows in b
// may be a signature. Byte slices in the result are those of b.
func DecodeFileMetaData(b []byte) (*FileMetaData, int, error) {
	r := reader{b: b}
	m := &FileMetaData{}
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			m.Version = r.i32(&f)
		case 2:
			m.Schema = structs(&r, &f, 3, (*reader).schemaElement)
		case 3:
			m.NumRows = r.i64(&f)
		case 4:
			m.RowGroups = structs(&r, &f, 7, (*reader).rowGroup)
		case 5:
			m.KeyValues = structs(&r, &f, 3, (*reader).keyValue)
		case 6:
			m.CreatedBy = r.string(&f)
		case 7:
			m.ColumnOrders = structs(&r, &f, 1, func(r *reader, o *ColumnOrder) {
				u := r.open()
				for r.next(&u) {
					*o = ColumnOrder(u.id)
					r.skip(&u)
				}
			})
		case 8:
			m.Encryption = new(EncryptionAlgorithm)
			r.algorithm(&f, m.Encryption)
		case 9:
			m.FooterSigningKey = r.bytes(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3, 4), "file metadata")
	n, err := r.finish("file metadata")
	if err != nil {
		return nil, 0, err
	}
	return m, n, nil
}

// DecodeFileCryptoMetaData reads what comes before an encrypted footer and
// tells its length. Byte slices in the result are those of b.
func DecodeFileCryptoMetaData(b []byte) (*FileCryptoMetaData, int, error) {
	r := reader{b: b}
	m := &FileCryptoMetaData{}
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			r.algorithm(&f, &m.Algorithm)
		case 2:
			m.KeyMetadata = r.bytes(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1), "file crypto metadata")
	n, err := r.finish("file crypto metadata")
	if err != nil {
		return nil, 0, err
	}
	return m, n, nil
}

func (r *reader) algorithm(f *field, a *EncryptionAlgorithm) {
	if !r.expect(f, wireStruct) {
		return
	}
	u := r.open()
	for r.next(&u) {
		if u.id != 1 && u.id != 2 {
			r.skip(&u)
			continue
		}
		*a = EncryptionAlgorithm{CTR: u.id == 2}
		if !r.expect(&u, wireStruct) {
			return
		}
		m := r.open()
		for r.next(&m) {
			switch m.id {
			case 1:
				a.AADPrefix = r.bytes(&m)
			case 2:
				a.AADFileUnique = r.bytes(&m)
			case 3:
				a.SupplyAADPrefix = r.bool(&m)
			default:
				r.skip(&m)
			}
		}
	}
	if r.err == nil && u.seen&need(1, 2) == 0 {
		r.require(&u, need(1), "encryption algorithm")
	}
}

func (r *reader) keyValue(kv *KeyValue) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			kv.Key = r.string(&f)
		case 2:
			if f.wire != wireBinary { // some writers put a number here
				r.skip(&f)
				continue
			}
			kv.Value, kv.HasValue = r.string(&f), true
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1), "key value")
}

func (r *reader) rowGroup(g *RowGroup) {
	g.Ordinal = -1
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			g.Columns = structs(r, &f, 3, (*reader).columnChunk)
		case 2:
			g.TotalByteSize = r.i64(&f)
		case 3:
			g.NumRows = r.i64(&f)
		case 4:
			g.Sorting = structs(r, &f, 5, (*reader).sortingColumn)
		case 5:
			g.FileOffset = r.i64(&f)
		case 6:
			g.CompressedSize = r.i64(&f)
		case 7:
			g.Ordinal = int32(r.i16(&f))
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3), "row group")
}

func (r *reader) sortingColumn(c *SortingColumn) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			c.Column = r.i32(&f)
		case 2:
			c.Descending = r.bool(&f)
		case 3:
			c.NullsFirst = r.bool(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3), "sorting column")
}
