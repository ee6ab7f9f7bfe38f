package encoding

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	upstream "github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/bits"
)

// sizes are around the steps of runs, groups and blocks.
var sizes = []int{0, 1, 2, 7, 8, 9, 31, 33, 127, 128, 129, 255, 256, 257, 513, 1000, 5000}

// numbers makes n values of one of the shapes that encodings treat apart.
func numbers(rng *rand.Rand, n, shape, width int) []int64 {
	out := make([]int64, n)
	for i := range out {
		switch shape {
		case 0:
			out[i] = int64(rng.Uint64())
		case 1:
			out[i] = int64(i)
		case 2:
			out[i] = int64(rng.IntN(10))
		case 3:
			out[i] = int64(i / 50)
		case 4:
			out[i] = []int64{math.MinInt64, math.MaxInt64, 0, -1}[rng.IntN(4)]
		}
		if width == 4 {
			out[i] = int64(int32(out[i]))
		}
	}
	return out
}

// pieces reads n things in random pieces, some of them skipped, and calls check
// with the range that was read.
func pieces(rng *rand.Rand, n int, skip func(k int) error, read func(start, k int) error) error {
	for at := 0; at < n; {
		k := 1 + rng.IntN(n-at)
		if rng.IntN(3) == 0 {
			k = 1 + rng.IntN(min(n-at, 20))
		}
		var err error
		if rng.IntN(4) == 0 {
			err = skip(k)
		} else {
			err = read(at, k)
		}
		if err != nil {
			return fmt.Errorf("%d at %d of %d: %w", k, at, n, err)
		}
		at += k
	}
	return nil
}

func TestHybrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for width := range 33 {
		for _, n := range sizes {
			src := make([]uint32, n)
			for i := 0; i < n; {
				run := 1 + rng.IntN(40)*rng.IntN(2)
				v := rng.Uint32()
				if width < 32 {
					v &= 1<<width - 1
				}
				for ; run > 0 && i < n; run-- {
					src[i] = v
					i++
				}
			}
			enc := AppendHybrid(nil, src, width)
			var d Hybrid
			for range 3 {
				d.Reset(enc, width, n)
				err := pieces(rng, n, d.Skip, func(start, k int) error {
					got := make([]uint32, k)
					if err := d.Decode(got); err != nil {
						return err
					}
					if !slices.Equal(got, src[start:start+k]) {
						return errors.New("differs")
					}
					return nil
				})
				if err != nil {
					t.Fatalf("width %d: %v", width, err)
				}
			}
			if n > 0 && width > 0 && width <= 32 {
				other := rle.Encoding{BitWidth: width}
				got, err := other.DecodeInt32(nil, enc)
				if err != nil {
					t.Fatalf("width %d, %d values: the other decoder: %v", width, n, err)
				}
				for i := range src {
					if uint32(got[i]) != src[i] {
						t.Fatalf("width %d: the other decoder differs at %d", width, i)
					}
				}
			}
			if width == 1 {
				bm := make([]byte, n/8+3)
				d.Reset(enc, 1, n)
				ones, err := d.DecodeBitmap(bm, 5, n)
				if err != nil || ones != bits.Count(bm, 5, n) {
					t.Fatal(ones, err)
				}
				for i, v := range src {
					if bits.Get(bm, 5+i) != (v == 1) {
						t.Fatal("bitmap differs at", i)
					}
				}
			}
			if width > 15 { // more than a level has
				continue
			}
			d.Reset(enc, width, n)
			want, most := 0, uint32(1)<<width-1
			for _, v := range src {
				if v == most {
					want++
				}
			}
			if got, err := d.SkipCount(n, int16(most)); err != nil || got != want {
				t.Fatalf("SkipCount: %d, want %d: %v", got, want, err)
			}
		}
	}
}

func TestLevels(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, most := range []int16{0, 1, 2, 3, 7, 8, 300} {
		for _, n := range sizes {
			src := make([]int16, n)
			for i := range src {
				src[i] = int16(rng.IntN(int(most) + 1))
			}
			width := Width(int(most))
			for name, enc := range map[string][]byte{
				"hybrid":     AppendHybridLevels(nil, src, width),
				"bit-packed": AppendBitPackedLevels(nil, src, width),
			} {
				var d LevelDecoder = new(Hybrid)
				if name == "bit-packed" {
					d = new(BitPackedLevels)
				}
				d.Reset(enc, width, n)
				got := make([]int16, n)
				for at := 0; at < n; {
					k := 1 + rng.IntN(n-at)
					if err := d.DecodeLevels(got[at:at+k], most); err != nil {
						t.Fatal(name, err)
					}
					at += k
				}
				if !slices.Equal(got, src) {
					t.Fatalf("%s: levels up to %d differ", name, most)
				}
				if most > 0 && slices.Contains(src, most) {
					d.Reset(enc, width, n)
					if err := d.DecodeLevels(got, most-1); !errors.Is(err, ErrCorrupt) {
						t.Fatalf("%s: a level above the most: %v", name, err)
					}
				}
			}
		}
	}
}

