// Package crypt is Parquet modular encryption (Encryption.md): each page, page
// header, index and footer is a module of its own, sealed with AES in GCM, or
// in CTR for pages under AES_GCM_CTR_V1, and bound to its place in the file by
// the additional authenticated data (AAD).
//
//	module = length (4 bytes) | nonce (12) | ciphertext | tag (16, GCM)
package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// Module is the kind of a module, the byte that stands for it in the AAD.
type Module byte

// The kinds.
const (
	Footer Module = iota
	ColumnMetaData
	DataPage
	DictionaryPage
	DataPageHeader
	DictionaryPageHeader
	ColumnIndex
	OffsetIndex
	BloomFilterHeader
	BloomFilterBitset
)

const (
	prefixLen = 4
	nonceLen  = 12
	tagLen    = 16
)

// File holds what the modules of one file share.
type File struct {
	ctr    bool
	aad    []byte // prefix and file-unique part
	footer *Column
	// missing says why there is no footer key.
	missing error
	keys    formats.KeyRetriever
	byKey   map[string]*Column // of a file being written
}

// Column seals and opens modules with one key.
type Column struct {
	file  *File
	block cipher.Block
	gcm   cipher.AEAD

	sealed budget
}

// NewFile finds the footer key. Without keys, or without the AAD prefix where
// the file does not store it, or with another than it stores, the error wraps
// arrowio.ErrKey. Where the footer key alone is missing, that error comes of
// what needs it.
func NewFile(alg meta.EncryptionAlgorithm, footerKeyMetadata []byte, keys formats.KeyRetriever) (*File, error) {
	if keys == nil {
		return nil, fmt.Errorf("%w: the file is encrypted and no key was given (try: --keys FILE)", arrowio.ErrKey)
	}
	prefix, given := alg.AADPrefix, keys.AADPrefix()
	switch {
	case alg.SupplyAADPrefix || len(prefix) == 0:
		prefix = given
	case len(given) > 0 && !bytes.Equal(prefix, given):
		// Who gives a prefix wants that file and no other under its name.
		return nil, fmt.Errorf("%w: the file's AAD prefix is not the one given with the keys", arrowio.ErrKey)
	}
	if alg.SupplyAADPrefix && len(prefix) == 0 {
		return nil, fmt.Errorf("%w: the file's AAD prefix must be given with the keys", arrowio.ErrKey)
	}
	f := &File{ctr: alg.CTR, aad: append(append([]byte{}, prefix...), alg.AADFileUnique...), keys: keys}
	key, err := keys.FooterKey(footerKeyMetadata)
	if err == nil {
		f.footer, err = f.column(key)
	}
	f.missing = err
	return f, nil
}

