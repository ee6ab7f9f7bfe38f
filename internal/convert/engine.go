package convert

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// Report is what a job did.
type Report struct {
	Job     string
	Files   []File   // by name
	Skipped []string // that were there and stay
	Rows    int64
	Bytes   int64
	Bad     int64 // rows that were set aside
	Resumed bool
}

// Unfinished is the error of a job that can be resumed.
type Unfinished struct {
	Err         error
	Done, Total int // tasks
	State       string
}

func (u *Unfinished) Error() string { return u.Err.Error() }
func (u *Unfinished) Unwrap() error { return u.Err }

// engine is one run of a job.
type engine struct {
	j        *Job
	to       target
	file     string // the destination, where it is one file
	parts    bool   // files are named by the template
	template template
	names    *names
	keep     *keeper
	m        meter
	q        *quarantine
	sources  []string // URLs

	mu       sync.Mutex
	phase    Phase
	replaces map[string]bool
	left     int64 // rows of the limit
	start    time.Time
}

// Execute runs the job. When it fails the outputs that were finished are there,
// and the error is *Unfinished if Job.Resume can take it up from there.
func (j *Job) Execute(ctx context.Context) (_ *Report, err error) {
	e, tasks, resumed, err := j.prepare(ctx, false)
	if err != nil || tasks == nil {
		if e != nil && err == nil {
			return &Report{Job: j.ID()}, nil
		}
		return nil, err
	}
	if resumed && e.keep.s.Phase == PhaseDone {
		j.notice("the job was finished before; nothing is left to do")
		return e.report(tasks, true), nil
	}
	stop := e.watch()
	defer stop()
	switch {
	case e.keep.s.Phase == PhaseCommitting:
	case len(j.Layout.PartitionBy) > 0:
		err = e.runPartitioned(ctx, &tasks)
	default:
		err = e.runTasks(ctx, tasks)
	}
	qerr := e.q.end(ctx, err == nil)
	err = errors.Join(err, qerr)
	if err == nil {
		err = e.commit(ctx, tasks)
	}
	if err != nil {
		return e.report(tasks, resumed), e.stopped(ctx, tasks, err)
	}
	e.enter(PhaseDone)
	return e.report(tasks, resumed), nil
}

