package parquet

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/conformance"
)

// TestMutatedFiles damages real files where it hurts, inside footers and pages
// with their lengths and magic numbers left alone, and reads them: errors are
// right, panics and hangs are not.
func TestMutatedFiles(t *testing.T) {
	root := conformance.Root()
	paths, err := filepath.Glob(filepath.Join(root, "parquet", "*", "*"))
	if err != nil || root == "" || len(paths) == 0 {
		t.Skip("NOT RUN: the conformance corpus is missing")
	}
	n := campaign(1500, 60_000, 2_000_000)
	r := rand.New(rand.NewPCG(12, 12))
	var files [][]byte
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.Size() < 40<<10 && info.Size() > 100 {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, b)
		}
	}
	files = append(files, sortedSmall(t)...)
	outcome := map[string]int{}
	for i := range n {
		raw := append([]byte{}, files[r.IntN(len(files))]...)
		footer := len(footerOf(raw))
		from, to := 4, len(raw)-8-footer
		if where := r.IntN(3); where == 0 && footer > 0 || to <= from {
			from, to = len(raw)-8-footer, len(raw)-8
		}
		if to <= from {
			continue
		}
		for range 1 + r.IntN(6) {
			at := from + r.IntN(to-from)
			switch r.IntN(4) {
			case 0:
				raw[at] = byte(r.IntN(256))
			case 1:
				raw[at] ^= 1 << r.IntN(8)
			case 2:
				raw[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[r.IntN(5)]
			case 3: // a stretch from elsewhere
				from2 := r.IntN(len(raw))
				copy(raw[at:to], raw[from2:min(len(raw), from2+r.IntN(16))])
			}
		}
		start := time.Now()
		kind := readMutated(t, raw)
		outcome[kind]++
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("mutation %d took %s", i, d)
		}
		if t.Failed() {
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), "mutated.parquet"), raw, 0o644); err != nil {
				t.Log(err)
			}
			t.Fatalf("mutation %d: kept in %s", i, t.ArtifactDir())
		}
	}
	t.Log(outcome)
	for _, kind := range []string{"ok", "open", "read"} {
		if outcome[kind] < n/100 {
			t.Errorf("only %d of %d mutations ended in %s", outcome[kind], n, kind)
		}
	}
}

func readMutated(t *testing.T, raw []byte) string {
	rd, err := openBytes(t, raw, Options{})
	if noPanic(t, err); err != nil {
		return "open"
	}
	defer rd.Close()
	_ = rd.Meta()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	rr, err := arrowiotest.ReadSplits(ctx, rd, arrowio.ScanRequest{}, arrowio.ReadOptions{Budget: arrowio.NewBudget(128 << 20)}, func() error { return nil })
	if noPanic(t, err); err != nil {
		return "read"
	}
	for rows := int64(0); rows < 1<<20 && rr.Next(); {
		rows += rr.RecordBatch().NumRows()
	}
	err = rr.Close()
	if noPanic(t, err); err != nil {
		return "read"
	}
	return "ok"
}
