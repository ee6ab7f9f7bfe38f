package httpfs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/fstest"
	"github.com/bdkit/bdkit/fs/httpfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server and gives its filesystem, with a client of its own so
// that its connections end with the test.
func serve(t *testing.T, h http.Handler) *httpfs.FS {
	t.Helper()
	srv := httptest.NewServer(h)
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(func() { tr.CloseIdleConnections(); srv.Close() })
	fsys, _, err := httpfs.New(srv.URL+"/", httpfs.Config{Client: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// dir serves a directory as most servers do; with tags it gives strong ETags.
func dir(root string, tags bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(filepath.Join(root, filepath.FromSlash(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil || st.IsDir() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		mod := st.ModTime()
		if tags {
			w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, mod.UnixNano(), st.Size()))
		}
		http.ServeContent(w, r, "", mod, f)
	})
}

func TestSuite(t *testing.T) {
	for _, tags := range []bool{true, false} {
		t.Run(fmt.Sprint("tags ", tags), func(t *testing.T) {
			roots := sync.Map{}
			// A clock of its own: HTTP times have whole seconds.
			now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
			put := func(t *testing.T, fsys fs.FileSystem, name string, data []byte) {
				t.Helper()
				root, _ := roots.Load(fsys)
				p := filepath.Join(root.(string), filepath.FromSlash(name))
				now = now.Add(time.Minute)
				for _, err := range []error{
					os.MkdirAll(filepath.Dir(p), 0o777),
					os.WriteFile(p+".next", data, 0o666),
					os.Rename(p+".next", p),
					os.Chtimes(p, now, now),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			fstest.Run(t, func(t *testing.T) fs.FileSystem {
				root := t.TempDir()
				fsys := serve(t, dir(root, tags))
				roots.Store(fs.FileSystem(fsys), root)
				return fsys
			}, fstest.Put(put), fstest.NoList())
		})
	}
}

// fixed serves bytes under fixed headers and counts the requests.
type fixed struct {
	data []byte
	tag  string
	mu   sync.Mutex
	reqs []string
	edit func(w http.ResponseWriter, r *http.Request) bool // true: answered
}

func (f *fixed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.reqs = append(f.reqs, r.Method+" "+r.Header.Get("Range"))
	f.mu.Unlock()
	if f.edit != nil && f.edit(w, r) {
		return
	}
	w.Header().Set("ETag", f.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}

func (f *fixed) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := strings.Join(f.reqs, "|")
	f.reqs = nil
	return s
}

func open(t *testing.T, fsys fs.FileSystem, name string) fs.File {
	t.Helper()
	f, err := fsys.Open(t.Context(), name, fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestRequests(t *testing.T) {
	srv := &fixed{data: make([]byte, 10<<20), tag: `"v1"`}
	for i := range srv.data {
		srv.data[i] = byte(i >> 8)
	}
	fsys := serve(t, srv)
	f := open(t, fsys, "x")
	if got := srv.took(); got != "" {
		t.Errorf("Open is lazy, and sent %s", got)
	}
	tail := make([]byte, 64<<10)
	n, info, err := f.Tail(t.Context(), tail)
	if err != nil || n != len(tail) || info.Size != 10<<20 || info.Version != `"v1"` || !bytes.Equal(tail, srv.data[10<<20-64<<10:]) {
		t.Fatalf("tail: %d, %+v, %v", n, info, err)
	}
	if got := srv.took(); got != "GET bytes=-65536" {
		t.Errorf("Tail sent %s", got)
	}
	if _, err := f.Info(t.Context()); err != nil {
		t.Error(err)
	}
	// Two near ranges are one request, the far one is another.
	a, b, c := make([]byte, 100), make([]byte, 100), make([]byte, 100)
	if err := f.ReadRanges(t.Context(), []fs.Range{{Off: 9 << 20, Dst: c}, {Off: 1000, Dst: b}, {Off: 0, Dst: a}}); err != nil {
		t.Fatal(err)
	}
	got := srv.took()
	if got != "GET bytes=0-1099|GET bytes=9437184-9437283" && got != "GET bytes=9437184-9437283|GET bytes=0-1099" {
		t.Errorf("Info and ReadRanges sent %s", got)
	}
	if !bytes.Equal(b, srv.data[1000:1100]) || !bytes.Equal(c, srv.data[9<<20:9<<20+100]) {
		t.Error("wrong bytes")
	}
	if _, err := fsys.Stat(t.Context(), "x"); err != nil || srv.took() != "HEAD " {
		t.Errorf("Stat: %v", err)
	}
	// What a listing knew saves the question.
	k, err := fsys.Open(t.Context(), "x", fs.OpenOptions{Known: &info})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if again, err := k.Info(t.Context()); err != nil || again.Size != info.Size || srv.took() != "" {
		t.Errorf("Info of a known file: %+v, %v", again, err)
	}
}

// Servers that do not play along, and what comes of it.
func TestServers(t *testing.T) {
	big, tiny := bytes.Repeat([]byte("0123456789"), 200_000), []byte("0123456789")
	whole := func(data []byte) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Length", fmt.Sprint(len(data)))
			w.Write(data)
			return true
		}
	}
	noSuffix := func(answer int, data []byte) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.Header.Get("Range"), "bytes=-") {
				return false
			}
			if answer == 200 {
				return whole(data)(w, r)
			}
			w.WriteHeader(answer)
			return true
		}
	}
	partial := func(rng, body string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Range", rng)
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, body)
			return true
		}
	}
	code := func(c int) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(c); return true }
	}
	for name, c := range map[string]struct {
		data       []byte
		edit       func(w http.ResponseWriter, r *http.Request) bool
		tail, read error  // nil: it works
		says       string // in the error
	}{
		"plays along":      {data: big},
		"no ranges, small": {data: tiny, edit: whole(tiny)},
		"no ranges, big":   {data: big, edit: whole(big), tail: fs.ErrUnsupported, read: fs.ErrUnsupported, says: "ignores range requests"},
		"suffix gives 200": {data: big, edit: noSuffix(200, big)},
		"suffix gives 416": {data: big, edit: noSuffix(416, nil)},
		"suffix gives 501": {data: big, edit: noSuffix(501, nil)},
		"HEAD forbidden":   {data: big, edit: func(w http.ResponseWriter, r *http.Request) bool { return r.Method == "HEAD" && code(403)(w, r) }},
		"HEAD and suffix gone": {data: big, edit: func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == "HEAD" && code(405)(w, r) || noSuffix(416, nil)(w, r)
		}},
		"gzip": {data: big, edit: func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Encoding", "gzip")
			return false
		}, tail: fs.ErrUnsupported, read: fs.ErrUnsupported, says: `"gzip"`},
		"401":              {edit: code(401), tail: fs.ErrAuth, read: fs.ErrAuth},
		"403":              {edit: code(403), tail: fs.ErrPermission, read: fs.ErrPermission},
		"404":              {edit: code(404), tail: fs.ErrNotExist, read: fs.ErrNotExist},
		"410":              {edit: code(410), tail: fs.ErrNotExist, read: fs.ErrNotExist},
		"418":              {edit: code(418), tail: fs.ErrUnsupported, read: fs.ErrUnsupported, says: "418"},
		"429":              {edit: code(429), tail: fs.ErrIO, read: fs.ErrIO},
		"503":              {edit: code(503), tail: fs.ErrIO, read: fs.ErrIO, says: "503 Service Unavailable"},
		"other range":      {edit: partial("bytes 1-8/10", "12345678"), tail: fs.ErrIO, read: fs.ErrIO},
		"no Content-Range": {edit: partial("", "01234567"), tail: fs.ErrIO, read: fs.ErrIO},
		"mad range":        {edit: partial("bytes 8-1/10", ""), tail: fs.ErrIO, read: fs.ErrIO},
		"huge range":       {edit: partial("bytes 0-99999999999999999999/10", "x"), tail: fs.ErrIO, read: fs.ErrIO},
		"wrong length":     {edit: partial("bytes 0-7/8", "0123"), tail: fs.ErrIO, read: fs.ErrIO},
		"breaks off": {edit: func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Range", "bytes 0-7/8")
			w.Header().Set("Content-Length", "8")
			w.WriteHeader(206)
			io.WriteString(w, "0123")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, tail: io.ErrUnexpectedEOF, read: io.ErrUnexpectedEOF},
		"hangs up": {edit: func(w http.ResponseWriter, r *http.Request) bool { panic(http.ErrAbortHandler) }, tail: fs.ErrIO, read: fs.ErrIO},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := serve(t, &fixed{data: c.data, tag: `"t"`, edit: c.edit})
			try := func(op string, want error, do func(f fs.File, dst []byte) error, good string) {
				f := open(t, fsys, "x")
				dst := make([]byte, 8)
				err := do(f, dst)
				if want == nil {
					if err != nil || string(dst) != good {
						t.Errorf("%s: %q, %v", op, dst, err)
					}
				} else if !errors.Is(err, want) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v; want %v", op, err, want)
				} else if want == io.ErrUnexpectedEOF && !errors.Is(err, fs.ErrIO) {
					t.Errorf("%s: %v is no fs.ErrIO", op, err)
				}
			}
			try("tail", c.tail, func(f fs.File, dst []byte) error { _, _, err := f.Tail(t.Context(), dst); return err }, "23456789")
			try("read", c.read, func(f fs.File, dst []byte) error { return f.ReadRanges(t.Context(), []fs.Range{{Off: 0, Dst: dst}}) }, "01234567")
		})
	}
}

