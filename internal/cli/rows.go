package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/internal/cli/output"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/internal/kernel/render"
	"github.com/bdkit/bdkit/pushdown"
)

// Rows are the flags of commands that read rows.
type Rows struct {
	Select, Where string
	Limit, Offset int64
	Unordered     bool
	NoCase        bool
}

// Flags adds the flags.
func (r *Rows) Flags(f *pflag.FlagSet) {
	f.StringVarP(&r.Select, "select", "s", "", "columns: 'a, b.c, d.*, !secret'")
	f.StringVarP(&r.Where, "where", "w", "", "rows: \"a > 5 AND b LIKE 'x%'\" (help where)")
	f.BoolVar(&r.Unordered, "unordered", false, "rows in any order")
	f.BoolVar(&r.NoCase, "case-insensitive", false, "names of columns in any case")
}

// Request binds the flags to a table.
func (r *Rows) Request(s *arrow.Schema) (arrowio.ScanRequest, error) {
	req := arrowio.ScanRequest{Ordered: !r.Unordered}
	var err error
	if req.Columns, err = Select(r.Select, s); err != nil {
		return req, err
	}
	if r.Where != "" {
		if req.Filter, err = pushdown.Parse(r.Where); err != nil {
			return req, err
		}
		if req.Filter, err = pushdown.Bind(req.Filter, s, pushdown.BindOptions{CaseInsensitive: r.NoCase}); err != nil {
			return req, err
		}
	}
	if r.Limit < 0 || r.Offset < 0 {
		return req, fmt.Errorf("%w: a negative --limit or --offset", ErrUsage)
	}
	return req, nil
}

// Bound asks a scan for n rows at most. A filtered scan is asked for two where
// one is wanted, and the caller cuts: the limit bounds the batches too, and the
// Parquet reader finds no row at all for a filter in batches of one.
func Bound(req *arrowio.ScanRequest, n int64) {
	req.Limit = n
	if n == 1 && req.Filter != nil {
		req.Limit = 2
	}
}

// Open opens sources as one table.
func (a *App) Open(ctx context.Context, sources []string) (*catalog.Source, error) {
	if len(sources) == 0 {
		return nil, fmt.Errorf("%w: no SOURCE was given (try: %s --help)", ErrUsage, a.Prog)
	}
	o, err := a.Catalog(sources...)
	if err != nil {
		return nil, err
	}
	return catalog.OpenAll(ctx, sources, o)
}

// Output are the flags of commands that show rows.
type Output struct {
	Form       string
	JSON       bool
	NoHeader   bool
	Null       string
	MaxWidth   int
	MaxRows    int64
	Zone       string
	TimeFormat string
	Binary     string
	Decimal    string
	Bigint     string
	Safe       bool
	Pager      string
	nullSet    func() bool
}

// Flags adds the flags.
func (o *Output) Flags(f *pflag.FlagSet) {
	f.StringVarP(&o.Form, "output", "o", "", "form: "+strings.Join(output.Forms, ", ")+" (default: table on a terminal, else jsonl)")
	f.BoolVar(&o.JSON, "json", false, "the same as -o jsonl")
	f.BoolVar(&o.NoHeader, "no-header", false, "no names of columns")
	f.StringVar(&o.Null, "null", "", "text of null outside JSON")
	f.IntVar(&o.MaxWidth, "max-width", 0, "cut columns of tables at that width")
	f.Int64Var(&o.MaxRows, "max-rows", 0, "show that many rows of a table at most")
	f.StringVar(&o.Zone, "tz", "", "show instants in a zone: UTC, local, +02:00, Europe/Paris")
	f.StringVar(&o.TimeFormat, "time-format", "", "layout of times, as 2006-01-02 15:04:05")
	f.StringVar(&o.Binary, "binary", "", "bytes as hex, base64 or utf8")
	f.StringVar(&o.Decimal, "decimal", "number", "decimals in JSON: number or string")
	f.StringVar(&o.Bigint, "bigint", "number", "integers beyond 2^53 in JSON: number or string")
	f.BoolVar(&o.Safe, "json-safe", false, "both as strings")
	f.StringVar(&o.Pager, "pager", "auto", "auto or never")
	o.nullSet = func() bool { return f.Changed("null") }
}

