package parquet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/keyfile"
	"github.com/bdkit/bdkit/pushdown"
)

// Keys of the tests: of 16, 24 and 32 bytes.
const (
	footerHex = "30313233343536373839303132333435"
	columnHex = "313233343536373839303132333435363738393031323334"
	otherHex  = "3132333435363738393031323334353132333435363738393031323334353132"
)

// keysOf gives the keys of a file of keys in JSON.
func keysOf(t testing.TB, m map[string]any) *keyfile.Keys {
	t.Helper()
	k, err := keyfile.FromMap(m)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func encryptionOf(t testing.TB, k *keyfile.Keys) *formats.Encryption {
	t.Helper()
	e, err := k.Encryption()
	if err != nil || e == nil {
		t.Fatalf("%v, %v", e, err)
	}
	return e
}

// randomKeys draws a file of keys for columns c0…; hidden says which of them no
// one may read without keys.
func randomKeys(r *rand.Rand, columns int, seen map[string]int) (doc map[string]any, hidden []bool) {
	enc := map[string]any{}
	doc = map[string]any{"footer": footerHex, "encrypt": enc}
	note := func(what string, yes bool) bool {
		if yes {
			seen[what]++
		}
		return yes
	}
	if note("ctr", r.IntN(2) == 0) {
		enc["algorithm"] = "AES_GCM_CTR_V1"
	}
	enc["plaintext_footer"] = note("plaintext footer", r.IntN(2) == 0)
	if r.IntN(2) == 0 {
		doc["aad_prefix"] = "table 7"
		enc["omit_aad_prefix"] = note("prefix omitted", r.IntN(2) == 0)
		seen["prefix"]++
	}
	hidden = make([]bool, columns)
	names, plain, masters := map[string]any{}, []string{}, map[string]string{}
	for i := range hidden {
		name := fmt.Sprintf("c%d", i)
		switch hidden[i] = true; r.IntN(4) {
		case 0:
			names[name] = map[string]any{"id": "k" + name, "hex": []string{columnHex, otherHex}[r.IntN(2)]}
			masters[name] = "m2"
			seen["column key"]++
		case 1:
			if i > 0 {
				plain, hidden[i] = append(plain, name), false
				seen["plaintext column"]++
			}
		default:
			seen["footer key"]++
		}
	}
	enc["plaintext"] = plain
	if note("wrapped", r.IntN(3) == 0) {
		single := note("wrapped once", r.IntN(2) == 0)
		doc["keys"] = map[string]any{"m1": columnHex, "m2": otherHex}
		enc["wrap"] = map[string]any{"footer": "m1", "columns": masters, "single": single}
		delete(doc, "footer")
	} else {
		doc["columns"] = names
		if r.IntN(2) == 0 {
			doc["footer"] = map[string]any{"id": "kf", "hex": footerHex}
		}
	}
	return doc, hidden
}

// TestEncryptRoundTrip: what is encrypted is read back equal with the keys, and
// without them is an error of the key: the whole file, or the columns that are
// encrypted where the footer is not.
func TestEncryptRoundTrip(t *testing.T) {
	seen := map[string]int{}
	n := campaign(40, 120, 2000)
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 31))
		g := &arrowiotest.Generator{R: r, Leaves: append(slices.Clone(arrowiotest.FlatTypes), arrowiotest.MoreTypes...), Nested: seed%2 > 0, Exotic: seed%3 > 0, Seen: seen}
		s := g.Schema()
		batches := []arrow.RecordBatch{g.Batch(s, 1+r.IntN(300)), g.Batch(s, r.IntN(200))}
		o := randomOptions(r)
		o.NoArrowSchema, o.TimestampUnit = false, "ns"
		randomEncodings(r, s, &o, seen)
		doc, hidden := randomKeys(r, s.NumFields(), seen)
		keys := keysOf(t, doc)
		o.Encryption = encryptionOf(t, keys)
		raw := writeFile(t, o, s, batches...)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			if got, want := string(raw[:4]), string(raw[len(raw)-4:]); got != want || (got == "PARE") != !o.Encryption.PlaintextFooter {
				t.Fatalf("starts with %s, ends with %s", got, want)
			}
			for i, f := range s.Fields() {
				var want []string
				for _, b := range batches {
					want = append(want, arrowiotest.ColumnText(b.Column(i))...)
				}
				got, err := readColumn(t, raw, f.Name, Options{Keys: keys})
				if err != nil {
					t.Fatal(err)
				}
				compareColumns(t, fmt.Sprintf("%v %v", f, doc), want, got)
				got, err = readColumn(t, raw, f.Name, Options{})
				if o.Encryption.PlaintextFooter && !hidden[i] {
					if err != nil {
						t.Fatalf("a plaintext column: %v", err)
					}
					compareColumns(t, fmt.Sprintf("%v %v", f, doc), want, got)
				} else if !errors.Is(err, arrowio.ErrKey) {
					t.Errorf("%v without keys: %v", f, err)
				}
			}
			if doc["aad_prefix"] != nil {
				wrong := maps.Clone(doc)
				wrong["aad_prefix"] = "table 8"
				if _, err := readColumn(t, raw, "c0", Options{Keys: keysOf(t, wrong)}); !errors.Is(err, arrowio.ErrKey) {
					t.Errorf("another AAD prefix: %v", err)
				}
			}
		})
	}
	t.Log("coverage:", seen)
	for _, what := range []string{"ctr", "plaintext footer", "prefix", "prefix omitted", "column key", "footer key", "plaintext column", "wrapped", "wrapped once", "page v1", "page v2", "STRUCT", "LIST"} {
		if seen[what] < n/20 {
			t.Errorf("coverage of %s is %d, the floor is %d", what, seen[what], n/20)
		}
	}
}

