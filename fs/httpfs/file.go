package httpfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bdkit/bdkit/fs"
)

// small is the size up to which a file is taken whole from a server that
// knows no ranges.
const small = 1 << 20

type file struct {
	fsys   *FS
	name   string
	closed atomic.Bool

	mu     sync.Mutex
	pinned *fs.FileInfo // the first version seen, or Known
	sized  bool         // pinned.Size is known
	whole  []byte       // of a small file on a server without ranges
}

func (f *file) String() string { return f.fsys.URL(f.name) }
func (f *file) Close() error   { f.closed.Store(true); return nil }

func (f *file) alive(ctx context.Context) error {
	if f.closed.Load() {
		return fs.ErrClosed
	}
	return ctx.Err()
}

// version names the contents: a strong ETag, else the time. A weak ETag may
// stay when bytes change.
func version(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return h.Get("Last-Modified")
}

// pin takes the version of the first answer and holds every later one to it.
// A size below 0 is one that the answer does not tell.
func (f *file) pin(resp *http.Response, size int64) (fs.FileInfo, error) {
	info := fs.FileInfo{Name: f.name, Size: size, Version: version(resp.Header)}
	if t, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		info.ModTime = t
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.pinned; p != nil && (p.Version != "" && p.Version != info.Version || f.sized && size >= 0 && p.Size != size) {
		return fs.FileInfo{}, fs.ErrChanged
	}
	if size < 0 {
		info.Size = 0
		if f.sized {
			info.Size = f.pinned.Size
		}
	}
	f.pinned, f.sized = &info, f.sized || size >= 0
	return info, nil
}

// get asks for a range of bytes, or for all when it is empty.
func (f *file) get(ctx context.Context, rng string) (*http.Response, error) {
	h := http.Header{}
	if rng != "" {
		h.Set("Range", "bytes="+rng)
	}
	f.mu.Lock()
	if f.pinned != nil && f.pinned.Version != "" {
		if v := f.pinned.Version; strings.HasPrefix(v, `"`) {
			h.Set("If-Match", v)
		} else {
			h.Set("If-Unmodified-Since", v)
		}
	}
	f.mu.Unlock()
	resp, err := f.fsys.do(ctx, http.MethodGet, f.name, h)
	if err != nil {
		return nil, err
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: the server sends the file in Content-Encoding %q, whose offsets are not the file's", fs.ErrUnsupported, e)
	}
	return resp, nil
}

// span reads "bytes 0-9/100"; total is -1 for "*".
func span(resp *http.Response) (from, to, total int64, err error) {
	h := resp.Header.Get("Content-Range")
	bad := fmt.Errorf("%w: the server answers 206 with Content-Range %q", fs.ErrIO, h)
	s, ok := strings.CutPrefix(h, "bytes ")
	r, size, ok2 := strings.Cut(s, "/")
	a, b, ok3 := strings.Cut(r, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, 0, bad
	}
	var e1, e2, e3 error
	from, e1 = strconv.ParseInt(a, 10, 64)
	to, e2 = strconv.ParseInt(b, 10, 64)
	total = -1
	if size != "*" {
		total, e3 = strconv.ParseInt(size, 10, 64)
	}
	if h == "bytes 0--1/0" {
		return 0, -1, 0, nil // how Go's own server speaks of an empty file
	}
	if e1 != nil || e2 != nil || e3 != nil || from < 0 || to < from || total >= 0 && to >= total {
		return 0, 0, 0, bad
	}
	if n := resp.ContentLength; n >= 0 && n != to-from+1 {
		return 0, 0, 0, fmt.Errorf("%w: the server announces %d bytes for Content-Range %q", fs.ErrIO, n, h)
	}
	return from, to, total, nil
}

// unsatisfied reads the size that an answer 416 tells, -1 if it does not.
func unsatisfied(resp *http.Response) int64 {
	s, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes */")
	if n, err := strconv.ParseInt(s, 10, 64); ok && err == nil && n >= 0 {
		return n
	}
	return -1
}

// errNoRanges is an answer of 200 with a large file to a request for a range.
var errNoRanges = errors.New("the server ignores range requests")

