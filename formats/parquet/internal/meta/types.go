// Package meta holds a Parquet file's metadata as plain Go structs, with their
// Thrift compact-protocol encoding (Append…) and a decoder (Decode…) that
// never allocates more than the input can justify.
//
// The structs follow parquet.thrift of the Apache Parquet format, field for
// field, with optional numbers as pointers only where absence differs from
// zero. Unknown fields and unknown union members are skipped, unknown enum
// values kept, so that a file of a newer writer still opens.
package meta

// Type is a physical type (parquet.thrift Type).
type Type int32

// The physical types.
const (
	Boolean Type = iota
	Int32
	Int64
	Int96
	Float
	Double
	ByteArray
	FixedLenByteArray
)

// Repetition is a field's repetition type.
type Repetition int32

// The repetition types.
const (
	Required Repetition = iota
	Optional
	Repeated
)

// Encoding of levels, values or dictionaries.
type Encoding int32

// The encodings.
const (
	Plain                Encoding = 0
	PlainDictionary      Encoding = 2
	RLE                  Encoding = 3
	BitPacked            Encoding = 4
	DeltaBinaryPacked    Encoding = 5
	DeltaLengthByteArray Encoding = 6
	DeltaByteArray       Encoding = 7
	RLEDictionary        Encoding = 8
	ByteStreamSplit      Encoding = 9
	ALP                  Encoding = 10
)

// Codec compresses pages.
type Codec int32

// The codecs.
const (
	Uncompressed Codec = iota
	Snappy
	Gzip
	LZO
	Brotli
	LZ4
	Zstd
	LZ4Raw
)

// PageType tells pages apart.
type PageType int32

// The page types.
const (
	DataPage PageType = iota
	IndexPage
	DictionaryPage
	DataPageV2
)

// ConvertedType is the legacy annotation of a schema element.
type ConvertedType int32

// The converted types; NoConvertedType marks absence.
const (
	NoConvertedType      ConvertedType = -1
	ConvertedUTF8        ConvertedType = 0
	ConvertedMap         ConvertedType = 1
	ConvertedMapKeyValue ConvertedType = 2
	ConvertedList        ConvertedType = 3
	ConvertedEnum        ConvertedType = 4
	ConvertedDecimal     ConvertedType = 5
	ConvertedDate        ConvertedType = 6
	ConvertedTimeMillis  ConvertedType = 7
	ConvertedTimeMicros  ConvertedType = 8
	ConvertedTimestampMs ConvertedType = 9
	ConvertedTimestampUs ConvertedType = 10
	ConvertedUint8       ConvertedType = 11
	ConvertedUint16      ConvertedType = 12
	ConvertedUint32      ConvertedType = 13
	ConvertedUint64      ConvertedType = 14
	ConvertedInt8        ConvertedType = 15
	ConvertedInt16       ConvertedType = 16
	ConvertedInt32       ConvertedType = 17
	ConvertedInt64       ConvertedType = 18
	ConvertedJSON        ConvertedType = 19
	ConvertedBSON        ConvertedType = 20
	ConvertedInterval    ConvertedType = 21
)

// LogicalKind is the member of the LogicalType union, by its Thrift field id.
type LogicalKind int16

// The logical types. An id that is not here is kept as it is, and the column
// is read as its physical type.
const (
	NoLogical        LogicalKind = 0
	LogicalString    LogicalKind = 1
	LogicalMap       LogicalKind = 2
	LogicalList      LogicalKind = 3
	LogicalEnum      LogicalKind = 4
	LogicalDecimal   LogicalKind = 5
	LogicalDate      LogicalKind = 6
	LogicalTime      LogicalKind = 7
	LogicalTimestamp LogicalKind = 8
	LogicalInteger   LogicalKind = 10
	LogicalUnknown   LogicalKind = 11
	LogicalJSON      LogicalKind = 12
	LogicalBSON      LogicalKind = 13
	LogicalUUID      LogicalKind = 14
	LogicalFloat16   LogicalKind = 15
	LogicalVariant   LogicalKind = 16
	LogicalGeometry  LogicalKind = 17
	LogicalGeography LogicalKind = 18
	LogicalFile      LogicalKind = 19
)

// TimeUnit is the member of the TimeUnit union, by its Thrift field id.
type TimeUnit int16

// The time units.
const (
	NoUnit TimeUnit = 0
	Millis TimeUnit = 1
	Micros TimeUnit = 2
	Nanos  TimeUnit = 3
)

// LogicalType is the flattened union. Only the fields of Kind mean anything.
type LogicalType struct {
	Kind      LogicalKind
	Scale     int32    // Decimal
	Precision int32    // Decimal
	UTC       bool     // Time, Timestamp: adjusted to UTC
	Unit      TimeUnit // Time, Timestamp
	BitWidth  int8     // Integer
	Signed    bool     // Integer
	Version   int8     // Variant: specification version
	CRS       string   // Geometry, Geography
	Algorithm int32    // Geography: edge interpolation; -1 absent
}

// SchemaElement is one node of the schema, in depth-first order.
type SchemaElement struct {
	Name        string
	Type        Type // meaningful for leaves
	HasType     bool // false for groups
	TypeLength  int32
	Repetition  Repetition
	HasRep      bool // false for the root, usually
	NumChildren int32
	Converted   ConvertedType
	Scale       int32
	Precision   int32
	FieldID     int32
	HasFieldID  bool
	Logical     LogicalType
}

// Statistics of a chunk or page. Nil slices are absent, empty ones empty.
type Statistics struct {
	Max, Min           []byte // deprecated, signed order
	NullCount          int64  // -1 absent
	DistinctCount      int64  // -1 absent
	MaxValue, MinValue []byte
	IsMaxExact         *bool
	IsMinExact         *bool
	NaNCount           int64 // -1 absent
}

