package avro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/internal/compress"
)

// block is one block as it lies in the file.
type block struct {
	off   int64 // of its count
	data  int64 // of its data
	count int64
	size  int64
	body  []byte // the data as stored, if asked for; valid until the next call
}

func (b *block) end() int64 { return b.data + b.size + syncSize }

// blocks walks the blocks of a stretch of a file. A block belongs to the
// stretch in which the marker before it begins, so that stretches that cover
// a file cover its blocks, each once.
type blocks struct {
	win  columnar.Window
	h    *header
	size int64
	off  int64 // of the next block
	stop int64 // the stretch ends here

	forward bool // the file can be read only onwards
	buf     []byte
	held    int64
}

const (
	firstStep = 128 << 10 // as a reader may want no more than the first rows
	mostStep  = 4 << 20
	// blockHead is what a block's two numbers take at most.
	blockHead = 20
)

// blocks opens a stretch. The first block of one that does not start at 0 must
// be sought.
func (r *Reader) blocks(start, stop int64, budget *arrowio.Budget) *blocks {
	b := &blocks{h: r.h, size: r.size, off: r.h.end, stop: stop, forward: r.forward}
	b.win = columnar.Window{File: r.f, Budget: budget, Label: "blocks", Soft: min(r.size, max(stop, r.h.end)+firstStep), Hard: r.size, Step: firstStep}
	if start > r.h.end-syncSize {
		b.off = start
	}
	return b
}

func (b *blocks) fail(off int64, err error) error {
	e := (*arrowio.Error)(nil)
	if errors.As(err, &e) {
		return err
	}
	return &arrowio.Error{Op: "read", Unit: "block", Offset: off, Err: err}
}

// seek finds the first marker at or after off and puts the next block behind
// it. It is false if the stretch has none.
func (b *blocks) seek(ctx context.Context, off int64) (bool, error) {
	for at := off; at < b.stop && at+syncSize <= b.size; {
		buf, err := b.win.Some(ctx, at, syncSize)
		if err != nil {
			return false, err
		}
		b.widen()
		if i := bytes.Index(buf, b.h.sync[:]); i >= 0 {
			b.off = at + int64(i) + syncSize
			return at+int64(i) < b.stop, nil
		}
		at += int64(len(buf) - syncSize + 1)
	}
	b.off = b.size
	return false, nil
}

// widen lets the window fetch more at a time, once it is clear that it is
// wanted.
func (b *blocks) widen() {
	if limit := int64(mostStep); b.win.Step < mostStep {
		if size := b.win.Budget.Size(); size > 0 {
			limit = min(limit, max(64<<10, size/16))
		}
		b.win.Step = int(min(int64(2*b.win.Step), limit))
	}
}

// done says that the stretch has no more blocks.
func (b *blocks) done() bool { return b.off-syncSize >= b.stop || b.off >= b.size }

// next gives the next block, with its bytes if body says so. io.EOF is the end
// of a stream; of a file, done tells it.
func (b *blocks) next(ctx context.Context, body bool) (*block, error) {
	if b.forward {
		return b.nextForward(ctx)
	}
	head, err := b.win.Some(ctx, b.off, blockHead)
	if err != nil {
		return nil, err
	}
	out := &block{off: b.off}
	n, m := 0, 0
	if out.count, n, err = long(head); err == nil {
		out.size, m, err = long(head[n:])
	}
	if errors.Is(err, errMore) {
		err = fmt.Errorf("%w: the file ends within a block's header", arrowio.ErrCorrupt)
	}
	if err != nil {
		return nil, b.fail(b.off, err)
	}
	out.data = b.off + int64(n+m)
	switch {
	case out.count < 0 || out.size < 0:
		return nil, b.fail(b.off, fmt.Errorf("%w: a block of %d rows in %d bytes", arrowio.ErrCorrupt, out.count, out.size))
	case out.size > b.size-out.data-syncSize:
		return nil, b.fail(b.off, fmt.Errorf("%w: a block of %d bytes where the file has %d left", arrowio.ErrCorrupt, out.size, max(b.size-out.data-syncSize, 0)))
	}
	var marker []byte
	if body {
		buf, err := b.win.Bytes(ctx, out.data, int(out.size)+syncSize)
		if err != nil {
			return nil, b.fail(b.off, err)
		}
		out.body, marker = buf[:out.size], buf[out.size:]
	} else {
		// Of large blocks no more is fetched than the markers and headers.
		if b.win.Step = firstStep; out.size > firstStep {
			b.win.Step = 4096
		}
		if marker, err = b.win.Bytes(ctx, out.data+out.size, syncSize); err != nil {
			return nil, b.fail(b.off, err)
		}
	}
	if !bytes.Equal(marker, b.h.sync[:]) {
		return nil, b.fail(out.off, fmt.Errorf("%w: no sync marker behind a block of %d bytes", arrowio.ErrCorrupt, out.size))
	}
	b.off = out.end()
	b.widen()
	return out, nil
}

