package parquet

import (
	"context"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// drainFuzzed reads a file whole: any error is right, a panic is not.
func drainFuzzed(t *testing.T, raw []byte, o Options) {
	rd, err := openBytes(t, raw, o)
	if noPanic(t, err); err != nil {
		return
	}
	rr, err := arrowiotest.ReadSplits(context.Background(), rd, arrowio.ScanRequest{}, arrowio.ReadOptions{BatchRows: 100, Budget: arrowio.NewBudget(64 << 20)}, rd.Close)
	if noPanic(t, err); err != nil {
		return
	}
	for rows := int64(0); rows < 1<<14 && rr.Next(); {
		rec := rr.RecordBatch()
		rows += rec.NumRows()
		for _, c := range rec.Columns() {
			for i := range c.Len() { // offsets that lie out of their children panic here
				_ = c.ValueStr(i)
			}
		}
	}
	noPanic(t, rr.Close())
}

// FuzzLevels reads lists of lists, and a struct beside, from any bytes as
// levels and values, in both page versions and both encodings of levels.
func FuzzLevels(f *testing.F) {
	list := rawSchema{groupOf("l", opt, 1, isList), groupOf("list", repeated, 1), groupOf("element", opt, 2), leafOf("a", opt, meta.Int32), groupOf("b", opt, 1, isList), groupOf("list", repeated, 1), leafOf("element", opt, meta.ByteArray)}
	rep, def := []int16{0, 0, 0, 0, 2, 1, 1, 0, 2}, []int16{0, 1, 2, 6, 5, 4, 6, 6, 3}
	f.Add(uint8(0), uint16(9), levelsOf(rep, 2, meta.RLE), append(levelsOf(def, 6, meta.RLE), byteArrays("a", "b", "c")...))
	f.Add(uint8(1), uint16(9), levelsOf(rep, 2, meta.BitPacked), append(levelsOf(def, 6, meta.BitPacked), byteArrays("a", "b", "c")...))
	f.Add(uint8(2), uint16(9), encoding.AppendHybridLevels(nil, rep, 2), encoding.AppendHybridLevels(nil, def, 3))
	f.Fuzz(func(t *testing.T, kind uint8, count uint16, a, b []byte) {
		body := append(append([]byte{}, a...), b...)
		h := meta.PageHeader{Type: meta.DataPage, NumValues: int32(count), RepEncoding: meta.RLE, DefEncoding: meta.RLE}
		switch kind % 3 {
		case 1:
			h.RepEncoding, h.DefEncoding = meta.BitPacked, meta.BitPacked
		case 2:
			h.Type, h.NumRows, h.NumNulls = meta.DataPageV2, int32(count/2), 1
			h.RepLevelsLen, h.DefLevelsLen = int32(len(a)), int32(len(b))
			body = append(body, byteArrays("a", "b", "c")...)
		}
		c := rawChunk{levels: int64(count), pages: []rawPage{{h, body}}}
		first := nested(1, 3, []int16{0, 0, 0, 1, 1, 0}, []int16{0, 1, 2, 3, 2, 3}, meta.RLE, i32s(1, 2))
		for _, rows := range []int64{4, int64(count)} {
			raw, _ := rawFile{roots: 1, schema: list, groups: []rawGroup{{rows, []rawChunk{first, c}}}}.bytes()
			drainFuzzed(t, raw, Options{})
		}
	})
}

// FuzzVariant re-assembles a shredded Variant from any bytes as metadata and
// residual value, and any levels.
func FuzzVariant(f *testing.F) {
	variant := func(e *meta.SchemaElement) { e.Logical = meta.LogicalType{Kind: meta.LogicalVariant, Version: 1} }
	s := rawSchema{
		groupOf("v", opt, 3, variant), leafOf("metadata", req, meta.ByteArray), leafOf("value", opt, meta.ByteArray),
		groupOf("typed_value", opt, 2),
		groupOf("a", req, 2), leafOf("value", opt, meta.ByteArray), leafOf("typed_value", opt, meta.Int32),
		groupOf("b", req, 2), leafOf("value", opt, meta.ByteArray), groupOf("typed_value", opt, 1, isList), groupOf("list", repeated, 1),
		groupOf("element", req, 2), leafOf("value", opt, meta.ByteArray), leafOf("typed_value", opt, meta.ByteArray, text),
	}
	f.Add([]byte{1, 1, 0, 1, 'c'}, []byte{2, 1, 0, 0, 2, 12, 7}, []byte{2, 2, 3, 3}, uint8(1))
	f.Add([]byte{1, 0, 0}, []byte{0}, []byte{0x0c, 5}, uint8(2))
	f.Add([]byte{0x11, 2, 0, 1, 2, 'a', 'b'}, []byte{3, 1, 0, 2, 12, 7}, []byte{1}, uint8(255))
	f.Fuzz(func(t *testing.T, metadata, value, inner []byte, levels uint8) {
		at := func(bit int, yes, no int16) int16 {
			if levels>>bit&1 != 0 {
				return yes
			}
			return no
		}
		one := func(most int, d int16, b []byte) rawChunk {
			var body []byte
			if int(d) == most {
				body = byteArrays(string(b))
			}
			return nested(0, most, nil, []int16{d}, meta.RLE, body)
		}
		typed := at(0, 2, 1) // whether the object is shredded
		under := func(d int16) int16 { return min(d, typed+9*(typed-1)) }
		number := nested(0, 3, nil, []int16{under(at(2, 3, 2))}, meta.RLE, i32s(42))
		deep := func(most int, d int16, b []byte) rawChunk {
			c := one(most, d, b)
			c.pages[0] = dataPage([]int16{0}, []int16{d}, 1, most, meta.RLE, meta.Plain, 1, byteArrays(string(b)))
			return c
		}
		chunks := []rawChunk{
			one(1, 1, metadata), one(2, at(1, 2, 1), value), one(3, under(at(3, 3, 2)), inner), number, one(3, under(at(4, 3, 2)), inner),
			deep(5, under(at(5, 5, 4)), inner), deep(5, under(at(6, 5, 4)), inner),
		}
		raw, _ := rawFile{roots: 1, schema: s, groups: []rawGroup{{1, chunks}}}.bytes()
		for _, mode := range []VariantMode{VariantStorage, VariantAssembled, VariantJSON} {
			drainFuzzed(t, raw, Options{Variant: mode})
		}
	})
}
