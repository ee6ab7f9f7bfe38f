package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
)

// Describe tells what Execute would do, a line an output, and writes nothing.
func (j *Job) Describe(ctx context.Context, w io.Writer) error {
	dry := *j
	dry.Progress = nil
	e, tasks, _, err := dry.prepare(ctx, true)
	if err != nil {
		return err
	}
	for i := range tasks {
		if err := e.describe(ctx, w, &tasks[i]); err != nil {
			return err
		}
	}
	for _, n := range e.keep.s.Old {
		if _, err := fmt.Fprintf(w, "%s: removed at the end\n", e.to.url(n)); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) describe(ctx context.Context, w io.Writer, t *task) (err error) {
	in, err := e.j.openInput(ctx, t.sources, &e.m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	dest := e.j.Dest
	if !isStream(dest) {
		dest = e.to.url(t.fixed)
	}
	schema := in.shape.schema
	switch {
	case len(e.j.Layout.PartitionBy) > 0:
		if _, err := newHive(schema, e.j.Layout.PartitionBy); err != nil {
			return err
		}
		var levels []string
		for _, c := range e.j.Layout.PartitionBy {
			levels = append(levels, c+"=…")
		}
		dest = e.to.url(strings.Join(levels, "/") + "/" + e.template.fill(t.stem, t.format.Extensions()[0], 0))
	case t.fixed == "" && !isStream(dest):
		name, err := e.names.fill(e.template, t.dir, t.stem, t.format.Extensions()[0])
		if err != nil {
			return err
		}
		dest = e.to.url(name) + " …"
	}
	line := fmt.Sprintf("%s -> %s: %s, %d columns", strings.Join(t.shown, ", "), dest, t.format.Name(), schema.NumFields())
	if in.req.Filter == nil {
		n, err := arrowio.Count(ctx, in.src, nil, e.j.Run)
		if err != nil {
			return err
		}
		if e.j.Limit > 0 {
			n = min(n, e.j.Limit)
		}
		line += fmt.Sprintf(", %d rows", n)
	}
	switch {
	case t.skip:
		line += ", exists: skipped"
	case t.replace:
		line += ", exists: replaced"
	case e.keep.s.Tasks[t.key] != nil:
		line += ", done before"
	}
	_, err = fmt.Fprintln(w, line)
	return err
}