// SizeStatistics of a chunk.
type SizeStatistics struct {
	UnencodedByteArrayBytes int64 // -1 absent
	RepLevelHistogram       []int64
	DefLevelHistogram       []int64
}

// BoundingBox of geospatial values; optional bounds are NaN when absent.
type BoundingBox struct {
	XMin, XMax, YMin, YMax float64
	ZMin, ZMax, MMin, MMax *float64
}

// GeospatialStatistics of a chunk.
type GeospatialStatistics struct {
	BBox  *BoundingBox
	Types []int32
}

// KeyValue metadata. HasValue tells an absent value from an empty one.
type KeyValue struct {
	Key, Value string
	HasValue   bool
}

// SortingColumn of a row group.
type SortingColumn struct {
	Column     int32
	Descending bool
	NullsFirst bool
}

// PageEncodingStats counts pages by type and encoding.
type PageEncodingStats struct {
	Page     PageType
	Encoding Encoding
	Count    int32
}

// ColumnMetaData of a chunk.
type ColumnMetaData struct {
	Type                 Type
	Encodings            []Encoding
	Path                 []string
	Codec                Codec
	NumValues            int64
	UncompressedSize     int64
	CompressedSize       int64
	KeyValues            []KeyValue
	DataPageOffset       int64
	IndexPageOffset      int64 // 0 absent
	DictionaryPageOffset int64 // 0 absent
	Statistics           *Statistics
	EncodingStats        []PageEncodingStats
	BloomFilterOffset    int64 // 0 absent
	BloomFilterLength    int32 // 0 absent
	SizeStatistics       *SizeStatistics
	Geospatial           *GeospatialStatistics
}

// ColumnCrypto says how a column is encrypted. Nil: not at all.
type ColumnCrypto struct {
	WithFooterKey bool     // else with a column key
	Path          []string // column key only
	KeyMetadata   []byte   // column key only
}

// ColumnChunk of a row group.
type ColumnChunk struct {
	FilePath          string
	FileOffset        int64
	Meta              *ColumnMetaData // nil when it is encrypted and not yet opened
	OffsetIndexOffset int64           // 0 absent
	OffsetIndexLength int32
	ColumnIndexOffset int64 // 0 absent
	ColumnIndexLength int32
	Crypto            *ColumnCrypto
	EncryptedMeta     []byte
}

// RowGroup of a file.
type RowGroup struct {
	Columns        []ColumnChunk
	TotalByteSize  int64
	NumRows        int64
	Sorting        []SortingColumn
	FileOffset     int64
	CompressedSize int64
	Ordinal        int32 // -1 absent; i16 in the file
}

// EncryptionAlgorithm of a file.
type EncryptionAlgorithm struct {
	CTR             bool // AES_GCM_CTR_V1; else AES_GCM_V1
	AADPrefix       []byte
	AADFileUnique   []byte
	SupplyAADPrefix bool
}

// ColumnOrder is the member of the ColumnOrder union by field id: 0 none, 1
// type-defined, 2 IEEE 754 total order, 3 timestamps in INT96.
type ColumnOrder int16

// The column orders.
const (
	NoOrder           ColumnOrder = 0
	TypeDefinedOrder  ColumnOrder = 1
	IEEE754TotalOrder ColumnOrder = 2
)

// FileMetaData is the footer.
type FileMetaData struct {
	Version          int32
	Schema           []SchemaElement
	NumRows          int64
	RowGroups        []RowGroup
	KeyValues        []KeyValue
	CreatedBy        string
	ColumnOrders     []ColumnOrder
	Encryption       *EncryptionAlgorithm // of a file with a plaintext footer
	FooterSigningKey []byte               // key metadata
}

// FileCryptoMetaData precedes an encrypted footer.
type FileCryptoMetaData struct {
	Algorithm   EncryptionAlgorithm
	KeyMetadata []byte
}

// PageHeader precedes a page. Which of the embedded headers is meant follows
// from Type.
type PageHeader struct {
	Type             PageType
	UncompressedSize int32
	CompressedSize   int32
	CRC              uint32
	HasCRC           bool

	// Data pages v1 and v2, and the dictionary's NumValues and Encoding.
	NumValues   int32
	Encoding    Encoding
	DefEncoding Encoding // v1
	RepEncoding Encoding // v1
	Statistics  *Statistics

	// Data pages v2.
	NumNulls     int32
	NumRows      int32
	DefLevelsLen int32
	RepLevelsLen int32
	Compressed   bool // v2: whether the values are; default true

	Sorted bool // dictionary

	spare *Statistics // to be reused
}

// PageLocation is one entry of an offset index.
type PageLocation struct {
	Offset         int64
	CompressedSize int32 // header included
	FirstRow       int64
}

// OffsetIndex of a chunk.
type OffsetIndex struct {
	Pages                   []PageLocation
	UnencodedByteArrayBytes []int64
}

// BoundaryOrder of a column index.
type BoundaryOrder int32

// The boundary orders.
const (
	Unordered BoundaryOrder = iota
	Ascending
	Descending
)

// ColumnIndex of a chunk: one element a page.
type ColumnIndex struct {
	NullPages         []bool
	Min, Max          [][]byte
	Order             BoundaryOrder
	NullCounts        []int64 // nil if absent
	RepLevelHistogram []int64
	DefLevelHistogram []int64
	NaNCounts         []int64 // nil if absent
}

// BloomFilterHeader precedes a bloom filter's bitset. Only the split block
// algorithm with XXH64, uncompressed, is defined; Known says that it is that.
type BloomFilterHeader struct {
	NumBytes int32
	Known    bool
}
