// Package block is the compression chunks that ORC streams, footers and
// indexes are cut into (specification v1, "Compression"): three bytes of
// header, little-endian, of which the lowest bit says that the chunk is stored
// as it is and the rest is its length, then the chunk.
package block

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/internal/compress"
)

const (
	headerLen = 3
	// DefaultSize bounds a decompressed chunk where the file does not say
	// (Java's OrcFile: 256 KiB).
	DefaultSize = 256 << 10
	// maxSize bounds it where the file says something absurd: a chunk that does
	// not compress is stored as it is, and its header has 23 bits for the length.
	maxSize = 1 << 23
	// slack is memory behind a chunk that decoders may read and never use.
	slack = 32
)

// Format is how a file compresses.
type Format struct {
	Codec compress.Codec
	Size  int // most bytes of a decompressed chunk
}

// FormatOf gives the format that a postscript tells. A codec that is not known
// is arrowio.ErrUnsupported.
func FormatOf(ps *proto.PostScript) (Format, error) {
	f := Format{Size: DefaultSize}
	if ps.BlockSize.Set && ps.BlockSize.V > 0 {
		f.Size = int(min(ps.BlockSize.V, maxSize))
	}
	switch ps.Compression {
	case proto.CompressionNone:
		f.Codec = compress.None
	case proto.Zlib:
		f.Codec = compress.Deflate
	case proto.Snappy:
		f.Codec = compress.Snappy
	case proto.LZO:
		f.Codec = compress.LZORaw
	case proto.LZ4:
		f.Codec = compress.LZ4Raw
	case proto.Zstd:
		f.Codec = compress.Zstd
	case proto.Brotli:
		f.Codec = compress.Brotli
	default:
		return f, fmt.Errorf("%w: compression %s", arrowio.ErrUnsupported, ps.Compression)
	}
	return f, nil
}

// Compressed says whether there are chunks at all.
func (f Format) Compressed() bool { return f.Codec != compress.None }

// Cipher decrypts bytes that lie at off of a stream.
type Cipher interface {
	Decrypt(dst, src []byte, off int64)
}

// Reader reads the decompressed bytes of one stream, chunk by chunk, through a
// moving window. It is an encoding.Source.
type Reader struct {
	Win    columnar.Window
	Format Format
	Cipher Cipher // nil: plaintext
	// Ctx is that of the reads to come.
	Ctx func() context.Context

	start, end int64 // of the stream in the file
	at         int64 // of the next chunk in the file
	chunk      int64 // offset of the last chunk
	plain      []byte
	held       int64 // of the budget
	sealed     []byte
	limited    bool  // Limit was called
	limitAt    int64 // with this place in the file
	open       bool  // and the end of its chunk is not known
}

// Reset starts the stream of length bytes at off. The window must be set up.
func (r *Reader) Reset(off, length int64) {
	r.start, r.end, r.at, r.chunk = off, off+length, off, off
	r.limited = false
}

// Seek goes to a position as row indexes have it: for compressed streams the
// offset of a chunk, otherwise the offset of a byte.
func (r *Reader) Seek(off uint64) error {
	if off > uint64(r.end-r.start) {
		return fmt.Errorf("%w: a position %d bytes into a stream of %d", arrowio.ErrCorrupt, off, r.end-r.start)
	}
	r.at = r.start + int64(off)
	return nil
}

// Wanted is the part of the stream that is expected to be read from here on.
func (r *Reader) Wanted() (off, n int64) { return r.at, r.Win.Soft - r.at }

// Unlimit forgets what Limit said.
func (r *Reader) Unlimit() { r.Win.Soft, r.limited = r.end, false }

// Limit says that nothing is needed behind a position, but, where inside says
// that it lies within a chunk, that chunk. Its end is known when Limit is called
// again with the position that comes next; a call for a position further on
// changes nothing else. Of uncompressed streams slack bytes more are expected to
// be needed, the rest of a run.
func (r *Reader) Limit(off uint64, inside bool, slack int64) {
	at := min(r.start+int64(min(off, uint64(r.end-r.start))), r.end)
	switch {
	case !r.limited:
		r.limited, r.limitAt, r.open = true, at, inside
		r.Win.Soft = at
		if !r.Format.Compressed() {
			r.Win.Soft = min(at+slack, r.end)
		} else if inside {
			r.Win.Soft = min(at+headerLen+int64(r.Format.Size), r.end)
		}
	case r.open && at > r.limitAt:
		r.open = false
		r.Win.Soft = min(r.Win.Soft, at)
	}
}

// Offset is where the last chunk lies in the file, for errors.
func (r *Reader) Offset() int64 { return r.chunk }

// Len is how many bytes are stored.
func (r *Reader) Len() int64 { return r.end - r.start }

// Left is how many stored bytes follow.
func (r *Reader) Left() int64 { return r.end - r.at }

