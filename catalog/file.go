package catalog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/dataset"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/layer"
)

// Options tune how sources are opened.
type Options struct {
	// Format names the format of the files; "" finds out.
	Format string
	// FS are the filesystem's options.
	FS fs.Options
	// Formats are the format's options.
	Formats formats.Options
	// Dataset says how many files become one table. A single file is a dataset
	// too where an option asks for what it does not have itself.
	Dataset dataset.Options
	// Stdin is what "-" reads; nil is the process's own.
	Stdin io.Reader
	// SpoolDir and MaxSpool bound the copy that is made of "-": its folder (""
	// is the system's for temporary files) and its bytes (0 is 16 GiB).
	SpoolDir string
	MaxSpool int64
	// Once says that the rows are read once, from the first on, so that "-" need
	// not be copied where its format can be read as it comes.
	Once bool
	// Notice tells people of what takes long; nil tells nobody.
	Notice func(string)
	// Named are the sources that "@name" stands for.
	Named map[string]Named
	// Wrap puts a layer around each filesystem, for I/O logs and metrics.
	Wrap func(fs.FileSystem) fs.FileSystem
}

// resolve finds the filesystem of a URL, with retries where requests go over a
// network.
func (o *Options) resolve(ctx context.Context, url string) (fs.FileSystem, string, error) {
	fsys, name, err := fs.Resolve(ctx, url, o.FS)
	if err != nil {
		return nil, "", err
	}
	switch fs.Scheme(url) {
	case "file", "mem":
	default:
		fsys = layer.Retry(fsys, layer.RetryOptions{})
	}
	if o.Wrap != nil {
		fsys = o.Wrap(fsys)
	}
	return fsys, name, nil
}

// OpenFile opens one file by path or URL; "-" is a copy of standard input.
func OpenFile(ctx context.Context, source string, o Options) (formats.FileReader, error) {
	if source == "-" {
		return o.openSpooled(ctx)
	}
	source, o, err := o.named(source)
	if err != nil {
		return nil, err
	}
	fsys, name, err := o.resolve(ctx, source)
	if err != nil {
		return nil, err
	}
	return o.openIn(ctx, fsys, fs.FileInfo{Name: name}, false)
}

// sniffed is how much of a file's end is read to tell its format, in the same
// request as its size. Most footers lie within.
const sniffed = 64 << 10

// openIn opens one file of a filesystem. known says that info comes of a
// listing or stat.
func (o *Options) openIn(ctx context.Context, fsys fs.FileSystem, info fs.FileInfo, known bool) (formats.FileReader, error) {
	var oo fs.OpenOptions
	if known {
		oo.Known = &info
	}
	raw, err := fsys.Open(ctx, info.Name, oo)
	if err != nil {
		return nil, err
	}
	f := &primed{File: raw}
	if err := f.prime(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	format, err := o.formatOf(ctx, f)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	fo := o.Formats
	if fo.Notice == nil {
		fo.Notice = o.Notice
	}
	fo.Sibling = func(ctx context.Context, name string) (fs.File, error) {
		return fsys.Open(ctx, path.Join(path.Dir(info.Name), name), fs.OpenOptions{})
	}
	return format.Open(ctx, f, fo)
}

// formatOf finds the format: the one that is asked for, the one that the
// file's first and last bytes show, the one of its extension.
func (o *Options) formatOf(ctx context.Context, f *primed) (formats.Format, error) {
	if o.Format != "" {
		return formats.ByName(o.Format)
	}
	tail := f.tail[max(0, len(f.tail)-16):]
	if format := formats.Sniff(nil, tail); format != nil {
		return format, nil
	}
	head := f.tail[:min(16, len(f.tail))]
	if int64(len(f.tail)) < f.info.Size {
		head = make([]byte, 16)
		if err := f.ReadRanges(ctx, []fs.Range{{Dst: head, Label: "head"}}); err != nil {
			return nil, err
		}
	}
	if format := formats.Sniff(head, tail); format != nil {
		return format, nil
	}
	if format := formats.ByExtension(f.String()); format != nil {
		return format, nil
	}
	var names []string
	for _, x := range formats.All() {
		names = append(names, x.Name())
	}
	return nil, &arrowio.Error{Op: "open", URL: f.String(), Hint: "--format", Err: fmt.Errorf(
		"%w: a file of %d bytes that begins with %q is of no known format (%s)", arrowio.ErrCorrupt, f.info.Size, head, strings.Join(names, ", "))}
}

// primed is a file whose end has been read once and is not read again.
type primed struct {
	fs.File
	tail []byte
	info fs.FileInfo
}

func (f *primed) prime(ctx context.Context) error {
	buf := make([]byte, sniffed)
	n, info, err := f.File.Tail(ctx, buf)
	f.tail, f.info = buf[:n], info
	return err
}

// Tail implements fs.File.
func (f *primed) Tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	if len(dst) > len(f.tail) && int64(len(f.tail)) < f.info.Size {
		return f.File.Tail(ctx, dst)
	}
	n := min(len(dst), len(f.tail))
	copy(dst, f.tail[len(f.tail)-n:])
	return n, f.info, nil
}

