package bits

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// Every width, at every length around the vector code's steps, with and without
// room behind the input: what was packed comes back.
func TestPackUnpack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for width := range uint(65) {
		for _, n := range []int{0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 1000} {
			wide := make([]uint64, n)
			narrow := make([]uint32, n)
			for i := range wide {
				wide[i] = rng.Uint64()
				if width < 64 {
					wide[i] &= 1<<width - 1
				}
				narrow[i] = uint32(wide[i])
			}
			packed := Pack(nil, wide, width)
			if len(packed) != ByteCount(n, width) {
				t.Fatalf("width %d: %d values take %d bytes", width, n, len(packed))
			}
			for _, room := range []int{0, 1, 15, 16, 31, 32, 64} {
				src := slices.Clip(slices.Clone(packed))
				if room > 0 {
					src = append(src, make([]byte, room)...)[:len(packed)]
				}
				got := make([]uint64, n)
				Unpack(got, src, width)
				if !slices.Equal(got, wide) {
					t.Fatalf("width %d, %d values, room %d: differs", width, n, room)
				}
				if width <= 32 {
					got := make([]uint32, n)
					Unpack(got, src, width)
					if !slices.Equal(got, narrow) {
						t.Fatalf("32 bits: width %d, %d values, room %d: differs", width, n, room)
					}
				}
			}
			if width <= 32 && !bytes.Equal(packed, Pack(nil, narrow, width)) {
				t.Fatalf("width %d: packing 32 and 64 bits differs", width)
			}
		}
	}
}

func TestBitmaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		src := make([]byte, 40)
		dst := make([]byte, 40)
		for i := range src {
			src[i], dst[i] = byte(rng.Uint32()), byte(rng.Uint32())
		}
		n := rng.IntN(200)
		soff, doff := rng.IntN(100), rng.IntN(100)
		was := slices.Clone(dst)
		Copy(dst, doff, src, soff, n)
		ones := 0
		for i := range 320 {
			want := Get(was, i)
			if i >= doff && i < doff+n {
				want = Get(src, soff+i-doff)
				if want {
					ones++
				}
			}
			if Get(dst, i) != want {
				t.Fatalf("copy of %d bits from %d to %d: bit %d", n, soff, doff, i)
			}
		}
		if c := Count(dst, doff, n); c != ones {
			t.Fatalf("count of %d bits at %d: %d, want %d", n, doff, c, ones)
		}
		v := rng.IntN(2) == 0
		SetRange(dst, soff, n, v)
		for i := range n {
			if Get(dst, soff+i) != v {
				t.Fatal("SetRange")
			}
		}
	}
}

func TestSpread(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		n, off := rng.IntN(300), rng.IntN(9)
		valid := make([]byte, 48)
		density := rng.IntN(5)
		for i := range n {
			if density == 4 || rng.IntN(4) < density {
				Set(valid, off+i)
			}
		}
		k := Count(valid, off, n)
		for _, width := range []int{1, 2, 3, 4, 8, 12, 16} {
			dst := make([]byte, n*width+16)
			for i := range k * width {
				dst[i] = byte(i%251 + 1)
			}
			dense := slices.Clone(dst)
			Spread(dst, width, n, valid, off)
			next := 0
			for i := range n {
				want := make([]byte, width)
				if Get(valid, off+i) {
					copy(want, dense[next*width:])
					next++
				}
				if !bytes.Equal(dst[i*width:(i+1)*width], want) {
					t.Fatalf("width %d, %d slots: slot %d", width, n, i)
				}
			}
		}
		offs := make([]int32, n+1)
		for i := range k {
			offs[i+1] = int32(10 * (i + 1))
		}
		SpreadOffsets(offs, n, valid, off)
		cur := int32(0)
		for i := range n {
			if Get(valid, off+i) {
				cur += 10
			}
			if offs[i+1] != cur {
				t.Fatalf("offset %d is %d, want %d", i, offs[i+1], cur)
			}
		}
	}
}

// The kernels that go by words of levels do what a loop over them does.
func TestLevels(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		most := int16([]int{1, 2, 3, 5, 7, 300, 0x7fff}[rng.IntN(7)])
		levels := make([]int16, rng.IntN(200))
		for i := range levels {
			levels[i] = int16(rng.IntN(int(most) + 1))
		}
		def, off := int16(rng.IntN(int(most)+1)), rng.IntN(70)
		want := make([]byte, 40)
		nulls, same := 0, 0
		for i, l := range levels {
			if l >= def {
				Set(want, off+i)
			} else {
				nulls++
			}
			if l == def {
				same++
			}
		}
		got := make([]byte, 40)
		if n := FromLevels(got, off, levels, def); n != nulls || !bytes.Equal(got, want) {
			t.Fatalf("%d levels up to %d at bit %d, from %d on: %d nulls, want %d", len(levels), most, off, def, n, nulls)
		}
		if n := CountLevels(levels, def); n != same {
			t.Fatalf("%d levels up to %d: %d equal %d, want %d", len(levels), most, n, def, same)
		}
	}
	for width := uint(1); width <= MaxLevelWidth; width++ {
		for n := 0; n <= 64; n += 8 {
			src := make([]uint32, n)
			worst := uint32(0)
			for i := range src {
				src[i] = rng.Uint32N(1 << width)
				worst = max(worst, src[i])
			}
			packed := slices.Clip(Pack(nil, src, width))
			got := make([]int16, n)
			if !UnpackLevels(got, packed, width, int16(worst)) {
				t.Fatalf("width %d: a level above %d", width, worst)
			}
			for i, v := range src {
				if got[i] != int16(v) {
					t.Fatalf("width %d: level %d is %d, want %d", width, i, got[i], v)
				}
			}
			if worst > 0 && UnpackLevels(got, packed, width, int16(worst-1)) {
				t.Fatalf("width %d: %d passes for less", width, worst)
			}
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	dst := make([]uint32, 4096)
	src := make([]byte, 4096*4+64)
	binary.LittleEndian.PutUint64(src, 0x123456789abcdef)
	for _, width := range []uint{1, 3, 8, 12, 20} {
		b.Run("", func(b *testing.B) {
			b.SetBytes(4 * 4096)
			for b.Loop() {
				Unpack(dst, src[:ByteCount(4096, width)], width)
			}
		})
	}
}
