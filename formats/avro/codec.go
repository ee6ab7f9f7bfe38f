package avro

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/compress"
)

// codec is one of the container's (specification 1.12, "Required Codecs",
// "Optional Codecs"). compress is nil for those that are only read.
type codec struct {
	name       string
	decompress func(dst, src []byte, limit int) ([]byte, error)
	compress   func(dst, src []byte, level int) ([]byte, error)
}

var codecs = []codec{
	{name: "null"},
	{"deflate", compress.DecompressDeflate, compress.Deflate.Compress},
	{"snappy", decompressSnappy, compressSnappy},
	{"zstandard", compress.DecompressZstd, compress.Zstd.Compress},
	{"bzip2", compress.DecompressBzip2, nil},
	{"xz", compress.DecompressXZ, nil},
}

// codecAliases are names that the other formats' codecs go by.
var codecAliases = map[string]string{"none": "null", "uncompressed": "null", "zstd": "zstandard"}

func codecOf(name string) (codec, error) {
	i := slices.IndexFunc(codecs, func(c codec) bool { return c.name == name })
	if i < 0 {
		return codec{}, fmt.Errorf("%w: codec %q", arrowio.ErrUnsupported, name)
	}
	return codecs[i], nil
}

// writable lists the codecs that are written.
func writable() string {
	var out []string
	for _, c := range codecs {
		if c.compress != nil || c.name == "null" {
			out = append(out, c.name)
		}
	}
	return strings.Join(out, ", ")
}

// decompressSnappy reads a raw snappy block and the big-endian CRC-32 of what
// it holds.
func decompressSnappy(dst, src []byte, limit int) ([]byte, error) {
	n := len(src) - 4
	if n < 0 {
		return dst, fmt.Errorf("%w: snappy: a block without its CRC", compress.ErrCorrupt)
	}
	out, err := compress.DecompressSnappy(dst, src[:n], limit)
	if err != nil {
		return dst, err
	}
	if got, want := crc32.ChecksumIEEE(out[len(dst):]), binary.BigEndian.Uint32(src[n:]); got != want {
		return dst, fmt.Errorf("%w: snappy: the CRC is %08x, the block says %08x", compress.ErrCorrupt, got, want)
	}
	return out, nil
}

func compressSnappy(dst, src []byte, level int) ([]byte, error) {
	out, err := compress.Snappy.Compress(dst, src, level)
	if err != nil {
		return dst, err
	}
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(src)), nil
}
