// Package row decodes single Avro values, as they travel in messages and cells,
// into Arrow columns: schemaless rows, single-object encoding, Confluent's
// framing. It knows no files and may be used by connectors.
//
//	bytes of one value ─► Decoder.Append… ─► a row of the batch      Decoder.Batch ─► record batch
//
// A Decoder has one reader's schema, whose columns it builds; what was written
// with other schemas is resolved to it, by a program compiled once a schema.
// Types map as in package avro. A value that cannot be decoded is an error and
// leaves the rows before it as they are.
package row

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/avro/internal/program"
	"github.com/bdkit/bdkit/formats/avro/internal/schema"
	"github.com/bdkit/bdkit/internal/colbuild"
	"github.com/bdkit/bdkit/pushdown"
)

// ErrFull says that a value was not appended because the batch is full: take
// the batch and append it again.
var ErrFull = errors.New("avro: the batch is full")

// Options tune a Decoder. The zero value is the default.
type Options struct {
	// Columns to build; nil builds all.
	Columns []pushdown.Path
	// RecursionDepth, EnumText and DurationBytes are as in avro.Options.
	RecursionDepth          int
	EnumText, DurationBytes bool
	// Read gives the allocator, the size of batches, and by its budget the
	// memory that they may take.
	Read arrowio.ReadOptions
}

// Decoder appends values to the batch in hand. It is not safe for concurrent
// use.
type Decoder struct {
	reader *schema.Schema
	arrow  *arrow.Schema
	build  *colbuild.Builder
	byID   map[uint64]*Writer
	full   bool
}

// Writer is a schema that values were written with.
type Writer struct {
	d      *Decoder
	decode *program.Decoder
}

// New makes a decoder of a reader's schema, JSON.
func New(reader string, o Options) (*Decoder, error) {
	s, err := parse(reader)
	if err != nil {
		return nil, err
	}
	whole, err := program.ArrowSchema(s, program.Options{Depth: o.RecursionDepth, EnumText: o.EnumText, DurationBytes: o.DurationBytes})
	if err != nil {
		return nil, err
	}
	want, err := arrowio.ProjectSchema(whole, o.Columns)
	if err != nil {
		return nil, err
	}
	ro := o.Read.WithDefaults()
	limit := int64(math.MaxInt64)
	if size := ro.Budget.Size(); size > 0 {
		limit = size
	}
	b, err := colbuild.New(want, colbuild.Options{Alloc: ro.Alloc, Rows: ro.BatchRows, Bytes: ro.BatchBytes, Limit: limit, CheckText: true})
	if err != nil {
		return nil, err
	}
	return &Decoder{reader: s, arrow: want, build: b, byID: map[uint64]*Writer{}}, nil
}

