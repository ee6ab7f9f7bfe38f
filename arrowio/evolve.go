package arrowio

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// EvolveOptions tune Evolve.
type EvolveOptions struct {
	ReadOptions
	// Names gives the former name of a column that was renamed.
	Names map[string]string
	// Constants are columns that have one value, such as those of partitions;
	// they win over columns of the reader.
	Constants map[string]pushdown.Literal
	// Fail adds to the error of a column whose values do not fit; nil names
	// the column.
	Fail func(column string, err error) error
}

// Evolve brings a reader's batches to another schema: columns are found by
// name and cast without loss, those that are missing are null or constant, and
// those that the schema lacks are dropped. A value that does not fit is
// ErrCast, and a name that the reader has twice ErrColumn. It takes r over.
func Evolve(r RecordReader, to *arrow.Schema, o EvolveOptions) (RecordReader, error) {
	o.ReadOptions = o.ReadOptions.WithDefaults()
	from := make([]int, to.NumFields()) // the reader's column; -1: none
	for i, f := range to.Fields() {
		from[i] = -1
		if _, ok := o.Constants[f.Name]; ok {
			continue
		}
		name := f.Name
		if former, ok := o.Names[name]; ok {
			name = former
		}
		switch at := r.Schema().FieldIndices(name); len(at) {
		case 0:
		case 1:
			from[i] = at[0]
		default:
			return nil, fmt.Errorf("%w: %s stands for two columns", ErrColumn, name)
		}
	}
	fail := func(column string, err error) error {
		if o.Fail != nil {
			return o.Fail(column, err)
		}
		return &Error{Op: "evolve", Column: column, Err: err}
	}
	return following(r, to, func(rec arrow.RecordBatch) (arrow.RecordBatch, error) {
		cols := make([]arrow.Array, 0, len(from))
		defer func() {
			for _, c := range cols {
				c.Release()
			}
		}()
		for i, f := range to.Fields() {
			c, err := o.column(rec, from[i], f)
			if err != nil {
				return nil, fail(f.Name, err)
			}
			cols = append(cols, c)
		}
		return array.NewRecordBatch(to, cols, rec.NumRows()), nil
	}), nil
}

// column makes one column of a batch.
func (o *EvolveOptions) column(rec arrow.RecordBatch, from int, f arrow.Field) (arrow.Array, error) {
	if from >= 0 {
		return kernel.Cast(o.Alloc, rec.Column(from), f.Type, kernel.CastOptions{})
	}
	n := int(rec.NumRows())
	v, ok := o.Constants[f.Name]
	if !ok || v.IsNull() {
		// array.MakeArrayOfNull takes fresh memory for zero, which that of a pool is not.
		return kernel.Cast(o.Alloc, array.NewNull(n), f.Type, kernel.CastOptions{})
	}
	one, err := kernel.Cast(o.Alloc, v.Value, f.Type, kernel.CastOptions{})
	if err != nil {
		return nil, err
	}
	defer one.Release()
	return kernel.Take(o.Alloc, one, make([]int32, n))
}
