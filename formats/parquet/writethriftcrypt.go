package parquet

import "github.com/bdkit/bdkit/formats/parquet/internal/meta"

// appendFileCryptoMetaData is what precedes an encrypted footer.
func appendFileCryptoMetaData(dst []byte, c *meta.FileCryptoMetaData) []byte {
	w := &thriftWriter{b: dst}
	w.body(func() {
		w.object(1, func() { w.algorithm(&c.Algorithm) })
		if c.KeyMetadata != nil {
			w.text(2, string(c.KeyMetadata))
		}
	})
	return w.b
}

func appendColumnMetaData(dst []byte, m *meta.ColumnMetaData) []byte {
	w := &thriftWriter{b: dst}
	w.body(func() { w.columnMetaData(m) })
	return w.b
}

// algorithm is the union EncryptionAlgorithm.
func (w *thriftWriter) algorithm(a *meta.EncryptionAlgorithm) {
	id := int16(1)
	if a.CTR {
		id = 2
	}
	w.object(id, func() {
		if len(a.AADPrefix) > 0 {
			w.text(1, string(a.AADPrefix))
		}
		w.text(2, string(a.AADFileUnique))
		w.boolean(3, a.SupplyAADPrefix)
	})
}

// columnCrypto is the union ColumnCryptoMetaData.
func (w *thriftWriter) columnCrypto(c *meta.ColumnCrypto) {
	if c.WithFooterKey {
		w.object(1, func() {})
		return
	}
	w.object(2, func() {
		w.list(1, thriftBinary, len(c.Path))
		for _, p := range c.Path {
			w.raw(p)
		}
		if c.KeyMetadata != nil {
			w.text(2, string(c.KeyMetadata))
		}
	})
}
