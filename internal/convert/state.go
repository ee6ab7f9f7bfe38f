package convert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// stateDir is the folder, in the destination's, of what jobs remember.
const stateDir = ".bdconvert"

// Phase is how far a job is.
type Phase string

// The phases. Writing begins with the first file that is opened, between with
// the first that is complete; committing is what follows the last.
const (
	PhaseScanning   Phase = "scanning"
	PhaseWriting    Phase = "writing"
	PhaseBetween    Phase = "between"
	PhaseCommitting Phase = "committing"
	PhaseDone       Phase = "done"
)

const stateVersion = 1

// state is what a job remembers, to be resumed by. The outputs are incomplete
// unless Phase is done.
type state struct {
	Version int    `json:"version"`
	Job     string `json:"job"`
	Sources string `json:"sources"` // hash of their names and versions
	Phase   Phase  `json:"phase"`
	// Reserved are the names of files that tasks which are not done may have made.
	Reserved []string `json:"reserved"`
	// Old are the files that are removed at the end.
	Old   []string             `json:"old,omitempty"`
	Tasks map[string]*taskDone `json:"tasks"`
}

// taskDone is what became of a task.
type taskDone struct {
	Sources []string `json:"sources"`
	Splits  []string `json:"splits"`
	Rows    int64    `json:"rows"` // after the filter
	Bad     int64    `json:"bad_rows,omitempty"`
	Files   []File   `json:"files"`
	Skipped bool     `json:"skipped,omitempty"`
}

// keeper writes a job's state, seldom enough for it to cost little, but always
// before a name that it reserves is used.
type keeper struct {
	fsys fs.FileSystem
	name string // "" keeps nothing
	made string // the destination's directory, if the job makes it

	mu    sync.Mutex
	s     state
	dirty bool
	saved time.Time
}

// savedOften is how long a finished task may be missing from the state: after a
// crash it would be done again.
const savedOften = 500 * time.Millisecond

func loadState(ctx context.Context, fsys fs.FileSystem, name string) (*state, error) {
	b, err := readFile(ctx, fsys, name)
	if err != nil {
		return nil, err
	}
	s := &state{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, &arrowio.Error{Op: "read", URL: fsys.URL(name), Err: fmt.Errorf("%w: no state of a job: %w", arrowio.ErrCorrupt, err)}
	}
	if s.Version != stateVersion {
		return nil, &arrowio.Error{Op: "read", URL: fsys.URL(name), Err: fmt.Errorf("%w: a job's state of version %d", arrowio.ErrUnsupported, s.Version)}
	}
	return s, nil
}

// update changes the state, and saves it when now is asked for or it is time.
func (k *keeper) update(ctx context.Context, now bool, change func(s *state)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.s)
	k.dirty = true
	if !now && time.Since(k.saved) < savedOften {
		return nil
	}
	return k.save(ctx)
}

// task is what the state knows of a task; nil if it is not done.
func (k *keeper) task(key string) *taskDone {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.s.Tasks[key]
}

func (k *keeper) flush(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.dirty {
		return nil
	}
	return k.save(ctx)
}

func (k *keeper) save(ctx context.Context) error {
	if k.name == "" {
		return nil
	}
	b, err := json.Marshal(&k.s)
	if err != nil {
		return err
	}
	if err := writeFile(ctx, k.fsys, k.name, append(b, '\n')); err != nil {
		return err
	}
	k.dirty, k.saved = false, time.Now()
	return nil
}

