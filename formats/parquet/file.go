package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/fs"
)

const (
	magicPlain     = "PAR1"
	magicEncrypted = "PARE"
	trailer        = 8 // footer length and magic number
	// tailBytes is what Open reads of a file's end at first: room for most
	// footers, in one round trip with the file's size.
	tailBytes = 64 << 10
)

// Reader is an open Parquet file: a table of its rows, and its metadata. It is
// safe for concurrent use. Its splits are row groups.
type Reader struct {
	f       fs.File
	url     string
	size    int64
	version string
	footer  int64  // its offset
	tail    []byte // the end of the file that Open read; page indexes often lie in it
	md      *meta.FileMetaData
	rows    int64
	tree    *schema.Tree
	o       Options
	crypt   *crypt.File // nil: nothing is encrypted
	hidden  string      // how the file is encrypted, in words

	mu       sync.Mutex
	siblings map[string]fs.File
}

// Open reads a file's footer and nothing else, but for INT96 columns, of which
// Int96Auto reads a page. It takes over f, whatever happens. A file that is no
// Parquet, or a damaged footer, is arrowio.ErrCorrupt; an encrypted footer
// without its key arrowio.ErrKey.
func Open(ctx context.Context, f fs.File, o Options) (_ *Reader, err error) {
	r := &Reader{f: f, url: f.String(), o: o}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error is the one to report
			err = r.where(err)
		}
	}()
	defer arrowio.Guard(&err)
	raw, encrypted, err := r.readFooter(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.findMaterial(ctx, raw); err != nil {
		return nil, err
	}
	if err := r.decodeFooter(raw, encrypted); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.tree, err = schema.FromParquet(r.md.Schema, r.md.KeyValues, r.schemaOptions(nil)); err != nil {
		return nil, err
	}
	if len(r.tree.Leaves) > math.MaxInt16*64 {
		return nil, fmt.Errorf("%w: %d columns", arrowio.ErrLimit, len(r.tree.Leaves))
	}
	if int96, err := r.chooseInt96(ctx); err != nil {
		return nil, err
	} else if int96 != nil {
		if r.tree, err = schema.FromParquet(r.md.Schema, r.md.KeyValues, r.schemaOptions(int96)); err != nil {
			return nil, err
		}
	}
	if r.tree, err = r.showVariants(r.tree); err != nil {
		return nil, err
	}
	return r, nil
}

// where gives an error the file's name.
func (r *Reader) where(err error) error {
	e := (*arrowio.Error)(nil)
	if errors.As(err, &e) {
		if e.URL == "" {
			e.URL = r.url
		}
		return err
	}
	var fe *fs.Error
	if errors.As(err, &fe) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &arrowio.Error{Op: "open", URL: r.url, Err: err}
}

// readFooter gives the bytes between the data and the trailer.
func (r *Reader) readFooter(ctx context.Context) (footer []byte, encrypted bool, err error) {
	buf := make([]byte, tailBytes)
	n, info, err := r.f.Tail(ctx, buf)
	if err != nil {
		return nil, false, err
	}
	buf, r.size, r.version = buf[:n], info.Size, info.Version
	r.tail = buf
	if r.size < int64(trailer+len(magicPlain)) {
		return nil, false, fmt.Errorf("%w: not a Parquet file: %d bytes", arrowio.ErrCorrupt, r.size)
	}
	end := buf[n-trailer:]
	switch magic := string(end[4:]); magic {
	case magicPlain:
	case magicEncrypted:
		encrypted = true
	default:
		return nil, false, fmt.Errorf("%w: not a Parquet file: it ends in %q, not in %s", arrowio.ErrCorrupt, magic, magicPlain)
	}
	size := int64(binary.LittleEndian.Uint32(end))
	if r.footer = r.size - trailer - size; size == 0 || r.footer < int64(len(magicPlain)) {
		return nil, false, fmt.Errorf("%w: a footer of %d bytes in a file of %d", arrowio.ErrCorrupt, size, r.size)
	}
	if have := int64(n - trailer); size > have {
		whole := make([]byte, size)
		copy(whole[size-have:], buf[:have])
		missing := fs.Range{Off: r.footer, Dst: whole[:size-have], Label: "footer"}
		if err := r.f.ReadRanges(ctx, []fs.Range{missing}); err != nil {
			return nil, false, err
		}
		return whole, encrypted, nil
	}
	return buf[int64(n-trailer)-size : n-trailer], encrypted, nil
}

