package convert

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel"
)

// partitioner spreads rows over folders. As many partitions as files may be open
// have a series each; rows of the others are sorted by partition, on disk if
// need be, and written at the end, one partition after the other. So memory is
// bounded however many partitions there are, and a partition has one file; or
// two, where it came again after it had been idle for long and closed.
type partitioner struct {
	t      *taskRun
	m      *maker
	h      *hive
	keep   []int
	direct map[string]*slot // by key
	later  *sorter
	dirs   map[string]string // of all keys seen
	closed map[string]bool   // whose file was closed to make room
	waits  map[string]bool   // of rows in later
	stem   string
	below  string // folder of the folders
	rows   int64
}

type slot struct {
	s    *series
	last int64 // row that it was last written at
}

// idleRows is how long a partition has had no row when its file may be closed to
// make room.
const idleRows = 256 << 10

func (t *taskRun) newPartitioner(m *maker, h *hive, whole *arrow.Schema, keep []int, stem string) *partitioner {
	return &partitioner{
		t: t, m: m, h: h, keep: keep, stem: stem,
		direct: map[string]*slot{}, dirs: map[string]string{}, closed: map[string]bool{}, waits: map[string]bool{},
		later: newSorter(whole, h.cols, make([]kernel.SortOrder, len(h.cols)), t.e.j.writeBytes()/2, t.e.j.SpoolDir),
	}
}

func (p *partitioner) write(ctx context.Context, rec arrow.RecordBatch) error {
	keys, err := p.later.keys(rec)
	if err != nil {
		return err
	}
	cols, err := p.h.plain(p.later, rec)
	if err != nil {
		return err
	}
	defer releaseAll(cols)

	groups := map[string][]int64{}
	var order []string // of first rows, so that what happens depends on the rows alone
	last, lastRows := "", []int64(nil)
	for i := range keys.Len() {
		key := keys.At(i)
		if i == 0 || string(key) != last {
			if i > 0 {
				groups[last] = lastRows
			}
			last = string(key)
			rows, ok := groups[last]
			if !ok {
				order = append(order, last)
				if _, known := p.dirs[last]; !known {
					if p.dirs[last], err = p.h.dir(cols, i); err != nil {
						return err
					}
				}
			}
			lastRows = rows
		}
		lastRows = append(lastRows, int64(i))
	}
	groups[last] = lastRows
	p.rows += rec.NumRows()

	if err := p.admit(ctx, order); err != nil {
		return err
	}
	var rest []int64
	for _, key := range order {
		sl := p.direct[key]
		if sl == nil {
			p.waits[key] = true
			rest = append(rest, groups[key]...)
			continue
		}
		sl.last = p.rows
		if err := p.put(ctx, sl.s, rec, groups[key]); err != nil {
			return err
		}
	}
	if len(rest) == 0 {
		return nil
	}
	slices.Sort(rest)
	part, err := p.take(rec, rest)
	if err != nil {
		return err
	}
	defer part.Release()
	return p.later.add(ctx, part)
}

// admit opens series for new partitions while there is room.
func (p *partitioner) admit(ctx context.Context, keys []string) error {
	var fresh []string
	for _, key := range keys {
		if p.direct[key] != nil || p.closed[key] {
			continue
		}
		if len(p.direct) >= p.t.e.j.maxOpen() {
			ok, err := p.evict(ctx, keys)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
		}
		s := p.series(key)
		if err := s.reserve(1); err != nil {
			return err
		}
		fresh = append(fresh, s.ready...)
		p.direct[key] = &slot{s: s, last: p.rows}
	}
	return p.t.e.reserve(ctx, fresh...)
}

func (p *partitioner) series(key string) *series {
	return &series{t: p.t, m: p.m, dir: path.Join(p.below, p.dirs[key]), stem: p.stem}
}

// evict closes the file that has been idle for longest, if that is long.
func (p *partitioner) evict(ctx context.Context, needed []string) (bool, error) {
	oldest := ""
	for key, sl := range p.direct {
		if p.rows-sl.last >= idleRows && (oldest == "" || sl.last < p.direct[oldest].last) && !slices.Contains(needed, key) {
			oldest = key
		}
	}
	if oldest == "" {
		return false, nil
	}
	sl := p.direct[oldest]
	delete(p.direct, oldest)
	p.closed[oldest] = true
	return true, sl.s.close(ctx)
}

