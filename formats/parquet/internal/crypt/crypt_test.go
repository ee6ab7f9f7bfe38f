package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// testKeys is one footer key and the keys of columns.
type testKeys struct {
	footer  []byte
	columns map[string][]byte
	prefix  string
}

func (k testKeys) FooterKey(md []byte) ([]byte, error) {
	if k.footer == nil {
		return nil, fmt.Errorf("%w: footer %q", arrowio.ErrKey, md)
	}
	return k.footer, nil
}

func (k testKeys) ColumnKey(path string, md []byte) ([]byte, error) {
	if key := k.columns[path]; key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("%w: column %s %q", arrowio.ErrKey, path, md)
}

func (k testKeys) AADPrefix() []byte { return []byte(k.prefix) }

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func newColumn(t testing.TB, alg meta.EncryptionAlgorithm, key []byte) *Column {
	t.Helper()
	f, err := NewFile(alg, nil, testKeys{footer: key})
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.FooterKey()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// place is where a module is; ordinals that its kind lacks are -1.
type place struct {
	kind                  Module
	rowGroup, column, pag int
}

func places() []place {
	out := []place{{Footer, -1, -1, -1}}
	for _, kind := range []Module{ColumnMetaData, DictionaryPage, DictionaryPageHeader, ColumnIndex, OffsetIndex, BloomFilterHeader, BloomFilterBitset} {
		out = append(out, place{kind, 0, 0, -1}, place{kind, 0, 1, -1}, place{kind, 1, 0, -1}, place{kind, 258, 3, -1})
	}
	for _, kind := range []Module{DataPage, DataPageHeader} {
		out = append(out, place{kind, 0, 0, 0}, place{kind, 0, 0, 1}, place{kind, 0, 1, 0}, place{kind, 1, 0, 0}, place{kind, 0, 0, 256}, place{kind, 32767, 32767, 32767})
	}
	return out
}

func seal(t testing.TB, c *Column, p place, plain []byte, r *rand.Rand) []byte {
	t.Helper()
	m, err := c.Seal(nil, plain, randomBytes(r, nonceLen), p.kind, p.rowGroup, p.column, p.pag)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func open(c *Column, p place, module []byte) ([]byte, int, error) {
	return c.Open(nil, module, p.kind, p.rowGroup, p.column, p.pag)
}

// TestRoundTrip: what is sealed opens equal, whatever follows it, and is
// appended to what there is.
func TestRoundTrip(t *testing.T) {
	for _, bits := range []int{128, 192, 256} {
		for _, ctr := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d ctr=%v", bits, ctr), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(bits), 1))
				c := newColumn(t, meta.EncryptionAlgorithm{CTR: ctr, AADFileUnique: randomBytes(r, 8)}, randomBytes(r, bits/8))
				for _, p := range places() {
					plain := randomBytes(r, r.IntN(100))
					m := seal(t, c, p, plain, r)
					if n, err := ModuleLen(m); err != nil || n != len(m) {
						t.Fatalf("%v: length %d, %v; want %d", p, n, err, len(m))
					}
					got, n, err := c.Open([]byte("head"), append(m, "tail"...), p.kind, p.rowGroup, p.column, p.pag)
					if err != nil || n != len(m) || !bytes.Equal(got, append([]byte("head"), plain...)) {
						t.Fatalf("%v: %x, %d, %v", p, got, n, err)
					}
					if pages := p.kind == DataPage || p.kind == DictionaryPage; ctr && pages != (len(m) == prefixLen+nonceLen+len(plain)) {
						t.Fatalf("%v: a module of %d bytes for %d", p, len(m), len(plain))
					}
				}
			})
		}
	}
}

// TestBytes compares modules with what Encryption.md says they are, put
// together here by hand.
func TestBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	key, nonce, plain := randomBytes(r, 16), randomBytes(r, 12), randomBytes(r, 40)
	alg := meta.EncryptionAlgorithm{AADPrefix: []byte("prefix"), AADFileUnique: []byte("unique88")}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	aad := append([]byte("prefixunique88"), 4, 1, 0, 2, 0, 3, 1) // data page header; 1, 2, 259
	want := gcm.Seal(append([]byte{68, 0, 0, 0}, nonce...), nonce, plain, aad)
	got, err := newColumn(t, alg, key).Seal(nil, plain, nonce, DataPageHeader, 1, 2, 259)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("GCM: %x, %v\nwant %x", got, err, want)
	}
	iv := append(bytes.Clone(nonce), 0, 0, 0, 1)
	want = append(append([]byte{52, 0, 0, 0}, nonce...), plain...)
	cipher.NewCTR(block, iv).XORKeyStream(want[16:], plain)
	alg.CTR = true
	got, err = newColumn(t, alg, key).Seal(nil, plain, nonce, DataPage, 1, 2, 3)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("CTR: %x, %v\nwant %x", got, err, want)
	}
}

