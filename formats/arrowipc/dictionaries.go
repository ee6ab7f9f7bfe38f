package arrowipc

import (
	"context"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/arrowmsg"
	"github.com/bdkit/bdkit/internal/kernel"
)

// Dictionaries outlive the batches that refer to them and are shared by the
// splits of a file, so that they are in memory of the Go heap, whatever the
// allocator of a reader. Each reader counts those that it uses.

// dictionary is the values of one id.
type dictionary struct {
	values arrow.Array
	bytes  int64
}

func newDictionary(values arrow.Array) *dictionary {
	return &dictionary{values, kernel.ByteSize(values)}
}

// dictionaries are those of a file, read when they are first needed.
type dictionaries struct {
	r      *Reader
	blocks []arrowmsg.Block
	fields map[int64]*arrowmsg.Field

	mu    sync.Mutex
	found map[int64][]*dictionaryBlock // nil: not looked for
	ready map[int64]*dictionary
	busy  map[int64]bool
}

type dictionaryBlock struct {
	msg  *arrowmsg.Message
	body int64
}

func newDictionaries(r *Reader, blocks []arrowmsg.Block) *dictionaries {
	return &dictionaries{r: r, blocks: blocks, fields: dictionaryFields(r.schema), ready: map[int64]*dictionary{}, busy: map[int64]bool{}}
}

// dictionaryFields finds the field whose values each dictionary holds.
func dictionaryFields(s *arrowmsg.Schema) map[int64]*arrowmsg.Field {
	out := map[int64]*arrowmsg.Field{}
	var walk func(fields []*arrowmsg.Field)
	walk = func(fields []*arrowmsg.Field) {
		for _, f := range fields {
			if f.Encoded && out[f.Dict] == nil {
				out[f.Dict] = f
			}
			walk(f.Children)
		}
	}
	walk(s.Fields)
	return out
}

// get reads a dictionary, with those that its own values refer to.
func (d *dictionaries) get(ctx context.Context, id int64, budget *arrowio.Budget) (*dictionary, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.found == nil {
		found := map[int64][]*dictionaryBlock{}
		for i, b := range d.blocks {
			m, err := d.r.block(ctx, b, arrowmsg.KindDictionary, fmt.Sprintf("dictionary block %d", i))
			if err != nil {
				return nil, err
			}
			found[m.ID] = append(found[m.ID], &dictionaryBlock{m, b.Off + b.Meta})
		}
		d.found = found
	}
	return d.read(ctx, id, budget)
}

func (d *dictionaries) read(ctx context.Context, id int64, budget *arrowio.Budget) (*dictionary, error) {
	if x := d.ready[id]; x != nil {
		return x, nil
	}
	if d.busy[id] {
		return nil, corrupt("dictionary %d refers to itself", id)
	}
	d.busy[id] = true
	defer delete(d.busy, id)
	var out *dictionary
	for i, b := range d.found[id] {
		if b.msg.Delta != (i > 0) {
			return nil, corrupt("dictionary %d is there twice", id)
		}
		x, err := d.r.readDictionary(ctx, d.fields[id], b.msg, b.body, out, budget, func(id int64) (arrow.Array, error) {
			x, err := d.read(ctx, id, budget)
			if err != nil {
				return nil, err
			}
			return x.values, nil
		})
		if err != nil {
			return nil, fmt.Errorf("dictionary %d: %w", id, err)
		}
		out = x
	}
	if out == nil {
		out = newDictionary(emptyOf(d.fields[id].Value))
	}
	d.ready[id] = out
	return out, nil
}

func emptyOf(dt arrow.DataType) arrow.Array {
	return array.MakeArrayOfNull(memory.DefaultAllocator, dt, 0)
}

// readDictionary reads the values of a dictionary message, behind those that
// are there if it is a delta.
func (r *Reader) readDictionary(ctx context.Context, f *arrowmsg.Field, m *arrowmsg.Message, body int64, before *dictionary, budget *arrowio.Budget, dict func(int64) (arrow.Array, error)) (*dictionary, error) {
	plain := *f
	plain.Encoded, plain.Type = false, f.Value
	p, err := (&cursor{msg: m}).take(&plain, &pick{field: &plain, typ: f.Value}, "column "+f.Name)
	if err != nil {
		return nil, err
	}
	defer p.release()
	if p.length != m.Batch.Rows {
		return nil, corrupt("%d values in a dictionary of %d", p.length, m.Batch.Rows)
	}
	l := &loader{file: r.f, msg: m, unit: fmt.Sprintf("dictionary %d", m.ID), body: body, alloc: memory.DefaultAllocator, budget: budget, big: r.schema.BigEndian}
	held, err := l.load(ctx, []*part{p})
	if err != nil {
		return nil, err
	}
	defer budget.Release(held)
	values, err := p.build(dict)
	if err != nil {
		return nil, err
	}
	if m.Delta && before != nil {
		if values, err = kernel.Concat(memory.DefaultAllocator, []arrow.Array{before.values, values}); err != nil {
			return nil, err
		}
	}
	return newDictionary(values), nil
}

// learn takes a dictionary of a stream, which adds to that of its id or
// replaces it.
func (b *batches) learn(ctx context.Context, m *arrowmsg.Message, body int64) error {
	f := b.dictionaryFields()[m.ID]
	if f == nil {
		return corrupt("the schema has no such dictionary")
	}
	x, err := b.r.readDictionary(ctx, f, m, body, b.known[m.ID], b.o.Budget, func(id int64) (arrow.Array, error) { return b.dictionary(ctx, id) })
	if err != nil {
		return corruptEnd(err, "the body")
	}
	b.known[m.ID] = x
	return b.keep(m.ID, x)
}

func (b *batches) dictionaryFields() map[int64]*arrowmsg.Field {
	b.r.mu.Lock()
	defer b.r.mu.Unlock()
	if b.r.dicts == nil {
		b.r.dicts = newDictionaries(b.r, nil)
	}
	return b.r.dicts.fields
}

// keep counts a dictionary against the reader's budget.
func (b *batches) keep(id int64, x *dictionary) error {
	b.o.Budget.Release(b.kept[id])
	delete(b.kept, id)
	if err := b.o.Budget.Force(x.bytes); err != nil {
		return err
	}
	b.kept[id] = x.bytes
	return nil
}

// dictionary finds the values that a batch refers to. Of an id that was never
// sent there are none.
func (b *batches) dictionary(ctx context.Context, id int64) (arrow.Array, error) {
	x := b.known[id]
	if x == nil {
		if b.r.stream {
			x = newDictionary(emptyOf(b.dictionaryFields()[id].Value))
		} else {
			var err error
			if x, err = b.r.dicts.get(ctx, id, b.o.Budget); err != nil {
				return nil, err
			}
		}
		b.known[id] = x
		if err := b.keep(id, x); err != nil {
			return nil, err
		}
	}
	return x.values, nil
}