// fixedEncodings are all ways to write fixed-width values.
func fixedEncodings(width int) map[string]struct {
	enc    meta.Encoding
	typ    meta.Type
	append func(dst, src []byte) []byte
} {
	type way = struct {
		enc    meta.Encoding
		typ    meta.Type
		append func(dst, src []byte) []byte
	}
	out := map[string]way{
		"plain":        {meta.Plain, meta.FixedLenByteArray, func(dst, src []byte) []byte { return append(dst, src...) }},
		"stream split": {meta.ByteStreamSplit, meta.FixedLenByteArray, func(dst, src []byte) []byte { return AppendByteStreamSplit(dst, src, width) }},
		"delta bytes":  {meta.DeltaByteArray, meta.FixedLenByteArray, func(dst, src []byte) []byte { return AppendDeltaByteArrayFixed(dst, src, width) }},
	}
	switch width {
	case 4:
		out["delta"] = way{meta.DeltaBinaryPacked, meta.Int32, func(dst, src []byte) []byte { return AppendDelta32(dst, cast[int32](src)) }}
	case 8:
		out["delta"] = way{meta.DeltaBinaryPacked, meta.Int64, func(dst, src []byte) []byte { return AppendDelta64(dst, cast[int64](src)) }}
	}
	return out
}

func TestFixed(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, width := range []int{1, 3, 4, 8, 12, 16, 17} {
		for _, n := range sizes {
			for shape := range 5 {
				src := make([]byte, 0, n*width+16)
				for _, v := range numbers(rng, n, shape, width) {
					var b [24]byte
					binary.LittleEndian.PutUint64(b[:], uint64(v))
					src = append(src, b[:width]...)
				}
				for name, way := range fixedEncodings(width) {
					enc := way.append(nil, src)
					d, err := NewFixed(way.enc, way.typ, width)
					if err != nil {
						t.Fatal(err)
					}
					checkFixed(t, rng, fmt.Sprintf("%s, width %d, shape %d", name, width, shape), d, enc, src, width, n)
				}
				if n > 0 {
					dict, idx := distinct(src, width)
					w := Width(len(dict)/width - 1)
					enc := AppendHybrid([]byte{byte(w)}, idx, w)
					checkFixed(t, rng, fmt.Sprintf("dictionary, width %d", width), NewDictFixed(dict, width), enc, src, width, n)
				}
			}
		}
	}
}

func checkFixed(t *testing.T, rng *rand.Rand, name string, d Fixed, enc, src []byte, width, n int) {
	t.Helper()
	if err := d.Reset(enc, n); err != nil {
		t.Fatalf("%s, %d values: %v", name, n, err)
	}
	err := pieces(rng, n, d.Skip, func(start, k int) error {
		got := make([]byte, k*width)
		if err := d.Decode(got); err != nil {
			return err
		}
		if !bytes.Equal(got, src[start*width:(start+k)*width]) {
			return errors.New("differs")
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s, %d values: %v", name, n, err)
	}
	if err := d.Skip(1); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("%s: skipping past the end: %v", name, err)
	}
}

func distinct(src []byte, width int) (dict []byte, idx []uint32) {
	seen := map[string]uint32{}
	for i := 0; i < len(src); i += width {
		v := string(src[i : i+width])
		k, ok := seen[v]
		if !ok {
			k = uint32(len(seen))
			seen[v] = k
			dict = append(dict, v...)
		}
		idx = append(idx, k)
	}
	return dict, idx
}

// strings makes n byte arrays with shared prefixes and of all lengths.
func strings(rng *rand.Rand, n int) *Binary {
	b := &Binary{Offsets: []int32{0}}
	for range n {
		size := []int{0, 1, 5, 15, 16, 17, 40, 300}[rng.IntN(8)]
		for k := range size {
			b.Data = append(b.Data, byte(k%7)*byte(rng.IntN(20)/19+1))
		}
		b.Offsets = append(b.Offsets, int32(len(b.Data)))
	}
	return b
}

func (b *Binary) value(i int) []byte { return b.Data[b.Offsets[i]:b.Offsets[i+1]] }

func TestBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for _, n := range sizes {
		src := strings(rng, n)
		dict, idx := &Binary{Offsets: []int32{0}}, []uint32{}
		seen := map[string]uint32{}
		for i := range n {
			v := string(src.value(i))
			if _, ok := seen[v]; !ok {
				seen[v] = uint32(len(seen))
				dict.Data = append(dict.Data, v...)
				dict.Offsets = append(dict.Offsets, int32(len(dict.Data)))
			}
			idx = append(idx, seen[v])
		}
		width := Width(max(dict.Len()-1, 0))
		plain, _ := NewBytes(meta.Plain)
		length, _ := NewBytes(meta.DeltaLengthByteArray)
		incremental, _ := NewBytes(meta.DeltaByteArray)
		for name, c := range map[string]struct {
			d   Bytes
			enc []byte
		}{
			"plain":        {plain, AppendPlainBinary(nil, src.Offsets, src.Data)},
			"delta length": {length, AppendDeltaLength(nil, src.Offsets, src.Data)},
			"delta bytes":  {incremental, AppendDeltaByteArray(nil, src.Offsets, src.Data)},
			"dictionary":   {NewDictBytes(dict), AppendHybrid([]byte{byte(width)}, idx, width)},
		} {
			for range 4 {
				if err := c.d.Reset(c.enc, n); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				err := pieces(rng, n, c.d.Skip, func(start, k int) error {
					// A limit now and then stops a batch early; the next goes on.
					for k > 0 {
						got := &Binary{Limit: []int{0, 301, 1000}[rng.IntN(3)]}
						done, err := c.d.Decode(got, k)
						if err != nil {
							return err
						}
						if got.Len() != done || got.Limit > 0 && len(got.Data) > got.Limit {
							return fmt.Errorf("%d values, %d said", got.Len(), done)
						}
						for i := range done {
							if !bytes.Equal(got.value(i), src.value(start+i)) {
								return fmt.Errorf("value %d differs", start+i)
							}
						}
						if done == 0 {
							return errors.New("no progress")
						}
						start, k = start+done, k-done
					}
					return nil
				})
				if err != nil {
					t.Fatalf("%s, %d values: %v", name, n, err)
				}
			}
		}
	}
}

