package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/columnar"
)

// blockLen is how many entries (level pairs) are decoded at a time: the levels
// of a block stay in cache, and no claim about a page's values sizes memory.
const blockLen = 4096

// leaf reads one column chunk, the rows that are asked for, into Arrow memory.
// Its rows at the front wait until the other columns have theirs.
//
//	pages ─► levels (a block at a time) ─► slots, validity ─► take(n rows)
//	     └─► values (decoded straight into the vector) ─┘
type leaf struct {
	node   *schema.Node
	pages  pageStream
	unit   string
	maxDef int16
	maxRep int16
	slot   int16 // definition level from which an entry is a slot
	nested bool  // levels are kept for the groups around

	// The page being read.
	left int // entries whose levels are not decoded
	rep  encoding.LevelDecoder
	def  encoding.LevelDecoder
	hrep encoding.Hybrid
	hdef encoding.Hybrid
	prep encoding.BitPackedLevels
	pdef encoding.BitPackedLevels
	page page

	// The block of levels being read, for nested columns and for byte arrays.
	defs, reps []int16
	at, end    int
	slotDefs   []int16 // scratch: those of a block's slots

	vals  vector
	valid *memory.Buffer // bitmap of the slots; nil where all are valid
	nulls int
	slots int
	rows  int     // complete rows waiting
	outD  []int16 // levels of the entries waiting
	outR  []int16
	gone  int   // of them, those that take handed over
	row   int64 // of the row group: the next to be read
	total int64 // rows of the row group
	step  int   // entries to decode at a time
	mem   memory.Allocator
}

func newLeaf(n *schema.Node, root bool, mem memory.Allocator) (*leaf, error) {
	l := &leaf{node: n, maxDef: int16(n.Def), maxRep: int16(n.Rep), slot: int16(n.SlotDef), mem: mem}
	l.nested = n.Rep > 0 || !root && n.Def > 0
	var err error
	l.vals, err = newVector(n, mem)
	if l.step = blockLen; l.isBytes() {
		l.step = 64
	}
	return l, err
}

func (l *leaf) isBytes() bool {
	_, ok := l.vals.(*bytesVector)
	return ok
}

// pace sets how many byte arrays to decode at a time, few where they are long,
// so that a batch ends close to its limit and an array far from its own.
func (l *leaf) pace() {
	if l.isBytes() {
		mean := l.vals.size()/int64(l.slots+1) + 1
		l.step = int(max(1, min(int64(blockLen), 1<<20/mean, int64(l.step)*8)))
	}
}

// fail says where an error arose.
func (l *leaf) fail(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := (*arrowio.Error)(nil)
	if !errors.As(err, &e) {
		e = &arrowio.Error{Offset: l.pages.headAt, Err: err}
	}
	out := *e
	out.Op, out.Unit, out.Column = "read", l.unit, l.node.Name()
	if out.Part == "" && out.Offset == l.pages.headAt {
		out.Part = l.pages.place()
	}
	if errors.Is(err, encoding.ErrCorrupt) {
		out.Err = fmt.Errorf("%w: %w", arrowio.ErrCorrupt, out.Err)
	}
	if errors.Is(err, encoding.ErrUnsupported) {
		out.Err = fmt.Errorf("%w: %w", arrowio.ErrUnsupported, out.Err)
	}
	return &out
}

// nextPage starts the next data page; dictionaries on the way are taken in.
func (l *leaf) nextPage(ctx context.Context) error {
	for {
		h, err := l.pages.header(ctx)
		if err != nil {
			return err
		}
		if h.Type != meta.DictionaryPage {
			break
		}
		if err := l.dictionary(ctx, h); err != nil {
			return err
		}
	}
	p := &l.page
	if err := l.pages.data(ctx, p); err != nil {
		return err
	}
	if l.maxRep == 0 { // an entry a row: more than there are rows is a slip of the writer
		p.values = int(min(int64(p.values), max(l.total-l.row, 0)))
	}
	l.left = p.values
	values := p.values
	if l.maxRep > 0 {
		if p.repEnc == meta.BitPacked {
			l.rep = &l.prep
		} else {
			l.rep = &l.hrep
		}
		l.rep.Reset(p.rep, encoding.Width(int(l.maxRep)), p.values)
	}
	if l.maxDef > 0 {
		if p.defEnc == meta.BitPacked {
			l.def = &l.pdef
		} else {
			l.def = &l.hdef
		}
		n, err := l.count(p)
		if err != nil {
			return err
		}
		values = n
		l.def.Reset(p.def, encoding.Width(int(l.maxDef)), p.values)
	}
	return l.vals.page(p.encoding, p.data, values)
}

// count finds how many of a page's entries have a value, which the header of
// a data page v1 does not tell.
func (l *leaf) count(p *page) (int, error) {
	width := encoding.Width(int(l.maxDef))
	if l.def == &l.hdef {
		l.hdef.Reset(p.def, width, p.values)
		return l.hdef.SkipCount(p.values, l.maxDef)
	}
	l.pdef.Reset(p.def, width, p.values)
	n := 0
	var buf [256]int16
	for k := p.values; k > 0; k -= min(k, len(buf)) {
		levels := buf[:min(k, len(buf))]
		if err := l.pdef.DecodeLevels(levels, l.maxDef); err != nil {
			return 0, err
		}
		n += bits.CountLevels(levels, l.maxDef)
	}
	return n, nil
}

