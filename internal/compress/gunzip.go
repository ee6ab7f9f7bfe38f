package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The header of a gzip member (RFC 1952).
const (
	gzipHeader  = 10
	gzipTrailer = 8
	gzipCRC     = 1 << 1
	gzipExtra   = 1 << 2
	gzipName    = 1 << 3
	gzipComment = 1 << 4
)

var (
	errGzipHeader = errors.New("no gzip header")
	errGzipSum    = errors.New("the checksum or the size does not match")
)

// gunzip decompresses gzip members, one after another.
func gunzip(dst, src []byte) (n int, err error) {
	for {
		head, err := gzipSkip(src)
		if err != nil {
			return n, err
		}
		k, used, err := inflate(dst[n:], src[head:])
		if err != nil {
			return n, err
		}
		src = src[head+used:]
		if len(src) < gzipTrailer {
			return n, errInflateShort
		}
		if binary.LittleEndian.Uint32(src) != crc32.ChecksumIEEE(dst[n:n+k]) || binary.LittleEndian.Uint32(src[4:]) != uint32(k) {
			return n, errGzipSum
		}
		n, src = n+k, src[gzipTrailer:]
		if len(src) == 0 {
			return n, nil
		}
	}
}

// gzipSkip gives the length of a member's header.
func gzipSkip(src []byte) (int, error) {
	if len(src) < gzipHeader {
		return 0, errInflateShort
	}
	if src[0] != 0x1f || src[1] != 0x8b || src[2] != 8 {
		return 0, errGzipHeader
	}
	flags, at := src[3], gzipHeader
	if flags&gzipExtra != 0 {
		if len(src)-at < 2 {
			return 0, errInflateShort
		}
		at += 2 + int(binary.LittleEndian.Uint16(src[at:]))
	}
	for _, text := range []byte{gzipName, gzipComment} {
		if flags&text == 0 {
			continue
		}
		i := -1
		if at <= len(src) {
			i = bytes.IndexByte(src[at:], 0)
		}
		if i < 0 {
			return 0, errInflateShort
		}
		at += i + 1
	}
	if flags&gzipCRC != 0 {
		at += 2
	}
	if at > len(src) {
		return 0, errInflateShort
	}
	if flags&gzipCRC != 0 && binary.LittleEndian.Uint16(src[at-2:]) != uint16(crc32.ChecksumIEEE(src[:at-2])) {
		return 0, errGzipSum
	}
	return at, nil
}
