package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/oracle"
)

// generated is a file that no writer of today makes, and what it holds.
type generated struct {
	name      string
	raw       []byte
	elsewhere map[string][]byte // external column files
	typ       string            // of the first column; "" is not compared
	want      []string          // the first column
	lacks     string            // of the oracles, which do not read it: "pyarrow", "arrow-go"
}

// file makes a file of one top-level column.
func generate(name, typ string, s rawSchema, rows int, c rawChunk, want ...string) generated {
	f := rawFile{roots: 1, schema: s, groups: []rawGroup{{int64(rows), []rawChunk{c}}}}
	g := generated{name: name, typ: typ, want: want}
	g.raw, g.elsewhere = f.bytes()
	return g
}

const (
	req, opt, repeated = meta.Required, meta.Optional, meta.Repeated
)

var (
	isList  = annotated(meta.LogicalType{Kind: meta.LogicalList})
	isMap   = annotated(meta.LogicalType{Kind: meta.LogicalMap})
	oldList = legacy(meta.ConvertedList)
	oldMap  = legacy(meta.ConvertedMap)
	oldKV   = legacy(meta.ConvertedMapKeyValue)
	text    = legacy(meta.ConvertedUTF8)
)

// nested is a chunk of one page of given levels.
func nested(maxRep, maxDef int, rep, def []int16, levels meta.Encoding, values []byte) rawChunk {
	return rawChunk{levels: int64(len(def)), pages: []rawPage{dataPage(rep, def, maxRep, maxDef, levels, meta.Plain, len(def), values)}}
}

// generatedLists are lists in each form of LogicalTypes.md, "Lists",
// "Backward-compatibility rules". The rows are null where the list can be, [],
// [1, 2], and [3, null] where elements can be.
func generatedLists() (out []generated) {
	i32 := func(name string, rep meta.Repetition) meta.SchemaElement { return leafOf(name, rep, meta.Int32) }
	for _, ann := range []struct {
		name string
		mark func(e *meta.SchemaElement)
	}{{"LIST", isList}, {"old LIST", oldList}} {
		three := func(name, group, elem string, rep meta.Repetition, typ string, def []int16, want ...string) {
			s := rawSchema{groupOf("l", opt, 1, ann.mark), groupOf(group, repeated, 1), i32(elem, rep)}
			most := 2
			if rep == opt {
				most = 3
			}
			out = append(out, generate(ann.name+": "+name, typ, s, len(want), nested(1, most, []int16{0, 0, 0, 1, 0, 1}[:len(def)], def, meta.RLE, i32s(1, 2, 3)[:4*len(want)-4]), want...))
		}
		elements := "list<element: int32, nullable>"
		three("three levels, optional", "list", "element", opt, elements, []int16{0, 1, 3, 3, 3, 2}, "null", "[]", "[1,2]", "[3,null]")
		three("rule 5, other names", "element", "str", opt, elements, []int16{0, 1, 3, 3, 3, 2}, "null", "[]", "[1,2]", "[3,null]")
		three("three levels, required", "bag", "array_element", req, "list<element: int32>", []int16{0, 1, 2, 2}, "null", "[]", "[1,2]")
		three("rule 4, array", "array", "x", req, "list<element: struct<x: int32>>", []int16{0, 1, 2, 2}, "null", "[]", "[(1),(2)]")
		three("rule 4, _tuple", "l_tuple", "x", req, "list<element: struct<x: int32>>", []int16{0, 1, 2, 2}, "null", "[]", "[(1),(2)]")
		out = append(out,
			generate(ann.name+": rule 1, no group", "list<element: int32>", rawSchema{groupOf("l", opt, 1, ann.mark), i32("element", repeated)}, 3,
				nested(1, 2, []int16{0, 0, 0, 1}, []int16{0, 1, 2, 2}, meta.RLE, i32s(1, 2)), "null", "[]", "[1,2]"),
			generate(ann.name+": rule 3, list of lists", "list<element: list<element: int32>>", rawSchema{groupOf("l", opt, 1, ann.mark), groupOf("array", repeated, 1, ann.mark), i32("array", repeated)}, 4,
				nested(2, 3, []int16{0, 0, 0, 0, 2, 1}, []int16{0, 1, 2, 3, 3, 3}, meta.RLE, i32s(1, 2, 3)), "null", "[]", "[[]]", "[[1,2],[3]]"),
			generate(ann.name+": rule 3, no annotation inside", "list<element: struct<x: list<element: int32>>>", rawSchema{groupOf("l", opt, 1, ann.mark), groupOf("array", repeated, 1), i32("x", repeated)}, 4,
				nested(2, 3, []int16{0, 0, 0, 0, 2, 1}, []int16{0, 1, 2, 3, 3, 3}, meta.RLE, i32s(1, 2, 3)), "null", "[]", "[([])]", "[([1,2]),([3])]"),
		)
		out[len(out)-2].lacks = "arrow-go" // which makes it a list of structs of lists
		// Rule 2: two leaves.
		f := rawFile{roots: 1, schema: rawSchema{groupOf("l", opt, 1, ann.mark), groupOf("element", repeated, 2), leafOf("s", req, meta.ByteArray, text), i32("n", opt)}}
		f.groups = []rawGroup{{3, []rawChunk{
			nested(1, 2, []int16{0, 0, 0, 1}, []int16{0, 1, 2, 2}, meta.RLE, byteArrays("a", "b")),
			nested(1, 3, []int16{0, 0, 0, 1}, []int16{0, 1, 3, 2}, meta.RLE, i32s(7)),
		}}}
		g := generated{name: ann.name + ": rule 2, several fields", typ: "list<element: struct<s: utf8, n: int32 nullable>>", want: []string{"null", "[]", "[(1:a,7),(1:b,null)]"}}
		g.raw, _ = f.bytes()
		out = append(out, g)
	}
	return append(out,
		generate("repeated leaf", "list<element: int32>", rawSchema{i32("l", repeated)}, 3, nested(1, 1, []int16{0, 0, 1, 0}, []int16{0, 1, 1, 1}, meta.RLE, i32s(1, 2, 3)), "[]", "[1,2]", "[3]"),
		generate("repeated group", "list<element: struct<x: int32 nullable>>", rawSchema{groupOf("l", repeated, 1), i32("x", opt)}, 3,
			nested(1, 2, []int16{0, 0, 1, 0}, []int16{0, 2, 1, 2}, meta.RLE, i32s(1, 3)), "[]", "[(1),(null)]", "[(3)]"),
	)
}

// generatedMaps are maps in each form of LogicalTypes.md, "Maps".
func generatedMaps() (out []generated) {
	for _, f := range []struct {
		name         string
		outer, inner func(e *meta.SchemaElement)
		group        string
		key, value   string
	}{
		{"MAP", isMap, nil, "key_value", "key", "value"},
		{"old MAP over MAP_KEY_VALUE", oldMap, oldKV, "map", "str", "num"},
		{"MAP_KEY_VALUE in place of MAP", oldKV, nil, "map", "key", "value"},
		{"MAP with other names", isMap, nil, "entries", "k", "v"},
	} {
		group := groupOf(f.group, repeated, 2)
		if f.inner != nil {
			f.inner(&group)
		}
		m := rawFile{roots: 1, schema: rawSchema{groupOf("m", opt, 1, f.outer), group, leafOf(f.key, req, meta.ByteArray, text), leafOf(f.value, opt, meta.Int32)}}
		m.groups = []rawGroup{{3, []rawChunk{
			nested(1, 2, []int16{0, 0, 0, 1}, []int16{0, 1, 2, 2}, meta.RLE, byteArrays("a", "b")),
			nested(1, 3, []int16{0, 0, 0, 1}, []int16{0, 1, 3, 2}, meta.RLE, i32s(7)),
		}}}
		g := generated{name: f.name, typ: "map<utf8, int32, items_nullable>", want: []string{"null", "[]", "[(1:a,7),(1:b,null)]"}}
		g.raw, _ = m.bytes()
		out = append(out, g)
	}
	return append(out, generate("MAP of keys alone", "list<element: utf8>", rawSchema{groupOf("m", opt, 1, isMap), groupOf("key_value", repeated, 1), leafOf("key", req, meta.ByteArray, text)}, 3,
		nested(1, 2, []int16{0, 0, 0, 1}, []int16{0, 1, 2, 2}, meta.RLE, byteArrays("a", "b")), "null", "[]", "[1:a,1:b]"))
}

