package encoding

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

func rawFloats[F float32 | float64](v []F) []byte {
	if len(v) == 0 {
		return nil
	}
	return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0]))))
}

// alpFloats makes n floats: decimals, noise, specials whose bits matter.
func alpFloats(rng *rand.Rand, n, shape int) []float64 {
	out := make([]float64, n)
	for i := range out {
		switch shape {
		case 0: // of two digits
			out[i] = float64(rng.IntN(100000)) / 100
		case 1:
			out[i] = rng.NormFloat64()
		case 2: // few exceptions
			out[i] = float64(rng.IntN(1000))/10 - 50
			if rng.IntN(50) == 0 {
				out[i] = []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64, math.Float64frombits(0xfff8dead_beef0001)}[rng.IntN(7)]
			}
		case 3:
			out[i] = 7
		case 4:
			out[i] = float64(rng.Int64() >> rng.IntN(60))
		case 5:
			out[i] = math.Float64frombits(rng.Uint64())
		}
	}
	return out
}

func TestALP(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 1))
	for shape := range 6 {
		for _, n := range append([]int{1023, 1024, 1025, 3000}, sizes...) {
			doubles := alpFloats(rng, n, shape)
			floats := make([]float32, n)
			for i, d := range doubles {
				floats[i] = float32(d)
			}
			name := fmt.Sprintf("shape %d of %d", shape, n)
			for _, c := range []struct {
				typ      meta.Type
				width    int
				enc, src []byte
			}{{meta.Double, 8, AppendALP64(nil, doubles), rawFloats(doubles)}, {meta.Float, 4, AppendALP32(nil, floats), rawFloats(floats)}} {
				d, err := NewFixed(meta.ALP, c.typ, c.width)
				if err != nil {
					t.Fatal(err)
				}
				checkFixed(t, rng, name, d, c.enc, c.src, c.width, n)
				if n >= 1000 && (shape == 0 && c.width == 8 || shape == 3) && len(c.enc)*10 > len(c.src)*7 {
					t.Errorf("%s: %d bytes of %d, width %d", name, len(c.enc), len(c.src), c.width)
				}
			}
		}
	}
}

// TestALPExample decodes the worked example of AlpEncoding.md, put together
// from its table: 1500, NaN, 2500 and 333.5 with exponent 4 and factor 3.
func TestALPExample(t *testing.T) {
	nan := uint64(0x7ff8_0000_0000_0123)
	page := []byte{0, 0, 10, 4, 0, 0, 0, 4, 0, 0, 0}                                               // header, one offset
	page = append(page, 4, 3, 1, 0)                                                                // exponent, factor, one exception
	page = append(binary.LittleEndian.AppendUint64(page, 3335), 15)                                // frame of reference, bit width
	packed := uint64(11665) | uint64(11665)<<15 | uint64(21665)<<30                                // and 0
	page = binary.LittleEndian.AppendUint64(page, packed)                                          // 60 bits in 8 bytes
	page = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint16(page, 1), nan)        // position, value
	want := []uint64{math.Float64bits(1500), nan, math.Float64bits(2500), math.Float64bits(333.5)} // to the bit
	if vector := len(page) - 11; vector != 31 {
		t.Fatalf("the example has 31 bytes, here are %d", vector)
	}
	d, err := NewFixed(meta.ALP, meta.Double, 8)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 32)
	if err := d.Reset(page, 4); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(got); err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		if x := binary.LittleEndian.Uint64(got[8*i:]); x != w {
			t.Errorf("value %d: %x, want %x", i, x, w)
		}
	}

	// What breaks the rules is an error; a mode of the future is unsupported.
	for name, c := range map[string]struct {
		at   int
		b    byte
		want error
	}{
		"mode": {0, 1, ErrUnsupported}, "integers": {1, 1, ErrUnsupported}, "small vectors": {2, 2, ErrCorrupt}, "large vectors": {2, 16, ErrCorrupt},
		"fewer values": {3, 3, ErrCorrupt}, "negative": {6, 0x80, ErrCorrupt}, "offset in the offsets": {7, 3, ErrCorrupt}, "offset past the end": {8, 1, ErrCorrupt},
		"exponent": {11, 19, ErrCorrupt}, "factor": {12, 5, ErrCorrupt}, "exceptions": {13, 5, ErrCorrupt}, "width": {23, 65, ErrCorrupt},
		"wider": {23, 40, ErrCorrupt}, "position": {32, 4, ErrCorrupt},
	} {
		changed := bytes.Clone(page)
		changed[c.at] = c.b
		err := d.Reset(changed, 4)
		if err == nil {
			err = d.Decode(got)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range page {
		err := d.Reset(page[:n:n], 4)
		if err == nil {
			err = d.Decode(got)
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// TestPackedBools: BIT_PACKED booleans, the first in the most significant bit.
func TestPackedBools(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	for _, n := range sizes {
		levels := make([]int16, n)
		for i := range levels {
			levels[i] = int16(rng.IntN(2))
		}
		d, err := NewBools(meta.BitPacked)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Reset(AppendBitPackedLevels(nil, levels, 1), n); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, n/8+2)
		err = pieces(rng, n, d.Skip, func(start, k int) error {
			if err := d.Decode(got, 3, k); err != nil {
				return err
			}
			for i := range k {
				if at := 3 + i; int16(got[at>>3]>>(at&7)&1) != levels[start+i] {
					return fmt.Errorf("value %d differs", start+i)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		if n > 0 && d.Reset(make([]byte, (n-1)/8), n) == nil {
			t.Errorf("%d booleans in %d bytes", n, (n-1)/8)
		}
	}
}
