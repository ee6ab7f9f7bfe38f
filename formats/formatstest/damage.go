package formatstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/bdkit/bdkit/arrowio"
)

// truncation: a file cut at any byte is an error of bad data, or the same rows;
// of formats that cannot tell, the first of them.
func (s *suite) truncation(t *testing.T) {
	for _, f := range s.files(t, 25) {
		want := s.whole(t, f)
		outcome := map[string]int{}
		for _, n := range cuts(len(f.raw)) {
			got, err := s.readDamaged(t, file{f.name, f.raw[:n], f.read, false})
			what := fmt.Sprintf("%s: %d of %d bytes", f.name, n, len(f.raw))
			switch {
			case panicked(err):
				t.Fatalf("%s: %v", what, err)
			case err != nil && !badData(err):
				t.Fatalf("%s: an error of the wrong kind: %v", what, err)
			case err != nil:
				outcome["error"]++
			case slices.Equal(got, want):
				outcome["all rows"]++
			case s.Truncation != Detected && len(got) <= len(want) && slices.Equal(got, want[:len(got)]):
				outcome["first rows"]++
			case s.Truncation == Text && len(got) > 0 && len(got) <= len(want) && slices.Equal(got[:len(got)-1], want[:len(got)-1]):
				outcome["a last row cut short"]++
			default:
				t.Fatalf("%s: %d rows, want %d or an error: %q", what, len(got), len(want), got[max(0, len(got)-2):])
			}
		}
		t.Log(f.name, len(f.raw), "bytes:", outcome)
		if s.Truncation != Text && outcome["error"] < len(f.raw)/50 {
			t.Errorf("%s: hardly ever an error: %v", f.name, outcome)
		}
	}
}

// cuts are the lengths to cut a file to: each of a small file and, in the short
// run, some thousand of any other.
func cuts(size int) (out []int) {
	step := 1
	if testing.Short() {
		step = size/1200 + 1
	}
	for n := 0; n < size; n++ {
		if n%step == 0 || n < 64 || n > size-64 {
			out = append(out, n)
		}
	}
	return out
}

// readDamaged reads all of a file, as far as it goes.
func (s *suite) readDamaged(t *testing.T, f file) (out []string, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("panic: %v: runtime error", p)
		}
	}()
	r, err := s.tryOpen(t, f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	_ = r.Meta()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	rr, err := arrowio.Read(ctx, r, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1, ReadOptions: arrowio.ReadOptions{Budget: arrowio.NewBudget(32 << 20)}})
	if err != nil {
		return nil, err
	}
	for len(out) < 1<<17 && rr.Next() {
		out = append(out, texts(rr.RecordBatch())...)
	}
	return out, rr.Close()
}

// mostAllocated is what reading a small damaged file may allocate in all. A
// count that is taken at its word is far beyond.
const mostAllocated = 512 << 20

// damage: a file with bytes changed is an error or rows, and never a panic, a
// hang, or an allocation that its bytes do not back.
func (s *suite) damage(t *testing.T) {
	n := 4000
	if testing.Short() {
		n = 700
	}
	r := rand.New(rand.NewPCG(12, 12))
	files := s.files(t, 40)
	outcome := map[string]int{}
	for i := range n {
		f := files[i%len(files)]
		raw := slices.Clone(f.raw)
		for range 1 + r.IntN(4) {
			at := r.IntN(len(raw))
			switch r.IntN(4) {
			case 0:
				raw[at] ^= 1 << r.IntN(8)
			case 1:
				raw[at] = byte(r.IntN(256))
			case 2:
				raw[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[r.IntN(5)]
			case 3: // a stretch from elsewhere
				from := r.IntN(len(raw))
				copy(raw[at:], raw[from:min(len(raw), from+r.IntN(16))])
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := s.readDamaged(t, file{f.name, raw, f.read, false})
		runtime.ReadMemStats(&after)
		why := ""
		switch used := after.TotalAlloc - before.TotalAlloc; {
		case panicked(err):
			why = err.Error()
		case err != nil && !badData(err):
			why = fmt.Sprintf("an error of the wrong kind: %v", err)
		case used > mostAllocated:
			why = fmt.Sprintf("%d MiB were allocated for a file of %d bytes (%v)", used>>20, len(raw), err)
		case time.Since(start) > 8*time.Second:
			why = fmt.Sprintf("it took %s", time.Since(start))
		}
		if why != "" {
			kept := filepath.Join(t.ArtifactDir(), s.fileName())
			if err := os.WriteFile(kept, raw, 0o644); err != nil {
				t.Log(err)
			}
			t.Fatalf("mutation %d of %s (kept in %s): %s", i, f.name, kept, why)
		}
		if err != nil {
			outcome["error"]++
		} else {
			outcome["rows"]++
		}
	}
	t.Log(outcome)
	if outcome["error"] < n/100 && s.Truncation != Text {
		t.Errorf("damage is hardly ever seen: %v", outcome)
	}
}
