package kernel

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// TestRunsKeepBits: 0 and -0 are equal and yet two runs; NaNs of one kind are one.
func TestRunsKeepBits(t *testing.T) {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues([]float64{0, math.Copysign(0, -1), 0, 0, math.NaN(), math.NaN()}, nil)
	arr := b.NewArray()
	defer arr.Release()
	got, err := Cast(memory.DefaultAllocator, arr, arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Float64), CastOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	if n := got.(*array.RunEndEncoded).Values().Len(); n != 4 {
		t.Errorf("%d runs, want 4", n)
	}
}