// takeWhole keeps the body of a small file that came in place of a range.
func (f *file) takeWhole(resp *http.Response) (fs.FileInfo, error) {
	n := resp.ContentLength
	if n > small {
		return fs.FileInfo{}, errNoRanges
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, small+1))
	switch {
	case err != nil:
		return fs.FileInfo{}, bodyError(err)
	case len(data) > small:
		return fs.FileInfo{}, errNoRanges
	case n >= 0 && int64(len(data)) != n:
		return fs.FileInfo{}, bodyError(io.ErrUnexpectedEOF)
	}
	info, err := f.pin(resp, int64(len(data)))
	if err != nil {
		return fs.FileInfo{}, err
	}
	f.mu.Lock()
	f.whole = data
	f.mu.Unlock()
	return info, nil
}

// bodyError is a body that broke off. It is fs.ErrIO, so that it is not taken
// for the end of the file and may be tried again.
func bodyError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: the response ended early: %w", fs.ErrIO, err)
}

// explain says what a server without ranges means for the user.
func (f *file) explain(err error) error {
	if err == errNoRanges {
		return fmt.Errorf("%w: %w, and the file is larger than %d KiB: download it first", fs.ErrUnsupported, err, small>>10)
	}
	return err
}

func (f *file) memory() ([]byte, *fs.FileInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.whole, f.pinned
}

func (f *file) ReadRanges(ctx context.Context, rs []fs.Range) error {
	err := f.alive(ctx)
	if err == nil {
		err = fs.ReadCoalesced(ctx, f.fsys.Caps(), rs, func(ctx context.Context, r fs.Request) error {
			if err := f.read(ctx, r); err != nil {
				return r.Err(f.String(), f.explain(err))
			}
			return nil
		})
	}
	if _, ok := err.(*fs.Error); err != nil && !ok {
		err = f.fsys.fail("read", f.name, err)
	}
	return err
}

func pastEnd(r fs.Request, size int64) error {
	return fmt.Errorf("%w: bytes up to %d asked of a file of %d", io.ErrUnexpectedEOF, r.Off+r.Len, size)
}

func (f *file) read(ctx context.Context, r fs.Request) error {
	end := r.Off + r.Len
	if whole, info := f.memory(); whole != nil {
		if end > info.Size {
			return pastEnd(r, info.Size)
		}
		return r.Scatter(bytes.NewReader(whole[r.Off:]))
	}
	resp, err := f.get(ctx, fmt.Sprintf("%d-%d", r.Off, end-1))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
	case http.StatusOK:
		info, err := f.takeWhole(resp)
		if err != nil {
			return err
		}
		if end > info.Size {
			return pastEnd(r, info.Size)
		}
		whole, _ := f.memory()
		return r.Scatter(bytes.NewReader(whole[r.Off:]))
	case http.StatusRequestedRangeNotSatisfiable:
		if size := unsatisfied(resp); size >= 0 {
			if _, err := f.pin(resp, size); err != nil {
				return err
			}
			return pastEnd(r, size)
		}
		return fmt.Errorf("%w: the server answers 416", io.ErrUnexpectedEOF)
	default:
		return status(resp)
	}
	from, to, total, err := span(resp)
	if err != nil {
		return err
	}
	if _, err := f.pin(resp, total); err != nil {
		return err
	}
	if total >= 0 && end > total {
		return pastEnd(r, total)
	}
	if from != r.Off || to != end-1 {
		return fmt.Errorf("%w: bytes %d-%d were asked and the server sends %d-%d", fs.ErrIO, r.Off, end-1, from, to)
	}
	if err := r.Scatter(resp.Body); err != nil {
		if cerr := ctx.Err(); cerr != nil {
			return cerr
		}
		return bodyError(err)
	}
	return nil
}

func (f *file) Tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	n, info, err := f.tail(ctx, dst)
	if err != nil {
		return 0, fs.FileInfo{}, f.fsys.fail("tail", f.name, f.explain(err))
	}
	return n, info, nil
}

