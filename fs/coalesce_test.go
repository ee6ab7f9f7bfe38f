package fs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/bdkit/bdkit/fs"
)

// randomRanges over a file of n bytes: touching, overlapping, nested, empty.
func randomRanges(r *rand.Rand, n int) []fs.Range {
	rs := make([]fs.Range, r.IntN(12))
	for i := range rs {
		off := r.IntN(n)
		rs[i] = fs.Range{Off: int64(off), Dst: make([]byte, r.IntN(min(n-off+1, 40))), Label: fmt.Sprint("r", i)}
	}
	return rs
}

func TestCoalesceLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 300)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	merged, cut := 0, 0
	for range 20000 {
		rs := randomRanges(r, len(data))
		gap, limit := int64(r.IntN(20)), int64(r.IntN(80))
		reqs := fs.Coalesce(rs, gap, limit)

		wanted := make([]bool, len(data))
		longest := int64(0)
		nonEmpty := 0
		for _, g := range rs {
			for i := range g.Dst {
				wanted[int(g.Off)+i] = true
			}
			longest = max(longest, int64(len(g.Dst)))
			if len(g.Dst) > 0 {
				nonEmpty++
			}
		}
		got := 0
		for i, q := range reqs {
			got += len(q.Ranges)
			if len(q.Ranges) > 1 {
				merged++
				if limit > 0 && q.Len > max(limit, int64(len(q.Ranges[0].Dst))) {
					t.Fatalf("request of %d bytes over the limit %d", q.Len, limit)
				}
			}
			if i > 0 && reqs[i-1].Off > q.Off {
				t.Fatal("requests out of order")
			}
			if i > 0 && q.Off-(reqs[i-1].Off+reqs[i-1].Len) <= gap {
				if limit <= 0 {
					t.Fatal("two requests that should be one")
				}
				cut++
			}
			// Foreign bytes lie in runs no longer than the gap.
			run, want := int64(0), int64(0)
			for b := q.Off; b < q.Off+q.Len; b++ {
				if wanted[b] {
					run = 0
				} else if run++; run > gap {
					t.Fatalf("a gap over %d in %v", gap, q)
				}
			}
			in := map[int64]bool{}
			for _, g := range q.Ranges {
				for b := range g.Dst {
					in[g.Off+int64(b)] = true
				}
			}
			if want = int64(len(in)); want != q.Want() {
				t.Fatalf("Want() = %d, counted %d", q.Want(), want)
			}
			src := bytes.NewReader(data[q.Off : q.Off+q.Len])
			if err := q.Scatter(iotest.OneByteReader(src)); err != nil {
				t.Fatal(err)
			}
			if src.Len() != 0 {
				t.Fatal("bytes of the request left over")
			}
		}
		if got != nonEmpty {
			t.Fatalf("%d ranges in, %d out", nonEmpty, got)
		}
		for _, g := range rs {
			if !bytes.Equal(g.Dst, data[g.Off:g.Off+int64(len(g.Dst))]) {
				t.Fatalf("range at %d holds the wrong bytes", g.Off)
			}
		}
	}
	if merged < 1000 || cut < 1000 {
		t.Fatalf("the generator is too tame: %d merges, %d cuts", merged, cut)
	}
}

func TestScatterShort(t *testing.T) {
	rs := []fs.Range{{Off: 0, Dst: make([]byte, 4)}, {Off: 10, Dst: make([]byte, 4)}}
	q := fs.Coalesce(rs, 10, 0)[0]
	for n := range int(q.Len) {
		if err := q.Scatter(bytes.NewReader(make([]byte, n))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a body of %d of %d bytes: %v", n, q.Len, err)
		}
	}
}

func TestReadCoalesced(t *testing.T) {
	caps := fs.Caps{CoalesceGap: 0, Parallel: 3}
	var rs []fs.Range
	for i := range 20 {
		rs = append(rs, fs.Range{Off: int64(i * 10), Dst: make([]byte, 5)})
	}
	t.Run("bounded", func(t *testing.T) {
		var now, peak, traced atomic.Int64
		gate := make(chan struct{}, len(rs))
		ctx := fs.WithTrace(t.Context(), func(a fs.Access) { traced.Add(a.Len) })
		err := fs.ReadCoalesced(ctx, caps, rs, func(ctx context.Context, r fs.Request) error {
			n := now.Add(1)
			defer now.Add(-1)
			for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
			}
			gate <- struct{}{}
			return nil
		})
		if err != nil || len(gate) != len(rs) || peak.Load() > 3 || traced.Load() != 100 {
			t.Fatalf("err %v, %d requests, %d at once, %d bytes traced", err, len(gate), peak.Load(), traced.Load())
		}
	})
	t.Run("first error stops the rest", func(t *testing.T) {
		boom := errors.New("boom")
		var calls atomic.Int64
		err := fs.ReadCoalesced(t.Context(), caps, rs, func(ctx context.Context, r fs.Request) error {
			calls.Add(1)
			if r.Off == 10 {
				return boom
			}
			if r.Off > 10 {
				<-ctx.Done() // cancelled by the failure
				return ctx.Err()
			}
			return nil
		})
		if err != boom || calls.Load() > 5 {
			t.Fatalf("err %v after %d calls", err, calls.Load())
		}
	})
	t.Run("impossible ranges", func(t *testing.T) {
		never := func(context.Context, fs.Request) error { t.Error("a request was sent"); return nil }
		err := fs.ReadCoalesced(t.Context(), caps, []fs.Range{{Off: -1, Dst: make([]byte, 2)}}, never)
		if !errors.Is(err, fs.ErrUnsupported) {
			t.Errorf("negative offset: %v", err)
		}
		err = fs.ReadCoalesced(t.Context(), caps, []fs.Range{{Off: math.MaxInt64, Dst: make([]byte, 2)}}, never)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("offset overflow: %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := fs.ReadCoalesced(ctx, caps, rs, func(context.Context, fs.Request) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
