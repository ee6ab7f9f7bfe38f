package formats

// Encryption says what a writer encrypts, and with which keys. Two files must
// not be written with the same Encryption where a key would then seal more than
// the format allows: a caller who can makes new keys for each file.
type Encryption struct {
	// Algorithm by the format's own name; "" is its default. Parquet has
	// AES_GCM_V1, the default, and AES_GCM_CTR_V1, which is faster and does
	// not authenticate the pages.
	Algorithm string
	// PlaintextFooter leaves schema and row counts readable, signed with the
	// footer key; otherwise the footer is encrypted with it.
	PlaintextFooter bool
	// Footer is the key of the footer and of every column without another.
	Footer EncryptionKey
	// Columns have keys of their own, by path; a path stands for what lies
	// below it too.
	Columns map[string]EncryptionKey
	// Plaintext columns are not encrypted, by path.
	Plaintext []string
	// AADPrefix is the file's identity, which its parts are bound to: who
	// gives it when reading is not handed another file.
	AADPrefix []byte
	// OmitAADPrefix keeps the prefix out of the file, so that it cannot be
	// read without giving it.
	OmitAADPrefix bool
}

// EncryptionKey is an AES key of 16, 24 or 32 bytes, and what the file tells
// of it, by which a KeyRetriever finds it again.
type EncryptionKey struct {
	Key      []byte
	Metadata []byte
}

// Encrypter is a KeyRetriever that can also say how a file is to be encrypted.
type Encrypter interface {
	KeyRetriever
	// Encryption for one file; nil: not to be encrypted.
	Encryption() (*Encryption, error)
}

// EncryptionOf gives what the keys of o ask of a writer; nil if nothing.
func EncryptionOf(o Options) (*Encryption, error) {
	if e, ok := o.Keys.(Encrypter); ok {
		return e.Encryption()
	}
	return nil, nil
}