// Writer makes the output of rows of a schema.
func (a *App) Writer(o *Output, s *arrow.Schema) (output.Writer, error) {
	form := o.Form
	if o.JSON {
		form = "jsonl"
	}
	terminal := Terminal(a.Stdout)
	if form == "" {
		if form = "jsonl"; terminal {
			form = "table"
		}
	}
	oo := output.Options{NoHeader: o.NoHeader, MaxWidth: o.MaxWidth, MaxRows: o.MaxRows, Color: a.UseColor(), Terminal: terminal}
	if o.nullSet() {
		oo.Null = &o.Null
	}
	oo.Style = render.Style{Binary: o.Binary, Layout: o.TimeFormat, Warn: a.Warn}
	for _, c := range [][]string{{"decimal", o.Decimal, "number", "string"}, {"bigint", o.Bigint, "number", "string"}, {"pager", o.Pager, "auto", "never"}} {
		if c[1] != c[2] && c[1] != c[3] {
			return nil, fmt.Errorf("%w: --%s %q: want %s or %s", ErrUsage, c[0], c[1], c[2], c[3])
		}
	}
	oo.Style.SafeDecimals = o.Safe || o.Decimal == "string"
	oo.Style.SafeIntegers = o.Safe || o.Bigint == "string"
	switch o.Binary {
	case "", "hex", "base64", "utf8":
	default:
		return nil, fmt.Errorf("%w: --binary %q: want hex, base64 or utf8", ErrUsage, o.Binary)
	}
	var err error
	if oo.Style.Zone, err = parseZone(o.Zone); err != nil {
		return nil, err
	}
	if form == "arrow" && terminal {
		return nil, fmt.Errorf("%w: -o arrow is binary: send it to a file or a pipe", ErrUsage)
	}
	return output.New(form, a.Stdout, s, oo)
}

func parseZone(name string) (*time.Location, error) {
	switch strings.ToLower(name) {
	case "":
		return nil, nil
	case "local":
		return time.Local, nil
	case "utc", "z":
		return time.UTC, nil
	}
	if t, err := time.Parse("-07:00", name); err == nil {
		_, off := t.Zone()
		return time.FixedZone(name, off), nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w: --tz %q: no such zone", ErrUsage, name)
	}
	return z, nil
}

// Show writes all batches of a reader, which it closes, and gives their rows.
func (a *App) Show(r arrowio.RecordReader, o *Output) (rows int64, err error) {
	defer func() {
		if cerr := r.Close(); err == nil {
			err = cerr
		}
	}()
	if o.Pager == "auto" && Terminal(a.Stdout) && (o.Form == "" || o.Form == "table") {
		stop := a.page()
		defer stop()
	}
	w, err := a.Writer(o, r.Schema())
	if err != nil {
		return 0, err
	}
	start, bytes := time.Now(), int64(0)
	for r.Next() {
		rec := r.RecordBatch()
		rows += rec.NumRows()
		if o.Form == "none" {
			for _, c := range rec.Columns() {
				bytes += kernel.ByteSize(c)
			}
		}
		if err := w.Write(rec); err != nil {
			return rows, err
		}
	}
	if err := r.Err(); err != nil {
		_ = flushPart(w, o) // what was read is shown, and then the error
		return rows, err
	}
	if err := w.Close(); err != nil {
		return rows, err
	}
	if o.Form == "none" {
		sec := time.Since(start).Seconds()
		fmt.Fprintf(a.Stderr, "%d rows, %d bytes in %.3f s: %.0f rows/s, %s/s\n", rows, bytes, sec, float64(rows)/sec, HumanBytes(int64(float64(bytes)/sec)))
	}
	return rows, nil
}

// flushPart ends an output that an error cuts short. An Arrow stream gets no
// end, so that its reader does not take it for whole.
func flushPart(w output.Writer, o *Output) error {
	if o.Form == "arrow" || o.Form == "json" {
		return nil
	}
	return w.Close()
}

// page sends what follows through the user's pager.
func (a *App) page() (stop func()) {
	name := os.Getenv("PAGER")
	if name == "" {
		name = "less -FRSX"
	}
	args := strings.Fields(name)
	if len(args) == 0 {
		return func() {}
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return func() {}
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Stdout, cmd.Stderr = bare(a.Stdout), a.Stderr // a pager needs the terminal itself
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return func() {}
	}
	old := a.Stdout
	a.Stdout = &paged{in, old}
	return func() {
		_ = in.Close() // the pager may have gone before
		_ = cmd.Wait()
		a.Stdout = old
	}
}
