package arrowio

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// RunOptions govern Run.
type RunOptions struct {
	ReadOptions
	// Jobs is how many splits are read at once; 0 is one a processor.
	Jobs int
}

// Read plans a request and runs it. The caller closes the reader.
func Read(ctx context.Context, t Table, r ScanRequest, o RunOptions) (RecordReader, error) {
	s, err := t.Plan(ctx, r)
	if err != nil {
		return nil, err
	}
	return Run(ctx, t, s, o)
}

// Batches yields the batches of a request. Each is released after the loop's
// body: Retain one to keep it. An error ends the sequence.
func Batches(ctx context.Context, t Table, r ScanRequest, o RunOptions) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		rr, err := Read(ctx, t, r, o)
		if err != nil {
			yield(nil, err)
			return
		}
		Seq(rr)(yield)
	}
}

// Run reads the splits of a scan, several at once, and yields exactly the
// requested rows and columns: it evaluates what is left of the filter, drops
// the columns that only the filter needed, and stops at the limit. Rows come in
// the order of the splits if the request is Ordered; otherwise as they are
// ready. What is read ahead of the consumer is bounded by the budget. The
// first error cancels the rest. With one job nothing runs beside the caller.
func Run(ctx context.Context, t Table, s *Scan, o RunOptions) (RecordReader, error) {
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	o.ReadOptions = o.ReadOptions.WithDefaults()
	left := s.Request.Limit
	limited := left > 0
	if limited && left < int64(o.BatchRows) && s.Request.Filter == nil {
		// Of filtered rows nobody knows how many must be read for one that passes.
		o.BatchRows = int(left)
	}
	var src puller
	if o.Jobs == 1 {
		src = newSerial(t, s, o)
	} else {
		src = newParallel(ctx, t, s, o)
	}
	next := func(ctx context.Context) (arrow.RecordBatch, error) {
		if limited && left <= 0 {
			return nil, io.EOF
		}
		rec, err := src.pull(ctx)
		if err != nil {
			return nil, err
		}
		if limited {
			if rec.NumRows() > left {
				cut := rec.NewSlice(0, left)
				rec.Release()
				rec = cut
			}
			left -= rec.NumRows()
		}
		return rec, nil
	}
	return NewReader(ctx, s.Schema, next, src.close), nil
}

// puller is a source of finished batches.
type puller interface {
	pull(ctx context.Context) (arrow.RecordBatch, error)
	close() error
}

// splitReader reads one split down to the scan's own rows and columns.
type splitReader struct {
	r        RecordReader
	residual pushdown.Expr // nil: none
	project  *projection
	o        ReadOptions
}

func openSplit(ctx context.Context, t Table, s *Scan, sp Split, o ReadOptions) (*splitReader, error) {
	r, err := t.Open(ctx, sp, o)
	if err != nil {
		return nil, err
	}
	out := &splitReader{r: r, residual: sp.Residual, o: o}
	if out.residual == nil {
		out.residual = s.Request.Filter
	}
	if out.residual == pushdown.True {
		out.residual = nil
	}
	if out.residual != nil {
		if out.residual, err = pushdown.Bind(out.residual, r.Schema(), pushdown.BindOptions{}); err != nil {
			_ = r.Close() // the filter is at fault
			return nil, err
		}
	}
	if out.project, err = projectionTo(r.Schema(), s.Schema); err != nil {
		_ = r.Close() // the projection is at fault
		return nil, err
	}
	return out, nil
}

// projectionTo drops the columns, and the fields of structs, that only the
// residual needed.
func projectionTo(from, to *arrow.Schema) (*projection, error) {
	picks, all, err := picksTo(from.Fields(), to.Fields())
	return &projection{schema: to, picks: picks, all: all}, err
}

func picksTo(from, to []arrow.Field) (picks []pick, all bool, err error) {
	all = len(from) == len(to)
	for i, f := range to {
		at := i // where a name occurs twice, the place decides
		if at >= len(from) || from[at].Name != f.Name {
			at = slices.IndexFunc(from, func(g arrow.Field) bool { return g.Name == f.Name })
		}
		if at < 0 {
			return nil, false, fmt.Errorf("%w: a split without column %s", ErrColumn, f.Name)
		}
		k := pick{index: at, field: f}
		if !arrow.TypeEqual(from[at].Type, f.Type) {
			a, ok1 := from[at].Type.(*arrow.StructType)
			b, ok2 := f.Type.(*arrow.StructType)
			if !ok1 || !ok2 {
				return nil, false, fmt.Errorf("%w: a split gives column %s as %s, not %s", ErrColumn, f.Name, from[at].Type, f.Type)
			}
			if k.parts, _, err = picksTo(a.Fields(), b.Fields()); err != nil {
				return nil, false, err
			}
		}
		all = all && at == i && k.parts == nil
		picks = append(picks, k)
	}
	return picks, all, nil
}

// next gives the split's next batch that has rows, io.EOF at the end.
func (s *splitReader) next() (arrow.RecordBatch, error) {
	for s.r.Next() {
		rec := s.r.RecordBatch()
		if s.residual == nil {
			return s.project.apply(rec), nil
		}
		mask, err := pushdown.Eval(s.o.Alloc, s.residual, rec)
		if err != nil {
			return nil, err
		}
		switch mask.Count() {
		case 0:
			continue
		case int(rec.NumRows()):
			return s.project.apply(rec), nil
		}
		part := s.project.apply(rec)
		out, err := kernel.FilterBatch(s.o.Alloc, part, kernel.Bitmap(mask))
		part.Release()
		return out, err
	}
	if err := s.r.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// serial reads one split after the other, when asked.
type serial struct {
	t      Table
	s      *Scan
	o      RunOptions
	splits func() (Split, error, bool)
	stop   func()
	cur    *splitReader
}

func newSerial(t Table, s *Scan, o RunOptions) *serial {
	next, stop := iter.Pull2(s.Splits)
	return &serial{t: t, s: s, o: o, splits: next, stop: stop}
}

func (q *serial) pull(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		if q.cur == nil {
			sp, err, ok := q.splits()
			if !ok {
				return nil, io.EOF
			}
			if err != nil {
				return nil, err
			}
			if q.cur, err = openSplit(ctx, q.t, q.s, sp, q.o.ReadOptions); err != nil {
				return nil, err
			}
		}
		rec, err := q.cur.next()
		if err != io.EOF {
			return rec, err
		}
		cur := q.cur
		q.cur = nil
		if err := cur.r.Close(); err != nil {
			return nil, err
		}
	}
}

func (q *serial) close() error {
	q.stop()
	if q.cur != nil {
		return q.cur.r.Close()
	}
	return nil
}
