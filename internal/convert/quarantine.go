package convert

import (
	"context"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
)

// quarantine takes the rows that cannot be written. With a file it keeps them
// there, as they were read, with the reason in a column _error.
type quarantine struct {
	j *Job

	mu     sync.Mutex
	sink   arrowio.Sink
	schema *arrow.Schema
	rows   int64
	first  string
}

const errorColumn = "_error"

func (j *Job) newQuarantine() *quarantine {
	if j.BadRows != BadRowsSkip && j.BadRows != BadRowsQuarantine {
		return nil
	}
	return &quarantine{j: j}
}

func (q *quarantine) take(ctx context.Context, rec *badBatch) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rows += rec.NumRows()
	if q.first == "" {
		q.first = rec.why[0]
	}
	if q.j.BadRows != BadRowsQuarantine {
		return nil
	}
	if q.sink == nil {
		q.schema = arrow.NewSchema(append(rec.Schema().Fields(), arrow.Field{Name: errorColumn, Type: arrow.BinaryTypes.String}), nil)
		sink, err := catalog.Create(ctx, q.j.Quarantine, q.schema, catalog.CreateOptions{FS: q.j.Write.FS, Overwrite: q.j.IfExists == ExistsOverwrite || q.j.Resume})
		if err != nil {
			return fmt.Errorf("--on-bad-row: %w", err)
		}
		q.sink = sink
	}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(rec.why, nil)
	reason := b.NewArray()
	defer reason.Release()
	cols := rec.Columns()
	out := array.NewRecordBatch(q.schema, append(cols[:len(cols):len(cols)], reason), rec.NumRows())
	defer out.Release()
	return q.sink.Write(ctx, out)
}

// end publishes the file and tells of the rows. ok says that the job went well.
func (q *quarantine) end(ctx context.Context, ok bool) error {
	if q == nil {
		return nil
	}
	if q.sink != nil {
		defer q.sink.Close()
		if ok {
			if _, err := q.sink.Commit(ctx); err != nil {
				return err
			}
		}
	}
	if q.rows > 0 && ok {
		where := "left out"
		if q.sink != nil {
			where = "written to " + q.j.Quarantine
		}
		q.j.notice("%d bad rows were %s; the first: %s", q.rows, where, q.first)
	}
	return nil
}
