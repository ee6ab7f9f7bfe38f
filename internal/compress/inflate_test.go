package compress

import (
	"bytes"
	stdflate "compress/flate"
	stdgzip "compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// inputs are bytes of many kinds: all literals, long matches, short distances,
// few symbols, many.
func inflateInputs() map[string][]byte {
	rng := rand.New(rand.NewPCG(8, 8))
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	skewed := make([]byte, 200_000)
	for i := range skewed {
		skewed[i] = byte(int(rng.ExpFloat64() * 9))
	}
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "%d|%s|%d.%02d;", i, []string{"TRUCK", "MAIL", "REG AIR", "COLLECT COD"}[rng.IntN(4)], rng.IntN(1000), rng.IntN(100))
	}
	out := map[string][]byte{
		"empty": nil, "one": {7}, "noise": noise, "skewed": skewed, "text": []byte(text.String()), "zeros": make([]byte, 100_000), "block": block(50_000),
	}
	for d := range 10 {
		out[fmt.Sprintf("period %d", d+1)] = bytes.Repeat(noise[:d+1], 5000)
	}
	return out
}

func TestInflate(t *testing.T) {
	for name, src := range inflateInputs() {
		for level := flate.HuffmanOnly; level <= 9; level++ {
			for lib := range 2 {
				var buf bytes.Buffer
				var w io.WriteCloser
				if lib == 0 {
					w, _ = flate.NewWriter(&buf, level)
				} else {
					w, _ = stdflate.NewWriter(&buf, level)
				}
				w.Write(src)
				w.Close()
				packed := append(buf.Bytes(), "behind"...)
				dst := make([]byte, len(src))
				n, used, err := inflate(dst, packed)
				if err != nil || n != len(src) || used != buf.Len() || !bytes.Equal(dst, src) {
					t.Fatalf("%s, level %d: %d of %d bytes from %d of %d, %v", name, level, n, len(src), used, buf.Len(), err)
				}
				if len(src) > 0 {
					if _, _, err := inflate(dst[:len(dst)-1], packed); !errors.Is(err, errInflateRoom) {
						t.Fatalf("%s, level %d: into less: %v", name, level, err)
					}
				}
				for _, cut := range []int{0, 1, buf.Len() / 2, buf.Len() - 1} {
					if _, _, err := inflate(dst, packed[:cut]); err == nil {
						t.Fatalf("%s, level %d: cut at %d: no error", name, level, cut)
					}
				}
			}
		}
	}
}

// FuzzInflate: what the standard library makes of a stream we make of it, and
// what it refuses we refuse.
func FuzzInflate(f *testing.F) {
	for name, src := range inflateInputs() {
		if len(src) > 3000 {
			src = src[:3000]
		}
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			var buf bytes.Buffer
			w, err := stdflate.NewWriter(&buf, level)
			if err != nil {
				f.Fatal(name, err)
			}
			w.Write(src)
			w.Close()
			f.Add(buf.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		const most = 1 << 16
		want, wantErr := io.ReadAll(io.LimitReader(stdflate.NewReader(bytes.NewReader(src)), most+1))
		dst := make([]byte, most)
		n, used, err := inflate(dst, src)
		switch {
		case wantErr == nil && len(want) <= most:
			if err != nil || !bytes.Equal(dst[:n], want) || used > len(src) {
				t.Fatalf("%d bytes, want %d; %v", n, len(want), err)
			}
		case err == nil:
			t.Fatalf("%d bytes where the library has an error: %v", n, wantErr)
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	src := inflateInputs()["text"]
	packed, err := Deflate.Compress(nil, src, 6)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, len(src))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Deflate.DecompressMost(dst, packed); err != nil {
			b.Fatal(err)
		}
	}
}

// TestGunzip: members with every part of a header, one behind another.
func TestGunzip(t *testing.T) {
	var packed bytes.Buffer
	var want []byte
	for i, src := range [][]byte{[]byte("first"), nil, block(70_000)} {
		w, err := gzip.NewWriterLevel(&packed, 1+i)
		if err != nil {
			t.Fatal(err)
		}
		w.Name, w.Comment, w.Extra = []string{"name", "", "x"}[i], []string{"", "comment", "y"}[i], [][]byte{nil, {1, 2, 3}, {4}}[i]
		w.Write(src)
		w.Close()
		want = append(want, src...)
	}
	dst := make([]byte, len(want)+3)
	n, err := Gzip.DecompressMost(dst, packed.Bytes())
	if err != nil || !bytes.Equal(dst[:n], want) {
		t.Fatalf("%d bytes of %d, %v", n, len(want), err)
	}
	// With a checksum of the header (RFC 1952, FHCRC), right and wrong.
	head := []byte{0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 255}
	sum := crc32.ChecksumIEEE(head)
	body, err := Gzip.Compress(nil, []byte("body"), 1)
	if err != nil {
		t.Fatal(err)
	}
	good := append(append(bytes.Clone(head), byte(sum), byte(sum>>8)), body[10:]...)
	if n, err := Gzip.DecompressMost(dst, good); err != nil || string(dst[:n]) != "body" {
		t.Fatalf("%q, %v", dst[:n], err)
	}
	good[10]++
	if _, err := Gzip.DecompressMost(dst, good); !errors.Is(err, errGzipSum) {
		t.Fatalf("a wrong checksum of the header: %v", err)
	}
	for _, spoil := range []int{1, len(body) - 8, len(body) - 1} {
		bad := bytes.Clone(body)
		bad[spoil]++
		if _, err := Gzip.DecompressMost(dst, bad); err == nil {
			t.Fatalf("byte %d is other, and no error", spoil)
		}
	}
}

// FuzzGunzip: as FuzzInflate, for gzip.
func FuzzGunzip(f *testing.F) {
	for _, src := range [][]byte{nil, []byte("some"), block(500)} {
		b, err := Gzip.Compress(nil, src, 6)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(append(b, b...))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		const most = 1 << 16
		var want []byte
		r, wantErr := stdgzip.NewReader(bytes.NewReader(src))
		if wantErr == nil {
			want, wantErr = io.ReadAll(io.LimitReader(r, most+1))
		}
		dst := make([]byte, most)
		n, err := gunzip(dst, src)
		if wantErr == nil && len(want) <= most && (err != nil || !bytes.Equal(dst[:n], want)) {
			t.Fatalf("%d bytes, want %d; %v", n, len(want), err)
		}
		if wantErr != nil && err == nil {
			t.Fatalf("%d bytes where the library has an error: %v", n, wantErr)
		}
	})
}
