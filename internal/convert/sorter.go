package convert

import (
	"bytes"
	"container/heap"
	"context"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/internal/kernel"
)

// SortColumn is one key of an order of rows.
type SortColumn struct {
	Name string
	kernel.SortOrder
}

// sorter orders rows, stably, within a bound of memory: what is more than the
// bound is sorted by itself and spilled, and merged at the end.
//
//	add ─► batches in memory ─► (over the bound) sort ─► spill run
//	merge ─► runs and memory, by key, the earlier first among equals ─► emit
type sorter struct {
	schema *arrow.Schema
	cols   []int
	orders []kernel.SortOrder
	limit  int64
	dir    string
	mem    memory.Allocator

	batches []arrow.RecordBatch
	bytes   int64
	runs    []*spill
	spilled int64 // bytes written to runs
}

const (
	sortedRows = 16 << 10 // rows of a batch that comes out of a sort
	mostRuns   = 48       // runs that are merged at once
)

func newSorter(s *arrow.Schema, cols []int, orders []kernel.SortOrder, limit int64, dir string) *sorter {
	return &sorter{schema: s, cols: cols, orders: orders, limit: min(limit, 512<<20), dir: dir, mem: memory.DefaultAllocator}
}

func (s *sorter) add(ctx context.Context, rec arrow.RecordBatch) error {
	if rec.NumRows() == 0 {
		return nil
	}
	rec.Retain()
	s.batches = append(s.batches, rec)
	s.bytes += batchBytes(rec)
	// A chunk is held twice while it is sorted, and so are its keys.
	if s.bytes*3 < s.limit {
		return nil
	}
	run, err := s.newRun(func(emit func(arrow.RecordBatch) error) error { return s.chunk(ctx, emit) })
	if err != nil {
		return err
	}
	s.runs = append(s.runs, run)
	if len(s.runs) < mostRuns {
		return nil
	}
	runs := s.runs
	s.runs = nil
	run, err = s.newRun(func(emit func(arrow.RecordBatch) error) error { return s.mergeRuns(ctx, runs, emit) })
	for _, r := range runs {
		r.close()
	}
	if err != nil {
		return err
	}
	s.runs = append(s.runs, run)
	return nil
}

func (s *sorter) newRun(fill func(emit func(arrow.RecordBatch) error) error) (*spill, error) {
	run, err := newSpill(s.dir, s.schema, s.mem)
	if err != nil {
		return nil, err
	}
	if err = fill(run.write); err == nil {
		err = run.rewind(s.mem)
	}
	if err != nil {
		run.close()
		return nil, err
	}
	s.spilled += run.bytes
	return run, nil
}

func (s *sorter) keys(rec arrow.RecordBatch) (*kernel.SortKeys, error) {
	cols := make([]arrow.Array, len(s.cols))
	for i, c := range s.cols {
		cols[i] = rec.Column(c)
	}
	return kernel.NewSortKeys(s.mem, cols, s.orders)
}

// chunk sorts what is in memory, and empties it.
func (s *sorter) chunk(ctx context.Context, emit func(arrow.RecordBatch) error) error {
	if len(s.batches) == 0 {
		return nil
	}
	all, err := concat(s.mem, s.schema, s.batches)
	for _, b := range s.batches {
		b.Release()
	}
	s.batches, s.bytes = nil, 0
	if err != nil {
		return err
	}
	defer all.Release()
	keys, err := s.keys(all)
	if err != nil {
		return err
	}
	rows := make([]int64, all.NumRows())
	sorted := true
	for i := range rows {
		rows[i] = int64(i)
		sorted = sorted && (i == 0 || bytes.Compare(keys.At(i-1), keys.At(i)) <= 0)
	}
	if !sorted {
		slices.SortStableFunc(rows, func(a, b int64) int { return bytes.Compare(keys.At(int(a)), keys.At(int(b))) })
	}
	for at := 0; at < len(rows); at += sortedRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := rows[at:min(at+sortedRows, len(rows))]
		out, err := kernel.TakeBatch(s.mem, all, part)
		if err != nil {
			return err
		}
		err = emit(out)
		out.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// merge yields all rows in order. The sorter is empty then.
func (s *sorter) merge(ctx context.Context, emit func(arrow.RecordBatch) error) error {
	if len(s.runs) == 0 {
		return s.chunk(ctx, emit)
	}
	if len(s.batches) > 0 {
		run, err := s.newRun(func(emit func(arrow.RecordBatch) error) error { return s.chunk(ctx, emit) })
		if err != nil {
			return err
		}
		s.runs = append(s.runs, run)
	}
	err := s.mergeRuns(ctx, s.runs, emit)
	s.close()
	return err
}

func (s *sorter) close() {
	for _, b := range s.batches {
		b.Release()
	}
	for _, r := range s.runs {
		r.close()
	}
	s.batches, s.runs, s.bytes = nil, nil, 0
}

// cursor is where a merge stands in one run.
type cursor struct {
	run   int
	src   *spill
	rec   arrow.RecordBatch
	keys  *kernel.SortKeys
	start int // first row not yet emitted
	at    int // next row to compare
}

func (c *cursor) key() []byte { return c.keys.At(c.at) }

// cursors is a heap: the smallest key first, of equal ones the earlier run.
type cursors []*cursor

func (h cursors) Len() int { return len(h) }
func (h cursors) Less(i, j int) bool {
	if c := bytes.Compare(h[i].key(), h[j].key()); c != 0 {
		return c < 0
	}
	return h[i].run < h[j].run
}
func (h cursors) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *cursors) Push(x any)   { *h = append(*h, x.(*cursor)) }
func (h *cursors) Pop() any {
	old := *h
	c := old[len(old)-1]
	*h = old[:len(old)-1]
	return c
}