// findMaterial reads the file of key material beside this one, if its footer
// refers to one and the keys do not come with it.
func (r *Reader) findMaterial(ctx context.Context, footer []byte) error {
	keys, ok := r.o.Keys.(formats.MaterialHandler)
	if !ok || keys.HasMaterial() || r.o.Sibling == nil || !bytes.Contains(footer, []byte(`"internalStorage":false`)) {
		return nil
	}
	f, err := r.o.Sibling(ctx, "_KEY_MATERIAL_FOR_"+path.Base(r.url)+".json")
	if err != nil {
		return nil // the key that is then missing is the error to report
	}
	defer f.Close()
	info, err := f.Info(ctx)
	if err != nil || info.Size > maxMaterial {
		return nil
	}
	b := make([]byte, info.Size)
	if err := f.ReadRanges(ctx, []fs.Range{{Dst: b, Label: "key material"}}); err != nil {
		return err
	}
	r.o.Keys, err = keys.WithMaterial(b)
	return err
}

// maxMaterial bounds a file of key material.
const maxMaterial = 64 << 20

func (r *Reader) decodeFooter(raw []byte, encrypted bool) (err error) {
	at := func(err error) error {
		return &arrowio.Error{Op: "open", Offset: r.footer, Err: fmt.Errorf("footer: %w", err)}
	}
	if encrypted {
		c, n, err := meta.DecodeFileCryptoMetaData(raw)
		if err != nil {
			return at(err)
		}
		if r.crypt, err = crypt.NewFile(c.Algorithm, c.KeyMetadata, r.o.Keys); err != nil {
			return at(err)
		}
		if raw, _, err = r.crypt.Footer(raw[n:]); err != nil {
			return at(err)
		}
		r.hidden = "footer and columns, " + algorithm(c.Algorithm)
		if r.md, _, err = meta.DecodeFileMetaData(raw); err != nil {
			return at(err)
		}
		return nil
	}
	md, n, err := meta.DecodeFileMetaData(raw)
	if err != nil {
		return at(err)
	}
	if r.md = md; md.Encryption == nil {
		return nil
	}
	r.hidden = "columns, " + algorithm(*md.Encryption)
	// A plaintext footer is signed. Without keys its plaintext columns can
	// still be read, and nothing can be verified.
	r.crypt, err = crypt.NewFile(*md.Encryption, md.FooterSigningKey, r.o.Keys)
	if err != nil {
		if !errors.Is(err, arrowio.ErrKey) {
			return at(err)
		}
		r.crypt = nil
		return nil
	}
	if _, err := r.crypt.FooterKey(); err != nil { // column keys alone: good for their columns
		return nil
	}
	if len(raw) == n { // never signed
		return nil
	}
	if err := r.crypt.VerifyFooter(raw[:n], raw[n:]); err != nil {
		return at(err)
	}
	return nil
}

func algorithm(a meta.EncryptionAlgorithm) string {
	if a.CTR {
		return "AES_GCM_CTR_V1"
	}
	return "AES_GCM_V1"
}

// check makes sure of what the rest of the reader relies on.
func (r *Reader) check() error {
	leaves := 0
	for i := range r.md.Schema {
		if e := &r.md.Schema[i]; e.HasType && e.NumChildren == 0 && i > 0 {
			leaves++
		}
	}
	for i := range r.md.RowGroups {
		g := &r.md.RowGroups[i]
		unit := rowGroupName(i)
		if g.NumRows < 0 || r.rows+g.NumRows < r.rows {
			return &arrowio.Error{Op: "open", Unit: unit, Err: fmt.Errorf("%w: %d rows", arrowio.ErrCorrupt, g.NumRows)}
		}
		if len(g.Columns) != leaves {
			return &arrowio.Error{Op: "open", Unit: unit, Err: fmt.Errorf("%w: %d columns where the schema has %d", arrowio.ErrCorrupt, len(g.Columns), leaves)}
		}
		r.rows += g.NumRows
	}
	return nil
}

func rowGroupName(i int) string { return fmt.Sprintf("row group %d", i) }

func (r *Reader) schemaOptions(int96 map[int]schema.Int96) schema.ReadOptions {
	return schema.ReadOptions{IgnoreArrowSchema: r.o.IgnoreArrowSchema, Int96: func(column int) schema.Int96 {
		switch r.o.Int96 {
		case Int96Micro:
			return schema.Int96Micros
		case Int96Milli:
			return schema.Int96Millis
		case Int96Exact:
			return schema.Int96Exact
		}
		return int96[column]
	}}
}

// Schema implements arrowio.Table.
func (r *Reader) Schema() *arrow.Schema { return r.tree.Arrow }

// NumRows implements formats.FileReader.
func (r *Reader) NumRows() int64 { return r.rows }

