package orc

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/internal/kernel"
)

// Check implements formats.Inspector. Deep, every row group is sought by the row
// index, decoded and held against its statistics, and those of the stripes.
func (r *Reader) Check(ctx context.Context, deep bool) iter.Seq[error] {
	return func(yield func(error) bool) {
		report := func(err error) bool { return err == nil || yield(r.where(err)) }
		if !report(r.checkHead(ctx)) || !report(r.checkRows()) || !report(r.checkExtents(ctx)) {
			return
		}
		stats, err := r.loadStripeStats(ctx)
		if !report(err) {
			return
		}
		if stats == nil {
			stats = &stripeStats{&proto.Metadata{}}
		}
		for i := range r.footer.Stripes {
			st, err := r.openStripe(ctx, i, arrowio.ReadOptions{})
			if err != nil {
				if !report(err) {
					return
				}
				continue
			}
			for _, n := range r.roots {
				if ctx.Err() != nil {
					return
				}
				if err := st.check(n, stats, deep); err != nil && !report(st.where(0, err)) {
					return
				}
			}
			st.close()
		}
	}
}

// checkHead wants the magic number at the start; empty files may lack it.
func (r *Reader) checkHead(ctx context.Context) error {
	head := make([]byte, len(magic))
	if err := r.f.ReadRanges(ctx, []fs.Range{{Dst: head, Label: "magic number"}}); err != nil {
		return err
	}
	if string(head) != magic && len(r.footer.Stripes) > 0 {
		return corrupt("the file begins with %q, not with %s", head, magic)
	}
	return nil
}

func (r *Reader) checkRows() error {
	if n := r.footer.Rows; n.Set && n.V != uint64(r.rows) {
		return corrupt("the footer says %d rows, its stripes %d", n.V, r.rows)
	}
	return nil
}

// checkExtents finds extents that overlap or leave the file.
func (r *Reader) checkExtents(ctx context.Context) error {
	end, last := int64(0), ""
	for e, err := range r.Layout(ctx) {
		if err != nil {
			continue // the stripe's own check tells
		}
		if e.Off < end {
			return &arrowio.Error{Offset: e.Off, Err: corrupt("%s overlaps %s", e.Label, last)}
		}
		end, last = e.Off+e.Len, e.Label
	}
	return nil
}

// check holds a top-level column of a stripe against what is said of it.
func (st *stripe) check(n *node, stats *stripeStats, deep bool) error {
	keys := map[int]bool{}
	addIDs(keys, n)
	indexed, err := st.loadIndexes(keys)
	if err != nil {
		return err
	}
	if kind, ok := st.bloomKind(n); ok {
		raws, err := st.readIndexes([]streamKey{{n.id, kind}})
		if err != nil {
			return err
		}
		if _, err := proto.DecodeBloomFilterIndex(raws[0]); err != nil {
			return st.whereStream(streamKey{n.id, kind}, err)
		}
	}
	if !deep {
		return nil
	}
	natural := *n // as it is decoded, whatever it is shown as
	natural.want = natural.field.Type
	n = &natural
	s, err := newColumnSet(st, []*node{n})
	defer s.release()
	if err != nil {
		return err
	}
	c := &checker{s: s, n: n, stripe: stats.of(st.r, st.i, n)}
	if indexed && s.seekable() {
		return c.groups()
	}
	return c.run(columnar.Span{End: int64(st.info.Rows)}, c.stripe, "statistics of the stripe")
}

// checker decodes a column and counts what it finds.
type checker struct {
	s      *columnSet
	n      *node
	stripe *proto.ColumnStatistics // of the stripe
	nulls  int64
}

// groups seeks every row group and reads it.
func (c *checker) groups() error {
	st := c.s.st
	st.walk = walkSeek
	for g := range st.groups() {
		if err := c.s.seek(int64(g)); err != nil {
			return err
		}
		first := int64(g) * st.stride()
		c.s.at = first
		span := columnar.Span{Start: first, End: min(first+st.stride(), int64(st.info.Rows))}
		if err := c.run(span, st.indexes[c.n.id].Entries[g].Statistics, fmt.Sprintf("row index of row group %d", g)); err != nil {
			return err
		}
	}
	if want := nullsOf(c.stripe, int64(st.info.Rows)); want >= 0 && want != c.nulls && c.s.root == nil && c.n.typ.Kind != proto.Union {
		return corrupt("column %s: %d nulls where the statistics of the stripe have %d", c.n.path, c.nulls, want)
	}
	return nil
}

// run reads some rows in batches and holds them against statistics.
func (c *checker) run(span columnar.Span, s *proto.ColumnStatistics, what string) error {
	st := c.s.st
	rows, before := span.Len(), c.nulls
	todo := columnar.Selection{span}
	if rows == 0 {
		todo = nil
	}
	c.s.primed = true
	for len(todo) > 0 {
		n, err := c.s.Read(st.ctx, todo, st.o.BatchRows)
		if err != nil {
			return err
		}
		if n == 0 {
			return errors.New("no progress")
		}
		_, todo = todo.Cut(int64(n))
		cols, err := c.s.Take(n)
		if err != nil {
			return err
		}
		if c.n.typ.Kind != proto.Union {
			c.nulls += int64(cols[0].NullN())
		}
		if err = c.hold(cols[0], s, what); err == nil {
			err = c.hold(cols[0], c.stripe, "statistics of the stripe")
		}
		cols[0].Release()
		if err != nil {
			return err
		}
	}
	if want := nullsOf(s, rows); want >= 0 && want != c.nulls-before && c.s.root == nil && c.n.typ.Kind != proto.Union {
		return corrupt("column %s: %d nulls where the %s has %d", c.n.path, c.nulls-before, what, want)
	}
	return nil
}

// hold holds values against bounds.
func (c *checker) hold(arr arrow.Array, s *proto.ColumnStatistics, what string) error {
	if s == nil || len(c.n.children) > 0 || arr.Len() == 0 {
		return nil
	}
	lo, hi, _, _ := boundArrays(c.n, []bound{c.s.st.r.boundOf(c.n, s)})
	defer lo.Release()
	defer hi.Release()
	for _, b := range []struct {
		bound arrow.Array
		op    kernel.Op
		words string
	}{{lo, kernel.Lt, "below the minimum"}, {hi, kernel.Gt, "above the maximum"}} {
		if b.bound.IsNull(0) || !arrow.TypeEqual(b.bound.DataType(), arr.DataType()) {
			continue
		}
		mask, err := kernel.Compare(arr, b.op, b.bound)
		if err != nil {
			return err
		}
		if k := mask.Count(); k > 0 {
			return corrupt("column %s: %d values are %s %s of the %s", c.n.path, k, b.words, b.bound.ValueStr(0), what)
		}
	}
	return nil
}
