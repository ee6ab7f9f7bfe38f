package parquet

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/compress"
)

// writtenPage is one encoded page, header and body, and what the indexes say
// of it.
type writtenPage struct {
	bytes     []byte
	firstRow  int64
	min, max  []byte // truncated; nil without bounds
	hasBounds bool
	allNull   bool
	nulls     int64
	nans      int64
	unencoded int64
	repHist   []int64
	defHist   []int64
}

// pageWriter turns levels and encoded values into pages. It keeps its buffers
// from page to page.
type pageWriter struct {
	codec  compress.Codec
	level  int
	v2     bool
	crc    bool
	maxRep int
	maxDef int
	seal   sealer

	ordinal int // of the next data page
	body    []byte
	packed  []byte
	sealed  []byte
	rawSize int64 // of all pages so far, headers included
}

// pageParts is what a data page is made of.
type pageParts struct {
	levels, rows, nulls int
	rep, def            []int16 // nil where the maximum level is 0
	values              func(dst []byte) ([]byte, meta.Encoding, error)
}

// data encodes a data page (README.md of the format, "Data Pages").
func (w *pageWriter) data(p pageParts) ([]byte, meta.Encoding, error) {
	w.body = w.body[:0]
	repLen := w.appendLevels(p.rep, w.maxRep)
	defLen := w.appendLevels(p.def, w.maxDef)
	levels := len(w.body)
	var enc meta.Encoding
	var err error
	if w.body, enc, err = p.values(w.body); err != nil {
		return nil, enc, err
	}
	h := meta.PageHeader{
		NumValues: int32(p.levels), Encoding: enc, DefEncoding: meta.RLE, RepEncoding: meta.RLE, Compressed: true,
	}
	if !w.v2 {
		h.Type = meta.DataPage
		page, err := w.finish(&h, nil, w.body)
		return page, enc, err
	}
	h.Type = meta.DataPageV2
	h.NumNulls, h.NumRows = int32(p.nulls), int32(p.rows)
	h.RepLevelsLen, h.DefLevelsLen = int32(repLen), int32(defLen)
	page, err := w.finish(&h, w.body[:levels], w.body[levels:])
	return page, enc, err
}

// appendLevels adds levels to the body: with their length in a page of version
// 1, whose readers know it from nowhere else.
func (w *pageWriter) appendLevels(levels []int16, most int) int {
	if most == 0 {
		return 0
	}
	at := len(w.body)
	if !w.v2 {
		w.body = append(w.body, 0, 0, 0, 0)
	}
	start := len(w.body)
	w.body = encoding.AppendHybridLevels(w.body, levels, bits.Len(uint(most)))
	n := len(w.body) - start
	if !w.v2 {
		binary.LittleEndian.PutUint32(w.body[at:], uint32(n))
	}
	return n
}

// dictionary encodes a dictionary page.
func (w *pageWriter) dictionary(d *dictionary) ([]byte, error) {
	w.body = appendPlain(w.body[:0], &d.vals)
	h := meta.PageHeader{Type: meta.DictionaryPage, NumValues: int32(d.vals.n), Encoding: meta.Plain}
	return w.finish(&h, nil, w.body)
}

// finish compresses, seals and puts the header in front. A page of version 2
// keeps its levels as they are and its values too where compressing gains
// nothing.
func (w *pageWriter) finish(h *meta.PageHeader, levels, raw []byte) ([]byte, error) {
	if len(levels)+len(raw) > math.MaxInt32 {
		return nil, fmt.Errorf("%w: a page of %d bytes", arrowio.ErrLimit, len(levels)+len(raw))
	}
	h.UncompressedSize = int32(len(levels) + len(raw))
	body := raw
	if w.codec != compress.None {
		var err error
		if w.packed, err = w.codec.Compress(append(w.packed[:0], levels...), raw, w.level); err != nil {
			return nil, err
		}
		body = w.packed
		if h.Type == meta.DataPageV2 && len(w.packed)-len(levels) >= len(raw) {
			h.Compressed = false
			body = append(append(w.packed[:0], levels...), raw...)
			w.packed = body
		}
	} else if h.Type == meta.DataPageV2 {
		// Levels and raw lie next to each other already.
		h.Compressed = false
		body = w.body
	}
	header, values, ordinal := crypt.DataPageHeader, crypt.DataPage, w.ordinal
	if h.Type == meta.DictionaryPage {
		header, values, ordinal = crypt.DictionaryPageHeader, crypt.DictionaryPage, -1
	} else {
		w.ordinal++
	}
	if w.seal.key != nil {
		var err error
		if w.sealed, err = w.seal.append(w.sealed[:0], body, values, ordinal); err != nil {
			return nil, err
		}
		body = w.sealed
	}
	if len(body) > math.MaxInt32 {
		return nil, fmt.Errorf("%w: a page of %d bytes", arrowio.ErrLimit, len(body))
	}
	h.CompressedSize = int32(len(body))
	if w.crc {
		h.CRC, h.HasCRC = crc32.ChecksumIEEE(body), true
	}
	page := make([]byte, 0, len(body)+160)
	var err error
	if w.seal.key == nil {
		page = appendPageHeader(page, h)
	} else if page, err = w.seal.append(page, appendPageHeader(nil, h), header, ordinal); err != nil {
		return nil, err
	}
	w.rawSize += int64(len(page)) + int64(h.UncompressedSize)
	return append(page, body...), nil
}

// appendPlain encodes values as PLAIN.
func appendPlain(dst []byte, v *valueBuf) []byte {
	if v.width == 0 {
		return encoding.AppendPlainBinary(dst, v.offsets, v.data)
	}
	return append(dst, v.fixed...)
}

// appendEncoded encodes values in a given encoding, which the options have been
// checked to allow for the type.
func appendEncoded(dst []byte, v *valueBuf, e *meta.SchemaElement, enc meta.Encoding) ([]byte, error) {
	if e.Type == meta.Boolean {
		bitmap := make([]byte, (v.n+7)/8)
		for i, b := range v.fixed {
			bitmap[i>>3] |= b << (i & 7)
		}
		if enc == meta.RLE {
			return encoding.AppendRLEBools(dst, bitmap, 0, v.n), nil
		}
		return encoding.AppendPlainBools(dst, bitmap, 0, v.n), nil
	}
	switch enc {
	case meta.Plain:
		return appendPlain(dst, v), nil
	case meta.DeltaBinaryPacked:
		if v.width == 4 {
			return encoding.AppendDelta32(dst, cast[int32](v.fixed)), nil
		}
		return encoding.AppendDelta64(dst, cast[int64](v.fixed)), nil
	case meta.DeltaLengthByteArray:
		return encoding.AppendDeltaLength(dst, v.offsets, v.data), nil
	case meta.DeltaByteArray:
		if v.width > 0 {
			return encoding.AppendDeltaByteArrayFixed(dst, v.fixed, v.width), nil
		}
		return encoding.AppendDeltaByteArray(dst, v.offsets, v.data), nil
	case meta.ALP:
		if v.width == 4 {
			return encoding.AppendALP32(dst, cast[float32](v.fixed)), nil
		}
		return encoding.AppendALP64(dst, cast[float64](v.fixed)), nil
	case meta.ByteStreamSplit:
		return encoding.AppendByteStreamSplit(dst, v.fixed, v.width), nil
	}
	return nil, fmt.Errorf("%w: encoding %d", arrowio.ErrUnsupported, enc)
}

// appendIndices encodes dictionary indices.
func appendIndices(dst []byte, idx []uint32, width int) []byte {
	return encoding.AppendHybrid(dst, idx, width)
}