func TestBools(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, n := range sizes {
		src := make([]byte, n/8+4)
		for i := range n {
			if rng.IntN(20) > 0 == (i%200 < 100) {
				bits.Set(src, 3+i)
			}
		}
		for enc, page := range map[meta.Encoding][]byte{
			meta.Plain: AppendPlainBools(nil, src, 3, n),
			meta.RLE:   AppendRLEBools(nil, src, 3, n),
		} {
			d, err := NewBools(enc)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Reset(page, n); err != nil {
				t.Fatal(err)
			}
			err = pieces(rng, n, d.Skip, func(start, k int) error {
				got := make([]byte, k/8+4)
				if err := d.Decode(got, 6, k); err != nil {
					return err
				}
				for i := range k {
					if bits.Get(got, 6+i) != bits.Get(src, 3+start+i) {
						return errors.New("differs")
					}
				}
				return nil
			})
			if err != nil {
				t.Fatalf("encoding %d, %d values: %v", enc, n, err)
			}
		}
	}
}

// What we encode, another implementation decodes, and the other way round.
func TestDeltaOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	var other upstream.BinaryPackedEncoding
	for _, n := range sizes {
		for shape := range 5 {
			src := numbers(rng, n, shape, 8)
			got, err := other.DecodeInt64(nil, AppendDelta64(nil, src))
			if err != nil || !slices.Equal(got, src) {
				t.Fatalf("%d values, shape %d: %v", n, shape, err)
			}
			enc, err := other.EncodeInt64(nil, src)
			if err != nil {
				t.Fatal(err)
			}
			d, _ := NewFixed(meta.DeltaBinaryPacked, meta.Int64, 8)
			if err := d.Reset(enc, n); err != nil {
				t.Fatal(err)
			}
			back := make([]int64, n)
			if n > 0 {
				if err := d.Decode(bytesOf(back)); err != nil || !slices.Equal(back, src) {
					t.Fatalf("theirs: %d values, shape %d: %v", n, shape, err)
				}
			}
		}
	}
}

func bytesOf(v []int64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 8*len(v))
}

// TestWideDeltas: deltas of INT32 of more than 32 bits, as DuckDB writes them.
func TestWideDeltas(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	for _, n := range sizes {
		nums := numbers(rng, n, 4, 8)
		src := make([]byte, 0, 4*n)
		for i := range nums {
			nums[i] = int64(int32(rng.Uint32()))
			src = binary.LittleEndian.AppendUint32(src, uint32(nums[i]))
		}
		d, err := NewFixed(meta.DeltaBinaryPacked, meta.Int32, 4)
		if err != nil {
			t.Fatal(err)
		}
		checkFixed(t, rng, "wide deltas", d, AppendDelta64(nil, nums), src, 4, n)
	}
}
