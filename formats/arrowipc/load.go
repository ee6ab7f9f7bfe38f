package arrowipc

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/pierrec/lz4/v4"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/arrowmsg"
	"github.com/bdkit/bdkit/internal/compress"
)

// loader reads buffers of one message's body.
type loader struct {
	file   fs.File
	msg    *arrowmsg.Message
	unit   string
	body   int64 // offset in the file
	alloc  memory.Allocator
	budget *arrowio.Budget
	big    bool
}

// one buffer to load.
type loading struct {
	p   *part
	at  int
	raw []byte
}

// load fills the buffers of parts, all in one go. What it holds of the budget
// is the bytes of the buffers, which the caller gives back.
func (l *loader) load(ctx context.Context, parts []*part) (held int64, err error) {
	var jobs []loading
	var rs []fs.Range
	b := l.msg.Batch
	size := int64(0)
	for _, p := range parts {
		_ = p.each(func(p *part) error {
			for i, x := range p.bufs {
				if x.at >= 0 && b.Buffers[x.at].Len > 0 {
					jobs = append(jobs, loading{p: p, at: i})
					size += b.Buffers[x.at].Len
				}
			}
			return nil
		})
	}
	if err := l.budget.Force(size); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			l.budget.Release(size)
			held = 0
		}
	}()
	for i := range jobs {
		j := &jobs[i]
		x := b.Buffers[j.p.bufs[j.at].at]
		if b.Codec == arrowmsg.Plain {
			m := memory.NewResizableBuffer(l.alloc)
			m.Resize(int(x.Len))
			j.p.bufs[j.at].mem, j.raw = m, m.Bytes()
		} else {
			j.raw = make([]byte, x.Len)
		}
		rs = append(rs, fs.Range{Off: l.body + x.Off, Dst: j.raw, Label: l.unit + ", " + j.p.label + ": " + roleNames[j.p.bufs[j.at].role]})
	}
	if len(rs) > 0 {
		if err := l.file.ReadRanges(ctx, rs); err != nil {
			return 0, err
		}
	}
	held = size
	if b.Codec != arrowmsg.Plain {
		more, err := l.decompress(jobs)
		size += more
		if err != nil {
			return 0, err
		}
		held = size
	}
	if l.big {
		for _, j := range jobs {
			x := j.p.bufs[j.at]
			dt := j.p.value
			if j.p.field.Encoded {
				dt = indexType(j.p.typ)
			}
			if x.mem != nil {
				swap(x.mem.Bytes(), x.role, dt)
			}
		}
	}
	return held, nil
}

// most is how many bytes a compressed buffer can come to at all, so that a
// length in front of it is no reason to allocate more.
func most(c arrowmsg.Codec, n int) int64 {
	if c == arrowmsg.LZ4Frame {
		return int64(n)*256 + 1024
	}
	return int64(n)*44000 + 1024 // a block of 128 KiB of one byte in three bytes of header and one
}

// decompress turns the bytes of each job into its buffer: a length in front of
// each, -1 for bytes that are stored as they are.
func (l *loader) decompress(jobs []loading) (held int64, err error) {
	c := l.msg.Batch.Codec
	for _, j := range jobs {
		fail := func(err error) error { return &arrowio.Error{Column: j.p.name(), Err: err} }
		if len(j.raw) < 8 {
			return held, fail(corrupt("a compressed buffer of %d bytes", len(j.raw)))
		}
		n, raw := int64(binary.LittleEndian.Uint64(j.raw)), j.raw[8:]
		stored := n == -1
		if stored {
			n = int64(len(raw))
		}
		if n < 0 || n > most(c, len(raw)) {
			return held, fail(corrupt("a compressed buffer of %d bytes that says it holds %d", len(raw), n))
		}
		if err := l.budget.Force(n); err != nil {
			return held, fail(err)
		}
		held += n
		m := memory.NewResizableBuffer(l.alloc)
		m.Resize(int(n))
		j.p.bufs[j.at].mem = m
		switch {
		case stored:
			copy(m.Bytes(), raw)
		case c == arrowmsg.Zstd:
			err = compress.Zstd.Decompress(m.Bytes(), raw)
		default:
			err = lz4Frame(m.Bytes(), raw)
		}
		if err != nil {
			return held, fail(fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err))
		}
	}
	return held, nil
}

var lz4Readers = sync.Pool{New: func() any { return lz4.NewReader(nil) }}

// lz4Frame fills dst from LZ4 frames, exactly.
func lz4Frame(dst, src []byte) (err error) {
	defer func() {
		if p := recover(); p != nil { // others' code; none is known to panic
			err = fmt.Errorf("lz4: %v", p)
		}
	}()
	r := lz4Readers.Get().(*lz4.Reader)
	defer lz4Readers.Put(r)
	r.Reset(bytes.NewReader(src))
	if _, err := io.ReadFull(r, dst); err != nil {
		return fmt.Errorf("lz4: %w", err)
	}
	var more [1]byte
	if n, err := r.Read(more[:]); n > 0 {
		return fmt.Errorf("lz4: more than the %d bytes stated", len(dst))
	} else if err != io.EOF {
		return fmt.Errorf("lz4: %w", err)
	}
	return nil
}
