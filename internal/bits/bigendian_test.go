package bits

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Every width, at every length around the loops' steps, with and without room
// behind the input: what was packed, a bit at a time, comes back.
func TestPackUnpackBE(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for width := range uint(65) {
		for _, n := range []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 63, 64, 65, 512} {
			want := make([]uint64, n)
			for i := range want {
				want[i] = rng.Uint64()
				if width < 64 {
					want[i] &= 1<<width - 1
				}
			}
			slow := make([]byte, ByteCount(n, width))
			for i := range n * int(width) {
				bit := want[i/int(width)] >> (int(width) - 1 - i%int(width)) & 1
				slow[i/8] |= byte(bit) << (7 - i%8)
			}
			if packed := PackBE([]byte{1}, want, width); !slices.Equal(packed[1:], slow) {
				t.Fatalf("width %d: %d values pack to % x, want % x", width, n, packed[1:], slow)
			}
			for _, room := range []int{0, 1, 7, 8, 32} {
				src := slices.Clip(slices.Clone(slow))
				if room > 0 {
					src = append(src, slices.Repeat([]byte{0xff}, room)...)[:len(slow)]
				}
				got := make([]uint64, n)
				UnpackBE(got, src, width)
				if !slices.Equal(got, want) {
					t.Fatalf("width %d, %d values, room %d: differs", width, n, room)
				}
			}
		}
	}
}

func BenchmarkUnpackBE(b *testing.B) {
	dst := make([]int64, 512)
	src := make([]byte, 512*8+64)
	for _, width := range []uint{1, 3, 8, 12, 16, 24, 32, 40} {
		b.Run("", func(b *testing.B) {
			b.SetBytes(8 * 512)
			for b.Loop() {
				UnpackBE(dst, src[:ByteCount(512, width)], width)
			}
		})
	}
}
