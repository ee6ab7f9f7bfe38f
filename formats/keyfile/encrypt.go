package keyfile

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
)

// encrypt says how files are written.
type encrypt struct {
	Algorithm       string    `json:"algorithm"`
	PlaintextFooter bool      `json:"plaintext_footer"`
	Plaintext       []string  `json:"plaintext"`
	OmitAADPrefix   bool      `json:"omit_aad_prefix"`
	Wrap            *wrapping `json:"wrap"`
}

// wrapping names the master keys of new data keys.
type wrapping struct {
	Footer  string            `json:"footer"`
	Columns map[string]string `json:"columns"`
	Single  bool              `json:"single"`
}

// footerID is the place of the footer key's id among those of columns.
const footerID = ""

// checkEncrypt finds at once what would fail at the first file.
func (k *Keys) checkEncrypt() error {
	e := k.encrypt
	switch {
	case e == nil:
		return nil
	case e.OmitAADPrefix && len(k.prefix) == 0:
		return errors.New("omit_aad_prefix without an aad_prefix")
	case e.Wrap == nil && k.footer == nil:
		return errors.New("encrypt needs a footer key, or wrap")
	case e.Wrap == nil:
		return nil
	}
	masters := map[string]string{"the footer": e.Wrap.Footer}
	for path, id := range e.Wrap.Columns {
		masters["column "+path] = id
	}
	for what, id := range masters {
		if k.byID[id] == nil {
			return fmt.Errorf("wrap: the master key %q of %s is not among the keys", id, what)
		}
	}
	return nil
}

// Encryption implements formats.Encrypter. With "wrap" its keys are new each
// time, as each file should have.
func (k *Keys) Encryption() (*formats.Encryption, error) {
	e := k.encrypt
	if e == nil {
		return nil, nil
	}
	out := &formats.Encryption{
		Algorithm: e.Algorithm, PlaintextFooter: e.PlaintextFooter, Plaintext: e.Plaintext,
		AADPrefix: k.prefix, OmitAADPrefix: e.OmitAADPrefix, Columns: map[string]formats.EncryptionKey{},
	}
	if e.Wrap != nil {
		return out, k.wrapped(e.Wrap, out)
	}
	key := func(path string, raw []byte) formats.EncryptionKey {
		x := formats.EncryptionKey{Key: raw}
		if id := k.ids[path]; id != "" {
			x.Metadata = []byte(id)
		}
		return x
	}
	out.Footer = key(footerID, k.footer)
	for path, raw := range k.columns {
		out.Columns[path] = key(path, raw)
	}
	return out, nil
}

const (
	dataKeyLen = 16 // as parquet-java and Arrow C++ make them by default
	kekLen     = 16
	kekIDLen   = 16
	noKMS      = "DEFAULT"
)

// wrapped makes data keys and their key material. The columns of one master
// key share a key encryption key, as the key tools of parquet-java have it.
func (k *Keys) wrapped(w *wrapping, out *formats.Encryption) error {
	keks := map[string]*kek{}
	newKey := func(master string, footer bool) (formats.EncryptionKey, error) {
		dek := random(dataKeyLen)
		m := material{Type: materialType, Internal: true, Footer: footer, Master: master, Double: !w.Single}
		if footer {
			m.Instance, m.URL = noKMS, noKMS
		}
		var err error
		if w.Single {
			m.DEK, err = seal(k.byID[master], dek, []byte(master))
		} else {
			if keks[master] == nil {
				keks[master] = &kek{key: random(kekLen), id: random(kekIDLen)}
			}
			x := keks[master]
			if x.wrapped == "" {
				x.wrapped, err = seal(k.byID[master], x.key, []byte(master))
			}
			m.KEK, m.KEKID = x.wrapped, base64.StdEncoding.EncodeToString(x.id)
			if err == nil {
				m.DEK, err = seal(x.key, dek, x.id)
			}
		}
		if err != nil {
			return formats.EncryptionKey{}, err
		}
		text, err := json.Marshal(m)
		return formats.EncryptionKey{Key: dek, Metadata: text}, err
	}
	var err error
	if out.Footer, err = newKey(w.Footer, true); err != nil {
		return err
	}
	for path, master := range w.Columns {
		if out.Columns[path], err = newKey(master, false); err != nil {
			return err
		}
	}
	return nil
}

// kek is a key encryption key, and what a master key makes of it.
type kek struct {
	key, id []byte
	wrapped string
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// seal is the inverse of open.
func seal(key, plain, aad []byte) (string, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return "", fmt.Errorf("%w: a key of %d bytes", arrowio.ErrKey, len(key))
	}
	nonce := random(gcm.NonceSize())
	return base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, plain, aad)), nil
}
