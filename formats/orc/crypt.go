package orc

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/fs"
)

// encryption is the encrypted columns of a file (specification, "Column
// Encryption"). Each is stored twice: masked, for everybody, and as variants
// whose streams are encrypted with a local key a stripe, which the file holds
// encrypted with a master key. The first variant whose master key is known is
// read. All methods work on a nil *encryption, of a file without.
type encryption struct {
	r        *Reader
	e        *proto.Encryption
	variants []*variant
	open     map[int]*variant // by column id, those that are read
}

// variant is one encryption of a column and those below it.
type variant struct {
	i      int // of the footer's list
	root   *node
	key    *proto.EncryptionKey
	master []byte // nil: not known
	flip   bool   // how the local keys are encrypted, see localKey
	footer []byte // the key of statistics
	stats  map[int][]proto.ColumnStatistics
}

const keyIV = 16

// newEncryption asks for the keys. A column whose key is not known is read
// masked; a key that does not fit is arrowio.ErrKey.
func newEncryption(r *Reader) (*encryption, error) {
	if r.footer.Encryption == nil {
		return nil, nil
	}
	e := &encryption{r: r, e: r.footer.Encryption, open: map[int]*variant{}}
	for i := range e.e.Variants {
		p := &e.e.Variants[i]
		if int(p.Root) >= len(r.footer.Types) || int(p.Key) >= len(e.e.Keys) {
			return nil, corrupt("encryption of column %d with key %d", p.Root, p.Key)
		}
		v := &variant{i: i, root: r.nodeOf(int(p.Root)), key: &e.e.Keys[p.Key]}
		e.variants = append(e.variants, v)
		if e.open[v.root.id] != nil || r.o.Keys == nil {
			continue
		}
		if err := e.unlock(v, p); err != nil {
			return nil, &arrowio.Error{Op: "open", Column: v.root.path, Err: err}
		}
		if v.master != nil {
			for id := v.root.id; id <= v.root.last; id++ {
				e.open[id] = v
			}
		}
	}
	return e, nil
}

// nodeOf finds a column by its id.
func (r *Reader) nodeOf(id int) *node {
	n := r.root
	for n.id != id {
		for _, c := range n.children {
			if c.id <= id && id <= c.last {
				n = c
				break
			}
		}
	}
	return n
}

// unlock finds the master key of a variant, and makes sure that it fits.
func (e *encryption) unlock(v *variant, p *proto.EncryptionVariant) error {
	size := keySize(v.key.Algorithm)
	if size == 0 {
		return nil // an algorithm of the future: masked
	}
	master, err := e.r.o.Keys.ColumnKey(v.root.path, []byte(v.key.Name))
	if errors.Is(err, arrowio.ErrKey) {
		master, err = e.r.o.Keys.ColumnKey(v.root.path, fmt.Appendf(nil, "%s@%d", v.key.Name, v.key.Version))
	}
	if errors.Is(err, arrowio.ErrKey) {
		return nil
	} else if err != nil {
		return err
	}
	if len(master) < size {
		return fmt.Errorf("%w: %s needs %d bytes of key, %q has %d", arrowio.ErrKey, v.key.Algorithm, size, v.key.Name, len(master))
	}
	v.master = master[:size]
	if len(p.EncryptedKey) < keyIV {
		return nil
	}
	// Hadoop's key server and ORC's keys in memory differ in one detail. That
	// the statistics can be read tells which it was.
	for _, flip := range []bool{false, true} {
		v.flip = flip
		v.footer = v.localKey(p.EncryptedKey)
		if len(p.FileStatistics) == 0 {
			return nil
		}
		if _, err := e.fileStats(v, p); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: the key given for %q does not fit", arrowio.ErrKey, v.key.Name)
}

func keySize(a proto.EncryptionAlgorithm) int {
	switch a {
	case proto.AESCTR128:
		return 16
	case proto.AESCTR256:
		return 32
	}
	return 0
}

// localKey decrypts a local key: with the master key in counter mode, and as
// initialisation vector its own first bytes, which Hadoop's key server flips.
func (v *variant) localKey(encrypted []byte) []byte {
	iv := append([]byte(nil), encrypted[:keyIV]...)
	if v.flip {
		for i := range iv {
			iv[i] ^= 0xff
		}
	}
	b, err := aes.NewCipher(v.master)
	if err != nil {
		return nil // the size was checked
	}
	out := make([]byte, len(encrypted))
	cipher.NewCTR(b, iv).XORKeyStream(out, encrypted)
	return out[:min(len(out), len(v.master))]
}

// streamCipher decrypts one stream. The initialisation vector is column, kind
// and stripe, and then the counter of blocks.
type streamCipher struct {
	block cipher.Block
	iv    [aes.BlockSize]byte
}

func newStreamCipher(key []byte, column int, kind proto.StreamKind, stripe uint64) (*streamCipher, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: a local key of %d bytes", arrowio.ErrCorrupt, len(key))
	}
	c := &streamCipher{block: b}
	binary.BigEndian.PutUint32(c.iv[:], uint32(column)<<8)
	binary.BigEndian.PutUint16(c.iv[3:], uint16(kind))
	binary.BigEndian.PutUint32(c.iv[5:], uint32(stripe)<<8)
	return c, nil
}

// Decrypt implements block.Cipher.
func (c *streamCipher) Decrypt(dst, src []byte, off int64) {
	iv := c.iv
	binary.BigEndian.PutUint64(iv[8:], uint64(off/aes.BlockSize))
	s := cipher.NewCTR(c.block, iv[:])
	var skip [aes.BlockSize]byte
	s.XORKeyStream(skip[:off%aes.BlockSize], skip[:off%aes.BlockSize])
	s.XORKeyStream(dst[:len(src)], src)
}

