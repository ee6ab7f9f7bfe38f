// Package elements makes the sample file of the demo from elements.csv.
//
//go:generate go run ./gen
package elements

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/formats/parquet"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/local"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "number", Type: arrow.PrimitiveTypes.Int16},
	{Name: "symbol", Type: arrow.BinaryTypes.String},
	{Name: "name", Type: arrow.BinaryTypes.String},
	{Name: "weight", Type: &arrow.Decimal128Type{Precision: 12, Scale: 6}, Nullable: true},
	{Name: "group", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
	{Name: "period", Type: arrow.PrimitiveTypes.Int8},
	{Name: "block", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}},
	{Name: "discovered", Type: arrow.PrimitiveTypes.Int16, Nullable: true},
	{Name: "isotopes", Type: arrow.ListOfNonNullable(arrow.PrimitiveTypes.Int16)},
}, nil)

// Generate reads the CSV file and writes the Parquet file: row groups of 32
// elements, in the order of their numbers, with page indexes and a bloom
// filter on the symbol.
func Generate(ctx context.Context, from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(f).ReadAll()
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	rec, err := build(rows[1:])
	if err != nil {
		return err
	}
	defer rec.Release()
	dir, name := filepath.Split(to)
	fsys, err := local.New(filepath.Join(".", dir))
	if err != nil {
		return err
	}
	w, err := fsys.Create(ctx, name, fs.CreateOptions{})
	if err != nil {
		return err
	}
	sink, err := parquet.NewSink(w, schema, parquet.WriteOptions{
		RowGroupRows: 32, PageRows: 16, CreatedBy: "bdkit testdata", Sorting: []parquet.SortingColumn{{Column: "number"}},
		Columns: map[string]parquet.ColumnOptions{"symbol": {Bloom: &parquet.BloomOptions{NDV: 32}}},
	})
	if err != nil {
		return err
	}
	defer sink.Close()
	if err := sink.Write(ctx, rec); err != nil {
		return err
	}
	_, err = sink.Commit(ctx)
	return err
}

func build(rows [][]string) (arrow.RecordBatch, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, r := range rows {
		for i, f := range schema.Fields() {
			if err := add(b.Field(i), f, r[i]); err != nil {
				return nil, fmt.Errorf("%s, column %s: %w", r[1], f.Name, err)
			}
		}
	}
	return b.NewRecordBatch(), nil
}

func add(b array.Builder, f arrow.Field, text string) error {
	if list, ok := b.(*array.ListBuilder); ok {
		list.Append(true)
		for mass := range strings.FieldsSeq(text) {
			n, err := strconv.ParseInt(mass, 10, 16)
			if err != nil {
				return err
			}
			list.ValueBuilder().(*array.Int16Builder).Append(int16(n))
		}
		return nil
	}
	if text == "" && f.Nullable {
		b.AppendNull()
		return nil
	}
	return b.AppendValueFromString(text)
}