// generatedPages are forms of pages and chunks.
func generatedPages() (out []generated) {
	// Deprecated BIT_PACKED levels, of one to three bits.
	s := rawSchema{leafOf("a", opt, meta.Int32)}
	var def []int16
	var values []int32
	var want []string
	for i := range 21 {
		if d := int16((i * 5 % 3) & 1); true {
			def = append(def, d)
			if d == 1 {
				values, want = append(values, int32(i)), append(want, fmt.Sprint(i))
			} else {
				want = append(want, "null")
			}
		}
	}
	out = append(out, generate("BIT_PACKED definition levels", "int32", s, 21, nested(0, 1, nil, def, meta.BitPacked, i32s(values...)), want...))
	list := rawSchema{groupOf("l", opt, 1, isList), groupOf("list", repeated, 1), groupOf("element", opt, 1, isList), groupOf("list", repeated, 1), leafOf("element", opt, meta.Int32)}
	out = append(out, generate("BIT_PACKED levels of two and three bits", "", list, 5,
		nested(2, 5, []int16{0, 0, 0, 0, 2, 1, 1, 0, 2}, []int16{0, 1, 2, 5, 4, 3, 5, 5, 5}, meta.BitPacked, i32s(1, 2, 3, 4)),
		"null", "[]", "[null]", "[[1,null],[],[2]]", "[[3,4]]"))

	for i := range out { // both take the first level from the least significant bit, against Encodings.md and parquet-java
		out[i].lacks = "pyarrow arrow-go"
	}

	// A row that goes on in the next page, as pages v1 may without an index.
	split := rawChunk{levels: 6, pages: []rawPage{
		dataPage([]int16{0, 0, 1}, []int16{2, 3, 3}, 1, 3, meta.RLE, meta.Plain, 3, i32s(1, 2)),
		dataPage([]int16{1, 1}, []int16{3, 3}, 1, 3, meta.RLE, meta.Plain, 2, i32s(3, 4)),
		dataPage([]int16{0}, []int16{0}, 1, 3, meta.RLE, meta.Plain, 1, nil),
	}}
	out = append(out, generate("a row over two pages", "", rawSchema{groupOf("l", opt, 1, isList), groupOf("list", repeated, 1), leafOf("element", opt, meta.Int32)}, 3, split, "[null]", "[1,2,3,4]", "null"))

	// Index pages hold nothing that is read.
	index := rawPage{h: meta.PageHeader{Type: meta.IndexPage}, body: []byte("index")}
	c := flatColumn(2, i32s(5, 6))
	c.pages = append([]rawPage{index}, c.pages...)
	c.pages = append(c.pages, index, flatColumn(1, i32s(7)).pages[0])
	c.levels = 3
	g := generate("index pages", "int32", rawSchema{leafOf("a", req, meta.Int32)}, 3, c, "5", "6", "7")
	g.lacks = "arrow-go"
	out = append(out, g)

	// Dictionaries: of PLAIN_DICTIONARY, with and without an offset of its own,
	// and pages of data that fall back to PLAIN.
	for _, hide := range []bool{false, true} {
		dict := rawPage{h: meta.PageHeader{Type: meta.DictionaryPage, NumValues: 2, Encoding: meta.PlainDictionary}, body: byteArrays("x", "yy")}
		idx := encoding.AppendHybrid([]byte{1}, []uint32{1, 0, 1}, 1)
		c := rawChunk{levels: 4, hideDict: hide, pages: []rawPage{dict,
			dataPage(nil, nil, 0, 0, meta.RLE, meta.PlainDictionary, 3, idx),
			dataPage(nil, nil, 0, 0, meta.RLE, meta.Plain, 1, byteArrays("z")),
		}}
		out = append(out, generate(fmt.Sprintf("PLAIN_DICTIONARY, its offset hidden: %v", hide), "utf8", rawSchema{leafOf("a", req, meta.ByteArray, text)}, 4, c, "2:yy", "1:x", "2:yy", "1:z"))
	}

	// Booleans in BIT_PACKED, which no other reader here takes.
	b := rawChunk{levels: 10, pages: []rawPage{dataPage(nil, nil, 0, 0, meta.RLE, meta.BitPacked, 10, []byte{0b1010_0000, 0b0100_0000})}}
	g = generate("BIT_PACKED booleans", "bool", rawSchema{leafOf("a", req, meta.Boolean)}, 10, b, words("true false true false false false false false false true")...)
	g.lacks = "pyarrow arrow-go"
	out = append(out, g)

	// ALP, which the other readers here do not have.
	alp := rawChunk{levels: 3, pages: []rawPage{dataPage(nil, nil, 0, 0, meta.RLE, meta.ALP, 3, encoding.AppendALP64(nil, []float64{1.5, -2.25, 1e300}))}}
	g = generate("ALP", "float64", rawSchema{leafOf("a", req, meta.Double)}, 3, alp, "d3ff8000000000000", "dc002000000000000", "d7e37e43c8800759c")
	g.lacks = "pyarrow arrow-go"
	out = append(out, g)

	// A column kept in another file.
	ext := flatColumn(3, i32s(7, 8, 9))
	ext.elsewhere = "part/a.bin"
	g = generate("external column file", "int32", rawSchema{leafOf("a", req, meta.Int32)}, 3, ext, "7", "8", "9")
	g.lacks = "pyarrow arrow-go"
	out = append(out, g)

	// Pages and row groups of nothing.
	empty := rawFile{roots: 1, schema: rawSchema{leafOf("a", req, meta.Int32)}, groups: []rawGroup{
		{0, []rawChunk{flatColumn(0, nil)}}, {2, []rawChunk{{levels: 2, pages: []rawPage{flatColumn(0, nil).pages[0], flatColumn(2, i32s(1, 2)).pages[0], flatColumn(0, nil).pages[0]}}}}, {0, []rawChunk{flatColumn(0, nil)}},
	}}
	g = generated{name: "empty pages and row groups", typ: "int32", want: words("1 2"), lacks: "pyarrow arrow-go"}
	g.raw, _ = empty.bytes()
	out = append(out, g)
	g = generated{name: "no row group", typ: "int32"}
	g.raw, _ = rawFile{roots: 1, schema: rawSchema{leafOf("a", req, meta.Int32)}}.bytes()
	return append(out, g)
}