// readColumn reads one column as text.
func readColumn(t testing.TB, raw []byte, name string, o Options) ([]string, error) {
	rd, err := openBytes(t, raw, o)
	if err != nil {
		return nil, err
	}
	return scanText(rd, arrowio.ScanRequest{Columns: []pushdown.Path{{name}}})
}

// scanText reads what is asked for, row by row where it is several columns, and
// closes the reader.
func scanText(rd *Reader, req arrowio.ScanRequest) ([]string, error) {
	rr, err := arrowiotest.ReadSplits(context.Background(), rd, req, arrowio.ReadOptions{}, rd.Close)
	if err != nil {
		return nil, err
	}
	var out []string
	for rr.Next() {
		rec := rr.RecordBatch()
		if len(req.Columns) == 1 {
			out = append(out, arrowiotest.ColumnText(rec.Column(0))...)
			continue
		}
		out = append(out, arrowiotest.Text(rec)...)
	}
	return out, rr.Close()
}

// lawKeys are keys for lawSchema.
func lawKeys(t testing.TB, ctr, plaintextFooter bool) *keyfile.Keys {
	enc := map[string]any{"plaintext_footer": plaintextFooter}
	if ctr {
		enc["algorithm"] = "AES_GCM_CTR_V1"
	}
	return keysOf(t, map[string]any{"footer": footerHex, "columns": map[string]any{"id": columnHex, "s.y": otherHex}, "encrypt": enc})
}

