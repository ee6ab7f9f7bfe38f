package proto

import (
	"encoding/binary"
	"math"
)

// The writers of fields append to b. Those of zero-valued plain fields are
// written too, as Java's writer does, unless said otherwise.

func appendTag(b []byte, num, wire int) []byte {
	return binary.AppendUvarint(b, uint64(num)<<3|uint64(wire))
}

func appendUint(b []byte, num int, v uint64) []byte {
	return binary.AppendUvarint(appendTag(b, num, wireVarint), v)
}

func appendSint(b []byte, num int, v int64) []byte {
	return appendUint(b, num, uint64(v)<<1^uint64(v>>63))
}

func appendBool(b []byte, num int, v bool) []byte {
	if v {
		return appendUint(b, num, 1)
	}
	return appendUint(b, num, 0)
}

func appendDouble(b []byte, num int, v float64) []byte {
	return binary.LittleEndian.AppendUint64(appendTag(b, num, wireFixed8), math.Float64bits(v))
}

func appendBytes[T string | []byte](b []byte, num int, v T) []byte {
	b = binary.AppendUvarint(appendTag(b, num, wireBytes), uint64(len(v)))
	return append(b, v...)
}

// opt writes a field if it is there.
func opt[T any](b []byte, num int, o Opt[T], write func([]byte, int, T) []byte) []byte {
	if o.Set {
		return write(b, num, o.V)
	}
	return b
}

// appendInt32 writes an int32 field: negative numbers take ten bytes.
func appendInt32[T ~int32](b []byte, num int, v T) []byte {
	return appendUint(b, num, uint64(int64(v)))
}

func appendUint32(b []byte, num int, v uint32) []byte { return appendUint(b, num, uint64(v)) }

// appendPacked writes a packed field; an empty list is none.
func appendPacked[T uint32 | uint64](b []byte, num int, list []T) []byte {
	if len(list) == 0 {
		return b
	}
	return appendNested(b, num, func(b []byte) []byte {
		for _, v := range list {
			b = binary.AppendUvarint(b, uint64(v))
		}
		return b
	})
}

