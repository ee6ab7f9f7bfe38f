package parquet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/internal/compress"
)

// pageStream reads the pages of one column chunk in order, or from one to the
// next that is wanted where an offset index tells their places.
type pageStream struct {
	win      columnar.Window
	meta     *meta.ColumnMetaData
	codec    compress.Codec
	crypt    *crypt.Column // nil: plaintext
	rowGroup int
	column   int // the ordinals that encryption binds pages to
	verify   bool
	maxDef   int
	maxRep   int

	start   int64 // of the chunk
	off     int64 // of the next page's header
	ordinal int   // of the next data page
	seen    int64 // values in the pages passed
	index   *meta.OffsetIndex
	wanted  []bool // of the index's pages, those that hold selected rows; nil: all

	head     meta.PageHeader
	headAt   int64 // file offset of head
	bodyAt   int64
	headRead bool // head is that of the page at off, its body not yet passed

	raw    []byte // the decompressed page
	raws   int64  // of the budget
	sealed []byte // scratch for decryption
	plain  []byte
}

// codecOf maps the codecs of the format to ours.
func codecOf(c meta.Codec) (compress.Codec, error) {
	switch c {
	case meta.Uncompressed:
		return compress.None, nil
	case meta.Snappy:
		return compress.Snappy, nil
	case meta.Gzip:
		return compress.Gzip, nil
	case meta.LZO:
		return compress.LZO, nil
	case meta.Brotli:
		return compress.Brotli, nil
	case meta.LZ4:
		return compress.LZ4Hadoop, nil
	case meta.Zstd:
		return compress.Zstd, nil
	case meta.LZ4Raw:
		return compress.LZ4Raw, nil
	}
	return 0, fmt.Errorf("%w: compression %s", arrowio.ErrUnsupported, c)
}

// page is a data page, decompressed and cut up. Its bytes are valid until the
// stream moves on.
type page struct {
	v2       bool
	values   int // levels, nulls included
	rep, def []byte
	repEnc   meta.Encoding
	defEnc   meta.Encoding
	encoding meta.Encoding
	data     []byte
}

// header reads the next page's header without its body. At the end of the
// chunk it is io.EOF.
func (s *pageStream) header(ctx context.Context) (*meta.PageHeader, error) {
	for !s.headRead {
		if s.seen >= s.meta.NumValues || s.index != nil && s.ordinal >= len(s.index.Pages) {
			return nil, io.EOF
		}
		if err := s.readHeader(ctx); err != nil {
			return nil, err
		}
		s.headRead = true
		switch s.head.Type {
		case meta.DataPage, meta.DataPageV2, meta.DictionaryPage:
		default: // index pages and those of a newer format hold no values
			s.pass()
		}
	}
	return &s.head, nil
}

// maxHeader bounds a page header, whose statistics may hold two long values.
const maxHeader = 16 << 20

func (s *pageStream) readHeader(ctx context.Context) error {
	s.headAt = s.off
	if s.crypt != nil {
		kind, ord := s.moduleKinds()
		n, err := s.readModule(ctx, s.off, kind, ord)
		if err != nil {
			return err
		}
		if _, err := meta.DecodePageHeader(s.plain, &s.head); err != nil {
			return s.errAt(s.off, err)
		}
		s.bodyAt = s.off + int64(n)
		return s.checkHeader()
	}
	for least := 64; ; least *= 4 {
		b, err := s.win.Some(ctx, s.off, least)
		if err != nil {
			return err
		}
		n, err := meta.DecodePageHeader(b, &s.head)
		switch {
		case err == nil:
			s.bodyAt = s.off + int64(n)
			return s.checkHeader()
		case !errors.Is(err, io.ErrUnexpectedEOF) || len(b) >= maxHeader || int64(len(b)) >= s.win.Hard-s.off:
			return s.errAt(s.off, fmt.Errorf("page header: %w", err))
		}
		least = max(least, len(b))
	}
}

// moduleKinds are the kinds of the next page's two modules. Whether it is a
// dictionary follows from its place, since the header itself is encrypted.
func (s *pageStream) moduleKinds() (kind crypt.Module, ordinal int) {
	if s.isDictionaryAt(s.off) {
		return crypt.DictionaryPageHeader, -1
	}
	return crypt.DataPageHeader, s.ordinal
}

func (s *pageStream) isDictionaryAt(off int64) bool {
	return s.meta.DictionaryPageOffset > 0 && off == s.start && s.start == s.meta.DictionaryPageOffset && s.meta.DictionaryPageOffset < s.meta.DataPageOffset
}