func parse(text string) (*schema.Schema, error) {
	s, err := schema.Parse([]byte(text))
	switch {
	case errors.Is(err, schema.ErrDeep):
		return nil, fmt.Errorf("%w: %w", arrowio.ErrLimit, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
	}
	return s, nil
}

// Schema of the batches.
func (d *Decoder) Schema() *arrow.Schema { return d.arrow }

// Rows in the batch in hand.
func (d *Decoder) Rows() int { return d.build.Rows() }

// Writer compiles a writer's schema, JSON. One that does not match the
// reader's is arrowio.ErrCast. "" is the reader's own.
func (d *Decoder) Writer(text string) (*Writer, error) {
	s := d.reader
	if text != "" {
		var err error
		if s, err = parse(text); err != nil {
			return nil, err
		}
	}
	p, err := program.Compile(s, d.reader, d.arrow)
	if err != nil {
		return nil, err
	}
	dec, err := p.Bind(d.build)
	if err != nil {
		return nil, err
	}
	return &Writer{d: d, decode: dec}, nil
}

// Append adds a value that was written with w and nothing around it. ErrFull:
// take the batch first.
func (w *Writer) Append(data []byte) error {
	d := w.d
	if d.full {
		return ErrFull
	}
	end, _, st, err := w.decode.Rows(data, 0, 1)
	if err != nil {
		return err
	}
	if st == colbuild.Refused {
		if d.build.Rows() > 0 {
			return ErrFull
		}
		return fmt.Errorf("%w: %w", arrowio.ErrLimit, d.build.Err())
	}
	if end != len(data) {
		d.build.Drop(d.build.Rows() - 1)
		return fmt.Errorf("%w: %d bytes behind the value", arrowio.ErrCorrupt, len(data)-end)
	}
	d.full = st == colbuild.Full
	return nil
}

// AppendSingleObject adds a message in single-object encoding (specification
// 1.12, "Single-object encoding"). lookup gives the schema of a fingerprint; it
// is asked once for each.
func (d *Decoder) AppendSingleObject(msg []byte, lookup func(fingerprint uint64) (string, error)) error {
	fp, body, err := SingleObject(msg)
	if err != nil {
		return err
	}
	return d.append(fp, body, func() (string, error) { return lookup(fp) })
}

// AppendConfluent adds a message in the framing of Confluent's schema registry.
// lookup gives the schema of an ID; it is asked once for each. A decoder takes
// messages of one framing.
func (d *Decoder) AppendConfluent(msg []byte, lookup func(id uint32) (string, error)) error {
	id, body, err := Confluent(msg)
	if err != nil {
		return err
	}
	return d.append(uint64(id), body, func() (string, error) { return lookup(id) })
}

func (d *Decoder) append(id uint64, body []byte, lookup func() (string, error)) error {
	w := d.byID[id]
	if w == nil {
		text, err := lookup()
		if err != nil {
			return err
		}
		if w, err = d.Writer(text); err != nil {
			return err
		}
		d.byID[id] = w
	}
	return w.Append(body)
}

// Batch hands the rows over, for the caller to release, and starts the next
// batch. Text that is not UTF-8 is arrowio.ErrCorrupt, and the rows are kept.
func (d *Decoder) Batch() (arrow.RecordBatch, error) {
	rec, err := d.build.Batch()
	if err != nil {
		e := (*colbuild.Error)(nil)
		if errors.As(err, &e) {
			err = &arrowio.Error{Op: "read", Column: e.Column, Err: fmt.Errorf("%w: %w", arrowio.ErrCorrupt, e.Err)}
		}
		return nil, err
	}
	d.full = false
	return rec, nil
}

// Release frees what the decoder holds.
func (d *Decoder) Release() { d.build.Release() }

const (
	singleMark0, singleMark1 = 0xc3, 0x01
	singleHead               = 10
	confluentHead            = 5
)

// SingleObject takes a single-object message apart: the fingerprint of the
// writer's schema, and the value.
func SingleObject(msg []byte) (fingerprint uint64, body []byte, err error) {
	if len(msg) < singleHead || msg[0] != singleMark0 || msg[1] != singleMark1 {
		return 0, nil, fmt.Errorf("%w: not a single-object message: it begins with % x", arrowio.ErrCorrupt, msg[:min(2, len(msg))])
	}
	return binary.LittleEndian.Uint64(msg[2:]), msg[singleHead:], nil
}

// Confluent takes a message of a schema registry apart: the ID of the writer's
// schema, and the value.
func Confluent(msg []byte) (id uint32, body []byte, err error) {
	if len(msg) < confluentHead || msg[0] != 0 {
		return 0, nil, fmt.Errorf("%w: not a schema registry's message: it begins with % x", arrowio.ErrCorrupt, msg[:min(1, len(msg))])
	}
	return binary.BigEndian.Uint32(msg[1:]), msg[confluentHead:], nil
}

// Fingerprint is the 64-bit Rabin fingerprint of a schema, JSON, by which
// single-object messages name it.
func Fingerprint(text string) (uint64, error) {
	s, err := parse(text)
	if err != nil {
		return 0, err
	}
	return s.Fingerprint(), nil
}
