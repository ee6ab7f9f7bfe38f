package avro

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// Sink writes one file: rows are encoded into blocks, which are compressed and
// written as they fill.
type Sink struct {
	w      fs.Writer
	o      WriteOptions
	schema *arrow.Schema
	root   *encoder
	codec  codec
	sync   [syncSize]byte

	block    []byte // rows of the block in hand
	count    int64
	packed   []byte
	pos      int64
	rows     int64
	err      error
	finished bool
}

// NewSink starts a file of rows of schema s. It takes over w: Commit commits
// it and Close closes it. A schema that Avro cannot hold is
// arrowio.ErrUnsupported.
func NewSink(w fs.Writer, s *arrow.Schema, o WriteOptions) (*Sink, error) {
	k, err := newFileSink(w, s, o)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return k, nil
}

// newSink is NewSink with the options as text.
func newSink(w fs.Writer, s *arrow.Schema, o formats.Options) (arrowio.Sink, error) {
	wo, err := parseWriteOptions(o)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	k, err := NewSink(w, s, wo)
	if err != nil {
		return nil, err
	}
	return k, nil
}

func newFileSink(w fs.Writer, s *arrow.Schema, o WriteOptions) (*Sink, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	k := &Sink{w: w, o: o, schema: s}
	if k.codec, err = codecOf(o.Codec); err != nil {
		return nil, err
	}
	text, root, err := compileWriter(s, o.RecordName)
	if err != nil {
		return nil, err
	}
	k.root = root
	if _, err := rand.Read(k.sync[:]); err != nil {
		return nil, err
	}
	head, err := k.header(text)
	if err != nil {
		return nil, err
	}
	return k, k.put(head)
}

// header is the file's beginning. The Arrow schema's own metadata is kept as
// the file's.
func (k *Sink) header(schema string) ([]byte, error) {
	kvs := []formats.KeyValue{{Key: keySchema, Value: schema}, {Key: keyCodec, Value: k.codec.name}, {Key: createdByKey, Value: k.o.CreatedBy}}
	kvs = append(kvs, k.o.KeyValues...)
	m := k.schema.Metadata()
	for i, key := range m.Keys() {
		if key != arrowschema.Key && key != createdByKey && (len(key) < 5 || key[:5] != "avro.") {
			kvs = append(kvs, formats.KeyValue{Key: key, Value: m.Values()[i]})
		}
	}
	if !k.o.NoArrowSchema {
		text, err := arrowschema.Encode(k.schema)
		if err != nil {
			return nil, fmt.Errorf("%w: the Arrow schema cannot be stored: %w", arrowio.ErrUnsupported, err)
		}
		kvs = append(kvs, formats.KeyValue{Key: arrowschema.Key, Value: text})
	}
	b := appendLong([]byte(magic), int64(len(kvs)))
	for _, kv := range kvs {
		b = append(appendLong(b, int64(len(kv.Key))), kv.Key...)
		b = append(appendLong(b, int64(len(kv.Value))), kv.Value...)
	}
	return append(append(b, 0), k.sync[:]...), nil
}

// put writes to the file and counts.
func (k *Sink) put(b []byte) error {
	n, err := k.w.Write(b)
	k.pos += int64(n)
	return err
}

// Write adds the rows of rec. The batch is not kept. After an error the file
// cannot be committed.
func (k *Sink) Write(ctx context.Context, rec arrow.RecordBatch) error {
	if k.err != nil {
		return k.err
	}
	if k.finished {
		return fmt.Errorf("write: %w", fs.ErrClosed)
	}
	k.err = k.write(ctx, rec)
	return k.err
}

func (k *Sink) write(ctx context.Context, rec arrow.RecordBatch) (err error) {
	if err := k.sameTypes(rec.Schema()); err != nil {
		return err
	}
	for i, e := range k.root.kids {
		e.bind(rec.Column(i).Data())
	}
	defer k.root.unbind()
	for i := range int(rec.NumRows()) {
		for _, e := range k.root.kids {
			if k.block, err = e.field(k.block, i); err != nil {
				return err
			}
		}
		k.count++
		if int64(len(k.block)) >= k.o.SyncBytes || k.count == maxEmptyRows {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := k.flush(); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (k *Sink) sameTypes(s *arrow.Schema) error {
	if s == k.schema {
		return nil
	}
	if s.NumFields() != k.schema.NumFields() {
		return fmt.Errorf("%w: a batch of %d columns, the file has %d", arrowio.ErrCast, s.NumFields(), k.schema.NumFields())
	}
	for i, f := range k.schema.Fields() {
		if !arrow.TypeEqual(f.Type, s.Field(i).Type) {
			return &arrowio.Error{Op: "write", Column: f.Name, Err: fmt.Errorf("%w: the batch has %s, the file %s", arrowio.ErrCast, s.Field(i).Type, f.Type)}
		}
	}
	return nil
}

// flush writes the block in hand.
func (k *Sink) flush() (err error) {
	if k.count == 0 {
		return nil
	}
	data := k.block
	if k.codec.compress != nil {
		if k.packed, err = k.codec.compress(k.packed[:0], k.block, k.o.Level); err != nil {
			return err
		}
		data = k.packed
	}
	if err := k.put(appendLong(appendLong(nil, k.count), int64(len(data)))); err != nil {
		return err
	}
	if err := k.put(data); err != nil {
		return err
	}
	k.rows += k.count
	k.block, k.count = k.block[:0], 0
	return k.put(k.sync[:])
}

// Size implements formats.Sized.
func (k *Sink) Size() int64 { return k.pos + int64(len(k.block)) }

// Commit writes the last block and commits the file.
func (k *Sink) Commit(ctx context.Context) (arrowio.Result, error) {
	if k.err != nil {
		return arrowio.Result{}, k.err
	}
	if k.finished {
		return arrowio.Result{}, fmt.Errorf("commit: %w", fs.ErrClosed)
	}
	if k.err = k.flush(); k.err != nil {
		return arrowio.Result{}, k.err
	}
	info, err := k.w.Commit(ctx)
	if k.err = err; err != nil {
		return arrowio.Result{}, err
	}
	k.finished = true
	return arrowio.Result{Rows: k.rows, Bytes: k.pos, Files: []arrowio.WrittenFile{{URL: info.Name, Rows: k.rows, Bytes: k.pos}}}, nil
}

// Close discards a file that was not committed.
func (k *Sink) Close() error {
	k.finished = true
	return k.w.Close()
}
