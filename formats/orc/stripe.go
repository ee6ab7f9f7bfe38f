package orc

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/fs"
)

// stripe is one stripe being read: where its streams lie, and those that are
// open.
type stripe struct {
	r      *Reader
	i      int
	unit   string
	info   *proto.StripeInformation
	footer *proto.StripeFooter
	o      arrowio.ReadOptions
	rows   int             // of a batch, at most
	ctx    context.Context // of the reads to come
	step   int             // bytes that a window moves on by

	streams map[streamKey]extent
	encs    map[int]proto.ColumnEncoding // of encrypted columns
	readers map[streamKey]*block.Reader
	indexes map[int]*proto.RowIndex
	walk    walkMode
	held    int64 // of the budget, by indexes
}

// streamKey names a stream of a stripe.
type streamKey struct {
	column int
	kind   proto.StreamKind
}

// extent is where a stream lies in the file.
type extent struct {
	off, size int64
	variant   int // of the encryption, counting from 1; 0: plaintext
}

// openStripe reads a stripe's footer.
func (r *Reader) openStripe(ctx context.Context, i int, o arrowio.ReadOptions) (*stripe, error) {
	st := &stripe{r: r, i: i, unit: stripeName(i), info: &r.footer.Stripes[i], o: o.WithDefaults(), ctx: ctx, step: 4 << 20}
	st.readers, st.indexes = map[streamKey]*block.Reader{}, map[int]*proto.RowIndex{}
	off := int64(st.info.Offset + st.info.IndexLength + st.info.DataLength)
	stored, err := r.bytes(ctx, off, int64(st.info.FooterLength), st.unit+": footer")
	if err != nil {
		return nil, st.where(off, err)
	}
	raw, err := block.ReadAll(r.format, stored, maxMetadata)
	if err == nil {
		st.footer, err = proto.DecodeStripeFooter(raw)
	}
	if err == nil {
		err = st.placeStreams()
	}
	if err != nil {
		return nil, st.where(off, err)
	}
	return st, nil
}

// where says in which stripe and at which offset an error arose.
func (st *stripe) where(off int64, err error) error {
	err = st.r.where(err)
	if e, ok := err.(*arrowio.Error); ok && e.Unit == "" {
		out := *e
		out.Op, out.Unit = "read", st.unit
		if out.Offset == 0 {
			out.Offset = off
		}
		return &out
	}
	return err
}

// placeStreams finds where the streams lie: one after another in the order of
// the footer's list (specification, "Stripes").
func (st *stripe) placeStreams() error {
	st.streams = map[streamKey]extent{}
	end := st.info.Offset + st.info.IndexLength + st.info.DataLength
	at := st.info.Offset
	place := func(s proto.Stream, variant int, keep bool) error {
		if at > end || s.Length > end-at {
			return corrupt("stream %s of column %d has %d bytes where the stripe has %d left", s.Kind, s.Column, s.Length, end-min(at, end))
		}
		k := streamKey{int(s.Column), s.Kind}
		if keep {
			if _, twice := st.streams[k]; twice {
				return corrupt("column %d has two streams %s", s.Column, s.Kind)
			}
			st.streams[k] = extent{int64(at), int64(s.Length), variant}
		}
		at += s.Length
		return nil
	}
	if st.r.crypt != nil {
		st.encs = map[int]proto.ColumnEncoding{}
		return st.r.crypt.place(st, place, &at)
	}
	for _, s := range st.footer.Streams {
		if err := place(s, 0, true); err != nil {
			return err
		}
	}
	return nil
}

// encoding is how a column is encoded in the stripe.
func (st *stripe) encoding(id int) (proto.ColumnEncoding, error) {
	e, ok := st.encs[id]
	if !ok {
		if id >= len(st.footer.Columns) {
			return e, corrupt("the stripe's footer has the encodings of %d columns only", len(st.footer.Columns))
		}
		e = st.footer.Columns[id]
	}
	switch k := st.r.footer.Types[id].Kind; {
	case k == proto.Struct || k == proto.Union: // nothing of theirs depends on it, and there are writers that leave it wrong
	case e.Kind < proto.Direct || e.Kind > proto.DictionaryV2:
		return e, fmt.Errorf("%w: the encoding %d of a %s", arrowio.ErrUnsupported, e.Kind, k)
	case e.Kind == proto.Dictionary || e.Kind == proto.DictionaryV2:
		if k != proto.String && k != proto.Char && k != proto.Varchar && k != proto.Binary {
			return e, corrupt("the encoding %s of a %s", e.Kind, k)
		}
	}
	return e, nil
}

