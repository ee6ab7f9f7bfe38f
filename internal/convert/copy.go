package convert

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// copyUnits makes a task's file of the units of its sources as they are stored.
func (e *engine) copyUnits(ctx context.Context, tr *taskRun) (err error) {
	c, ok := tr.t.format.(formats.UnitCopier)
	if !ok {
		return fmt.Errorf("%w: --copy-units: %s files cannot be joined without decoding", arrowio.ErrOption, tr.t.format.Name())
	}
	src, err := catalog.OpenAll(ctx, tr.t.sources, e.j.Read)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := src.Close(); err == nil {
			err = cerr
		}
	}()
	w, url, err := e.create(ctx, tr.t)
	if err != nil {
		return err
	}
	h := hold(w, isStream(e.j.Dest))
	want := int64(0)
	res, err := c.CopyUnits(ctx, h, e.files(ctx, src, &want), e.j.Write.Formats)
	if err == nil && res.Rows != want {
		err = fmt.Errorf("%w: the sources have %d rows, %d were copied to %s", arrowio.ErrIncomplete, want, res.Rows, url)
	}
	f := File{Name: tr.t.fixed, URL: url, Rows: res.Rows}
	if err == nil {
		err = h.publish(ctx, &f)
	}
	if err != nil {
		return errors.Join(err, w.Close())
	}
	tr.add(f)
	if e.j.Verify && !isStream(e.j.Dest) {
		if err := e.sameRows(ctx, src, tr.t.format, f); err != nil {
			return err
		}
	}
	tr.done.Rows = want
	return e.taskEnded(ctx, tr.t.key, &tr.done)
}

// create starts the file of a task.
func (e *engine) create(ctx context.Context, t *task) (fs.Writer, string, error) {
	if isStream(e.j.Dest) {
		w, err := e.j.Write.Writer(ctx, e.j.Dest)
		return w, e.j.Dest, err
	}
	name := e.to.name(t.fixed)
	replace := e.mayReplace(t.fixed)
	w, err := e.to.fsys.Create(ctx, name, fs.CreateOptions{IfNotExists: !replace && e.to.fsys.Caps().CreateIfNotExists})
	if err == nil {
		e.opened(t.fixed)
	}
	return w, e.to.fsys.URL(name), err
}

// files opens the files of a source, one after the other, and counts their rows.
func (e *engine) files(ctx context.Context, src *catalog.Source, rows *int64) iter.Seq2[formats.FileReader, error] {
	return func(yield func(formats.FileReader, error) bool) {
		for i := range src.Files() {
			r, err := src.File(ctx, i)
			if err != nil {
				yield(nil, err)
				return
			}
			*rows += r.NumRows()
			more := yield(r, nil)
			if err := r.Close(); err != nil {
				yield(nil, err)
				return
			}
			if !more {
				return
			}
			e.m.read.Add(src.Files()[i].Info.Size)
		}
	}
}

// sameRows reads the sources and what was made of them, and compares.
func (e *engine) sameRows(ctx context.Context, src *catalog.Source, format formats.Format, f File) error {
	want := newSums(src.Schema(), true)
	o := e.j.Run
	r, err := arrowio.Read(ctx, src, arrowio.ScanRequest{Ordered: true}, o)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		want.add(r.RecordBatch())
	}
	if err := r.Close(); err != nil {
		return err
	}
	return want.check(ctx, &maker{j: e.j, to: e.to, format: format}, f)
}
