// Package variant re-assembles Parquet VARIANT values: semi-structured data in
// the binary encoding of VariantEncoding.md, whole or shredded into typed
// columns by VariantShredding.md.
//
//	struct<metadata, value?, typed_value?> ─► Assemble ─► struct<metadata, value> ─► AppendJSON
//
// A scan gives a VARIANT column as its storage unless the reader is told to
// assemble it. Everything here reads untrusted bytes: lengths, offsets and
// depth are checked, and what breaks the encoding is an error wrapping
// [ErrInvalid].
package variant

import "errors"

// ErrInvalid is a value or a metadata dictionary that breaks the encoding, or a
// shredded group that contradicts itself.
var ErrInvalid = errors.New("invalid variant")

// maxDepth bounds nesting, which recursion follows.
const maxDepth = 512

// Basic types: the low two bits of a value's first byte.
const (
	basicPrimitive = iota
	basicShortString
	basicObject
	basicArray
)

// Primitive types: the high six bits of a primitive's first byte
// (VariantEncoding.md, "Value Data for Primitive Type").
const (
	typeNull = iota
	typeTrue
	typeFalse
	typeInt8
	typeInt16
	typeInt32
	typeInt64
	typeDouble
	typeDecimal4
	typeDecimal8
	typeDecimal16
	typeDate
	typeTimestamp
	typeTimestampNTZ
	typeFloat
	typeBinary
	typeString
	typeTime
	typeTimestampNanos
	typeTimestampNTZNanos
	typeUUID
)