func (f *File) column(key []byte) (*Column, error) {
	block, err := aes.NewCipher(key)
	if err != nil { // says the length, not the key
		return nil, fmt.Errorf("%w: a key of %d bytes; AES has 16, 24 or 32", arrowio.ErrKey, len(key))
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Column{file: f, block: block, gcm: gcm}, nil
}

// Column finds the key of a column, given by its dotted path.
func (f *File) Column(c *meta.ColumnCrypto, path string) (*Column, error) {
	if c.WithFooterKey {
		return f.footer, f.missing
	}
	key, err := f.keys.ColumnKey(path, c.KeyMetadata)
	if err != nil {
		return nil, err
	}
	return f.column(key)
}

// FooterKey seals and opens with the footer key.
func (f *File) FooterKey() (*Column, error) { return f.footer, f.missing }

// Footer opens the footer module at the start of module and tells its length.
func (f *File) Footer(module []byte) (plain []byte, n int, err error) {
	if f.missing != nil {
		return nil, 0, f.missing
	}
	return f.footer.Open(nil, module, Footer, -1, -1, -1)
}

// VerifyFooter checks the signature, a nonce and a tag, of a plaintext footer.
func (f *File) VerifyFooter(footer, signature []byte) error {
	if f.missing != nil {
		return f.missing
	}
	if len(signature) < nonceLen+tagLen {
		return fmt.Errorf("%w: a footer signature of %d bytes", arrowio.ErrCorrupt, len(signature))
	}
	tag := f.sign(footer, signature[:nonceLen])[nonceLen:]
	if subtle.ConstantTimeCompare(tag, signature[nonceLen:nonceLen+tagLen]) == 0 {
		return fmt.Errorf("%w: the footer's signature does not match: the key is not the file's, or the footer was changed", arrowio.ErrKey)
	}
	return nil
}

// Sign gives the signature of a plaintext footer: the nonce and the tag of its
// encryption.
func (f *File) Sign(footer, nonce []byte) ([]byte, error) {
	switch {
	case f.missing != nil:
		return nil, f.missing
	case len(nonce) != nonceLen:
		return nil, errNonce
	}
	return f.sign(footer, nonce), nil
}

func (f *File) sign(footer, nonce []byte) []byte {
	sealed := f.footer.gcm.Seal(nil, nonce, footer, f.moduleAAD(Footer, -1, -1, -1))
	return append(append([]byte{}, nonce...), sealed[len(sealed)-tagLen:]...)
}

// moduleAAD is the AAD of a module; ordinals that its kind has not are -1.
func (f *File) moduleAAD(kind Module, rowGroup, column, page int) []byte {
	aad := append(f.aad[:len(f.aad):len(f.aad)], byte(kind))
	if kind == Footer {
		return aad
	}
	aad = binary.LittleEndian.AppendUint16(aad, uint16(rowGroup))
	aad = binary.LittleEndian.AppendUint16(aad, uint16(column))
	if kind == DataPage || kind == DataPageHeader {
		aad = binary.LittleEndian.AppendUint16(aad, uint16(page))
	}
	return aad
}

func (c *Column) isCTR(kind Module) bool {
	return c.file.ctr && (kind == DataPage || kind == DictionaryPage)
}

// ModuleLen is the length of the module at the start of b, its prefix included.
func ModuleLen(b []byte) (int, error) {
	if len(b) < prefixLen {
		return 0, errShort
	}
	n := int64(binary.LittleEndian.Uint32(b)) + prefixLen
	if n > int64(len(b)) {
		return 0, errShort
	}
	return int(n), nil
}

var errShort = fmt.Errorf("%w: encrypted module: %w", arrowio.ErrCorrupt, io.ErrUnexpectedEOF)

// Open appends the plaintext of the module at the start of module to dst and
// tells the module's length. The ordinals are those of the module's place, -1
// where its kind has none. What was sealed with another key or for another
// place, or changed since, wraps arrowio.ErrKey for the footer, where a wrong
// key is the likely cause, and for the rest both it and arrowio.ErrCorrupt.
func (c *Column) Open(dst, module []byte, kind Module, rowGroup, column, page int) (plain []byte, n int, err error) {
	if n, err = ModuleLen(module); err != nil {
		return nil, 0, err
	}
	body := module[prefixLen:n]
	if len(body) < nonceLen || !c.isCTR(kind) && len(body) < nonceLen+tagLen {
		return nil, 0, fmt.Errorf("%w: an encrypted module of %d bytes", arrowio.ErrCorrupt, len(body))
	}
	nonce, sealed := body[:nonceLen], body[nonceLen:]
	if c.isCTR(kind) {
		start := len(dst)
		dst = append(dst, sealed...)
		c.stream(nonce).XORKeyStream(dst[start:], sealed)
		return dst, n, nil
	}
	plain, err = c.gcm.Open(dst, nonce, sealed, c.file.moduleAAD(kind, rowGroup, column, page))
	if err != nil {
		if kind == Footer {
			return nil, 0, fmt.Errorf("%w: the footer cannot be decrypted: wrong key or AAD prefix, or a changed file", arrowio.ErrKey)
		}
		return nil, 0, fmt.Errorf("%w: %w: authentication failed: wrong key, or a changed file", arrowio.ErrKey, arrowio.ErrCorrupt)
	}
	return plain, n, nil
}

// stream is AES-CTR as the format has it: the nonce, then a counter of four
// bytes that starts at 1.
func (c *Column) stream(nonce []byte) cipher.Stream {
	var iv [aes.BlockSize]byte
	copy(iv[:], nonce)
	iv[aes.BlockSize-1] = 1
	return cipher.NewCTR(c.block, iv[:])
}

var errNonce = errors.New("crypt: a nonce of the wrong length")

// Seal appends plain as a module to dst. A nonce must never be used twice with
// one key. A module of 2 GiB, and an ordinal that the AAD has no room for
// (Encryption.md, "AAD suffix": two bytes, signed in the format's other
// places), is arrowio.ErrLimit.
func (c *Column) Seal(dst, plain, nonce []byte, kind Module, rowGroup, column, page int) ([]byte, error) {
	if len(nonce) != nonceLen {
		return nil, errNonce
	}
	if n := max(rowGroup, column, page); n > math.MaxInt16 {
		return nil, fmt.Errorf("%w: encryption numbers row groups, columns and the pages of each up to %d; this is %d", arrowio.ErrLimit, math.MaxInt16, n)
	}
	if len(plain) > math.MaxInt32-prefixLen-nonceLen-tagLen {
		return nil, fmt.Errorf("%w: an encrypted module of %d bytes", arrowio.ErrLimit, len(plain))
	}
	size := nonceLen + len(plain)
	if !c.isCTR(kind) {
		size += tagLen
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(size))
	dst = append(dst, nonce...)
	if c.isCTR(kind) {
		start := len(dst)
		dst = append(dst, plain...)
		c.stream(nonce).XORKeyStream(dst[start:], plain)
		return dst, nil
	}
	return c.gcm.Seal(dst, nonce, plain, c.file.moduleAAD(kind, rowGroup, column, page)), nil
}