func (f *file) tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	fail := func(err error) (int, fs.FileInfo, error) { return 0, fs.FileInfo{}, err }
	if err := f.alive(ctx); err != nil {
		return fail(err)
	}
	if len(dst) == 0 {
		info, err := f.info(ctx)
		return 0, info, err
	}
	if whole, info := f.memory(); whole != nil {
		return copy(dst, whole[max(0, len(whole)-len(dst)):]), *info, nil
	}
	fs.TraceAccess(ctx, fs.Access{Op: "tail", Off: -int64(len(dst)), Len: int64(len(dst)), Want: int64(len(dst))})
	resp, err := f.get(ctx, fmt.Sprintf("-%d", len(dst)))
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
		from, to, total, err := span(resp)
		if err != nil {
			return fail(err)
		}
		n := min(int64(len(dst)), total)
		if total < 0 || to != total-1 || from != total-n {
			return fail(fmt.Errorf("%w: the last %d bytes were asked and the server sends %q", fs.ErrIO, len(dst), resp.Header.Get("Content-Range")))
		}
		info, err := f.pin(resp, total)
		if err != nil {
			return fail(err)
		}
		if _, err := io.ReadFull(resp.Body, dst[:n]); err != nil {
			if cerr := ctx.Err(); cerr != nil {
				return fail(cerr)
			}
			return fail(bodyError(err))
		}
		return int(n), info, nil

	case http.StatusOK:
		info, err := f.takeWhole(resp)
		if err == nil {
			whole, _ := f.memory()
			return copy(dst, whole[max(0, len(whole)-len(dst)):]), info, nil
		}
		if err != errNoRanges || resp.ContentLength < 0 {
			return fail(err)
		}
		// Perhaps only ranges from the end are unknown to it.
		if _, err := f.pin(resp, resp.ContentLength); err != nil {
			return fail(err)
		}

	case http.StatusRequestedRangeNotSatisfiable, http.StatusBadRequest, http.StatusNotImplemented:
		if unsatisfied(resp) == 0 {
			info, err := f.pin(resp, 0)
			return 0, info, err
		}
	default:
		return fail(status(resp))
	}
	resp.Body.Close() // do not hold one connection while waiting for another
	return f.tailBySize(ctx, dst)
}

// tailBySize asks for the size first, for servers that do not understand
// ranges from the end.
func (f *file) tailBySize(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	info, err := f.info(ctx)
	if err != nil {
		return 0, fs.FileInfo{}, err
	}
	n := min(int64(len(dst)), info.Size)
	if n == 0 {
		return 0, info, nil
	}
	r := fs.Request{Off: info.Size - n, Len: n, Ranges: []fs.Range{{Off: info.Size - n, Dst: dst[:n]}}}
	fs.TraceAccess(ctx, fs.Access{Op: "tail", Off: -n, Len: n, Want: n})
	if err := f.read(ctx, r); err != nil {
		return 0, fs.FileInfo{}, err
	}
	return int(n), info, nil
}

func (f *file) Info(ctx context.Context) (fs.FileInfo, error) {
	err := f.alive(ctx)
	var info fs.FileInfo
	if err == nil {
		info, err = f.info(ctx)
	}
	if err != nil {
		return fs.FileInfo{}, f.fsys.fail("stat", f.name, err)
	}
	return info, nil
}

// info gives what is pinned, or asks: with HEAD, or for one byte where HEAD is
// refused (a presigned URL is signed for GET alone) or tells no length.
func (f *file) info(ctx context.Context) (fs.FileInfo, error) {
	f.mu.Lock()
	if f.sized {
		info := *f.pinned
		f.mu.Unlock()
		return info, nil
	}
	f.mu.Unlock()
	fs.TraceAccess(ctx, fs.Access{Op: "stat"})
	resp, err := f.fsys.do(ctx, http.MethodHead, f.name, http.Header{})
	if err != nil {
		return fs.FileInfo{}, err
	}
	resp.Body.Close()
	enc := resp.Header.Get("Content-Encoding")
	if resp.StatusCode == http.StatusOK && resp.ContentLength >= 0 && (enc == "" || strings.EqualFold(enc, "identity")) {
		return f.pin(resp, resp.ContentLength)
	}
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusUnauthorized {
		return fs.FileInfo{}, status(resp)
	}
	fs.TraceAccess(ctx, fs.Access{Op: "stat", Len: 1})
	if resp, err = f.get(ctx, "0-0"); err != nil {
		return fs.FileInfo{}, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
		_, _, total, err := span(resp)
		if err != nil {
			return fs.FileInfo{}, err
		}
		if total < 0 {
			return fs.FileInfo{}, fmt.Errorf("%w: the server does not tell the file's size", fs.ErrUnsupported)
		}
		return f.pin(resp, total)
	case http.StatusOK:
		if resp.ContentLength > small {
			return f.pin(resp, resp.ContentLength)
		}
		info, err := f.takeWhole(resp)
		return info, f.explain(err)
	case http.StatusRequestedRangeNotSatisfiable:
		if size := unsatisfied(resp); size >= 0 {
			return f.pin(resp, size)
		}
	}
	return fs.FileInfo{}, status(resp)
}
