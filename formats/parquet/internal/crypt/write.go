package crypt

import (
	"crypto/rand"
	"fmt"
	"sync/atomic"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// NewWriter starts the encryption of a file, with a file-unique part of the AAD
// that is new. alg.AADPrefix is the prefix to use; with alg.SupplyAADPrefix it
// is left out of the algorithm that comes back, for the footer.
func NewWriter(alg meta.EncryptionAlgorithm, footerKey []byte) (*File, meta.EncryptionAlgorithm, error) {
	alg.AADFileUnique = make([]byte, 8)
	_, _ = rand.Read(alg.AADFileUnique) // never fails
	f := &File{ctr: alg.CTR, aad: append(append([]byte{}, alg.AADPrefix...), alg.AADFileUnique...), byKey: map[string]*Column{}}
	if alg.SupplyAADPrefix {
		if len(alg.AADPrefix) == 0 {
			return nil, alg, fmt.Errorf("%w: there is no AAD prefix to be kept out of the file", arrowio.ErrOption)
		}
		alg.AADPrefix = nil
	}
	var err error
	f.footer, err = f.ColumnOf(footerKey)
	return f, alg, err
}

// ColumnOf gives what seals with a key of a file being written.
func (f *File) ColumnOf(key []byte) (*Column, error) {
	if c := f.byKey[string(key)]; c != nil {
		return c, nil
	}
	c, err := f.column(key)
	if err != nil {
		return nil, err
	}
	f.byKey[string(key)] = c
	return c, nil
}

// maxSealed is how many modules one key may seal with nonces that are random
// (Encryption.md, "Encryption algorithms": NIST SP 800-38D, 8.3).
const maxSealed = 1 << 32

// budget counts the modules that a key has sealed.
type budget struct{ n atomic.Int64 }

func (b *budget) nonce() ([nonceLen]byte, error) {
	var nonce [nonceLen]byte
	if b.n.Add(1) > maxSealed {
		return nonce, fmt.Errorf("%w: one key seals at most %d modules", arrowio.ErrLimit, int64(maxSealed))
	}
	_, _ = rand.Read(nonce[:]) // never fails
	return nonce, nil
}

// Append seals plain under a new nonce. It is safe for concurrent use.
func (c *Column) Append(dst, plain []byte, kind Module, rowGroup, column, page int) ([]byte, error) {
	nonce, err := c.sealed.nonce()
	if err != nil {
		return nil, err
	}
	return c.Seal(dst, plain, nonce[:], kind, rowGroup, column, page)
}

// AppendSignature signs a plaintext footer under a new nonce.
func (f *File) AppendSignature(dst, footer []byte) ([]byte, error) {
	nonce, err := f.footer.sealed.nonce()
	if err != nil {
		return nil, err
	}
	sig, err := f.Sign(footer, nonce[:])
	return append(dst, sig...), err
}
