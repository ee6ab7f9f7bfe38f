package convert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// successFile is the name of the marker that --success-file writes last.
const successFile = "_SUCCESS"

// manifest is what --manifest writes.
type manifest struct {
	Job   string         `json:"job"`
	Rows  int64          `json:"rows"`
	Bytes int64          `json:"bytes"`
	Bad   int64          `json:"bad_rows,omitempty"`
	Files []manifestFile `json:"files"`
}

type manifestFile struct {
	File
	Sources []string `json:"sources,omitempty"`
	Skipped bool     `json:"skipped,omitempty"`
}

// commit publishes the whole: manifest, success file, and last the removal of
// what is overwritten.
func (e *engine) commit(ctx context.Context, tasks []task) error {
	e.enter(PhaseCommitting)
	if err := e.totals(tasks); err != nil {
		return err
	}
	if len(e.keep.s.Old) > 0 || e.j.Resume && e.keep.name != "" {
		if err := e.keep.update(ctx, true, func(s *state) { s.Phase = PhaseCommitting }); err != nil {
			return err
		}
	}
	if e.j.Manifest != "" {
		if err := e.writeManifest(ctx, tasks); err != nil {
			return err
		}
	}
	if e.j.SuccessFile {
		if err := writeFile(ctx, e.to.fsys, e.to.name(successFile), nil); err != nil {
			return err
		}
	}
	if err := e.removeOld(ctx); err != nil {
		return err
	}
	if !e.j.Resume {
		return e.keep.forget(ctx)
	}
	return e.keep.update(ctx, true, func(s *state) { s.Phase = PhaseDone })
}

// totals makes sure that every task is done.
func (e *engine) totals(tasks []task) error {
	for _, t := range tasks {
		if e.keep.s.Tasks[t.key] == nil {
			return fmt.Errorf("%w: %s was not done", arrowio.ErrIncomplete, t.key)
		}
	}
	return nil
}

func (e *engine) removeOld(ctx context.Context) error {
	kept := map[string]bool{}
	for _, f := range e.keep.s.files() {
		kept[f.Name] = true
	}
	for _, n := range e.keep.s.Old {
		if kept[n] {
			continue
		}
		if err := e.to.fsys.Remove(ctx, e.to.name(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removeEmptyDirs(e.to, n)
	}
	return nil
}

// removeEmptyDirs removes the folders of a removed file that are empty now.
func removeEmptyDirs(t target, rel string) {
	for {
		at := strings.LastIndexByte(rel, '/')
		if at < 0 {
			return
		}
		rel = rel[:at]
		if !removeEmptyDir(t.fsys, t.name(rel)) {
			return
		}
	}
}

// removeEmptyDir removes a local folder if nothing is in it. Stores without
// folders have none to remove.
func removeEmptyDir(fsys fs.FileSystem, name string) bool {
	if !fsys.Caps().RealDirs {
		return false
	}
	dir := fsys.URL(name)
	return filepath.IsAbs(dir) && os.Remove(dir) == nil
}

func (e *engine) writeManifest(ctx context.Context, tasks []task) error {
	m := manifest{Job: e.j.ID(), Files: []manifestFile{}}
	for _, t := range tasks {
		d := e.keep.s.Tasks[t.key]
		m.Bad += d.Bad
		if d.Skipped {
			m.Files = append(m.Files, manifestFile{File: File{Name: t.fixed, URL: e.to.url(t.fixed)}, Skipped: true})
		}
		for _, f := range d.Files {
			m.Rows += f.Rows
			m.Bytes += f.Bytes
			m.Files = append(m.Files, manifestFile{File: f, Sources: d.Sources})
		}
	}
	sort.SliceStable(m.Files, func(a, b int) bool { return m.Files[a].Name < m.Files[b].Name })
	b, err := json.MarshalIndent(&m, "", "  ")
	if err != nil {
		return err
	}
	fsys, name, err := fs.Resolve(ctx, e.j.Manifest, e.j.Write.FS)
	if err != nil {
		return err
	}
	return writeFile(ctx, fsys, name, append(b, '\n'))
}

// stopped keeps what the job needs to go on, and removes what is of no use.
func (e *engine) stopped(ctx context.Context, tasks []task, cause error) error {
	if isStream(e.j.Dest) {
		return cause
	}
	interrupted := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	if e.parts && e.phase != PhaseCommitting {
		for _, n := range e.keep.s.orphans() {
			if err := e.to.fsys.Remove(ctx, e.to.name(n)); err == nil {
				removeEmptyDirs(e.to, n)
			}
		}
	}
	done := 0
	for _, t := range tasks {
		if d := e.keep.s.Tasks[t.key]; d != nil && !d.Skipped {
			done++
		}
	}
	if done == 0 && !interrupted && !e.j.Resume {
		return errors.Join(cause, e.keep.forget(ctx))
	}
	if err := e.keep.flush(ctx); err != nil {
		return errors.Join(cause, err)
	}
	u := &Unfinished{Err: cause, Done: done, Total: len(tasks)}
	if e.keep.name != "" {
		u.State = e.keep.fsys.URL(e.keep.name)
	}
	return u
}

func (e *engine) report(tasks []task, resumed bool) *Report {
	r := &Report{Job: e.j.ID(), Resumed: resumed, Files: e.keep.s.files()}
	for _, f := range r.Files {
		r.Rows += f.Rows
		r.Bytes += f.Bytes
	}
	for _, t := range tasks {
		if d := e.keep.s.Tasks[t.key]; d != nil {
			r.Bad += d.Bad
			if d.Skipped {
				r.Skipped = append(r.Skipped, e.to.url(t.fixed))
			}
		}
	}
	return r
}
