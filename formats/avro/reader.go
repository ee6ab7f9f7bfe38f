package avro

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/avro/internal/program"
	"github.com/bdkit/bdkit/internal/colbuild"
	"github.com/bdkit/bdkit/internal/kernel"
)

// stretch reads the blocks of one split.
//
//	blocks ─► plain (decompress) ─► program ─► colbuild ─► restore (ARROW:schema) ─► batch
type stretch struct {
	r      *Reader
	o      arrowio.ReadOptions
	shown  *arrow.Schema
	b      *blocks
	seek   bool // the first block must be sought
	plain  plain
	build  *colbuild.Builder
	decode *program.Decoder
	verify *program.Decoder // of a whole block, before any of it is decoded; nil unless damage is skipped

	cur  *block // whose rows are being decoded
	data []byte
	at   int
	left int64 // rows of cur
	err  error // comes after the batch in hand
}

func (r *Reader) read(ctx context.Context, p splitPayload, o arrowio.ReadOptions) (_ arrowio.RecordReader, err error) {
	s := &stretch{r: r, o: o, b: r.blocks(p.Start, p.Stop, o.Budget), plain: plain{codec: r.codec, budget: o.Budget}}
	s.seek = p.Start > r.h.end-syncSize
	if s.shown, err = arrowio.ProjectSchema(r.arrow, p.Columns); err != nil {
		return nil, err
	}
	natural, err := arrowio.ProjectSchema(r.natural, p.Columns)
	if err != nil {
		return nil, err
	}
	if natural.NumFields() > 0 {
		prog, err := program.Compile(r.writer, r.reader, natural)
		if err != nil {
			return nil, err
		}
		limit := int64(math.MaxInt64)
		if size := o.Budget.Size(); size > 0 {
			limit = size
		}
		if s.build, err = colbuild.New(natural, colbuild.Options{Alloc: o.Alloc, Rows: o.BatchRows, Bytes: o.BatchBytes, Limit: limit, CheckText: true}); err != nil {
			return nil, err
		}
		if s.decode, err = prog.Bind(s.build); err != nil {
			return nil, err
		}
	}
	if r.o.SkipDamaged {
		if s.verify, err = program.CompileSkip(r.writer, true).Bind(nil); err != nil {
			return nil, err
		}
	}
	return arrowio.NewReader(ctx, s.shown, s.next, s.close), nil
}

func (s *stretch) close() error {
	s.b.close()
	s.plain.close()
	if s.build != nil {
		s.build.Release()
	}
	return nil
}

// next gives the next batch.
func (s *stretch) next(ctx context.Context) (rec arrow.RecordBatch, err error) {
	defer func() {
		if err != nil && err != io.EOF {
			err = s.r.where(err)
		}
	}()
	defer arrowio.Guard(&err)
	if s.err != nil {
		return nil, s.err
	}
	if s.build == nil {
		return s.count(ctx)
	}
	for {
		if s.left == 0 {
			if err := s.advance(ctx); err != nil {
				return s.last(err)
			}
		}
		n, done, st, err := s.decode.Rows(s.data, s.at, int(min(s.left, math.MaxInt32)))
		s.at, s.left = n, s.left-int64(done)
		if err != nil {
			return s.last(s.inBlock(err))
		}
		if s.left == 0 && s.at != len(s.data) {
			return s.last(s.inBlock(fmt.Errorf("%w: %d bytes behind the last row of a block", arrowio.ErrCorrupt, len(s.data)-s.at)))
		}
		switch st {
		case colbuild.Refused:
			if s.build.Rows() == 0 {
				err := fmt.Errorf("%w: %w", arrowio.ErrLimit, s.build.Err())
				return nil, s.inBlock(err)
			}
			return s.batch()
		case colbuild.Full:
			return s.batch()
		}
	}
}

// last gives the rows before an error, or the end, first.
func (s *stretch) last(err error) (arrow.RecordBatch, error) {
	s.err = err
	if err != io.EOF {
		s.err = s.r.where(err)
	}
	if s.build.Rows() == 0 {
		return nil, s.err
	}
	return s.batch()
}

// inBlock says where in the file an error is.
func (s *stretch) inBlock(err error) error {
	e := (*arrowio.Error)(nil)
	if !errors.As(err, &e) {
		e = &arrowio.Error{Op: "read", Err: err}
		err = e
	}
	if e.Unit == "" {
		e.Unit = "block"
		if e.Offset = s.cur.off; s.plain.codec.decompress == nil {
			e.Offset = s.cur.data + int64(s.at)
		}
	}
	return err
}

