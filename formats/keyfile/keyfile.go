// Package keyfile is the file of keys that `--keys FILE` names, for encrypted
// Parquet and ORC files. It is JSON:
//
//	{
//	  "footer":  "30313233343536373839303132333435",
//	  "columns": {"salary": {"id": "kc1", "hex": "3132…"}, "person.name": "base64:MTIz…"},
//	  "keys":    {"kf": "3031…"},
//	  "aad_prefix": "tester",
//	  "material": "path of a key material file",
//	  "encrypt": {"algorithm": "AES_GCM_CTR_V1", "plaintext": ["city"]}
//	}
//
// A key is hexadecimal text, base64 text behind "base64:", or an object with
// "hex" or "base64" and, if the file refers to keys by name, an "id". "keys"
// holds more of those by id: also master keys, which unwrap the data keys that
// the key tools of parquet-java store as key material (PKMT1), in the file or
// in a file of key material beside it. A column's key serves the columns below
// it too. All members are optional, others than these are refused, so that a
// misspelt one does not pass for a missing key, and no key appears in an error.
// The path of key material counts from the folder of the file of keys.
//
// With "encrypt", even if it is {}, Parquet files that are written are encrypted:
// the footer and all columns with the footer key, but for those with a key of
// their own. A key's id is stored beside it, for its retrieval. Its members:
//
//   - "algorithm": AES_GCM_V1 (the default) or AES_GCM_CTR_V1;
//   - "plaintext_footer": true leaves the schema readable, and signs it;
//   - "plaintext": the columns that are not encrypted;
//   - "omit_aad_prefix": true does not store "aad_prefix" in the file, which then
//     cannot be read without it;
//   - "wrap": {"footer": "kf", "columns": {"salary": "kc1"}, "single": false} makes
//     new data keys for each file and stores them as key material, wrapped by the
//     master keys of "keys" that are named here, by way of key encryption keys
//     unless "single". "footer" and "columns" are then of no use to the writer.
package keyfile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
)

// Keys is a retriever over the keys of one file. It is safe for concurrent use.
type Keys struct {
	footer   []byte
	columns  map[string][]byte
	byID     map[string][]byte
	prefix   []byte
	material map[string]string // external key material by reference
	ids      map[string]string // of the keys of columns, and of the footer's under ""
	encrypt  *encrypt
}

var (
	_ formats.Encrypter       = (*Keys)(nil)
	_ formats.MaterialHandler = (*Keys)(nil)
)

type document struct {
	Footer    *key           `json:"footer"`
	Columns   map[string]key `json:"columns"`
	Keys      map[string]key `json:"keys"`
	AADPrefix *string        `json:"aad_prefix"`
	Material  string         `json:"material"`
	Encrypt   *encrypt       `json:"encrypt"`
}

// key is one key in any of its notations.
type key struct {
	id  string
	raw []byte
}

var (
	errKeyForm  = errors.New("a key is hex text, base64: and base64 text, or an object with id and hex or base64")
	errKeySize  = errors.New("a key has 16, 24 or 32 bytes")
	errTrailing = errors.New("something follows the JSON object")
)

// UnmarshalJSON implements json.Unmarshaler. Its errors show nothing of the key.
func (k *key) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		return k.parse(text)
	}
	var o struct{ ID, Hex, Base64 string }
	if err := json.Unmarshal(b, &o); err != nil {
		return errKeyForm
	}
	k.id = o.ID
	if o.Base64 != "" {
		return k.parse("base64:" + o.Base64)
	}
	return k.parse(o.Hex)
}

func (k *key) parse(text string) (err error) {
	if b64, ok := strings.CutPrefix(text, "base64:"); ok {
		k.raw, err = base64.StdEncoding.DecodeString(b64)
	} else {
		k.raw, err = hex.DecodeString(text)
	}
	if err != nil {
		return errKeyForm
	}
	switch len(k.raw) {
	case 16, 24, 32:
		return nil
	}
	return fmt.Errorf("%w: %d bytes", errKeySize, len(k.raw))
}

// Load reads a file of keys. An error wraps arrowio.ErrKey and, for a file that
// cannot be read, the error of the operating system.
func Load(path string) (*Keys, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	k, material, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: keys file %s: %w", arrowio.ErrKey, path, err)
	}
	if material != "" {
		if !filepath.IsAbs(material) {
			material = filepath.Join(filepath.Dir(path), material)
		}
		b, err := os.ReadFile(material)
		if err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
		if err := k.addMaterial(b); err != nil {
			return nil, fmt.Errorf("%s: %w", material, err)
		}
	}
	return k, nil
}

