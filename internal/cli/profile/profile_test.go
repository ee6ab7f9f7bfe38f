package profile

import (
	"hash/maphash"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/internal/kernel"
)

// TestSketch: estimates stay within four standard errors.
func TestSketch(t *testing.T) {
	seed := maphash.MakeSeed()
	for _, n := range []int64{0, 1, 1000, 100_000, 3_000_000} {
		var s sketch
		for i := range n {
			s.add(maphash.Comparable(seed, i))
			s.add(maphash.Comparable(seed, i/2)) // seen already
		}
		if off := math.Abs(float64(s.count()-n)) / math.Max(1, float64(n)); off > 4*1.04/128 {
			t.Errorf("%d values: estimated %d", n, s.count())
		}
	}
}

// TestExtreme finds the bounds among nulls and NaN, whatever the order.
func TestExtreme(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		in     []float64
		lo, hi float64
		none   bool
	}{
		{in: []float64{nan, 3, nan, -1, 2, nan}, lo: -1, hi: 3},
		{in: []float64{5, 4, 3, 2, 1}, lo: 1, hi: 5},
		{in: []float64{math.Inf(1), math.Inf(-1)}, lo: math.Inf(-1), hi: math.Inf(1)},
		{in: []float64{nan, nan}, none: true},
		{in: nil, none: true},
	} {
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		b.AppendValues(c.in, nil)
		b.AppendNull()
		arr := b.NewArray()
		for op, want := range map[kernel.Op]float64{kernel.Lt: c.lo, kernel.Gt: c.hi} {
			got, err := extreme(arr, kernel.Validity(arr), op, nil)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case got == nil != c.none:
				t.Errorf("%v: %v", c.in, got)
			case got != nil && got.(*array.Float64).Value(0) != want:
				t.Errorf("%v: %v, want %v", c.in, got, want)
			}
		}
	}
}
