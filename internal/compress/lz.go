package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	lzo "github.com/anchore/go-lzo"
	"github.com/pierrec/lz4/v4"
)

// framed decodes Hadoop's BlockCompressorStream: frames of a big-endian
// uncompressed length, then chunks of a big-endian compressed length and data
// until that many bytes have come out.
func framed(dst, src []byte, block func(dst, src []byte) (int, error)) (int, error) {
	n := 0
	for len(src) > 0 {
		if len(src) < 4 {
			return n, errors.New("a frame ends in its header")
		}
		want := int64(binary.BigEndian.Uint32(src))
		src = src[4:]
		if want > int64(len(dst)-n) {
			return n, fmt.Errorf("a frame of %d bytes where %d are left", want, len(dst)-n)
		}
		for end := n + int(want); n < end; {
			if len(src) < 4 {
				return n, errors.New("a frame ends in its header")
			}
			size := int64(binary.BigEndian.Uint32(src))
			src = src[4:]
			if size > int64(len(src)) {
				return n, fmt.Errorf("a chunk of %d bytes where %d are left", size, len(src))
			}
			k, err := block(dst[n:end], src[:size])
			if err != nil {
				return n, err
			}
			if k == 0 {
				return n, errors.New("a chunk of no bytes")
			}
			n += k
			src = src[size:]
		}
	}
	return n, nil
}

func lzoBlock(dst, src []byte) (int, error) { return lzo.Decompress(src, dst) }

// lz4Hadoop reads what files with Parquet's deprecated LZ4 codec hold: Hadoop's
// framing, or from some writers a bare block.
func lz4Hadoop(dst, src []byte) (int, error) {
	block := func(d, s []byte) (int, error) { return lz4.UncompressBlock(s, d) }
	n, err := framed(dst, src, block)
	if err == nil && n == len(dst) {
		return n, nil
	}
	if k, berr := block(dst, src); berr == nil {
		return k, nil
	}
	return n, err
}

var (
	lz4Fast = sync.Pool{New: func() any { return new(lz4.Compressor) }}
	lz4High = sync.Pool{New: func() any { return new(lz4.CompressorHC) }}
)

func lz4Compress(dst, src []byte, level int) (int, error) {
	if level <= 1 {
		c := lz4Fast.Get().(*lz4.Compressor)
		defer lz4Fast.Put(c)
		return c.CompressBlock(src, dst)
	}
	c := lz4High.Get().(*lz4.CompressorHC)
	defer lz4High.Put(c)
	c.Level = lz4.CompressionLevel(1 << (8 + min(level, 9)))
	return c.CompressBlock(src, dst)
}
