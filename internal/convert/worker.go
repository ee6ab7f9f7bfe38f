package convert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// Receipt is what a worker has written: parts that nobody sees yet.
type Receipt struct {
	Version int          `json:"v"`
	Job     string       `json:"job"`
	Dest    string       `json:"dest"`
	Args    []string     `json:"args"`
	Splits  []int        `json:"splits"` // numbers of the tokens
	Of      int          `json:"of"`
	Rows    int64        `json:"rows"`
	Bad     int64        `json:"bad_rows,omitempty"`
	Parts   []StagedPart `json:"parts"`
}

// StagedPart is a part under a hidden name, and where it belongs.
type StagedPart struct {
	File
	Dir  string `json:"dir"` // below the destination
	Stem string `json:"stem"`
}

const receiptSuffix = ".receipt.json"

// Work writes the rows of some of the job's splits as parts below
// DEST/.bdconvert/JOB/, and a receipt beside them. A worker that fails leaves
// parts without a receipt, which mean nothing: its tokens can be given to
// another.
func (j *Job) Work(ctx context.Context, tokens []Token) (_ *Receipt, err error) {
	j.divided = true
	if len(tokens) == 0 {
		return nil, fmt.Errorf("%w: no token on standard input", arrowio.ErrOption)
	}
	e := &engine{j: j, names: newNames(), keep: &keeper{s: state{Tasks: map[string]*taskDone{}}}, replaces: map[string]bool{}, q: j.newQuarantine(), start: time.Now()}
	if err := j.check(); err != nil {
		return nil, err
	}
	if e.to, e.file, err = j.resolve(ctx); err != nil {
		return nil, err
	}
	if err := j.distributed(e); err != nil {
		return nil, err
	}
	tasks, _, err := e.plan(ctx)
	if err != nil {
		return nil, err
	}
	splits := make([]arrowio.Split, 0, len(tokens))
	rec := &Receipt{Version: tokenVersion, Job: j.ID(), Dest: j.Dest, Args: tokens[0].Args, Of: tokens[0].Of}
	given := map[int]bool{}
	for _, t := range tokens {
		switch {
		case t.Version != tokenVersion:
			return nil, fmt.Errorf("%w: a token of version %d", arrowio.ErrUnsupported, t.Version)
		case t.Job != rec.Job || t.Of != rec.Of || t.N < 0 || t.N >= t.Of:
			return nil, fmt.Errorf("%w: tokens of different jobs, or of other sources or flags", arrowio.ErrOption)
		case given[t.N]:
			return nil, fmt.Errorf("%w: token %d twice", arrowio.ErrOption, t.N)
		}
		given[t.N] = true
		s, err := arrowio.DecodeSplit(t.Split)
		if err != nil {
			return nil, err
		}
		splits = append(splits, s)
		rec.Splits = append(rec.Splits, t.N)
	}
	in, err := j.openInput(ctx, j.Sources, &e.m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	l, err := e.layoutOf(in, tasks[0].format)
	if err != nil {
		return nil, err
	}
	// Names here are hidden, and no other worker's.
	if e.template, err = parseTemplate("{i}.{ext}"); err != nil {
		return nil, err
	}
	stage := path.Join(stateDir, rec.Job, newUUID())
	t := task{key: "worker", sources: j.Sources, format: tasks[0].format, dir: stage, splits: splits, stem: "part"}
	tr := &taskRun{e: e, t: &t}
	var w writer
	if l.hive != nil {
		p := tr.newPartitioner(l.maker, l.hive, in.shape.schema, l.keep, t.stem)
		p.below = stage
		w = p
	} else {
		w = &series{t: tr, m: l.maker, dir: stage, stem: t.stem}
	}
	if err := e.fill(ctx, tr, in, w, 0); err != nil {
		for _, f := range tr.done.Files {
			_ = e.to.fsys.Remove(context.WithoutCancel(ctx), e.to.name(f.Name)) // nothing refers to it
		}
		return nil, err
	}
	if err := e.q.end(ctx, true); err != nil {
		return nil, err
	}
	rec.Rows, rec.Bad = tr.done.Rows, tr.done.Bad
	for _, f := range tr.done.Files {
		dir := strings.TrimPrefix(path.Dir(f.Name), stage)
		rec.Parts = append(rec.Parts, StagedPart{File: f, Dir: strings.TrimPrefix(dir, "/"), Stem: j.stem(e.sources)})
	}
	b, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	return rec, writeFile(ctx, e.to.fsys, e.to.name(stage+receiptSuffix), append(b, '\n'))
}

// stem is that of the parts of all sources together.
func (j *Job) stem(sources []string) string {
	if len(sources) == 1 {
		return stemOf(sources[0])
	}
	return "part"
}

// ReadReceipts finds the receipts of workers below a destination.
func ReadReceipts(ctx context.Context, dest string, o fs.Options) ([]Receipt, error) {
	fsys, dir, err := fs.Resolve(ctx, dest, o)
	if err != nil {
		return nil, err
	}
	t := target{fsys, strings.TrimSuffix(dir, "/")}
	var out []Receipt
	for info, err := range fsys.List(ctx, t.name(stateDir)+"/", fs.ListOptions{}) {
		if err != nil {
			return nil, err
		}
		if info.IsDir || !strings.HasSuffix(info.Name, receiptSuffix) {
			continue
		}
		b, err := readFile(ctx, fsys, info.Name)
		if err != nil {
			return nil, err
		}
		var r Receipt
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, &arrowio.Error{Op: "read", URL: fsys.URL(info.Name), Err: fmt.Errorf("%w: no receipt of a worker", arrowio.ErrCorrupt)}
		}
		out = append(out, r)
	}
	return out, nil
}
