package keyfile

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
)

// Keys that are text, so that a search of error messages finds any notation.
const (
	footerText = "FOOTERKEYFOOTERK"
	columnText = "COLUMNKEYCOLUMNKCOLUMNKE"
	namedText  = "NAMEDKEYNAMEDKEYNAMEDKEYNAMEDKEY"
)

func inHex(s string) string    { return hex.EncodeToString([]byte(s)) }
func inBase64(s string) string { return "base64:" + base64.StdEncoding.EncodeToString([]byte(s)) }

func sample() map[string]any {
	return map[string]any{
		"footer": map[string]any{"id": "kf", "hex": inHex(footerText)},
		"columns": map[string]any{
			"person":      inBase64(columnText),
			"person.name": map[string]any{"id": "kc", "base64": inBase64(namedText)[len("base64:"):]},
		},
		"keys":       map[string]any{"other": inHex(namedText)},
		"aad_prefix": "tester",
	}
}

// TestNotations: each way to write a key gives it, from a file and from a map.
func TestNotations(t *testing.T) {
	text, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, load := range map[string]func() (*Keys, error){
		"file": func() (*Keys, error) { return Load(path) },
		"map":  func() (*Keys, error) { return FromMap(sample()) },
	} {
		k, err := load()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if string(k.AADPrefix()) != "tester" {
			t.Errorf("%s: prefix %q", name, k.AADPrefix())
		}
		for _, c := range []struct{ path, metadata, want string }{
			{"", "", footerText},
			{"", "kf", footerText},
			{"", "kc", namedText},       // the file says which
			{"", "unknown", footerText}, // what it says is not ours: the footer key
			{"person", "", columnText},
			{"person.name", "", namedText},
			{"person.name.first", "", namedText},
			{"person.names", "", columnText},
			{"person.list.element", "", columnText},
			{"city", "other", namedText},
			{"city", "kf", footerText},
		} {
			var got []byte
			if c.path == "" {
				got, err = k.FooterKey([]byte(c.metadata))
			} else {
				got, err = k.ColumnKey(c.path, []byte(c.metadata))
			}
			if err != nil || string(got) != c.want {
				t.Errorf("%s: %q %q: %q, %v", name, c.path, c.metadata, got, err)
			}
		}
		if _, err := k.ColumnKey("city", []byte("nobody")); !errors.Is(err, arrowio.ErrKey) || !strings.Contains(err.Error(), `"nobody"`) || !strings.Contains(err.Error(), "city") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if k, err := Parse([]byte(`{}`)); err != nil {
		t.Error(err)
	} else if _, err := k.FooterKey(nil); !errors.Is(err, arrowio.ErrKey) {
		t.Errorf("no footer key: %v", err)
	}
}

// TestRefused: what is not of the documented form is refused, and no error
// shows any part of a key.
func TestRefused(t *testing.T) {
	for _, text := range []string{
		`{"footer": "` + footerText + `"}`,
		`{"footer": "` + inHex(footerText)[:30] + `"}`,
		`{"footer": "` + inHex(footerText) + `0"}`,
		`{"footer": "base64:` + inHex(footerText) + `="}`,
		`{"footer": {"id": "kf", "hex": 46464646}}`,
		`{"footer": ["` + inHex(footerText) + `"]}`,
		`{"footer": {"id": "kf"}}`,
		`{"columns": "` + inHex(columnText) + `"}`,
		`{"columns": {"a": 434343}}`,
		`{"column": {"a": "` + inHex(columnText) + `"}}`,
		`{"` + inHex(footerText) + `": 1}`,
		`{"aad_prefix": 464646}`,
		`{"footer": "` + inHex(footerText),
		`{"footer": "` + inHex(footerText) + `"} "` + inHex(columnText) + `"`,
		`{} ` + footerText,
		inHex(footerText),
		`["` + inHex(footerText) + `"]`,
		``,
		`{"encrypt": {}}`,
		`{"footer": "` + inHex(footerText) + `", "encrypt": {"omit_aad_prefix": true}}`,
		`{"footer": "` + inHex(footerText) + `", "encrypt": {"algoritm": "AES_GCM_V1"}}`,
		`{"footer": "` + inHex(footerText) + `", "encrypt": true}`,
		`{"footer": {"id": "kf", "hex": "` + inHex(footerText) + `"}, "encrypt": {"wrap": {}}}`,
		`{"footer": {"id": "kf", "hex": "` + inHex(footerText) + `"}, "encrypt": {"wrap": {"footer": "other"}}}`,
		`{"footer": {"id": "kf", "hex": "` + inHex(footerText) + `"}, "encrypt": {"wrap": {"footer": "kf", "columns": {"a": "other"}}}}`,
	} {
		_, err := Parse([]byte(text))
		if !errors.Is(err, arrowio.ErrKey) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, key := range []string{footerText, columnText, namedText} {
			for _, form := range []string{key, inHex(key), inBase64(key)[len("base64:"):], "464646", "434343"} {
				if strings.Contains(err.Error(), form[:6]) {
					t.Errorf("%s: the error shows a key: %v", text, err)
				}
			}
		}
	}
	if _, err := FromMap(map[string]any{"footer": func() {}}); !errors.Is(err, arrowio.ErrKey) {
		t.Errorf("a function for a key: %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// wrap seals a key as the key tools of parquet-java do.
func wrap(t *testing.T, with, key, aad []byte) string {
	t.Helper()
	block, err := aes.NewCipher(with)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := bytes.Repeat([]byte{9}, gcm.NonceSize())
	return base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, key, aad))
}

func TestMaterial(t *testing.T) {
	master, kek, dek := []byte(namedText), []byte(columnText), []byte(footerText)
	kekID := []byte("sixteen bytes id")
	single := map[string]any{
		"keyMaterialType": "PKMT1", "internalStorage": true, "isFooterKey": true, "kmsInstanceID": "DEFAULT", "kmsInstanceURL": "DEFAULT",
		"masterKeyID": "m1", "doubleWrapping": false, "wrappedDEK": wrap(t, master, dek, []byte("m1")),
	}
	double := map[string]any{
		"keyMaterialType": "PKMT1", "internalStorage": true, "masterKeyID": "m1", "doubleWrapping": true,
		"keyEncryptionKeyID": base64.StdEncoding.EncodeToString(kekID), "wrappedKEK": wrap(t, master, kek, []byte("m1")), "wrappedDEK": wrap(t, kek, dek, kekID),
	}
	reference := map[string]any{"keyMaterialType": "PKMT1", "internalStorage": false, "keyReference": "footerKey"}
	text := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	k, err := FromMap(map[string]any{"keys": map[string]any{"m1": inHex(namedText)}})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]any{"single": single, "double": double} {
		if got, err := k.FooterKey(text(m)); err != nil || !bytes.Equal(got, dek) {
			t.Errorf("%s: footer: %q, %v", name, got, err)
		}
		if got, err := k.ColumnKey("any", text(m)); err != nil || !bytes.Equal(got, dek) {
			t.Errorf("%s: column: %q, %v", name, got, err)
		}
	}

	// In a file of its own: handed over, and named by the file of keys.
	if _, err := k.FooterKey(text(reference)); !errors.Is(err, arrowio.ErrKey) || k.HasMaterial() {
		t.Errorf("material that was not given: %v", err)
	}
	external := text(map[string]string{"footerKey": string(text(double))})
	with, err := k.WithMaterial(external)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := with.FooterKey(text(reference)); err != nil || !bytes.Equal(got, dek) {
		t.Errorf("material handed over: %q, %v", got, err)
	}
	if k.HasMaterial() {
		t.Error("material handed over to another retriever changed this one")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "material.json"), external, 0o600); err != nil {
		t.Fatal(err)
	}
	keys := text(map[string]any{"keys": map[string]any{"m1": inHex(namedText)}, "material": "material.json"})
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.FooterKey(text(reference)); err != nil || !bytes.Equal(got, dek) || !loaded.HasMaterial() {
		t.Errorf("material beside the keys: %q, %v", got, err)
	}

	// Each part of it changed or missing is an error of the key.
	for _, m := range []map[string]any{single, double} {
		for member := range m {
			if member == "isFooterKey" || strings.HasPrefix(member, "kms") || member == "internalStorage" || member == "keyMaterialType" {
				continue
			}
			for _, v := range []any{"", "AAAA", wrap(t, dek, dek, nil), true, false} {
				broken := map[string]any{}
				for k, v := range m {
					broken[k] = v
				}
				broken[member] = v
				if v == m[member] {
					continue
				}
				if got, err := k.FooterKey(text(broken)); !errors.Is(err, arrowio.ErrKey) {
					t.Errorf("%s=%v: %q, %v", member, v, got, err)
				}
			}
		}
	}
	if _, err := k.WithMaterial([]byte(`[]`)); !errors.Is(err, arrowio.ErrKey) {
		t.Errorf("material that is a list: %v", err)
	}
}

