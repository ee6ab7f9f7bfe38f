package formatstest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/formatstest"
	_ "github.com/bdkit/bdkit/formats/parquet"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/pushdown"
)

// bugs maps each bug that is planted to the law that must turn red.
var bugs = map[string]string{
	"nulls are zero":            "RoundTrip",
	"last row is lost":          "RoundTrip",
	"filter passes nulls":       "Filter",
	"pruned one too many":       "Filter",
	"residual is lost":          "Filter",
	"limit goes to the source":  "Filter",
	"columns in file order":     "Projection",
	"whole struct":              "Projection",
	"no column, no row":         "Projection",
	"splits overlap":            "Table",
	"split IDs repeat":          "Table",
	"split needs its planner":   "Table",
	"rows are guessed":          "Table",
	"batches too large":         "Table",
	"batch is leaked":           "Table",
	"goroutine is leaked":       "Table",
	"cut file is empty":         "Truncation",
	"damage panics":             "Damage",
	"claimed size is allocated": "Damage",
	"budget is ignored":         "Budget",
	"budget is kept":            "Budget",
	"context is ignored":        "Cancel",
	"race on the reader":        "Concurrent",
	"fault is the end":          "Faults",
	"fault loses its cause":     "Faults",
	"close twice fails":         "Closed",
	"version is ignored":        "Closed",
	"other column is read":      "Ranges",
	"range has no label":        "Ranges",
	"row count is wrong":        "Identity",
	"everything is ours":        "Identity",
	"options are ignored":       "Options",
	"close commits":             "Sink",
	"commit after failure":      "Sink",
	"sink keeps batches":        "Sink",
	"write error is lost":       "SinkFaults",
	"commit error is lost":      "SinkFaults",
}

type buggy struct {
	formats.Format
	bug string
}

func (b buggy) Sniff(head, tail []byte) bool {
	return b.bug == "everything is ours" || b.Format.Sniff(head, tail)
}

func (b buggy) Open(ctx context.Context, f fs.File, o formats.Options) (formats.FileReader, error) {
	if b.bug == "options are ignored" {
		o.Set = nil
	}
	if b.bug == "context is ignored" {
		ctx = context.WithoutCancel(ctx)
	}
	r, err := b.Format.Open(ctx, buggyFile{f, b.bug}, o)
	switch {
	case err == nil:
		return &buggyReader{FileReader: r, bug: b.bug, file: f}, nil
	case b.bug == "damage panics":
		panic("index out of range")
	case b.bug == "claimed size is allocated":
		_ = make([]byte, 600<<20)
	case b.bug == "cut file is empty" && errors.Is(err, arrowio.ErrCorrupt):
		return emptyFile{arrowio.FromBatches(arrow.NewSchema(nil, nil))}, nil
	}
	return nil, err
}

// emptyFile is a file of no row.
type emptyFile struct{ arrowio.Table }

func (emptyFile) NumRows() int64      { return 0 }
func (emptyFile) Meta() *formats.Meta { return &formats.Meta{} }
func (emptyFile) Close() error        { return nil }

type buggyFile struct {
	fs.File
	bug string
}

func (f buggyFile) ReadRanges(ctx context.Context, rs []fs.Range) error {
	if f.bug == "range has no label" {
		for i := range rs {
			rs[i].Label = ""
		}
	}
	err := f.File.ReadRanges(ctx, rs)
	if err != nil && f.bug == "fault loses its cause" {
		return errors.New(err.Error())
	}
	return err
}

type buggyReader struct {
	formats.FileReader
	bug    string
	file   fs.File
	mu     sync.Mutex
	kept   map[string]arrowio.Split
	closed bool
	shared int
}

func (r *buggyReader) NumRows() int64 {
	n := r.FileReader.NumRows()
	if r.bug == "row count is wrong" {
		n++
	}
	return n
}

func (r *buggyReader) Close() error {
	if r.closed && r.bug == "close twice fails" {
		return errors.New("closed already")
	}
	r.closed = true
	return r.FileReader.Close()
}

