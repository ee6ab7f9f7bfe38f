package main

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/cli/profile"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

//go:embed report.html
var reportHTML string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{"bytes": cli.HumanBytes}).Parse(reportHTML))

// reportPage is what the template shows.
type reportPage struct {
	Files []reportFile
}

type reportFile struct {
	URL     string
	Meta    *formats.Meta
	Facts   [][2]string
	Columns []reportColumn
	Units   []reportUnit
	Header  []string
	Rows    [][]string
}

type reportColumn struct {
	Path, Type, Physical, Logical, Codec, Nulls, Distinct, Min, Max string
	Bytes, Raw                                                      int64
	Share                                                           float64
}

type reportUnit struct {
	Name, Codec, Indexes, Sorting string
	Rows, Bytes, Raw              int64
}

func newReport(a *cli.App) *cobra.Command {
	var limit int64
	c := &cobra.Command{
		Use: "report SOURCE…", Short: "A page of HTML about files", Args: cobra.ArbitraryArgs,
		Long: "A page of HTML about files: what they say of themselves, their columns with sizes and bounds,\ntheir units, and the first rows. The page needs nothing else: no network, no script.",
		Example: `  bdcat report flights.parquet > report.html
  bdcat report -n 100 'flights/*.parquet' > report.html`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 0 {
				return fmt.Errorf("%w: --limit %d", cli.ErrUsage, limit)
			}
			page := reportPage{}
			err := eachFile(cmd, a, args, func(f catalog.SourceFile, r formats.FileReader) error {
				rf, err := reportOn(cmd.Context(), a, f.URL, r, limit)
				page.Files = append(page.Files, rf)
				return err
			})
			if err != nil {
				return err
			}
			return reportTemplate.Execute(a.Stdout, page)
		},
	}
	c.Flags().Int64VarP(&limit, "limit", "n", 20, "how many rows to show")
	return c
}

func reportOn(ctx context.Context, a *cli.App, url string, r formats.FileReader, limit int64) (reportFile, error) {
	m := r.Meta()
	out := reportFile{URL: url, Meta: m}
	fact := func(name, value string) { out.Facts = append(out.Facts, [2]string{name, value}) }
	fact("Format", m.Format+" "+m.Version)
	fact("Written by", m.Writer)
	fact("Size", fmt.Sprintf("%s (%d bytes)", cli.HumanBytes(m.Size), m.Size))
	if m.Rows >= 0 {
		fact("Rows", fmt.Sprint(m.Rows))
	}
	fact("Columns", fmt.Sprint(len(m.Columns)))
	if m.Encrypted != "" {
		fact("Encrypted", m.Encrypted)
	}
	for _, kv := range m.KeyValues {
		fact(kv.Key, kv.Value)
	}
	var sum profile.Merger
	if err := sum.Add(m); err != nil {
		return out, err
	}
	total := int64(0)
	for i, c := range sum.Columns() {
		info := m.Columns[i]
		rc := reportColumn{
			Path: c.Path, Type: c.Type.String(), Physical: info.Physical, Logical: info.Logical, Nulls: cellText(count64(c.Nulls)),
			Distinct: cellText(countText(c.Distinct, c.OfDistinct)), Min: cellText(boundText(c.Min, c.OfMin)), Max: cellText(boundText(c.Max, c.OfMax)),
		}
		for _, u := range m.Units {
			rc.Bytes, rc.Raw, rc.Codec = rc.Bytes+u.Columns[i].Bytes, rc.Raw+max(0, u.Columns[i].Raw), u.Columns[i].Codec
		}
		total += rc.Bytes
		out.Columns = append(out.Columns, rc)
	}
	for i := range out.Columns {
		out.Columns[i].Share = 100 * float64(out.Columns[i].Bytes) / float64(max(1, total))
	}
	slices.SortStableFunc(out.Columns, func(x, y reportColumn) int { return int(y.Bytes - x.Bytes) })
	for i, u := range m.Units {
		out.Units = append(out.Units, reportUnit{fmt.Sprintf("%s %d", u.Kind, i), codecs(u), indexes(u), u.Sorting, u.Rows, u.Bytes, max(0, u.Raw)})
	}
	return out, out.sample(ctx, a, r, limit)
}

func cellText(v any) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprint(v)
}

// sample takes the first rows in.
func (f *reportFile) sample(ctx context.Context, a *cli.App, r formats.FileReader, limit int64) error {
	for _, c := range r.Schema().Fields() {
		f.Header = append(f.Header, c.Name)
	}
	if limit == 0 {
		return nil
	}
	run := a.RunOptions()
	run.Jobs = 1
	style := render.Style{Null: "NULL"}
	for rec, err := range arrowio.Batches(ctx, r, arrowio.ScanRequest{Ordered: true, Limit: limit}, run) {
		if err != nil {
			return err
		}
		var cols []render.Appender
		for k, c := range rec.Columns() {
			cols = append(cols, style.Column(c, rec.Schema().Field(k)))
		}
		for i := range int(rec.NumRows()) {
			row := make([]string, len(cols))
			for k, c := range cols {
				row[k] = string(c(nil, i))
			}
			f.Rows = append(f.Rows, row)
		}
	}
	return nil
}
