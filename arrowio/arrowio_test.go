package arrowio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/pushdown"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "y", Type: arrow.BinaryTypes.String, Nullable: true}), Nullable: true},
	{Name: "b", Type: arrow.BinaryTypes.String},
}, nil)

// table is batches of 11, 12, … rows.
func table(batches int) arrowio.Table {
	var recs []arrow.RecordBatch
	n := int64(0)
	for i := range batches {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		defer b.Release()
		for range 11 + i {
			if n%7 == 3 {
				b.Field(0).AppendNull()
			} else {
				b.Field(0).(*array.Int64Builder).Append(n)
			}
			st := b.Field(1).(*array.StructBuilder)
			st.Append(n%5 != 0)
			st.FieldBuilder(0).(*array.Int32Builder).Append(int32(n))
			st.FieldBuilder(1).(*array.StringBuilder).Append(fmt.Sprint("y", n%3))
			b.Field(2).(*array.StringBuilder).Append(fmt.Sprint("b", n))
			n++
		}
		recs = append(recs, b.NewRecordBatch())
	}
	return arrowio.FromBatches(schema, recs...)
}

func TestLaws(t *testing.T) {
	arrowiotest.Run(t, func(testing.TB) arrowio.Table { return table(9) }, arrowiotest.Options{
		Filters:     []string{"a > 40", "s.y = 'y1' AND a < 90", "a IS NULL", "b LIKE 'b1%' OR s.x = 3", "a = 5.5"},
		Projections: [][]string{{"b"}, {"s.y", "a"}, {}, {"s.x"}, {"b", "s"}},
	})
}

// slow is a table whose first split is its slowest and whose last one fails.
type slow struct {
	arrowio.Table
	failAt string
}

var errPlanted = errors.New("planted")

func (s slow) Open(ctx context.Context, sp arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	switch sp.ID {
	case "memory-0":
		select {
		case <-time.After(30 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case s.failAt:
		return nil, errPlanted
	}
	return s.Table.Open(ctx, sp, o)
}

// TestOrderUnderBudget: rows stay in order and nothing hangs when the budget
// holds hardly a batch and the first split is the slowest.
func TestOrderUnderBudget(t *testing.T) {
	for _, size := range []int64{400, 1 << 20} {
		b := arrowio.NewBudget(size)
		o := arrowio.RunOptions{Jobs: 4, ReadOptions: arrowio.ReadOptions{Budget: b, BatchRows: 4}}
		next := int64(0)
		for rec, err := range arrowio.Batches(t.Context(), slow{Table: table(30)}, arrowio.ScanRequest{Ordered: true}, o) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range int(rec.NumRows()) {
				if got, want := rec.Column(2).ValueStr(i), fmt.Sprint("b", next); got != want {
					t.Fatalf("row %d is %s", next, got)
				}
				next++
			}
		}
		if b.InUse() != 0 {
			t.Errorf("%d bytes not given back", b.InUse())
		}
	}
}

func TestFirstErrorWins(t *testing.T) {
	for _, jobs := range []int{1, 4} {
		for _, ordered := range []bool{true, false} {
			r, err := arrowio.Read(t.Context(), slow{table(8), "memory-3"}, arrowio.ScanRequest{Ordered: ordered}, arrowio.RunOptions{Jobs: jobs})
			if err != nil {
				t.Fatal(err)
			}
			for r.Next() {
			}
			if err := r.Close(); !errors.Is(err, errPlanted) {
				t.Errorf("jobs %d, ordered %t: %v", jobs, ordered, err)
			}
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := arrowio.Read(ctx, slow{Table: table(50)}, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 2})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for r.Next() {
	}
	if err := r.Close(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestOffsetLimit(t *testing.T) {
	r, err := arrowio.Read(t.Context(), table(3), arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r = arrowio.Limit(arrowio.Offset(r, 13), 3)
	var got []string
	for r.Next() {
		for i := range int(r.RecordBatch().NumRows()) {
			got = append(got, r.RecordBatch().Column(2).ValueStr(i))
		}
	}
	if err := r.Close(); err != nil || fmt.Sprint(got) != "[b13 b14 b15]" {
		t.Error(got, err)
	}
}

func TestUnknownColumn(t *testing.T) {
	for _, p := range []pushdown.Path{{"nope"}, {"s", "nope"}, {"a", "x"}} {
		if _, err := arrowio.ProjectSchema(schema, []pushdown.Path{p}); !errors.Is(err, arrowio.ErrColumn) {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// panics is a table whose readers, or the listing of whose splits, panic.
type panics struct {
	arrowio.Table
	planning bool
}

func (p panics) Plan(ctx context.Context, r arrowio.ScanRequest) (*arrowio.Scan, error) {
	s, err := p.Table.Plan(ctx, r)
	if err == nil && p.planning {
		s.Splits = func(func(arrowio.Split, error) bool) { panic("planted") }
	}
	return s, err
}

func (p panics) Open(context.Context, arrowio.Split, arrowio.ReadOptions) (arrowio.RecordReader, error) {
	panic("planted")
}

// TestPanicIsError: no panic of a source crosses the reader, from whichever
// goroutine it comes.
func TestPanicIsError(t *testing.T) {
	for _, jobs := range []int{1, 4} {
		for _, planning := range []bool{true, false} {
			r, err := arrowio.Read(t.Context(), panics{table(8), planning}, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: jobs})
			if err != nil {
				t.Fatal(err)
			}
			for r.Next() {
			}
			if err := r.Close(); !errors.Is(err, arrowio.ErrCorrupt) {
				t.Errorf("jobs %d, planning %t: %v", jobs, planning, err)
			}
		}
	}
}
