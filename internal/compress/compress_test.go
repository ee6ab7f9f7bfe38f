package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// block is data that compresses somewhat.
func block(n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(n), 9))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.IntN(7)) * byte(rng.IntN(3))
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	for _, c := range []Codec{None, Snappy, Gzip, Brotli, Zstd, LZ4Raw, Deflate} {
		for _, n := range []int{0, 1, 100, 70_000} {
			for level := range 4 {
				src := block(n)
				prefix := []byte("kept")
				packed, err := c.Compress(prefix, src, level)
				if err != nil {
					t.Fatalf("%s: %v", c, err)
				}
				if !bytes.HasPrefix(packed, prefix) {
					t.Fatalf("%s: Compress does not append", c)
				}
				packed = packed[len(prefix):]
				got := make([]byte, n)
				if err := c.Decompress(got, packed); err != nil {
					t.Fatalf("%s: %d bytes: %v", c, n, err)
				}
				if !bytes.Equal(got, src) {
					t.Fatalf("%s: differs", c)
				}
				if n == 0 {
					continue
				}
				roomy := make([]byte, n+5)
				if k, err := c.DecompressMost(roomy, packed); err != nil || k != n || !bytes.Equal(roomy[:n], src) {
					t.Fatalf("%s: %d bytes with room to spare: %d, %v", c, n, k, err)
				}
				// A size that is off by one either way is found out.
				for _, wrong := range []int{n - 1, n + 1} {
					if err := c.Decompress(make([]byte, wrong), packed); !errors.Is(err, ErrCorrupt) {
						t.Fatalf("%s: %d bytes into %d: %v", c, n, wrong, err)
					}
				}
			}
		}
	}
}

func TestHadoopLZ4(t *testing.T) {
	src := block(5000)
	frame := func(parts ...[]byte) []byte {
		var out []byte
		for _, p := range parts {
			buf := make([]byte, lz4.CompressBlockBound(len(p)))
			n, err := lz4.CompressBlock(p, buf, nil)
			if err != nil {
				t.Fatal(err)
			}
			out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
			out = binary.BigEndian.AppendUint32(out, uint32(n))
			out = append(out, buf[:n]...)
		}
		return out
	}
	bare, err := LZ4Raw.Compress(nil, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, packed := range map[string][]byte{"one frame": frame(src), "two frames": frame(src[:2000], src[2000:]), "bare block": bare} {
		got := make([]byte, len(src))
		if err := LZ4Hadoop.Decompress(got, packed); err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// A block cut anywhere, or with any byte changed, gives an error or some bytes,
// and never more memory than it was given.
func TestDamaged(t *testing.T) {
	src := block(3000)
	for _, c := range []Codec{Snappy, Gzip, Brotli, Zstd, LZ4Raw, LZ4Hadoop, LZO, LZORaw, Deflate} {
		packed, err := c.Compress(nil, src, 0)
		if errors.Is(err, ErrReadOnly) {
			packed = append([]byte{0, 0, 11, 184, 0, 0, 1, 0}, block(256)...)
		} else if err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, len(src))
		for cut := range packed {
			if err := c.Decompress(dst, packed[:cut]); err == nil {
				t.Fatalf("%s: cut at %d of %d: no error", c, cut, len(packed))
			}
			if n, err := c.DecompressMost(dst, packed[:cut]); err == nil && cut > 0 && c != LZ4Raw && c != LZ4Hadoop && c != LZORaw {
				t.Fatalf("%s: cut at %d of %d: %d bytes and no error", c, cut, len(packed), n)
			}
		}
		for i := 0; i < len(packed); i += 1 + i/64 {
			bad := bytes.Clone(packed)
			bad[i] ^= 0x55
			_ = c.Decompress(dst, bad)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	for c := None; c < afterLast; c++ {
		packed, _ := c.Compress(nil, block(300), 0)
		f.Add(uint8(c), uint16(300), packed)
	}
	f.Fuzz(func(t *testing.T, c uint8, n uint16, src []byte) {
		_ = Codec(c%uint8(afterLast)).Decompress(make([]byte, n), src)
	})
}
