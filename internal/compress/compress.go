// Package compress is the block codecs that the file formats share. Decompress
// fills a buffer of the size the format's own header promises and never grows
// it, so that what a hostile block can make us allocate is decided by the
// caller alone.
package compress

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
	"github.com/pierrec/lz4/v4"
)

// Codec is a compression codec.
type Codec uint8

// The codecs. LZ4Hadoop is the framing of Hadoop's Lz4Codec that Parquet's
// deprecated LZ4 came to mean; LZO is Hadoop's framing of LZO1X, and LZORaw a
// block without it. These three are read only. Deflate is the stream of RFC
// 1951 without a header.
const (
	None Codec = iota
	Snappy
	Gzip
	Brotli
	Zstd
	LZ4Raw
	LZ4Hadoop
	LZO
	LZORaw
	Deflate
	afterLast
)

func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case Snappy:
		return "snappy"
	case Gzip:
		return "gzip"
	case Brotli:
		return "brotli"
	case Zstd:
		return "zstd"
	case LZ4Raw:
		return "lz4_raw"
	case LZ4Hadoop:
		return "lz4"
	case LZO, LZORaw:
		return "lzo"
	case Deflate:
		return "deflate"
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

// ErrCorrupt is a block that does not decompress to exactly the size expected.
var ErrCorrupt = errors.New("corrupt compressed block")

// ErrReadOnly is a codec that can be read and not written.
var ErrReadOnly = errors.New("codec can be read but not written")

// Decompress fills dst, whose length is the size expected, from src. Anything
// but exactly that many bytes is ErrCorrupt.
func (c Codec) Decompress(dst, src []byte) error {
	n, err := c.DecompressMost(dst, src)
	if err == nil && n != len(dst) {
		err = fmt.Errorf("%w: %s: %d bytes, expected %d", ErrCorrupt, c, n, len(dst))
	}
	return err
}

// DecompressMost decompresses src into dst, for formats that know no more of
// the size than a bound, and gives how many bytes there were. More than dst has
// room for is ErrCorrupt.
func (c Codec) DecompressMost(dst, src []byte) (n int, err error) {
	defer func() {
		// The decoders are others' code; none is known to panic, and none may
		// take the program down on a bad block.
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %s: %v", ErrCorrupt, c, r)
		}
	}()
	switch c {
	case None:
		if n = len(src); n <= len(dst) {
			copy(dst, src)
		}
	case Snappy:
		if n, err = snappy.DecodedLen(src); err == nil && n <= len(dst) {
			var k int
			if k, err = snappyDecompress(dst[:n], src); err == nil && k != n {
				err = fmt.Errorf("%d bytes of %d", k, n)
			}
		}
	case LZ4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	case LZ4Hadoop:
		n, err = lz4Hadoop(dst, src)
	case LZO:
		n, err = framed(dst, src, lzoBlock)
	case LZORaw:
		n, err = lzoBlock(dst, src)
	case Gzip:
		n, err = gunzip(dst, src)
	case Deflate:
		n, _, err = inflate(dst, src)
	case Brotli:
		n, err = brotlis.decompress(dst, src)
	case Zstd:
		n, err = zstdDecompress(dst, src)
	default:
		return 0, fmt.Errorf("%w: unknown %s", ErrCorrupt, c)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrCorrupt, c, err)
	}
	if n > len(dst) {
		return 0, fmt.Errorf("%w: %s: more than the %d bytes expected", ErrCorrupt, c, len(dst))
	}
	return n, nil
}

// EntropyLevel is a level for packed numbers, which seldom repeat but have
// bytes that are likelier than others: deflate codes nothing else, and zstd at
// its default codes that too where it would else give a block up.
const EntropyLevel = -2

// Compress appends the compressed form of src to dst. Level 0 is the codec's
// default; the scale is the codec's own (gzip and deflate 1–9, brotli 1–11,
// zstd 1–22, lz4_raw 1–9; snappy 1, or 2 for twice the work and a few percent
// less).
func (c Codec) Compress(dst, src []byte, level int) ([]byte, error) {
	switch c {
	case None:
		return append(dst, src...), nil
	case Snappy:
		return compressBlock(dst, snappy.MaxEncodedLen(len(src)), func(buf []byte) (int, error) {
			if level > 1 {
				return len(s2.EncodeSnappyBetter(buf, src)), nil
			}
			return len(s2.EncodeSnappy(buf, src)), nil
		})
	case LZ4Raw:
		return compressBlock(dst, lz4.CompressBlockBound(len(src)), func(buf []byte) (int, error) {
			return lz4Compress(buf, src, level)
		})
	case Gzip:
		return gzipCompress(dst, src, level)
	case Deflate:
		return deflateCompress(dst, src, level)
	case Brotli:
		return brotliCompress(dst, src, level)
	case Zstd:
		return zstdCompress(dst, src, level)
	}
	return dst, fmt.Errorf("%w: %s", ErrReadOnly, c)
}

// compressBlock grows dst by at most bound bytes for encode to fill.
func compressBlock(dst []byte, bound int, encode func(buf []byte) (int, error)) ([]byte, error) {
	if bound < 0 {
		return dst, errors.New("compress: a block too large for the codec")
	}
	start := len(dst)
	if cap(dst)-start < bound {
		grown := make([]byte, start, start+bound)
		copy(grown, dst)
		dst = grown
	}
	n, err := encode(dst[start : start+bound])
	return dst[:start+n], err
}
