package parquet

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/oracle"
)

// lawColumns are the columns of a batch of lawSchema as text.
func lawColumns(rec arrow.RecordBatch) (out [][]string) {
	for _, c := range rec.Columns() {
		out = append(out, arrowiotest.ColumnText(c))
	}
	return out
}

// readColumns reads each column of a file of lawSchema and compares.
func readColumns(t *testing.T, raw []byte, o Options, want [][]string) {
	t.Helper()
	for i, f := range lawSchema.Fields() {
		got, err := readColumn(t, raw, f.Name, o)
		if err != nil {
			t.Fatal(err)
		}
		compareColumns(t, f.Name, want[i], got)
	}
}

// TestEncryptAndPyarrow: pyarrow reads what is encrypted here, with its keys
// wrapped as its crypto factory finds them and with keys given to it, and what
// it encrypts is read here.
func TestEncryptAndPyarrow(t *testing.T) {
	py := oracle.Python(t, "that pyarrow decrypts what is encrypted here, and the reverse, is")
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	type M = map[string]any
	masters := map[string]string{"kf": footerHex, "kc": columnHex, "ko": otherHex}
	rec := lawBatch(newRand(5), 0, 300)
	want := lawColumns(rec)
	s := arrow.NewSchema(rec.Schema().Fields(), nil)
	var tasks []M
	readers := map[string]Options{} // of the files that pyarrow writes
	masterKeys := M{}
	for id, key := range masters {
		masterKeys[id] = key
	}
	for i := range 16 {
		plaintext, odd := i&2 > 0, i&4 > 0
		algorithm := []string{"AES_GCM_V1", "AES_GCM_CTR_V1"}[i&1]
		name := fmt.Sprintf("%s-plaintext-%v-%v-%d", algorithm, plaintext, odd, i>>3)
		w := WriteOptions{RowGroupRows: 120, PageRows: 50, PageVersion: 1 + i>>3, Codec: "snappy", Columns: map[string]ColumnOptions{"b": {Bloom: &BloomOptions{}}}}

		// Keys that a service wraps. odd: not by way of another key.
		enc := M{"algorithm": algorithm, "plaintext_footer": plaintext, "wrap": M{"footer": "kf", "columns": M{"id": "kc", "s.y": "kc", "l": "ko"}, "single": odd}}
		if plaintext {
			enc["plaintext"] = []string{"u"}
		}
		w.Encryption = encryptionOf(t, keysOf(t, M{"keys": masterKeys, "encrypt": enc}))
		write(t, path("ours-"+name+".parquet"), writeFile(t, w, s, rec))
		tasks = append(tasks, M{"op": "read", "file": "ours-" + name, "masters": masters})
		columnKeys := M{"kc": []string{"id", "s.y"}, "ko": []string{"l.list.element"}}
		options := M{"footer_key": "kf", "encryption_algorithm": algorithm, "plaintext_footer": plaintext, "double_wrapping": !odd, "data_key_length_bits": 128 + 128*(i>>3)}
		if i == 5 || i == 6 {
			options["uniform_encryption"] = true
		} else {
			options["column_keys"] = columnKeys
		}
		external := i == 3 || i == 9
		tasks = append(tasks, M{"op": "write", "file": "theirs-" + name, "masters": masters, "options": options, "external": external,
			"write": M{"write_page_index": true, "write_page_checksum": true, "data_page_version": []string{"1.0", "2.0"}[i>>3], "row_group_size": 120}})
		readers["theirs-"+name] = Options{Keys: keysOf(t, M{"keys": masterKeys})}

		// One key that is given. odd: the AAD prefix is not in the file.
		doc := M{"footer": footerHex, "aad_prefix": "seven", "encrypt": M{"algorithm": algorithm, "plaintext_footer": plaintext, "omit_aad_prefix": odd}}
		keys := keysOf(t, doc)
		w.Encryption = encryptionOf(t, keys)
		write(t, path("ours-key-"+name+".parquet"), writeFile(t, w, s, rec))
		read := M{"op": "read", "file": "ours-key-" + name, "key": footerHex}
		if odd {
			read["options"] = M{"aad_prefix": "seven"}
		}
		tasks = append(tasks, read, M{"op": "write", "file": "theirs-key-" + name, "key": footerHex,
			"options": M{"aad_prefix": "seven", "store_aad_prefix": !odd, "encryption_algorithm": algorithm, "plaintext_footer": plaintext}})
		readers["theirs-key-"+name] = Options{Keys: keys}
	}
	var in bytes.Buffer
	iw, err := ipc.NewFileWriter(&in, ipc.WithSchema(s))
	if err != nil {
		t.Fatal(err)
	}
	if err := iw.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := iw.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, path("in.arrow"), in.Bytes())
	write(t, path("tasks.json"), jsonOf(t, tasks))
	script, err := os.ReadFile("testdata/kms.py")
	if err != nil {
		t.Fatal(err)
	}
	oracle.Run(t, py, string(script), dir)
	for _, task := range tasks {
		name := task["file"].(string)
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(path(name + map[any]string{"read": ".arrow", "write": ".parquet"}[task["op"]]))
			if err != nil {
				t.Fatal(err)
			}
			if task["op"] == "read" {
				got, err := readIPC(raw)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want {
					compareColumns(t, lawSchema.Field(i).Name, want[i], got[i])
				}
				return
			}
			o := readers[name]
			if task["external"] == true {
				material, err := os.ReadFile(path("_KEY_MATERIAL_FOR_" + name + ".parquet.json"))
				if err != nil {
					t.Fatal(err)
				}
				if o.Keys, err = o.Keys.(formats.MaterialHandler).WithMaterial(material); err != nil {
					t.Fatal(err)
				}
			}
			readColumns(t, raw, o, want)
		})
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func fromHex(t testing.TB, s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEncryptAndArrowGo: arrow-go, with the keys given, reads what is encrypted
// here, and what it encrypts is read here.
func TestEncryptAndArrowGo(t *testing.T) {
	rec := lawBatch(newRand(6), 0, 300)
	want := lawColumns(rec)
	columns := map[string]string{"id": fromHex(t, columnHex), "s.y": fromHex(t, otherHex)}
	for i := range 16 {
		ctr, plaintext, omit, v2 := i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0
		t.Run(fmt.Sprintf("ctr=%v,plaintext=%v,omit=%v,v2=%v", ctr, plaintext, omit, v2), func(t *testing.T) {
			doc := map[string]any{
				"footer": footerHex, "columns": map[string]any{"id": columnHex, "s.y": otherHex}, "aad_prefix": "seven",
				"encrypt": map[string]any{"algorithm": []string{"AES_GCM_V1", "AES_GCM_CTR_V1"}[i&1], "plaintext_footer": plaintext, "omit_aad_prefix": omit},
			}
			keys := keysOf(t, doc)
			raw := writeFile(t, WriteOptions{
				RowGroupRows: 120, PageRows: 50, PageVersion: 1 + i>>3, Encryption: encryptionOf(t, keys),
				Columns: map[string]ColumnOptions{"b": {Bloom: &BloomOptions{}}},
			}, lawSchema, rec)
			decrypt := pq.ColumnPathToDecryptionPropsMap{}
			encrypt := pq.ColumnPathToEncryptionPropsMap{}
			for path, key := range columns {
				decrypt[path] = pq.NewColumnDecryptionProperties(path, pq.WithDecryptKey(key))
				encrypt[path] = pq.NewColumnEncryptionProperties(path, pq.WithKey(key))
			}
			opts := []pq.FileDecryptionOption{pq.WithFooterKey(fromHex(t, footerHex)), pq.WithColumnKeys(decrypt)}
			if omit {
				opts = append(opts, pq.WithDecryptAadPrefix("seven"))
			}
			tab, err := decryptByArrowGo(raw, opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer tab.Release()
			for i, w := range want {
				compareColumns(t, lawSchema.Field(i).Name, w, arrowiotest.ColumnText(tab.Column(i).Data().Chunks()...))
			}

			// And back. Its columns without a key of their own are plaintext.
			eopts := []pq.EncryptOption{pq.WithEncryptedColumns(encrypt), pq.WithAadPrefix("seven")}
			if ctr {
				eopts = append(eopts, pq.WithAlg(pq.AesCtr))
			}
			if plaintext {
				eopts = append(eopts, pq.WithPlaintextFooter())
			}
			if omit {
				eopts = append(eopts, pq.DisableAadPrefixStorage())
			}
			version := pq.DataPageV1
			if v2 {
				version = pq.DataPageV2
			}
			props := pq.NewWriterProperties(pq.WithEncryptionProperties(pq.NewFileEncryptionProperties(fromHex(t, footerHex), eopts...)),
				pq.WithDataPageVersion(version), pq.WithCompression(compress.Codecs.Snappy), pq.WithMaxRowGroupLength(120))
			var out bytes.Buffer
			src := array.NewTableFromRecords(lawSchema, []arrow.RecordBatch{rec})
			defer src.Release()
			if err := pqarrow.WriteTable(src, &out, 120, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema())); err != nil {
				t.Fatal(err)
			}
			if ctr && plaintext { // it seals pages with CTR and declares GCM, so that it cannot read them either
				if tab, err := decryptByArrowGo(out.Bytes(), opts...); err == nil {
					tab.Release()
					t.Error("arrow-go reads its files with a plaintext footer and CTR now: so must we")
				}
				return
			}
			readColumns(t, out.Bytes(), Options{Keys: keys}, want)
		})
	}
}

func decryptByArrowGo(raw []byte, opts ...pq.FileDecryptionOption) (_ arrow.Table, err error) {
	defer func() {
		if p := recover(); p != nil { // as it does where a tag does not fit
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	rd, err := file.NewParquetReader(bytes.NewReader(raw), file.WithReadProps(&pq.ReaderProperties{FileDecryptProps: pq.NewFileDecryptionProperties(opts...), BufferSize: 1 << 14}))
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	ar, err := pqarrow.NewFileReader(rd, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	return ar.ReadTable(context.Background())
}
