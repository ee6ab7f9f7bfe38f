package convert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// Publish makes the parts of the receipts the job's outputs: it checks that
// every split was written, takes each split once, gives the parts their names,
// and commits as Execute does. What was not committed before it was stopped is
// done again by another Publish.
func (j *Job) Publish(ctx context.Context, receipts []Receipt) (*Report, error) {
	j.divided = true
	chosen, err := choose(receipts, j.ID())
	if err != nil {
		return nil, err
	}
	j.Resume = true // the state of a Publish that was stopped is taken up
	e, tasks, resumed, err := j.prepare(ctx, false)
	if err != nil {
		return nil, err
	}
	if len(tasks) == 0 {
		return &Report{Job: j.ID()}, nil
	}
	stop := e.watch()
	defer stop()
	ext := ""
	if e.keep.s.Phase == PhaseCommitting {
		chosen = nil // all parts have their names
	} else {
		ext = tasks[0].format.Extensions()[0]
		tasks = nil
	}
	for i := range chosen {
		key := fmt.Sprintf("receipt of split %d", slices.Min(chosen[i].Splits))
		tasks = append(tasks, task{key: key})
		if e.keep.s.Tasks[key] != nil {
			continue
		}
		if err := e.take(ctx, key, &chosen[i], ext); err != nil {
			return e.report(tasks, resumed), e.stopped(ctx, tasks, err)
		}
	}
	if err := e.commit(ctx, tasks); err != nil {
		return e.report(tasks, resumed), e.stopped(ctx, tasks, err)
	}
	e.enter(PhaseDone)
	if err := e.sweep(ctx); err != nil {
		return e.report(tasks, resumed), err
	}
	return e.report(tasks, resumed), e.keep.forget(ctx)
}

// choose takes each split once: of receipts with the same splits, as a worker
// that was started again leaves them, the first.
func choose(receipts []Receipt, job string) ([]Receipt, error) {
	if len(receipts) == 0 {
		return nil, fmt.Errorf("%w: no worker has written anything", arrowio.ErrIncomplete)
	}
	of := receipts[0].Of
	done := map[int]bool{}
	var out []Receipt
	for _, r := range receipts {
		if r.Version != tokenVersion {
			return nil, fmt.Errorf("%w: a receipt of version %d", arrowio.ErrUnsupported, r.Version)
		}
		if r.Job != job || r.Of != of {
			return nil, fmt.Errorf("%w: receipts of different jobs, or of other sources or flags", arrowio.ErrOption)
		}
		have := 0
		for _, n := range r.Splits {
			if done[n] {
				have++
			}
		}
		switch {
		case have == len(r.Splits):
			continue
		case have > 0:
			return nil, fmt.Errorf("%w: two workers wrote split %d, and other splits besides, so that neither can be left out", arrowio.ErrIncomplete, r.Splits[0])
		}
		for _, n := range r.Splits {
			done[n] = true
		}
		out = append(out, r)
	}
	var missing []string
	for n := range of {
		if !done[n] {
			missing = append(missing, fmt.Sprint(n))
		}
	}
	if n := len(missing); n > 0 {
		if n > 10 {
			missing = append(missing[:10], "…")
		}
		return nil, fmt.Errorf("%w: %d of %d splits were not written: %s", arrowio.ErrIncomplete, n, of, strings.Join(missing, ", "))
	}
	slices.SortFunc(out, func(a, b Receipt) int { return slices.Min(a.Splits) - slices.Min(b.Splits) })
	return out, nil
}

// take copies the parts of a receipt to their names.
func (e *engine) take(ctx context.Context, key string, r *Receipt, ext string) error {
	names := make([]string, len(r.Parts))
	total := int64(0)
	for i, p := range r.Parts {
		if !strings.HasPrefix(p.Name, stateDir+"/"+e.j.ID()+"/") || strings.Contains("/"+p.Dir+"/", "/../") {
			return fmt.Errorf("%w: a receipt that tells of %q", arrowio.ErrCorrupt, p.Name)
		}
		var err error
		if names[i], err = e.names.fill(e.template, p.Dir, p.Stem, ext); err != nil {
			return err
		}
		total += p.Rows
	}
	if total+r.Bad != r.Rows {
		return fmt.Errorf("%w: %d rows were read, %d set aside and %d written", arrowio.ErrIncomplete, r.Rows, r.Bad, total)
	}
	if err := e.reserve(ctx, names...); err != nil {
		return err
	}
	d := &taskDone{Rows: r.Rows, Bad: r.Bad, Sources: few(e.sources)}
	for i, p := range r.Parts {
		f, err := e.move(ctx, p, names[i])
		if err != nil {
			return err
		}
		d.Files = append(d.Files, f)
		e.m.files.Add(1)
		e.m.out.Add(f.Bytes)
		e.enter(PhaseBetween)
	}
	return e.taskEnded(ctx, key, d)
}

// move copies a part to its name: filesystems have no rename.
func (e *engine) move(ctx context.Context, p StagedPart, name string) (File, error) {
	from, err := e.to.fsys.Open(ctx, e.to.name(p.Name), fs.OpenOptions{})
	if err != nil {
		return File{}, err
	}
	defer from.Close()
	w, err := e.to.fsys.Create(ctx, e.to.name(name), fs.CreateOptions{IfNotExists: e.to.fsys.Caps().CreateIfNotExists})
	if err != nil {
		return File{}, err
	}
	defer w.Close()
	e.opened(name)
	sum := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(w, hash.Hash(sum)), io.NewSectionReader(fs.ReaderAt(ctx, from), 0, p.Bytes), make([]byte, 4<<20))
	if err != nil {
		return File{}, err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != p.Bytes || got != p.SHA256 {
		return File{}, fmt.Errorf("%w: %s is not what its worker wrote", arrowio.ErrIncomplete, e.to.url(p.Name))
	}
	if _, err := w.Commit(ctx); err != nil {
		return File{}, err
	}
	f := p.File
	f.Name, f.URL = name, e.to.url(name)
	return f, nil
}

// sweep removes what the workers have left, all of it being published.
func (e *engine) sweep(ctx context.Context) error {
	dir := path.Join(stateDir, e.j.ID())
	var all []string
	for info, err := range e.to.fsys.List(ctx, e.to.name(dir)+"/", fs.ListOptions{}) {
		if err != nil {
			return err
		}
		if !info.IsDir {
			all = append(all, info.Name)
		}
	}
	for _, n := range all {
		if err := e.to.fsys.Remove(ctx, n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removeEmptyDirs(e.to, strings.TrimPrefix(n, e.to.name("")))
	}
	return nil
}
