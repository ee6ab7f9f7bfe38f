package arrowio_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/pushdown"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// checked gives an allocator that must have everything back in the end.
func checked(t *testing.T) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

func read(t *testing.T, batches int, mem memory.Allocator) arrowio.RecordReader {
	t.Helper()
	r, err := arrowio.Read(t.Context(), table(batches), arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1, ReadOptions: arrowio.ReadOptions{Alloc: mem}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSeq: a reader as a sequence, and a sequence as a reader, have the same
// rows, also when the loop ends early.
func TestSeq(t *testing.T) {
	want, n := int64(11+12+13), int64(0)
	for rec, err := range arrowio.Seq(read(t, 3, nil)) {
		if err != nil {
			t.Fatal(err)
		}
		n += rec.NumRows()
	}
	if n != want {
		t.Errorf("%d rows, want %d", n, want)
	}
	r := arrowio.FromSeq(t.Context(), schema, arrowio.Seq(read(t, 3, nil)))
	for n = 0; r.Next(); {
		n += r.RecordBatch().NumRows()
	}
	if err := r.Close(); err != nil || n != want {
		t.Errorf("%d rows, want %d: %v", n, want, err)
	}
	for range arrowio.Seq(read(t, 3, nil)) {
		break
	}
	early := arrowio.FromSeq(t.Context(), schema, arrowio.Seq(read(t, 3, nil)))
	early.Next()
	if err := early.Close(); err != nil {
		t.Error(err)
	}
	failing := arrowio.FromSeq(t.Context(), schema, func(yield func(arrow.RecordBatch, error) bool) { yield(nil, errPlanted) })
	if failing.Next() || !errors.Is(failing.Err(), errPlanted) {
		t.Errorf("an error of the sequence: %v", failing.Err())
	}
	if err := failing.Close(); !errors.Is(err, errPlanted) {
		t.Error(err)
	}
}

// TestEvolve: cast, rename, missing and constant columns, dropped ones.
func TestEvolve(t *testing.T) {
	mem := checked(t)
	to := arrow.NewSchema([]arrow.Field{
		{Name: "year", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "a", Type: &arrow.Decimal128Type{Precision: 20}, Nullable: true},
		{Name: "none", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "name", Type: arrow.BinaryTypes.LargeString, Nullable: true},
	}, nil)
	r, err := arrowio.Evolve(read(t, 1, nil), to, arrowio.EvolveOptions{
		ReadOptions: arrowio.ReadOptions{Alloc: mem}, Names: map[string]string{"name": "b"}, Constants: map[string]pushdown.Literal{"year": pushdown.Int64(2024)},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rec, err := range arrowio.Seq(r) {
		if err != nil {
			t.Fatal(err)
		}
		if !rec.Schema().Equal(to) {
			t.Fatalf("schema %s", rec.Schema())
		}
		for i := range int(rec.NumRows()) {
			a := fmt.Sprint(n)
			if n%7 == 3 {
				a = array.NullValueStr
			}
			for k, want := range []string{"2024", a, array.NullValueStr, fmt.Sprint("b", n)} {
				if got := rec.Column(k).ValueStr(i); got != want {
					t.Errorf("row %d, %s: %s, want %s", n, to.Field(k).Name, got, want)
				}
			}
			n++
		}
	}
	if n != 11 {
		t.Errorf("%d rows", n)
	}

	narrow := arrow.NewSchema([]arrow.Field{{Name: "b", Type: arrow.PrimitiveTypes.Int8, Nullable: true}}, nil)
	if r, err = arrowio.Evolve(read(t, 1, nil), narrow, arrowio.EvolveOptions{ReadOptions: arrowio.ReadOptions{Alloc: mem}}); err != nil {
		t.Fatal(err)
	}
	if r.Next() || !errors.Is(r.Err(), arrowio.ErrCast) {
		t.Errorf("text as int8: %v", r.Err())
	}
	if err := r.Close(); !errors.Is(err, arrowio.ErrCast) {
		t.Error(err)
	}
}