// leastBlock is what a block takes at least: two numbers and a marker.
const leastBlock = 2 + syncSize

// nextForward gives the next block of a stream, and reads no byte behind it.
func (b *blocks) nextForward(ctx context.Context) (*block, error) {
	out := &block{off: b.off}
	var err error
	if b.buf, err = readOn(ctx, b.win.File, b.buf[:0], b.off, leastBlock, "blocks", nil); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, b.fail(b.off, ended(err))
	}
	n, m := 0, 0
	if out.count, n, err = long(b.buf); err == nil {
		out.size, m, err = long(b.buf[n:])
	}
	if err == nil && (out.count < 0 || out.size < 0 || out.size > math.MaxInt32) || errors.Is(err, errMore) {
		err = fmt.Errorf("%w: a block of %d rows in %d bytes", arrowio.ErrCorrupt, out.count, out.size)
	}
	if err != nil {
		return nil, b.fail(b.off, err)
	}
	out.data = b.off + int64(n+m)
	if b.buf, err = readOn(ctx, b.win.File, b.buf, b.off, n+m+int(out.size)+syncSize, "blocks", b.hold); err != nil {
		return nil, b.fail(b.off, ended(err))
	}
	body := b.buf[n+m:]
	out.body = body[:out.size]
	if !bytes.Equal(body[out.size:], b.h.sync[:]) {
		return nil, b.fail(b.off, fmt.Errorf("%w: no sync marker behind a block of %d bytes", arrowio.ErrCorrupt, out.size))
	}
	b.off = out.end()
	return out, nil
}

// hold takes memory from the budget.
func (b *blocks) hold(n int) error {
	if int64(n) <= b.held {
		return nil
	}
	if err := b.win.Budget.Force(int64(n) - b.held); err != nil {
		return err
	}
	b.held = int64(n)
	return nil
}

func (b *blocks) close() {
	b.win.Close()
	b.win.Budget.Release(b.held)
	b.buf, b.held = nil, 0
}

// ended says what the end of a stream within a block is.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the stream ends within a block", arrowio.ErrCorrupt)
	}
	return err
}

// readOn makes b, what was read of a stream from start on, n bytes long. Its
// memory grows as bytes arrive, not on the claim that there are so many; hold,
// if it is not nil, is asked for it first.
func readOn(ctx context.Context, f fs.File, b []byte, start int64, n int, label string, hold func(int) error) ([]byte, error) {
	for len(b) < n {
		have := len(b)
		step := min(n-have, max(have, 64<<10))
		if cap(b) < have+step {
			if hold != nil {
				if err := hold(have + step); err != nil {
					return b, err
				}
			}
			grown := make([]byte, have, have+step)
			copy(grown, b)
			b = grown
		}
		if err := f.ReadRanges(ctx, []fs.Range{{Off: start + int64(have), Dst: b[have : have+step], Label: label}}); err != nil {
			if have > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return b, err
		}
		b = b[:have+step]
	}
	return b, nil
}

// plain holds one block's data, decompressed.
type plain struct {
	codec  codec
	budget *arrowio.Budget
	buf    []byte
	held   int64
}

// maxBlock bounds a decompressed block where no budget does.
const maxBlock = 1 << 30

// of gives a block's data. It is valid until the next call.
func (p *plain) of(b *block) ([]byte, error) {
	if p.codec.decompress == nil {
		return b.body, nil
	}
	limit := int64(maxBlock)
	if size := p.budget.Size(); size > 0 {
		limit = min(limit, size)
	}
	out, err := p.codec.decompress(p.buf[:0], b.body, int(limit))
	if err != nil {
		switch {
		case errors.Is(err, compress.ErrTooLarge):
			err = fmt.Errorf("%w: %w", arrowio.ErrLimit, err)
		case errors.Is(err, compress.ErrReadOnly):
			err = fmt.Errorf("%w: %w", arrowio.ErrUnsupported, err)
		default:
			err = fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
		}
		return nil, &arrowio.Error{Op: "read", Unit: "block", Offset: b.off, Err: err}
	}
	if cap(out) > cap(p.buf) {
		if err := p.budget.Force(int64(cap(out)) - p.held); err != nil {
			return nil, &arrowio.Error{Op: "read", Unit: "block", Offset: b.off, Err: err}
		}
		p.held = int64(cap(out))
	}
	p.buf = out
	return out, nil
}

func (p *plain) close() {
	p.budget.Release(p.held)
	p.buf, p.held = nil, 0
}
