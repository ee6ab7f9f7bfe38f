package compress

import (
	"bytes"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// resetter is a decoder that can be used again.
type resetter interface {
	io.Reader
	Reset(io.Reader) error
}

// streams pools the decoders of a codec that reads streams.
type streams struct {
	pool sync.Pool
	open func(io.Reader) (resetter, error)
}

type pooledStream struct {
	src bytes.Reader
	dec resetter
}

var (
	gzips = &streams{open: func(r io.Reader) (resetter, error) { return gzip.NewReader(r) }}
	// brotli's decoder reads ahead and never past the source's end.
	brotlis = &streams{open: func(r io.Reader) (resetter, error) { return brotli.NewReader(r), nil }}
)

// decompress fills dst and looks for more: n is more than len(dst) when the
// stream has not ended there.
func (s *streams) decompress(dst, src []byte) (n int, err error) {
	p, _ := s.pool.Get().(*pooledStream)
	if p == nil {
		p = new(pooledStream)
	}
	p.src.Reset(src)
	if p.dec == nil {
		p.dec, err = s.open(&p.src)
	} else {
		err = p.dec.Reset(&p.src)
	}
	if err != nil {
		return 0, err
	}
	if n, err = io.ReadFull(p.dec, dst); err == io.EOF || err == io.ErrUnexpectedEOF {
		return n, nil // the caller tells a short block by n
	} else if err != nil {
		return n, err
	}
	var more [1]byte
	if k, err := io.ReadFull(p.dec, more[:]); k > 0 {
		return n + k, nil
	} else if err != io.EOF {
		return n, err
	}
	p.src.Reset(nil)
	s.pool.Put(p)
	return n, nil
}

func gzipCompress(dst, src []byte, level int) ([]byte, error) {
	if level == 0 {
		level = gzip.DefaultCompression
	}
	buf := bytes.NewBuffer(dst)
	w, err := gzip.NewWriterLevel(buf, level)
	if err != nil {
		return dst, err
	}
	if _, err := w.Write(src); err != nil {
		return dst, err
	}
	if err := w.Close(); err != nil {
		return dst, err
	}
	return buf.Bytes(), nil
}

func brotliCompress(dst, src []byte, level int) ([]byte, error) {
	if level == 0 {
		level = brotli.DefaultCompression
	}
	buf := bytes.NewBuffer(dst)
	w := brotli.NewWriterLevel(buf, level)
	if _, err := w.Write(src); err != nil {
		return dst, err
	}
	if err := w.Close(); err != nil {
		return dst, err
	}
	return buf.Bytes(), nil
}