// The version is pinned even where the server ignores preconditions, and a
// weak ETag is no version.
func TestChanged(t *testing.T) {
	for _, c := range []struct{ before, after string }{
		{`ETag: "1"`, `ETag: "2"`},
		{`Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT`, `Last-Modified: Mon, 01 Jan 2024 00:00:01 GMT`},
		{"ETag: W/\"1\"\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT", "ETag: W/\"1\"\nLast-Modified: Mon, 01 Jan 2024 00:00:02 GMT"},
		{`ETag: "1"`, `Server: forgetful`},
		{"ETag: \"1\"\nContent-Range: bytes 0-7/*", "ETag: \"2\"\nContent-Range: bytes 0-7/*"},
		{`ETag: "1"`, "ETag: \"1\"\nContent-Range: bytes 0-7/9"},
	} {
		var mu sync.Mutex
		headers := c.before
		fsys := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			w.Header().Set("Content-Range", "bytes 0-7/8")
			for l := range strings.SplitSeq(headers, "\n") {
				k, v, _ := strings.Cut(l, ": ")
				w.Header().Set(k, v)
			}
			w.WriteHeader(206)
			io.WriteString(w, "01234567")
		}))
		f := open(t, fsys, "x")
		read := func() error { return f.ReadRanges(t.Context(), []fs.Range{{Dst: make([]byte, 8)}}) }
		if err := errors.Join(read(), read()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		headers = c.after
		mu.Unlock()
		if err := read(); !errors.Is(err, fs.ErrChanged) {
			t.Errorf("%s, then %s: %v", c.before, c.after, err)
		}
	}
}