// readModule decrypts the module at off into s.plain and gives its length in
// the file.
func (s *pageStream) readModule(ctx context.Context, off int64, kind crypt.Module, ordinal int) (int, error) {
	b, err := s.win.Bytes(ctx, off, 4)
	if err != nil {
		return 0, err
	}
	size := int64(binary.LittleEndian.Uint32(b)) + 4
	if off+size > s.win.Hard {
		return 0, s.errAt(off, fmt.Errorf("%w: an encrypted module of %d bytes reaches past the column", arrowio.ErrCorrupt, size))
	}
	if b, err = s.win.Bytes(ctx, off, int(size)); err != nil {
		return 0, err
	}
	plain, n, err := s.crypt.Open(s.plain[:0], b, kind, s.rowGroup, s.column, ordinal)
	if err != nil {
		return 0, s.errAt(off, err)
	}
	s.plain = plain
	return n, nil
}

func (s *pageStream) checkHeader() error {
	h := &s.head
	if h.CompressedSize < 0 || h.UncompressedSize < 0 || h.NumValues < 0 {
		return s.errAt(s.off, fmt.Errorf("%w: a page of %d bytes, %d uncompressed, and %d values", arrowio.ErrCorrupt, h.CompressedSize, h.UncompressedSize, h.NumValues))
	}
	if h.Type == meta.DataPageV2 && (h.DefLevelsLen < 0 || h.RepLevelsLen < 0 || int64(h.DefLevelsLen)+int64(h.RepLevelsLen) > int64(min(h.CompressedSize, h.UncompressedSize))) {
		return s.errAt(s.off, fmt.Errorf("%w: levels of %d and %d bytes in a page of %d", arrowio.ErrCorrupt, h.RepLevelsLen, h.DefLevelsLen, h.CompressedSize))
	}
	return nil
}

// place names the page at headAt; "" before the first.
func (s *pageStream) place() string {
	passed := s.off > s.headAt
	switch {
	case s.headAt < s.start:
		return ""
	case s.isDictionaryAt(s.headAt) || (passed || s.headRead) && s.head.Type == meta.DictionaryPage:
		return "dictionary page"
	case passed:
		return fmt.Sprintf("page %d", s.ordinal-1)
	}
	return fmt.Sprintf("page %d", s.ordinal)
}

// pass leaves the page whose header was read behind.
func (s *pageStream) pass() {
	s.off = s.bodyAt + int64(s.head.CompressedSize)
	s.headRead = false
	if s.head.Type == meta.DataPage || s.head.Type == meta.DataPageV2 {
		s.seen += int64(s.head.NumValues)
		s.ordinal++
	}
}

// body reads and decompresses the page whose header was read, and passes it.
// For data pages v2 the levels come first, uncompressed.
func (s *pageStream) body(ctx context.Context) ([]byte, error) {
	h := &s.head
	var stored []byte
	var err error
	if s.crypt != nil {
		kind, ord := crypt.DataPage, s.ordinal
		if h.Type == meta.DictionaryPage {
			kind, ord = crypt.DictionaryPage, -1
		}
		if _, err = s.readModule(ctx, s.bodyAt, kind, ord); err != nil {
			return nil, err
		}
		stored = s.plain
	} else if stored, err = s.win.Bytes(ctx, s.bodyAt, int(h.CompressedSize)); err != nil {
		return nil, err
	}
	if s.verify && h.HasCRC && !s.checksum(stored) {
		return nil, s.errAt(s.headAt, fmt.Errorf("%w: page checksum (CRC) does not match", arrowio.ErrCorrupt))
	}
	levels := 0
	compressed := s.codec != compress.None
	if h.Type == meta.DataPageV2 {
		levels = int(h.DefLevelsLen) + int(h.RepLevelsLen)
		compressed = compressed && h.Compressed
		if levels > len(stored) {
			return nil, s.errAt(s.headAt, fmt.Errorf("%w: levels of %d bytes in %d", arrowio.ErrCorrupt, levels, len(stored)))
		}
	}
	defer s.pass()
	if !compressed {
		return stored, nil
	}
	size := int(h.UncompressedSize)
	if size < levels {
		return nil, s.errAt(s.headAt, fmt.Errorf("%w: levels of %d bytes in %d", arrowio.ErrCorrupt, levels, size))
	}
	if err := s.room(size); err != nil {
		return nil, s.errAt(s.headAt, err)
	}
	raw := s.raw[:size]
	copy(raw, stored[:levels])
	if size == levels && len(stored) == levels { // a page of nulls only
		return raw, nil
	}
	if err := s.codec.Decompress(raw[levels:], stored[levels:]); err != nil {
		return nil, s.errAt(s.headAt, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err))
	}
	return raw, nil
}

