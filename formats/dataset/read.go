package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// Open implements arrowio.Table.
func (t *Table) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	var p fileSplit
	if err := json.Unmarshal(s.Payload, &p); err != nil || p.Format != splitFormat {
		return nil, errForeign
	}
	i, ok := t.index[p.File]
	if !ok {
		return nil, fmt.Errorf("%w: %s", errForeign, p.File)
	}
	if p.All {
		p.Columns = nil
	} else if p.Columns == nil {
		p.Columns = []pushdown.Path{}
	}
	f, err := t.acquire(ctx, p.File)
	if err != nil {
		return nil, err
	}
	r, err := t.read(ctx, f, i, p, o.WithDefaults())
	if err != nil {
		return nil, errors.Join(err, t.release(p.File))
	}
	return r, nil
}

// reading is one split of the table on its way from a file's batches.
type reading struct {
	t      *Table
	f      *handle
	o      arrowio.ReadOptions
	name   string
	inner  [][]byte
	filter pushdown.Expr // of the file's, where its splits leave it; nil: none
	cur    arrowio.RecordReader
	mid    *arrow.Schema // whole columns where they are cast
	make   []func(rec arrow.RecordBatch) (arrow.Array, error)
	same   bool // the file's batches are the table's
	row    int64
}

func (t *Table) read(ctx context.Context, f *handle, file int, p fileSplit, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	m, err := t.mapTo(f.Schema(), p.File)
	if err != nil {
		return nil, err
	}
	d := &reading{t: t, f: f, o: o, name: p.File, inner: p.Inner, row: p.First}
	if p.Filter != "" {
		if d.filter, err = pushdown.Parse(p.Filter); err != nil {
			return nil, fmt.Errorf("%w: %w", errForeign, err)
		}
	}
	consts, err := t.constants(file)
	if err != nil {
		return nil, err
	}
	if err := d.columns(m, f.Schema(), consts, p.Columns); err != nil {
		return nil, err
	}
	out := arrowio.NewReader(ctx, d.mid, d.next, d.close)
	if p.Columns == nil {
		return out, nil
	}
	shown, err := arrowio.Project(out, p.Columns)
	if err != nil {
		// The release of the file is the caller's, as it is for all errors here.
		return nil, err
	}
	return shown, nil
}

// columns prepares how each column is made.
func (d *reading) columns(m *mapping, file *arrow.Schema, consts map[int]pushdown.Literal, columns []pushdown.Path) error {
	t := d.t
	var fields []arrow.Field
	d.same = true
	for k, at := range t.tops(columns) {
		f := t.schema.Field(at)
		if v, ok := consts[at]; ok {
			d.same = false
			fields = append(fields, f)
			d.make = append(d.make, d.constant(v))
			continue
		}
		if t.origin[at].kind == fromPlace {
			d.same = false
			fields = append(fields, f)
			d.make = append(d.make, d.numbers)
			continue
		}
		src := m.at[at]
		if src < 0 {
			d.same = false
			fields = append(fields, f)
			d.make = append(d.make, func(rec arrow.RecordBatch) (arrow.Array, error) {
				return kernel.Cast(d.o.Alloc, array.NewNull(int(rec.NumRows())), f.Type, kernel.CastOptions{})
			})
			continue
		}
		g := file.Field(src)
		if arrow.TypeEqual(g.Type, f.Type) && columns != nil {
			part, err := arrowio.ProjectSchema(t.schema, pathsOf(columns, f.Name))
			if err != nil {
				return err
			}
			f = part.Field(0)
		}
		d.same = d.same && g.Name == f.Name
		fields = append(fields, f)
		k, whole := k, columns == nil && m.uniform && len(m.at) == file.NumFields()
		d.make = append(d.make, func(rec arrow.RecordBatch) (arrow.Array, error) {
			place := k // names may repeat where all columns are read as they are
			if !whole {
				at := rec.Schema().FieldIndices(g.Name)
				if len(at) == 0 {
					return nil, fmt.Errorf("%w: a split without column %s", arrowio.ErrColumn, g.Name)
				}
				place = at[0]
			}
			return kernel.Cast(d.o.Alloc, rec.Column(place), f.Type, kernel.CastOptions{})
		})
	}
	md := t.schema.Metadata()
	d.mid = arrow.NewSchema(fields, &md)
	return nil
}

func pathsOf(columns []pushdown.Path, name string) (out []pushdown.Path) {
	for _, p := range columns {
		if p[0] == name {
			out = append(out, p)
		}
	}
	return out
}

// constant repeats one value.
func (d *reading) constant(v pushdown.Literal) func(arrow.RecordBatch) (arrow.Array, error) {
	return func(rec arrow.RecordBatch) (arrow.Array, error) {
		return kernel.Take(d.o.Alloc, v.Value, make([]int32, rec.NumRows()))
	}
}

// numbers are those of the rows of a batch.
func (d *reading) numbers(rec arrow.RecordBatch) (arrow.Array, error) {
	b := array.NewInt64Builder(d.o.Alloc)
	defer b.Release()
	b.Reserve(int(rec.NumRows()))
	for i := range rec.NumRows() {
		b.UnsafeAppend(d.row + i)
	}
	return b.NewArray(), nil
}

func (d *reading) next(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		if d.cur == nil {
			if len(d.inner) == 0 {
				return nil, io.EOF
			}
			if err := d.open(ctx); err != nil {
				return nil, err
			}
		}
		if d.cur.Next() {
			return d.conform(d.cur.RecordBatch())
		}
		err := d.cur.Close()
		if d.cur = nil; err != nil {
			return nil, err
		}
	}
}

// open opens the file's next split.
func (d *reading) open(ctx context.Context) error {
	s, err := arrowio.DecodeSplit(d.inner[0])
	if err != nil {
		return err
	}
	d.inner = d.inner[1:]
	r, err := d.f.Open(ctx, s, d.o)
	if err != nil {
		return err
	}
	if d.filter != nil {
		filtered, err := arrowio.Filter(r, d.filter, d.o)
		if err != nil {
			return errors.Join(err, r.Close())
		}
		r = filtered
	}
	d.cur = r
	return nil
}

// conform casts a file's columns and adds those that it lacks.
func (d *reading) conform(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
	if d.same && rec.Schema().Equal(d.mid) {
		rec.Retain()
		return rec, nil
	}
	cols := make([]arrow.Array, len(d.make))
	for i, f := range d.make {
		c, err := f(rec)
		if err != nil {
			return nil, &arrowio.Error{Op: "read", URL: d.name, Column: d.mid.Field(i).Name, Err: fmt.Errorf("as in %s: %w", d.t.typedBy(), err)}
		}
		defer c.Release()
		cols[i] = c
	}
	if d.row > math.MaxInt64-rec.NumRows() {
		return nil, corruptRows
	}
	d.row += rec.NumRows()
	return array.NewRecordBatch(d.mid, cols, rec.NumRows()), nil
}

var corruptRows = fmt.Errorf("%w: more rows than can be counted", arrowio.ErrCorrupt)

func (d *reading) close() error {
	var err error
	if d.cur != nil {
		err = d.cur.Close()
		d.cur = nil
	}
	if rerr := d.t.release(d.name); err == nil {
		err = rerr
	}
	return err
}