func (r *buggyReader) Plan(ctx context.Context, req arrowio.ScanRequest) (*arrowio.Scan, error) {
	ask := req
	switch r.bug {
	case "filter passes nulls":
		if req.Filter != nil {
			ask.Filter = pushdown.Not{X: pushdown.Not{X: pushdown.Or{Args: []pushdown.Expr{req.Filter, pushdown.IsNull{Path: append(pushdown.Columns(req.Filter), pushdown.Path{r.Schema().Field(0).Name})[0]}}}}}
		}
	case "residual is lost":
		ask.Filter = nil
	case "whole struct":
		for i, p := range req.Columns {
			ask.Columns = append(append([]pushdown.Path{}, ask.Columns[:i]...), append([]pushdown.Path{p[:1]}, ask.Columns[i+1:]...)...)
		}
	case "columns in file order":
		ask.Columns = nil
		for _, f := range r.Schema().Fields() {
			for _, p := range req.Columns {
				if p[0] == f.Name {
					ask.Columns = append(ask.Columns, p)
				}
			}
		}
		if req.Columns != nil && ask.Columns == nil {
			ask.Columns = req.Columns
		}
	}
	scan, err := r.FileReader.Plan(ctx, ask)
	if err != nil {
		return nil, err
	}
	scan.Request = req
	inner := scan.Splits
	scan.Splits = func(yield func(arrowio.Split, error) bool) {
		n := 0
		for s, err := range inner {
			n++
			switch r.bug {
			case "pruned one too many":
				if n == 1 && req.Filter != nil {
					continue
				}
			case "splits overlap":
				if n == 2 {
					yield(s, err)
					s.ID += "again"
				}
			case "split IDs repeat":
				s.ID = "split"
			case "rows are guessed":
				s.Rows++
			case "split needs its planner":
				r.mu.Lock()
				if r.kept == nil {
					r.kept = map[string]arrowio.Split{}
				}
				r.kept[s.ID] = s
				r.mu.Unlock()
				s.Payload = nil
			case "limit goes to the source":
				if req.Limit > 0 && n > 1 {
					return
				}
			}
			if !yield(s, err) {
				return
			}
		}
	}
	return scan, nil
}

func (r *buggyReader) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	switch r.bug {
	case "split needs its planner":
		r.mu.Lock()
		s = r.kept[s.ID]
		r.mu.Unlock()
	case "batches too large":
		o.BatchRows = 0
	case "budget is ignored":
		o.Budget = nil
	case "budget is kept":
		if err := o.Budget.Force(1); err != nil {
			return nil, err
		}
	case "context is ignored":
		ctx = context.WithoutCancel(ctx)
	case "race on the reader":
		r.shared++
		defer func() { r.shared-- }()
		time.Sleep(time.Millisecond)
		if r.shared > 1 {
			return nil, errors.New("the reader is busy")
		}
	case "goroutine is leaked":
		go time.Sleep(time.Minute)
	case "batch is leaked":
		if o.Alloc != nil {
			o.Alloc.Allocate(64)
		}
	case "other column is read":
		if err := r.file.ReadRanges(ctx, []fs.Range{{Off: 8, Dst: make([]byte, 16), Label: "row group 0, column " + r.Schema().Field(r.Schema().NumFields()-1).Name + ": page"}}); err != nil {
			return nil, err
		}
	case "version is ignored":
		scan, err := r.FileReader.Plan(ctx, arrowio.ScanRequest{})
		if err != nil {
			return nil, err
		}
		for own := range scan.Splits {
			s = own
			break
		}
	}
	rr, err := r.FileReader.Open(ctx, s, o)
	if err != nil {
		return nil, err
	}
	return r.wrap(ctx, rr), nil
}

// wrap plants the bugs of rows.
func (r *buggyReader) wrap(ctx context.Context, rr arrowio.RecordReader) arrowio.RecordReader {
	return arrowio.NewReader(ctx, rr.Schema(), func(context.Context) (arrow.RecordBatch, error) {
		if !rr.Next() {
			if err := rr.Err(); err != nil && r.bug != "fault is the end" {
				return nil, err
			}
			return nil, io.EOF
		}
		rec := rr.RecordBatch()
		switch {
		case r.bug == "no column, no row" && rec.NumCols() == 0:
			return nil, io.EOF
		case r.bug == "last row is lost" && rec.NumRows() > 1:
			return rec.NewSlice(0, rec.NumRows()-1), nil
		case r.bug == "nulls are zero":
			var cols []arrow.Array
			for _, c := range rec.Columns() {
				d := c.Data()
				if _, ok := c.DataType().(arrow.FixedWidthDataType); ok && len(d.Children()) == 0 && c.DataType().ID() != arrow.DICTIONARY {
					c = array.MakeFromData(array.NewData(c.DataType(), d.Len(), []*memory.Buffer{nil, d.Buffers()[1]}, nil, 0, d.Offset()))
				}
				cols = append(cols, c)
			}
			return array.NewRecordBatch(rec.Schema(), cols, rec.NumRows()), nil
		}
		rec.Retain()
		return rec, nil
	}, func() error {
		err := rr.Close()
		if r.bug == "fault is the end" {
			return nil
		}
		return err
	})
}

