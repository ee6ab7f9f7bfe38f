package compress

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/golang/snappy"
)

// guarded has bytes behind the buffer that must stay as they are.
func guarded(n int) (buf []byte, intact func() bool) {
	all := bytes.Repeat([]byte{0xa5}, n+128)
	return all[:n], func() bool { return bytes.Count(all[n:], []byte{0xa5}) == 128 }
}

// sameAsOther holds our decoder against another on any input: the same bytes,
// or both an error. The other is not klauspost's, which takes the elements of
// S2 too: an offset of zero there repeats the last one, and is an error here.
func sameAsOther(t *testing.T, block []byte) {
	t.Helper()
	size, err := snappy.DecodedLen(block)
	if err != nil || size > 1<<20 {
		return
	}
	want, werr := snappy.Decode(nil, block)
	got, intact := guarded(size)
	n, gerr := snappyDecompress(got, block)
	ok := gerr == nil && n == size
	if !intact() {
		t.Fatal("bytes behind the buffer were written")
	}
	if ok != (werr == nil) {
		t.Fatalf("%d bytes of %d, %v; the other says %v", n, size, gerr, werr)
	}
	if ok && !bytes.Equal(got, want) {
		t.Fatal("the bytes differ")
	}
}

// snappyElements makes a valid block of every kind of element and every short
// offset.
func snappyElements(rng *rand.Rand) []byte {
	var body []byte
	size := 0
	for range rng.IntN(400) {
		if kind := rng.IntN(5); size == 0 || kind == 0 {
			n := 1 + rng.IntN([]int{4, 16, 60, 300}[rng.IntN(4)])
			switch {
			case n <= 60:
				body = append(body, byte(n-1)<<2)
			case n <= 256:
				body = append(body, 60<<2, byte(n-1))
			default:
				body = append(body, 61<<2, byte(n-1), byte((n-1)>>8))
			}
			for range n {
				body = append(body, byte(rng.Uint32()))
			}
			size += n
			continue
		} else {
			off := 1 + rng.IntN(min(size, []int{20, 40, 2047, 65535}[rng.IntN(4)]))
			n := 1 + rng.IntN(64)
			switch {
			case kind == 1 && off < 2048:
				n = 4 + rng.IntN(8)
				body = append(body, byte(off>>8)<<5|byte(n-4)<<2|1, byte(off))
			case kind == 2:
				body = append(body, byte(n-1)<<2|3, byte(off), byte(off>>8), byte(off>>16), byte(off>>24))
			default:
				body = append(body, byte(n-1)<<2|2, byte(off), byte(off>>8))
			}
			size += n
		}
	}
	head := []byte{}
	for v := size; ; v >>= 7 {
		if v < 0x80 {
			head = append(head, byte(v))
			break
		}
		head = append(head, byte(v)|0x80)
	}
	return append(head, body...)
}

func TestSnappyAgainstOther(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		block := snappyElements(rng)
		got := make([]byte, func() int { n, _ := snappy.DecodedLen(block); return n }())
		if n, err := snappyDecompress(got, block); err != nil || n != len(got) {
			t.Fatalf("block %d: a valid block of %d bytes: %d, %v", i, len(got), n, err)
		}
		sameAsOther(t, block)
		for range 4 { // cut, and damaged
			b := bytes.Clone(block[:1+rng.IntN(len(block))])
			if rng.IntN(2) == 0 {
				b = bytes.Clone(block)
			}
			for range rng.IntN(4) {
				b[rng.IntN(len(b))] = byte(rng.Uint32())
			}
			sameAsOther(t, b)
		}
	}
}

func FuzzSnappy(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(snappyElements(rng))
	}
	f.Fuzz(func(t *testing.T, block []byte) { sameAsOther(t, block) })
}

func BenchmarkSnappy(b *testing.B) {
	var text bytes.Buffer
	rng := rand.New(rand.NewPCG(5, 6))
	words := []string{"carefully ", "final ", "packages ", "sleep ", "furiously ", "deposits ", "about the ", "ironic ", "requests "}
	for i := 0; text.Len() < 1<<20; i++ {
		fmt.Fprintf(&text, "%s%s", words[rng.IntN(len(words))], string(rune('a'+rng.IntN(26))))
	}
	block := snappy.Encode(nil, text.Bytes())
	dst := make([]byte, text.Len())
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(dst)))
		for b.Loop() {
			if _, err := snappyDecompress(dst, block); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("other", func(b *testing.B) {
		b.SetBytes(int64(len(dst)))
		for b.Loop() {
			if _, err := snappy.Decode(dst, block); err != nil {
				b.Fatal(err)
			}
		}
	})
}