// TestEncryptedTableLaws holds the laws of every table, pruning by encrypted
// statistics, indexes and Bloom filters among them.
func TestEncryptedTableLaws(t *testing.T) {
	for _, plaintext := range []bool{false, true} {
		keys := lawKeys(t, plaintext, plaintext)
		r := rand.New(rand.NewPCG(8, 5))
		raw := writeFile(t, WriteOptions{
			RowGroupRows: 700, PageRows: 50, Encryption: encryptionOf(t, keys),
			Columns: map[string]ColumnOptions{"b": {Bloom: &BloomOptions{NDV: 100}}, "id": {Bloom: &BloomOptions{NDV: 1000}}},
		}, lawSchema, lawBatch(r, 0, 900), lawBatch(r, 900, 1100))
		t.Run(fmt.Sprint(plaintext), func(t *testing.T) {
			arrowiotest.Run(t, func(t testing.TB) arrowio.Table {
				rd, err := openBytes(t, raw, Options{Keys: keys})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { rd.Close() })
				return rd
			}, arrowiotest.Options{Filters: lawFilters, Projections: [][]string{{"id"}, {"l", "b"}, {"s.y"}, {}}})
		})
		// The indexes are used, not passed over.
		rd, err := openBytes(t, raw, Options{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		defer rd.Close()
		for _, f := range []struct {
			filter string
			splits int
		}{{"id = 777", 1}, {"id < 0", 0}, {"b = 'v010x'", 0}} {
			e, err := pushdown.Parse(f.filter)
			if err != nil {
				t.Fatal(err)
			}
			scan, err := rd.Plan(context.Background(), arrowio.ScanRequest{Filter: e})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, err := range scan.Splits {
				if n++; err != nil {
					t.Fatal(err)
				}
			}
			if n != f.splits {
				t.Errorf("%s: %d splits, want %d", f.filter, n, f.splits)
			}
		}
	}
}

// readEverything opens all modules of a file of lawSchema: footer, metadata,
// pages, both indexes and Bloom filters.
func readEverything(t testing.TB, raw []byte, k formats.KeyRetriever) (rows []string, err error) {
	for _, filter := range []string{"", "id >= 0", "b = 'v010' OR b <> 'v010' OR b IS NULL", "f <> 1", "u >= 0", "s.x >= 0 OR s.x IS NULL"} {
		rd, err := openBytes(t, raw, Options{Keys: k})
		if err != nil {
			return nil, err
		}
		var req arrowio.ScanRequest
		if filter != "" {
			e, err := pushdown.Parse(filter)
			if err != nil {
				t.Fatal(err)
			}
			req.Filter = e
		}
		got, err := scanText(rd, req)
		if err != nil {
			return nil, err
		}
		if filter == "" {
			rows = got
		}
	}
	// A Bloom filter is read for a value within the bounds.
	rd, err := openBytes(t, raw, Options{Keys: k})
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	for rg := range rd.md.RowGroups {
		for c := range rd.tree.Leaves {
			if _, err := rd.bloomFilter(context.Background(), rg, c); err != nil {
				return nil, err
			}
			chunk, key, err := rd.chunk(rg, c)
			if err != nil {
				return nil, err
			}
			if _, err := rd.columnIndex(context.Background(), chunk, key, rg, c); err != nil {
				return nil, err
			}
			if _, err := rd.offsetIndex(context.Background(), chunk, key, rg, c); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

func tamperedWith(err error) bool {
	return errors.Is(err, arrowio.ErrKey) || errors.Is(err, arrowio.ErrCorrupt)
}

func smallEncrypted(t testing.TB, ctr, plaintextFooter bool, seed uint64) ([]byte, *keyfile.Keys) {
	keys := lawKeys(t, ctr, plaintextFooter)
	return writeFile(t, WriteOptions{
		RowGroupRows: 12, PageRows: 6, Codec: "none", Dictionary: DictionaryOff, NoArrowSchema: true, Encryption: encryptionOf(t, keys),
		Columns: map[string]ColumnOptions{"b": {Bloom: &BloomOptions{NDV: 2}, Dictionary: DictionaryOn}},
	}, lawSchema, lawBatch(newRand(seed), 0, 24)), keys
}

// TestEncryptFlippedBit: no bit of an encrypted file can change unseen, but for
// the magic number at its start.
func TestEncryptFlippedBit(t *testing.T) {
	for _, c := range []struct{ ctr, plaintext bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		raw, keys := smallEncrypted(t, c.ctr, c.plaintext, 3)
		if _, err := readEverything(t, raw, keys); err != nil {
			t.Fatal(err)
		}
		step := campaign(37, 11, 1)
		r := newRand(4)
		for at := len(magicPlain); at < len(raw); at += step {
			changed := bytes.Clone(raw)
			changed[at] ^= 1 << r.IntN(8)
			if _, err := readEverything(t, changed, keys); !tamperedWith(err) {
				t.Fatalf("%+v: byte %d of %d changed: %v", c, at, len(raw), err)
			}
		}
	}
}

// span is where a module or two lie.
type span struct {
	what   string
	off, n int64
}

// spansOf finds pages, indexes and Bloom filters, in an order of their own.
func spansOf(t testing.TB, raw []byte, keys formats.KeyRetriever) (spans []span) {
	rd, err := openBytes(t, raw, Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	for rg := range rd.md.RowGroups {
		for c := range rd.tree.Leaves {
			chunk, key, err := rd.chunk(rg, c)
			if err != nil {
				t.Fatal(err)
			}
			x, err := rd.offsetIndex(context.Background(), chunk, key, rg, c)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range x.Pages {
				spans = append(spans, span{"page", p.Offset, int64(p.CompressedSize)})
			}
			spans = append(spans, span{"column index", chunk.ColumnIndexOffset, int64(chunk.ColumnIndexLength)},
				span{"offset index", chunk.OffsetIndexOffset, int64(chunk.OffsetIndexLength)},
				span{"Bloom filter", chunk.Meta.BloomFilterOffset, int64(chunk.Meta.BloomFilterLength)})
		}
	}
	return spans
}

// TestEncryptSwapped: a module put in the place of another, of the same file or
// of one with the same keys, is found out.
func TestEncryptSwapped(t *testing.T) {
	for _, ctr := range []bool{false, true} {
		raw, keys := smallEncrypted(t, ctr, false, 3)
		twin, _ := smallEncrypted(t, ctr, false, 3)
		spans, others := spansOf(t, raw, keys), spansOf(t, twin, keys)
		swapped := map[string]int{}
		for i, a := range spans {
			if a.n == 0 {
				continue
			}
			if o := others[i]; o.n == a.n {
				changed := bytes.Clone(raw)
				copy(changed[a.off:], twin[o.off:o.off+o.n])
				if _, err := readEverything(t, changed, keys); !tamperedWith(err) {
					t.Errorf("ctr=%v: a %s of another file: %v", ctr, a.what, err)
				}
				swapped[a.what+" of another file"]++
			}
			for _, b := range spans[i+1:] {
				if a.what != b.what || a.n != b.n || swapped[a.what] > 60 {
					continue
				}
				changed := bytes.Clone(raw)
				copy(changed[a.off:a.off+a.n], raw[b.off:])
				copy(changed[b.off:b.off+b.n], raw[a.off:])
				if _, err := readEverything(t, changed, keys); !tamperedWith(err) {
					t.Errorf("ctr=%v: two modules swapped, %s: %v", ctr, a.what, err)
				}
				swapped[a.what]++
			}
		}
		t.Log(swapped)
		for _, what := range []string{"page", "column index", "offset index", "Bloom filter", "page of another file", "Bloom filter of another file"} {
			if swapped[what] == 0 {
				t.Errorf("no %s was swapped", what)
			}
		}
	}
}

// TestEncryptHides: no value and no statistic of an encrypted column is in the
// file in plaintext, and the schema only where the footer is plaintext.
func TestEncryptHides(t *testing.T) {
	secret := []byte("v-secret-value-0")
	s := arrow.NewSchema([]arrow.Field{{Name: "nameofcolumn", Type: arrow.BinaryTypes.String}}, nil)
	rec := stringBatch(s, string(secret), string(secret))
	for _, plaintext := range []bool{false, true} {
		k := keysOf(t, map[string]any{"footer": footerHex, "encrypt": map[string]any{"plaintext_footer": plaintext}})
		raw := writeFile(t, WriteOptions{Codec: "none", Encryption: encryptionOf(t, k)}, s, rec)
		if bytes.Contains(raw, secret[:6]) {
			t.Errorf("plaintext footer %v: the value is in the file", plaintext)
		}
		if bytes.Contains(raw, []byte("nameofcolumn")) != plaintext {
			t.Errorf("plaintext footer %v: the schema is in plaintext or is not", plaintext)
		}
	}
}

// TestEncryptRefuses: options that cannot be met are errors before any byte.
func TestEncryptRefuses(t *testing.T) {
	key := formats.EncryptionKey{Key: make([]byte, 16)}
	for name, c := range map[string]struct {
		e    formats.Encryption
		want error
	}{
		"no footer key":     {formats.Encryption{}, arrowio.ErrKey},
		"key of five bytes": {formats.Encryption{Footer: formats.EncryptionKey{Key: make([]byte, 5)}}, arrowio.ErrKey},
		"column key":        {formats.Encryption{Footer: key, Columns: map[string]formats.EncryptionKey{"id": {Key: make([]byte, 5)}}}, arrowio.ErrKey},
		"no column key":     {formats.Encryption{Footer: key, Columns: map[string]formats.EncryptionKey{"id": {}}}, arrowio.ErrKey},
		"unknown column":    {formats.Encryption{Footer: key, Columns: map[string]formats.EncryptionKey{"nowhere": key}}, arrowio.ErrColumn},
		"unknown plaintext": {formats.Encryption{Footer: key, Plaintext: []string{"nowhere"}}, arrowio.ErrColumn},
		"both":              {formats.Encryption{Footer: key, Plaintext: []string{"id"}, Columns: map[string]formats.EncryptionKey{"id": key}}, arrowio.ErrOption},
		"algorithm":         {formats.Encryption{Footer: key, Algorithm: "AES_CBC"}, arrowio.ErrOption},
		"no prefix to omit": {formats.Encryption{Footer: key, OmitAADPrefix: true}, arrowio.ErrOption},
	} {
		w := &memWriter{}
		if _, err := NewSink(w, lawSchema, WriteOptions{Encryption: &c.e}); !errors.Is(err, c.want) || w.Len() > 0 || !w.closed {
			t.Errorf("%s: %v, %d bytes", name, err, w.Len())
		}
	}
	// As text: a file of keys that asks for it, and the option that does not.
	k := lawKeys(t, false, false)
	for set, encrypted := range map[string]bool{"": true, "keys": true, "off": false} {
		o := formats.Options{Keys: k, Set: map[string]string{}}
		if set != "" {
			o.Set["encrypt"] = set
		}
		wo, err := parseWriteOptions(o)
		if err != nil || (wo.Encryption != nil) != encrypted {
			t.Errorf("encrypt=%s: %+v, %v", set, wo.Encryption, err)
		}
	}
	if _, err := parseWriteOptions(formats.Options{Set: map[string]string{"encrypt": "keys"}}); !errors.Is(err, arrowio.ErrOption) {
		t.Errorf("encrypt=keys without keys: %v", err)
	}
}

// jsonOf is for messages and for other programs.
func jsonOf(t testing.TB, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var lawFilters = []string{
	"id = 777", "id BETWEEN 500 AND 520", "id IN (3, 900, 1999)", "id < 10 OR id >= 1990", "b = 'v010'", "b LIKE 'v02%' AND id > 100",
	"f > 1.5", "f = 0", "f IS NULL AND bo", "s.x = 42", "s.y = 'yy' OR s IS NULL", "d > 450.5", "t >= TIMESTAMP '2023-11-14T22:40:00Z' AND u < 3000000000",
	"NOT bo", "dict = 'red' AND id < 400", "id < 0", "dict IN ('blue') OR b IS NULL", "u > 4000000000", "l IS NULL", "d IS NOT NULL",
}