// TestTampered: no changed byte passes, and no shorter module.
func TestTampered(t *testing.T) {
	for _, ctr := range []bool{false, true} {
		r := rand.New(rand.NewPCG(3, 3))
		c := newColumn(t, meta.EncryptionAlgorithm{CTR: ctr}, randomBytes(r, 32))
		for _, p := range places() {
			m := seal(t, c, p, randomBytes(r, 33), r)
			for i := range m {
				changed := append(bytes.Clone(m), make([]byte, 300)...) // so that a longer length has bytes
				changed[i] ^= byte(1 + r.IntN(255))
				plain, _, err := open(c, p, changed)
				if c.isCTR(p.kind) && i >= prefixLen {
					continue // CTR does not authenticate
				}
				if err == nil && !c.isCTR(p.kind) {
					t.Fatalf("%v: byte %d changed: %x", p, i, plain)
				}
				if err != nil && !errors.Is(err, arrowio.ErrKey) && !errors.Is(err, arrowio.ErrCorrupt) {
					t.Fatalf("%v: byte %d changed: %v", p, i, err)
				}
			}
			for i := range m {
				if _, _, err := open(c, p, m[:i]); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, arrowio.ErrCorrupt) {
					t.Fatalf("%v: cut at %d: %v", p, i, err)
				}
			}
			for size := range nonceLen {
				if _, _, err := open(c, p, append(binary.LittleEndian.AppendUint32(nil, uint32(size)), make([]byte, 64)...)); !errors.Is(err, arrowio.ErrCorrupt) {
					t.Fatalf("%v: a length of %d: %v", p, size, err)
				}
			}
		}
	}
}

// TestSwapped: a module opens at its own place only, in its own file only.
func TestSwapped(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	key := randomBytes(r, 16)
	alg := meta.EncryptionAlgorithm{AADPrefix: []byte("table"), AADFileUnique: []byte("12345678")}
	c := newColumn(t, alg, key)
	others := map[string]*Column{
		"other file":   newColumn(t, meta.EncryptionAlgorithm{AADPrefix: alg.AADPrefix, AADFileUnique: []byte("12345679")}, key),
		"other prefix": newColumn(t, meta.EncryptionAlgorithm{AADPrefix: []byte("tablet"), AADFileUnique: alg.AADFileUnique}, key),
		"other key":    newColumn(t, alg, randomBytes(r, 16)),
	}
	for _, p := range places() {
		m := seal(t, c, p, []byte("value"), r)
		for _, q := range places() {
			if _, _, err := open(c, q, m); (err == nil) != (p == q) {
				t.Errorf("sealed for %v, opened at %v: %v", p, q, err)
			}
		}
		for name, other := range others {
			if _, _, err := open(other, p, m); !errors.Is(err, arrowio.ErrKey) {
				t.Errorf("%v, %s: %v", p, name, err)
			}
		}
	}
}

// TestSignature: a plaintext footer, its nonce and its tag are each verified.
func TestSignature(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	f, err := NewFile(meta.EncryptionAlgorithm{AADFileUnique: randomBytes(r, 8)}, nil, testKeys{footer: randomBytes(r, 24)})
	if err != nil {
		t.Fatal(err)
	}
	footer := randomBytes(r, 50)
	sig, err := f.Sign(footer, randomBytes(r, nonceLen))
	if err != nil || len(sig) != nonceLen+tagLen {
		t.Fatalf("%x, %v", sig, err)
	}
	if err := f.VerifyFooter(footer, sig); err != nil {
		t.Fatal(err)
	}
	whole := append(bytes.Clone(footer), sig...)
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 0x10
		if err := f.VerifyFooter(changed[:len(footer)], changed[len(footer):]); !errors.Is(err, arrowio.ErrKey) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for i := range sig {
		if err := f.VerifyFooter(footer, sig[:i]); !errors.Is(err, arrowio.ErrCorrupt) {
			t.Errorf("a signature of %d bytes: %v", i, err)
		}
	}
	if _, err := f.Sign(footer, sig); err == nil {
		t.Error("a nonce of 28 bytes was taken")
	}
}

