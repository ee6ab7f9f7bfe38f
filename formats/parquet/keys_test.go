package parquet

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/keyfile"
	"github.com/bdkit/bdkit/internal/conformance"
)

// corpusKeys are the keys that the manifest of the corpus gives for a file, in
// words where they are not in its keys: the AAD prefix of the file that does
// not store its own is "tester", and two writers' test suites have a key
// management service of their own.
func corpusKeys(t testing.TB, e conformance.Entry) formats.KeyRetriever {
	switch {
	case strings.Contains(e.Note, "KEK = wrapped KEK without its first 16 bytes"):
		return testKMS{skip: 16}
	case strings.Contains(e.Note, "KEK = the wrapped KEK as it is"):
		return testKMS{}
	case e.Keys == nil:
		return nil
	}
	k := *e.Keys
	if strings.Contains(e.File, "disable_aad_storage") {
		prefix := "tester"
		k.AADPrefix = &prefix
	}
	raw, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyfile.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// testKMS is a key retriever of one's own: it knows how the key encryption key
// was "wrapped".
type testKMS struct{ skip int }

func (k testKMS) AADPrefix() []byte                             { return nil }
func (k testKMS) FooterKey(md []byte) ([]byte, error)           { return k.unwrap(md) }
func (k testKMS) ColumnKey(_ string, md []byte) ([]byte, error) { return k.unwrap(md) }

func (k testKMS) unwrap(md []byte) ([]byte, error) {
	var m struct {
		WrappedDEK, WrappedKEK, KeyEncryptionKeyID []byte
		DoubleWrapping                             bool
	}
	if err := json.Unmarshal(md, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", arrowio.ErrKey, err)
	}
	if !m.DoubleWrapping && len(m.WrappedDEK) > k.skip {
		return m.WrappedDEK[k.skip:], nil
	}
	if len(m.WrappedKEK) < k.skip || len(m.WrappedDEK) < 12 {
		return nil, fmt.Errorf("%w: no key material", arrowio.ErrKey)
	}
	block, err := aes.NewCipher(m.WrappedKEK[k.skip:])
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	key, err := gcm.Open(nil, m.WrappedDEK[:12], m.WrappedDEK[12:], m.KeyEncryptionKeyID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", arrowio.ErrKey, err)
	}
	return key, nil
}