func (b buggy) NewSink(w fs.Writer, s *arrow.Schema, o formats.Options) (arrowio.Sink, error) {
	if b.bug == "options are ignored" {
		o.Set = nil
	}
	k, err := b.Format.NewSink(buggyWriter{w, b.bug}, s, o)
	if err != nil {
		return nil, err
	}
	return &buggySink{Sink: k, bug: b.bug, w: w}, nil
}

type buggyWriter struct {
	fs.Writer
	bug string
}

func (w buggyWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.bug == "write error is lost" {
		return len(p), nil
	}
	return n, err
}

type buggySink struct {
	arrowio.Sink
	bug    string
	w      fs.Writer
	failed bool
	done   bool
}

func (k *buggySink) Write(ctx context.Context, rec arrow.RecordBatch) error {
	if k.bug == "sink keeps batches" {
		rec.Retain()
	}
	if k.bug == "commit after failure" && ctx.Err() != nil {
		return ctx.Err()
	}
	return k.Sink.Write(ctx, rec)
}

func (k *buggySink) Commit(ctx context.Context) (arrowio.Result, error) {
	k.done = true
	res, err := k.Sink.Commit(ctx)
	if k.bug == "commit error is lost" {
		err = nil
	}
	return res, err
}

func (k *buggySink) Close() error {
	if k.bug == "close commits" && !k.done {
		k.done = true
		if _, err := k.Sink.Commit(context.Background()); err != nil {
			return err
		}
	}
	return k.Sink.Close()
}

const bugEnv = "BDKIT_PLANTED_BUG"

// TestSuite runs the suite over Parquet, with the bug of the environment, if any.
func TestSuite(t *testing.T) {
	bug := os.Getenv(bugEnv)
	if bug == "" {
		t.Skip("formats/parquet runs the suite; this is for the planted bugs")
	}
	f, err := formats.ByName("parquet")
	if err != nil {
		t.Fatal(err)
	}
	formatstest.Run(t, formatstest.Harness{
		Format: buggy{f, bug},
		Ways:   []formatstest.Way{{Name: "small units", Write: map[string]string{"timestamp-unit": "ns", "row-group-rows": "70", "page-rows": "20"}}},
		ReadsAs: func(f arrow.Field) (arrow.DataType, bool) {
			return f.Type, !strings.Contains(f.Type.String(), "union")
		},
	})
}

// TestPlantedBugs: each bug turns its law red; a law that no bug can break
// proves nothing.
func TestPlantedBugs(t *testing.T) {
	if os.Getenv("BD_NIGHTLY") == "" {
		t.Skip("a process a bug takes two minutes: set BD_NIGHTLY=1")
	}
	run := func(bug, law string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuite$/^"+law+"$", "-test.short", "-test.timeout=60s", "-rapid.nofailfile")
		cmd.Env = append(os.Environ(), bugEnv+"="+bug)
		return cmd.CombinedOutput()
	}
	if out, err := run("none", "(RoundTrip|Filter|Projection|Ranges|Sink)"); err != nil {
		t.Fatalf("without a bug: %s", out)
	}
	laws := map[string]bool{}
	for bug, law := range bugs {
		laws[law] = true
		t.Run(strings.ReplaceAll(bug, " ", "_"), func(t *testing.T) {
			out, err := run(bug, law)
			if err == nil {
				t.Fatal("the suite is green")
			}
			if !bytes.Contains(out, fmt.Appendf(nil, "--- FAIL: TestSuite/%s", law)) {
				t.Errorf("%s does not see it:\n%.3000s", law, out)
			}
		})
	}
	for _, law := range formatstest.Laws() {
		if !laws[law] && law != "SampleFilter" { // Filter's own code
			t.Errorf("no bug is planted for %s", law)
		}
	}
}
