package orc

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/compress"
)

// recode gives a file's streams another compression: a copy without row indexes,
// whose positions would be others.
func recode(t *testing.T, raw []byte, kind proto.CompressionKind, codec compress.Codec) []byte {
	t.Helper()
	r := openBytes(t, raw, Options{})
	defer r.Close()
	w := &block.Writer{Codec: codec, Size: 4096}
	pack := func(dst, b []byte) []byte {
		out, err := w.Append(dst, b)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := []byte(magic)
	foot := *r.footer
	foot.Stripes = nil
	for i := range r.footer.Stripes {
		st, err := r.openStripe(t.Context(), i, arrowio.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		info := proto.StripeInformation{Offset: uint64(len(out)), Rows: st.info.Rows}
		sf := *st.footer
		sf.Streams = nil
		for _, s := range st.footer.Streams {
			ext := st.streams[streamKey{int(s.Column), s.Kind}]
			switch s.Kind {
			case proto.RowIndexStream, proto.BloomFilter, proto.BloomFilterUTF8:
				continue
			}
			plain, err := block.ReadAll(r.format, raw[ext.off:ext.off+ext.size], maxMetadata)
			if err != nil {
				t.Fatal(err)
			}
			at := len(out)
			out = pack(out, plain)
			s.Length = uint64(len(out) - at)
			sf.Streams = append(sf.Streams, s)
			info.DataLength += s.Length
		}
		at := len(out)
		out = pack(out, sf.Append(nil))
		info.FooterLength = uint64(len(out) - at)
		foot.Stripes = append(foot.Stripes, info)
	}
	ps := *r.ps
	ps.Compression, ps.BlockSize, ps.MetadataLength = kind, proto.Some(uint64(w.Size)), 0
	at := len(out)
	out = pack(out, foot.Append(nil))
	ps.FooterLength = uint64(len(out) - at)
	at = len(out)
	out = ps.Append(out)
	return append(out, byte(len(out)-at))
}

// TestCodecs: files of Java's in every compression that there is a compressor
// for, Brotli among them, which Java's tool lacks the library of.
func TestCodecs(t *testing.T) {
	files := javaFiles(t)
	for _, name := range []string{"no-index", "v11-nested", "empty", "codec-lzo"} {
		f := files[name]
		raw, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		for kind, codec := range map[proto.CompressionKind]compress.Codec{
			proto.CompressionNone: compress.None, proto.Zlib: compress.Deflate, proto.Snappy: compress.Snappy, proto.LZ4: compress.LZ4Raw,
			proto.Zstd: compress.Zstd, proto.Brotli: compress.Brotli,
		} {
			r := openBytes(t, recode(t, raw, kind, codec), Options{})
			d, err := digestOf(r, 0)
			if err != nil {
				t.Fatalf("%s as %s: %v", name, kind, err)
			}
			if d.Rows != f.rows || strings.Join(d.Sums(), " ") != strings.Join(f.digests, " ") {
				t.Errorf("%s as %s differs", name, kind)
			}
			if r.Meta().Units == nil && f.rows > 0 || r.ps.Compression != kind {
				t.Errorf("%s as %s: %v", name, kind, r.ps)
			}
		}
	}
}

// TestSubEncodings: the file of integers that Java's writer made has every
// sub-encoding of version 2, at the widths that each of them has, so that TestJava
// shows that all are read right.
func TestSubEncodings(t *testing.T) {
	raw, err := os.ReadFile(javaFiles(t)["ints"].path)
	if err != nil {
		t.Fatal(err)
	}
	r := openBytes(t, raw, Options{})
	defer r.Close()
	widths := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 30, 32, 40, 48, 56, 64}
	closest := func(n int) int {
		for _, w := range widths {
			if w >= n {
				return w
			}
		}
		return 64
	}
	packed := func(n, width int) int { return (n*width + 7) / 8 }
	var repeat, direct, patched, rising [65]int
	for i := range r.footer.Stripes {
		st, err := r.openStripe(t.Context(), i, arrowio.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for k, ext := range st.streams {
			if k.kind != proto.Data {
				continue
			}
			for b := raw[ext.off : ext.off+ext.size]; len(b) > 0; {
				if b[0]>>6 == 0 {
					w := int(b[0]>>3&7) + 1
					repeat[8*w]++
					b = b[1+w:]
					continue
				}
				w, n := widths[b[0]>>1&31], int(b[0]&1)<<8|int(b[1])
				switch b[0] >> 6 {
				case 1:
					direct[w]++
					b = b[2+packed(n+1, w):]
				case 2:
					patched[w]++
					base, pw, gap, count := int(b[2]>>5)+1, widths[b[2]&31], int(b[3]>>5)+1, int(b[3]&31)
					b = b[4+base+packed(n+1, w)+packed(count, closest(pw+gap)):]
				case 3:
					code := b[0] >> 1 & 31
					b = b[2:]
					for range 2 {
						_, k := binary.Uvarint(b)
						b = b[k:]
					}
					if code == 0 {
						w = 0
					} else {
						b = b[packed(n-1, w):]
					}
					rising[w]++
				}
			}
		}
	}
	for _, w := range widths {
		if direct[w] == 0 {
			t.Errorf("no direct run of width %d", w)
		}
		if w > 1 && w <= 32 && rising[w] == 0 {
			t.Errorf("no delta run of width %d", w)
		}
	}
	count := func(c [65]int) (n int) {
		for _, k := range c {
			if k > 0 {
				n++
			}
		}
		return n
	}
	t.Logf("widths seen: %d of 8 in short repeats, %d of 32 direct, %d patched, %d delta", count(repeat), count(direct), count(patched), count(rising))
	if count(repeat) < 8 || count(patched) < 10 || rising[0] == 0 {
		t.Errorf("short repeats of %v, patched of %v, series %d", repeat, patched, rising[0])
	}
}
