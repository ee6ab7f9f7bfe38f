// Package output writes record batches in the forms that the programs offer:
// table, line, csv, tsv, json, jsonl, markdown, arrow and none.
package output

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// Forms are the names of all forms.
var Forms = []string{"table", "line", "csv", "tsv", "json", "jsonl", "markdown", "arrow", "none"}

// Options are what the output flags set.
type Options struct {
	NoHeader bool
	// Null is the text of null outside JSON; nil takes the form's own.
	Null *string
	// MaxWidth cuts the columns of tables; 0 is 40 on a terminal, else none.
	MaxWidth int
	// Width is that of the terminal: of a wider table the columns in the middle
	// are left out. 0 is unbounded.
	Width int
	// MaxRows shows that many rows of a table at most; 0 is all.
	MaxRows int64
	Style   render.Style
	// NoTypes leaves the types out of a table's header.
	NoTypes bool
	// Color and Terminal say that people look on.
	Color    bool
	Terminal bool
}

// Writer writes batches of one schema. Close ends the output and flushes it;
// it does not close what lies below.
type Writer interface {
	Write(rec arrow.RecordBatch) error
	Close() error
}

// New makes the writer of a form.
func New(form string, w io.Writer, s *arrow.Schema, o Options) (Writer, error) {
	null := func(def string) {
		o.Style.Null = def
		if o.Null != nil {
			o.Style.Null = *o.Null
		}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	switch form {
	case "jsonl":
		o.Style.JSON = true
		return &rows{w: out, style: &o.Style, end: "\n"}, nil
	case "json":
		o.Style.JSON = true
		return &rows{w: out, style: &o.Style, before: "[", between: ",\n ", after: "]\n"}, nil
	case "csv":
		null("")
		return newSeparated(out, s, o, ',')
	case "tsv":
		null("")
		return newSeparated(out, s, o, '\t')
	case "line":
		null("NULL")
		return &lines{w: out, style: &o.Style}, nil
	case "markdown":
		null("")
		return newMarkdown(out, s, o)
	case "table":
		null("NULL")
		return &table{w: out, schema: s, o: o}, nil
	case "arrow":
		return &stream{ipc.NewWriter(w, ipc.WithSchema(s))}, nil
	case "none":
		return none{}, nil
	}
	return nil, fmt.Errorf("%w: output form %q (known: %s)", arrowio.ErrOption, form, strings.Join(Forms, ", "))
}

// Known says whether a form exists.
func Known(form string) bool { return slices.Contains(Forms, form) }

// rows writes each row as a JSON object.
type rows struct {
	w             *bufio.Writer
	style         *render.Style
	before, after string
	between, end  string
	begun         bool
	buf           []byte
}

func (r *rows) Write(rec arrow.RecordBatch) error {
	row := r.style.Rows(rec)
	for i := range int(rec.NumRows()) {
		switch {
		case !r.begun:
			r.begun = true
			r.buf = append(r.buf, r.before...)
		default:
			r.buf = append(r.buf, r.between...)
		}
		r.buf = append(row(r.buf, i), r.end...)
		if len(r.buf) >= 32<<10 {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	return r.flush()
}

func (r *rows) flush() error {
	_, err := r.w.Write(r.buf)
	r.buf = r.buf[:0]
	return err
}

func (r *rows) Close() error {
	if !r.begun {
		r.buf = append(r.buf, r.before...)
	}
	r.buf = append(r.buf, r.after...)
	if err := r.flush(); err != nil {
		return err
	}
	return r.w.Flush()
}

// stream is an Arrow IPC stream of exactly the batches.
type stream struct{ w *ipc.Writer }

func (s *stream) Write(rec arrow.RecordBatch) error { return s.w.Write(rec) }
func (s *stream) Close() error                      { return s.w.Close() }

// none shows nothing.
type none struct{}

func (none) Write(arrow.RecordBatch) error { return nil }
func (none) Close() error                  { return nil }

// columns compiles the text of all columns of a batch.
func columns(s *render.Style, rec arrow.RecordBatch) []render.Appender {
	out := make([]render.Appender, rec.NumCols())
	for k := range out {
		out[k] = s.Column(rec.Column(k), rec.Schema().Field(k))
	}
	return out
}
