package fs

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
)

// Request is one trip to a store: Len bytes at Off, of which Ranges want
// some. Ranges are sorted by offset; bytes between them are foreign.
type Request struct {
	Off, Len int64
	Ranges   []Range
}

// Coalesce merges ranges that lie at most gap bytes apart into requests of at
// most limit bytes (0: no limit), sorted by offset. A range longer than limit is a
// request of its own, never cut. Empty ranges ask for nothing and are dropped.
// The order of rs does not matter and rs is not changed.
func Coalesce(rs []Range, gap, limit int64) []Request {
	sorted := make([]Range, 0, len(rs))
	for _, r := range rs {
		if len(r.Dst) > 0 {
			sorted = append(sorted, r)
		}
	}
	slices.SortStableFunc(sorted, func(a, b Range) int { return cmp.Compare(a.Off, b.Off) })

	var reqs []Request
	for i, first := 0, 0; i < len(sorted); i++ {
		r := sorted[i]
		end := r.Off + int64(len(r.Dst))
		if n := len(reqs); n > 0 {
			cur := &reqs[n-1]
			curEnd := cur.Off + cur.Len
			inside := end <= curEnd
			near := r.Off-curEnd <= gap && (limit <= 0 || end-cur.Off <= limit)
			if inside || near {
				cur.Len = max(curEnd, end) - cur.Off
				cur.Ranges = sorted[first : i+1 : i+1]
				continue
			}
		}
		first = i
		reqs = append(reqs, Request{Off: r.Off, Len: int64(len(r.Dst)), Ranges: sorted[i : i+1 : i+1]})
	}
	return reqs
}

// Want is how many of the request's bytes some range asked for; Len - Want are
// foreign.
func (r Request) Want() int64 {
	var want, pos int64 = 0, math.MinInt64
	for _, g := range r.Ranges {
		end := g.Off + int64(len(g.Dst))
		if end > pos {
			want += end - max(pos, g.Off)
			pos = end
		}
	}
	return want
}

// Label joins the labels of the ranges.
func (r Request) Label() string {
	var ls []string
	for _, g := range r.Ranges {
		if g.Label != "" && !slices.Contains(ls, g.Label) {
			ls = append(ls, g.Label)
		}
	}
	if len(ls) > 3 {
		return fmt.Sprintf("%s … %s (%d in all)", ls[0], ls[len(ls)-1], len(ls))
	}
	return strings.Join(ls, "; ")
}

// Err dresses an error of this request as an [Error] that names the file, the
// offset and what was to be read.
func (r Request) Err(url string, err error) error {
	if l := r.Label(); l != "" {
		err = fmt.Errorf("%s: %w", l, err)
	}
	return &Error{Op: "read", URL: url, Off: r.Off, Err: err}
}

// Scatter fills the ranges from src, which yields the request's bytes in
// order, and drops foreign bytes. It reads exactly Len bytes, holds none of
// them, and fails with io.ErrUnexpectedEOF when src ends early.
func (r Request) Scatter(src io.Reader) error {
	pos := r.Off
	// last is the range that reaches furthest. Ranges are sorted by offset, so
	// it holds every byte that a later range shares with earlier ones.
	var last Range
	for _, g := range r.Ranges {
		if g.Off > pos {
			if err := discard(src, g.Off-pos); err != nil {
				return err
			}
			pos = g.Off
		}
		n := 0
		if g.Off < pos {
			n = copy(g.Dst, last.Dst[g.Off-last.Off:])
		}
		if n == len(g.Dst) {
			continue
		}
		if _, err := io.ReadFull(src, g.Dst[n:]); err != nil {
			return noEOF(err)
		}
		pos = g.Off + int64(len(g.Dst))
		last = g
	}
	return nil
}

var scratch = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func discard(src io.Reader, n int64) error {
	buf := scratch.Get().(*[32 << 10]byte)
	defer scratch.Put(buf)
	for n > 0 {
		k, err := io.ReadFull(src, buf[:min(n, int64(len(buf)))])
		if n -= int64(k); err != nil {
			return noEOF(err)
		}
	}
	return nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// CheckRanges refuses ranges that no file can have: a negative offset, and an
// end beyond 2^63-1, which is past the end of every file.
func CheckRanges(rs []Range) error {
	for _, r := range rs {
		if r.Off < 0 {
			return fmt.Errorf("%w: range at negative offset %d (%s)", ErrUnsupported, r.Off, r.Label)
		}
		if r.Off > math.MaxInt64-int64(len(r.Dst)) {
			return fmt.Errorf("range of %d bytes at offset %d: %w", len(r.Dst), r.Off, io.ErrUnexpectedEOF)
		}
	}
	return nil
}

// ReadCoalesced is how a driver implements ReadRanges: it checks and coalesces
// the ranges as caps says and runs read on every request, caps.Parallel at a
// time, each reported to the [Trace] of ctx. read must fill all ranges of its
// request; [Request.Scatter] does so from a stream with no memory of its own.
// The first error stops the rest and is returned after all reads have ended.
func ReadCoalesced(ctx context.Context, caps Caps, rs []Range, read func(ctx context.Context, r Request) error) error {
	if err := CheckRanges(rs); err != nil {
		return err
	}
	reqs := Coalesce(rs, caps.CoalesceGap, caps.CoalesceMax)
	return EachRequest(ctx, caps.Parallel, reqs, func(ctx context.Context, r Request) error {
		TraceAccess(ctx, Access{Op: "read", Off: r.Off, Len: r.Len, Want: r.Want()})
		return read(ctx, r)
	})
}

// EachRequest runs do on every request, at most parallel at a time (below 2:
// in order, one by one). The first error cancels the context of the others and
// is returned after all have ended.
func EachRequest(ctx context.Context, parallel int, reqs []Request, do func(ctx context.Context, r Request) error) error {
	one := func(ctx context.Context, r Request) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return do(ctx, r)
	}
	workers := min(parallel, len(reqs))
	if workers <= 1 {
		for _, r := range reqs {
			if err := one(ctx, r); err != nil {
				return err
			}
		}
		return ctx.Err()
	}

	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		next  int
		first error
	)
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				if first != nil || next == len(reqs) {
					mu.Unlock()
					return
				}
				r := reqs[next]
				next++
				mu.Unlock()
				if err := one(inner, r); err != nil {
					mu.Lock()
					if first == nil {
						first = err
						cancel()
					}
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil && first == nil {
		return err
	}
	return first
}
