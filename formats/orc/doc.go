// Package orc reads Apache ORC files, straight to Arrow record batches.
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
// # Limits
//
// A map with a null key is arrowio.ErrUnsupported, since Arrow's maps have none,
// and so is a union of more than 127 types. One batch holds at most 2 GiB of one
// column's strings.
package orc