// twos is a number in two's complement of n bytes.
func twos(v *big.Int, n int) string {
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	return string(v.FillBytes(make([]byte, n)))
}

// generatedDecimals are decimals of each physical type, up to 76 digits, in as
// many bytes as there are need and in more.
func generatedDecimals() (out []generated) {
	extremes := func(p int32) (v []*big.Int, want []string) {
		most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(p)), nil)
		most.Sub(most, big.NewInt(1))
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(p/2)), nil)
		for _, x := range []*big.Int{most, new(big.Int).Neg(most), big.NewInt(0), big.NewInt(-1), big.NewInt(1)} {
			v, want = append(v, x), append(want, new(big.Rat).SetFrac(x, scale).FloatString(int(p/2)))
		}
		return v, want
	}
	for _, p := range []int32{1, 9, 18, 19, 38, 39, 57, 75, 76} {
		values, want := extremes(p)
		typ := fmt.Sprintf("decimal(%d, %d)", p, p/2)
		if p > 38 {
			typ = strings.Replace(typ, "decimal", "decimal256", 1)
		}
		least := (values[0].BitLen() + 8) / 8
		for _, n := range []int{least, least + 3} {
			var plain []byte
			for _, v := range values {
				plain = append(plain, twos(v, n)...)
			}
			g := generate(fmt.Sprintf("decimal of %d digits in %d fixed bytes", p, n), typ, rawSchema{leafOf("d", req, meta.FixedLenByteArray, decimalOf(p, p/2), ofLength(n))}, len(values), flatColumn(len(values), plain), want...)
			if n > 32 || n > 16 && p <= 38 {
				g.lacks = "pyarrow arrow-go" // more bytes than the number has
			}
			out = append(out, g)
		}
		var arrays []string
		for _, v := range values {
			arrays = append(arrays, twos(v, (v.BitLen()+8)/8))
		}
		out = append(out, generate(fmt.Sprintf("decimal of %d digits in byte arrays", p), typ, rawSchema{leafOf("d", req, meta.ByteArray, decimalOf(p, p/2))}, len(values), flatColumn(len(values), byteArrays(arrays...)), want...))
		if p <= 9 {
			var v32 []int32
			for _, v := range values {
				v32 = append(v32, int32(v.Int64()))
			}
			out = append(out, generate(fmt.Sprintf("decimal of %d digits in INT32", p), typ, rawSchema{leafOf("d", req, meta.Int32, decimalOf(p, p/2))}, len(values), flatColumn(len(values), i32s(v32...)), want...))
		}
		if p <= 18 {
			var v64 []int64
			for _, v := range values {
				v64 = append(v64, v.Int64())
			}
			out = append(out, generate(fmt.Sprintf("decimal of %d digits in INT64", p), typ, rawSchema{leafOf("d", req, meta.Int64, decimalOf(p, p/2))}, len(values), flatColumn(len(values), i64s(v64...)), want...))
		}
	}
	return out
}