func TestSecrets(t *testing.T) {
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		seen = append(seen, user+" "+pass+" "+r.URL.RequestURI())
		w.WriteHeader(http.StatusForbidden)
	}))
	host := strings.TrimPrefix(srv.URL, "http://")
	for _, raw := range []string{
		"http://me:hunter2@" + host + "/a%20b?sig=hunter2",
		"http://hunter2@" + host + "/a%2Fb/../c?x=1&X-Amz-Signature=hunter2#frag",
		"http://me:hunter2@" + host + "/bad%zz?sig=hunter2",
		"http://me:hunter2@" + host + ":notaport/x",
	} {
		var got []string
		fsys, name, err := fs.Resolve(t.Context(), raw, nil)
		if err == nil {
			got = append(got, name, fsys.URL(name))
			_, err = fsys.Stat(t.Context(), name)
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s: %v", raw, err)
			}
		}
		if err == nil {
			t.Fatal("no error")
		}
		if s := fmt.Sprint(got, err); strings.Contains(s, "hunter2") {
			t.Errorf("%s shows the secret: %s", raw, s)
		}
	}
	// A server that is gone: the transport's error quotes the URL.
	srv.Close()
	fsys, name, err := fs.Resolve(t.Context(), "http://me:hunter2@"+host+"/x?sig=hunter2", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = fsys.Stat(t.Context(), name); !errors.Is(err, fs.ErrIO) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	httpfs.CloseIdleConnections()
	if want := "me hunter2 /a%20b?sig=hunter2"; seen[0] != want {
		t.Errorf("the server saw %q, want %q", seen[0], want)
	}
	if want := "hunter2  /c?x=1&X-Amz-Signature=hunter2"; seen[2] != want {
		t.Errorf("the server saw %q, want %q", seen[2], want)
	}
}

func TestNames(t *testing.T) {
	for raw, want := range map[string]string{
		"http://h/a%20b":        "a b http://h/a%20b",
		"http://h/a%2Fb":        "a%2Fb http://h/a%2Fb",
		"http://h":              " http://h/",
		"http://h/?id=1":        " http://h/?id=1",
		"http://h/x/./y/../z":   "x/z http://h/x/z",
		"https://h:8443/%25?q":  "% https://h:8443/%25?q",
		"HTTP://h/*.parquet#no": "*.parquet http://h/*.parquet",
	} {
		fsys, name, err := fs.Resolve(t.Context(), raw, nil)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		} else if got := name + " " + fsys.URL(name); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	for _, bad := range []string{"http://", "http:///x", "http://h/%zz", "http://h:x/"} {
		if _, _, err := fs.Resolve(t.Context(), bad, nil); !errors.Is(err, fs.ErrUnsupported) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, o := range []fs.Options{{"tiemout": "1s"}, {"timeout": "soon"}} {
		if _, _, err := fs.Resolve(t.Context(), "http://h/", o); !errors.Is(err, fs.ErrOption) {
			t.Errorf("%v: %v", o, err)
		}
	}
}

func TestTokenAndRedirect(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer tkn" {
			w.WriteHeader(http.StatusUnauthorized)
		} else if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?"+url.Values{"k": {"v"}}.Encode(), http.StatusFound)
		} else {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader("0123456789"))
		}
	}))
	defer srv.Close()
	defer httpfs.CloseIdleConnections()
	fsys, name, err := fs.Resolve(t.Context(), srv.URL+"/old", fs.Options{"token": "tkn", "timeout": "20s"})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 3)
	if n, info, err := open(t, fsys, name).Tail(t.Context(), dst); n != 3 || string(dst) != "789" || info.Size != 10 || err != nil {
		t.Errorf("%q %+v %v", dst, info, err)
	}
}

// A server that never answers must not hold a reader whose context ends.
func TestCancelStalled(t *testing.T) {
	stop := make(chan struct{})
	fsys := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-7/8")
		w.WriteHeader(206)
		io.WriteString(w, "0123")
		w.(http.Flusher).Flush()
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	defer close(stop)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := open(t, fsys, "x").ReadRanges(ctx, []fs.Range{{Dst: make([]byte, 8)}})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, fs.ErrIO) {
		t.Error(err)
	}
}
