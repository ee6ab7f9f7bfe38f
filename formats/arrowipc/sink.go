package arrowipc

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/arrowmsg"
	"github.com/bdkit/bdkit/internal/kernel"
)

// WriteOptions tune a Sink.
type WriteOptions struct {
	// Stream writes the streaming format in place of a file.
	Stream bool
	// Codec compresses the buffers: "", "none", "lz4" or "zstd".
	Codec string
}

// Sink writes record batches, each as it comes. Its dictionaries only grow, by
// deltas, since a file may not replace one.
type Sink struct {
	w      fs.Writer
	s      *arrow.Schema
	enc    *ipc.Writer
	out    *output
	dicts  *unifier
	rows   int64
	err    error
	done   bool
	closed bool
}

// NewSink starts a file or stream of record batches of schema s. It takes over
// w.
func NewSink(w fs.Writer, s *arrow.Schema, o WriteOptions) (k *Sink, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", arrowio.ErrUnsupported, p)
		}
		if err != nil {
			k, err = nil, errors.Join(err, w.Close())
		}
	}()
	out := &output{w: w, stream: o.Stream, seen: map[int64]bool{}}
	opts := []ipc.Option{ipc.WithSchema(s), ipc.WithDictionaryDeltas(true), ipc.WithAllocator(memory.DefaultAllocator)}
	switch o.Codec {
	case "lz4":
		opts = append(opts, ipc.WithLZ4())
	case "zstd":
		opts = append(opts, ipc.WithZstd())
	case "", "none":
	default:
		return nil, fmt.Errorf("%w: codec %q", arrowio.ErrOption, o.Codec)
	}
	if !o.Stream {
		if _, err := out.Write([]byte(magic + "\x00\x00")); err != nil {
			return nil, err
		}
	}
	return &Sink{w: w, s: s, out: out, enc: ipc.NewWriterWithPayloadWriter(out, opts...), dicts: &unifier{stream: o.Stream}}, nil
}

