package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
)

// material is a data key as the key tools of parquet-java store it, sealed by
// a key encryption key that a master key seals in turn, or by a master key
// itself.
type material struct {
	Type      string `json:"keyMaterialType"`
	Internal  bool   `json:"internalStorage"`
	Reference string `json:"keyReference,omitempty"`
	Footer    bool   `json:"isFooterKey"`
	Instance  string `json:"kmsInstanceID,omitempty"`
	URL       string `json:"kmsInstanceURL,omitempty"`
	Master    string `json:"masterKeyID"`
	Double    bool   `json:"doubleWrapping"`
	KEKID     string `json:"keyEncryptionKeyID,omitempty"`
	KEK       string `json:"wrappedKEK,omitempty"`
	DEK       string `json:"wrappedDEK"`
}

const materialType = "PKMT1"

// materialOf reads key metadata that is key material; not ok if it is not.
func (k *Keys) materialOf(metadata []byte) (m material, ok bool, err error) {
	if len(metadata) == 0 || metadata[0] != '{' || json.Unmarshal(metadata, &m) != nil || m.Type != materialType {
		return material{}, false, nil
	}
	if m.Internal || m.Reference == "" {
		return m, true, nil
	}
	text, ok := k.material[m.Reference]
	if !ok {
		return m, false, fmt.Errorf("%w: the key material %q is kept outside the file, in a file of key material", arrowio.ErrKey, m.Reference)
	}
	m = material{}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return m, false, fmt.Errorf("%w: key material that is no JSON", arrowio.ErrKey)
	}
	return m, true, nil
}

// WithMaterial implements formats.MaterialHandler: b is a file of key
// material, a JSON object of references and material.
func (k *Keys) WithMaterial(b []byte) (formats.KeyRetriever, error) {
	out := *k
	out.material = nil
	if err := out.addMaterial(b); err != nil {
		return nil, err
	}
	return &out, nil
}

// HasMaterial implements formats.MaterialHandler.
func (k *Keys) HasMaterial() bool { return k.material != nil }

func (k *Keys) addMaterial(b []byte) error {
	if err := json.Unmarshal(b, &k.material); err != nil {
		return fmt.Errorf("%w: a file of key material that is not a JSON object of texts", arrowio.ErrKey)
	}
	return nil
}

// unwrap gives the data key. Each key is sealed with AES-GCM, the identifier
// of the key above as additional data.
func (m material) unwrap(masters map[string][]byte) ([]byte, error) {
	master := masters[m.Master]
	if master == nil {
		return nil, fmt.Errorf("%w: the master key %q was not given", arrowio.ErrKey, m.Master)
	}
	if !m.Double {
		dek, err := open(master, m.DEK, []byte(m.Master))
		if err != nil {
			return nil, fmt.Errorf("master key %q: %w", m.Master, err)
		}
		return dek, nil
	}
	kek, err := open(master, m.KEK, []byte(m.Master))
	if err != nil {
		return nil, fmt.Errorf("master key %q: %w", m.Master, err)
	}
	id, err := base64.StdEncoding.DecodeString(m.KEKID)
	if err != nil {
		return nil, fmt.Errorf("%w: the key encryption key's identifier is no base64", arrowio.ErrKey)
	}
	return open(kek, m.DEK, id)
}

var errSealed = errors.New("a wrapped key that cannot be unwrapped")

func open(key []byte, wrapped string, aad []byte) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(wrapped)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", arrowio.ErrKey, errSealed)
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, fmt.Errorf("%w: a key of %d bytes", arrowio.ErrKey, len(key))
	}
	if len(b) < gcm.NonceSize() {
		return nil, fmt.Errorf("%w: %w", arrowio.ErrKey, errSealed)
	}
	out, err := gcm.Open(nil, b[:gcm.NonceSize()], b[gcm.NonceSize():], aad)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", arrowio.ErrKey, errSealed)
	}
	return out, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
