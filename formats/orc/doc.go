// Package orc reads and writes Apache ORC files, straight to and from Arrow
// record batches.
//
//	Tail ─► postscript, footer ─► Schema ─► Plan: a split a stripe, pruned by statistics
//	split ─► stripe footer ─► row index, bloom filters ─► row groups ─► filter columns ─► the others ─► batch
//	stream ─► window ─► chunk (decrypt, decompress) ─► run lengths ─► Arrow buffers
//
// # Types
//
//	ORC                              Arrow
//	boolean                          bool
//	tinyint smallint int bigint      int8 int16 int32 int64
//	float double                     float32 float64
//	string varchar(n) char(n)        utf8, as stored
//	binary                           binary
//	date                             date32, as stored
//	decimal(p,s)                     decimal128(p,s); of Hive 0.11 (without p): decimal128(38,18)
//	timestamp                        timestamp[ns]: what the clock showed in the writer's zone
//	timestamp with local time zone   timestamp[ns, UTC]
//	array<t>                         list<item: t>
//	map<k,v>                         map<k,v>
//	struct<…>                        struct<…>
//	uniontype<…>                     dense_union<…>; a null is a null of the first type
//	geometry                         binary with the metadata of geoarrow.wkb
//
// A timestamp column whose statistics reach beyond 64 bits of nanoseconds is
// timestamp[us] (option timestamp: ns, us, ms, s, exact), or decimal128(38,0) of
// nanoseconds where they show that these would not do. A value that does not
// fit, or is between two units, is an error wrapping arrowio.ErrCast, never
// another value. Days and seconds are given as they are stored, whichever
// calendar the writer counted dates before 1582 in; which one the footer says is
// told by Meta.Writer.
//
// A root that is no struct is one column named value. The attributes of a type
// are the field's metadata, the user's metadata that of the schema.
//
// # Types, written
//
//	Arrow                                 ORC
//	bool; null                            boolean; boolean, all null
//	int8 int16 int32 int64                tinyint smallint int bigint
//	uint8 uint16 uint32; uint64           smallint int bigint; decimal(20,0)
//	float16 float32; float64              float; double
//	date32, date64 (whole days)           date
//	time32, interval of months            int, of the unit
//	time64, duration                      bigint, of the unit
//	timestamp; timestamp with a zone      timestamp, of a writer in UTC; timestamp with local time zone
//	decimal of at most 38 digits          decimal(p,s)
//	utf8, large and view                  string; char(n), varchar(n) by the field's metadata ORC:type
//	binary, large, view, of fixed size    binary
//	lists of all kinds; map; struct       array; map; struct
//	unions of both modes                  uniontype, in the order of the members
//	dictionary, run-end encoded           what their values are
//
// The Arrow schema is stored in the user's metadata, under ARROW:schema, and
// columns come back as it says where the file has just what it would be written
// as; without it (option arrow-schema) as the first table says. Intervals of
// days, decimals of more digits and those of a negative scale are refused.
//
// The file is of version 0.12, its calendar the proleptic Gregorian, its writer
// none of the registered ones. Integers are encoded as Java's writer does. A
// string column has a sorted dictionary in a stripe where its distinct values
// are at most 0.8 of them, judged once 10,000 values are there. The default
// codec is zstd, as of Java's writer since 2.0.
//
// # Limits
//
// ORC has no timestamps from the first millisecond of 1969-12-31T23:59:59 on to
// the end of that second: readers take a second off those that are negative, and
// cannot tell these. They are arrowio.ErrCast when written.
//
// A map with a null key is arrowio.ErrUnsupported, since Arrow's maps have none,
// and so is a union of more than 127 types. One batch holds at most 2 GiB of one
// column's strings. ORC is not written encrypted.
package orc