// advance goes to the next block that has rows, io.EOF behind the last.
func (s *stretch) advance(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.seek {
			s.seek = false
			if ok, err := s.b.seek(ctx, s.b.off); err != nil || !ok {
				return orEOF(err)
			}
		}
		if s.b.done() {
			return io.EOF
		}
		err := s.load(ctx)
		switch {
		case err == nil && s.left == 0:
			continue
		case err == nil:
			return nil
		case s.verify == nil || s.b.forward || !damage(err): // in a stream there is no seeking the next
			return err
		}
		s.r.damaged.Add(1)
		if s.r.o.Notice != nil {
			s.r.o.Notice(fmt.Sprintf("skipped a damaged block: %v", s.r.where(err)))
		}
		// The marker before the block that failed is behind us.
		off := s.b.off
		if s.cur != nil {
			off = s.cur.off
		}
		if ok, err := s.b.seek(ctx, off); err != nil || !ok {
			return orEOF(err)
		}
	}
}

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// damage tells what skipping helps against: bytes that are not as they were
// written, and nothing of the storage or the request.
func damage(err error) bool { return errors.Is(err, arrowio.ErrCorrupt) }

// load reads and decompresses the next block.
func (s *stretch) load(ctx context.Context) error {
	s.cur, s.left = nil, 0
	b, err := s.b.next(ctx, true)
	if err != nil {
		return err
	}
	s.cur = b
	if s.data, err = s.plain.of(b); err != nil {
		return err
	}
	s.at, s.left = 0, b.count
	if err := s.plausible(b); err != nil {
		s.left = 0
		return err
	}
	if s.verify != nil {
		end, err := s.verify.Skip(s.data, 0, int(b.count))
		if err == nil && end != len(s.data) {
			err = fmt.Errorf("%w: %d bytes behind the last row of a block", arrowio.ErrCorrupt, len(s.data)-end)
		}
		if err != nil {
			s.left = 0
			return s.inBlock(err)
		}
	}
	if s.left == 0 && len(s.data) > 0 {
		return s.inBlock(fmt.Errorf("%w: %d bytes in a block of no rows", arrowio.ErrCorrupt, len(s.data)))
	}
	return nil
}

// maxEmptyRows bounds the rows of a block that take no bytes.
const maxEmptyRows = 1 << 24

// plausible refuses a count that the block's bytes cannot back.
func (s *stretch) plausible(b *block) error {
	if least := s.r.least; least > 0 {
		if b.count > int64(len(s.data)/least) {
			return s.inBlock(fmt.Errorf("%w: %d rows in %d bytes", arrowio.ErrCorrupt, b.count, len(s.data)))
		}
	} else if b.count > maxEmptyRows {
		return s.inBlock(fmt.Errorf("%w: a block of %d rows without bytes", arrowio.ErrLimit, b.count))
	}
	return nil
}

// batch takes the rows that were built.
func (s *stretch) batch() (arrow.RecordBatch, error) {
	rec, err := s.build.Batch()
	if err != nil {
		e := (*colbuild.Error)(nil)
		if errors.As(err, &e) {
			return nil, &arrowio.Error{Op: "read", Column: e.Column, Err: fmt.Errorf("%w: %w", arrowio.ErrCorrupt, e.Err)}
		}
		return nil, err
	}
	if rec.Schema().Equal(s.shown) {
		return rec, nil
	}
	defer rec.Release()
	cols := make([]arrow.Array, rec.NumCols())
	defer func() {
		for _, c := range cols {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, c := range rec.Columns() {
		if cols[i], err = kernel.Cast(s.o.Alloc, c, s.shown.Field(i).Type, kernel.CastOptions{}); err != nil {
			return nil, &arrowio.Error{Op: "read", Column: s.shown.Field(i).Name, Err: err}
		}
	}
	return array.NewRecordBatch(s.shown, cols, rec.NumRows()), nil
}

// count gives batches of no columns, of the counts in the blocks' headers.
func (s *stretch) count(ctx context.Context) (arrow.RecordBatch, error) {
	var n int64
	for n == 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.verify != nil { // only blocks that could be read count
			if err := s.advance(ctx); err != nil {
				return nil, err
			}
			n, s.left = s.left, 0
			continue
		}
		if s.seek {
			s.seek = false
			if ok, err := s.b.seek(ctx, s.b.off); err != nil || !ok {
				return nil, orEOF(err)
			}
		}
		for n < math.MaxInt32 && !s.b.done() {
			b, err := s.b.next(ctx, false)
			if err == io.EOF && n > 0 {
				s.err = io.EOF
				break
			}
			if err != nil {
				return nil, err
			}
			n += b.count
			if n < b.count {
				return nil, s.b.fail(b.off, fmt.Errorf("%w: %d rows in a block", arrowio.ErrCorrupt, b.count))
			}
		}
		if n == 0 {
			return nil, io.EOF
		}
	}
	return array.NewRecordBatch(s.shown, nil, n), nil
}
