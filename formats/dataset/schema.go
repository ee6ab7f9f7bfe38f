package dataset

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
)

// find gives the place of a column by its name, -1 if there is none.
func (t *Table) find(fields []arrow.Field, name string) int {
	for i, f := range fields {
		if f.Name == name {
			return i
		}
	}
	if t.o.CaseInsensitive {
		for i, f := range fields {
			if strings.EqualFold(f.Name, name) {
				return i
			}
		}
	}
	return -1
}

// foldedTwice finds two columns whose names differ in case alone.
func foldedTwice(fields []arrow.Field) (a, b string, twice bool) {
	seen := map[string]string{}
	for _, f := range fields {
		k := strings.ToLower(f.Name)
		if first, ok := seen[k]; ok {
			return first, f.Name, true
		}
		seen[k] = f.Name
	}
	return "", "", false
}

// fieldID is the id that a table format gave a column, "" if none did.
func fieldID(f arrow.Field) string {
	for _, key := range []string{"PARQUET:field_id", "iceberg.id"} {
		if v, ok := f.Metadata.GetValue(key); ok {
			return v
		}
	}
	return ""
}

// mapping is how the files of one schema become the table: the place of each
// of its columns in the file, -1 where it has none.
type mapping struct {
	at      []int
	uniform bool // the file's columns are the table's own, one for one
}

// mapTo matches a file's columns with the table's.
func (t *Table) mapTo(file *arrow.Schema, name string) (*mapping, error) {
	key := file.String()
	t.mu.Lock()
	m := t.schemas[key]
	t.mu.Unlock()
	if m != nil {
		return m, nil
	}
	fail := func(err error) (*mapping, error) {
		return nil, &arrowio.Error{Op: "plan", URL: name, Err: err}
	}
	if t.o.CaseInsensitive {
		if a, b, twice := foldedTwice(file.Fields()); twice {
			return fail(fmt.Errorf("%w: %s and %s differ in case alone", arrowio.ErrColumn, a, b))
		}
	}
	m = &mapping{uniform: true}
	used := 0
	for i, f := range t.schema.Fields() {
		at := -1
		if t.origin[i].kind == fromFile {
			at = t.match(file, f, i)
			if at >= 0 {
				used++
			}
			if at < 0 || at != i || file.Field(at).Name != f.Name || !arrow.TypeEqual(file.Field(at).Type, f.Type) {
				m.uniform = false
			}
		}
		m.at = append(m.at, at)
	}
	if t.o.Strict && !(m.uniform && used == file.NumFields()) && !t.strictly(file, m) {
		return fail(fmt.Errorf("%w: its schema is not that of %s", arrowio.ErrCast, t.files[0].Name))
	}
	t.mu.Lock()
	t.schemas[key] = m
	t.mu.Unlock()
	return m, nil
}

// strictly says that a file has all columns of the files and no other, in
// whatever place a partition's name takes.
func (t *Table) strictly(file *arrow.Schema, m *mapping) bool {
	n := 0
	for i, at := range m.at {
		switch t.origin[i].kind {
		case fromFile:
			if at < 0 || !arrow.TypeEqual(file.Field(at).Type, t.schema.Field(i).Type) {
				return false
			}
			n++
		case fromFolder:
			if t.find(file.Fields(), t.schema.Field(i).Name) >= 0 {
				n++
			}
		}
	}
	return n == file.NumFields()
}

// match finds a column of the table in a file. Where names repeat, the place
// decides.
func (t *Table) match(file *arrow.Schema, f arrow.Field, i int) int {
	if id := fieldID(f); t.o.UnionByID && id != "" {
		for k, g := range file.Fields() {
			if fieldID(g) == id {
				return k
			}
		}
		return -1
	}
	if i < file.NumFields() && file.Field(i).Name == f.Name {
		return i
	}
	return t.find(file.Fields(), f.Name)
}

// uniteAll reads the schemas of all files, some at a time, and unites them in
// the order of the files.
func (t *Table) uniteAll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type read struct {
		s   *arrow.Schema
		err error
	}
	const block = 512 // that many schemas are in memory, so that they do not grow with the files
	for from := 0; from < len(t.files); from += block {
		files := t.files[from:min(from+block, len(t.files))]
		out := make([]read, len(files))
		var wg sync.WaitGroup
		next := make(chan int)
		for range min(t.o.Jobs, len(files)) {
			wg.Go(func() {
				for i := range next {
					if out[i].s, out[i].err = t.schemaOf(ctx, files[i].Name); out[i].err != nil {
						cancel()
					}
				}
			})
		}
		for i := range files {
			next <- i
		}
		close(next)
		wg.Wait()
		known := map[*arrow.Schema]bool{}
		for _, r := range out {
			if r.err != nil && ctx.Err() == nil || r.err != nil && !isCancel(r.err) {
				return r.err
			}
		}
		for i, r := range out {
			if r.err != nil {
				return r.err
			}
			if known[r.s] {
				continue
			}
			known[r.s] = true
			if err := t.unite(r.s, files[i].Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// unite adds a file's schema to the table's.
func (t *Table) unite(s *arrow.Schema, name string) error {
	if t.schema == nil {
		t.schema = s
		return nil
	}
	if t.schema.Equal(s) {
		return nil
	}
	fields := append([]arrow.Field{}, t.schema.Fields()...)
	matched := map[int]bool{}
	for k, f := range s.Fields() {
		at := -1
		if id := fieldID(f); t.o.UnionByID && id != "" {
			for i, g := range fields {
				if fieldID(g) == id {
					at = i
				}
			}
		} else if k < len(fields) && fields[k].Name == f.Name {
			at = k
		} else {
			at = t.find(fields, f.Name)
		}
		if at < 0 {
			f.Nullable = true
			matched[len(fields)] = true
			fields = append(fields, f)
			continue
		}
		if matched[at] {
			return &arrowio.Error{Op: "open", URL: name, Column: f.Name, Err: fmt.Errorf("%w: it stands for a column twice", arrowio.ErrColumn)}
		}
		matched[at] = true
		g, err := uniteField(fields[at], f)
		if err != nil {
			return &arrowio.Error{Op: "open", URL: name, Column: f.Name, Hint: "without --union-by-name the first file's types hold",
				Err: fmt.Errorf("%w: %s, which is %s in %s", arrowio.ErrCast, f.Type, fields[at].Type, t.files[0].Name)}
		}
		fields[at] = g
	}
	for i := range fields {
		if !matched[i] {
			fields[i].Nullable = true
		}
	}
	md := t.schema.Metadata()
	t.schema = arrow.NewSchema(fields, &md)
	return nil
}
