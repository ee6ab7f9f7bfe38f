package block

import (
	"github.com/bdkit/bdkit/internal/compress"
)

// MaxSize is the largest chunk that a header has room for.
const MaxSize = 1<<23 - 1

// Writer cuts streams, footers and indexes into chunks.
type Writer struct {
	Codec compress.Codec
	Level int
	Size  int // most bytes of a chunk before compression
}

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
	at := len(dst)
	dst, err := w.Codec.Compress(append(dst, 0, 0, 0), chunk, w.Level)
	if err != nil {
		return dst, err
	}
	n, original := len(dst)-at-headerLen, 0
	if n >= len(chunk) {
		dst = append(dst[:at+headerLen], chunk...)
		n, original = len(chunk), 1
	}
	h := n<<1 | original
	dst[at], dst[at+1], dst[at+2] = byte(h), byte(h>>8), byte(h>>16)
	return dst, nil
}
