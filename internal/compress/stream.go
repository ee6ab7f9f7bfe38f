package compress

import (
	"bytes"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
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
	var more [1]byte
	for {
		into := dst[n:]
		if len(into) == 0 {
			into = more[:]
		}
		k, err := p.dec.Read(into)
		if n += k; n > len(dst) {
			return n, nil // the caller tells a long block by n, and a short one
		}
		if err == io.EOF {
			break
		} else if err != nil {
			return n, err
		}
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

var deflaters sync.Map // level → *sync.Pool

func deflateCompress(dst, src []byte, level int) ([]byte, error) {
	if level == 0 {
		level = flate.DefaultCompression
	}
	p, ok := deflaters.Load(level)
	if !ok {
		p, _ = deflaters.LoadOrStore(level, &sync.Pool{})
	}
	pool := p.(*sync.Pool)
	buf := bytes.NewBuffer(dst)
	w, _ := pool.Get().(*flate.Writer)
	if w == nil {
		var err error
		if w, err = flate.NewWriter(buf, level); err != nil {
			return dst, err
		}
	} else {
		w.Reset(buf)
	}
	defer pool.Put(w)
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
