package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Every type, sliced, with masks of every density: row j of the result is the
// j-th row of the mask.
func TestFilterIsRows(t *testing.T) {
	for _, dt := range everyType() {
		t.Run(dt.String(), func(t *testing.T) {
			for seed := range uint64(12) {
				r := rand.New(rand.NewPCG(seed, 1))
				n := []int{0, 1, 7, 64, 65, 150}[seed%6]
				arr := randomArray(r, dt, n)
				mask := NewBitmap(n)
				var want []int64
				for i, dense := 0, r.IntN(5); i < n; i++ {
					if r.IntN(4) < dense {
						mask.Set(i)
						want = append(want, int64(i))
					}
				}
				got, err := Filter(mem, arr, mask)
				if err != nil {
					t.Fatal(err)
				}
				same(t, arr, got, want)
				for i := range want { // any order, repeats, nulls
					if want[i] = int64(r.IntN(n)); r.IntN(9) == 0 {
						want[i] = -1
					}
				}
				if got, err = Take(mem, arr, want); err != nil {
					t.Fatal(err)
				}
				same(t, arr, got, want)
				if ByteSize(got) < 0 || ByteSizeRange(arr, 0, n) != ByteSize(arr) {
					t.Fatalf("size %d, %d of %d", ByteSize(got), ByteSizeRange(arr, 0, n), ByteSize(arr))
				}
			}
		})
	}
}

func same(t *testing.T, arr, got arrow.Array, rows []int64) {
	t.Helper()
	if got.Len() != len(rows) || !arrow.TypeEqual(got.DataType(), arr.DataType()) {
		t.Fatalf("%d rows of %s, want %d of %s", got.Len(), got.DataType(), len(rows), arr.DataType())
	}
	valid := Validity(arr)
	out := Validity(got)
	for j, i := range rows {
		if i < 0 || !valid.Get(int(i)) {
			if out.Get(j) {
				t.Fatalf("row %d is not null", j)
			}
			continue
		}
		if !array.SliceEqual(arr, i, i+1, got, int64(j), int64(j+1)) {
			t.Fatalf("row %d: %s, want row %d: %s", j, got.ValueStr(j), i, arr.ValueStr(int(i)))
		}
	}
	if v, ok := got.(interface{ ValidateFull() error }); ok && arr.DataType().ID() != arrow.MAP {
		if err := v.ValidateFull(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is allocated is released.
func TestFilterReleases(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, dt := range everyType() {
		chk := memory.NewCheckedAllocator(memory.NewGoAllocator())
		arr := randomArray(r, dt, 40)
		mask := NewBitmap(40)
		for i := 0; i < 40; i += 3 {
			mask.Set(i)
		}
		got, err := Filter(chk, arr, mask)
		if err != nil {
			t.Fatal(err)
		}
		got.Release()
		chk.AssertSize(t, 0)
	}
}

func TestFilterBatch(t *testing.T) {
	b := array.NewInt64Builder(mem)
	b.AppendValues([]int64{1, 2, 3, 4}, nil)
	col := b.NewArray()
	rec := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "a", Type: col.DataType()}}, nil), []arrow.Array{col}, 4)
	got, err := FilterBatch(mem, rec, Bitmap{[]byte{0b1001}, 4})
	if err != nil || got.NumRows() != 2 || got.Column(0).(*array.Int64).Value(1) != 4 {
		t.Fatal(got, err)
	}
	if _, err := FilterBatch(mem, rec, NewBitmap(5)); err == nil {
		t.Fatal("a mask of another length")
	}
	if _, err := Take(mem, col, []int64{4}); err == nil {
		t.Fatal("an index out of range")
	}
}

func BenchmarkFilter(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	arr := array.MakeFromData(randomData(r, arrow.PrimitiveTypes.Int64, 1<<16))
	for _, step := range []int{2, 10, 1000} {
		mask := NewBitmap(1 << 16)
		for i := 0; i < 1<<16; i += step {
			mask.Set(i)
		}
		b.Run(arr.DataType().Name(), func(b *testing.B) {
			b.SetBytes(1 << 19)
			for b.Loop() {
				out, _ := Filter(mem, arr, mask)
				out.Release()
			}
		})
	}
}
