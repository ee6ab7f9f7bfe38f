// Package encoding is the ORC encodings (specification v1, "Run Length
// Encoding" and the column encodings built on it), one file each.
//
// Decoders pull the decompressed bytes of a stream from a [Source], chunk by
// chunk, and are pulled in pieces into memory of the caller:
//
//	chunks ─► Reset(source) ─► Seek(bytes, values) ─► Next(dst) … Skip(k) … Next(dst)
//
// What a run's header claims decides nothing about memory: no run is longer
// than 512 values, and a value that the bytes cannot back is an error wrapping
// arrowio.ErrCorrupt. Encoders append to a buffer of the caller's.
package encoding

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/bdkit/bdkit/arrowio"
)

// Source yields the decompressed bytes of a stream.
type Source interface {
	// Next gives the next chunk, which is valid until the following call, or
	// io.EOF. Where the chunks are cut means nothing. A decoder is fastest
	// when they have [Slack] bytes of capacity to spare, whatever those hold.
	Next() ([]byte, error)
}

// Slack is the capacity behind a chunk's bytes that lets all of it be decoded
// by the fastest code.
const Slack = 32

// Bytes is a Source of a single chunk.
type Bytes []byte

// Next gives all bytes, once.
func (b *Bytes) Next() ([]byte, error) {
	all := *b
	if len(all) == 0 {
		return nil, io.EOF
	}
	*b = nil
	return all, nil
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{arrowio.ErrCorrupt}, args...)...)
}

// ended tells an early end of the stream from a failing source.
func ended(err error, what string) error {
	if errors.Is(err, io.EOF) {
		return corrupt("the stream ends %s", what)
	}
	return err
}

// input is the unread part of a stream.
type input struct {
	src Source
	buf []byte // the rest of the current chunk
	mem []byte // where values that straddle chunks are put together
}

func (in *input) reset(src Source) { in.src, in.buf = src, nil }

// more replaces the used-up chunk by the next one that has a byte.
func (in *input) more() error {
	for len(in.buf) == 0 {
		if in.src == nil {
			return io.EOF
		}
		b, err := in.src.Next()
		if err != nil {
			return err
		}
		in.buf = b
	}
	return nil
}

func (in *input) byte() (byte, error) {
	if len(in.buf) == 0 {
		if err := in.more(); err != nil {
			return 0, ended(err, "inside a run")
		}
	}
	b := in.buf[0]
	in.buf = in.buf[1:]
	return b, nil
}

// header is byte at a place where the stream may end: the error then says that
// values are missing.
func (in *input) header() (byte, error) {
	if len(in.buf) == 0 {
		if err := in.more(); err != nil {
			return 0, ended(err, "before the last value")
		}
	}
	b := in.buf[0]
	in.buf = in.buf[1:]
	return b, nil
}

// take gives the next n bytes in one piece, valid until the next call of any
// method. n is at most what one run can take.
func (in *input) take(n int) ([]byte, error) {
	if n <= len(in.buf) {
		b := in.buf[:n]
		in.buf = in.buf[n:]
		return b, nil
	}
	if cap(in.mem) < n+Slack {
		in.mem = make([]byte, n+Slack)
	}
	b := in.mem[:n]
	return b, in.copy(b)
}

// copy fills dst.
func (in *input) copy(dst []byte) error {
	for len(dst) > 0 {
		if err := in.more(); err != nil {
			return ended(err, "inside a run")
		}
		n := copy(dst, in.buf)
		in.buf, dst = in.buf[n:], dst[n:]
	}
	return nil
}

// discard passes over n bytes.
func (in *input) discard(n int) error {
	for n > 0 {
		if err := in.more(); err != nil {
			return ended(err, "before the last value")
		}
		k := min(n, len(in.buf))
		in.buf, n = in.buf[k:], n-k
	}
	return nil
}

// uvarint reads a base-128 varint of at most 64 bits.
func (in *input) uvarint() (uint64, error) {
	v, n := binary.Uvarint(in.buf)
	if n > 0 {
		in.buf = in.buf[n:]
		return v, nil
	}
	if n < 0 {
		return 0, corrupt("a varint of more than 64 bits")
	}
	v = 0
	for shift := uint(0); ; shift += 7 {
		b, err := in.byte()
		if err != nil {
			return 0, err
		}
		if shift == 63 && b > 1 {
			return 0, corrupt("a varint of more than 64 bits")
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
}

// bigEndian reads an unsigned integer of n bytes, n at most 8.
func (in *input) bigEndian(n int) (uint64, error) {
	b, err := in.take(n)
	if err != nil {
		return 0, err
	}
	var v uint64
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v, nil
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }
