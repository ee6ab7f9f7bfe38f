// Package dataset makes one table of many files.
//
//	files ─► open one ─► plan it ─► its splits, each with the file's name ─► open ─► evolve to the table's schema
//
// The schema is that of the first file, unless the files' schemas are united.
// A column that a later file lacks is null there; one of another type is cast
// without loss, or the error names both files. A file is planned when its turn
// comes and is held open no longer than a split of it is read.
package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/pushdown"
)

// Open opens the file of a name that was given to New.
type Open func(ctx context.Context, name string) (formats.FileReader, error)

// Options tune New.
type Options struct {
	// UnionByName reads the schemas of all files: every column of any file is
	// one of the table's.
	UnionByName bool
	// Strict makes a file whose schema is not the first one's an error.
	Strict bool
}

// Table is many files as one table. It is safe for concurrent use.
type Table struct {
	names  []string
	open   Open
	o      Options
	schema *arrow.Schema

	mu   sync.Mutex
	kept map[string]*handle // open files, by name, while splits use them
}

type handle struct {
	formats.FileReader
	users int
}

var _ arrowio.Table = (*Table)(nil)

// New reads the schema of the first file, or of all. No name at all is an error.
func New(ctx context.Context, names []string, open Open, o Options) (*Table, error) {
	if len(names) == 0 {
		return nil, errors.New("dataset: no file")
	}
	t := &Table{names: names, open: open, o: o, kept: map[string]*handle{}}
	n := 1
	if o.UnionByName {
		n = len(names)
	}
	for i, name := range names[:n] {
		f, err := open(ctx, name)
		if err != nil {
			return nil, err
		}
		s := f.Schema()
		if err := f.Close(); err != nil {
			return nil, err
		}
		if i == 0 {
			t.schema = s
		} else if t.schema, err = union(t.schema, s, names[0], name); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// union adds to a the columns that only b has. A column of both must have one
// type.
func union(a, b *arrow.Schema, first, name string) (*arrow.Schema, error) {
	fields := a.Fields()
	known := map[string]int{}
	for i, f := range fields {
		known[f.Name] = i
	}
	for _, f := range b.Fields() {
		i, ok := known[f.Name]
		if !ok {
			f.Nullable = true
			known[f.Name] = len(fields)
			fields = append(fields, f)
			continue
		}
		if !arrow.TypeEqual(fields[i].Type, f.Type) {
			return nil, &arrowio.Error{Op: "open", URL: name, Column: f.Name, Hint: "without --union-by-name the first file's types hold",
				Err: fmt.Errorf("%w: %s, which is %s in %s", arrowio.ErrCast, f.Type, fields[i].Type, first)}
		}
	}
	for i := range fields {
		if _, ok := b.FieldsByName(fields[i].Name); !ok {
			fields[i].Nullable = true
		}
	}
	md := a.Metadata()
	return arrow.NewSchema(fields, &md), nil
}

// Schema implements arrowio.Table.
func (t *Table) Schema() *arrow.Schema { return t.schema }

// Files are the names of the files, in order.
func (t *Table) Files() []string { return t.names }

// acquire opens a file, or shares it with another split that is being read.
func (t *Table) acquire(ctx context.Context, name string) (*handle, error) {
	t.mu.Lock()
	h := t.kept[name]
	if h != nil {
		h.users++
	}
	t.mu.Unlock()
	if h != nil {
		return h, nil
	}
	f, err := t.open(ctx, name)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.kept[name]; h != nil { // another was faster
		h.users++
		return h, f.Close()
	}
	h = &handle{FileReader: f, users: 1}
	t.kept[name] = h
	return h, nil
}

func (t *Table) release(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.kept[name]
	if h.users--; h.users > 0 {
		return nil
	}
	delete(t.kept, name)
	return h.Close()
}

// fileSplit is what a split carries: its file, and that file's own split.
type fileSplit struct {
	File    string
	Inner   []byte
	Columns []pushdown.Path // of the table
	All     bool            // all columns, in place of Columns
}

// Plan implements arrowio.Table. Files are opened as the splits are drawn.
func (t *Table) Plan(ctx context.Context, r arrowio.ScanRequest) (*arrowio.Scan, error) {
	schema, err := arrowio.ProjectSchema(t.schema, r.Columns)
	if err != nil {
		return nil, err
	}
	if r.Filter != nil {
		if r.Filter, err = pushdown.Bind(r.Filter, t.schema, pushdown.BindOptions{}); err != nil {
			return nil, err
		}
	}
	scan := &arrowio.Scan{Request: r, Schema: schema}
	scan.Splits = func(yield func(arrowio.Split, error) bool) {
		for _, name := range t.names {
			if !t.planFile(ctx, name, r, scan, yield) {
				return
			}
		}
	}
	return scan, nil
}

// planFile yields the splits of one file.
func (t *Table) planFile(ctx context.Context, name string, r arrowio.ScanRequest, scan *arrowio.Scan, yield func(arrowio.Split, error) bool) (more bool) {
	f, err := t.acquire(ctx, name)
	if err != nil {
		yield(arrowio.Split{}, err)
		return false
	}
	defer func() {
		if err := t.release(name); err != nil && more {
			more = yield(arrowio.Split{}, err)
		}
	}()
	e, err := t.evolve(f, name, r)
	if err != nil {
		yield(arrowio.Split{}, err)
		return false
	}
	inner, err := f.Plan(ctx, e.inner)
	if err != nil {
		yield(arrowio.Split{}, err)
		return false
	}
	for s, err := range inner.Splits {
		if err == nil {
			s, err = e.wrap(s, name)
		}
		if !yield(s, err) || err != nil {
			return false
		}
	}
	for _, n := range inner.Pruned {
		scan.Pruned = append(scan.Pruned, arrowio.Note{Unit: name + ": " + n.Unit, Reason: n.Reason})
	}
	return true
}

// wrap makes a split of the table of one of a file.
func (e *evolution) wrap(s arrowio.Split, name string) (arrowio.Split, error) {
	token, err := arrowio.EncodeSplit(s)
	if err != nil {
		return s, err
	}
	s.Payload, err = json.Marshal(fileSplit{File: name, Inner: token, Columns: e.columns, All: e.columns == nil})
	switch {
	case e.residual != nil:
		s.Residual, s.Exact = e.residual, s.Exact && e.residual == pushdown.True
	case s.Residual == nil:
		s.Residual = e.filter
	}
	return s, err
}

// Open implements arrowio.Table.
func (t *Table) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	var p fileSplit
	if err := json.Unmarshal(s.Payload, &p); err != nil {
		return nil, fmt.Errorf("%w: a split of another table", arrowio.ErrUnsupported)
	}
	inner, err := arrowio.DecodeSplit(p.Inner)
	if err != nil {
		return nil, err
	}
	f, err := t.acquire(ctx, p.File)
	if err != nil {
		return nil, err
	}
	columns := p.Columns
	if p.All {
		columns = nil
	} else if columns == nil {
		columns = []pushdown.Path{}
	}
	r, err := t.read(ctx, f, p.File, columns, inner, o)
	if err != nil {
		return nil, errors.Join(err, t.release(p.File))
	}
	return r, nil
}

// Ranges implements formats.Ranger where the file does.
func (t *Table) Ranges(ctx context.Context, s arrowio.Split) (unit string, ranges []formats.Extent, err error) {
	var p fileSplit
	if err := json.Unmarshal(s.Payload, &p); err != nil {
		return "", nil, fmt.Errorf("%w: a split of another table", arrowio.ErrUnsupported)
	}
	inner, err := arrowio.DecodeSplit(p.Inner)
	if err != nil {
		return "", nil, err
	}
	f, err := t.acquire(ctx, p.File)
	if err != nil {
		return "", nil, err
	}
	if r, ok := f.FileReader.(formats.Ranger); ok {
		unit, ranges, err = r.Ranges(ctx, inner)
	}
	return unit, ranges, errors.Join(err, t.release(p.File))
}