// stream opens a stream; nil if the column has none of the kind.
func (st *stripe) stream(column int, kind proto.StreamKind) (*block.Reader, error) {
	k := streamKey{column, kind}
	if r := st.readers[k]; r != nil {
		return r, nil
	}
	ext, ok := st.streams[k]
	if !ok || ext.size == 0 {
		return nil, nil
	}
	r := &block.Reader{Format: st.r.format, Ctx: func() context.Context { return st.ctx }}
	r.Win.File, r.Win.Budget, r.Win.Label = st.r.f, st.o.Budget, st.label(k)
	r.Win.Soft, r.Win.Hard, r.Win.Step = ext.off+ext.size, ext.off+ext.size, st.step
	if ext.variant > 0 {
		var err error
		if r.Cipher, err = st.r.crypt.cipher(st, ext.variant, k); err != nil {
			return nil, err
		}
	}
	r.Reset(ext.off, ext.size)
	st.readers[k] = r
	return r, nil
}

// label names a stream for the I/O log: "stripe 2, column a.b: DATA".
func (st *stripe) label(k streamKey) string {
	return fmt.Sprintf("%s, column %s: %s", st.unit, st.r.columnPath(k.column), k.kind)
}

// columnPath is the dotted path of a column id.
func (r *Reader) columnPath(id int) string {
	if id >= len(r.footer.Types) {
		return fmt.Sprint(id)
	}
	if n := r.nodeOf(id); n.path != "" {
		return n.path
	}
	return "(root)"
}

// source is stream for decoders: one that is missing gives an error when it is
// read, which those of a column of nulls never are.
func (st *stripe) source(column int, kind proto.StreamKind) (encoding.Source, error) {
	r, err := st.stream(column, kind)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return missing(kind), nil
	}
	return r, nil
}

// missing is the source of a stream that is not there.
type missing proto.StreamKind

func (m missing) Next() ([]byte, error) {
	return nil, fmt.Errorf("%w: %w", corrupt("the column has no stream %s", proto.StreamKind(m)), io.ErrUnexpectedEOF)
}

// prime fetches the next window of each of the readers in one go, so that a
// store can serve them side by side.
func (st *stripe) prime(readers []*block.Reader) error {
	var rs []fs.Range
	room := int64(64 << 20)
	if b := st.o.Budget.Size(); b > 0 {
		room = min(room, b/4)
	}
	for _, r := range readers {
		off, n := r.Wanted()
		if n = min(n, int64(st.step)); n <= 0 || n > room || len(r.Win.Held(off)) > 0 {
			continue
		}
		rg, err := r.Win.Prepare(off, int(n))
		if err != nil {
			return err
		}
		rs = append(rs, rg)
		room -= n
	}
	if len(rs) == 0 {
		return nil
	}
	return st.r.f.ReadRanges(st.ctx, rs)
}

// sort puts streams in the order in which they lie in the file.
func (st *stripe) sort(keys []streamKey) {
	slices.SortFunc(keys, func(a, b streamKey) int { return cmp.Compare(st.streams[a].off, st.streams[b].off) })
}

// fewBatchRows is the batch size up to which a reader is taken to want the
// first rows only.
const fewBatchRows = 4096

// setStep shares the budget among n streams.
func (st *stripe) setStep(n int) {
	if st.step = 4 << 20; st.o.BatchRows <= fewBatchRows {
		st.step = 64 << 10
	}
	if b := st.o.Budget.Size(); b > 0 {
		st.step = int(max(64<<10, min(int64(st.step), b/8/int64(max(n, 1)))))
	}
}

func (st *stripe) close() {
	for _, r := range st.readers {
		r.Close()
	}
	clear(st.readers)
	st.o.Budget.Release(st.held)
	st.held = 0
}
