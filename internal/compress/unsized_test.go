package compress

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/bdkit/bdkit/internal/oracle"
)

type unsized struct {
	name       string
	decompress func(dst, src []byte, limit int) ([]byte, error)
	compress   func(t testing.TB, src []byte) []byte
}

func must(t testing.TB) func(b []byte, err error) []byte {
	return func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

var unsizedCodecs = []unsized{
	{"snappy", DecompressSnappy, func(t testing.TB, src []byte) []byte { return must(t)(Snappy.Compress(nil, src, 0)) }},
	{"zstd", DecompressZstd, func(t testing.TB, src []byte) []byte { return must(t)(Zstd.Compress(nil, src, 0)) }},
	{"deflate", DecompressDeflate, func(t testing.TB, src []byte) []byte { return must(t)(Deflate.Compress(nil, src, 0)) }},
	{"xz", DecompressXZ, func(t testing.TB, src []byte) []byte {
		var b bytes.Buffer
		w, err := xz.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(src); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}},
}

// What was compressed comes back, behind what was there, within the limit and
// not beyond it.
func TestUnsized(t *testing.T) {
	for _, c := range unsizedCodecs {
		for _, n := range []int{0, 1, 5000, 700_000} {
			src := block(n)
			packed := c.compress(t, src)
			prefix := []byte("kept")
			got, err := c.decompress(prefix, packed, n+4)
			if err != nil || !bytes.Equal(got, append(prefix, src...)) {
				t.Fatalf("%s: %d bytes: %d bytes, %v", c.name, n, len(got), err)
			}
			if n == 0 {
				continue
			}
			if _, err := c.decompress(nil, packed, n-1); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s: %d bytes into %d: %v", c.name, n, n-1, err)
			}
			for cut := 0; cut < len(packed); cut += 1 + len(packed)/50 {
				if out, err := c.decompress(nil, packed[:cut], 2*n); err == nil && len(out) >= n {
					t.Errorf("%s: cut at %d of %d: no error", c.name, cut, len(packed))
				}
			}
			for i := 0; i < len(packed); i += 1 + len(packed)/50 {
				bad := bytes.Clone(packed)
				bad[i] ^= 0x55
				if out, _ := c.decompress(nil, bad, 2*n); len(out) > 2*n {
					t.Errorf("%s: byte %d changed: %d bytes", c.name, i, len(out))
				}
			}
		}
	}
}

// Sizes that blocks state and cannot back allocate nothing.
func TestClaims(t *testing.T) {
	const limit = 1 << 30
	for name, c := range map[string]struct {
		src        []byte
		decompress func(dst, src []byte, limit int) ([]byte, error)
	}{
		"snappy": {[]byte{0x80, 0x80, 0x80, 0x80, 0x02, 0}, DecompressSnappy},
		"zstd":   {[]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x20, 1, 0, 0}, DecompressZstd},
	} {
		var err error
		if n := testing.AllocsPerRun(1, func() { _, err = c.decompress(nil, c.src, limit) }); !errors.Is(err, ErrCorrupt) || n > 1000 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A dictionary of 1.5 GiB in the header of an empty block.
	src := unsizedCodecs[3].compress(t, block(100))
	if _, err := DecompressXZ(nil, src, 100); err != nil {
		t.Fatal(err)
	}
}

// xz and bzip2 of the reference implementations.
func TestUnsizedOracle(t *testing.T) {
	py := oracle.Python(t, "that xz and bzip2 of the reference implementations are read")
	src := block(300_000)
	file := filepath.Join(t.TempDir(), "src")
	if err := os.WriteFile(file, src, 0o644); err != nil {
		t.Fatal(err)
	}
	script := `import sys,lzma,bz2
src=open(sys.argv[2],'rb').read()
how=sys.argv[1]
out={'bz2':lambda:bz2.compress(src)+bz2.compress(src),
 'xz crc32':lambda:lzma.compress(src,check=lzma.CHECK_CRC32),
 'xz crc64':lambda:lzma.compress(src,check=lzma.CHECK_CRC64)+bytes(8)+lzma.compress(b'tail'),
 'xz sha256':lambda:lzma.compress(src,check=lzma.CHECK_SHA256,preset=9|lzma.PRESET_EXTREME),
 'xz none':lambda:lzma.compress(src,check=lzma.CHECK_NONE,preset=0),
 'xz delta':lambda:lzma.compress(src,filters=[{'id':lzma.FILTER_DELTA,'dist':2},{'id':lzma.FILTER_LZMA2}])}[how]()
sys.stdout.buffer.write(out)`
	for how, want := range map[string][]byte{
		"bz2": append(bytes.Clone(src), src...), "xz crc32": src, "xz crc64": append(bytes.Clone(src), "tail"...), "xz sha256": src, "xz none": src, "xz delta": nil,
	} {
		packed := []byte(oracle.Run(t, py, script, how, file))
		decompress := DecompressXZ
		if how == "bz2" {
			decompress = DecompressBzip2
		}
		got, err := decompress(nil, packed, 1<<20)
		switch {
		case want == nil:
			if !errors.Is(err, ErrReadOnly) {
				t.Errorf("%s: %v", how, err)
			}
		case err != nil || !bytes.Equal(got, want):
			t.Errorf("%s: %d bytes, %v", how, len(got), err)
		}
		if how == "xz crc32" || how == "xz crc64" || how == "xz sha256" {
			packed[len(packed)/2] ^= 1
			if _, err := decompress(nil, packed, 1<<20); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s, a bit changed: %v", how, err)
			}
		}
	}
}

func FuzzUnsized(f *testing.F) {
	for i, c := range unsizedCodecs {
		f.Add(uint8(i), c.compress(f, block(300)))
	}
	f.Fuzz(func(t *testing.T, i uint8, src []byte) {
		const limit = 1 << 20
		c := unsizedCodecs[int(i)%len(unsizedCodecs)]
		if out, err := c.decompress(nil, src, limit); err == nil && len(out) > limit {
			t.Errorf("%s: %d bytes", c.name, len(out))
		}
		if out, err := DecompressBzip2(nil, src, limit); err == nil && len(out) > limit {
			t.Errorf("bzip2: %d bytes", len(out))
		}
	})
}