// chunk gives the metadata of a column in a row group, decrypted if need be,
// and the key of its pages; nil if they are not encrypted.
func (r *Reader) chunk(rg, column int) (*meta.ColumnChunk, *crypt.Column, error) {
	c := &r.md.RowGroups[rg].Columns[column]
	name := r.tree.Leaves[column].Name()
	fail := func(err error) error {
		return &arrowio.Error{Op: "read", URL: r.url, Unit: rowGroupName(rg), Column: name, Err: err}
	}
	if c.Crypto == nil || r.hidden == "" { // a key without an algorithm means nothing
		if c.Meta == nil {
			return nil, nil, fail(fmt.Errorf("%w: the column has no metadata", arrowio.ErrCorrupt))
		}
		return c, nil, nil
	}
	if r.crypt == nil {
		return nil, nil, fail(fmt.Errorf("%w: the column is encrypted and no key was given (try: --keys FILE)", arrowio.ErrKey))
	}
	key, err := r.crypt.Column(c.Crypto, name)
	if err != nil {
		return nil, nil, fail(err)
	}
	if c.EncryptedMeta == nil {
		if c.Meta == nil {
			return nil, nil, fail(fmt.Errorf("%w: the column has no metadata", arrowio.ErrCorrupt))
		}
		return c, key, nil
	}
	raw, _, err := key.Open(nil, c.EncryptedMeta, crypt.ColumnMetaData, r.ordinal(rg), column, -1)
	if err != nil {
		return nil, nil, fail(err)
	}
	out := *c
	if out.Meta, _, err = meta.DecodeColumnMetaData(raw); err != nil {
		return nil, nil, fail(err)
	}
	return &out, key, nil
}

// looksPlain says that a chunk declared to be encrypted, in a file whose footer
// is not, has a first page whose header reads as plaintext, as there are
// writers that declare and do not encrypt. The length that an encrypted header
// starts with never does.
func (r *Reader) looksPlain(ctx context.Context, rg, column int) bool {
	c := &r.md.RowGroups[rg].Columns[column]
	if r.md.Encryption == nil || c.Meta == nil || c.FilePath != "" {
		return false
	}
	start := chunkStart(c.Meta)
	size := min(c.Meta.CompressedSize, 256, r.footer-start)
	if start < 0 || size <= 0 {
		return false
	}
	b := make([]byte, size)
	if r.f.ReadRanges(ctx, []fs.Range{{Off: start, Dst: b, Label: rowGroupName(rg) + ", column " + r.tree.Leaves[column].Name()}}) != nil {
		return false
	}
	var h meta.PageHeader
	_, err := meta.DecodePageHeader(b, &h)
	return err == nil && int64(h.CompressedSize) <= c.Meta.CompressedSize && int64(h.NumValues) <= c.Meta.NumValues
}

// ordinal is the row group's number for encryption: the stored one, or its place.
func (r *Reader) ordinal(rg int) int {
	if o := r.md.RowGroups[rg].Ordinal; o >= 0 {
		return int(o)
	}
	return rg
}

// fileOf gives the file that holds a chunk, and where its data ends.
func (r *Reader) fileOf(ctx context.Context, c *meta.ColumnChunk) (fs.File, int64, error) {
	if c.FilePath == "" {
		return r.f, r.footer, nil
	}
	name := c.FilePath
	if path.IsAbs(name) || strings.Contains(name, "\\") || strings.Contains(name, ":") || path.Clean(name) != name || strings.HasPrefix(name, "..") {
		return nil, 0, fmt.Errorf("%w: the external file %q lies outside the file's own folder", arrowio.ErrUnsupported, name)
	}
	if r.o.Sibling == nil {
		return nil, 0, fmt.Errorf("%w: the column is kept in the external file %q, and there is no way to it from here", arrowio.ErrUnsupported, name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.siblings[name]
	if f == nil {
		var err error
		if f, err = r.o.Sibling(ctx, name); errors.Is(err, fs.ErrNotExist) {
			return nil, 0, fmt.Errorf("%w: the external file %q that holds the column does not exist", arrowio.ErrCorrupt, name)
		} else if err != nil {
			return nil, 0, err
		}
		if r.siblings == nil {
			r.siblings = map[string]fs.File{}
		}
		r.siblings[name] = f
	}
	info, err := f.Info(ctx)
	return f, info.Size, err
}

// Close implements io.Closer.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.f.Close()
	for _, f := range r.siblings {
		err = errors.Join(err, f.Close())
	}
	r.siblings = nil
	return err
}

var _ io.Closer = (*Reader)(nil)