// Write implements arrowio.Sink.
func (k *Sink) Write(ctx context.Context, rec arrow.RecordBatch) (err error) {
	if k.closed || k.done {
		return &arrowio.Error{Op: "write", Err: fs.ErrClosed}
	}
	if k.err != nil {
		return k.err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", arrowio.ErrUnsupported, p)
		}
		if err != nil {
			if k.out.err != nil { // what the encoder makes of it is no better
				err = k.out.err
			}
			k.err = err
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	if int(rec.NumCols()) != k.s.NumFields() {
		return &arrowio.Error{Op: "write", Err: fmt.Errorf("%w: a batch of %d columns, where the schema has %d", arrowio.ErrCast, rec.NumCols(), k.s.NumFields())}
	}
	cols := make([]arrow.Array, rec.NumCols())
	for i, f := range k.s.Fields() {
		c := rec.Column(i)
		if !arrow.TypeEqual(c.DataType(), f.Type) {
			return &arrowio.Error{Op: "write", Column: f.Name, Err: fmt.Errorf("%w: %s in a column of %s", arrowio.ErrCast, c.DataType(), f.Type)}
		}
		if !f.Nullable && c.NullN() > 0 && c.DataType().ID() != arrow.NULL {
			return &arrowio.Error{Op: "write", Column: f.Name, Err: fmt.Errorf("%w: a null in a column that has none", arrowio.ErrCast)}
		}
		c, err := whole(c)
		if err != nil {
			return &arrowio.Error{Op: "write", Column: f.Name, Err: err}
		}
		defer c.Release()
		u, err := k.dicts.unify(fmt.Sprint(i), c)
		if err != nil {
			return &arrowio.Error{Op: "write", Column: f.Name, Err: err}
		}
		defer u.Release()
		cols[i] = u
	}
	one := array.NewRecordBatch(k.s, cols, rec.NumRows())
	defer one.Release()
	if err := k.enc.Write(one); err != nil {
		return &arrowio.Error{Op: "write", Err: err}
	}
	k.rows += rec.NumRows()
	return nil
}

// whole copies a slice of what arrow-go's encoder takes for a whole array: views
// of lists, unions and run ends, at any depth.
func whole(arr arrow.Array) (arrow.Array, error) {
	if !slicedBadly(arr.DataType()) {
		arr.Retain()
		return arr, nil
	}
	at := make([]int64, arr.Len())
	for i := range at {
		at[i] = int64(i)
	}
	return kernel.Take(heap, arr, at)
}

func slicedBadly(dt arrow.DataType) bool {
	switch t := dt.(type) {
	case *arrow.ListViewType, *arrow.LargeListViewType, arrow.UnionType, *arrow.RunEndEncodedType:
		return true
	case arrow.NestedType:
		for _, f := range t.Fields() {
			if slicedBadly(f.Type) {
				return true
			}
		}
	}
	return false
}

// Commit implements arrowio.Sink.
func (k *Sink) Commit(ctx context.Context) (arrowio.Result, error) {
	switch {
	case k.closed || k.done:
		return arrowio.Result{}, &arrowio.Error{Op: "write", Err: fs.ErrClosed}
	case k.err != nil:
		return arrowio.Result{}, k.err
	}
	err := k.enc.Close()
	if k.out.err != nil {
		err = k.out.err
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		k.err = err
		return arrowio.Result{}, err
	}
	info, err := k.w.Commit(ctx)
	if err != nil {
		k.err = err
		return arrowio.Result{}, err
	}
	k.done = true
	return arrowio.Result{Rows: k.rows, Bytes: k.out.n, Files: []arrowio.WrittenFile{{URL: info.Name, Rows: k.rows, Bytes: k.out.n}}}, nil
}

// Close implements arrowio.Sink.
func (k *Sink) Close() error {
	if k.closed || k.done {
		return nil
	}
	k.closed = true
	if k.err == nil {
		k.err = fs.ErrClosed
	}
	k.out.closed = true // the encoder's own end goes nowhere
	_ = k.enc.Close()   // it frees what it keeps; nothing is published
	return k.w.Close()
}

// output is where the encoder's messages go, and what a file's footer says of
// them.
type output struct {
	w       fs.Writer
	n       int64
	err     error
	stream  bool
	closed  bool
	schema  []byte
	seen    map[int64]bool
	dicts   []arrowmsg.Block
	batches []arrowmsg.Block
}

// Write counts, and keeps the first error.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.n += int64(n)
	o.err = err
	return n, err
}

// Start implements ipc.PayloadWriter.
func (o *output) Start() error { return nil }

// WritePayload implements ipc.PayloadWriter.
func (o *output) WritePayload(p ipc.Payload) error {
	if o.closed {
		return fs.ErrClosed
	}
	meta := p.Meta()
	defer meta.Release()
	m, err := arrowmsg.Decode(meta.Bytes())
	if err != nil {
		return err
	}
	at := o.n
	n, err := p.WritePayload(o)
	if err != nil || o.stream {
		return err
	}
	b := arrowmsg.Block{Off: at, Meta: int64(n), Body: m.Body}
	switch m.Kind {
	case arrowmsg.KindSchema:
		o.schema = append([]byte{}, meta.Bytes()...)
	case arrowmsg.KindDictionary:
		if o.seen[m.ID] && !m.Delta {
			return fmt.Errorf("%w: a file cannot replace a dictionary of nested values (try: the stream format, arrows)", arrowio.ErrUnsupported)
		}
		o.seen[m.ID] = true
		o.dicts = append(o.dicts, b)
	case arrowmsg.KindBatch:
		o.batches = append(o.batches, b)
	}
	return nil
}

// Close implements ipc.PayloadWriter: it writes the end of the stream, and a
// file's footer.
func (o *output) Close() error {
	if o.closed {
		return nil
	}
	o.closed = true
	end := []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}
	if !o.stream {
		foot, err := arrowmsg.EncodeFooter(o.schema, o.dicts, o.batches)
		if err != nil {
			return err
		}
		end = append(end, foot...)
		n := uint32(len(foot))
		end = append(end, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
		end = append(end, magic...)
	}
	_, err := o.Write(end)
	return err
}
