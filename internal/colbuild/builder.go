package colbuild

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// ErrLimit is a row that does not fit in a batch of its own: 2 GiB of text in
// one column, or the memory limit. Packages above report it as
// arrowio.ErrLimit, which it does not import.
var ErrLimit = errors.New("a row too large")

// ErrText is text that is not UTF-8.
var ErrText = errors.New("text that is not UTF-8")

// Error says which column a row failed in, and which row of the batch.
type Error struct {
	Column string // dotted path
	Row    int    // of the batch; -1 if unknown
	Err    error
}

func (e *Error) Error() string { return "column " + e.Column + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Options govern a Builder.
type Options struct {
	// Alloc allocates the buffers; nil takes memory.DefaultAllocator.
	Alloc memory.Allocator
	// Rows and Bytes end a batch, Bytes softly: at the row that reaches it.
	// 0 is no end.
	Rows  int
	Bytes int64
	// Limit bounds the memory of all columns; 0 is no bound. A row for which
	// there is no room even in an empty batch is ErrLimit.
	Limit int64
	// CheckText has Batch verify that text columns are UTF-8.
	CheckText bool
}

// Status is what became of a row.
type Status uint8

// The states. More: the row is in. Full: the row is in and the batch should be
// taken. Refused: the row does not fit and is not in; take the batch and append
// it again, or, where the batch is empty, report Err.
const (
	More Status = iota
	Full
	Refused
)

// Builder fills the columns of one schema, batch after batch. It is not safe
// for concurrent use.
type Builder struct {
	o      Options
	schema *arrow.Schema
	cols   []*Column
	rows   int
	check  int   // EndRow looks at the size when it has that many rows
	held   int64 // bytes of buffers
	kept   int64 // of those, what stays from batch to batch
	err    error // the row in hand failed
}

// New makes the columns of a schema. Views, list views, run-end encoded and
// sparse union columns are not built, which is an error: build what they decode
// to, and cast.
func New(s *arrow.Schema, o Options) (*Builder, error) {
	if o.Alloc == nil {
		o.Alloc = memory.DefaultAllocator
	}
	if o.Rows <= 0 || o.Rows > math.MaxInt32 {
		o.Rows = math.MaxInt32
	}
	if o.Bytes <= 0 {
		o.Bytes = math.MaxInt64
	}
	if o.Limit <= 0 {
		o.Limit = math.MaxInt64
	}
	b := &Builder{o: o, schema: s, check: 1}
	for _, f := range s.Fields() {
		c, err := b.newColumn(f, f.Name)
		if err != nil {
			return nil, err
		}
		b.cols = append(b.cols, c)
	}
	return b, nil
}

// Schema of the batches.
func (b *Builder) Schema() *arrow.Schema { return b.schema }

// Column is the i-th top-level column. It stays the same from batch to batch.
func (b *Builder) Column(i int) *Column { return b.cols[i] }

// Rows is the number of rows in the batch so far.
func (b *Builder) Rows() int { return b.rows }

// Failed says that the row in hand can no longer be added.
func (b *Builder) Failed() bool { return b.err != nil }

// Err is why the last row was refused.
func (b *Builder) Err() error { return b.err }

// EndRow closes a row of which every column was given one value.
func (b *Builder) EndRow() Status {
	b.rows++
	if b.rows < b.check {
		return More
	}
	return b.endRow()
}

func (b *Builder) endRow() Status {
	if b.err != nil {
		err := b.err
		b.rows--
		b.Rewind()
		b.err = err
		return Refused
	}
	if b.rows >= b.o.Rows {
		return Full
	}
	size := b.Bytes()
	if size >= b.o.Bytes {
		return Full
	}
	// Look again halfway to the end, as far as rows are alike; a column that
	// grows asks for a look by itself.
	ahead := int64(b.o.Rows - b.rows)
	if per := size / int64(b.rows); per > 0 {
		ahead = min(ahead, (b.o.Bytes-size)/per/2)
	}
	b.check = b.rows + int(max(ahead, 1))
	return More
}

// Rewind drops what was appended since the last EndRow, and forgives a failure.
func (b *Builder) Rewind() {
	for _, c := range b.cols {
		c.truncate(b.rows)
	}
	b.err = nil
	b.check = b.rows + 1
}

// Drop takes back the rows of the batch from row n on.
func (b *Builder) Drop(n int) {
	b.rows = min(b.rows, n)
	b.Rewind()
}

// Bytes measures what the batch holds, without the bitmaps of nulls.
func (b *Builder) Bytes() int64 {
	var n int64
	for _, c := range b.cols {
		n += c.bytes()
	}
	return n
}

// fail poisons the row in hand.
func (b *Builder) fail(c *Column, format string, args ...any) {
	if b.err == nil {
		b.err = &Error{Column: c.path, Row: b.rows, Err: fmt.Errorf("%w: "+format, append([]any{ErrLimit}, args...)...)}
	}
	b.check = 0
}

// Batch hands the rows over as a record batch, which is the caller's to
// release, and starts the next. Parts of a row in hand are dropped. On an error
// (text that is not UTF-8: an *Error with the row) the rows are kept.
func (b *Builder) Batch() (arrow.RecordBatch, error) {
	b.Rewind()
	if b.o.CheckText {
		for _, c := range b.cols {
			if err := c.checkText(); err != nil {
				return nil, err
			}
		}
	}
	b.kept = 0
	arrs := make([]arrow.Array, len(b.cols))
	for i, c := range b.cols {
		d := c.finish()
		arrs[i] = array.MakeFromData(d)
		d.Release()
	}
	rec := array.NewRecordBatch(b.schema, arrs, int64(b.rows))
	for _, a := range arrs {
		a.Release()
	}
	b.rows, b.check, b.held = 0, 1, b.kept
	return rec, nil
}

// Release frees the buffers of rows that were not taken. The Builder may not be
// used afterwards.
func (b *Builder) Release() {
	for _, c := range b.cols {
		c.release()
	}
	b.cols = nil
}

// Array builds one array of a type: fill appends n values to c, one after the
// other. It is for dictionaries, defaults and tests.
func Array(mem memory.Allocator, dt arrow.DataType, n int, fill func(c *Column, i int) error) (arrow.Array, error) {
	b, err := New(arrow.NewSchema([]arrow.Field{{Name: "value", Type: dt, Nullable: true}}, nil), Options{Alloc: mem})
	if err != nil {
		return nil, err
	}
	defer b.Release()
	for i := range n {
		if err := fill(b.Column(0), i); err != nil {
			return nil, err
		}
		if b.EndRow() == Refused {
			return nil, b.Err()
		}
	}
	rec, err := b.Batch()
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	out := rec.Column(0)
	out.Retain()
	return out, nil
}

// paths joins a column's name to its parent's.
func paths(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}