// FromMap reads keys from the members of a document that is already decoded,
// such as a part of a larger configuration. A "material" member is not followed.
func FromMap(m map[string]any) (*Keys, error) {
	b, err := json.Marshal(m)
	if err != nil { // its text may quote what it cannot encode
		return nil, fmt.Errorf("%w: keys that JSON cannot hold", arrowio.ErrKey)
	}
	return Parse(b)
}

// Parse reads keys from JSON. A "material" member is not followed.
func Parse(b []byte) (*Keys, error) {
	k, _, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: keys: %w", arrowio.ErrKey, err)
	}
	return k, nil
}

func parse(b []byte) (*Keys, string, error) {
	var d document
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	err := in.Decode(&d)
	if err == nil {
		if _, more := in.Token(); more != io.EOF {
			err = errTrailing
		}
	}
	if err != nil { // the texts of encoding/json may quote the input
		var syntax *json.SyntaxError
		var wrong *json.UnmarshalTypeError
		switch {
		case errors.Is(err, errKeyForm), errors.Is(err, errKeySize), errors.Is(err, errTrailing):
			return nil, "", err
		case errors.As(err, &syntax):
			return nil, "", fmt.Errorf("no valid JSON at byte %d", syntax.Offset)
		case errors.As(err, &wrong):
			return nil, "", fmt.Errorf("a value of the wrong type at byte %d", wrong.Offset)
		}
		return nil, "", errors.New("not a JSON object of footer, columns, keys, aad_prefix, material and encrypt")
	}
	k := &Keys{columns: map[string][]byte{}, byID: map[string][]byte{}, ids: map[string]string{}, encrypt: d.Encrypt}
	note := func(path string, x key) {
		if x.id != "" {
			k.byID[x.id] = x.raw
			k.ids[path] = x.id
		}
	}
	if d.Footer != nil {
		k.footer = d.Footer.raw
		note(footerID, *d.Footer)
	}
	for path, x := range d.Columns {
		k.columns[path] = x.raw
		note(path, x)
	}
	for id, x := range d.Keys {
		k.byID[id] = x.raw
	}
	if d.AADPrefix != nil {
		k.prefix = []byte(*d.AADPrefix)
	}
	if err := k.checkEncrypt(); err != nil {
		return nil, "", err
	}
	return k, d.Material, nil
}

// AADPrefix implements formats.KeyRetriever.
func (k *Keys) AADPrefix() []byte { return k.prefix }

// FooterKey implements formats.KeyRetriever.
func (k *Keys) FooterKey(metadata []byte) ([]byte, error) {
	if m, ok, err := k.materialOf(metadata); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	} else if ok {
		return m.unwrap(k.byID)
	}
	if raw := k.byID[string(metadata)]; raw != nil && len(metadata) > 0 {
		return raw, nil
	}
	if k.footer != nil {
		return k.footer, nil
	}
	return nil, fmt.Errorf("%w: no footer key was given%s", arrowio.ErrKey, hint(metadata))
}

// ColumnKey implements formats.KeyRetriever.
func (k *Keys) ColumnKey(path string, metadata []byte) ([]byte, error) {
	if m, ok, err := k.materialOf(metadata); err != nil {
		return nil, fmt.Errorf("column %s: %w", path, err)
	} else if ok {
		return m.unwrap(k.byID)
	}
	for p := path; ; {
		if raw := k.columns[p]; raw != nil {
			return raw, nil
		}
		i := strings.LastIndexByte(p, '.')
		if i < 0 {
			break
		}
		p = p[:i]
	}
	if raw := k.byID[string(metadata)]; raw != nil && len(metadata) > 0 {
		return raw, nil
	}
	return nil, fmt.Errorf("%w: no key was given for column %s%s", arrowio.ErrKey, path, hint(metadata))
}

// hint names the key that a file asks for, where its metadata is a plain name.
func hint(metadata []byte) string {
	if len(metadata) == 0 || len(metadata) > 64 {
		return ""
	}
	for _, b := range metadata {
		if b < ' ' || b > '~' {
			return ""
		}
	}
	return fmt.Sprintf(" (the file calls it %q)", metadata)
}