// place finds the streams of a stripe: those of all, where placeholders stand
// for the encrypted ones, and in these places those of each variant. Of a column
// that is decrypted the masked streams are none.
func (e *encryption) place(st *stripe, place func(s proto.Stream, variant int, keep bool) error, at *uint64) error {
	var index, data uint64
	for _, s := range st.footer.Streams {
		switch s.Kind {
		case proto.EncryptedIndex:
			index = *at
		case proto.EncryptedData:
			data = *at
		}
		hole := s.Kind == proto.EncryptedIndex || s.Kind == proto.EncryptedData
		if err := place(s, 0, !hole && e.open[int(s.Column)] == nil); err != nil {
			return err
		}
	}
	for i, v := range e.variants {
		if i >= len(st.footer.Encryption) {
			return corrupt("the stripe's footer has %d encryption variants of %d", len(st.footer.Encryption), len(e.variants))
		}
		sv := &st.footer.Encryption[i]
		for _, s := range sv.Streams {
			area := &data
			if s.Kind == proto.RowIndexStream || s.Kind == proto.BloomFilter || s.Kind == proto.BloomFilterUTF8 {
				area = &index
			}
			*at = *area
			if err := place(s, i+1, e.open[int(s.Column)] == v); err != nil {
				return err
			}
			*area = *at
		}
		if e.open[v.root.id] != v {
			continue
		}
		for k := range v.root.last - v.root.id + 1 {
			if k < len(sv.Encoding) {
				st.encs[v.root.id+k] = sv.Encoding[k]
			}
		}
	}
	return nil
}

// cipher decrypts a stream of a stripe.
func (e *encryption) cipher(st *stripe, variant int, k streamKey) (block.Cipher, error) {
	v := e.variants[variant-1]
	var local []byte
	id := uint64(0)
	for i := range st.i + 1 { // what a stripe does not say is that of the one before
		s := &e.r.footer.Stripes[i]
		if id = s.EncryptStripeID.Or(id + 1); v.i < len(s.EncryptedLocalKeys) {
			local = s.EncryptedLocalKeys[v.i]
		}
	}
	if len(local) < keyIV {
		return nil, corrupt("the stripe has no local key of encryption variant %d", v.i)
	}
	return newStreamCipher(v.localKey(local), k.column, k.kind, id)
}

// statsStripe is the number of the stripe that statistics are encrypted as
// being of.
func (e *encryption) statsStripe() uint64 { return uint64(len(e.r.footer.Stripes)) + 1 }

// fileStats decrypts the statistics that a variant's columns have in the file.
func (e *encryption) fileStats(v *variant, p *proto.EncryptionVariant) (*proto.FileStatistics, error) {
	c, err := newStreamCipher(v.footer, v.root.id, proto.FileStatsKind, e.statsStripe())
	if err != nil {
		return nil, err
	}
	b := make([]byte, len(p.FileStatistics))
	c.Decrypt(b, p.FileStatistics, 0)
	if b, err = block.ReadAll(e.r.format, b, maxMetadata); err != nil {
		return nil, err
	}
	fst, err := proto.DecodeFileStatistics(b)
	if err == nil && len(fst.Columns) != v.root.last-v.root.id+1 {
		err = corrupt("statistics of %d columns", len(fst.Columns))
	}
	return fst, err
}

// loadStripeStats reads the statistics of the stripes of the decrypted columns,
// which lie variant by variant and column by column before the metadata.
func (e *encryption) loadStripeStats(ctx context.Context) error {
	if e == nil {
		return nil
	}
	at := e.r.place.stripeStats
	for i, v := range e.variants {
		for _, s := range e.e.Variants[i].StripeStatistics {
			if s.Length > uint64(e.r.place.metadata-at) {
				return corrupt("encrypted statistics of %d bytes where there are %d", s.Length, e.r.place.metadata-at)
			}
			off := at
			at += int64(s.Length)
			if e.open[int(s.Column)] != v || v.footer == nil {
				continue
			}
			b := make([]byte, s.Length)
			if err := e.r.f.ReadRanges(ctx, []fs.Range{{Off: off, Dst: b, Label: "stripe statistics"}}); err != nil {
				return err
			}
			c, err := newStreamCipher(v.footer, int(s.Column), s.Kind, e.statsStripe())
			if err != nil {
				return err
			}
			c.Decrypt(b, b, 0)
			if b, err = block.ReadAll(e.r.format, b, maxMetadata); err != nil {
				return err
			}
			cs, err := proto.DecodeColumnarStripeStatistics(b)
			if err != nil {
				return err
			}
			if v.stats == nil {
				v.stats = map[int][]proto.ColumnStatistics{}
			}
			v.stats[int(s.Column)] = cs.Stripes
		}
	}
	return nil
}

// stripeStats are the statistics of a decrypted column by stripe, and whether it
// is one: then those in the clear are not its own.
func (e *encryption) stripeStats(id int) (cs []proto.ColumnStatistics, decrypted bool) {
	if e == nil || e.open[id] == nil {
		return nil, false
	}
	return e.open[id].stats[id], true
}

// covers says that a column is encrypted.
func (e *encryption) covers(id int) bool {
	if e == nil {
		return false
	}
	for _, v := range e.variants {
		if v.root.id <= id && id <= v.root.last {
			return true
		}
	}
	return false
}

// describe says what is encrypted, and how, and what of it is read.
func (e *encryption) describe() string {
	if e == nil {
		return ""
	}
	var parts []string
	for _, v := range e.variants {
		t := fmt.Sprintf("column %s, %s, key %q", v.root.path, v.key.Algorithm, v.key.Name)
		if e.open[v.root.id] == nil {
			t += ", read masked"
		}
		parts = append(parts, t)
	}
	return strings.Join(parts, "; ")
}