// TestEncryption: what "encrypt" asks for, the retriever of the same file finds
// again by what is stored of each key.
func TestEncryption(t *testing.T) {
	doc := sample()
	k, err := FromMap(doc)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := k.Encryption(); e != nil || err != nil {
		t.Errorf("without encrypt: %+v, %v", e, err)
	}
	doc["encrypt"] = map[string]any{"algorithm": "AES_GCM_CTR_V1", "plaintext_footer": true, "plaintext": []string{"city"}, "omit_aad_prefix": true}
	if k, err = FromMap(doc); err != nil {
		t.Fatal(err)
	}
	e, err := k.Encryption()
	if err != nil {
		t.Fatal(err)
	}
	if e.Algorithm != "AES_GCM_CTR_V1" || !e.PlaintextFooter || !e.OmitAADPrefix || string(e.AADPrefix) != "tester" || len(e.Plaintext) != 1 || len(e.Columns) != 2 {
		t.Errorf("%+v", e)
	}
	if string(e.Footer.Metadata) != "kf" || string(e.Columns["person.name"].Metadata) != "kc" || e.Columns["person"].Metadata != nil {
		t.Errorf("key metadata: %q, %q, %q", e.Footer.Metadata, e.Columns["person.name"].Metadata, e.Columns["person"].Metadata)
	}
	if string(e.Footer.Key) != footerText || string(e.Columns["person"].Key) != columnText || string(e.Columns["person.name"].Key) != namedText {
		t.Error("other keys")
	}

	for _, single := range []bool{false, true} {
		doc["encrypt"] = map[string]any{"wrap": map[string]any{"footer": "other", "columns": map[string]string{"person": "kf", "person.name": "kf"}, "single": single}}
		if k, err = FromMap(doc); err != nil {
			t.Fatal(err)
		}
		reader, err := FromMap(map[string]any{"keys": map[string]any{"other": inHex(namedText), "kf": inHex(footerText)}})
		if err != nil {
			t.Fatal(err)
		}
		made := map[string]bool{}
		for range 2 {
			e, err := k.Encryption()
			if err != nil {
				t.Fatal(err)
			}
			got, err := reader.FooterKey(e.Footer.Metadata)
			if err != nil || !bytes.Equal(got, e.Footer.Key) {
				t.Errorf("footer: %v", err)
			}
			made[string(got)] = true
			for path, c := range e.Columns {
				got, err := reader.ColumnKey(path, c.Metadata)
				if err != nil || !bytes.Equal(got, c.Key) {
					t.Errorf("%s: %v", path, err)
				}
				made[string(got)] = true
			}
		}
		if len(made) != 6 {
			t.Errorf("%d keys for two files of three each", len(made))
		}
	}
}
