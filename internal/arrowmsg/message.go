package arrowmsg

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
)

// Kind is the kind of a message.
type Kind uint8

// The kinds.
const (
	KindNone Kind = iota
	KindSchema
	KindDictionary
	KindBatch
	KindTensor
	KindSparseTensor
)

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

var kindNames = [...]string{"nothing", "a schema", "a dictionary", "a record batch", "a tensor", "a sparse tensor"}

// Message is a message's metadata; its body, of Body bytes, follows it.
type Message struct {
	Kind   Kind
	Old    bool // metadata version 4, in which unions have a validity bitmap
	Body   int64
	Meta   arrow.Metadata
	Schema *Schema      // of a schema
	Batch  *RecordBatch // of a record batch, or a dictionary's values
	ID     int64        // of a dictionary
	Delta  bool         // the dictionary's values follow those already there
}

// RecordBatch says where a batch's arrays lie in its body.
type RecordBatch struct {
	Rows     int64
	Nodes    []Node
	Buffers  []Buffer
	Codec    Codec
	Variadic []int64
}

// Node is one array: its length and nulls.
type Node struct{ Length, Nulls int64 }

// Buffer is one buffer's place in the body.
type Buffer struct{ Off, Len int64 }

// Codec compresses each buffer of a body.
type Codec uint8

// The codecs.
const (
	Plain Codec = iota
	LZ4Frame
	Zstd
)

func (c Codec) String() string { return [...]string{"none", "lz4", "zstd"}[c] }

// Block is a message's place in a file.
type Block struct {
	Off  int64
	Meta int64 // bytes of the metadata, with the length in front
	Body int64
}

// Footer is the end of a file.
type Footer struct {
	Schema       *Schema
	Dictionaries []Block
	Batches      []Block
	Meta         arrow.Metadata
}

func version(v int64) (old bool, err error) {
	switch v {
	case 3, 4:
		return v == 3, nil
	}
	return false, fmt.Errorf("%w: Arrow metadata version %d", arrowio.ErrUnsupported, v+1)
}

// Decode reads a message's metadata, without the length in front of it.
func Decode(b []byte) (*Message, error) {
	t := newFlat(b).root()
	m := &Message{Kind: Kind(t.num(1, 1, 0)), Body: t.num(3, 8, 0), Meta: metadata(t, 4)}
	if t.f.bad || m.Body < 0 {
		return nil, corrupt("no Arrow message")
	}
	var err error
	if m.Old, err = version(t.num(0, 2, 0)); err != nil {
		return nil, err
	}
	h := t.child(2)
	switch m.Kind {
	case KindSchema:
		m.Schema, err = schemaOf(h)
	case KindBatch:
		m.Batch, err = batchOf(h)
	case KindDictionary:
		m.ID, m.Delta = h.num(0, 8, 0), h.flag(2, false)
		m.Batch, err = batchOf(h.child(1))
	case KindTensor, KindSparseTensor:
		err = fmt.Errorf("%w: %s in place of record batches", arrowio.ErrUnsupported, m.Kind)
	default:
		err = corrupt("a message of %s", m.Kind)
	}
	if err == nil && (t.f.bad || !h.ok) {
		err = corrupt("%s that reaches beyond its bytes", m.Kind)
	}
	if err != nil {
		return nil, err
	}
	if m.Batch != nil {
		for _, x := range m.Batch.Buffers {
			if x.Off < 0 || x.Len < 0 || x.Off > m.Body-x.Len {
				return nil, corrupt("a buffer at %d with %d bytes in a body of %d", x.Off, x.Len, m.Body)
			}
		}
	}
	return m, nil
}

func batchOf(t table) (*RecordBatch, error) {
	b := &RecordBatch{Rows: t.num(0, 8, 0)}
	at, n := t.vector(1, 16)
	for i := range int64(n) {
		node := Node{t.f.i64(at + 16*i), t.f.i64(at + 16*i + 8)}
		if node.Length < 0 || node.Nulls < 0 || node.Nulls > node.Length {
			return nil, corrupt("an array of %d values, %d of them null", node.Length, node.Nulls)
		}
		b.Nodes = append(b.Nodes, node)
	}
	at, n = t.vector(2, 16)
	for i := range int64(n) {
		b.Buffers = append(b.Buffers, Buffer{t.f.i64(at + 16*i), t.f.i64(at + 16*i + 8)})
	}
	at, n = t.vector(4, 8)
	for i := range int64(n) {
		b.Variadic = append(b.Variadic, t.f.i64(at+8*i))
	}
	if c := t.child(3); c.ok {
		switch codec := c.num(0, 1, 0); codec {
		case 0, 1:
			b.Codec = LZ4Frame + Codec(codec)
		default:
			return nil, fmt.Errorf("%w: body compression %d", arrowio.ErrUnsupported, codec)
		}
		if m := c.num(1, 1, 0); m != 0 {
			return nil, fmt.Errorf("%w: body compression method %d", arrowio.ErrUnsupported, m)
		}
	}
	if b.Rows < 0 {
		return nil, corrupt("a batch of %d rows", b.Rows)
	}
	if b.Rows > math.MaxInt32 { // what the format recommends; nulls of any number take no byte
		return nil, fmt.Errorf("%w: a batch of %d rows", arrowio.ErrUnsupported, b.Rows)
	}
	return b, nil
}

// DecodeFooter reads a file's footer.
func DecodeFooter(b []byte) (*Footer, error) {
	t := newFlat(b).root()
	if t.f.bad {
		return nil, corrupt("no Arrow footer")
	}
	if _, err := version(t.num(0, 2, 0)); err != nil {
		return nil, err
	}
	s, err := schemaOf(t.child(1))
	if err != nil {
		return nil, err
	}
	f := &Footer{Schema: s, Dictionaries: blocks(t, 2), Batches: blocks(t, 3), Meta: metadata(t, 4)}
	if t.f.bad {
		return nil, corrupt("a footer that reaches beyond its bytes")
	}
	return f, nil
}

func blocks(t table, field int) (out []Block) {
	at, n := t.vector(field, 24)
	for i := range int64(n) {
		out = append(out, Block{t.f.i64(at + 24*i), t.f.i32(at + 24*i + 8), t.f.i64(at + 24*i + 16)})
	}
	return out
}
