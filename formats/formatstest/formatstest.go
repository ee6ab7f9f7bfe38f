package formatstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"go.uber.org/goleak"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/mem"
)

// Harness describes a format to the suite. Only Format is required.
type Harness struct {
	Format formats.Format
	// Ways are the option sets that the laws are held for; nil is one of
	// defaults. At least one should make files of many small units.
	Ways []Way
	// ReadsAs says as what type a column is read back whose values all come
	// back equal, or that the format cannot hold it. Nil: all, as they are.
	ReadsAs func(f arrow.Field) (arrow.DataType, bool)
	// Make gives the bytes of a file of the batches, for formats without a
	// writer of their own; nil takes Format.NewSink.
	Make func(w Way, s *arrow.Schema, recs ...arrow.RecordBatch) ([]byte, error)
	// Samples are more files to hold the reader's laws for.
	Samples []Sample
	// Forced is the bytes of the pieces, of all columns together, without which
	// a job that reads the suite's files cannot go on; 0 is 1 MiB.
	Forced int64
	Abilities
}

// Way is one set of options.
type Way struct {
	Name        string
	Write, Read map[string]string // formats.Options.Set
}

// Sample is a file given as its bytes.
type Sample struct {
	Name string
	Raw  []byte
	Read map[string]string
}

// Truncation is what a format can tell of a file cut short.
type Truncation int

const (
	// Detected: any cut is an error, or leaves all rows.
	Detected Truncation = iota
	// Prefix: a file may end behind any unit, so that a cut may leave the
	// first rows, whole.
	Prefix
	// Text: a cut may also fall inside of the last row and leave it shorter.
	Text
)

// Abilities are what a format cannot do by its nature.
type Abilities struct {
	// ReadOnly formats have no sink.
	ReadOnly bool
	// RowOriented formats keep the columns of a row together, so that a
	// projection cannot leave bytes out.
	RowOriented bool
	// NoMagic formats cannot be told by their first or last bytes.
	NoMagic    bool
	Truncation Truncation
}

// law is one law, and whether it needs a writer.
type law struct {
	name  string
	write bool
	hold  func(*suite, *testing.T)
}

var laws = []law{
	{"RoundTrip", true, (*suite).roundTrip},
	{"Filter", true, (*suite).filter},
	{"Projection", true, (*suite).projection},
	{"Table", false, (*suite).table},
	{"SampleFilter", false, (*suite).sampleFilter},
	{"Identity", false, (*suite).identity},
	{"Options", false, (*suite).options},
	{"Truncation", false, (*suite).truncation},
	{"Damage", false, (*suite).damage},
	{"Budget", false, (*suite).budget},
	{"Cancel", false, (*suite).cancel},
	{"Concurrent", false, (*suite).concurrent},
	{"Faults", false, (*suite).faults},
	{"Closed", false, (*suite).closed},
	{"Ranges", true, (*suite).ranges},
	{"Sink", true, (*suite).sink},
	{"SinkFaults", true, (*suite).sinkFaults},
}

// Laws are the names of all laws.
func Laws() (out []string) {
	for _, l := range laws {
		out = append(out, l.name)
	}
	return out
}

// Run holds all laws.
func Run(t *testing.T, h Harness) {
	if h.Ways == nil {
		h.Ways = []Way{{Name: "default"}}
	}
	s := &suite{h}
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			if l.write && h.ReadOnly && h.Make == nil {
				t.Skip("the format has no writer")
			}
			before := goleak.IgnoreCurrent()
			l.hold(s, t)
			if err := goleak.Find(before); err != nil {
				t.Errorf("left running: %v", err)
			}
		})
	}
}

type suite struct{ Harness }

// tb is a test or one try of a generated one.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
}

// file is the bytes of a file and how it is read.
type file struct {
	name string
	raw  []byte
	read map[string]string

	sample bool
}

// write makes a file of batches.
func (s *suite) write(t tb, w Way, schema *arrow.Schema, recs ...arrow.RecordBatch) file {
	t.Helper()
	f, err := s.tryWrite(t, w, schema, recs...)
	if err != nil {
		t.Fatalf("%v by %+v: %v", schema, w, err)
	}
	return f
}

