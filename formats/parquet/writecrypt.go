package parquet

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
)

// fileCrypt is the encryption of a file being written (Encryption.md).
type fileCrypt struct {
	file      *crypt.File
	footer    *crypt.Column
	alg       meta.EncryptionAlgorithm // as the file tells it
	metadata  []byte                   // of the footer key
	plaintext bool                     // the footer
}

var algorithms = map[string]bool{"": false, "AES_GCM_V1": false, "AES_GCM_CTR_V1": true} // with CTR for pages

// newFileCrypt settles the keys of every column; nil where nothing is encrypted.
func newFileCrypt(e *formats.Encryption, t *schema.Tree, plans []columnPlan) (*fileCrypt, error) {
	if e == nil {
		return nil, nil
	}
	ctr, ok := algorithms[e.Algorithm]
	if !ok {
		return nil, fmt.Errorf("%w: encryption algorithm %q (AES_GCM_V1, AES_GCM_CTR_V1)", arrowio.ErrOption, e.Algorithm)
	}
	if e.Footer.Key == nil {
		return nil, fmt.Errorf("%w: encryption without a footer key", arrowio.ErrKey)
	}
	c := &fileCrypt{metadata: e.Footer.Metadata, plaintext: e.PlaintextFooter}
	var err error
	alg := meta.EncryptionAlgorithm{CTR: ctr, AADPrefix: e.AADPrefix, SupplyAADPrefix: e.OmitAADPrefix}
	if c.file, c.alg, err = crypt.NewWriter(alg, e.Footer.Key); err != nil {
		return nil, err
	}
	if c.footer, err = c.file.FooterKey(); err != nil {
		return nil, err
	}
	const plaintext = "" // as the key of a column
	byName := map[string]string{}
	for name, k := range e.Columns {
		if len(k.Key) == 0 {
			return nil, fmt.Errorf("%w: no key for column %q", arrowio.ErrKey, name)
		}
		byName[name] = name
	}
	for _, name := range e.Plaintext {
		if byName[name] != "" {
			return nil, fmt.Errorf("%w: column %q is to be encrypted and to be plaintext", arrowio.ErrOption, name)
		}
		byName[name] = plaintext
	}
	used := map[string]bool{}
	fields := fieldPaths(t)
	for i, n := range t.Leaves {
		name, ok := closest(maps.Keys(byName), strings.Join(n.Path, "."), fields[i], used)
		switch {
		case !ok:
			plans[i].key, plans[i].crypto = c.footer, &meta.ColumnCrypto{WithFooterKey: true}
		case byName[name] != plaintext:
			k := e.Columns[name]
			if plans[i].key, err = c.file.ColumnOf(k.Key); err != nil {
				return nil, &arrowio.Error{Op: "write", Column: name, Err: err}
			}
			plans[i].crypto = &meta.ColumnCrypto{Path: n.Path, KeyMetadata: k.Metadata}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if !used[name] {
			return nil, fmt.Errorf("%w: %q of the columns to be encrypted or not", arrowio.ErrColumn, name)
		}
	}
	return c, nil
}

// magic starts and ends the file.
func (c *fileCrypt) magic() string {
	if c != nil && !c.plaintext {
		return magicEncrypted
	}
	return magicPlain
}

// end gives what lies between the data and the trailer.
func (c *fileCrypt) end(dst []byte, md *meta.FileMetaData) ([]byte, error) {
	switch {
	case c == nil:
		return appendFileMetaData(dst, md), nil
	case c.plaintext:
		md.Encryption, md.FooterSigningKey = &c.alg, c.metadata
		at := len(dst)
		dst = appendFileMetaData(dst, md)
		return c.file.AppendSignature(dst, dst[at:])
	}
	dst = appendFileCryptoMetaData(dst, &meta.FileCryptoMetaData{Algorithm: c.alg, KeyMetadata: c.metadata})
	return c.footer.Append(dst, appendFileMetaData(nil, md), crypt.Footer, -1, -1, -1)
}

// hide encrypts the metadata of a finished chunk, as far as the footer does
// not: a key of its own hides it from those who have the footer key, and a
// plaintext footer keeps what readers need that cannot decrypt, and nothing
// about the values.
func (c *fileCrypt) hide(chunk *meta.ColumnChunk, p *columnPlan, s *sealer) error {
	if c == nil || p.key == nil {
		return nil
	}
	chunk.Crypto = p.crypto
	if p.crypto.WithFooterKey && !c.plaintext {
		return nil
	}
	var err error
	if chunk.EncryptedMeta, err = s.append(nil, appendColumnMetaData(nil, chunk.Meta), crypt.ColumnMetaData, -1); err != nil {
		return err
	}
	if !c.plaintext {
		chunk.Meta = nil
		return nil
	}
	m := *chunk.Meta
	m.Statistics, m.SizeStatistics, m.EncodingStats, m.Geospatial, m.KeyValues = nil, nil, nil, nil, nil
	chunk.Meta = &m
	return nil
}

// sealer encrypts the modules of one column, or leaves them as they are.
type sealer struct {
	key              *crypt.Column // nil: plaintext
	rowGroup, column int
}

func (s *sealer) append(dst, plain []byte, kind crypt.Module, page int) ([]byte, error) {
	if s.key == nil {
		return append(dst, plain...), nil
	}
	return s.key.Append(dst, plain, kind, s.rowGroup, s.column, page)
}