// checksum compares the page's checksum with that of the page as it is stored
// ("Checksumming" of the format's README). Of an encrypted page writers take
// either that or the plaintext's.
func (s *pageStream) checksum(stored []byte) bool {
	if crc32.ChecksumIEEE(stored) == s.head.CRC {
		return true
	}
	if s.crypt == nil {
		return false
	}
	module := s.win.Held(s.bodyAt)
	n, err := crypt.ModuleLen(module)
	return err == nil && (crc32.ChecksumIEEE(module[:n]) == s.head.CRC || crc32.ChecksumIEEE(module[4:n]) == s.head.CRC)
}

// room makes the page buffer hold size bytes. Behind them are some to spare,
// which vector code may read.
func (s *pageStream) room(size int) error {
	if cap(s.raw) >= size+pageSlack {
		return nil
	}
	want := max(size+pageSlack, min(2*cap(s.raw), 1<<20))
	if err := s.win.Budget.Force(int64(want)); err != nil {
		return err
	}
	s.freeRaw()
	s.raw, s.raws = columnar.Scratch.Allocate(want), int64(want)
	return nil
}

const pageSlack = 32

// data reads the next data page; io.EOF at the end of the chunk. The header
// must be one of a data page.
func (s *pageStream) data(ctx context.Context, p *page) error {
	h := &s.head
	head := *h
	b, err := s.body(ctx)
	if err != nil {
		return err
	}
	*p = page{values: int(head.NumValues), encoding: head.Encoding, repEnc: head.RepEncoding, defEnc: head.DefEncoding}
	if head.Type == meta.DataPageV2 {
		p.v2, p.repEnc, p.defEnc = true, meta.RLE, meta.RLE
		p.rep, b = b[:head.RepLevelsLen], b[head.RepLevelsLen:]
		p.def, b = b[:head.DefLevelsLen], b[head.DefLevelsLen:]
	} else {
		if p.rep, b, err = cutLevels(b, head.RepEncoding, s.maxRep, p.values); err == nil {
			p.def, b, err = cutLevels(b, head.DefEncoding, s.maxDef, p.values)
		}
		if err != nil {
			return s.errAt(s.headAt, err)
		}
	}
	p.data = b
	return nil
}

// cutLevels takes the levels off the front of a data page v1. There are none
// when only one level is possible.
func cutLevels(b []byte, enc meta.Encoding, most, n int) (levels, rest []byte, err error) {
	if most == 0 {
		return nil, b, nil
	}
	size := 0
	switch enc {
	case meta.RLE:
		if len(b) < 4 {
			if n == 0 {
				return nil, nil, nil
			}
			return nil, nil, fmt.Errorf("%w: the page ends in its levels", arrowio.ErrCorrupt)
		}
		size = int(binary.LittleEndian.Uint32(b))
		b = b[4:]
	case meta.BitPacked:
		size = encoding.BitPackedSize(n, encoding.Width(most))
	default:
		return nil, nil, fmt.Errorf("%w: levels encoded as %s", arrowio.ErrUnsupported, enc)
	}
	if size < 0 || size > len(b) {
		return nil, nil, fmt.Errorf("%w: levels of %d bytes where %d are left", arrowio.ErrCorrupt, size, len(b))
	}
	return b[:size], b[size:], nil
}

// jump goes to data page i of the offset index.
func (s *pageStream) jump(i int) {
	s.off, s.ordinal, s.headRead = s.index.Pages[i].Offset, i, false
	s.win.Soft = s.runEnd(i)
	if s.win.Most > 0 { // whether the pages behind are wanted is open
		s.win.Step = int(s.index.Pages[i].CompressedSize)
	}
}

// runEnd is where the wanted pages from page i on end.
func (s *pageStream) runEnd(i int) int64 {
	end := s.index.Pages[i].Offset
	for ; i < len(s.index.Pages); i++ {
		p := s.index.Pages[i]
		if s.wanted != nil && !s.wanted[i] || p.Offset != end {
			break
		}
		end = p.Offset + int64(p.CompressedSize)
	}
	return end
}

// errAt gives an error the offset at which it arose.
func (s *pageStream) errAt(off int64, err error) error {
	if e := (*arrowio.Error)(nil); errors.As(err, &e) {
		return err
	}
	return &arrowio.Error{Offset: off, Err: err}
}

func (s *pageStream) close() {
	s.win.Close()
	s.freeRaw()
}

func (s *pageStream) freeRaw() {
	s.win.Budget.Release(s.raws)
	if s.raw != nil {
		columnar.Scratch.Free(s.raw)
	}
	s.raw, s.raws = nil, 0
}