func (s *suite) tryWrite(t tb, w Way, schema *arrow.Schema, recs ...arrow.RecordBatch) (file, error) {
	t.Helper()
	f := file{name: w.Name, read: w.Read}
	if s.Make != nil {
		raw, err := s.Make(w, schema, recs...)
		f.raw = raw
		return f, err
	}
	fsys := mem.New()
	ctx := context.Background()
	out, err := fsys.Create(ctx, "f", fs.CreateOptions{})
	if err != nil {
		return f, err
	}
	k, err := s.Format.NewSink(out, schema, formats.Options{Set: w.Write})
	if err != nil {
		return f, err
	}
	rows := int64(0)
	for _, rec := range recs {
		if err := k.Write(ctx, rec); err != nil {
			return f, errors.Join(err, k.Close())
		}
		rows += rec.NumRows()
	}
	res, err := k.Commit(ctx)
	if err != nil {
		return f, errors.Join(err, k.Close())
	}
	if err := k.Close(); err != nil {
		return f, fmt.Errorf("close after commit: %w", err)
	}
	f.raw = contents(t, fsys, "f")
	if res.Rows != rows || res.Bytes != int64(len(f.raw)) {
		return f, fmt.Errorf("the result says %d rows and %d bytes, written were %d and %d", res.Rows, res.Bytes, rows, len(f.raw))
	}
	return f, nil
}

func contents(t tb, fsys fs.FileSystem, name string) []byte {
	t.Helper()
	ctx := context.Background()
	f, err := fsys.Open(ctx, name, fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, info.Size)
	if err := f.ReadRanges(ctx, []fs.Range{{Dst: raw}}); err != nil {
		t.Fatal(err)
	}
	return raw
}

// put makes a file in a filesystem.
func put(t tb, fsys fs.FileSystem, name string, raw []byte) {
	t.Helper()
	ctx := context.Background()
	w, err := fsys.Create(ctx, name, fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

// name of the files, with the format's extension.
func (s *suite) fileName() string { return "file." + s.Format.Extensions()[0] }

// openIn opens a file of a filesystem.
func (s *suite) openIn(ctx context.Context, fsys fs.FileSystem, f file) (formats.FileReader, error) {
	h, err := fsys.Open(ctx, s.fileName(), fs.OpenOptions{})
	if err != nil {
		return nil, err
	}
	return s.Format.Open(ctx, h, formats.Options{Set: f.read})
}

// tryOpen opens the file in memory.
func (s *suite) tryOpen(t tb, f file) (formats.FileReader, error) {
	t.Helper()
	fsys := mem.New()
	put(t, fsys, s.fileName(), f.raw)
	return s.openIn(context.Background(), fsys, f)
}

func (s *suite) open(t tb, f file) formats.FileReader {
	t.Helper()
	r, err := s.tryOpen(t, f)
	if err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

// rows gives the rows of a request as text, and what went wrong after them.
func rows(ctx context.Context, tab arrowio.Table, req arrowio.ScanRequest, o arrowio.RunOptions) (out []string, err error) {
	r, err := arrowio.Read(ctx, tab, req, o)
	if err != nil {
		return nil, err
	}
	for r.Next() {
		rec := r.RecordBatch()
		if !rec.Schema().Equal(r.Schema()) {
			_ = r.Close() // this is what is wrong
			return out, fmt.Errorf("a batch of %v from a reader of %v", rec.Schema(), r.Schema())
		}
		out = append(out, arrowiotest.Text(rec)...)
	}
	return out, r.Close()
}

// whole gives all rows of a file.
func (s *suite) whole(t tb, f file) []string {
	t.Helper()
	out, err := rows(context.Background(), s.open(t, f), arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1})
	if err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	return out
}

func same(t tb, what string, want, got []string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Fatalf("%s: row %d is %q, want %q", what, i, got[i], want[i])
		}
	}
	if len(want) != len(got) {
		t.Fatalf("%s: %d rows, want %d", what, len(got), len(want))
	}
}

// badData says that an error is one of bad data, not of anything else.
func badData(err error) bool {
	return errors.Is(err, arrowio.ErrCorrupt) || errors.Is(err, arrowio.ErrUnsupported) || errors.Is(err, arrowio.ErrCast) || errors.Is(err, arrowio.ErrLimit)
}

// panicked finds the marks of a panic that was turned into an error: it is a
// bug all the same.
func panicked(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "goroutine ") || strings.Contains(err.Error(), "runtime error"))
}
