package arrowipc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/arrowmsg"
)

const (
	magic        = "ARROW1"
	trailer      = 4 + len(magic) // the footer's length, and the magic
	continuation = 1<<32 - 1
	tailBytes    = 64 << 10
)

// Reader is an open file or stream. It implements formats.FileReader and is
// safe for concurrent use.
type Reader struct {
	f       fs.File
	url     string
	version string
	size    int64 // -1 of what is only read forward
	forward bool
	stream  bool
	head    []byte // of what is only read forward
	start   int64  // of a stream's first message behind the schema
	footer  int64
	schema  *arrowmsg.Schema
	meta    arrow.Metadata
	blocks  []arrowmsg.Block
	heads   []*arrowmsg.Message // of the blocks, if they are few
	rows    int64               // -1: only the batches themselves tell
	dicts   *dictionaries

	mu     sync.Mutex
	opened bool // of what is only read forward: that it was
	closed error
}

var _ formats.FileReader = (*Reader)(nil)

// Open reads the footer of a file, or the schema of a stream. It takes over f.
func Open(ctx context.Context, f fs.File) (r *Reader, err error) {
	r = &Reader{f: f, url: f.String(), rows: -1}
	defer func() {
		if err != nil {
			err = errors.Join(r.where("open", err), f.Close())
			r = nil
		}
	}()
	defer arrowio.Guard(&err)
	if fs.IsForward(f) {
		r.forward, r.stream, r.size = true, true, -1
		return r, r.openStream(ctx)
	}
	buf := make([]byte, tailBytes)
	n, info, err := f.Tail(ctx, buf)
	if err != nil {
		return r, err
	}
	r.size, r.version, buf = info.Size, info.Version, buf[:n]
	if n >= trailer+len(magic) && string(buf[n-len(magic):]) == magic {
		return r, r.openFile(ctx, buf)
	}
	r.stream = true
	return r, r.openStream(ctx)
}

func (r *Reader) openFile(ctx context.Context, tail []byte) error {
	end := r.size - int64(trailer)
	n := int64(int32(binary.LittleEndian.Uint32(tail[len(tail)-trailer:])))
	if r.footer = end - n; n < 8 || r.footer < 8 {
		return corrupt("a footer of %d bytes in a file of %d", n, r.size)
	}
	raw := make([]byte, n)
	if have := int64(len(tail) - trailer); n <= have {
		copy(raw, tail[have-n:have])
	} else if err := r.f.ReadRanges(ctx, []fs.Range{{Off: r.footer, Dst: raw, Label: "footer"}}); err != nil {
		return err
	}
	foot, err := arrowmsg.DecodeFooter(raw)
	if err != nil {
		return &arrowio.Error{Offset: r.footer, Err: err}
	}
	r.schema, r.blocks, r.meta = foot.Schema, foot.Batches, foot.Meta
	for i, b := range append(foot.Dictionaries[:len(foot.Dictionaries):len(foot.Dictionaries)], foot.Batches...) {
		if b.Off < 0 || b.Meta < 8 || b.Body < 0 || b.Off > r.footer || b.Meta > r.footer-b.Off || b.Body > r.footer-b.Off-b.Meta {
			return corrupt("block %d lies at %d with %d and %d bytes, before a footer at %d", i, b.Off, b.Meta, b.Body, r.footer)
		}
	}
	r.dicts = newDictionaries(r, foot.Dictionaries)
	if len(r.blocks) <= fewBlocks {
		return r.readHeads(ctx)
	}
	return nil
}

// fewBlocks is up to how many record batches a file's headers are read when it
// is opened, in one go: they tell how many rows there are.
const fewBlocks = 64

func (r *Reader) readHeads(ctx context.Context) error {
	raw := make([][]byte, len(r.blocks))
	var rs []fs.Range
	for i, b := range r.blocks {
		raw[i] = make([]byte, b.Meta)
		rs = append(rs, fs.Range{Off: b.Off, Dst: raw[i], Label: batchName(i) + ": header"})
	}
	if len(rs) > 0 {
		if err := r.f.ReadRanges(ctx, rs); err != nil {
			return err
		}
	}
	r.rows = 0
	for i, b := range r.blocks {
		m, err := decodeBlock(raw[i], b, arrowmsg.KindBatch)
		if err != nil {
			return &arrowio.Error{Unit: batchName(i), Offset: b.Off, Err: err}
		}
		r.heads = append(r.heads, m)
		r.rows += m.Batch.Rows
	}
	return nil
}

func batchName(i int) string { return fmt.Sprintf("record batch %d", i) }

func (r *Reader) openStream(ctx context.Context) error {
	if !r.forward && r.size >= int64(len(magic)) || r.forward {
		head := make([]byte, 8)
		if r.size >= 0 {
			head = head[:min(8, r.size)]
		}
		if err := r.read(ctx, 0, head, "head"); err != nil {
			return corruptEnd(err, "no Arrow stream")
		}
		if r.forward {
			r.head = head
		}
		if len(head) >= len(magic) && string(head[:len(magic)]) == magic {
			if !r.forward {
				return &arrowio.Error{Hint: "is the file whole?", Err: corrupt("an Arrow file without its end")}
			}
			r.start = 8
		}
	}
	m, _, next, err := r.message(ctx, r.start, "schema")
	if err != nil {
		return corruptEnd(err, "no Arrow stream")
	}
	if m.Schema == nil || m.Body != 0 {
		return corrupt("a stream that begins with %s", m.Kind)
	}
	r.schema, r.start = m.Schema, next
	return nil
}

// corruptEnd makes the end of the bytes an error of bad data.
func corruptEnd(err error, what string) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, arrowio.ErrCorrupt) {
		return corrupt("%s: it ends too soon", what)
	}
	return err
}