// generatedTypes are legacy converted types and logical types, each on its
// physical type.
func generatedTypes() (out []generated) {
	one := func(name, typ string, t meta.Type, plain []byte, want []string, change ...func(e *meta.SchemaElement)) {
		out = append(out, generate(name, typ, rawSchema{leafOf("a", req, t, change...)}, len(want), flatColumn(len(want), plain), want...))
	}
	kind := func(k meta.LogicalKind) func(e *meta.SchemaElement) {
		return annotated(meta.LogicalType{Kind: k, Algorithm: -1})
	}
	when := func(k meta.LogicalKind, u meta.TimeUnit, utc bool) func(e *meta.SchemaElement) {
		return annotated(meta.LogicalType{Kind: k, Unit: u, UTC: utc})
	}
	ints := i32s(-1, 0, 7)
	one("INT_8", "int8", meta.Int32, ints, words("-1 0 7"), legacy(meta.ConvertedInt8))
	one("INT_16", "int16", meta.Int32, ints, words("-1 0 7"), legacy(meta.ConvertedInt16))
	one("INT_32", "int32", meta.Int32, ints, words("-1 0 7"), legacy(meta.ConvertedInt32))
	one("INT_64", "int64", meta.Int64, i64s(-1, 0, 7), words("-1 0 7"), legacy(meta.ConvertedInt64))
	one("UINT_8", "uint8", meta.Int32, i32s(255, 0), words("255 0"), legacy(meta.ConvertedUint8))
	one("UINT_16", "uint16", meta.Int32, i32s(65535, 0), words("65535 0"), legacy(meta.ConvertedUint16))
	one("UINT_32", "uint32", meta.Int32, i32s(-1, 0), words("4294967295 0"), legacy(meta.ConvertedUint32))
	one("UINT_64", "uint64", meta.Int64, i64s(-1, 0), words("18446744073709551615 0"), legacy(meta.ConvertedUint64))
	one("DATE", "date32", meta.Int32, i32s(-1, 19000), words("-1 19000"), legacy(meta.ConvertedDate))
	one("TIME_MILLIS", "time32[ms]", meta.Int32, i32s(0, 86399999), words("0 86399999000000"), legacy(meta.ConvertedTimeMillis))
	one("TIME_MICROS", "time64[us]", meta.Int64, i64s(0, 86399999999), words("0 86399999999000"), legacy(meta.ConvertedTimeMicros))
	one("TIMESTAMP_MILLIS", "timestamp[ms, tz=UTC]", meta.Int64, i64s(-1, 1), words("-1000000 1000000"), legacy(meta.ConvertedTimestampMs))
	one("TIMESTAMP_MICROS", "timestamp[us, tz=UTC]", meta.Int64, i64s(-1, 1), words("-1000 1000"), legacy(meta.ConvertedTimestampUs))
	one("UTF8", "utf8", meta.ByteArray, byteArrays("é", ""), []string{"2:é", "0:"}, text)
	one("ENUM", "binary", meta.ByteArray, byteArrays("A"), []string{"1:A"}, legacy(meta.ConvertedEnum))
	one("JSON", "utf8", meta.ByteArray, byteArrays("{}"), []string{"2:{}"}, legacy(meta.ConvertedJSON))
	one("BSON", "binary", meta.ByteArray, byteArrays("\x05\x00\x00\x00\x00"), []string{"5:\x05\x00\x00\x00\x00"}, legacy(meta.ConvertedBSON))
	one("INTERVAL", "fixed_size_binary[12]", meta.FixedLenByteArray, []byte("abcdefghijkl"), []string{"12:abcdefghijkl"}, legacy(meta.ConvertedInterval), ofLength(12))

	for _, utc := range []bool{false, true} {
		zone := ""
		if utc {
			zone = ", tz=UTC"
		}
		one(fmt.Sprintf("TIME millis, UTC %v", utc), "time32[ms]", meta.Int32, i32s(1), words("1000000"), when(meta.LogicalTime, meta.Millis, utc))
		one(fmt.Sprintf("TIME micros, UTC %v", utc), "time64[us]", meta.Int64, i64s(1), words("1000"), when(meta.LogicalTime, meta.Micros, utc))
		one(fmt.Sprintf("TIME nanos, UTC %v", utc), "time64[ns]", meta.Int64, i64s(1), words("1"), when(meta.LogicalTime, meta.Nanos, utc))
		one(fmt.Sprintf("TIMESTAMP millis, UTC %v", utc), "timestamp[ms"+zone+"]", meta.Int64, i64s(1), words("1000000"), when(meta.LogicalTimestamp, meta.Millis, utc))
		one(fmt.Sprintf("TIMESTAMP micros, UTC %v", utc), "timestamp[us"+zone+"]", meta.Int64, i64s(1), words("1000"), when(meta.LogicalTimestamp, meta.Micros, utc))
		one(fmt.Sprintf("TIMESTAMP nanos, UTC %v", utc), "timestamp[ns"+zone+"]", meta.Int64, i64s(1), words("1"), when(meta.LogicalTimestamp, meta.Nanos, utc))
	}
	one("UUID", "fixed_size_binary[16]", meta.FixedLenByteArray, []byte("0123456789abcdef"), []string{"16:0123456789abcdef"}, kind(meta.LogicalUUID), ofLength(16))
	one("FLOAT16", "float16", meta.FixedLenByteArray, []byte{0x00, 0x3e, 0x00, 0xfc}, words("f3fc00000 fff800000"), kind(meta.LogicalFloat16), ofLength(2))
	one("GEOMETRY", "binary", meta.ByteArray, byteArrays("wkb"), []string{"3:wkb"}, kind(meta.LogicalGeometry))
	one("GEOGRAPHY", "binary", meta.ByteArray, byteArrays("wkb"), []string{"3:wkb"}, kind(meta.LogicalGeography))

	// UNKNOWN on any physical type: nothing but nulls.
	for _, t := range []meta.Type{meta.Boolean, meta.Int32, meta.Int64, meta.Int96, meta.Float, meta.Double, meta.ByteArray, meta.FixedLenByteArray} {
		s := rawSchema{leafOf("a", opt, t, kind(meta.LogicalUnknown), ofLength(3))}
		out = append(out, generate("UNKNOWN on "+t.String(), "null", s, 2, nested(0, 1, nil, []int16{0, 0}, meta.RLE, nil), words("null null")...))
	}

	// INT96: 1970-01-01 is day 2440588.
	var int96 []byte
	for _, v := range [][2]int64{{0, 2440588}, {1, 2440588}, {86399999999999, 2440587}} {
		int96 = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(int96, uint64(v[0])), uint32(v[1]))
	}
	one("INT96", "timestamp[ns]", meta.Int96, int96, words("0 1 -1"))

	// A logical type of the future, and one of today: a FILE is a group.
	one("a logical type that is not known", "int32", meta.Int32, ints, words("-1 0 7"), kind(99))
	out[len(out)-1].lacks = "arrow-go"
	f := rawFile{roots: 1, schema: rawSchema{groupOf("f", opt, 2, kind(meta.LogicalFile)), leafOf("path", opt, meta.ByteArray, text), leafOf("size", opt, meta.Int64)}}
	f.groups = []rawGroup{{2, []rawChunk{nested(0, 2, nil, []int16{2, 0}, meta.RLE, byteArrays("a/b")), nested(0, 2, nil, []int16{1, 0}, meta.RLE, nil)}}}
	g := generated{name: "FILE", typ: "struct<path: utf8 nullable, size: int64 nullable>", want: []string{"(3:a/b,null)", "null"}, lacks: "pyarrow arrow-go"}
	g.raw, _ = f.bytes()
	return append(out, g)
}

