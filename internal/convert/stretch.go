package convert

import (
	"context"
	"fmt"
	"slices"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// runPartitioned opens the sources once and runs a task for each stretch of
// their splits, one after the other. tasks becomes the list of those.
func (e *engine) runPartitioned(ctx context.Context, tasks *[]task) (err error) {
	all := (*tasks)[0]
	in, err := e.j.openInput(ctx, all.sources, &e.m)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := in.Close(); err == nil {
			err = cerr
		}
	}()
	l, err := e.layoutOf(in, all.format)
	if err != nil {
		return err
	}
	stretches, err := e.stretches(ctx, in, all)
	if err != nil {
		return err
	}
	*tasks = stretches
	for i := range stretches {
		t := &stretches[i]
		if done, err := e.doneBefore(t); done || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		tr := &taskRun{e: e, t: t, done: taskDone{Sources: t.shown}}
		if err := e.fill(ctx, tr, in, tr.newPartitioner(l.maker, l.hive, in.shape.schema, l.keep, t.stem), 0); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// runStretches runs a task that makes parts of one large source, a stretch of its
// splits after the other. At the end the stretches are one task again.
func (e *engine) runStretches(ctx context.Context, t *task, in *input, m *maker, jobs int) error {
	stretches, err := e.stretches(ctx, in, *t)
	if err != nil {
		return err
	}
	whole := &taskDone{Sources: t.shown}
	for i := range stretches {
		st := &stretches[i]
		done, err := e.doneBefore(st)
		if err != nil {
			return err
		}
		if !done {
			tr := &taskRun{e: e, t: st, done: taskDone{Sources: t.shown}}
			s := &series{t: tr, m: m, dir: t.dir, stem: t.stem}
			if err := e.fill(ctx, tr, in, s, jobs); err != nil {
				return err
			}
		}
		d := e.keep.task(st.key)
		whole.Splits = append(whole.Splits, d.Splits...)
		whole.Files = append(whole.Files, d.Files...)
		whole.Rows += d.Rows
		whole.Bad += d.Bad
	}
	return e.keep.update(ctx, false, func(s *state) {
		s.Tasks[t.key] = whole
		for i := range stretches {
			delete(s.Tasks, stretches[i].key)
		}
	})
}

// doneBefore says that an earlier run did a stretch, of these very splits.
func (e *engine) doneBefore(t *task) (bool, error) {
	d := e.keep.task(t.key)
	if d == nil {
		return false, nil
	}
	if !slices.Equal(d.Splits, splitIDs(t.splits)) {
		return false, fmt.Errorf("%w: --resume: the splits of the sources are not those that the job began with", fs.ErrChanged)
	}
	e.m.read.Add(t.bytes)
	return true, nil
}

const defaultCheckpoint = 16 << 30

func (j *Job) checkpoint() int64 {
	if j.Layout.Checkpoint > 0 {
		return j.Layout.Checkpoint
	}
	return defaultCheckpoint
}

// stretches divides the splits into tasks of about Layout.Checkpoint bytes.
func (e *engine) stretches(ctx context.Context, in *input, all task) ([]task, error) {
	bound := e.j.checkpoint()
	scan, err := in.table.Plan(ctx, in.req)
	if err != nil {
		return nil, err
	}
	out := []task{}
	cur := all
	cur.splits, cur.bytes = []arrowio.Split{}, 0
	end := func() {
		cur.key = fmt.Sprintf("%s checkpoint %d", all.key, len(out))
		out = append(out, cur)
		cur.splits, cur.bytes = []arrowio.Split{}, 0
	}
	total := int64(0)
	for sp, err := range scan.Splits {
		if err != nil {
			return nil, err
		}
		cur.splits = append(cur.splits, sp)
		cur.bytes += sp.Bytes
		total += sp.Bytes
		if cur.bytes >= bound && e.j.Limit == 0 {
			end()
		}
	}
	if len(cur.splits) > 0 || len(out) == 0 {
		end()
	}
	e.m.total.Add(total - all.bytes)
	return out, nil
}

func splitIDs(splits []arrowio.Split) []string {
	var out []string
	for _, s := range splits {
		out = append(out, s.ID)
	}
	return out
}