// read reads one range, within a file whose size is known.
func (r *Reader) read(ctx context.Context, off int64, dst []byte, label string) error {
	if r.size >= 0 && off > r.size-int64(len(dst)) {
		return io.ErrUnexpectedEOF
	}
	if off < int64(len(r.head)) {
		n := copy(dst, r.head[off:])
		if off, dst = off+int64(n), dst[n:]; len(dst) == 0 {
			return nil
		}
	}
	return r.f.ReadRanges(ctx, []fs.Range{{Off: off, Dst: dst, Label: label}})
}

// firstRead is how much is read of a message at first, in the hope that it is
// all of its metadata.
const firstRead = 512

// message reads the metadata of a stream's next message, and gives where its
// body and the next message are. io.EOF is the end of the stream.
func (r *Reader) message(ctx context.Context, off int64, label string) (m *arrowmsg.Message, body, next int64, err error) {
	var head []byte
	at := off // of what follows head
	more := func(n int64) error {
		have := int64(len(head))
		if n <= have {
			return nil
		}
		want := n
		if !r.forward { // what is read too much is not lost
			if want = min(max(n, firstRead), r.size-off); want < n {
				return io.ErrUnexpectedEOF
			}
		}
		for have < want { // in pieces, since the length may be a lie
			k := min(want-have, 1<<20)
			head = append(head, make([]byte, k)...)
			if err := r.read(ctx, at, head[have:], label+": header"); err != nil {
				return err
			}
			at, have = at+k, have+k
		}
		return nil
	}
	if !r.forward && off == r.size {
		return nil, 0, 0, io.EOF
	}
	if err := more(4); err != nil {
		return nil, 0, 0, err
	}
	n, prefix := int64(binary.LittleEndian.Uint32(head)), int64(4)
	if n == continuation {
		if err := more(8); err != nil {
			return nil, 0, 0, unexpected(err)
		}
		n, prefix = int64(binary.LittleEndian.Uint32(head[4:])), 8
	}
	if n == 0 {
		return nil, 0, 0, io.EOF
	}
	if n > 1<<31 {
		return nil, 0, 0, corrupt("a message header of %d bytes", n)
	}
	if err := more(prefix + n); err != nil {
		return nil, 0, 0, unexpected(err)
	}
	if m, err = arrowmsg.Decode(head[prefix : prefix+n]); err != nil {
		return nil, 0, 0, err
	}
	body = off + prefix + n
	if r.size >= 0 && m.Body > r.size-body {
		return nil, 0, 0, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, io.ErrUnexpectedEOF)
	}
	return m, body, body + m.Body, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// block reads the metadata of a message whose place the footer tells.
func (r *Reader) block(ctx context.Context, b arrowmsg.Block, kind arrowmsg.Kind, label string) (*arrowmsg.Message, error) {
	raw := make([]byte, b.Meta)
	if err := r.read(ctx, b.Off, raw, label+": header"); err != nil {
		return nil, err
	}
	return decodeBlock(raw, b, kind)
}

func decodeBlock(raw []byte, b arrowmsg.Block, kind arrowmsg.Kind) (*arrowmsg.Message, error) {
	n, prefix := int64(binary.LittleEndian.Uint32(raw)), int64(4)
	if n == continuation {
		n, prefix = int64(binary.LittleEndian.Uint32(raw[4:])), 8
	}
	if n > int64(len(raw))-prefix {
		return nil, corrupt("a message header of %d bytes in a block of %d", n, b.Meta)
	}
	m, err := arrowmsg.Decode(raw[prefix : prefix+n])
	if err != nil {
		return nil, err
	}
	if m.Kind != kind || m.Body > b.Body {
		return nil, corrupt("%s of %d bytes where the footer has %s of %d", m.Kind, m.Body, kind, b.Body)
	}
	return m, nil
}

func (r *Reader) where(op string, err error) error {
	var e *arrowio.Error
	if errors.As(err, &e) && e.URL != "" {
		return err
	}
	out := &arrowio.Error{Op: op, URL: r.url, Err: err}
	if e, ok := err.(*arrowio.Error); ok {
		c := *e
		c.Op, c.URL = op, r.url
		return &c
	}
	return out
}

// Schema implements arrowio.Table.
func (r *Reader) Schema() *arrow.Schema { return r.schema.Arrow }

// NumRows implements formats.FileReader. It is -1 of streams and of files of very
// many record batches.
func (r *Reader) NumRows() int64 { return r.rows }

// Close implements io.Closer.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed != nil {
		return nil
	}
	r.closed = fs.ErrClosed
	return r.f.Close()
}

// Meta implements formats.FileReader.
func (r *Reader) Meta() *formats.Meta {
	m := &formats.Meta{Format: "arrow", Version: "file", Size: r.size, Rows: r.rows, Schema: r.schema.Arrow.String()}
	if r.stream {
		m.Format, m.Version = "arrows", "stream"
	} else {
		m.Footer = r.size - r.footer
	}
	for _, md := range []arrow.Metadata{r.schema.Arrow.Metadata(), r.meta} {
		for i, k := range md.Keys() {
			m.KeyValues = append(m.KeyValues, formats.KeyValue{Key: k, Value: md.Values()[i]})
		}
	}
	for _, f := range r.schema.Arrow.Fields() {
		m.Columns = append(m.Columns, formats.ColumnInfo{Path: f.Name, Physical: f.Type.String(), Arrow: f.Type})
	}
	for i, b := range r.blocks {
		u := formats.UnitMeta{Kind: "record batch", Offset: b.Off, Bytes: b.Meta + b.Body, Raw: -1, Rows: -1}
		if r.heads != nil {
			u.Rows = r.heads[i].Batch.Rows
		}
		m.Units = append(m.Units, u)
	}
	return m
}
