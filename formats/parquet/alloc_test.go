package parquet

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
)

// manyShapes is a batch with a column of every way in which values are decoded.
func manyShapes(n int) arrow.RecordBatch {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 20, Scale: 2}, Nullable: true},
		{Name: "word", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "text", Type: arrow.BinaryTypes.String},
		{Name: "list", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "struct", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32, Nullable: true}), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	list, group := b.Field(6).(*array.ListBuilder), b.Field(7).(*array.StructBuilder)
	for i := range n {
		valid := i%7 != 0
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(5).(*array.StringBuilder).Append(fmt.Sprint("text of row ", i, strings.Repeat("x", i%40)))
		list.Append(valid)
		for k := range i % 3 {
			if valid {
				list.ValueBuilder().(*array.StringBuilder).Append(fmt.Sprint("tag", k))
			}
		}
		group.Append(i%5 != 0)
		if !valid || i%5 == 0 {
			group.FieldBuilder(0).AppendNull()
		} else {
			group.FieldBuilder(0).(*array.Int32Builder).Append(int32(i % 100))
		}
		if !valid {
			for k := 1; k < 5; k++ {
				b.Field(k).AppendNull()
			}
			continue
		}
		b.Field(1).(*array.Float64Builder).Append(float64(i) / 3)
		b.Field(2).(*array.BooleanBuilder).Append(i%3 == 0)
		b.Field(3).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(i) * 100))
		b.Field(4).(*array.StringBuilder).Append([]string{"one", "two", "twenty-three"}[i%3])
	}
	return b.NewRecordBatch()
}

// TestAllocations: what a batch costs in allocations has nothing to do with its
// rows, and little with its columns.
func TestAllocations(t *testing.T) {
	const batches, columns = 16, 8
	perBatch := func(rows int) float64 {
		rec := manyShapes(batches * rows)
		raw := writeFile(t, WriteOptions{Codec: "snappy", PageRows: 1000, Jobs: 1}, rec.Schema(), rec)
		rd, err := openBytes(t, raw, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer rd.Close()
		pool, ctx := arrowio.NewPool(), context.Background()
		defer debug.SetGCPercent(debug.SetGCPercent(-1)) // what the pools keep stays
		read := func(most int) float64 {
			return testing.AllocsPerRun(3, func() {
				n := 0
				for rec, err := range arrowio.Batches(ctx, rd, arrowio.ScanRequest{}, arrowio.RunOptions{
					ReadOptions: arrowio.ReadOptions{Alloc: pool, BatchRows: rows}, Jobs: 1,
				}) {
					if err != nil && err != io.EOF {
						t.Fatal(err)
					}
					if rec.NumRows() != int64(rows) {
						t.Fatalf("a batch of %d rows, want %d", rec.NumRows(), rows)
					}
					if n++; n == most {
						break
					}
				}
				if n != most {
					t.Fatalf("%d batches, want %d", n, most)
				}
			})
		}
		// What it takes to begin is not a batch's.
		return (read(batches) - read(1)) / (batches - 1)
	}
	few, many := perBatch(1000), perBatch(16000)
	t.Logf("allocations a batch: %.1f of 1000 rows, %.1f of 16000", few, many)
	if many > 1.5*few+2*columns { // the race detector makes pools forget at random
		t.Errorf("a batch of 16 times the rows takes %.0f allocations more", many-few)
	}
	if most := 20.0 * columns; few > most {
		t.Errorf("%.0f allocations a batch, more than %.0f", few, most)
	}
}
