package formatstest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/fstest"
	"github.com/bdkit/bdkit/fs/mem"
)

// forced is what each job may hold beyond the budget, unless the harness says
// otherwise: the pieces without which it could not go on (Budget.Force), of all
// its columns together.
const forced = 1 << 20

// budget: whatever the budget, a read of a larger file gives all rows or
// ErrLimit, holds no more than the budget allows, and gives everything back.
func (s *suite) budget(t *testing.T) {
	for _, f := range s.files(t, 12_000) {
		t.Run(f.name, func(t *testing.T) {
			want := s.whole(t, f)
			size := 0
			for _, row := range want {
				size += len(row)
			}
			if size < 2*forced {
				t.Skip("a sample too small for the law")
			}
			for _, jobs := range []int{1, 3} {
				limited, whole := 0, 0
				for size := int64(1); size <= 256<<20; size *= 8 {
					alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
					o := arrowio.RunOptions{Jobs: jobs, ReadOptions: arrowio.ReadOptions{Budget: arrowio.NewBudget(size), Alloc: alloc}}
					got, err := rows(t.Context(), s.open(t, f), arrowio.ScanRequest{Ordered: true}, o)
					switch {
					case errors.Is(err, arrowio.ErrLimit):
						limited++
						if whole > 0 {
							t.Errorf("%d bytes do not do, where less did: %v", size, err)
						}
					case err != nil:
						t.Fatalf("budget of %d: %v", size, err)
					default:
						whole++
						same(t, fmt.Sprintf("a budget of %d", size), want, got)
					}
					if o.Budget.Peak() > size+int64(jobs)*cmp.Or(s.Forced, forced) {
						t.Errorf("%d jobs held %d bytes of a budget of %d", jobs, o.Budget.Peak(), size)
					}
					if n := o.Budget.InUse(); n != 0 {
						t.Errorf("%d bytes of the budget are not given back", n)
					}
					if n := alloc.CurrentAlloc(); n != 0 {
						t.Errorf("%d bytes are not released", n)
					}
				}
				if limited == 0 || whole == 0 {
					t.Errorf("%d budgets were too small and %d large enough: what is held is not counted", limited, whole)
				}
			}
		})
	}
}

// stalled is how long a filesystem hangs, and prompt how long a reader that is
// cancelled may take to notice.
const stalled, prompt = 8 * time.Second, 4 * time.Second

// cancel: a cancelled context ends what waits for the filesystem at once, and
// the error says so.
func (s *suite) cancel(t *testing.T) {
	for _, f := range s.files(t, 3000) {
		t.Run(f.name, func(t *testing.T) {
			fsys := mem.New()
			put(t, fsys, s.fileName(), f.raw)
			if _, scan := s.calls(t, fsys, f); scan == 0 {
				if f.sample {
					t.Skip("a sample that Open reads whole")
				}
				t.Fatal("nothing is read after Open of a file of thousands of rows")
			}
			// Before anything.
			gone, stop := context.WithCancel(t.Context())
			stop()
			r := s.open(t, f)
			if _, err := rows(gone, r, arrowio.ScanRequest{}, arrowio.RunOptions{}); !errors.Is(err, context.Canceled) {
				t.Errorf("with a context that has ended: %v", err)
			}
			// While Open, and while a read, waits for bytes.
			for _, when := range []string{"open", "read"} {
				reads, _ := s.calls(t, fsys, f)
				faults := []fstest.Fault{{Op: "tail", Delay: stalled}, {Op: "read", Delay: stalled}, {Op: "info", Delay: stalled}}
				if when == "read" {
					faults = []fstest.Fault{{Op: "read", Nth: reads + 1, Times: -1, Delay: stalled}}
				}
				for _, jobs := range []int{1, 3} {
					ctx, cancel := context.WithCancel(t.Context())
					timer := time.AfterFunc(30*time.Millisecond, cancel)
					start := time.Now()
					budget := arrowio.NewBudget(64 << 20)
					err := func() error {
						r, err := s.openIn(ctx, fstest.NewFaulty(fsys, faults...), f)
						if err != nil {
							return err
						}
						defer r.Close()
						_, err = rows(ctx, r, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: jobs, ReadOptions: arrowio.ReadOptions{Budget: budget}})
						return err
					}()
					timer.Stop()
					cancel()
					if took := time.Since(start); took > prompt || !errors.Is(err, context.Canceled) {
						t.Fatalf("cancelled in %s with %d jobs: after %s: %v", when, jobs, took, err)
					}
					if n := budget.InUse(); n != 0 {
						t.Errorf("%d bytes of the budget are not given back", n)
					}
				}
			}
		})
	}
}

// calls counts the reads of Open, and of a scan of everything besides.
func (s *suite) calls(t *testing.T, fsys fs.FileSystem, f file) (open, scan int) {
	t.Helper()
	faulty := fstest.NewFaulty(fsys)
	r, err := s.openIn(t.Context(), faulty, f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	open = faulty.Calls("read")
	if _, err := rows(t.Context(), r, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1}); err != nil {
		t.Fatal(err)
	}
	return open, faulty.Calls("read") - open
}

// faults: a fault of the filesystem, whenever it happens, is an error of the
// read that wraps it; what came before it are the first rows; nothing is held.
func (s *suite) faults(t *testing.T) {
	for _, f := range s.files(t, 1500) {
		t.Run(f.name, func(t *testing.T) {
			want := s.whole(t, f)
			fsys := mem.New()
			put(t, fsys, s.fileName(), f.raw)
			clean := fstest.NewFaulty(fsys)
			if _, err := s.readOver(t, clean, f, arrowio.RunOptions{Jobs: 1}); err != nil {
				t.Fatal(err)
			}
			fired := 0
			for _, op := range []string{"open", "tail", "read", "info"} {
				n := clean.Calls(op)
				for nth := 1; nth <= n; nth += 1 + n/25 {
					for _, partial := range []bool{false, true} {
						if partial && op != "read" {
							continue
						}
						boom := fmt.Errorf("%w: planted", fs.ErrIO)
						alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
						o := arrowio.RunOptions{Jobs: 1, ReadOptions: arrowio.ReadOptions{Budget: arrowio.NewBudget(64 << 20), Alloc: alloc}}
						got, err := s.readOver(t, fstest.NewFaulty(fsys, fstest.Fault{Op: op, Nth: nth, Err: boom, Partial: partial}), f, o)
						what := fmt.Sprintf("%s: %s %d of %d fails", f.name, op, nth, n)
						if !errors.Is(err, boom) {
							t.Fatalf("%s: the error is %v", what, err)
						}
						if len(got) > len(want) {
							t.Fatalf("%s: %d rows", what, len(got))
						}
						same(t, what, want[:len(got)], got)
						if alloc.CurrentAlloc() != 0 || o.Budget.InUse() != 0 {
							t.Fatalf("%s: %d bytes are not released, %d not given back", what, alloc.CurrentAlloc(), o.Budget.InUse())
						}
						fired++
					}
				}
			}
			if fired < 2 {
				t.Errorf("only %d faults", fired)
			}
		})
	}
}

func (s *suite) readOver(t *testing.T, fsys fs.FileSystem, f file, o arrowio.RunOptions) ([]string, error) {
	r, err := s.openIn(t.Context(), fsys, f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return rows(t.Context(), r, arrowio.ScanRequest{Ordered: true}, o)
}
