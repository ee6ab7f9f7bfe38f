package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
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

// reading is one split of the table on its way from a file's batches: the
// file's splits one after the other, with the rows' numbers if they are wanted.
type reading struct {
	t       *Table
	f       *handle
	o       arrowio.ReadOptions
	name    string
	inner   [][]byte
	filter  pushdown.Expr // of the file's, where its splits leave it; nil: none
	cur     arrowio.RecordReader
	numbers *arrow.Schema // with the column of the rows' numbers; nil: without
	row     int64
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
	asked, err := t.fileColumns(m, f, p.File, p.Columns)
	if err != nil {
		return nil, err
	}
	given, err := arrowio.ProjectSchema(f.Schema(), asked)
	if err != nil {
		return nil, err
	}
	if t.needsNumbers(p.Columns) {
		md := given.Metadata()
		d.numbers = arrow.NewSchema(append(given.Fields(), arrow.Field{Name: RowColumn, Type: arrow.PrimitiveTypes.Int64}), &md)
		given = d.numbers
	}
	if p.Columns == nil && asked == nil && d.numbers == nil { // the file's columns are the table's
		return arrowio.NewReader(ctx, given, d.next, d.close), nil
	}
	to, how, err := t.evolution(m, f.Schema(), file, p)
	if err != nil {
		return nil, err
	}
	how.ReadOptions = o
	out, err := arrowio.Evolve(arrowio.NewReader(ctx, given, d.next, d.close), to, how)
	if err == nil && p.Columns != nil {
		out, err = arrowio.Project(out, p.Columns)
	}
	if err != nil { // nothing is open but the file, which is the caller's to release
		return nil, err
	}
	return out, nil
}

// evolution says what the file's columns become: the table's, whole where they
// are cast.
func (t *Table) evolution(m *mapping, file *arrow.Schema, i int, p fileSplit) (*arrow.Schema, arrowio.EvolveOptions, error) {
	o := arrowio.EvolveOptions{Names: map[string]string{}, Constants: map[string]pushdown.Literal{}}
	o.Fail = func(column string, err error) error {
		return &arrowio.Error{Op: "read", URL: p.File, Column: column, Err: fmt.Errorf("as in %s: %w", t.typedBy(), err)}
	}
	consts, err := t.constants(i)
	if err != nil {
		return nil, o, err
	}
	var fields []arrow.Field
	for _, at := range t.tops(p.Columns) {
		f := t.schema.Field(at)
		if v, ok := consts[at]; ok {
			o.Constants[f.Name] = v
		} else if src := m.at[at]; src >= 0 {
			g := file.Field(src)
			o.Names[f.Name] = g.Name
			if arrow.TypeEqual(g.Type, f.Type) && p.Columns != nil {
				part, err := arrowio.ProjectSchema(t.schema, pathsOf(p.Columns, f.Name))
				if err != nil {
					return nil, o, err
				}
				f = part.Field(0)
			}
		} else if t.origin[at].kind == fromFile {
			o.Constants[f.Name] = pushdown.Null() // whatever the file has under that name
		}
		fields = append(fields, f)
	}
	md := t.schema.Metadata()
	return arrow.NewSchema(fields, &md), o, nil
}

func pathsOf(columns []pushdown.Path, name string) (out []pushdown.Path) {
	for _, p := range columns {
		if p[0] == name {
			out = append(out, p)
		}
	}
	return out
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
			rec := d.cur.RecordBatch()
			if d.numbers != nil {
				return d.number(rec), nil
			}
			rec.Retain()
			return rec, nil
		}
		err := d.cur.Close()
		if d.cur = nil; err != nil {
			return nil, err
		}
	}
}

// number adds the column of the rows' numbers.
func (d *reading) number(rec arrow.RecordBatch) arrow.RecordBatch {
	b := array.NewInt64Builder(d.o.Alloc)
	defer b.Release()
	b.Reserve(int(rec.NumRows()))
	for i := range rec.NumRows() {
		b.UnsafeAppend(d.row + i)
	}
	d.row += rec.NumRows()
	c := b.NewArray()
	defer c.Release()
	return array.NewRecordBatch(d.numbers, append(rec.Columns()[:rec.NumCols():rec.NumCols()], c), rec.NumRows())
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
