package kernel

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// TestConcatUnions: joined slices have the values of the slices, for unions of
// either kind, alone and in structs, lists and maps.
func TestConcatUnions(t *testing.T) {
	fields := []arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "b", Type: arrow.BinaryTypes.String, Nullable: true}}
	codes := []arrow.UnionTypeCode{0, 1}
	for _, u := range []arrow.DataType{arrow.DenseUnionOf(fields, codes), arrow.SparseUnionOf(fields, codes)} {
		flat := `[[0, 1], [1, "x"], [0, null], [1, "y"], [0, 5], [1, null], [1, "zz"]]`
		for _, c := range []struct {
			dt   arrow.DataType
			json string
		}{
			{u, flat},
			{arrow.ListOf(u), `[[[0, 1], [1, "x"]], null, [], [[1, "y"]], [[0, 3], [0, 4], [1, "q"]]]`},
			{arrow.MapOf(arrow.BinaryTypes.String, u), `[[{"key": "k", "value": [0, 7]}], null, [], [{"key": "l", "value": [1, "v"]}, {"key": "m", "value": [0, 1]}]]`},
			{arrow.StructOf(arrow.Field{Name: "u", Type: u}, arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int8}), `[{"u": [1, "a"], "n": 1}, {"u": [0, 2], "n": 2}, {"u": [1, "b"], "n": 3}]`},
		} {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			arr, _, err := array.FromJSON(mem, c.dt, strings.NewReader(c.json))
			if err != nil {
				t.Fatalf("%s: %v", c.dt, err)
			}
			rng := rand.New(rand.NewPCG(4, 4))
			for range 50 {
				var parts []arrow.Array
				var want []string
				for range 1 + rng.IntN(4) {
					lo := rng.IntN(arr.Len() + 1)
					hi := lo + rng.IntN(arr.Len()+1-lo)
					parts = append(parts, array.NewSlice(arr, int64(lo), int64(hi)))
					for i := lo; i < hi; i++ {
						want = append(want, arr.ValueStr(i))
					}
				}
				whole, err := Concat(mem, parts)
				if err != nil {
					t.Fatalf("%s: %v", c.dt, err)
				}
				var got []string
				for i := range whole.Len() {
					got = append(got, whole.ValueStr(i))
				}
				if strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Fatalf("%s: %v, want %v", c.dt, got, want)
				}
				whole.Release()
				release(parts)
			}
			arr.Release()
			mem.AssertSize(t, 0)
		}
	}
}
