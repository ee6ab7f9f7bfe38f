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

func TestFromLevels(t *testing.T) {
	levels := make([]int16, 200)
	nulls := 0
	for i := range levels {
		if levels[i] = int16(i % 3); levels[i] < 2 {
			nulls++
		}
	}
	bm := make([]byte, 32)
	if got := FromLevels(bm, 5, levels, 2); got != nulls {
		t.Fatalf("%d nulls, want %d", got, nulls)
	}
	for i, l := range levels {
		if Get(bm, 5+i) != (l == 2) {
			t.Fatal(i)
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
