package orc

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/internal/kernel"
)

// columnSet is top-level columns of a stripe that are read in step, a piece of
// some rows after another.
type columnSet struct {
	st     *stripe
	nodes  []*node
	cols   []column
	root   *slots // the root's PRESENT stream, if it has one
	schema *arrow.Schema
	keys   map[int]bool // column ids
	at     int64        // the next row of the stripe
	primed bool
	piece  int // rows to read at a time

	checked, sound bool // the row indexes
}

// newColumnSet opens the streams of columns, and reads nothing. The set has its
// own readers: two sets may both need the nulls of one struct.
func newColumnSet(of *stripe, nodes []*node) (_ *columnSet, err error) {
	own := *of
	st := &own
	st.readers, st.held = map[streamKey]*block.Reader{}, 0
	s := &columnSet{st: st, nodes: nodes, keys: map[int]bool{}, piece: firstPiece}
	fields := make([]arrow.Field, len(nodes))
	for i, n := range nodes {
		fields[i] = n.exposed()
		addIDs(s.keys, n)
	}
	s.schema = arrow.NewSchema(fields, nil)
	if st.r.root.typ.Kind == proto.Struct && len(nodes) > 0 {
		root := &slots{}
		if err := root.open(st, st.r.root); err != nil {
			return s, err
		}
		if root.present != nil {
			s.root = root
			s.keys[0] = true
		}
	}
	s.cols, err = newColumns(st, nodes)
	return s, err
}

func addIDs(set map[int]bool, n *node) {
	set[n.id] = true
	for _, c := range n.children {
		addIDs(set, c)
	}
}

// Schema implements columnar.Columns.
func (s *columnSet) Schema() *arrow.Schema { return s.schema }

const (
	firstPiece = 512
	mostPiece  = 4096
)

// Read implements columnar.Columns.
func (s *columnSet) Read(ctx context.Context, sel columnar.Selection, want int) (n int, err error) {
	s.st.ctx = ctx
	if len(s.cols) == 0 {
		return want, nil
	}
	for _, c := range s.cols {
		c.reserve(min(want, s.st.rows))
	}
	for n < want && len(sel) > 0 {
		size := sizeOf(s.cols)
		if size >= s.st.o.BatchBytes && n > 0 {
			break
		}
		k := s.pace(n, want, size)
		head, rest := sel.Cut(int64(k))
		if err := s.readRows(head, sel); err != nil {
			return 0, err
		}
		n += int(head.Count())
		sel = rest
	}
	return n, nil
}

// pace says how many rows to read next, few where they are long, so that a
// batch ends close to its limit and an array far from its own.
func (s *columnSet) pace(n, want int, size int64) int {
	k := min(want-n, s.piece)
	if n > 0 {
		mean := size/int64(n) + 1
		k = int(max(1, min(int64(k), (s.st.o.BatchBytes-size)/mean+1)))
	}
	s.piece = min(2*s.piece, mostPiece)
	return k
}

// readRows reads the rows of head, which are the first of sel. Each column
// goes over all of them before the next one does.
func (s *columnSet) readRows(head, sel columnar.Selection) error {
	for len(head) > 0 {
		if err := s.approach(head[0].Start, sel); err != nil {
			return err
		}
		// The spans up to the next that is worth a seek.
		n := 1
		for n < len(head) && !s.worthSeek(head[n-1].End, head[n].Start) {
			n++
		}
		if err := s.readSpans(head[:n]); err != nil {
			return err
		}
		s.at, head = head[n-1].End, head[n:]
	}
	return nil
}

func (s *columnSet) readSpans(spans columnar.Selection) error {
	if s.root != nil {
		return s.readBelowRoot(spans)
	}
	for _, c := range s.cols {
		at := s.at
		for _, sp := range spans {
			if sp.Start > at {
				if err := c.skip(int(sp.Start - at)); err != nil {
					return err
				}
			}
			k := int(sp.Len())
			if err := c.read(k, all(k)); err != nil {
				return err
			}
			at = sp.End
		}
	}
	return nil
}

// readBelowRoot is readSpans where whole rows may be null.
func (s *columnSet) readBelowRoot(spans columnar.Selection) error {
	at := s.at
	for _, sp := range spans {
		if sp.Start > at {
			ones, err := s.root.skipPresent(int(sp.Start - at))
			if err != nil {
				return err
			}
			for _, c := range s.cols {
				if err := c.skip(ones); err != nil {
					return err
				}
			}
		}
		k := int(sp.Len())
		m, err := s.root.next(k, all(k))
		if err != nil {
			return err
		}
		for _, c := range s.cols {
			if err := c.read(k, m); err != nil {
				return err
			}
		}
		at = sp.End
	}
	return nil
}

// group is the row group of a row; -1 without row groups.
func (s *columnSet) group(row int64) int64 {
	if stride := s.st.stride(); stride > 0 {
		return row / stride
	}
	return -1
}