// Next gives the next chunk's bytes, valid until the following call; io.EOF at
// the end.
func (r *Reader) Next() ([]byte, error) {
	for {
		if r.at >= r.end {
			return nil, io.EOF
		}
		r.chunk = r.at
		b, err := r.next()
		if err != nil {
			return nil, r.where(err)
		}
		if len(b) > 0 {
			return b, nil
		}
	}
}

func (r *Reader) where(err error) error {
	if e := (*arrowio.Error)(nil); errors.As(err, &e) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &arrowio.Error{Offset: r.chunk, Err: err}
}

func (r *Reader) next() ([]byte, error) {
	if !r.Format.Compressed() {
		n := int(min(r.end-r.at, int64(max(r.Win.Step, 1)), max(r.Win.Soft-r.at, 4<<10)))
		if have := len(r.Win.Held(r.at)); have > 0 {
			n = int(min(int64(have), r.end-r.at))
		}
		return r.stored(n)
	}
	if r.end-r.at < headerLen {
		return nil, fmt.Errorf("%w: a chunk ends in its header", arrowio.ErrCorrupt)
	}
	h, err := r.stored(headerLen)
	if err != nil {
		return nil, err
	}
	original, n := h[0]&1 != 0, (int(h[0])|int(h[1])<<8|int(h[2])<<16)>>1
	if int64(n) > r.end-r.at {
		return nil, fmt.Errorf("%w: a chunk of %d bytes where the stream has %d left", arrowio.ErrCorrupt, n, r.end-r.at)
	}
	b, err := r.stored(n)
	if err != nil || original || n == 0 {
		return b, err
	}
	return r.decompress(b)
}

// stored gives the next n bytes of the file, decrypted.
func (r *Reader) stored(n int) ([]byte, error) {
	b, err := r.Win.Bytes(r.Ctx(), r.at, n)
	if err != nil {
		return nil, err
	}
	at := r.at - r.start
	r.at += int64(n)
	if r.Cipher == nil {
		return b, nil
	}
	if cap(r.sealed) < n+slack {
		r.sealed = make([]byte, n+slack)
	}
	out := r.sealed[:n]
	r.Cipher.Decrypt(out, b, at)
	return out, nil
}

// decompress tries with the memory that most chunks need at first, so that a
// large file of small streams does not take a whole chunk's memory for each.
func (r *Reader) decompress(b []byte) ([]byte, error) {
	room := max(len(r.plain)-slack, min(r.Format.Size, 8*len(b)+4096))
	for {
		if err := r.room(room + slack); err != nil {
			return nil, err
		}
		n, err := r.Format.Codec.DecompressMost(r.plain[:room], b)
		if err == nil {
			return r.plain[:n], nil
		}
		if room >= r.Format.Size {
			return nil, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
		}
		room = r.Format.Size
	}
}

func (r *Reader) room(n int) error {
	if len(r.plain) >= n {
		return nil
	}
	if err := r.Win.Budget.Force(int64(n)); err != nil {
		return err
	}
	r.free()
	r.plain, r.held = columnar.Scratch.Allocate(n), int64(n)
	return nil
}

func (r *Reader) free() {
	r.Win.Budget.Release(r.held)
	if r.plain != nil {
		columnar.Scratch.Free(r.plain)
	}
	r.plain, r.held = nil, 0
}

// Close gives the memory back.
func (r *Reader) Close() {
	r.Win.Close()
	r.free()
}

// ReadAll decompresses bytes in memory, footers and indexes, of at most limit
// bytes. more is arrowio.ErrLimit.
func ReadAll(f Format, stored []byte, limit int) ([]byte, error) {
	if !f.Compressed() {
		return stored, nil
	}
	var out []byte
	for len(stored) > 0 {
		if len(stored) < headerLen {
			return nil, fmt.Errorf("%w: a chunk ends in its header", arrowio.ErrCorrupt)
		}
		original, n := stored[0]&1 != 0, (int(stored[0])|int(stored[1])<<8|int(stored[2])<<16)>>1
		stored = stored[headerLen:]
		if n > len(stored) {
			return nil, fmt.Errorf("%w: a chunk of %d bytes where %d are left", arrowio.ErrCorrupt, n, len(stored))
		}
		b := stored[:n]
		stored = stored[n:]
		if original {
			out = append(out, b...)
			continue
		}
		if n == 0 {
			continue
		}
		room := min(f.Size, 8*n+4096)
		for {
			if len(out)+room > limit {
				room = limit - len(out)
			}
			at := len(out)
			out = append(out, make([]byte, room)...)
			k, err := f.Codec.DecompressMost(out[at:], b)
			if err == nil {
				out = out[:at+k]
				break
			}
			out = out[:at]
			if at+room >= limit {
				return nil, fmt.Errorf("%w: metadata of more than %d bytes", arrowio.ErrLimit, limit)
			}
			if room >= f.Size {
				return nil, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
			}
			room = f.Size
		}
	}
	return out, nil
}
