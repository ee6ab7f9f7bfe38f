// Package avro reads and writes Avro object container files (specification
// 1.12) straight to and from Arrow record batches.
//
//	file.go  header ─► internal/schema (parse, match) ─► internal/program (writer + reader + wanted columns ─► ops)
//	plan.go  stretches of bytes ─► reader.go  blocks.go ─► codec.go ─► program ─► internal/colbuild ─► restore.go ─► batch
//	sink.go  batch ─► encode.go (rows) ─► blocks, compressed ─► Commit          writeschema.go  Arrow ─► Avro schema
//
// Package avro/row decodes single values with the same programs: schemaless
// rows, single-object encoding, Confluent's framing.
//
// A split is a stretch of bytes: it reads the blocks whose preceding sync marker
// begins in it. A projection compiles to skips; a filter is left to the caller;
// a scan of no column adds up the counts in the blocks' headers and decodes
// nothing.
//
// # Avro to Arrow
//
//	null, boolean                     null, bool
//	int, long, float, double          int32, int64, float32, float64
//	bytes, string                     binary, utf8 (verified)
//	fixed(n)                          fixed_size_binary[n]
//	enum                              dictionary<int32, utf8>; -X enum=text: utf8
//	array, map                        list, map<utf8, …> in file order, repeated keys kept
//	record                            struct; the root's fields are the columns
//	another root                      one column "value"
//	union of null and one other type  that type, nullable; the order of the two does not matter
//	wider union                       dense_union, a child a branch, named after its type
//	decimal (bytes, fixed)            decimal128 up to 38 digits, decimal256 up to 76, else the bytes
//	uuid (string; fixed(16))          utf8; fixed_size_binary[16] with the extension name arrow.uuid
//	date                              date32
//	time-millis, time-micros          time32[ms], time64[us]
//	timestamp-{millis,micros,nanos}   timestamp[ms, us, ns] of UTC
//	local-timestamp-…                 timestamp without a zone
//	duration                          month_day_nano_interval; -X duration=bytes: fixed_size_binary[12]
//	big-decimal                       binary
//
// A logical type that is unknown, or invalid where it stands, is ignored, as the
// specification asks. A recursive type is unrolled to -X recursion-depth (8):
// what would be deeper is of type null, and data that is deeper is an error. The
// property "field-id" of a field becomes the metadata PARQUET:field_id.
//
// With a reader's schema (-X schema=JSON, Options.Schema) rows are resolved by
// the specification's rules: promotions, defaults of fields and enums, aliases,
// unions by the branch that was written. Where both schemas name a logical type
// they must agree: an instant in milliseconds is not silently taken for one in
// microseconds.
//
// # Arrow to Avro
//
//	int8, int16, int32, uint8, uint16      int
//	int64, uint32                          long
//	uint64                                 decimal(20, 0) of bytes
//	float16, float32; float64              float; double
//	utf8, binary and their large and view forms   string, bytes
//	fixed_size_binary[n]                   fixed(n); uuid where the extension arrow.uuid says so
//	decimal32 … decimal256                 decimal of bytes; a negative scale is multiplied out
//	date32, date64                         date; a date64 that is no whole day is an error
//	time32, time64[us]; time64[ns]         time-millis, time-micros; long
//	timestamp[s, ms], [us], [ns]           (local-)timestamp-millis, -micros, -nanos; local without a zone
//	duration, month_interval               long, int
//	month_day_nano, day_time interval      record of its parts
//	lists of all kinds                     array
//	map of text keys; of others            map; array of records of key and value
//	struct                                 record, named after its place
//	dictionary, run-end encoded            the values
//	unions                                 union; null is a branch where a child may be null; a type that the
//	                                       union has already, or that is a union, is wrapped in a record
//	nullable field                         union of null and the type, default null
//
// ARROW:schema keeps the Arrow schema in the file's metadata; with it the types
// come back as they were, but for unions, which come back as what Avro makes of
// them. A name that Avro does not allow is rewritten and kept in the property
// "arrow-name", by which we restore it.
//
// # Limits
//
// Memory of a read is a window of the file (up to 4 MiB, or the largest block),
// one decompressed block (1 GiB at most, or the budget) and one batch. Schemas
// nest 256 deep and unroll to 65,536 columns; skipped values nest 10,000 deep.
// A count that the bytes left cannot back is refused before anything is
// allocated. xz blocks are decoded where their filter is LZMA2 alone; bzip2 and
// xz are not written.
package avro