func (l *leaf) dictionary(ctx context.Context, h *meta.PageHeader) error {
	n, enc := int(h.NumValues), h.Encoding
	b, err := l.pages.body(ctx)
	if err != nil {
		return err
	}
	if enc != meta.Plain && enc != meta.PlainDictionary {
		return fmt.Errorf("%w: a dictionary encoded as %s", arrowio.ErrUnsupported, enc)
	}
	return l.vals.dictionary(b, n)
}

// read makes want rows of the selection wait, counting those that do already,
// or fewer when they come to limit bytes. The selection starts at the first
// row waiting.
func (l *leaf) read(ctx context.Context, sel columnar.Selection, want int, limit int64) (err error) {
	defer func() { err = l.fail(err) }()
	if l.gone > 0 {
		l.outD = l.outD[:copy(l.outD, l.outD[l.gone:])]
		if l.maxRep > 0 {
			l.outR = l.outR[:copy(l.outR, l.outR[l.gone:])]
		}
		l.gone = 0
	}
	passed := int64(0)
	for _, s := range sel {
		if l.rows >= want || l.size() >= limit {
			return nil
		}
		n := s.Len()
		if skip := int64(l.rows) - passed; skip >= n { // waiting already
			passed += n
			continue
		} else if skip > 0 {
			s.Start += skip
			passed += skip
			n -= skip
		}
		if err := l.seek(ctx, s.Start); err != nil {
			return err
		}
		before := l.rows
		k := int(min(n, int64(want-l.rows)))
		if err := l.fill(ctx, k, limit); err != nil {
			return err
		}
		got := l.rows - before
		passed += int64(got)
		if got < k {
			return nil
		}
	}
	return nil
}

func (l *leaf) size() int64 { return l.vals.size() + int64(2*(len(l.outD)+len(l.outR))) }

// errShort is a chunk that ends before its rows do.
func (l *leaf) errShort() error {
	return fmt.Errorf("%w: the column ends after %d rows", arrowio.ErrCorrupt, l.row)
}

// fill appends k rows, fewer at limit bytes.
func (l *leaf) fill(ctx context.Context, k int, limit int64) error {
	if l.nested {
		l.reserveNested(k)
		return l.fillNested(ctx, k, limit)
	}
	l.vals.reserve(k)
	for k > 0 && l.size() < limit {
		if l.left == 0 && l.at == l.end {
			if err := l.nextPage(ctx); err == io.EOF {
				return l.errShort()
			} else if err != nil {
				return err
			}
			continue
		}
		n, err := l.flat(k)
		if err != nil {
			return err
		}
		l.rows += n
		l.row += int64(n)
		if k -= n; n == 0 { // one array is full
			return nil
		}
	}
	return nil
}

// flat appends up to k entries of the page, each of them a row and a slot.
func (l *leaf) flat(k int) (int, error) {
	if l.isBytes() {
		defer l.pace()
		return l.flatBytes(min(k, l.step))
	}
	k = min(k, l.left)
	if l.maxDef == 0 {
		n, err := l.vals.decode(k)
		l.left -= n
		l.slots += n
		return n, err
	}
	ones, err := l.decodeValid(k)
	if err != nil {
		return 0, err
	}
	l.left -= k
	if _, err := l.vals.decode(ones); err != nil {
		return 0, err
	}
	if ones < k {
		l.vals.spread(k, l.valid.Bytes(), l.slots)
	}
	l.nulls += k - ones
	l.slots += k
	return k, nil
}

// decodeValid decodes k definition levels of a column that is optional and no
// more into the validity bitmap.
func (l *leaf) decodeValid(k int) (ones int, err error) {
	l.needValid(l.slots + k)
	if l.def == &l.hdef {
		return l.hdef.DecodeBitmap(l.valid.Bytes(), l.slots, k)
	}
	var buf [256]int16
	for done := 0; done < k; {
		levels := buf[:min(len(buf), k-done)]
		if err := l.pdef.DecodeLevels(levels, l.maxDef); err != nil {
			return ones, err
		}
		ones += len(levels) - bits.FromLevels(l.valid.Bytes(), l.slots+done, levels, l.maxDef)
		done += len(levels)
	}
	return ones, nil
}

func (l *leaf) needValid(n int) {
	if l.valid == nil {
		l.valid = memory.NewResizableBuffer(l.mem)
	}
	growBits(l.valid, n)
}

// flatBytes is flat for byte arrays, which may fill their array in the middle
// of what was asked for: then the levels behind wait in the block.
func (l *leaf) flatBytes(k int) (int, error) {
	if l.maxDef == 0 {
		n, err := l.vals.decode(min(k, l.left))
		l.left -= n
		l.slots += n
		return n, err
	}
	if l.at == l.end {
		if err := l.block(); err != nil {
			return 0, err
		}
	}
	defs := l.defs[l.at:min(l.end, l.at+k)]
	l.needValid(l.slots + len(defs))
	ones := len(defs) - bits.FromLevels(l.valid.Bytes(), l.slots, defs, l.maxDef)
	done, err := l.vals.decode(ones)
	if err != nil {
		return 0, err
	}
	n := len(defs)
	if done < ones {
		n = upTo(defs, l.maxDef, done)
	}
	if done < n {
		l.vals.spread(n, l.valid.Bytes(), l.slots)
	}
	l.nulls += n - done
	l.slots += n
	l.at += n
	return n, nil
}

// close releases what the leaf holds.
func (l *leaf) close() {
	l.vals.release()
	if l.valid != nil {
		l.valid.Release()
		l.valid = nil
	}
	freeLevels(l.outD)
	freeLevels(l.outR)
	l.outD, l.outR = nil, nil
	l.pages.close()
}