// prepare plans, takes up the state and heeds --if-exists. No task means that
// there is nothing to do. A dry run changes nothing.
func (j *Job) prepare(ctx context.Context, dry bool) (*engine, []task, bool, error) {
	if err := j.check(); err != nil {
		return nil, nil, false, err
	}
	e := &engine{j: j, names: newNames(), keep: &keeper{}, replaces: map[string]bool{}, q: j.newQuarantine(), left: j.Limit, start: time.Now()}
	e.enter(PhaseScanning)
	name := j.Layout.Name
	if name == "" {
		name = defaultName
	}
	var err error
	if e.template, err = parseTemplate(name); err != nil {
		return nil, nil, false, err
	}
	if !isStream(j.Dest) {
		if e.to, e.file, err = j.resolve(ctx); err != nil {
			return nil, nil, false, err
		}
		e.parts = j.Layout.parts() || j.divided
		if j.divided {
			if err := j.distributed(e); err != nil {
				return nil, nil, false, err
			}
		}
		if e.file != "" && (j.SuccessFile || j.IfExists == ExistsAppend) {
			return nil, nil, false, fmt.Errorf("%w: --success-file and --if-exists append need a directory (try: %s/)", arrowio.ErrOption, j.Dest)
		}
		if e.file == "" && e.to.fsys.Caps().RealDirs {
			if _, err := e.to.fsys.Stat(ctx, e.to.dir); errors.Is(err, fs.ErrNotExist) {
				e.keep.made = e.to.dir
			}
		}
		if e.file == "" || j.Resume {
			e.keep.fsys, e.keep.name = e.to.fsys, e.statePath()
			if j.ResumeFrom != "" {
				if e.keep.fsys, e.keep.name, err = fs.Resolve(ctx, j.ResumeFrom, j.Write.FS); err != nil {
					return nil, nil, false, err
				}
			}
		} else {
			e.keep.fsys = e.to.fsys
		}
	}
	resumed, err := e.load(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	if p := e.keep.s.Phase; resumed && (p == PhaseCommitting || p == PhaseDone && len(e.keep.s.Old) > 0) {
		// The sources may be gone: they may be what is replaced.
		return e, e.keep.s.doneTasks(), true, nil
	}
	tasks, sum, err := e.plan(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	if err := e.begin(ctx, sum, resumed); err != nil {
		return nil, nil, false, err
	}
	if isStream(j.Dest) || resumed && e.keep.s.Phase == PhaseDone {
		return e, tasks, resumed, nil
	}
	for _, d := range e.keep.s.Tasks {
		e.left -= d.Rows
	}
	if dry {
		e.keep.name = ""
	}
	nothing, err := e.settle(ctx, tasks, resumed && !dry)
	if err != nil {
		return nil, nil, false, err
	}
	if nothing {
		tasks = nil
	}
	for _, t := range tasks {
		if t.replace {
			e.replaces[t.fixed] = true
		}
	}
	if j.SuccessFile && !dry && !nothing { // of an earlier job: from here on it is not true
		if err := e.to.fsys.Remove(ctx, e.to.name(successFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, false, err
		}
	}
	return e, tasks, resumed, nil
}

// statePath is where the job keeps its state.
func (e *engine) statePath() string { return e.to.name(stateDir + "/" + e.j.ID() + ".json") }

func (e *engine) mayReplace(name string) bool { return e.replaces[name] }

// runTasks runs tasks, several at once.
func (e *engine) runTasks(ctx context.Context, tasks []task) error {
	jobs := e.j.Run.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	at := min(jobs, len(tasks))
	if e.j.Limit > 0 || at == 0 {
		at = 1 // what is left of the limit depends on those before
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var failed []error
	next := make(chan *task)
	var wg sync.WaitGroup
	for range at {
		wg.Go(func() {
			for t := range next {
				if ctx.Err() != nil {
					continue
				}
				err := e.run(ctx, t, max(1, jobs/at), e.j.writeBytes()/int64(at))
				if err == nil {
					continue
				}
				mu.Lock()
				failed = append(failed, err)
				if e.j.KeepGoing && ctx.Err() == nil {
					e.j.notice("%s", err)
				} else {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	for i := range tasks {
		if e.keep.task(tasks[i].key) != nil || ctx.Err() != nil {
			continue
		}
		next <- &tasks[i]
	}
	close(next)
	wg.Wait()
	if len(failed) == 0 {
		return ctx.Err()
	}
	if e.j.KeepGoing && len(tasks) > 1 && !errors.Is(failed[0], context.Canceled) {
		return fmt.Errorf("%w: %d of %d outputs failed; the first: %v", arrowio.ErrIncomplete, len(failed), len(tasks), failed[0])
	}
	for _, err := range failed { // those that the first failure cancelled tell nothing
		if !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return failed[0]
}

// taskRun is a task being run.
type taskRun struct {
	e    *engine
	t    *task
	mu   sync.Mutex
	done taskDone
}

func (t *taskRun) add(f File) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done.Files = append(t.done.Files, f)
	t.e.m.files.Add(1)
	t.e.m.out.Add(f.Bytes)
	t.e.enter(PhaseBetween)
}

// writer takes the rows of a task.
type writer interface {
	write(ctx context.Context, rec arrow.RecordBatch) error
	close(ctx context.Context) error
	abort() error
}

// run runs a task that has an input of its own.
func (e *engine) run(ctx context.Context, t *task, jobs int, share int64) (err error) {
	tr := &taskRun{e: e, t: t, done: taskDone{Sources: t.shown}}
	if t.skip {
		e.j.notice("%s exists and is left as it is", e.to.url(t.fixed))
		tr.done.Skipped = true
		return e.taskEnded(ctx, t.key, &tr.done)
	}
	if e.j.CopyUnits {
		return e.copyUnits(ctx, tr)
	}
	in, err := e.j.openInput(ctx, t.sources, &e.m)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := in.Close(); err == nil {
			err = cerr
		}
	}()
	m, err := e.newMaker(t.format, in.shape.schema, share)
	if err != nil {
		return err
	}
	if e.parts && e.j.Limit == 0 && t.bytes > e.j.checkpoint() {
		return e.runStretches(ctx, t, in, m, jobs)
	}
	s := &series{t: tr, m: m, dir: t.dir, stem: t.stem, fixed: t.fixed}
	// The first file is opened before the first row, so that one without rows is
	// written too, and what is wrong with it is told early.
	if isStream(e.j.Dest) {
		w, err := e.j.Write.Writer(ctx, e.j.Dest)
		if err != nil {
			return err
		}
		s.fixed = e.j.Dest
		if s.part, err = m.start(w, File{Name: e.j.Dest, URL: e.j.Dest}); err != nil {
			return err
		}
	} else if err := s.open(ctx); err != nil {
		return err
	}
	return e.fill(ctx, tr, in, s, jobs)
}

// fill reads a task's rows into its files and notes that it is done.
func (e *engine) fill(ctx context.Context, tr *taskRun, in *input, w writer, jobs int) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, w.abort())
		}
	}()
	limit := int64(0)
	if e.j.Limit > 0 {
		if limit = e.left; limit <= 0 {
			limit = -1
		}
	}
	var splits func(func(arrowio.Split, error) bool)
	if tr.t.splits != nil {
		splits = func(yield func(arrowio.Split, error) bool) {
			for _, s := range tr.t.splits {
				if !yield(s, nil) {
					return
				}
			}
		}
	}
	st, r, err := in.run(ctx, splits, jobs, limit, e.q)
	if err != nil {
		return err
	}
	defer r.Close()
	out := int64(0)
	for r.Next() {
		rec := r.RecordBatch()
		out += rec.NumRows()
		if err := w.write(ctx, rec); err != nil {
			return err
		}
	}
	if err := r.Close(); err != nil {
		return err
	}
	if e.j.Limit > 0 { // then one task runs at a time
		e.left -= st.rows
	}
	if err := st.complete(); err != nil {
		return err
	}
	if err := w.close(ctx); err != nil {
		return err
	}
	return e.account(ctx, tr, st, out)
}

// account holds what was written against what was read.
func (e *engine) account(ctx context.Context, tr *taskRun, st *stream, out int64) error {
	total := int64(0)
	for _, f := range tr.done.Files {
		total += f.Rows
	}
	if st.rows != out+st.bad || total != out {
		return fmt.Errorf("%w: %d rows were read, %d set aside and %d written", arrowio.ErrIncomplete, st.rows, st.bad, total)
	}
	tr.done.Splits, tr.done.Rows, tr.done.Bad = st.splits, st.rows, st.bad
	return e.taskEnded(ctx, tr.t.key, &tr.done)
}

// layout is a job's Layout settled for a schema.
type layout struct {
	maker *maker
	hive  *hive // nil: not partitioned
	keep  []int // the columns of the files
}

func (e *engine) layoutOf(in *input, f formats.Format) (*layout, error) {
	whole := in.shape.schema
	by := e.j.Layout.PartitionBy
	if len(by) == 0 {
		m, err := e.newMaker(f, whole, e.j.writeBytes())
		return &layout{maker: m}, err
	}
	h, err := newHive(whole, by)
	if err != nil {
		return nil, err
	}
	l := &layout{hive: h}
	var fields []arrow.Field
	for i, f := range whole.Fields() {
		if e.j.Layout.KeepPartitionColumns || !slices.Contains(h.cols, i) {
			l.keep, fields = append(l.keep, i), append(fields, f)
		}
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("%w: --partition-by takes all columns (try: --keep-partition-columns)", arrowio.ErrOption)
	}
	md := whole.Metadata()
	l.maker, err = e.newMaker(f, arrow.NewSchema(fields, &md), e.j.writeBytes()/int64(e.j.maxOpen()))
	return l, err
}
