package arrowmsg

import "encoding/binary"

// EncodeFooter writes a file's footer: the places of its messages, and the
// schema as the schema message has it, which is copied whole. (A flatbuffer's
// offsets are relative, so that a table stays right wherever its buffer goes.)
func EncodeFooter(schemaMessage []byte, dictionaries, batches []Block) ([]byte, error) {
	t := newFlat(schemaMessage).root()
	schema := t.ref(2)
	if t.f.bad || schema < 0 {
		return nil, corrupt("no schema message")
	}
	const (
		vtable = 8
		root   = 24
		v5     = 4
	)
	le := binary.LittleEndian
	b := make([]byte, 44)
	le.PutUint32(b, root)
	for i, v := range []uint16{12, 20, 16, 4, 8, 12} { // sizes; then version, schema, dictionaries, batches
		le.PutUint16(b[vtable+2*i:], v)
	}
	le.PutUint32(b[root:], root-vtable)
	le.PutUint16(b[root+16:], v5)
	for i, blocks := range [][]Block{dictionaries, batches} {
		if i > 0 {
			b = append(b, 0, 0, 0, 0) // so that the blocks are aligned
		}
		at := root + 8 + 4*i
		le.PutUint32(b[at:], uint32(len(b)-at))
		b = le.AppendUint32(b, uint32(len(blocks)))
		for _, x := range blocks {
			b = le.AppendUint64(b, uint64(x.Off))
			b = le.AppendUint64(b, uint64(x.Meta))
			b = le.AppendUint64(b, uint64(x.Body))
		}
	}
	le.PutUint32(b[root+4:], uint32(int64(len(b))+schema-(root+4)))
	return append(b, schemaMessage...), nil
}
