package compress

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// ErrTooLarge is a block that decompresses to more than its reader allows.
var ErrTooLarge = errors.New("a compressed block too large")

// Formats that do not keep the size of what they compressed decompress by
// appending: memory grows as bytes come out, never on a claim alone, and never
// beyond a limit.

// DecompressSnappy appends a raw snappy block. Its stated size is believed as
// far as its bytes could make it true.
func DecompressSnappy(dst, src []byte, limit int) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return dst, fmt.Errorf("%w: snappy: %w", ErrCorrupt, err)
	}
	if n > 32*len(src)+64 { // a copy of 64 bytes takes 2 at least
		return dst, fmt.Errorf("%w: snappy: %d bytes state that they hold %d", ErrCorrupt, len(src), n)
	}
	if n > limit-len(dst) {
		return dst, fmt.Errorf("%w: snappy: %d bytes", ErrTooLarge, n)
	}
	start := len(dst)
	dst = room(dst, n)[:start+n]
	if err := Snappy.Decompress(dst[start:start+n:start+n], src); err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// room is dst with a capacity of n bytes more.
func room(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	grown := make([]byte, len(dst), max(len(dst)+n, cap(dst)+cap(dst)/2))
	copy(grown, dst)
	return grown
}

// zstdUnsized keeps decoders by the limit they are made for.
var zstdUnsized sync.Map // int → *sync.Pool

// DecompressZstd appends zstd frames, and verifies the checksums of those that
// have one.
func DecompressZstd(dst, src []byte, limit int) ([]byte, error) {
	if err := zstdClaims(src); err != nil {
		return dst, err
	}
	p, ok := zstdUnsized.Load(limit)
	if !ok {
		p, _ = zstdUnsized.LoadOrStore(limit, &sync.Pool{})
	}
	pool := p.(*sync.Pool)
	d, _ := pool.Get().(*zstd.Decoder)
	if d == nil {
		var err error
		if d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(limit, 1<<20))), zstd.WithDecoderMaxWindow(1<<27)); err != nil {
			return dst, err
		}
	}
	defer pool.Put(d)
	out, err := d.DecodeAll(src, dst)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded) || err == nil && len(out) > limit:
		return dst, fmt.Errorf("%w: zstd: more than %d bytes", ErrTooLarge, limit)
	case err != nil:
		return dst, fmt.Errorf("%w: zstd: %w", ErrCorrupt, err)
	}
	return out, nil
}

// zstdClaims holds the sizes that frames state against what their blocks can
// make (RFC 8878, 3.1.1), since the decoder allocates what is stated. Other
// damage is left to the decoder.
func zstdClaims(src []byte) error {
	for len(src) > 0 {
		var h zstd.Header
		if h.Decode(src) != nil {
			return nil
		}
		if h.Skippable {
			if uint64(h.HeaderSize)+uint64(h.SkippableSize) > uint64(len(src)) {
				return nil
			}
			src = src[uint64(h.HeaderSize)+uint64(h.SkippableSize):]
			continue
		}
		at, most := h.HeaderSize, uint64(0)
		for last := false; !last; {
			if at+3 > len(src) {
				at = len(src)
				break
			}
			b := uint32(src[at]) | uint32(src[at+1])<<8 | uint32(src[at+2])<<16
			size := int(b >> 3)
			last = b&1 != 0
			switch b >> 1 & 3 {
			case 1: // one byte, many times
				most += uint64(size)
				size = 1
			case 0:
				most += uint64(size)
			default:
				most += 128 << 10
			}
			at = min(at+3+size, len(src))
		}
		if h.HasFCS && h.FrameContentSize > most {
			return fmt.Errorf("%w: zstd: a frame states %d bytes and can hold %d", ErrCorrupt, h.FrameContentSize, most)
		}
		if h.HasCheckSum {
			at = min(at+4, len(src))
		}
		src = src[at:]
	}
	return nil
}

var flates = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

// DecompressDeflate appends a raw deflate stream (RFC 1951).
func DecompressDeflate(dst, src []byte, limit int) ([]byte, error) {
	r := flates.Get().(io.ReadCloser)
	defer flates.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(src), nil); err != nil {
		return dst, fmt.Errorf("%w: deflate: %w", ErrCorrupt, err)
	}
	return appendAll(dst, r, len(src), limit, "deflate")
}

// DecompressBzip2 appends bzip2 streams.
func DecompressBzip2(dst, src []byte, limit int) ([]byte, error) {
	return appendAll(dst, bzip2.NewReader(bytes.NewReader(src)), len(src), limit, "bzip2")
}

func appendAll(dst []byte, r io.Reader, hint, limit int, name string) (out []byte, err error) {
	start := len(dst)
	defer func() {
		if p := recover(); p != nil { // of a decoder that is not ours
			out, err = dst[:start], fmt.Errorf("%w: %s: %v", ErrCorrupt, name, p)
		}
	}()
	dst = room(dst, min(limit-start, max(4*hint, 512))+1)
	for {
		n, err := r.Read(dst[len(dst):min(cap(dst), limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return dst[:start], fmt.Errorf("%w: %s: more than %d bytes", ErrTooLarge, name, limit)
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst[:start], fmt.Errorf("%w: %s: %w", ErrCorrupt, name, err)
		case len(dst) == cap(dst):
			dst = room(dst, min(limit+1-len(dst), len(dst)))
		}
	}
}