// appendNested writes a field of length-delimited bytes that write appends.
func appendNested(b []byte, num int, write func([]byte) []byte) []byte {
	b = appendTag(b, num, wireBytes)
	at := len(b)
	b = write(append(b, 0)) // most lengths take one byte
	n := len(b) - at - 1
	if n < 0x80 {
		b[at] = byte(n)
		return b
	}
	var size [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(size[:], uint64(n))
	b = append(b, size[1:k]...)
	copy(b[at+k:], b[at+1:at+1+n])
	copy(b[at:], size[:k])
	return b
}

// message is a pointer to a struct of this package.
type message[T any] interface {
	*T
	Append(b []byte) []byte
}

func appendEach[T any, M message[T]](b []byte, num int, list []T) []byte {
	for i := range list {
		b = appendNested(b, num, M(&list[i]).Append)
	}
	return b
}

func appendOne[T any, M message[T]](b []byte, num int, m M) []byte {
	if m == nil {
		return b
	}
	return appendNested(b, num, m.Append)
}

// Append writes the postscript, as the other Append methods write theirs.
func (m *PostScript) Append(b []byte) []byte {
	b = appendUint(b, 1, m.FooterLength)
	b = appendInt32(b, 2, m.Compression)
	b = opt(b, 3, m.BlockSize, appendUint)
	b = appendPacked(b, 4, m.Version)
	b = appendUint(b, 5, m.MetadataLength)
	b = opt(b, 6, m.WriterVersion, appendUint32)
	if m.StripeStatsLength > 0 {
		b = appendUint(b, 7, m.StripeStatsLength)
	}
	return opt(b, 8000, m.Magic, appendBytes[string])
}

// Append writes the footer.
func (m *Footer) Append(b []byte) []byte {
	b = appendUint(b, 1, m.HeaderLength)
	b = opt(b, 2, m.ContentLength, appendUint)
	b = appendEach(b, 3, m.Stripes)
	b = appendEach(b, 4, m.Types)
	b = appendEach(b, 5, m.Metadata)
	b = opt(b, 6, m.Rows, appendUint)
	b = appendEach(b, 7, m.Statistics)
	b = opt(b, 8, m.RowIndexStride, appendUint32)
	b = opt(b, 9, m.Writer, appendUint32)
	b = appendOne(b, 10, m.Encryption)
	b = opt(b, 11, m.Calendar, appendInt32)
	return opt(b, 12, m.SoftwareVersion, appendBytes[string])
}

// Append writes the stripe's place.
func (m *StripeInformation) Append(b []byte) []byte {
	b = appendUint(b, 1, m.Offset)
	b = appendUint(b, 2, m.IndexLength)
	b = appendUint(b, 3, m.DataLength)
	b = appendUint(b, 4, m.FooterLength)
	b = appendUint(b, 5, m.Rows)
	b = opt(b, 6, m.EncryptStripeID, appendUint)
	for _, k := range m.EncryptedLocalKeys {
		b = appendBytes(b, 7, k)
	}
	return b
}

// Append writes the type.
func (m *Type) Append(b []byte) []byte {
	b = appendInt32(b, 1, m.Kind)
	b = appendPacked(b, 2, m.Subtypes)
	for _, n := range m.FieldNames {
		b = appendBytes(b, 3, n)
	}
	b = opt(b, 4, m.MaximumLength, appendUint32)
	b = opt(b, 5, m.Precision, appendUint32)
	b = opt(b, 6, m.Scale, appendUint32)
	b = appendEach(b, 7, m.Attributes)
	return appendOne(b, 8, m.Geometry)
}

// Append writes the attribute.
func (m *StringPair) Append(b []byte) []byte {
	return appendBytes(appendBytes(b, 1, m.Key), 2, m.Value)
}

// Append writes the geometry's parameters.
func (m *GeometryType) Append(b []byte) []byte {
	b = appendInt32(appendInt32(b, 1, m.Encoding), 2, m.Edges)
	b = opt(b, 3, m.CRS, appendBytes[string])
	b = opt(b, 4, m.CRSEncoding, appendBytes[string])
	return opt(b, 5, m.Metadata, appendBytes[string])
}

// Append writes the user's key and value.
func (m *UserMetadataItem) Append(b []byte) []byte {
	return appendBytes(appendBytes(b, 1, m.Name), 2, m.Value)
}

// Append writes the stripe footer.
func (m *StripeFooter) Append(b []byte) []byte {
	b = appendEach(b, 1, m.Streams)
	b = appendEach(b, 2, m.Columns)
	b = opt(b, 3, m.WriterTimezone, appendBytes[string])
	return appendEach(b, 4, m.Encryption)
}

// Append writes the stream's place.
func (m *Stream) Append(b []byte) []byte {
	return appendUint(appendUint32(appendInt32(b, 1, m.Kind), 2, m.Column), 3, m.Length)
}

// Append writes the column's encoding.
func (m *ColumnEncoding) Append(b []byte) []byte {
	b = appendInt32(b, 1, m.Kind)
	b = opt(b, 2, m.DictionarySize, appendUint32)
	return opt(b, 3, m.BloomEncoding, appendUint32)
}

// Append writes the variant's streams.
func (m *StripeEncryptionVariant) Append(b []byte) []byte {
	return appendEach(appendEach(b, 1, m.Streams), 2, m.Encoding)
}

// Append writes the row index.
func (m *RowIndex) Append(b []byte) []byte { return appendEach(b, 1, m.Entries) }

// Append writes the entry.
func (m *RowIndexEntry) Append(b []byte) []byte {
	return appendOne(appendPacked(b, 1, m.Positions), 2, m.Statistics)
}

// Append writes the filters.
func (m *BloomFilterIndex) Append(b []byte) []byte { return appendEach(b, 1, m.Filters) }

// Append writes the filter.
func (m *BloomFilterBits) Append(b []byte) []byte {
	b = appendUint32(b, 1, m.Hashes)
	for _, w := range m.Words {
		b = binary.LittleEndian.AppendUint64(appendTag(b, 2, wireFixed8), w)
	}
	if m.Bytes != nil {
		b = appendBytes(b, 3, m.Bytes)
	}
	return b
}

// Append writes the statistics of all stripes.
func (m *Metadata) Append(b []byte) []byte { return appendEach(b, 1, m.Stripes) }

// Append writes the statistics of a stripe.
func (m *StripeStatistics) Append(b []byte) []byte { return appendEach(b, 1, m.Columns) }

// Append writes a column's statistics of all stripes.
func (m *ColumnarStripeStatistics) Append(b []byte) []byte { return appendEach(b, 1, m.Stripes) }

// Append writes the file's statistics.
func (m *FileStatistics) Append(b []byte) []byte { return appendEach(b, 1, m.Columns) }

// Append writes the encryption's description.
func (m *Encryption) Append(b []byte) []byte {
	b = appendEach(b, 1, m.Masks)
	b = appendEach(b, 2, m.Keys)
	b = appendEach(b, 3, m.Variants)
	return appendInt32(b, 4, m.Provider)
}

// Append writes the mask.
func (m *DataMask) Append(b []byte) []byte {
	b = appendBytes(b, 1, m.Name)
	for _, p := range m.Parameters {
		b = appendBytes(b, 2, p)
	}
	return appendPacked(b, 3, m.Columns)
}

// Append writes the key's name.
func (m *EncryptionKey) Append(b []byte) []byte {
	return appendInt32(appendUint32(appendBytes(b, 1, m.Name), 2, m.Version), 3, m.Algorithm)
}

// Append writes the variant.
func (m *EncryptionVariant) Append(b []byte) []byte {
	b = appendUint32(appendUint32(b, 1, m.Root), 2, m.Key)
	if m.EncryptedKey != nil {
		b = appendBytes(b, 3, m.EncryptedKey)
	}
	b = appendEach(b, 4, m.StripeStatistics)
	if m.FileStatistics != nil {
		b = appendBytes(b, 5, m.FileStatistics)
	}
	return b
}
