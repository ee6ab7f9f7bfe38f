package avro

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

const (
	magic    = "Obj\x01"
	syncSize = 16

	keySchema = "avro.schema"
	keyCodec  = "avro.codec"

	// headBytes is what Open reads of a file at first: room for most headers.
	headBytes = 64 << 10
	// maxHeader bounds a header. Schemas are text that people write.
	maxHeader = 256 << 20
)

// header is a file's beginning (specification 1.12, "Object Container Files").
type header struct {
	schema []byte
	codec  string
	meta   []formats.KeyValue // of users: without avro.schema and avro.codec
	sync   [syncSize]byte
	end    int64 // where the first block begins
}

// errMore says that the bytes end before the header does.
var errMore = errors.New("more of the header is needed")

// readHeader fetches as much of a file as its header takes.
func readHeader(ctx context.Context, f fs.File, size int64) (*header, error) {
	for want := int64(headBytes); ; want *= 4 {
		buf := make([]byte, min(want, size))
		if err := f.ReadRanges(ctx, []fs.Range{{Dst: buf, Label: "header"}}); err != nil {
			return nil, err
		}
		h, err := parseHeader(buf)
		if !errors.Is(err, errMore) {
			return h, err
		}
		switch {
		case want >= size:
			return nil, fmt.Errorf("%w: the file of %d bytes ends within its header", arrowio.ErrCorrupt, size)
		case want >= maxHeader:
			return nil, fmt.Errorf("%w: a header of more than %d bytes", arrowio.ErrLimit, maxHeader)
		}
	}
}

// streamHeader reads the header of a file that can be read only onwards, and
// no byte behind it.
func streamHeader(ctx context.Context, f fs.File) (*header, error) {
	return (&cursor{more: func(c *cursor, upto int) error {
		if upto > maxHeader {
			return fmt.Errorf("%w: a header of more than %d bytes", arrowio.ErrLimit, maxHeader)
		}
		b, err := readOn(ctx, f, c.b, 0, upto, "header", nil)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: the stream ends within its header", arrowio.ErrCorrupt)
		}
		c.b = b
		return err
	}}).header()
}

func parseHeader(b []byte) (*header, error) { return (&cursor{b: b}).header() }

func (c *cursor) header() (*header, error) {
	err := c.need(len(magic))
	if n := min(len(c.b), len(magic)); string(c.b[:n]) != magic[:n] {
		return nil, fmt.Errorf("%w: not an Avro file: it begins with %q, not with %q", arrowio.ErrCorrupt, c.b[:n], magic)
	}
	if err != nil {
		return nil, err
	}
	c.p = len(magic)
	h := &header{codec: "null"}
	for {
		n, err := c.long()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		if n < 0 { // a block that says its bytes
			if _, err := c.long(); err != nil {
				return nil, err
			}
			n = -n
		}
		for ; n > 0; n-- {
			key, err := c.bytes()
			if err != nil {
				return nil, err
			}
			value, err := c.bytes()
			if err != nil {
				return nil, err
			}
			switch string(key) {
			case keySchema:
				h.schema = bytes.Clone(value)
			case keyCodec:
				h.codec = string(value)
			default:
				h.meta = append(h.meta, formats.KeyValue{Key: string(key), Value: string(value)})
			}
		}
		if n < 0 {
			return nil, fmt.Errorf("%w: a header with a count of %d", arrowio.ErrCorrupt, n)
		}
	}
	if err := c.need(syncSize); err != nil {
		return nil, err
	}
	copy(h.sync[:], c.b[c.p:])
	h.end = int64(c.p + syncSize)
	if h.schema == nil {
		return nil, fmt.Errorf("%w: the header has no %s", arrowio.ErrCorrupt, keySchema)
	}
	return h, nil
}

// cursor reads Avro's primitives of a header.
type cursor struct {
	b    []byte
	p    int
	more func(c *cursor, upto int) error // makes b so long; nil: it is what there is
}

// need makes sure of n bytes: errMore where there is no way to more.
func (c *cursor) need(n int) error {
	switch {
	case len(c.b)-c.p >= n:
		return nil
	case c.more == nil:
		return errMore
	}
	return c.more(c, c.p+n)
}

func (c *cursor) long() (int64, error) {
	for n := 1; n <= binary.MaxVarintLen64; n++ {
		if err := c.need(n); err != nil {
			return 0, err
		}
		if c.b[c.p+n-1] < 0x80 {
			break
		}
	}
	v, n, err := long(c.b[c.p:])
	c.p += n
	return v, err
}

// long reads a number: errMore where the bytes end within it.
func long(b []byte) (v int64, n int, err error) {
	u, n := binary.Uvarint(b)
	if n < 0 || n == 0 && len(b) >= binary.MaxVarintLen64 {
		return 0, 0, fmt.Errorf("%w: a number of more than 64 bits", arrowio.ErrCorrupt)
	}
	if n == 0 {
		return 0, 0, errMore
	}
	return int64(u>>1) ^ -int64(u&1), n, nil
}

func (c *cursor) bytes() ([]byte, error) {
	n, err := c.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxHeader {
		return nil, fmt.Errorf("%w: a header entry of %d bytes", arrowio.ErrCorrupt, n)
	}
	if err := c.need(int(n)); err != nil {
		return nil, err
	}
	c.p += int(n)
	return c.b[c.p-int(n) : c.p], nil
}
