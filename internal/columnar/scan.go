package columnar

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// Columns is columns of one container that are read in step. Rows that are
// read wait until they are taken.
type Columns interface {
	// Read makes up to want rows of the selection, whose first row is the first
	// that waits, wait in all columns, and gives how many do. It is fewer when
	// they come to the bytes that a batch may hold, and at least one.
	Read(ctx context.Context, sel Selection, want int) (int, error)
	// Take gives the first n waiting rows, an array a column, which the caller
	// releases.
	Take(n int) ([]arrow.Array, error)
	// Schema is that of the arrays.
	Schema() *arrow.Schema
}

// Origin of a shown column: one of the filter's columns, or of the rest.
type Origin struct {
	FromFilter bool
	At         int
}

// Scan reads one container as record batches: the filter's columns first, the
// rest only where rows survive.
//
//	Todo ─► filter columns ─► mask ─► job{rows, filter arrays} ─► other columns ─► batch
type Scan struct {
	Alloc  memory.Allocator
	Schema *arrow.Schema // of the batches
	Filter pushdown.Expr // nil: none
	First  Columns       // the filter's columns; nil without one
	Rest   Columns       // the shown columns that are not the filter's
	Shown  []Origin      // where each shown column comes from
	Todo   Selection
	Rows   int // of a batch, at most

	job  *job
	held *job // found while another was put together
}

// job is a stretch of rows whose filter columns are read and whose others are
// to be.
type job struct {
	rows Selection     // of the container, in step with the arrays
	cols []arrow.Array // the filter's columns
	mask kernel.Bitmap // which of rows pass; all of them if Bits is nil
	few  bool          // only rows that pass are left
	n    int
	done int
}

func (j *job) release() {
	releaseArrays(j.cols)
	j.cols = nil
}

func releaseJobs(jobs []*job) {
	for _, j := range jobs {
		j.release()
	}
}

func releaseArrays(cols []arrow.Array) {
	for _, c := range cols {
		c.Release()
	}
}

// Next gives the next batch, io.EOF at the end.
func (s *Scan) Next(ctx context.Context) (rec arrow.RecordBatch, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.job == nil {
			if s.job, err = s.nextJob(ctx); err != nil {
				return nil, err
			}
		}
		rec, err := s.emit(ctx)
		if err != nil || rec != nil {
			return rec, err
		}
	}
}

// Release drops what was read and not given out.
func (s *Scan) Release() {
	for _, j := range []*job{s.job, s.held} {
		if j != nil {
			j.release()
		}
	}
	s.job, s.held = nil, nil
}

// nextJob finds rows that pass the filter.
func (s *Scan) nextJob(ctx context.Context) (*job, error) {
	if s.First == nil {
		n := min(s.Todo.Count(), int64(s.Rows))
		if n == 0 {
			return nil, io.EOF
		}
		j := &job{n: int(n)}
		j.rows, s.Todo = s.Todo.Cut(n)
		return j, nil
	}
	if j := s.held; j != nil {
		s.held = nil
		return j, nil
	}
	var found []*job // stretches of which few rows pass
	count := 0
	for len(s.Todo) > 0 && count < (s.Rows+1)/2 {
		j, err := s.filterSome(ctx)
		if err != nil {
			releaseJobs(found)
			return nil, err
		}
		if j == nil {
			continue
		}
		if !j.few {
			if count == 0 {
				return j, nil
			}
			s.held = j
			break
		}
		found, count = append(found, j), count+j.n
	}
	if count == 0 {
		return nil, io.EOF
	}
	return s.join(found, count)
}

// filterSome reads a stretch of the filter's columns and finds the rows that
// pass; nil if none does.
func (s *Scan) filterSome(ctx context.Context) (*job, error) {
	n, err := s.First.Read(ctx, s.Todo, int(min(s.Todo.Count(), int64(s.Rows))))
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errNothing
	}
	cols, err := s.First.Take(n)
	if err != nil {
		return nil, err
	}
	j := &job{cols: cols, n: n}
	j.rows, s.Todo = s.Todo.Cut(int64(n))
	rec := array.NewRecordBatch(s.First.Schema(), cols, int64(n))
	defer rec.Release()
	mask, err := pushdown.Eval(s.Alloc, s.Filter, rec)
	if err != nil {
		j.release()
		return nil, err
	}
	count := mask.Count()
	switch {
	case count == 0:
		j.release()
		return nil, nil
	case count == n:
		return j, nil
	case s.Rest.Schema().NumFields() > 0 && count > n/fewRows:
		j.mask = kernel.Bitmap(mask)
		return j, nil
	}
	defer j.release()
	out := &job{n: count, few: true, rows: passing(j.rows, kernel.Bitmap(mask))}
	for _, c := range cols {
		f, err := kernel.Filter(s.Alloc, c, kernel.Bitmap(mask))
		if err != nil {
			out.release()
			return nil, err
		}
		out.cols = append(out.cols, f)
	}
	return out, nil
}

// fewRows is the share, one in so many, from which on skipping to the rows that
// pass costs more than to decode all and filter.
const fewRows = 8

// passing is the rows of the selection whose bit is set.
func passing(sel Selection, mask kernel.Bitmap) (out Selection) {
	i := 0
	for _, s := range sel {
		for row := s.Start; row < s.End; row++ {
			if mask.Get(i) {
				out = out.Add(row, row+1)
			}
			i++
		}
	}
	return out
}

// join makes one job of several.
func (s *Scan) join(jobs []*job, n int) (*job, error) {
	if len(jobs) == 1 {
		return jobs[0], nil
	}
	defer releaseJobs(jobs)
	out := &job{n: n}
	for _, j := range jobs {
		for _, s := range j.rows {
			out.rows = out.rows.Add(s.Start, s.End)
		}
	}
	for i := range jobs[0].cols {
		parts := make([]arrow.Array, len(jobs))
		for k, j := range jobs {
			parts[k] = j.cols[i]
		}
		c, err := kernel.Concat(s.Alloc, parts)
		if err != nil {
			out.release()
			return nil, err
		}
		out.cols = append(out.cols, c)
	}
	return out, nil
}

// emit reads the other columns of the job's next rows and puts the batch
// together; nil if none of its rows passes.
func (s *Scan) emit(ctx context.Context) (arrow.RecordBatch, error) {
	j := s.job
	n, err := s.Rest.Read(ctx, j.rows, j.n-j.done)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errNothing
	}
	rest, err := s.Rest.Take(n)
	if err != nil {
		return nil, err
	}
	defer releaseArrays(rest)
	cols := make([]arrow.Array, len(s.Shown))
	for i, o := range s.Shown {
		if o.FromFilter {
			cols[i] = array.NewSlice(j.cols[o.At], int64(j.done), int64(j.done+n))
			defer cols[i].Release()
		} else {
			cols[i] = rest[o.At]
		}
	}
	rec := array.NewRecordBatch(s.Schema, cols, int64(n))
	if j.mask.Bits != nil {
		defer rec.Release()
		mask := kernel.NewBitmap(n)
		bits.Copy(mask.Bits, 0, j.mask.Bits, j.done, n)
		if rec, err = kernel.FilterBatch(s.Alloc, rec, mask); err != nil {
			return nil, err
		}
	}
	_, j.rows = j.rows.Cut(int64(n))
	if j.done += n; j.done == j.n {
		j.release()
		s.job = nil
	}
	if rec.NumRows() == 0 {
		rec.Release()
		return nil, nil
	}
	return rec, nil
}

var errNothing = fmt.Errorf("%w: one row holds more bytes than a batch may", arrowio.ErrLimit)