// forget removes the state's file.
func (k *keeper) forget(ctx context.Context) error {
	if k.name == "" {
		return nil
	}
	if err := k.fsys.Remove(ctx, k.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if removeEmptyDir(k.fsys, path.Dir(k.name)) && k.made != "" {
		removeEmptyDir(k.fsys, k.made) // nothing was written
	}
	return nil
}

// others lists the states of other jobs beside this one's.
func (k *keeper) others(ctx context.Context) (out []string, err error) {
	dir := path.Dir(k.name) + "/"
	for info, err := range k.fsys.List(ctx, dir, fs.ListOptions{Delimited: true}) {
		if err != nil {
			return nil, err
		}
		if !info.IsDir && info.Name != k.name && strings.HasSuffix(info.Name, ".json") {
			out = append(out, info.Name)
		}
	}
	return out, nil
}

// load takes up the job's state, or makes a new one. found says which.
func (e *engine) load(ctx context.Context) (found bool, err error) {
	k := e.keep
	id := e.j.ID()
	k.s = state{Version: stateVersion, Job: id, Phase: PhaseScanning, Tasks: map[string]*taskDone{}}
	if k.name == "" || !e.j.Resume {
		return false, nil
	}
	s, err := loadState(ctx, k.fsys, k.name)
	if errors.Is(err, fs.ErrNotExist) {
		if e.j.ResumeFrom != "" {
			return false, nil
		}
		others, err := k.others(ctx)
		if err != nil {
			return false, err
		}
		if len(others) > 0 {
			return false, fmt.Errorf("%w: --resume: %s is the state of a job with other sources or flags, and there is none of this one", arrowio.ErrOption, k.fsys.URL(others[0]))
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if s.Job != id {
		return false, fmt.Errorf("%w: --resume: %s is the state of a job with other sources or flags", arrowio.ErrOption, k.fsys.URL(k.name))
	}
	if s.Tasks == nil {
		s.Tasks = map[string]*taskDone{}
	}
	k.s = *s
	return true, nil
}

// begin holds the state against the sources, and forgets tasks whose files are
// not what they were.
func (e *engine) begin(ctx context.Context, sources string, resumed bool) error {
	k := e.keep
	if !resumed {
		k.s.Sources = sources
		return nil
	}
	if k.s.Sources != sources {
		return fmt.Errorf("%w: --resume: the sources are not those that the job began with (state in %s)", fs.ErrChanged, k.fsys.URL(k.name))
	}
	for key, d := range k.s.Tasks {
		for _, f := range d.Files {
			info, err := e.to.fsys.Stat(ctx, e.to.name(f.Name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err != nil || info.Size != f.Bytes {
				e.j.notice("%s is not what the job wrote; it is written again", f.URL)
				delete(k.s.Tasks, key)
				k.s.Phase = PhaseBetween
				break
			}
		}
		if e.j.BadRows == BadRowsQuarantine && d.Bad > 0 {
			delete(k.s.Tasks, key) // its bad rows were not kept
		}
	}
	return nil
}

// doneTasks are the tasks of a state that has nothing left to do but to commit.
func (s *state) doneTasks() (out []task) {
	for _, key := range slices.Sorted(maps.Keys(s.Tasks)) {
		t := task{key: key}
		if fs := s.Tasks[key].Files; len(fs) == 1 {
			t.fixed = fs[0].Name
		}
		out = append(out, t)
	}
	return out
}

// reserve writes names to the state before they are used.
func (e *engine) reserve(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	return e.keep.update(ctx, true, func(s *state) { s.Reserved = append(s.Reserved, names...) })
}

// taskEnded notes a finished task; its names are no longer those of a task that
// is not.
func (e *engine) taskEnded(ctx context.Context, key string, d *taskDone) error {
	defer e.tell()
	return e.keep.update(ctx, false, func(s *state) { s.Tasks[key] = d })
}

// orphans are the reserved names that no finished task has.
func (s *state) orphans() []string {
	kept := map[string]bool{}
	for _, t := range s.Tasks {
		for _, f := range t.Files {
			kept[f.Name] = true
		}
	}
	var out []string
	for _, n := range s.Reserved {
		if !kept[n] {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// files of all finished tasks, by name.
func (s *state) files() (out []File) {
	for _, t := range s.Tasks {
		out = append(out, t.Files...)
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func readFile(ctx context.Context, fsys fs.FileSystem, name string) ([]byte, error) {
	f, err := fsys.Open(ctx, name, fs.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Info(ctx)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(fs.ReaderAt(ctx, f), 0, info.Size))
}

func writeFile(ctx context.Context, fsys fs.FileSystem, name string, b []byte) error {
	w, err := fsys.Create(ctx, name, fs.CreateOptions{})
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err = w.Commit(ctx)
	return err
}
