package orc

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/fs"
)

// Sink writes one ORC file, in order and without seeking. It is an
// arrowio.Sink: not for concurrent use, nothing is published before Commit, and
// after an error it only closes.
//
//	batch ─► column writers (nulls, values, compressed as they fill) ─► row groups ─► stripe ─► file
//	                                                              Commit ─► statistics, footer, postscript
type Sink struct {
	w     fs.Writer
	o     WriteOptions
	arrow *arrow.Schema
	root  *columnWriter
	cols  []*columnWriter // by id
	chunk *block.Writer

	pos       int64
	rows      int64 // of the stripe being built
	groupRows int   // of the row group being built
	total     int64
	stripes   []proto.StripeInformation
	stats     []proto.StripeStatistics
	metadata  []proto.UserMetadataItem
	charged   int64 // bytes taken from the budget
	err       error
	finished  bool
}

// Versions that the postscript and the footer tell.
const (
	// writerVersion says which bugs of other writers a reader must not expect:
	// all were mended before ORC-14.
	writerVersion = 9
	// writerID is none of the registered implementations.
	writerID = math.MaxInt32
)

// NewSink starts a file of record batches of schema s in w, which it takes
// over: Commit commits it, Close closes it, and so does NewSink when it fails.
func NewSink(w fs.Writer, s *arrow.Schema, o WriteOptions) (*Sink, error) {
	k, err := newFileSink(w, s, o)
	if err == nil {
		err = k.put([]byte(magic))
	}
	if err != nil {
		_ = w.Close() // the error to report is err
		return nil, err
	}
	return k, nil
}

func newFileSink(w fs.Writer, s *arrow.Schema, o WriteOptions) (*Sink, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	root, tree, err := newWriteSchema(s)
	if err != nil {
		return nil, err
	}
	k := &Sink{w: w, o: o, arrow: s}
	k.chunk = &block.Writer{Codec: writeCodecs[o.Codec].codec, Level: o.Level, Size: o.BlockBytes}
	plans, err := o.plans(tree.nodes, k.chunk)
	if err != nil {
		return nil, err
	}
	k.cols = make([]*columnWriter, len(tree.nodes))
	k.root = k.newColumn(root, plans)
	k.metadata, err = k.userMetadata()
	return k, err
}

func (k *Sink) newColumn(n *writeNode, plans []columnPlan) *columnWriter {
	c := newColumnWriter(n, plans[n.id], k.o.TimestampUnit)
	k.cols[n.id] = c
	for _, kid := range n.children {
		c.kids = append(c.kids, k.newColumn(kid, plans))
	}
	return c
}

// put writes to the file and counts.
func (k *Sink) put(b []byte) error {
	n, err := k.w.Write(b)
	k.pos += int64(n)
	return err
}

// slice is the most rows that are taken before the stripe's size is looked at.
const slice = 10_000

// Write adds the rows of rec. The batch is not kept.
func (k *Sink) Write(ctx context.Context, rec arrow.RecordBatch) error {
	if k.err != nil {
		return k.err
	}
	if k.finished {
		return fmt.Errorf("write: %w", fs.ErrClosed)
	}
	k.err = k.write(ctx, rec)
	return k.err
}

func (k *Sink) write(ctx context.Context, rec arrow.RecordBatch) error {
	if err := k.sameTypes(rec.Schema()); err != nil {
		return err
	}
	group := k.o.Stride
	for at := int64(0); at < rec.NumRows(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(slice, group-k.groupRows, int(rec.NumRows()-at))
		if k.groupRows == 0 {
			k.root.begin()
		}
		k.root.group.values += uint64(n)
		k.root.present.all(n)
		err := k.each(func(i int, c *columnWriter) error {
			d := rec.Column(i).Data()
			return c.write(d, places{n: n, base: d.Offset() + int(at)})
		})
		if err != nil {
			return err
		}
		k.rows += int64(n)
		at += int64(n)
		if k.groupRows += n; k.groupRows == group {
			k.root.end()
			k.groupRows = 0
		}
		if k.root.size() >= k.o.StripeBytes || !k.charge(k.root.held()) {
			if err := k.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *Sink) sameTypes(s *arrow.Schema) error {
	if s == k.arrow {
		return nil
	}
	if s.NumFields() != k.arrow.NumFields() {
		return fmt.Errorf("%w: a batch of %d columns, the file has %d", arrowio.ErrCast, s.NumFields(), k.arrow.NumFields())
	}
	for i, f := range k.arrow.Fields() {
		if !arrow.TypeEqual(f.Type, s.Field(i).Type) {
			return &arrowio.Error{Op: "write", Column: f.Name, Err: fmt.Errorf("%w: the batch has %s, the file %s", arrowio.ErrCast, s.Field(i).Type, f.Type)}
		}
	}
	return nil
}

// each does something with every top-level column, several at once.
func (k *Sink) each(do func(i int, c *columnWriter) error) error {
	cols := k.root.kids
	jobs := min(k.o.Jobs, len(cols))
	if jobs <= 1 {
		for i, c := range cols {
			if err := do(i, c); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, len(cols))
	next := make(chan int)
	var wg sync.WaitGroup
	for range jobs {
		wg.Go(func() {
			for i := range next {
				errs[i] = do(i, cols[i])
			}
		})
	}
	for i := range cols {
		next <- i
	}
	close(next)
	wg.Wait()
	return cmp.Or(errs...)
}

// charge brings what the budget has granted up to n bytes; false if it is used
// up.
func (k *Sink) charge(n int64) bool {
	if n <= k.charged {
		return true
	}
	if !k.o.Budget.TryAcquire(n - k.charged) {
		return false
	}
	k.charged = n
	return true
}

func (k *Sink) discharge() {
	k.o.Budget.Release(k.charged)
	k.charged = 0
}

// Commit writes the last stripe, the statistics and the footer, and publishes
// the file. After a failed Write it publishes nothing and returns that error.
func (k *Sink) Commit(ctx context.Context) (arrowio.Result, error) {
	if k.err != nil {
		return arrowio.Result{}, k.err
	}
	if k.finished {
		return arrowio.Result{}, fmt.Errorf("commit: %w", fs.ErrClosed)
	}
	if k.err = k.flush(); k.err == nil {
		k.err = k.writeTail()
	}
	if k.err != nil {
		return arrowio.Result{}, k.err
	}
	info, err := k.w.Commit(ctx)
	if k.err = err; err != nil {
		return arrowio.Result{}, err
	}
	k.finished = true
	return arrowio.Result{
		Rows: k.total, Bytes: k.pos,
		Files: []arrowio.WrittenFile{{URL: info.Name, Rows: k.total, Bytes: k.pos}},
	}, nil
}

// Close gives up what was not committed. It may be called more than once.
func (k *Sink) Close() error {
	k.discharge()
	if k.err == nil && !k.finished {
		k.err = fmt.Errorf("write: %w", fs.ErrClosed)
	}
	return k.w.Close()
}
