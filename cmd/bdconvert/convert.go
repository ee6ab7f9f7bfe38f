package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/cli"
)

// task is one output: what goes into it.
type task struct {
	sources []string
	dest    string
	skip    bool
}

// done is what became of a task.
type done struct {
	Dest    string   `json:"dest"`
	Sources []string `json:"sources"`
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`
	Skipped bool     `json:"skipped,omitempty"`
	SHA256  string   `json:"sha256,omitempty"`
}

func (j *job) run(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("%w: a SOURCE and a DEST are needed (try: bdconvert --help)", cli.ErrUsage)
	}
	if err := j.check(); err != nil {
		return err
	}
	sources, dest := args[:len(args)-1], args[len(args)-1]
	tasks, err := j.plan(ctx, sources, dest)
	if err != nil {
		return err
	}
	if j.dryRun {
		return j.sayPlan(ctx, tasks)
	}
	var all []done
	var failed error
	for i, t := range tasks {
		d, err := j.convert(ctx, t)
		if err != nil {
			if !j.keepGoing || ctx.Err() != nil || i == len(tasks)-1 && failed == nil {
				return errors.Join(err, failed)
			}
			j.app.Notice("%s", err)
			failed = fmt.Errorf("%w: some of %d files failed: %w", arrowio.ErrIncomplete, len(tasks), err)
			continue
		}
		all = append(all, *d)
		j.say(d)
	}
	if j.manifest != "" {
		if err := writeManifest(ctx, j.manifest, all); err != nil {
			return errors.Join(err, failed)
		}
	}
	return failed
}

// say tells what was written, where people look on.
func (j *job) say(d *done) {
	if j.progress == "never" || j.progress == "auto" && !cli.Terminal(j.app.Stderr) && !j.app.Verbose {
		return
	}
	if d.Skipped {
		j.app.Notice("%s exists and is left as it is", d.Dest)
		return
	}
	j.app.Notice("%s: %d rows, %s", d.Dest, d.Rows, cli.HumanBytes(d.Bytes))
}

// plan decides which source goes where: all into DEST, or, where DEST is a
// directory, each into a file of its own with its relative path.
func (j *job) plan(ctx context.Context, sources []string, dest string) ([]task, error) {
	if dest == "-" || !isDirectory(ctx, dest) {
		if j.to == "" && (dest == "-" || dest == "/dev/stdout") {
			return nil, fmt.Errorf("%w: standard output needs a format: --to", cli.ErrUsage)
		}
		t := task{sources: sources, dest: dest}
		return []task{t}, j.exists(ctx, &t, &t.skip, dest)
	}
	o, err := j.app.Catalog(sources...)
	if err != nil {
		return nil, err
	}
	var tasks []task
	taken := map[string]string{}
	for _, src := range sources {
		if src == "-" {
			return nil, fmt.Errorf("%w: standard input has no name to give a file in a directory", cli.ErrUsage)
		}
		files, err := catalog.Files(ctx, src, o)
		if err != nil {
			return nil, err
		}
		base, err := literalDir(ctx, src, o.FS)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			name, err := j.outputName(f.Info.Name, base)
			if err != nil {
				return nil, err
			}
			out := strings.TrimSuffix(dest, "/") + "/" + name
			if other, dup := taken[out]; dup {
				return nil, fmt.Errorf("%w: %s and %s would both be written to %s", cli.ErrUsage, other, f.URL, out)
			}
			taken[out] = f.URL
			t := task{sources: []string{fs.QuoteMeta(f.URL)}, dest: out}
			if err := j.exists(ctx, &t, &t.skip, out); err != nil {
				return nil, err
			}
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

// exists heeds --if-exists early, before any work.
func (j *job) exists(ctx context.Context, t *task, skip *bool, dest string) error {
	if dest == "-" || dest == os.DevNull || dest == "/dev/stdout" || j.ifExists == "overwrite" {
		return nil
	}
	fsys, name, err := fs.Resolve(ctx, dest, nil)
	if err != nil {
		return err
	}
	if _, err := fsys.Stat(ctx, name); err != nil {
		return nil // not there, or Create will tell
	}
	if j.ifExists == "skip" {
		*skip = true
		t.skip = true
		return nil
	}
	return &fs.Error{Op: "create", URL: fsys.URL(name), Err: fmt.Errorf("%w (try: --if-exists overwrite)", fs.ErrExist)}
}

// isDirectory goes by the slash at the end, or by what is there.
func isDirectory(ctx context.Context, dest string) bool {
	if strings.HasSuffix(dest, "/") {
		return true
	}
	fsys, name, err := fs.Resolve(ctx, dest, nil)
	if err != nil || !fsys.Caps().RealDirs {
		return false
	}
	info, err := fsys.Stat(ctx, name)
	return err == nil && info.IsDir
}

// literalDir is the folder of a source before its first pattern, as a name in
// its filesystem: what is below keeps its relative path.
func literalDir(ctx context.Context, src string, o fs.Options) (string, error) {
	_, name, err := fs.Resolve(ctx, src, o)
	if err != nil {
		return "", err
	}
	if i := strings.IndexAny(name, `*?[{\`); i >= 0 && fs.HasMeta(name) {
		name = name[:i]
	} else if strings.HasSuffix(src, "/") || isDirectory(ctx, src) {
		name = strings.TrimSuffix(name, "/") + "/"
	}
	return name[:strings.LastIndexByte(name, '/')+1], nil
}

// outputName is a file's path below the output directory, with the extension
// of the output format.
func (j *job) outputName(name, base string) (string, error) {
	rel, below := strings.CutPrefix(name, base)
	if !below {
		rel = path.Base(name)
	}
	if j.to == "" {
		return rel, nil
	}
	f, err := formats.ByName(j.to)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(rel, path.Ext(rel)) + "." + f.Extensions()[0], nil
}

func (j *job) createOptions() (catalog.CreateOptions, error) {
	set, err := j.writerOptions()
	if err != nil {
		return catalog.CreateOptions{}, err
	}
	own, driver, err := j.app.WriterOptions()
	for k, v := range own {
		if _, given := set[k]; given {
			return catalog.CreateOptions{}, fmt.Errorf("%w: %s is given by a flag and by -X", cli.ErrUsage, k)
		}
		set[k] = v
	}
	keys, kerr := j.app.KeyRetriever()
	return catalog.CreateOptions{Format: j.to, FS: driver, Formats: formats.Options{Set: set, Keys: keys}, Overwrite: j.ifExists == "overwrite", Stdout: j.app.Stdout}, errors.Join(err, kerr)
}

// convert runs one task.
func (j *job) convert(ctx context.Context, t task) (_ *done, err error) {
	d := &done{Dest: fs.Redact(t.dest), Sources: t.sources}
	if t.skip {
		d.Skipped = true
		return d, nil
	}
	start := time.Now()
	src, err := j.app.Open(ctx, t.sources)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := src.Close(); err == nil {
			err = cerr
		}
	}()
	r, err := j.read(ctx, src)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	co, err := j.createOptions()
	if err != nil {
		return nil, err
	}
	if e, err := formats.EncryptionOf(co.Formats); err != nil {
		return nil, err
	} else if j.app.Keys != "" && (e == nil || co.Formats.Set["encrypt"] == "off") {
		j.app.Warn("what is written is not encrypted")
	}
	sink, err := catalog.Create(ctx, t.dest, r.Schema(), co)
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	sums := newSums(r.Schema(), j.verify)
	rows, err := arrowio.Copy(ctx, sums.sink(sink), r)
	if err != nil {
		return nil, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	if err := j.complete(ctx, src, rows); err != nil {
		return nil, err
	}
	res, err := sink.Commit(ctx)
	if err != nil {
		return nil, err
	}
	d.Rows, d.Bytes = res.Rows, res.Bytes
	if rows != res.Rows {
		return nil, fmt.Errorf("%w: %d rows were read and %d written to %s", arrowio.ErrIncomplete, rows, res.Rows, d.Dest)
	}
	if j.verify && t.dest != "-" {
		if err := j.readBack(ctx, t.dest, rows, sums); err != nil {
			return nil, err
		}
	}
	if j.app.Verbose {
		sec := time.Since(start).Seconds()
		j.app.Notice("%s: %.3f s, %.0f rows/s", d.Dest, sec, float64(rows)/sec)
	}
	return d, nil
}

// complete makes sure, before anything is published, that the rows which were
// read are all that the source says it has.
func (j *job) complete(ctx context.Context, src *catalog.Source, rows int64) error {
	if j.rows.Where != "" || j.rows.Limit > 0 {
		return nil
	}
	n, err := arrowio.Count(ctx, src, nil, j.app.RunOptions())
	if err == nil && n != rows {
		err = fmt.Errorf("%w: %s has %d rows, %d were read; nothing was written", arrowio.ErrIncomplete, src.Files()[0].URL, n, rows)
	}
	return err
}

// read gives the rows to be written, in their new shape.
func (j *job) read(ctx context.Context, src *catalog.Source) (arrowio.RecordReader, error) {
	req, err := j.rows.Request(src.Schema())
	if err != nil {
		return nil, err
	}
	cli.Bound(&req, j.rows.Limit)
	projected, err := arrowio.ProjectSchema(src.Schema(), req.Columns)
	if err != nil {
		return nil, err
	}
	sh, err := j.shape(projected)
	if err != nil {
		return nil, err
	}
	r, err := arrowio.Read(ctx, src, req, j.app.RunOptions())
	if err != nil {
		return nil, err
	}
	if j.rows.Limit > 0 {
		r = arrowio.Limit(r, j.rows.Limit)
	}
	return sh.reader(ctx, r, j.castErrors == "null"), nil
}

func (j *job) sayPlan(ctx context.Context, tasks []task) error {
	for _, t := range tasks {
		src, err := j.app.Open(ctx, t.sources)
		if err != nil {
			return err
		}
		n := int64(-1)
		if j.rows.Where == "" {
			if n, err = arrowio.Count(ctx, src, nil, j.app.RunOptions()); err != nil {
				return errors.Join(err, src.Close())
			}
		}
		sh, err := j.read(ctx, src)
		if err != nil {
			return errors.Join(err, src.Close())
		}
		fmt.Fprintf(j.app.Stdout, "%s -> %s: %d columns", strings.Join(t.sources, ", "), fs.Redact(t.dest), sh.Schema().NumFields())
		if n >= 0 {
			fmt.Fprintf(j.app.Stdout, ", %d rows", n)
		}
		if t.skip {
			fmt.Fprint(j.app.Stdout, ", exists: skipped")
		}
		fmt.Fprintln(j.app.Stdout)
		if err := errors.Join(sh.Close(), src.Close()); err != nil {
			return err
		}
	}
	return nil
}

func writeManifest(ctx context.Context, name string, all []done) error {
	total := int64(0)
	for i := range all {
		total += all[i].Rows
		sum, err := checksum(ctx, all[i].Dest)
		if err != nil {
			return err
		}
		all[i].SHA256 = sum
	}
	b, err := json.MarshalIndent(map[string]any{"rows": total, "files": all}, "", "  ")
	if err != nil {
		return err
	}
	fsys, at, err := fs.Resolve(ctx, name, nil)
	if err != nil {
		return err
	}
	w, err := fsys.Create(ctx, at, fs.CreateOptions{})
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.Write(append(b, '\n')); err != nil {
		return err
	}
	_, err = w.Commit(ctx)
	return err
}
