package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
)

// fileColumn is the column that --filename adds.
const fileColumn = "_file"

// input is a table that a task reads, and what of it.
type input struct {
	j     *Job
	src   *catalog.Source
	table *tracked
	req   arrowio.ScanRequest
	shape *shaping
}

// openInput opens sources as one table and compiles what the job does to it.
func (j *Job) openInput(ctx context.Context, sources []string, m *meter) (_ *input, err error) {
	src, err := catalog.OpenAll(ctx, sources, j.Read)
	if err != nil {
		return nil, err
	}
	in := &input{j: j, src: src, table: &tracked{Table: src, m: m}}
	defer func() {
		if err != nil {
			err = errors.Join(err, src.Close())
		}
	}()
	s := src.Schema()
	if in.req, err = j.Request(s); err != nil {
		return nil, err
	}
	if s, err = arrowio.ProjectSchema(s, in.req.Columns); err != nil {
		return nil, err
	}
	if j.Filename {
		if len(s.FieldIndices(fileColumn)) > 0 {
			return nil, fmt.Errorf("%w: --filename: the sources have a column %s", arrowio.ErrOption, fileColumn)
		}
		md := s.Metadata()
		s = arrow.NewSchema(append(s.Fields(), arrow.Field{Name: fileColumn, Type: arrow.BinaryTypes.String}), &md)
	}
	in.shape, err = j.Shape.compile(s)
	return in, err
}

func (in *input) Close() error { return in.src.Close() }

// bound asks a scan for n rows at most. A filtered scan is asked for two where
// one is wanted, and the caller cuts: the limit bounds the batches too, and the
// Parquet reader finds no row for a filter in batches of one.
func bound(req *arrowio.ScanRequest, n int64) {
	req.Limit = n
	if n == 1 && req.Filter != nil {
		req.Limit = 2
	}
}

// stream is the rows of a task on their way, and what is known of them.
type stream struct {
	in       *input
	splits   []string
	expected int64 // rows that the splits promise; -1 if they do not say
	rows     int64 // that came, after filter and limit
	bad      int64 // of them, set aside
}

// run reads splits of the input's scan; nil splits are all. limit 0 is none,
// below 0 lets no row pass.
func (in *input) run(ctx context.Context, splits iter.Seq2[arrowio.Split, error], jobs int, limit int64, q *quarantine) (*stream, arrowio.RecordReader, error) {
	st := &stream{in: in}
	req := in.req
	if limit > 0 {
		bound(&req, limit)
	}
	scan, err := in.table.Plan(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	if splits == nil {
		splits = scan.Splits
	}
	if limit < 0 {
		splits = func(func(arrowio.Split, error) bool) {}
	}
	if limit != 0 || in.req.Filter != nil {
		st.expected = -1
	}
	var mu sync.Mutex
	scan.Splits = func(yield func(arrowio.Split, error) bool) {
		for sp, err := range splits {
			if err == nil {
				mu.Lock()
				st.splits = append(st.splits, sp.ID)
				switch {
				case !sp.Exact:
					st.expected = -1
				case st.expected >= 0:
					st.expected += sp.Rows
				}
				mu.Unlock()
			}
			if !yield(sp, err) {
				return
			}
		}
	}
	o := in.j.Run
	if jobs > 0 {
		o.Jobs = jobs
	}
	table := arrowio.Table(in.table)
	if in.j.Filename {
		table, scan = in.table.named(scan)
	}
	r, err := arrowio.Run(ctx, table, scan, o)
	if err != nil {
		return nil, nil, err
	}
	if limit > 0 {
		r = arrowio.Limit(r, limit)
	}
	next := func(ctx context.Context) (arrow.RecordBatch, error) {
		if r.Next() {
			rec := r.RecordBatch()
			st.rows += rec.NumRows()
			if q == nil {
				return in.shape.apply(rec)
			}
			good, bad, err := in.shape.divide(rec)
			if err != nil {
				return nil, err
			}
			if bad != nil {
				st.bad += bad.NumRows()
				err = q.take(ctx, bad)
				bad.Release()
				if err != nil {
					good.Release()
					return nil, err
				}
			}
			return good, nil
		}
		if err := r.Err(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	return st, arrowio.NewReader(ctx, in.shape.schema, next, r.Close), nil
}

// complete makes sure that all rows which the splits promised came.
func (st *stream) complete() error {
	if st.expected >= 0 && st.rows != st.expected {
		return fmt.Errorf("%w: %s has %d rows, %d were read", arrowio.ErrIncomplete, st.in.src.Files()[0].URL, st.expected, st.rows)
	}
	return nil
}

// meter counts what has been read and written, for all tasks.
type meter struct {
	read, total atomic.Int64 // bytes of splits
	rows        atomic.Int64
	files       atomic.Int64
	out         atomic.Int64
}

// tracked is a table whose splits count on the meter as they are read.
type tracked struct {
	arrowio.Table
	m *meter
}

// Open implements arrowio.Table.
func (t *tracked) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	r, err := t.Table.Open(ctx, s, o)
	if err != nil {
		return nil, err
	}
	left, rows := s.Bytes, int64(0)
	return arrowio.NewReader(ctx, r.Schema(), func(context.Context) (arrow.RecordBatch, error) {
		if r.Next() {
			rec := r.RecordBatch()
			rec.Retain()
			rows += rec.NumRows()
			if s.Rows > 0 {
				part := min(left, int64(float64(s.Bytes)*float64(rec.NumRows())/float64(s.Rows)))
				left -= part
				t.m.read.Add(part)
			}
			t.m.rows.Add(rec.NumRows())
			return rec, nil
		}
		if err := r.Err(); err != nil {
			return nil, err
		}
		t.m.read.Add(left)
		left = 0
		return nil, io.EOF
	}, r.Close), nil
}

// named gives the table whose rows tell their source, and the scan of it.
func (t *tracked) named(scan *arrowio.Scan) (arrowio.Table, *arrowio.Scan) {
	out := *scan
	md := scan.Schema.Metadata()
	out.Schema = arrow.NewSchema(append(scan.Schema.Fields(), arrow.Field{Name: fileColumn, Type: arrow.BinaryTypes.String}), &md)
	return &namedTable{t}, &out
}

// namedTable adds the source of its rows to them.
type namedTable struct{ *tracked }

// Open implements arrowio.Table.
func (t *namedTable) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	r, err := t.tracked.Open(ctx, s, o)
	if err != nil {
		return nil, err
	}
	md := r.Schema().Metadata()
	schema := arrow.NewSchema(append(r.Schema().Fields(), arrow.Field{Name: fileColumn, Type: arrow.BinaryTypes.String}), &md)
	return arrowio.NewReader(ctx, schema, func(context.Context) (arrow.RecordBatch, error) {
		if !r.Next() {
			if err := r.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		rec := r.RecordBatch()
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		for range rec.NumRows() {
			b.Append(s.Source)
		}
		name := b.NewArray()
		defer name.Release()
		return array.NewRecordBatch(schema, append(rec.Columns()[:len(rec.Columns()):len(rec.Columns())], name), rec.NumRows()), nil
	}, r.Close), nil
}
