// Package proto holds an ORC file's metadata as plain Go structs, with their
// Protobuf encoding (Append) and a decoder (Decode…) that never allocates more
// than the input can justify.
//
// The structs follow orc_proto.proto of the Apache ORC format, message for
// message. An [Opt] stands where absence differs from zero; everything else
// that is absent is zero. Unknown fields are skipped and unknown enum values
// kept, so that a file of a newer writer still opens.
package proto

// Opt is a field that may be absent.
type Opt[T any] struct {
	V   T
	Set bool
}

// Some is a field that is there.
func Some[T any](v T) Opt[T] { return Opt[T]{v, true} }

// Or is the field's value, or d if it is absent.
func (o Opt[T]) Or(d T) T {
	if o.Set {
		return o.V
	}
	return d
}

// CompressionKind is the codec of a file's chunks.
type CompressionKind int32

// The codecs.
const (
	CompressionNone CompressionKind = iota
	Zlib
	Snappy
	LZO
	LZ4
	Zstd
	Brotli
)

// TypeKind is the kind of a column.
type TypeKind int32

// The kinds of columns.
const (
	Boolean TypeKind = iota
	Byte
	Short
	Int
	Long
	Float
	Double
	String
	Binary
	Timestamp
	List
	Map
	Struct
	Union
	Decimal
	Date
	Varchar
	Char
	TimestampInstant
	Geometry
)

// StreamKind tells the streams of a column apart.
type StreamKind int32

// The kinds of streams.
const (
	Present         StreamKind = 0
	Data            StreamKind = 1
	Length          StreamKind = 2
	DictionaryData  StreamKind = 3
	DictionaryCount StreamKind = 4
	Secondary       StreamKind = 5
	RowIndexStream  StreamKind = 6
	BloomFilter     StreamKind = 7
	BloomFilterUTF8 StreamKind = 8
	EncryptedIndex  StreamKind = 9
	EncryptedData   StreamKind = 10
	StripeStatsKind StreamKind = 100
	FileStatsKind   StreamKind = 101
)

// EncodingKind is how a column's values are encoded in one stripe.
type EncodingKind int32

// The encodings of columns.
const (
	Direct EncodingKind = iota
	Dictionary
	DirectV2
	DictionaryV2
)

// Calendar is the calendar that dates and timestamps were counted in.
type Calendar int32

// The calendars.
const (
	UnknownCalendar Calendar = iota
	JulianGregorian
	ProlepticGregorian
)

// EncryptionAlgorithm is the cipher of a key.
type EncryptionAlgorithm int32

// The ciphers.
const (
	UnknownEncryption EncryptionAlgorithm = iota
	AESCTR128
	AESCTR256
)

// KeyProvider is the service that encrypted the local keys.
type KeyProvider int32

// The key providers.
const (
	UnknownProvider KeyProvider = iota
	HadoopProvider
	AWSProvider
	GCPProvider
	AzureProvider
)

// PostScript is the end of a file, never compressed.
type PostScript struct {
	FooterLength      uint64
	Compression       CompressionKind
	BlockSize         Opt[uint64] // compression_block_size
	Version           []uint32
	MetadataLength    uint64
	WriterVersion     Opt[uint32]
	StripeStatsLength uint64 // bytes of the encrypted stripe statistics
	Magic             Opt[string]
}

// Footer describes the file.
type Footer struct {
	HeaderLength    uint64
	ContentLength   Opt[uint64]
	Stripes         []StripeInformation
	Types           []Type
	Metadata        []UserMetadataItem
	Rows            Opt[uint64]
	Statistics      []ColumnStatistics
	RowIndexStride  Opt[uint32]
	Writer          Opt[uint32]
	Encryption      *Encryption
	Calendar        Opt[Calendar]
	SoftwareVersion Opt[string]
}

// StripeInformation says where a stripe lies.
type StripeInformation struct {
	Offset             uint64
	IndexLength        uint64
	DataLength         uint64
	FooterLength       uint64
	Rows               uint64
	EncryptStripeID    Opt[uint64]
	EncryptedLocalKeys [][]byte
}

// Type is one column of the type tree, in pre-order.
type Type struct {
	Kind          TypeKind
	Subtypes      []uint32
	FieldNames    []string
	MaximumLength Opt[uint32]
	Precision     Opt[uint32]
	Scale         Opt[uint32]
	Attributes    []StringPair
	Geometry      *GeometryType
}

// StringPair is an attribute of a type.
type StringPair struct{ Key, Value string }

// GeometryType says how a geometry column is to be read.
type GeometryType struct {
	Encoding    int32 // 0: WKB
	Edges       int32 // 0: planar, 1: spherical
	CRS         Opt[string]
	CRSEncoding Opt[string]
	Metadata    Opt[string]
}

// UserMetadataItem is a key of the application's own.
type UserMetadataItem struct {
	Name  string
	Value []byte
}

// StripeFooter lists the streams of a stripe in file order, and the encoding
// of every column.
type StripeFooter struct {
	Streams        []Stream
	Columns        []ColumnEncoding
	WriterTimezone Opt[string]
	Encryption     []StripeEncryptionVariant
}

// Stream is one stream of a stripe.
type Stream struct {
	Kind   StreamKind
	Column uint32
	Length uint64
}

// ColumnEncoding is how one column is encoded in a stripe.
type ColumnEncoding struct {
	Kind           EncodingKind
	DictionarySize Opt[uint32]
	BloomEncoding  Opt[uint32]
}

// StripeEncryptionVariant lists the streams of one encryption variant.
type StripeEncryptionVariant struct {
	Streams  []Stream
	Encoding []ColumnEncoding
}

// RowIndex has an entry a row group.
type RowIndex struct{ Entries []RowIndexEntry }

// RowIndexEntry is where a row group starts in each stream of the column, and
// its statistics.
type RowIndexEntry struct {
	Positions  []uint64
	Statistics *ColumnStatistics
}

// BloomFilterIndex has a filter a row group.
type BloomFilterIndex struct{ Filters []BloomFilterBits }

// BloomFilterBits is one bloom filter. Bits are 64-bit words, or the same
// words as little-endian bytes.
type BloomFilterBits struct {
	Hashes uint32
	Words  []uint64 // bitset
	Bytes  []byte   // utf8bitset
}

// Metadata has the statistics of every stripe.
type Metadata struct{ Stripes []StripeStatistics }

// StripeStatistics has the statistics of every column of one stripe.
type StripeStatistics struct{ Columns []ColumnStatistics }

// ColumnarStripeStatistics has one column's statistics of every stripe, as
// they are kept for encrypted columns.
type ColumnarStripeStatistics struct{ Stripes []ColumnStatistics }

// FileStatistics has the statistics of the columns below an encrypted root.
type FileStatistics struct{ Columns []ColumnStatistics }

// Encryption describes the encrypted columns of a file.
type Encryption struct {
	Masks    []DataMask
	Keys     []EncryptionKey
	Variants []EncryptionVariant
	Provider KeyProvider
}

// DataMask says what readers without a key see.
type DataMask struct {
	Name       string
	Parameters []string
	Columns    []uint32
}

// EncryptionKey names a master key.
type EncryptionKey struct {
	Name      string
	Version   uint32
	Algorithm EncryptionAlgorithm
}

// EncryptionVariant is a column encrypted with one key.
type EncryptionVariant struct {
	Root             uint32
	Key              uint32
	EncryptedKey     []byte
	StripeStatistics []Stream
	FileStatistics   []byte
}
