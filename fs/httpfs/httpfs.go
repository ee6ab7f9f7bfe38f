// Package httpfs reads files over HTTP with range requests: schemes http and
// https. It is read-only and cannot list.
//
//	https://user:pass@host/dir/x.parquet?sig=… ─► FS{host, query}, name "dir/x.parquet"
//
//	Tail        one GET, "Range: bytes=-N"; Content-Range tells the size
//	ReadRanges  one GET a coalesced request, pinned to the first ETag seen
//
// The version of a file is its strong ETag, else its Last-Modified time; a
// server that tells neither is checked for the size alone. Credentials in the
// URL become basic authentication and appear in no error. A failed request is
// not repeated: wrap the filesystem in layer.Retry for that.
package httpfs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bdkit/bdkit/fs"
)

func init() {
	fs.Register("http", open)
	fs.Register("https", open)
}

// Config is what New needs to know of a server.
type Config struct {
	// Client sends the requests; nil takes a client that all filesystems of
	// this package share. It must not decompress (DisableCompression).
	Client *http.Client
	// Header is added to every request, for instance Authorization.
	Header http.Header
}

// FS is the files of one server.
type FS struct {
	base   url.URL // scheme, host and query; the query may hold secrets
	raw    bool    // names are escaped as the URL was: it has "%2F" or the like
	client *http.Client
	header http.Header
}

// shared keeps connections over all filesystems, which are made a URL.
var shared = sync.OnceValue(func() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true // a compressed body has other offsets
	t.MaxIdleConnsPerHost = 16
	t.ResponseHeaderTimeout = time.Minute
	return &http.Client{Transport: t}
})

// New gives the filesystem of the server that rawURL names, and the name of
// the file in it. The URL's user and password are sent as basic
// authentication, its query with every request.
func New(rawURL string, c Config) (*FS, string, error) {
	fail := func(err error) (*FS, string, error) {
		return nil, "", &fs.Error{Op: "open", URL: fs.Redact(rawURL), Err: err}
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		// url.Error quotes the URL with its password.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return fail(fmt.Errorf("%w: not a URL: %w", fs.ErrUnsupported, err))
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return fail(fmt.Errorf("%w %q", fs.ErrScheme, u.Scheme))
	}
	if u.Host == "" {
		return fail(fmt.Errorf("%w: the URL names no host", fs.ErrUnsupported))
	}
	u = (&url.URL{}).ResolveReference(u) // drops "." and ".." elements
	h := &FS{
		base:   url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: u.RawQuery},
		client: c.Client,
		header: http.Header{},
	}
	if h.client == nil {
		h.client = shared()
	}
	if u.User != nil {
		pass, _ := u.User.Password()
		r := http.Request{Header: h.header}
		r.SetBasicAuth(u.User.Username(), pass)
	}
	for k, v := range c.Header {
		h.header[http.CanonicalHeaderKey(k)] = v
	}
	name := strings.TrimPrefix(u.Path, "/")
	if u.RawPath != "" && u.RawPath != (&url.URL{Path: u.Path}).EscapedPath() {
		h.raw = true
		name = strings.TrimPrefix(u.RawPath, "/")
	}
	return h, name, nil
}

func open(_ context.Context, raw string, o fs.Options) (fs.FileSystem, string, error) {
	fail := func(err error) (fs.FileSystem, string, error) {
		return nil, "", &fs.Error{Op: "open", URL: fs.Redact(raw), Err: err}
	}
	if err := o.Check("http", "token", "timeout"); err != nil {
		return fail(err)
	}
	c := Config{Header: http.Header{}}
	if t := o["token"]; t != "" {
		c.Header.Set("Authorization", "Bearer "+t)
	}
	if s := o["timeout"]; s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return fail(fmt.Errorf("%w: timeout %q of the driver http is no duration such as 30s", fs.ErrOption, s))
		}
		client := *shared()
		client.Timeout = d
		c.Client = &client
	}
	h, name, err := New(raw, c)
	if err != nil {
		return nil, "", err
	}
	return h, name, nil
}

