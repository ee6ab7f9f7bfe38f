package formats

import "github.com/apache/arrow-go/v18/arrow"

// Meta describes one file: what bdcat meta, inspect and stats show.
type Meta struct {
	Format    string
	Version   string
	Writer    string // created by
	Kind      string // "", or what its rows mean: "Hive ACID changes…"
	Size      int64  // bytes of the file
	Footer    int64  // bytes of its footer
	Rows      int64
	Encrypted string // "", or what is encrypted and how
	KeyValues []KeyValue
	Schema    string // the format's own rendering of its schema
	Columns   []ColumnInfo
	Units     []UnitMeta
}

// KeyValue is one entry of a file's user metadata. A key may repeat.
type KeyValue struct{ Key, Value string }

// ColumnInfo is one leaf column.
type ColumnInfo struct {
	Path     string // dotted
	Physical string // INT64, FIXED_LEN_BYTE_ARRAY(16)
	Logical  string // TIMESTAMP(MICROS,UTC); "" if none
	Arrow    arrow.DataType
	MaxDef   int
	MaxRep   int
}

// UnitMeta is a row group, a stripe or a block.
type UnitMeta struct {
	Kind    string // "row group", "stripe", "block"
	Offset  int64
	Bytes   int64 // as stored
	Raw     int64 // uncompressed; -1 if unknown
	Rows    int64
	Sorting string
	Columns []ChunkMeta // parallel to Meta.Columns
}

// ChunkMeta is one column of one unit.
type ChunkMeta struct {
	Codec       string
	Encodings   []string
	Offset      int64
	Bytes       int64
	Raw         int64
	Values      int64       // levels, nulls included; -1 if unknown
	Nulls       int64       // -1 if unknown
	Distinct    int64       // -1 if unknown
	Min, Max    arrow.Array // one element, or nil if unknown
	MinExact    bool
	MaxExact    bool
	Dictionary  bool
	ColumnIndex bool
	OffsetIndex bool
	Bloom       int64 // bytes of its bloom filter; 0 if none, -1 if of unknown size
	Encrypted   bool
	File        string // external file, if any
	KeyValues   []KeyValue
}

// PageMeta is one page (or stream, or block).
type PageMeta struct {
	Kind     string // "dictionary", "data v1", "data v2"
	Offset   int64
	Header   int64 // bytes of the header
	Bytes    int64 // as stored, header excluded
	Raw      int64
	Values   int64 // -1 if unknown
	Nulls    int64 // -1 if unknown
	Rows     int64 // -1 if unknown
	FirstRow int64 // -1 if unknown
	Encoding string
	CRC      string // "ok", "none", "bad"
	Min, Max arrow.Array
}