// ReadRanges implements fs.File. Ranges within the end that was read are
// served from it.
func (f *primed) ReadRanges(ctx context.Context, rs []fs.Range) error {
	start := f.info.Size - int64(len(f.tail))
	var rest []fs.Range
	for _, r := range rs {
		if r.Off >= start && r.Off+int64(len(r.Dst)) <= f.info.Size {
			copy(r.Dst, f.tail[r.Off-start:])
		} else {
			rest = append(rest, r)
		}
	}
	if len(rest) == 0 {
		return ctx.Err()
	}
	return f.File.ReadRanges(ctx, rest)
}

// openStdin reads standard input as it comes, if its rows are read once and its
// format can, and else makes a copy of it.
func (o *Options) openStdin(ctx context.Context) (formats.FileReader, error) {
	in := o.Stdin
	if in == nil {
		in = os.Stdin
	}
	if o.Once {
		b := bufio.NewReader(in)
		head, err := b.Peek(16)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: standard input: %w", fs.ErrIO, err)
		}
		format := formats.Sniff(head, nil)
		if o.Format != "" {
			if format, err = formats.ByName(o.Format); err != nil {
				return nil, err
			}
		}
		if s, ok := format.(formats.Streamer); ok && s.Streams() {
			return format.Open(ctx, fs.Forward(b, "-"), o.Formats)
		}
		in = b
	}
	again := *o
	again.Stdin = in
	return again.openSpooled(ctx)
}

// openSpooled copies standard input to a temporary file, since the formats
// that are read from their end cannot be streamed.
func (o *Options) openSpooled(ctx context.Context) (formats.FileReader, error) {
	in, limit := o.Stdin, o.MaxSpool
	if in == nil {
		in = os.Stdin
	}
	if limit <= 0 {
		limit = 16 << 30
	}
	tmp, err := os.CreateTemp(o.SpoolDir, "bdkit-stdin-*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fs.ErrIO, err)
	}
	remove := func() error { return os.Remove(tmp.Name()) }
	if o.Notice != nil {
		o.Notice("standard input is copied to " + tmp.Name() + " first")
	}
	n, err := copyAll(ctx, tmp, io.LimitReader(in, limit+1))
	err = errors.Join(err, tmp.Close())
	switch {
	case ctx.Err() != nil:
		return nil, errors.Join(context.Cause(ctx), remove())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("%w: standard input: %w", fs.ErrIO, err), remove())
	case n > limit:
		return nil, errors.Join(fmt.Errorf("%w: standard input has more than %d bytes (--max-spool)", arrowio.ErrLimit, limit), remove())
	}
	r, err := OpenFile(ctx, tmp.Name(), *o)
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return &spooled{FileReader: r, remove: remove}, nil
}

// copyAll copies until the end or until ctx ends. A read of a terminal or pipe
// cannot be called off: the goroutine then waits for it on its own.
func copyAll(ctx context.Context, to io.Writer, from io.Reader) (int64, error) {
	type result struct {
		n   int64
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := io.Copy(to, from)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// spooled removes its file when it is closed.
type spooled struct {
	formats.FileReader
	remove func() error
}

// Close implements io.Closer.
func (s *spooled) Close() error {
	err := s.FileReader.Close()
	if s.remove != nil {
		err = errors.Join(err, s.remove())
		s.remove = nil
	}
	return err
}
