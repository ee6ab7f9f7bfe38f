package dataset

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
)

// File is one file of a dataset.
type File struct {
	// Name is what Open is given and errors say: its URL.
	Name string
	// Path is where the folders are read from that name partitions, for
	// instance "k=1/x.parquet"; "" has none.
	Path string
}

// Open opens the file of a name that was given to New.
type Open func(ctx context.Context, name string) (formats.FileReader, error)

// Hive says whether folders named key=value are columns.
type Hive uint8

// The modes. Auto takes them for columns if all files have the same keys; On
// makes it an error if they have not.
const (
	HiveAuto Hive = iota
	HiveOff
	HiveOn
)

// Options tune New.
type Options struct {
	// UnionByName reads the schemas of all files: every column of any file is
	// one of the table's.
	UnionByName bool
	// UnionByID does it too, and columns are the same whose field id
	// (PARQUET:field_id, iceberg.id) is, whatever their names.
	UnionByID bool
	// Strict makes a file whose schema is not the first one's an error.
	Strict bool
	// Schema is the table's, in place of those of the files.
	Schema *arrow.Schema
	// CaseInsensitive matches the names of columns in any case; two that differ
	// in nothing else are an error.
	CaseInsensitive bool
	// Hive and PartitionTypes are how folders become columns.
	Hive           Hive
	PartitionTypes map[string]arrow.DataType
	// Filename adds the column _file, the URL of each row's file.
	Filename bool
	// RowNumber adds the column _row, a row's number in its file.
	RowNumber bool
	// Jobs is how many files are opened at once; 0 is 16.
	Jobs int
}

// The virtual columns.
const (
	FileColumn = "_file"
	RowColumn  = "_row"
)

// Table is many files as one table. It is safe for concurrent use.
type Table struct {
	files  []File
	index  map[string]int // by name
	open   Open
	o      Options
	schema *arrow.Schema
	origin []origin // of each column
	parts  []partition

	mu      sync.Mutex
	kept    map[string]*handle // open files, by name, while splits use them
	schemas map[string]*mapping
}

// kind says where a column comes from.
type kind uint8

const (
	fromFile kind = iota
	fromFolder
	fromName
	fromPlace
)

// origin is where a column comes from; part is the partition's number.
type origin struct {
	kind kind
	part int
}

type handle struct {
	formats.FileReader
	users int
}

var _ arrowio.Table = (*Table)(nil)

// New reads the schema of the first file, or of all. No file at all is an error.
func New(ctx context.Context, files []File, open Open, o Options) (*Table, error) {
	if len(files) == 0 {
		return nil, errors.New("dataset: no file")
	}
	if o.Jobs <= 0 {
		o.Jobs = 16
	}
	t := &Table{files: files, open: open, o: o, index: make(map[string]int, len(files)), kept: map[string]*handle{}, schemas: map[string]*mapping{}}
	for i, f := range files {
		t.index[f.Name] = i
	}
	var err error
	if t.parts, err = partitions(files, o); err != nil {
		return nil, err
	}
	if err := t.readSchema(ctx); err != nil {
		return nil, err
	}
	return t, t.addColumns()
}

// readSchema finds the schema of the files' own columns.
func (t *Table) readSchema(ctx context.Context) error {
	switch {
	case t.o.Schema != nil:
		t.schema = t.o.Schema
		return nil
	case t.o.UnionByName || t.o.UnionByID:
		return t.uniteAll(ctx)
	}
	s, err := t.schemaOf(ctx, t.files[0].Name)
	t.schema = s
	return err
}

// schemaOf opens a file for its schema alone.
func (t *Table) schemaOf(ctx context.Context, name string) (*arrow.Schema, error) {
	f, err := t.open(ctx, name)
	if err != nil {
		return nil, err
	}
	return f.Schema(), f.Close()
}

// addColumns adds the partitions and the virtual columns.
func (t *Table) addColumns() error {
	fields := t.schema.Fields()
	if t.o.CaseInsensitive {
		if a, b, twice := foldedTwice(fields); twice {
			return fmt.Errorf("%w: %s and %s differ in case alone (try: without --case-insensitive)", arrowio.ErrColumn, a, b)
		}
	}
	t.origin = make([]origin, len(fields))
	for i, p := range t.parts {
		at := t.find(fields, p.key)
		if at < 0 {
			fields = append(fields[:len(fields):len(fields)], arrow.Field{Name: p.key, Type: p.typ, Nullable: true})
			t.origin = append(t.origin, origin{fromFolder, i})
			continue
		}
		f := fields[at]
		f.Nullable = true
		if !p.given {
			if err := p.fits(t.files, f.Type); err != nil {
				return err
			}
			t.parts[i].typ = f.Type
		}
		f.Type = t.parts[i].typ
		fields = append([]arrow.Field{}, fields...)
		fields[at], t.origin[at] = f, origin{fromFolder, i}
	}
	for _, v := range []struct {
		on    bool
		field arrow.Field
		kind  kind
	}{
		{t.o.Filename, arrow.Field{Name: FileColumn, Type: arrow.BinaryTypes.String}, fromName},
		{t.o.RowNumber, arrow.Field{Name: RowColumn, Type: arrow.PrimitiveTypes.Int64}, fromPlace},
	} {
		if !v.on {
			continue
		}
		if t.find(fields, v.field.Name) >= 0 {
			return fmt.Errorf("%w: the files have a column %s of their own", arrowio.ErrColumn, v.field.Name)
		}
		fields = append(fields[:len(fields):len(fields)], v.field)
		t.origin = append(t.origin, origin{kind: v.kind})
	}
	md := t.schema.Metadata()
	t.schema = arrow.NewSchema(fields, &md)
	return nil
}

// Schema implements arrowio.Table.
func (t *Table) Schema() *arrow.Schema { return t.schema }

// Files are the names of the files, in order.
func (t *Table) Files() []string {
	out := make([]string, len(t.files))
	for i, f := range t.files {
		out[i] = f.Name
	}
	return out
}

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
	h := t.kept[name]
	h.users--
	last := h.users == 0
	if last {
		delete(t.kept, name)
	}
	t.mu.Unlock()
	if last {
		return h.Close()
	}
	return nil
}
