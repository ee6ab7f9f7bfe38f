package orc

import (
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

// walkMode is what a walk over the positions of a row group does.
type walkMode int

const (
	// walkSeek brings streams and decoders to the row group.
	walkSeek walkMode = iota
	// walkAim brings the streams there and leaves the decoders, so that the
	// bytes can be fetched in one go.
	walkAim
	// walkLimit tells the streams that nothing is needed from the row group on.
	walkLimit
	// walkCheck does nothing, but for an error if the positions make no sense.
	walkCheck
)

// positions are those of one column at the start of one row group, in the
// order of its streams (specification, "Row Index"): for each the offset of a
// chunk and of a byte in it, or of the byte in an uncompressed stream, and then
// what its run length encoding needs.
type positions struct {
	list []uint64
	two  bool // compressed
}

func (p *positions) next() (int, error) {
	if len(p.list) == 0 {
		return 0, corrupt("the row index has too few positions")
	}
	v := p.list[0]
	p.list = p.list[1:]
	if v > 1<<40 {
		return 0, corrupt("a position of %d", v)
	}
	return int(v), nil
}

// seekPresent starts a walk and does its step of the PRESENT stream.
func (s *slots) seekPresent(group int) (*positions, error) {
	x := s.st.indexes[s.node.id]
	if x == nil || group >= len(x.Entries) {
		return nil, corrupt("the row index of column %d has no row group %d", s.node.id, group)
	}
	p := &positions{list: x.Entries[group].Positions, two: s.st.r.format.Compressed()}
	if s.present == nil {
		return p, nil
	}
	return p, p.bools(s.st, s.node, proto.Present, s.present)
}

// stream does the stream's part of the step and gives the bytes to pass over
// from there. Without one there is nothing to read and nothing to do.
func (p *positions) stream(st *stripe, id int, kind proto.StreamKind, slack int64) (r *block.Reader, bytes int, err error) {
	off, err := p.next()
	if err != nil {
		return nil, 0, err
	}
	if p.two {
		if bytes, err = p.next(); err != nil {
			return nil, 0, err
		}
	}
	if r = st.readers[streamKey{id, kind}]; r == nil {
		return nil, 0, nil
	}
	switch st.walk {
	case walkCheck:
		if int64(off) > r.Len() {
			return nil, 0, corrupt("a position %d bytes into a stream of %d", off, r.Len())
		}
		return nil, 0, nil
	case walkLimit:
		r.Limit(uint64(off), bytes > 0, slack)
		return nil, 0, nil
	case walkAim:
		return nil, 0, r.Seek(uint64(off))
	}
	return r, bytes, r.Seek(uint64(off))
}

// longestRun is more bytes than any run of an integer stream takes.
const longestRun = 4 << 10

func (p *positions) ints(st *stripe, n *node, in intStream) error {
	r, bytes, err := p.stream(st, n.id, in.kind, longestRun)
	if err != nil {
		return err
	}
	values, err := p.next()
	if err != nil || r == nil {
		return err
	}
	in.Reset(r)
	return in.Seek(bytes, values)
}

func (p *positions) bytes(st *stripe, n *node, in *encoding.ByteRLE) error {
	r, bytes, err := p.stream(st, n.id, proto.Data, 256)
	if err != nil {
		return err
	}
	values, err := p.next()
	if err != nil || r == nil {
		return err
	}
	in.Reset(r)
	return in.Seek(bytes, values)
}

func (p *positions) bools(st *stripe, n *node, kind proto.StreamKind, in *encoding.BoolRLE) error {
	r, bytes, err := p.stream(st, n.id, kind, 256)
	if err != nil {
		return err
	}
	values, err := p.next()
	if err != nil {
		return err
	}
	bits, err := p.next()
	if err != nil || r == nil {
		return err
	}
	in.Reset(r)
	return in.Seek(bytes, values, bits)
}

func (p *positions) raw(st *stripe, n *node, in *encoding.Raw) error {
	r, bytes, err := p.stream(st, n.id, proto.Data, 0)
	if err != nil || r == nil {
		return err
	}
	in.Reset(r)
	return in.Seek(bytes)
}

func (p *positions) varints(st *stripe, n *node, in *encoding.Varints) error {
	r, bytes, err := p.stream(st, n.id, proto.Data, 0)
	if err != nil || r == nil {
		return err
	}
	in.Reset(r)
	return in.Seek(bytes)
}