func TestKeys(t *testing.T) {
	key := make([]byte, 16)
	file := func(alg meta.EncryptionAlgorithm, k testKeys) error {
		_, err := NewFile(alg, nil, k)
		return err
	}
	if _, err := NewFile(meta.EncryptionAlgorithm{}, nil, nil); !errors.Is(err, arrowio.ErrKey) {
		t.Errorf("no keys: %v", err)
	}
	for name, c := range map[string]struct {
		alg meta.EncryptionAlgorithm
		k   testKeys
		ok  bool
	}{
		"prefix not given": {meta.EncryptionAlgorithm{SupplyAADPrefix: true}, testKeys{footer: key}, false},
		"prefix given":     {meta.EncryptionAlgorithm{SupplyAADPrefix: true}, testKeys{footer: key, prefix: "p"}, true},
		"prefix stored":    {meta.EncryptionAlgorithm{AADPrefix: []byte("p")}, testKeys{footer: key}, true},
		"same prefix":      {meta.EncryptionAlgorithm{AADPrefix: []byte("p")}, testKeys{footer: key, prefix: "p"}, true},
		"another prefix":   {meta.EncryptionAlgorithm{AADPrefix: []byte("p")}, testKeys{footer: key, prefix: "q"}, false},
	} {
		if err := file(c.alg, c.k); (err == nil) != c.ok || err != nil && !errors.Is(err, arrowio.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Without the footer key, columns with keys of their own still open.
	f, err := NewFile(meta.EncryptionAlgorithm{}, []byte("kf"), testKeys{columns: map[string][]byte{"a.b": key, "odd": key[:5]}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Column(&meta.ColumnCrypto{}, "a.b"); err != nil {
		t.Error(err)
	}
	_, _, footer := f.Footer(make([]byte, 64))
	_, sign := f.Sign(nil, make([]byte, nonceLen))
	_, with := f.Column(&meta.ColumnCrypto{WithFooterKey: true}, "x")
	_, unknown := f.Column(&meta.ColumnCrypto{}, "x")
	_, length := f.Column(&meta.ColumnCrypto{}, "odd")
	for name, err := range map[string]error{
		"footer": footer, "sign": sign, "verify": f.VerifyFooter(nil, make([]byte, 28)), "with footer key": with, "unknown": unknown, "length": length,
	} {
		if !errors.Is(err, arrowio.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSealLimits: an ordinal beyond two signed bytes would repeat an AAD.
func TestSealLimits(t *testing.T) {
	c := newColumn(t, meta.EncryptionAlgorithm{}, make([]byte, 16))
	nonce := make([]byte, nonceLen)
	for _, p := range []place{{DataPage, 32768, 0, 0}, {DataPage, 0, 32768, 0}, {DataPage, 0, 0, 32768}} {
		if _, err := c.Seal(nil, nil, nonce, p.kind, p.rowGroup, p.column, p.pag); !errors.Is(err, arrowio.ErrLimit) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if _, err := c.Seal(nil, nil, nonce[1:], DataPage, 0, 0, 0); err == nil {
		t.Error("a nonce of 11 bytes was taken")
	}
}

// FuzzOpen: no bytes make Open panic, read past the module or invent plaintext.
func FuzzOpen(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 9))
	gcm := newColumn(f, meta.EncryptionAlgorithm{}, make([]byte, 16))
	ctr := newColumn(f, meta.EncryptionAlgorithm{CTR: true}, make([]byte, 16))
	f.Add(seal(f, gcm, place{Footer, -1, -1, -1}, []byte("abc"), r))
	f.Add(seal(f, ctr, place{DataPage, 0, 0, 0}, []byte("abc"), r))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []*Column{gcm, ctr} {
			for kind := Footer; kind <= BloomFilterBitset; kind++ {
				plain, n, err := c.Open(nil, b, kind, 0, 0, 0)
				if err == nil && (n > len(b) || len(plain) > n-prefixLen-nonceLen) {
					t.Fatalf("kind %d: %d bytes from a module of %d in %d", kind, len(plain), n, len(b))
				}
			}
		}
	})
}
