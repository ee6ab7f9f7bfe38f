package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/convert"
)

// job makes a job of the flags.
func (j *flags) job(ctx context.Context, args []string) (*convert.Job, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("%w: a SOURCE and a DEST are needed (try: bdconvert --help)", cli.ErrUsage)
	}
	if err := j.check(); err != nil {
		return nil, err
	}
	a := j.app
	job := &convert.Job{
		Sources: args[:len(args)-1], Dest: args[len(args)-1], Flags: strings.Join(j.given(), "\n"),
		Request: func(s *arrow.Schema) (arrowio.ScanRequest, error) { return j.rows.Request(j.app, s) },
		Limit:   j.rows.Limit, Run: a.RunOptions(), Memory: int64(a.Memory), SpoolDir: a.SpoolDir,
		Filename: j.filename, CopyUnits: j.copyUnits, MergeUnits: j.mergeUnits,
		IfExists: convert.Exists(j.ifExists), Manifest: j.manifest, SuccessFile: j.successFile, Verify: j.verify, KeepGoing: j.keepGoing,
		Layout: convert.Layout{
			PartitionBy: columns(j.partitionBy), KeepPartitionColumns: j.keepPartition, Name: j.name, MaxRows: j.maxRows, MaxBytes: int64(j.maxBytes),
			MaxOpen: j.maxOpen, Checkpoint: int64(j.checkpoint),
		},
		Notice: a.Notice,
	}
	if j.resume != "" {
		if job.Resume = true; j.resume != resumeHere {
			job.ResumeFrom = j.resume
		}
	}
	var err error
	if job.Layout.SortWithin, err = sortColumns(j.sortWithin); err != nil {
		return nil, err
	}
	if job.BadRows, job.Quarantine, err = j.badRows(); err != nil {
		return nil, err
	}
	if job.Read, err = a.Catalog(job.Sources...); err != nil {
		return nil, err
	}
	if job.Shape, err = j.shape(ctx); err != nil {
		return nil, err
	}
	if job.Write, err = j.createOptions(); err != nil {
		return nil, err
	}
	if e, err := formats.EncryptionOf(job.Write.Formats); err != nil {
		return nil, err
	} else if a.Keys != "" && (e == nil || job.Write.Formats.Set["encrypt"] == "off") {
		a.Warn("what is written is not encrypted")
	}
	return job, nil
}

func (j *flags) createOptions() (catalog.CreateOptions, error) {
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
	return catalog.CreateOptions{Format: j.to, FS: driver, Formats: formats.Options{Set: set, Keys: keys}, Stdout: j.app.Stdout}, errors.Join(err, kerr)
}

// run is the program without a verb.
func (j *flags) run(ctx context.Context, args []string) error {
	job, err := j.job(ctx, args)
	if err != nil {
		return err
	}
	if j.dryRun {
		return job.Describe(ctx, j.app.Stdout)
	}
	var end func()
	job.Progress, end = j.show()
	rep, err := job.Execute(ctx)
	end()
	j.say(rep, err)
	if u := (*convert.Unfinished)(nil); errors.As(err, &u) {
		j.app.Notice("%d of %d outputs are finished; to go on: %s", u.Done, u.Total, j.again(args))
	}
	return err
}

// say tells what was written, where people look on.
func (j *flags) say(rep *convert.Report, err error) {
	loud := j.app.Verbose || j.progress == "always" || j.progress == "auto" && cli.Terminal(j.app.Stderr)
	if rep == nil || !loud {
		return
	}
	for i, f := range rep.Files {
		if i == 20 && !j.app.Verbose {
			j.app.Notice("… and %d more", len(rep.Files)-i)
			break
		}
		j.app.Notice("%s: %d rows, %s", f.URL, f.Rows, cli.HumanBytes(f.Bytes))
	}
	if err == nil && len(rep.Files) > 1 {
		j.app.Notice("%d files, %d rows, %s", len(rep.Files), rep.Rows, cli.HumanBytes(rep.Bytes))
	}
}

// again is the command line that takes the job up.
func (j *flags) again(args []string) string {
	words := []string{j.app.Prog, "--resume"}
	if j.resume != "" && j.resume != resumeHere {
		words[1] += "=" + j.resume
	}
	for _, w := range append(j.given(), args...) {
		words = append(words, quote(fs.Redact(w)))
	}
	return strings.Join(words, " ")
}

// quote makes a word of a shell.
func quote(w string) string {
	if w != "" && !strings.ContainsAny(w, " \t\n'\"\\$`*?[]{}()<>|&;!#~%^") {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
