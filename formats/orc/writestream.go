package orc

import (
	"github.com/bdkit/bdkit/formats/orc/internal/block"
)

// outStream is one stream of a column in the stripe being built. Encoders append
// to raw; full chunks are compressed as they come.
type outStream struct {
	w   *block.Writer
	raw []byte // not yet in a chunk
	out []byte // chunks; unused without compression
	err error  // the first that compressing gave, told by finish
}

// settle compresses what makes whole chunks.
func (s *outStream) settle() {
	if !s.w.Compressed() || len(s.raw) < s.w.Size || s.err != nil {
		return
	}
	at := 0
	for ; len(s.raw)-at >= s.w.Size && s.err == nil; at += s.w.Size {
		s.out, s.err = s.w.AppendChunk(s.out, s.raw[at:at+s.w.Size])
	}
	s.raw = s.raw[:copy(s.raw, s.raw[at:])]
}

// mark appends where the next byte will be (specification, "Row Group Index"):
// in the file's bytes, and then in the decompressed chunk.
func (s *outStream) mark(p []uint64) []uint64 {
	if !s.w.Compressed() {
		return append(p, uint64(len(s.raw)))
	}
	return append(p, uint64(len(s.out)), uint64(len(s.raw)))
}

// finish gives the whole stream, valid until reset.
func (s *outStream) finish() ([]byte, error) {
	if !s.w.Compressed() {
		return s.raw, nil
	}
	s.settle()
	if len(s.raw) > 0 && s.err == nil {
		s.out, s.err = s.w.AppendChunk(s.out, s.raw)
		s.raw = s.raw[:0]
	}
	return s.out, s.err
}

// reset starts the next stripe over the same memory.
func (s *outStream) reset() { s.raw, s.out = s.raw[:0], s.out[:0] }

// size is the bytes that the stream has come to, before and after compression.
func (s *outStream) size() int64 { return int64(len(s.raw) + len(s.out)) }

// held is the memory of the stream.
func (s *outStream) held() int64 { return int64(cap(s.raw) + cap(s.out)) }

// marks are the positions of row groups' starts, as many numbers each.
type marks struct {
	flat []uint64
	per  int
}

func (m *marks) add(from int) { m.per = len(m.flat) - from }

// at are the numbers of a row group.
func (m *marks) at(group int) []uint64 { return m.flat[group*m.per : (group+1)*m.per] }

func (m *marks) reset() { m.flat = m.flat[:0] }
