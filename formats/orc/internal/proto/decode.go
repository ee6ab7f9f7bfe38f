package proto

// DecodePostScript reads a PostScript. Errors wrap arrowio.ErrCorrupt, and
// arrowio.ErrLimit for metadata that takes absurdly much memory; so do those
// of the other decoders. Nothing decoded refers to the input.
func DecodePostScript(b []byte) (*PostScript, error) { return decode(b, "postscript", postScript) }

// DecodeFooter reads a Footer.
func DecodeFooter(b []byte) (*Footer, error) { return decode(b, "footer", footer) }

// DecodeStripeFooter reads a StripeFooter.
func DecodeStripeFooter(b []byte) (*StripeFooter, error) {
	return decode(b, "stripe footer", stripeFooter)
}

// DecodeRowIndex reads a RowIndex.
func DecodeRowIndex(b []byte) (*RowIndex, error) { return decode(b, "row index", rowIndex) }

// DecodeBloomFilterIndex reads a BloomFilterIndex.
func DecodeBloomFilterIndex(b []byte) (*BloomFilterIndex, error) {
	return decode(b, "bloom filter index", bloomFilterIndex)
}

// DecodeMetadata reads the statistics of all stripes.
func DecodeMetadata(b []byte) (*Metadata, error) { return decode(b, "stripe statistics", metadata) }

// DecodeColumnarStripeStatistics reads an encrypted column's statistics.
func DecodeColumnarStripeStatistics(b []byte) (*ColumnarStripeStatistics, error) {
	return decode(b, "stripe statistics", columnarStripeStatistics)
}

// DecodeFileStatistics reads an encrypted column's statistics of the file.
func DecodeFileStatistics(b []byte) (*FileStatistics, error) {
	return decode(b, "file statistics", fileStatistics)
}

func postScript(r *reader, m *PostScript) {
	for r.next() {
		switch r.num {
		case 1:
			m.FooterLength = r.uint()
		case 2:
			m.Compression = CompressionKind(r.enum())
		case 3:
			m.BlockSize = Some(r.uint())
		case 4:
			uints(r, &m.Version)
		case 5:
			m.MetadataLength = r.uint()
		case 6:
			m.WriterVersion = Some(r.uint32())
		case 7:
			m.StripeStatsLength = r.uint()
		case 8000:
			m.Magic = Some(r.string())
		default:
			r.skip()
		}
	}
}

func footer(r *reader, m *Footer) {
	for r.next() {
		switch r.num {
		case 1:
			m.HeaderLength = r.uint()
		case 2:
			m.ContentLength = Some(r.uint())
		case 3:
			each(r, &m.Stripes, stripeInformation)
		case 4:
			each(r, &m.Types, typ)
		case 5:
			each(r, &m.Metadata, userMetadataItem)
		case 6:
			m.Rows = Some(r.uint())
		case 7:
			each(r, &m.Statistics, columnStatistics)
		case 8:
			m.RowIndexStride = Some(r.uint32())
		case 9:
			m.Writer = Some(r.uint32())
		case 10:
			one(r, &m.Encryption, encryption)
		case 11:
			m.Calendar = Some(Calendar(r.enum()))
		case 12:
			m.SoftwareVersion = Some(r.string())
		default:
			r.skip()
		}
	}
}

func stripeInformation(r *reader, m *StripeInformation) {
	for r.next() {
		switch r.num {
		case 1:
			m.Offset = r.uint()
		case 2:
			m.IndexLength = r.uint()
		case 3:
			m.DataLength = r.uint()
		case 4:
			m.FooterLength = r.uint()
		case 5:
			m.Rows = r.uint()
		case 6:
			m.EncryptStripeID = Some(r.uint())
		case 7:
			r.charge(24)
			m.EncryptedLocalKeys = append(m.EncryptedLocalKeys, r.bytes())
		default:
			r.skip()
		}
	}
}

func typ(r *reader, m *Type) {
	for r.next() {
		switch r.num {
		case 1:
			m.Kind = TypeKind(r.enum())
		case 2:
			uints(r, &m.Subtypes)
		case 3:
			r.charge(16)
			m.FieldNames = append(m.FieldNames, r.string())
		case 4:
			m.MaximumLength = Some(r.uint32())
		case 5:
			m.Precision = Some(r.uint32())
		case 6:
			m.Scale = Some(r.uint32())
		case 7:
			each(r, &m.Attributes, stringPair)
		case 8:
			one(r, &m.Geometry, geometryType)
		default:
			r.skip()
		}
	}
}

func stringPair(r *reader, m *StringPair) {
	for r.next() {
		switch r.num {
		case 1:
			m.Key = r.string()
		case 2:
			m.Value = r.string()
		default:
			r.skip()
		}
	}
}

func geometryType(r *reader, m *GeometryType) {
	for r.next() {
		switch r.num {
		case 1:
			m.Encoding = r.enum()
		case 2:
			m.Edges = r.enum()
		case 3:
			m.CRS = Some(r.string())
		case 4:
			m.CRSEncoding = Some(r.string())
		case 5:
			m.Metadata = Some(r.string())
		default:
			r.skip()
		}
	}
}

func userMetadataItem(r *reader, m *UserMetadataItem) {
	for r.next() {
		switch r.num {
		case 1:
			m.Name = r.string()
		case 2:
			m.Value = r.bytes()
		default:
			r.skip()
		}
	}
}

func stripeFooter(r *reader, m *StripeFooter) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Streams, stream)
		case 2:
			each(r, &m.Columns, columnEncoding)
		case 3:
			m.WriterTimezone = Some(r.string())
		case 4:
			each(r, &m.Encryption, stripeEncryptionVariant)
		default:
			r.skip()
		}
	}
}

func stream(r *reader, m *Stream) {
	for r.next() {
		switch r.num {
		case 1:
			m.Kind = StreamKind(r.enum())
		case 2:
			m.Column = r.uint32()
		case 3:
			m.Length = r.uint()
		default:
			r.skip()
		}
	}
}

func columnEncoding(r *reader, m *ColumnEncoding) {
	for r.next() {
		switch r.num {
		case 1:
			m.Kind = EncodingKind(r.enum())
		case 2:
			m.DictionarySize = Some(r.uint32())
		case 3:
			m.BloomEncoding = Some(r.uint32())
		default:
			r.skip()
		}
	}
}

func stripeEncryptionVariant(r *reader, m *StripeEncryptionVariant) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Streams, stream)
		case 2:
			each(r, &m.Encoding, columnEncoding)
		default:
			r.skip()
		}
	}
}

func rowIndex(r *reader, m *RowIndex) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Entries, rowIndexEntry)
		default:
			r.skip()
		}
	}
}

func rowIndexEntry(r *reader, m *RowIndexEntry) {
	for r.next() {
		switch r.num {
		case 1:
			uints(r, &m.Positions)
		case 2:
			one(r, &m.Statistics, columnStatistics)
		default:
			r.skip()
		}
	}
}

func bloomFilterIndex(r *reader, m *BloomFilterIndex) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Filters, bloomFilterBits)
		default:
			r.skip()
		}
	}
}

// bloomFilterBits takes fields of other types for unknown ones: an early Hive
// numbered them otherwise.
func bloomFilterBits(r *reader, m *BloomFilterBits) {
	for r.next() {
		switch {
		case r.num == 1 && r.wire == wireVarint:
			m.Hashes = r.uint32()
		case r.num == 2 && r.wire != wireVarint:
			r.words(&m.Words)
		case r.num == 3 && r.wire == wireBytes:
			m.Bytes = r.bytes()
		default:
			r.skip()
		}
	}
}

func metadata(r *reader, m *Metadata) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Stripes, stripeStatistics)
		default:
			r.skip()
		}
	}
}

func stripeStatistics(r *reader, m *StripeStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Columns, columnStatistics)
		default:
			r.skip()
		}
	}
}

func columnarStripeStatistics(r *reader, m *ColumnarStripeStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Stripes, columnStatistics)
		default:
			r.skip()
		}
	}
}

func fileStatistics(r *reader, m *FileStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Columns, columnStatistics)
		default:
			r.skip()
		}
	}
}

func encryption(r *reader, m *Encryption) {
	for r.next() {
		switch r.num {
		case 1:
			each(r, &m.Masks, dataMask)
		case 2:
			each(r, &m.Keys, encryptionKey)
		case 3:
			each(r, &m.Variants, encryptionVariant)
		case 4:
			m.Provider = KeyProvider(r.enum())
		default:
			r.skip()
		}
	}
}

func dataMask(r *reader, m *DataMask) {
	for r.next() {
		switch r.num {
		case 1:
			m.Name = r.string()
		case 2:
			r.charge(16)
			m.Parameters = append(m.Parameters, r.string())
		case 3:
			uints(r, &m.Columns)
		default:
			r.skip()
		}
	}
}

func encryptionKey(r *reader, m *EncryptionKey) {
	for r.next() {
		switch r.num {
		case 1:
			m.Name = r.string()
		case 2:
			m.Version = r.uint32()
		case 3:
			m.Algorithm = EncryptionAlgorithm(r.enum())
		default:
			r.skip()
		}
	}
}

func encryptionVariant(r *reader, m *EncryptionVariant) {
	for r.next() {
		switch r.num {
		case 1:
			m.Root = r.uint32()
		case 2:
			m.Key = r.uint32()
		case 3:
			m.EncryptedKey = r.bytes()
		case 4:
			each(r, &m.StripeStatistics, stream)
		case 5:
			m.FileStatistics = r.bytes()
		default:
			r.skip()
		}
	}
}