// CloseIdleConnections closes the connections of the shared client that no
// request uses.
func CloseIdleConnections() { shared().CloseIdleConnections() }

// Caps implements fs.FileSystem. A round trip is worth about a quarter of a
// megabyte.
func (h *FS) Caps() fs.Caps {
	return fs.Caps{ReadOnly: true, CoalesceGap: 256 << 10, CoalesceMax: 16 << 20, Parallel: 8}
}

func (h *FS) target(name string) *url.URL {
	u := h.base
	u.Path = "/" + name
	if h.raw {
		if p, err := url.PathUnescape(name); err == nil {
			u.Path, u.RawPath = "/"+p, "/"+name
		}
	}
	return &u
}

// URL implements fs.FileSystem.
func (h *FS) URL(name string) string { return fs.Redact(h.target(name).String()) }

func (h *FS) fail(op, name string, err error) error {
	return &fs.Error{Op: op, URL: h.URL(name), Err: err}
}

// Create implements fs.FileSystem: it is fs.ErrUnsupported.
func (h *FS) Create(_ context.Context, name string, _ fs.CreateOptions) (fs.Writer, error) {
	return nil, h.fail("create", name, fmt.Errorf("%w: HTTP is read-only", fs.ErrUnsupported))
}

// Remove implements fs.FileSystem: it is fs.ErrUnsupported.
func (h *FS) Remove(_ context.Context, name string) error {
	return h.fail("remove", name, fmt.Errorf("%w: HTTP is read-only", fs.ErrUnsupported))
}

// List implements fs.FileSystem: it is fs.ErrUnsupported.
func (h *FS) List(_ context.Context, prefix string, _ fs.ListOptions) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		yield(fs.FileInfo{}, h.fail("list", prefix, fmt.Errorf("%w: HTTP cannot list files", fs.ErrUnsupported)))
	}
}

// Stat implements fs.FileSystem with one HEAD request.
func (h *FS) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	f, err := h.Open(ctx, name, fs.OpenOptions{})
	if err != nil {
		return fs.FileInfo{}, err
	}
	defer f.Close()
	return f.Info(ctx)
}

// Open implements fs.FileSystem. It sends nothing.
func (h *FS) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	if name != "" { // the root of a server may be a file
		if err := fs.CheckName(name); err != nil {
			return nil, h.fail("open", name, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, h.fail("open", name, err)
	}
	f := &file{fsys: h, name: name}
	if k := o.Known; k != nil && k.Version != "" {
		info := *k
		info.Name = name
		// Info answers from it without a request; a read is held to it.
		f.pinned, f.sized = &info, true
	}
	return f, nil
}

// do sends a request and maps what went wrong before a status came.
func (h *FS) do(ctx context.Context, method, name string, header http.Header) (*http.Response, error) {
	req := (&http.Request{Method: method, URL: h.target(name), Header: header, Host: h.base.Host}).WithContext(ctx)
	for k, v := range h.header {
		req.Header[k] = v
	}
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := h.client.Do(req)
	if err == nil {
		return resp, nil
	}
	if cerr := ctx.Err(); cerr != nil {
		return nil, cerr
	}
	// url.Error repeats the URL, and with it the secrets of its query.
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return nil, fmt.Errorf("%w: %w", fs.ErrIO, err)
}

// status maps an answer that carries no data.
func status(resp *http.Response) error {
	var kind error
	switch c := resp.StatusCode; {
	case c == http.StatusUnauthorized, c == http.StatusProxyAuthRequired:
		kind = fs.ErrAuth
	case c == http.StatusForbidden:
		kind = fs.ErrPermission
	case c == http.StatusNotFound, c == http.StatusGone:
		kind = fs.ErrNotExist
	case c == http.StatusPreconditionFailed:
		return fs.ErrChanged
	case c >= 500, c == http.StatusTooManyRequests, c == http.StatusRequestTimeout:
		kind = fs.ErrIO
	default:
		kind = fs.ErrUnsupported
	}
	return fmt.Errorf("%w: the server answers %d %s", kind, resp.StatusCode, http.StatusText(resp.StatusCode))
}