// load reads the run's next batch; false at its end.
func (s *sorter) load(c *cursor) (bool, error) {
	if c.rec != nil {
		c.rec.Release()
		c.rec = nil
	}
	rec, err := c.src.next()
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.rec, c.start, c.at = rec, 0, 0
	c.keys, err = s.keys(rec)
	return true, err
}

func (s *sorter) mergeRuns(ctx context.Context, runs []*spill, emit func(arrow.RecordBatch) error) error {
	all := make([]*cursor, len(runs))
	defer func() {
		for _, c := range all {
			if c != nil && c.rec != nil {
				c.rec.Release()
			}
		}
	}()
	var h cursors
	for i, r := range runs {
		all[i] = &cursor{run: i, src: r}
		ok, err := s.load(all[i])
		if err != nil {
			return err
		}
		if ok {
			h = append(h, all[i])
		}
	}
	heap.Init(&h)
	order := make([]int, 0, sortedRows) // the run of each row that is due
	for len(h) > 0 {
		c := h[0]
		order = append(order, c.run)
		c.at++
		ended := c.at == c.keys.Len()
		if ended || len(order) == sortedRows {
			// The rows of a batch are still needed until they are emitted.
			if err := s.emitMerged(ctx, all, order, emit); err != nil {
				return err
			}
			order = order[:0]
		}
		if ended {
			ok, err := s.load(c)
			if err != nil {
				return err
			}
			if !ok {
				heap.Pop(&h)
				continue
			}
		}
		heap.Fix(&h, 0)
	}
	return nil
}

// emitMerged gathers the rows that each run contributes, in the order of runs.
func (s *sorter) emitMerged(ctx context.Context, all []*cursor, order []int, emit func(arrow.RecordBatch) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next := make([]int64, len(all)) // where the rows of a run begin among the parts
	var parts []arrow.RecordBatch
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	total := int64(0)
	for i, c := range all {
		next[i] = total
		if c.rec == nil || c.at == c.start {
			continue
		}
		parts = append(parts, c.rec.NewSlice(int64(c.start), int64(c.at)))
		total += int64(c.at - c.start)
		c.start = c.at
	}
	rec, err := concat(s.mem, s.schema, parts)
	if err != nil {
		return err
	}
	defer rec.Release()
	rows := make([]int64, len(order))
	for i, run := range order {
		rows[i] = next[run]
		next[run]++
	}
	out, err := kernel.TakeBatch(s.mem, rec, rows)
	if err != nil {
		return err
	}
	defer out.Release()
	return emit(out)
}

// concat joins batches of one schema.
func concat(mem memory.Allocator, s *arrow.Schema, recs []arrow.RecordBatch) (arrow.RecordBatch, error) {
	if len(recs) == 1 {
		recs[0].Retain()
		return recs[0], nil
	}
	rows := int64(0)
	for _, r := range recs {
		rows += r.NumRows()
	}
	cols := make([]arrow.Array, 0, s.NumFields())
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	parts := make([]arrow.Array, len(recs))
	for k := range s.NumFields() {
		for i, r := range recs {
			parts[i] = r.Column(k)
		}
		c, err := kernel.Concat(mem, parts)
		if err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	return array.NewRecordBatch(s, cols, rows), nil
}

func batchBytes(rec arrow.RecordBatch) int64 {
	n := int64(0)
	for _, c := range rec.Columns() {
		n += kernel.ByteSize(c)
	}
	return n
}
