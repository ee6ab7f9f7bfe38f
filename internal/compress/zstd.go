package compress

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdDecoders hold their tables between blocks. With the cap limit DecodeAll
// stops at the capacity of its destination, whatever a frame header claims.
var zstdDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxWindow(1<<27))
	if err != nil {
		panic(err) // constant options
	}
	return d
}}

func zstdDecompress(dst, src []byte) (int, error) {
	d := zstdDecoders.Get().(*zstd.Decoder)
	defer zstdDecoders.Put(d)
	out, err := d.DecodeAll(src, dst[:0:len(dst)])
	return len(out), err
}

var zstdEncoders sync.Map // zstdMode → *sync.Pool

type zstdMode struct {
	level   zstd.EncoderLevel
	entropy bool
}

func zstdCompress(dst, src []byte, level int) ([]byte, error) {
	key := zstdMode{entropy: level == EntropyLevel}
	if level <= 0 {
		level = 3
	}
	key.level = zstd.EncoderLevelFromZstd(level)
	p, ok := zstdEncoders.Load(key)
	if !ok {
		p, _ = zstdEncoders.LoadOrStore(key, &sync.Pool{})
	}
	pool := p.(*sync.Pool)
	e, _ := pool.Get().(*zstd.Encoder)
	if e == nil {
		var err error
		o := []zstd.EOption{zstd.WithEncoderLevel(key.level), zstd.WithEncoderConcurrency(1)}
		if key.entropy {
			o = append(o, zstd.WithAllLitEntropyCompression(true))
		}
		if e, err = zstd.NewWriter(nil, o...); err != nil {
			return dst, err
		}
	}
	defer pool.Put(e)
	return e.EncodeAll(src, dst), nil
}