func generatedFiles() (out []generated) {
	out = append(out, generatedLists()...)
	out = append(out, generatedMaps()...)
	out = append(out, generatedPages()...)
	out = append(out, generatedDecimals()...)
	return append(out, generatedTypes()...)
}

// TestGenerated reads the forms that no file of the corpus has.
func TestGenerated(t *testing.T) {
	for _, g := range generatedFiles() {
		t.Run(g.name, func(t *testing.T) {
			o := Options{Sibling: func(_ context.Context, path string) (fs.File, error) {
				raw, ok := g.elsewhere[path]
				if !ok {
					return nil, fs.ErrNotExist
				}
				fsys, name := inMemory(t, raw)
				return fsys.Open(context.Background(), name, fs.OpenOptions{})
			}}
			rd, err := openBytes(t, g.raw, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := rd.Schema().Field(0).Type.String(); g.typ != "" && got != g.typ {
				t.Errorf("type %s, want %s", got, g.typ)
			}
			got, err := scanText(rd, arrowio.ScanRequest{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range got { // Text ends each value
				got[i] = strings.TrimSuffix(got[i], "\x1f")
			}
			compareColumns(t, g.name, g.want, got)
			for n := range got { // in batches of one row and more, the same
				rd, err := openBytes(t, g.raw, o)
				if err != nil {
					t.Fatal(err)
				}
				rr, err := arrowiotest.ReadSplits(context.Background(), rd, arrowio.ScanRequest{}, arrowio.ReadOptions{BatchRows: n + 1}, rd.Close)
				if err != nil {
					t.Fatal(err)
				}
				var pieces []string
				for rr.Next() {
					pieces = append(pieces, arrowiotest.ColumnText(rr.RecordBatch().Column(0))...)
				}
				if err := rr.Close(); err != nil {
					t.Fatal(err)
				}
				compareColumns(t, fmt.Sprintf("%s in batches of %d", g.name, n+1), g.want, pieces)
			}
		})
	}
}

// TestGeneratedByOthers holds the expectations of the generated files against
// what pyarrow and arrow-go read, where they can.
func TestGeneratedByOthers(t *testing.T) {
	py := oracle.Python(t, "that pyarrow reads the generated files alike is")
	dir := t.TempDir()
	files := generatedFiles()
	at := func(i int) string { return filepath.Join(dir, fmt.Sprintf("g%03d", i)) }
	for i, g := range files {
		write(t, at(i)+".parquet", g.raw)
	}
	oracle.Run(t, py, readBack, dir)
	read := map[string]int{}
	for i, g := range files {
		t.Run(g.name, func(t *testing.T) {
			compare := func(who string, got []string, err error) {
				lacks := strings.Contains(g.lacks, who)
				if err != nil {
					if !lacks {
						t.Errorf("%s: %v", who, err)
					}
					read["not "+who]++
					return
				}
				read[who]++
				if fmt.Sprint(got) != fmt.Sprint(g.want) {
					if !lacks {
						t.Errorf("%s reads %v, want %v", who, got, g.want)
					}
				} else if lacks {
					t.Errorf("%s reads it now", who)
				}
			}
			var cols [][]string
			raw, err := os.ReadFile(at(i) + ".pyarrow.arrow")
			if err == nil {
				cols, err = readIPC(raw)
			} else if msg, rerr := os.ReadFile(at(i) + ".pyarrow.err"); rerr == nil {
				err = errors.New(string(msg))
			}
			if err != nil {
				compare("pyarrow", nil, err)
			} else {
				compare("pyarrow", cols[0], nil)
			}
			got, err := columnByArrowGo(g.raw, 0)
			compare("arrow-go", got, err)
		})
	}
	t.Log(read)
	if n := len(files); read["pyarrow"] < n*4/5 || read["arrow-go"] < n*3/4 {
		t.Errorf("of %d files: %v", n, read)
	}
}

func columnByArrowGo(raw []byte, column int) (_ []string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	rd, err := file.NewParquetReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	ar, err := pqarrow.NewFileReader(rd, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	tab, err := ar.ReadTable(context.Background())
	if err != nil {
		return nil, err
	}
	defer tab.Release()
	return arrowiotest.ColumnText(tab.Column(column).Data().Chunks()...), nil
}