// worthSeek says whether to go from one row to another by the row index.
func (s *columnSet) worthSeek(from, to int64) bool {
	return s.group(from) < s.group(to) && to-from > s.st.stride()/4
}

// approach makes row the next, by the row index if that saves reading, and
// fetches the bytes of the row groups from there on that sel has rows of.
func (s *columnSet) approach(row int64, sel columnar.Selection) error {
	seek := s.worthSeek(s.at, row)
	if seek {
		if _, err := s.st.loadIndexes(s.keys); err != nil {
			return err
		}
		seek = s.seekable()
	}
	if s.primed && !seek {
		return s.skipTo(row)
	}
	limit := int64(-1) // the row group that nothing is needed from on
	if s.seekable() {
		limit = s.runEnd(row, sel)
	}
	if limit >= 0 && limit*s.st.stride() < int64(s.st.info.Rows) {
		for _, r := range s.readers() {
			r.Unlimit()
		}
		s.st.walk = walkLimit
		for g := limit; g*s.st.stride() < int64(s.st.info.Rows); g++ {
			if err := s.seek(g); err != nil {
				return err
			}
		}
	} else {
		for _, r := range s.readers() {
			r.Unlimit()
		}
	}
	if seek {
		s.st.walk = walkAim
		if err := s.seek(s.group(row)); err != nil {
			return err
		}
	}
	if !s.primed {
		s.st.setStep(len(s.st.readers))
		for _, r := range s.readers() {
			r.Win.Step = s.st.step
		}
	}
	if err := s.st.prime(s.readers()); err != nil {
		return err
	}
	s.primed = true
	if seek {
		s.st.walk = walkSeek
		if err := s.seek(s.group(row)); err != nil {
			return err
		}
		s.at = s.group(row) * s.st.stride()
	}
	return s.skipTo(row)
}

// seekable says that the row indexes of all columns are there and make sense. Of
// those that do not the statistics may be right all the same.
func (s *columnSet) seekable() bool {
	if !s.checked && s.st.indexed(s.keys) {
		s.checked, s.sound = true, true
		walk := s.st.walk
		s.st.walk = walkCheck
		for g := range s.st.groups() {
			s.sound = s.sound && s.seek(int64(g)) == nil
		}
		s.st.walk = walk
	}
	return s.sound
}

// seek walks the positions of a row group.
func (s *columnSet) seek(group int64) error {
	if s.root != nil {
		if _, err := s.root.seekPresent(int(group)); err != nil {
			return s.root.fail(err)
		}
	}
	return seekAll(s.cols, int(group))
}

// runEnd is the first row group behind row's that sel has no row of.
func (s *columnSet) runEnd(row int64, sel columnar.Selection) int64 {
	stride := s.st.stride()
	g := row / stride
	for sel.Overlaps(max(row, g*stride), (g+1)*stride) {
		g++
	}
	return g
}

func (s *columnSet) skipTo(row int64) error {
	n := int(row - s.at)
	if n <= 0 {
		return nil
	}
	if s.root != nil {
		ones, err := s.root.skipPresent(n)
		if err != nil {
			return err
		}
		n = ones
	}
	for _, c := range s.cols {
		if err := c.skip(n); err != nil {
			return err
		}
	}
	s.at = row
	return nil
}

// readers are the open streams of the set's columns, in the order in which they
// lie in the file.
func (s *columnSet) readers() []*block.Reader {
	var keys []streamKey
	for k := range s.st.readers {
		if s.keys[k.column] {
			keys = append(keys, k)
		}
	}
	s.st.sort(keys)
	out := make([]*block.Reader, len(keys))
	for i, k := range keys {
		out[i] = s.st.readers[k]
	}
	return out
}

// Take implements columnar.Columns. All rows that were read are taken.
func (s *columnSet) Take(n int) (cols []arrow.Array, err error) {
	defer func() {
		if err != nil {
			for _, c := range cols {
				c.Release()
			}
			cols = nil
		}
	}()
	if s.root != nil {
		if v, _, _ := s.root.takeValid(); v != nil {
			v.Release()
		}
	}
	for i, c := range s.cols {
		d, err := c.take()
		if err != nil {
			return cols, err
		}
		arr := array.MakeFromData(d)
		d.Release()
		if arr.Len() != n {
			arr.Release()
			return cols, fmt.Errorf("%w: column %s has %d rows of %d", arrowio.ErrCorrupt, s.nodes[i].path, arr.Len(), n)
		}
		if want := s.nodes[i].want; !arrow.TypeEqual(arr.DataType(), want) {
			shown, err := kernel.Cast(s.st.o.Alloc, arr, want, kernel.CastOptions{})
			arr.Release()
			if err != nil {
				return cols, &arrowio.Error{Op: "read", Unit: s.st.unit, Column: s.nodes[i].path, Err: err}
			}
			arr = shown
		}
		cols = append(cols, arr)
	}
	return cols, nil
}

func (s *columnSet) release() {
	releaseColumns(s.cols)
	if s.root != nil {
		s.root.release()
	}
	s.st.close()
}
