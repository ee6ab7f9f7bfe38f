package arrowschema

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio/arrowiotest"
)

// TestGenerated: what arrow-go writes is read back equal, of any type and nesting.
func TestGenerated(t *testing.T) {
	seen := map[string]int{}
	for i := range 300 {
		g := &arrowiotest.Generator{R: rand.New(rand.NewPCG(uint64(i), 1)), Leaves: append(slices.Clone(arrowiotest.FlatTypes), arrowiotest.MoreTypes...), Nested: true, Exotic: true, Unions: true}
		s := g.Schema()
		text, err := Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := Decode(text); !got.Equal(s) {
			t.Fatalf("%s\nwant\n%s", got, s)
		}
		for _, f := range s.Fields() {
			seen[f.Type.ID().String()]++
		}
	}
	for _, dt := range []arrow.Type{arrow.STRUCT, arrow.LIST, arrow.MAP, arrow.DENSE_UNION, arrow.SPARSE_UNION, arrow.RUN_END_ENCODED, arrow.DICTIONARY, arrow.LIST_VIEW, arrow.DECIMAL256, arrow.TIMESTAMP} {
		if seen[dt.String()] < 3 {
			t.Errorf("%s was made %d times", dt, seen[dt.String()])
		}
	}
}
