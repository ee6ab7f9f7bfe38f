package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// CreateOptions tune Create.
type CreateOptions struct {
	// Format names the format; "" takes the one of the name's extension.
	Format string
	// FS and Formats are the filesystem's and the format's options.
	FS      fs.Options
	Formats formats.Options
	// Overwrite replaces a file that exists; without, it is fs.ErrExist.
	Overwrite bool
	// Stdout is what "-" writes to; nil is the process's own.
	Stdout io.Writer
}

// FormatOf is the format in which a destination is written.
func (o CreateOptions) FormatOf(dest string) (formats.Format, error) {
	if o.Format != "" {
		return formats.ByName(o.Format)
	}
	if f := formats.ByExtension(dest); f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("%w: the name %s does not tell a format (try: --to)", arrowio.ErrOption, fs.Redact(dest))
}

// Create starts a file of record batches of schema s. Nothing is there under
// the name before the sink's Commit. "-" is standard output.
func Create(ctx context.Context, dest string, s *arrow.Schema, o CreateOptions) (arrowio.Sink, error) {
	format, err := o.FormatOf(dest)
	if err != nil {
		return nil, err
	}
	if err := o.Encrypts(format); err != nil {
		return nil, err
	}
	w, err := o.Writer(ctx, dest)
	if err != nil {
		return nil, err
	}
	return format.NewSink(w, s, o.Formats)
}

// Encrypts refuses to write plaintext in a format that cannot be encrypted where
// the keys ask for encryption. A format that can has an option "encrypt".
func (o CreateOptions) Encrypts(format formats.Format) error {
	e, err := formats.EncryptionOf(o.Formats)
	if err != nil || e == nil {
		return err
	}
	for _, opt := range format.Options() {
		if opt.Write && opt.Key == "encrypt" {
			return nil
		}
	}
	return fmt.Errorf("%w: the keys ask for encryption, which the %s writer does not have", arrowio.ErrUnsupported, format.Name())
}

// Writer starts a file of bytes, whatever they are.
func (o CreateOptions) Writer(ctx context.Context, dest string) (fs.Writer, error) {
	if dest == "-" || dest == "/dev/stdout" {
		out := o.Stdout
		if out == nil {
			out = os.Stdout
		}
		return &stream{w: out, name: "-"}, nil
	}
	if dest == os.DevNull {
		return &stream{w: io.Discard, name: dest}, nil
	}
	fsys, name, err := fs.Resolve(ctx, dest, o.FS)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, "/") || name == "" {
		return nil, &fs.Error{Op: "create", URL: fsys.URL(name), Err: errors.New("a directory, where a file is to be written")}
	}
	if !o.Overwrite {
		if _, err := fsys.Stat(ctx, name); err == nil { // an early word; Commit makes sure
			return nil, &fs.Error{Op: "create", URL: fsys.URL(name), Err: fs.ErrExist}
		}
	}
	return fsys.Create(ctx, name, fs.CreateOptions{IfNotExists: !o.Overwrite && fsys.Caps().CreateIfNotExists})
}

// stream is a pipe as a file: what is written is gone, so that Close cannot
// take it back.
type stream struct {
	w    io.Writer
	name string
	n    int64
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += int64(n)
	return n, err
}

func (s *stream) Commit(context.Context) (fs.FileInfo, error) {
	return fs.FileInfo{Name: s.name, Size: s.n}, nil
}

func (s *stream) Close() error { return nil }