// take gives some rows of a batch.
func (p *partitioner) take(rec arrow.RecordBatch, rows []int64) (arrow.RecordBatch, error) {
	if int64(len(rows)) == rec.NumRows() {
		rec.Retain()
		return rec, nil
	}
	return kernel.TakeBatch(p.later.mem, rec, rows)
}

// put writes some rows of a batch, less the partition columns.
func (p *partitioner) put(ctx context.Context, s *series, rec arrow.RecordBatch, rows []int64) error {
	part, err := p.take(rec, rows)
	if err != nil {
		return err
	}
	defer part.Release()
	return p.less(ctx, s, part)
}

func (p *partitioner) less(ctx context.Context, s *series, part arrow.RecordBatch) error {
	out := withoutColumns(part, p.m.schema, p.keep)
	defer out.Release()
	return s.write(ctx, out)
}

// close publishes the open files, then writes the partitions that waited.
func (p *partitioner) close(ctx context.Context) error {
	var waiting []*series
	byKey := map[string]*series{}
	late := *p.m // few of these are open at a time
	late.share = p.t.e.j.writeBytes() / 2 / closedAtOnce
	for key := range p.waits {
		s := p.series(key)
		s.m = &late
		byKey[key] = s
		waiting = append(waiting, s)
	}
	slices.SortFunc(waiting, func(a, b *series) int { return strings.Compare(a.dir, b.dir) })
	direct := make([]*slot, 0, len(p.direct))
	for _, sl := range p.direct {
		direct = append(direct, sl)
	}
	slices.SortFunc(direct, func(a, b *slot) int { return strings.Compare(a.s.dir, b.s.dir) })
	dc := newCloser(ctx)
	for _, sl := range direct {
		if err := dc.close(sl.s); err != nil {
			return errors.Join(err, dc.wait())
		}
	}
	if err := dc.wait(); err != nil {
		return err
	}
	clear(p.direct)
	if p.later.bytes == 0 && len(p.later.runs) == 0 {
		return nil
	}
	var names []string
	for _, s := range waiting {
		if err := s.reserve(1); err != nil {
			return err
		}
		names = append(names, s.ready...)
	}
	if err := p.t.e.reserve(ctx, names...); err != nil {
		return err
	}
	c := newCloser(ctx)
	var now *series
	err := p.later.merge(ctx, func(rec arrow.RecordBatch) error {
		keys, err := p.later.keys(rec)
		if err != nil {
			return err
		}
		for at := 0; at < keys.Len(); {
			end := at + 1
			for end < keys.Len() && string(keys.At(end)) == string(keys.At(at)) {
				end++
			}
			s := byKey[string(keys.At(at))]
			if s != now {
				if now != nil {
					if err := c.close(now); err != nil {
						return err
					}
				}
				now = s
			}
			part := rec.NewSlice(int64(at), int64(end))
			err := p.less(ctx, s, part)
			part.Release()
			if err != nil {
				return err
			}
			at = end
		}
		return nil
	})
	if now != nil {
		if err == nil {
			err = c.close(now)
		} else {
			err = errors.Join(err, now.abort())
		}
	}
	return errors.Join(err, c.wait())
}

// closer publishes several files at once, since most of the time goes into
// waiting for the disk.
type closer struct {
	ctx  context.Context
	slot chan struct{}
	wg   sync.WaitGroup
	mu   sync.Mutex
	err  error
}

// closedAtOnce is how many files are published at the same time.
const closedAtOnce = 4

func newCloser(ctx context.Context) *closer {
	return &closer{ctx: ctx, slot: make(chan struct{}, closedAtOnce)}
}

// close publishes the file of a series, later perhaps; an error may be that of
// another.
func (c *closer) close(s *series) error {
	c.slot <- struct{}{}
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	if err != nil {
		<-c.slot
		return errors.Join(err, s.abort())
	}
	c.wg.Go(func() {
		defer func() { <-c.slot }()
		if err := s.close(c.ctx); err != nil {
			c.mu.Lock()
			c.err = errors.Join(c.err, err)
			c.mu.Unlock()
		}
	})
	return nil
}

func (c *closer) wait() error {
	c.wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// abort discards what is open.
func (p *partitioner) abort() error {
	var errs []error
	for _, sl := range p.direct {
		errs = append(errs, sl.s.abort())
	}
	p.later.close()
	return errors.Join(errs...)
}
