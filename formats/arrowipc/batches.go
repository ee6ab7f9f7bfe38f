package arrowipc

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/arrowmsg"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// batches reads the record batches of one split: the filter's columns first,
// the others only where a row passes.
type batches struct {
	r      *Reader
	o      arrowio.ReadOptions
	shown  *arrow.Schema
	filter pushdown.Expr
	test   *arrow.Schema // the filter's columns
	at, to int           // of the file's record batches
	off    int64         // of a stream's next message
	known  map[int64]*dictionary
	ids    map[int64]bool // of the dictionaries that the columns need
	want   []column       // shown
	probe  []column       // of the filter

	cur  arrow.RecordBatch
	done int64 // rows of cur that were given
	step int64
	held int64 // of the budget, for cur
	kept map[int64]int64
}

// column is a top-level field and what is wanted of it.
type column struct {
	at   int
	pick *pick
}

func newBatches(r *Reader, p payload, filter pushdown.Expr, o arrowio.ReadOptions) (*batches, error) {
	b := &batches{r: r, o: o, filter: filter, at: p.From, to: p.To, off: r.start, known: map[int64]*dictionary{}, kept: map[int64]int64{}}
	var err error
	if b.shown, b.want, err = r.columns(p.Columns); err != nil {
		return b, err
	}
	if filter != nil {
		if b.test, b.probe, err = r.columns(pushdown.Columns(filter)); err != nil {
			return b, err
		}
	}
	b.ids = map[int64]bool{}
	for _, c := range append(b.probe[:len(b.probe):len(b.probe)], b.want...) {
		c.pick.dictionaries(b.ids)
	}
	return b, nil
}

// columns matches a projection with the file's fields.
func (r *Reader) columns(paths []pushdown.Path) (*arrow.Schema, []column, error) {
	s, err := arrowio.ProjectSchema(r.schema.Arrow, paths)
	if err != nil {
		return nil, nil, err
	}
	out := make([]column, s.NumFields())
	for i, f := range s.Fields() {
		at := i
		if paths != nil {
			at = r.schema.Arrow.FieldIndices(f.Name)[0]
		}
		field := r.schema.Fields[at]
		p := &pick{field: field, typ: f.Type}
		if st, ok := f.Type.(*arrow.StructType); ok && !field.Encoded && !arrow.TypeEqual(f.Type, field.Type) {
			p.parts = picks(field.Children, st.Fields())
		}
		out[i] = column{at, p}
	}
	return s, out, nil
}

// next gives the next batch, io.EOF at the end.
func (b *batches) next(ctx context.Context) (rec arrow.RecordBatch, err error) {
	defer func() {
		if err != nil && err != io.EOF {
			err = b.r.where("read", err)
		}
	}()
	defer arrowio.Guard(&err)
	for b.cur == nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := b.load(ctx); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	end := min(b.done+b.step, b.cur.NumRows())
	rec = b.cur.NewSlice(b.done, end)
	if b.done = end; end == b.cur.NumRows() {
		b.drop()
	}
	return rec, nil
}

func (b *batches) drop() {
	if b.cur != nil {
		b.cur.Release()
		b.cur = nil
	}
	b.o.Budget.Release(b.held)
	b.held = 0
}

func (b *batches) close() error {
	b.drop()
	for _, n := range b.kept {
		b.o.Budget.Release(n)
	}
	b.kept = nil
	return nil
}

// load reads the next record batch that has rows to give, if it is the next
// message at all.
func (b *batches) load(ctx context.Context) error {
	unit := batchName(b.at)
	var m *arrowmsg.Message
	var body int64
	var err error
	if b.r.stream {
		var next int64
		if m, body, next, err = b.r.message(ctx, b.off, unit); err != nil {
			if errors.Is(err, io.EOF) && !errors.Is(err, arrowio.ErrCorrupt) {
				return io.EOF
			}
			return &arrowio.Error{Unit: unit, Offset: b.off, Err: corruptEnd(err, "a message")}
		}
		b.off = next
		switch m.Kind {
		case arrowmsg.KindDictionary:
			if !b.ids[m.ID] {
				return nil
			}
			if err := b.learn(ctx, m, body); err != nil {
				return &arrowio.Error{Unit: fmt.Sprintf("dictionary %d", m.ID), Offset: body, Err: err}
			}
			return nil
		case arrowmsg.KindBatch:
		default:
			return &arrowio.Error{Unit: unit, Err: corrupt("%s in the middle of a stream", m.Kind)}
		}
	} else {
		if b.at >= b.to {
			return io.EOF
		}
		block := b.r.blocks[b.at]
		if m, err = b.r.batchHead(ctx, b.at); err != nil {
			return &arrowio.Error{Unit: unit, Offset: block.Off, Err: err}
		}
		body = block.Off + block.Meta
	}
	b.at++
	if m.Batch.Rows == 0 {
		return nil
	}
	l := &loader{file: b.r.f, msg: m, unit: unit, body: body, alloc: b.o.Alloc, budget: b.o.Budget, big: b.r.schema.BigEndian}
	if err := b.decode(ctx, l); err != nil {
		b.drop()
		if e, ok := err.(*arrowio.Error); ok {
			e.Unit = unit
			return e
		}
		return &arrowio.Error{Unit: unit, Err: corruptEnd(err, "the body")}
	}
	return nil
}

