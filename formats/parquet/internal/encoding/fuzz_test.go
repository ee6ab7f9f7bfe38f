package encoding

import (
	"math"
	"testing"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// FuzzDecoders feeds any bytes to every decoder: an error or values, and no more
// memory than what is asked for.
func FuzzDecoders(f *testing.F) {
	nums := []int32{1, 2, 3, 500, -7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}
	bin := &Binary{Offsets: []int32{0, 1, 1, 5}, Data: []byte("aabcd")}
	f.Add(uint8(0), uint16(16), AppendDelta32(nil, nums))
	f.Add(uint8(1), uint16(16), AppendDelta64(nil, []int64{1, 9, -1 << 60, 1 << 62}))
	f.Add(uint8(2), uint16(3), AppendPlainBinary(nil, bin.Offsets, bin.Data))
	f.Add(uint8(3), uint16(3), AppendDeltaLength(nil, bin.Offsets, bin.Data))
	f.Add(uint8(4), uint16(3), AppendDeltaByteArray(nil, bin.Offsets, bin.Data))
	f.Add(uint8(5), uint16(16), AppendHybridLevels(nil, []int16{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 2, 3}, 2))
	f.Add(uint8(6), uint16(16), AppendHybrid([]byte{2}, []uint32{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 2, 3}, 2))
	f.Add(uint8(8), uint16(5), AppendRLEBools(nil, []byte{0x15}, 0, 5))
	f.Add(uint8(9), uint16(4), AppendByteStreamSplit(nil, make([]byte, 32), 8))
	f.Add(uint8(11), uint16(6), AppendALP64(nil, []float64{1.5, 2.25, math.NaN(), -7, 1e300, 0.1}))
	f.Add(uint8(12), uint16(6), AppendALP32(nil, []float32{1.5, 2.25, 3, -7, 1e30, 0.1}))
	f.Add(uint8(13), uint16(9), []byte{0xa5, 0x80})
	f.Fuzz(func(t *testing.T, kind uint8, count uint16, page []byte) {
		n := int(count)
		fixed := func(enc meta.Encoding, typ meta.Type, width int) {
			d, err := NewFixed(enc, typ, width)
			if err != nil {
				t.Fatal(err)
			}
			if d.Reset(page, n) == nil && d.Skip(n/3) == nil {
				_ = d.Decode(make([]byte, (n-n/3)*width))
			}
		}
		binary := func(d Bytes) {
			if d.Reset(page, n) == nil && d.Skip(n/3) == nil {
				_, _ = d.Decode(&Binary{Limit: 1 << 16}, n-n/3)
			}
		}
		byteArrays := func(enc meta.Encoding) {
			d, err := NewBytes(enc)
			if err != nil {
				t.Fatal(err)
			}
			binary(d)
		}
		switch kind % 14 {
		case 0:
			fixed(meta.DeltaBinaryPacked, meta.Int32, 4)
		case 1:
			fixed(meta.DeltaBinaryPacked, meta.Int64, 8)
		case 2:
			byteArrays(meta.Plain)
		case 3:
			byteArrays(meta.DeltaLengthByteArray)
		case 4:
			byteArrays(meta.DeltaByteArray)
		case 5:
			var d Hybrid
			d.Reset(page, int(count>>12)*2, n&0xfff)
			_ = d.DecodeLevels(make([]int16, n&0xfff), 9)
			d.Reset(page, 1, n)
			_, _ = d.DecodeBitmap(make([]byte, n/8+1), 0, n)
			var b BitPackedLevels
			b.Reset(page, 3, n)
			_ = b.DecodeLevels(make([]int16, n), 7)
		case 6:
			d := NewDictFixed(make([]byte, 40), 8)
			if d.Reset(page, n) == nil && d.Skip(n/3) == nil {
				_ = d.Decode(make([]byte, 8*(n-n/3)))
			}
		case 7:
			binary(NewDictBytes(&Binary{Offsets: []int32{0, 1, 1, 20}, Data: make([]byte, 20)}))
		case 8:
			for _, enc := range []meta.Encoding{meta.Plain, meta.RLE} {
				d, _ := NewBools(enc)
				if d.Reset(page, n) == nil {
					_ = d.Decode(make([]byte, n/8+1), 0, n)
				}
			}
		case 9:
			fixed(meta.ByteStreamSplit, meta.Double, 8)
		case 10:
			fixed(meta.DeltaByteArray, meta.FixedLenByteArray, 5)
		case 11:
			fixed(meta.ALP, meta.Double, 8)
		case 12:
			fixed(meta.ALP, meta.Float, 4)
		case 13:
			d, _ := NewBools(meta.BitPacked)
			if d.Reset(page, n) == nil && d.Skip(n/3) == nil {
				_ = d.Decode(make([]byte, n/8+1), 0, n-n/3)
			}
		}
	})
}
