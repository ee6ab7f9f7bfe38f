package bloom

import (
	"encoding/binary"
	"testing"

	upstream "github.com/parquet-go/parquet-go/bloom"
)

func value(i int) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(i)*0x9e3779b9) }

// A value inserted is always found; others are found about as rarely as asked.
func TestFilter(t *testing.T) {
	for _, fpp := range []float64{0.1, 0.01, 0.001} {
		const n = 20_000
		f := New(n, fpp, 1<<30)
		other := make(upstream.SplitBlockFilter, len(f)/BlockSize)
		for i := range n {
			f.Insert(Hash(value(i)))
			other.Insert(Hash(value(i)))
		}
		for i := range n {
			if !f.MayContain(Hash(value(i))) {
				t.Fatal("a value inserted is not found")
			}
		}
		found := 0
		for i := n; i < 11*n; i++ {
			h := Hash(value(i))
			got := f.MayContain(h)
			if got {
				found++
			}
			if got != other.Check(h) {
				t.Fatal("the other implementation disagrees")
			}
		}
		if rate := float64(found) / (10 * n); rate > 1.2*fpp {
			t.Fatalf("false positives %.5f, asked for %.5f in %d bytes", rate, fpp, len(f))
		}
	}
	if !Filter(nil).MayContain(1) {
		t.Fatal("a filter of no block knows nothing")
	}
}
