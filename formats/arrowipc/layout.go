package arrowipc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/arrowmsg"
)

// pick is a field that is wanted, whole or some fields of a struct.
type pick struct {
	field *arrowmsg.Field
	typ   arrow.DataType // as it is given
	parts map[int]*pick  // of a struct; nil: whole
}

// picks matches a projected schema with the fields it is of.
func picks(fields []*arrowmsg.Field, wanted []arrow.Field) map[int]*pick {
	out := map[int]*pick{}
	for i, f := range fields {
		for _, w := range wanted {
			if f.Name == w.Name {
				p := &pick{field: f, typ: w.Type}
				if st, ok := w.Type.(*arrow.StructType); ok && !f.Encoded && !arrow.TypeEqual(st, f.Type) {
					p.parts = picks(f.Children, st.Fields())
				}
				out[i] = p
				break
			}
		}
	}
	return out
}

// dictionaries adds the ids of those that the field's values refer to, and those
// that their own values refer to.
func (p *pick) dictionaries(ids map[int64]bool) {
	if p.field.Encoded {
		ids[p.field.Dict] = true
	}
	for i, kid := range p.field.Children {
		if p.parts == nil {
			(&pick{field: kid}).dictionaries(ids)
		} else if k := p.parts[i]; k != nil {
			k.dictionaries(ids)
		}
	}
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", arrowio.ErrCorrupt, fmt.Sprintf(format, args...))
}

// role is what a buffer holds.
type role uint8

const (
	validity role = iota
	fixed
	packed
	offsets32
	offsets64
	sizes32
	sizes64
	views
	bytesOf // the bytes of text and binary
	typeIDs
)

// part is one array of a batch: where its buffers lie, then the buffers.
type part struct {
	label  string // "column a.b"
	typ    arrow.DataType
	value  arrow.DataType // without the dictionary
	field  *arrowmsg.Field
	length int64
	bufs   []buffer
	kids   []*part
}

type buffer struct {
	role role
	at   int // of the batch's buffers; -1: not there, or not needed
	mem  *memory.Buffer
}

// cursor walks the fields of a schema and the nodes and buffers of a batch in
// step.
type cursor struct {
	msg                 *arrowmsg.Message
	node, buf, variadic int
}

func (c *cursor) nextNode() (arrowmsg.Node, error) {
	b := c.msg.Batch
	if c.node >= len(b.Nodes) {
		return arrowmsg.Node{}, corrupt("a batch of %d arrays, where the schema has more", len(b.Nodes))
	}
	c.node++
	return b.Nodes[c.node-1], nil
}

// add takes the next buffer for the part; nil parts are passed over.
func (c *cursor) add(p *part, r role, needed bool) error {
	if c.buf >= len(c.msg.Batch.Buffers) {
		return corrupt("a batch of %d buffers, where the schema has more", len(c.msg.Batch.Buffers))
	}
	if p != nil {
		b := buffer{role: r, at: -1}
		if needed {
			b.at = c.buf
		}
		p.bufs = append(p.bufs, b)
	}
	c.buf++
	return nil
}

// take walks one field. Nil wants nothing of it.
func (c *cursor) take(f *arrowmsg.Field, want *pick, label string) (*part, error) {
	node, err := c.nextNode()
	if err != nil {
		return nil, err
	}
	var p *part
	if want != nil {
		p = &part{label: label, typ: want.typ, value: f.Value, field: f, length: node.Length}
	}
	if f.Encoded {
		if err := c.add(p, validity, node.Nulls > 0); err != nil {
			return nil, err
		}
		return p, c.add(p, fixed, true)
	}
	if err := c.buffers(f.Value, node, p); err != nil {
		return nil, err
	}
	for i, kid := range f.Children {
		var w *pick
		if want != nil {
			if w = want.parts[i]; want.parts == nil {
				w = &pick{field: kid, typ: kid.Type}
			}
		}
		k, err := c.take(kid, w, label+"."+kid.Name)
		if err != nil {
			return nil, err
		}
		if k != nil {
			p.kids = append(p.kids, k)
		}
	}
	return p, nil
}

// buffers takes those of one type, in the order of the format's specification.
func (c *cursor) buffers(dt arrow.DataType, node arrowmsg.Node, p *part) error {
	var roles []role
	switch t := dt.(type) {
	case *arrow.NullType, *arrow.RunEndEncodedType:
		return nil
	case arrow.UnionType:
		if c.msg.Old {
			// Before version 5 a union had a validity bitmap of its own.
			if node.Nulls > 0 {
				return fmt.Errorf("%w: a union with nulls of its own, of metadata version 4", arrowio.ErrUnsupported)
			}
			if err := c.add(nil, validity, false); err != nil {
				return err
			}
		}
		if err := c.add(p, typeIDs, true); err != nil {
			return err
		}
		if t.Mode() == arrow.DenseMode {
			return c.add(p, sizes32, true) // offsets without an end
		}
		return nil
	case *arrow.StructType, *arrow.FixedSizeListType:
	case *arrow.BooleanType:
		roles = []role{packed}
	case *arrow.StringType, *arrow.BinaryType:
		roles = []role{offsets32, bytesOf}
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		roles = []role{offsets64, bytesOf}
	case *arrow.ListType, *arrow.MapType:
		roles = []role{offsets32}
	case *arrow.LargeListType:
		roles = []role{offsets64}
	case *arrow.ListViewType:
		roles = []role{sizes32, sizes32}
	case *arrow.LargeListViewType:
		roles = []role{sizes64, sizes64}
	case arrow.BinaryViewDataType:
		roles = []role{views}
		if c.variadic >= len(c.msg.Batch.Variadic) {
			return corrupt("a view without its number of buffers")
		}
		n := c.msg.Batch.Variadic[c.variadic]
		c.variadic++
		if n < 0 || n > int64(len(c.msg.Batch.Buffers)-c.buf) {
			return corrupt("a view of %d buffers", n)
		}
		for range n {
			roles = append(roles, bytesOf)
		}
	case arrow.FixedWidthDataType:
		roles = []role{fixed}
	default:
		return fmt.Errorf("%w: arrays of %s", arrowio.ErrUnsupported, dt)
	}
	if err := c.add(p, validity, node.Nulls > 0); err != nil {
		return err
	}
	for _, r := range roles {
		if err := c.add(p, r, true); err != nil {
			return err
		}
	}
	return nil
}

// each calls f for the part and all below it.
func (p *part) each(f func(*part) error) error {
	if err := f(p); err != nil {
		return err
	}
	for _, k := range p.kids {
		if err := k.each(f); err != nil {
			return err
		}
	}
	return nil
}

func (p *part) release() {
	for i := range p.bufs {
		if p.bufs[i].mem != nil {
			p.bufs[i].mem.Release()
			p.bufs[i].mem = nil
		}
	}
	for _, k := range p.kids {
		k.release()
	}
}

var roleNames = [...]string{"validity", "values", "values", "offsets", "offsets", "positions", "positions", "views", "bytes", "types"}

// name is the column's, without the word in front.
func (p *part) name() string { return p.label[len("column "):] }

func indexType(dt arrow.DataType) arrow.DataType { return dt.(*arrow.DictionaryType).IndexType }
