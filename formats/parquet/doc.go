// Package parquet reads and writes Parquet files (format 2.14) straight to and
// from Arrow record batches.
//
//	file.go  Tail ─► footer ─► internal/meta (Thrift) ─► internal/schema (Arrow ◄► levels)
//	plan.go  filter ─► stats.go (row groups) ─► bloom ─► splits, one a row group
//	rowgroup.go  split ─► index.go (pages) ─► pages.go (windows ─► pages) ─► leaf.go (levels, values) ─► assemble.go ─► batch
//	sink.go  batch ─► shred.go (levels) ─► writecolumn.go (pages, dictionaries, bounds) ─► row groups, indexes, footer ─► Commit
//
// Package parquet/variant is the VARIANT encoding. A row group is streamed page
// by page and never in memory whole; filter columns are decoded first, the others
// only where rows survive.
//
// # Parquet to Arrow
//
//	BOOLEAN, INT32, INT64, FLOAT, DOUBLE   bool, int32, int64, float32, float64
//	BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY(n)    binary, fixed_size_binary[n]
//	INT96                                  timestamp[ns], or us, ms, or the exact decimal: Options.Int96
//	STRING; JSON                           utf8 (verified); with the extension name arrow.json
//	ENUM, BSON, INTERVAL                   binary, binary, fixed_size_binary[12]
//	INTEGER(8…64, signed or not)           int8 … uint64
//	DECIMAL(p, s)                          decimal128 up to 38 digits, decimal256 up to 76; values of wider ones that fit
//	FLOAT16; UUID                          float16; fixed_size_binary[16] with arrow.uuid
//	DATE; TIME; TIMESTAMP                  date32; time32[ms], time64[us, ns]; timestamp, of UTC where adjusted to it
//	LIST, MAP, their legacy forms          list, map (repeated keys kept); a map without values is a list of keys
//	a repeated field without either        list of what is repeated, never null
//	VARIANT                                its struct with arrow.parquet.variant, re-assembled, or JSON: Options.Variant
//	GEOMETRY, GEOGRAPHY                    binary (WKB) with geoarrow.wkb
//	UNKNOWN                                null
//	FILE, other groups                     struct
//
// The legacy converted types mean the same. A logical type that is not known
// leaves the physical one. Where the file stores its Arrow schema (ARROW:schema)
// the types that it names are restored: views, large and run-end encoded ones,
// dictionaries, time zones, durations, fixed-size lists. A field's id becomes the
// metadata PARQUET:field_id.
//
// # Arrow to Parquet
//
// Every type but unions, structs of no field and fixed_size_binary[0], by the
// table read backwards, with the legacy type beside the logical one where the
// format knows one. Timestamps are written in their own unit, but seconds as
// milliseconds and nanoseconds as microseconds unless WriteOptions.TimestampUnit
// says another; a value that does not fit exactly is arrowio.ErrCast. Types that
// Parquet has no name for come back through ARROW:schema.
//
// # Limits
//
// Nesting to 256 levels, pages to 2 GiB; a page
// larger than the byte budget is arrowio.ErrLimit. Encryption numbers row groups,
// columns and pages to 32,767. External column files are read within the file's
// own folder. Statistics of INT96, and of orders that are not known, are ignored.
// Geospatial statistics are not computed.
package parquet
