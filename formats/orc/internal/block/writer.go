package block

import (
	"slices"

	"github.com/bdkit/bdkit/internal/compress"
)

// MaxSize is the largest chunk that a header has room for.
const MaxSize = 1<<23 - 1

// Writer cuts streams, footers and indexes into chunks.
type Writer struct {
	Codec compress.Codec
	Level int // 0 is the default for ORC's streams
	Size  int // most bytes of a chunk before compression
}

// Default levels, at which streams take about the bytes that Java's writer
// needs with its own defaults. Those of the codecs' packages are faster, and
// leave more than that.
const (
	defaultDeflate = 6
	defaultZstd    = compress.EntropyLevel
)

// Compressed says whether there are chunks at all.
func (w *Writer) Compressed() bool { return w.Codec != compress.None }

// Append appends b in chunks, or as it is where nothing is compressed.
func (w *Writer) Append(dst, b []byte) ([]byte, error) {
	if !w.Compressed() {
		return append(dst, b...), nil
	}
	var err error
	for len(b) > 0 && err == nil {
		n := min(len(b), w.Size)
		dst, err = w.AppendChunk(dst, b[:n])
		b = b[n:]
	}
	return dst, err
}

// AppendChunk appends one chunk, stored as it is if that is shorter.
func (w *Writer) AppendChunk(dst, chunk []byte) ([]byte, error) {
	at := len(dst) + headerLen
	// Codecs that want room for the worst case take it exactly: growing by it
	// each time would copy the stream for every chunk.
	dst = append(slices.Grow(dst, headerLen+2*len(chunk)+64), 0, 0, 0)
	dst, err := w.Codec.Compress(dst, chunk, w.level())
	if err != nil {
		return dst, err
	}
	// Packed numbers seldom repeat, and the fast levels of deflate then forget
	// that their bytes have a distribution.
	if w.Codec == compress.Deflate && w.Level == 0 && 8*(len(dst)-at) > 7*len(chunk) {
		end := len(dst)
		if dst, err = w.Codec.Compress(dst, chunk, compress.EntropyLevel); err != nil {
			return dst, err
		}
		if len(dst)-end < end-at {
			dst = append(dst[:at], dst[end:]...)
		} else {
			dst = dst[:end]
		}
	}
	n, original := len(dst)-at, 0
	if n >= len(chunk) {
		dst = append(dst[:at], chunk...)
		n, original = len(chunk), 1
	}
	h := n<<1 | original
	copy(dst[at-headerLen:], []byte{byte(h), byte(h >> 8), byte(h >> 16)})
	return dst, nil
}

func (w *Writer) level() int {
	switch {
	case w.Level != 0:
		return w.Level
	case w.Codec == compress.Deflate:
		return defaultDeflate
	case w.Codec == compress.Zstd:
		return defaultZstd
	}
	return 0
}
