package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/cli/output"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

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
	o.nullSet = func() bool { return f.Changed("null") }
}

// Check makes sure of the flags before any work is done.
func (o *Output) Check() error {
	if o.JSON {
		o.Form = "jsonl"
	}
	for _, c := range []struct {
		flag, value string
		known       []string
	}{
		{"output", o.Form, append([]string{""}, output.Forms...)},
		{"decimal", o.Decimal, []string{"number", "string"}},
		{"bigint", o.Bigint, []string{"number", "string"}},
		{"binary", o.Binary, []string{"", "hex", "base64", "utf8"}},
	} {
		if slices.Contains(c.known, c.value) {
			continue
		}
		hint := ""
		if best := Closest(c.value, c.known); best != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", best)
		}
		return fmt.Errorf("%w: --%s %q: want %s%s", ErrUsage, c.flag, c.value, strings.TrimPrefix(strings.Join(c.known, ", "), ", "), hint)
	}
	if o.MaxWidth < 0 || o.MaxRows < 0 {
		return fmt.Errorf("%w: a negative --max-width or --max-rows", ErrUsage)
	}
	_, err := parseZone(o.Zone)
	return err
}

// Writer makes the output of rows of a schema.
func (a *App) Writer(o *Output, s *arrow.Schema) (output.Writer, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	terminal := Terminal(a.Stdout)
	form := o.Form
	if form == "" {
		if form = "jsonl"; terminal {
			form = "table"
		}
	}
	if form == "arrow" && terminal {
		return nil, fmt.Errorf("%w: -o arrow is binary: send it to a file or a pipe", ErrUsage)
	}
	zone, err := parseZone(o.Zone)
	if err != nil {
		return nil, err
	}
	oo := output.Options{
		NoHeader: o.NoHeader, MaxWidth: o.MaxWidth, MaxRows: o.MaxRows, Color: a.UseColor(), Terminal: terminal, Width: a.width(),
		Style: render.Style{
			Binary: o.Binary, Layout: o.TimeFormat, Warn: a.Warn, Zone: zone,
			SafeDecimals: o.Safe || o.Decimal == "string", SafeIntegers: o.Safe || o.Bigint == "string",
		},
	}
	if o.nullSet() {
		oo.Null = &o.Null
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
	if o.Form != "none" && o.Form != "arrow" {
		a.Page()
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