// decode reads the columns of a batch and filters it.
func (b *batches) decode(ctx context.Context, l *loader) error {
	rows := l.msg.Batch.Rows
	parts, err := b.parts(l.msg, b.want)
	if err != nil {
		return err
	}
	test, err := b.parts(l.msg, b.probe)
	if err != nil {
		return err
	}
	all := append(test[:len(test):len(test)], parts...)
	defer func() {
		for _, p := range all {
			p.release()
		}
	}()
	var mask kernel.Bitmap
	count := rows
	var have map[int]arrow.Array
	if b.filter != nil {
		read := test
		if b.r.forward { // what is passed over cannot be had later
			read = all
		}
		if err := b.fill(ctx, l, read); err != nil {
			return err
		}
		rec, err := b.assemble(ctx, b.test, test, rows, nil)
		if err != nil {
			return err
		}
		defer rec.Release()
		m, err := pushdown.Eval(b.o.Alloc, b.filter, rec)
		if err != nil {
			return err
		}
		if mask = kernel.Bitmap(m); mask.Count() == 0 {
			b.drop()
			return nil
		}
		count = int64(mask.Count())
		have = map[int]arrow.Array{}
		for i, c := range b.probe {
			for k, w := range b.want {
				if c.at == w.at && arrow.TypeEqual(c.pick.typ, w.pick.typ) {
					have[k] = rec.Column(i)
				}
			}
		}
	}
	if b.filter == nil || !b.r.forward {
		var rest []*part
		for i, p := range parts {
			if have[i] == nil {
				rest = append(rest, p)
			}
		}
		if err := b.fill(ctx, l, rest); err != nil {
			return err
		}
	}
	rec, err := b.assemble(ctx, b.shown, parts, rows, have)
	if err != nil {
		return err
	}
	if count < rows {
		whole := rec
		rec, err = kernel.FilterBatch(b.o.Alloc, whole, mask)
		whole.Release()
		if err != nil {
			return err
		}
	}
	b.cur, b.done = rec, 0
	b.step = max(1, min(int64(b.o.BatchRows), int64(float64(b.o.BatchBytes)/(float64(b.held)+1)*float64(rows))))
	return nil
}

func (b *batches) fill(ctx context.Context, l *loader, parts []*part) error {
	held, err := l.load(ctx, parts)
	b.held += held
	return err
}

// parts walks the schema for some columns, in their order.
func (b *batches) parts(m *arrowmsg.Message, cols []column) ([]*part, error) {
	want := map[int]*pick{}
	for _, c := range cols {
		want[c.at] = c.pick
	}
	c := &cursor{msg: m}
	found := map[int]*part{}
	for i, f := range b.r.schema.Fields {
		p, err := c.take(f, want[i], "column "+f.Name)
		if err != nil {
			return nil, &arrowio.Error{Column: f.Name, Err: err}
		}
		if p != nil {
			if p.length != m.Batch.Rows {
				return nil, &arrowio.Error{Column: f.Name, Err: corrupt("%d values in a batch of %d rows", p.length, m.Batch.Rows)}
			}
			found[i] = p
		}
	}
	out := make([]*part, len(cols))
	for i, c := range cols {
		out[i] = found[c.at]
	}
	return out, nil
}

// assemble makes a batch of loaded parts and of columns that are there already.
func (b *batches) assemble(ctx context.Context, s *arrow.Schema, parts []*part, rows int64, have map[int]arrow.Array) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, len(parts))
	for i, p := range parts {
		if have[i] != nil {
			cols[i] = have[i]
			continue
		}
		a, err := p.build(func(id int64) (arrow.Array, error) { return b.dictionary(ctx, id) })
		if err != nil {
			return nil, &arrowio.Error{Column: p.field.Name, Err: err}
		}
		defer a.Release()
		cols[i] = a
	}
	return array.NewRecordBatch(s, cols, rows), nil
}
