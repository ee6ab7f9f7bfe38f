package arrowipc

import (
	"strings"
	"testing"
)

// FuzzRead reads whole files, streams and pipes: any error is right, and a
// panic, a hang or runaway memory is not.
func FuzzRead(f *testing.F) {
	for seed := range 24 {
		s, recs := generated(seed, nil)
		f.Add(memWrite(f, WriteOptions{Stream: seed%2 > 0, Codec: []string{"none", "lz4", "zstd"}[seed%3]}, s, recs[0].NewSlice(0, min(10, recs[0].NumRows()))))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, pipe := range []bool{false, true} {
			if _, err := memRead(b, pipe); err != nil && (strings.Contains(err.Error(), "goroutine ") || strings.Contains(err.Error(), "runtime error")) {
				t.Fatal(err)
			}
		}
	})
}
