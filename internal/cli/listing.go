package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/internal/cli/output"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// Listing is an answer of rows that are not data: columns of a file, pages,
// files of a directory. A value is a string, an int64, a bool, or nil for what
// is unknown.
type Listing struct {
	Columns []string
	Rows    [][]any
}

// Add adds a row.
func (l *Listing) Add(values ...any) { l.Rows = append(l.Rows, values) }

// Table are the flags of commands that answer with a Listing.
type Table struct {
	Form     string
	JSON     bool
	NoHeader bool
}

// listingForms beside those that rows have.
var listingForms = []string{"text", "table", "line", "csv", "tsv", "json", "jsonl", "markdown"}

// Flags adds the flags.
func (t *Table) Flags(f *pflag.FlagSet) {
	f.StringVarP(&t.Form, "output", "o", "text", "form: "+strings.Join(listingForms, ", "))
	f.BoolVar(&t.JSON, "json", false, "one JSON document, the same as -o json")
	f.BoolVar(&t.NoHeader, "no-header", false, "no names of columns")
}

// Text says whether the answer goes to people.
func (t *Table) Text() bool { return t.Form == "text" && !t.JSON }

// Check makes sure of the form before any work is done.
func (t *Table) Check() error {
	if !slices.Contains(listingForms, t.Form) {
		return fmt.Errorf("%w: -o %q: want %s", ErrUsage, t.Form, strings.Join(listingForms, ", "))
	}
	return nil
}

// Show writes a listing.
func (a *App) ShowListing(l *Listing, t *Table) error {
	if err := t.Check(); err != nil {
		return err
	}
	switch {
	case t.JSON || t.Form == "json":
		docs := []Object{}
		for _, r := range l.Rows {
			o := Object{}
			for i, v := range r {
				o = append(o, Member{strings.ReplaceAll(l.Columns[i], " ", "_"), v})
			}
			docs = append(docs, o)
		}
		return WriteJSON(a.Stdout, docs)
	case t.Form == "text":
		return l.writeText(a.Stdout, !t.NoHeader, a.UseColor())
	}
	rec := l.batch()
	defer rec.Release()
	unknown := "" // in place of null, which is a value's
	w, err := output.New(t.Form, a.Stdout, rec.Schema(), output.Options{
		NoHeader: t.NoHeader, NoTypes: true, Null: &unknown, Color: a.UseColor(), Terminal: Terminal(a.Stdout), Width: a.width(), Style: render.Style{Warn: a.Warn},
	})
	if err != nil {
		return err
	}
	if err := w.Write(rec); err != nil {
		return err
	}
	return w.Close()
}

// numbers says that a column holds nothing else.
func (l *Listing) numbers(k int) bool {
	some := false
	for _, r := range l.Rows {
		if r[k] == nil {
			continue
		}
		if _, ok := r[k].(int64); !ok {
			return false
		}
		some = true
	}
	return some
}

// batch is the listing as rows.
func (l *Listing) batch() arrow.RecordBatch {
	fields := make([]arrow.Field, len(l.Columns))
	cols := make([]arrow.Array, len(l.Columns))
	for k, name := range l.Columns {
		fields[k] = arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
		if l.numbers(k) {
			fields[k].Type = arrow.PrimitiveTypes.Int64
		}
		b := array.NewBuilder(memory.DefaultAllocator, fields[k].Type)
		for _, r := range l.Rows {
			switch b := b.(type) {
			case *array.Int64Builder:
				if v, ok := r[k].(int64); ok {
					b.Append(v)
					continue
				}
			case *array.StringBuilder:
				if r[k] != nil {
					b.Append(fmt.Sprint(r[k]))
					continue
				}
			}
			b.AppendNull()
		}
		cols[k] = b.NewArray()
		defer cols[k].Release()
		b.Release()
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, int64(len(l.Rows)))
}

// writeText aligns the columns, numbers to the right, "-" for what is unknown.
func (l *Listing) writeText(w io.Writer, header, color bool) error {
	var lines [][]string
	if header {
		lines = append(lines, l.Columns)
	}
	for _, r := range l.Rows {
		line := make([]string, len(r))
		for i, v := range r {
			if line[i] = "-"; v != nil {
				line[i] = output.Printable(fmt.Sprint(v))
			}
		}
		lines = append(lines, line)
	}
	widths, right := make([]int, len(l.Columns)), make([]bool, len(l.Columns))
	for k := range widths {
		right[k] = l.numbers(k)
		for _, line := range lines {
			widths[k] = max(widths[k], output.DisplayWidth(line[k]))
		}
	}
	var b strings.Builder
	for i, line := range lines {
		b.Reset()
		for k, cell := range line {
			pad := strings.Repeat(" ", widths[k]-output.DisplayWidth(cell))
			switch {
			case right[k]:
				b.WriteString(pad + cell)
			case k == len(line)-1:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
			if k < len(line)-1 {
				b.WriteString("  ")
			}
		}
		text := strings.TrimRight(b.String(), " ")
		if i == 0 && header && color {
			text = "\x1b[1m" + text + "\x1b[0m"
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}
