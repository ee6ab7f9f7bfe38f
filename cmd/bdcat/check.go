package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
)

// defect is what is wrong with a file.
type defect struct {
	file, unit, column string
	offset             int64 // 0: unknown
	what               string
}

// String is the line of a defect: file:offset:column, then the words.
func (d defect) String() string {
	offset := ""
	if d.offset > 0 {
		offset = fmt.Sprint(d.offset)
	}
	unit := ""
	if d.unit != "" {
		unit = d.unit + ": "
	}
	return fmt.Sprintf("%s:%s:%s: %s%s", d.file, offset, d.column, unit, strings.ReplaceAll(d.what, "\n", "; "))
}

func newCheck(a *cli.App) *cobra.Command {
	var deep bool
	var doc cli.Document
	c := &cobra.Command{
		Use: "check SOURCE…", Short: "Verify files", Args: cobra.ArbitraryArgs,
		Long: `Verify magic numbers, footer, offsets, indexes and page headers; with --deep all checksums and
values too. A line a defect, as file:offset:column, and exit code 3 if there is one.`,
		Example: `  bdcat check flights.parquet
  bdcat check --deep 'flights/*.parquet'
  bdcat check --deep --json flights.parquet
  bdcat check -q --deep flights.parquet && echo whole
  bdcat check https://example.com/flights.parquet`,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := doc.AsJSON()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return fmt.Errorf("%w: no SOURCE was given (try: bdcat check --help)", cli.ErrUsage)
			}
			o, err := a.Catalog(args...)
			if err != nil {
				return err
			}
			docs, bad, files := []cli.Object{}, 0, 0
			for _, src := range args {
				found, err := catalog.Files(cmd.Context(), src, o)
				if err != nil {
					return err
				}
				for _, f := range found {
					list, err := checkFile(cmd, o, f, deep, a.RunOptions())
					if err != nil {
						return err
					}
					files++
					if len(list) > 0 {
						bad++
					}
					if asJSON {
						docs = append(docs, checkJSON(f.URL, list))
						continue
					}
					for _, d := range list {
						fmt.Fprintln(a.Stdout, d)
					}
					if len(list) == 0 && !a.Quiet {
						fmt.Fprintf(a.Stdout, "%s: ok\n", f.URL)
					}
				}
			}
			if asJSON {
				if err := cli.WriteJSON(a.Stdout, docs); err != nil {
					return err
				}
			}
			if bad > 0 {
				return fmt.Errorf("%w: %d of %d files", arrowio.ErrCorrupt, bad, files)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&deep, "deep", false, "verify all checksums and decode all values")
	doc.Flags(c.Flags())
	return c
}

// checkFile finds a file's defects. What keeps it from being read at all, such
// as a missing permission or key, is an error.
func checkFile(cmd *cobra.Command, o catalog.Options, f catalog.SourceFile, deep bool, run arrowio.RunOptions) (out []defect, err error) {
	ctx := cmd.Context()
	note := func(err error) error {
		if cli.ExitCode(err) != cli.ExitBadData || ctx.Err() != nil {
			return err
		}
		out = append(out, defectOf(f.URL, err))
		return nil
	}
	r, err := f.Open(ctx, o)
	if err != nil {
		return out, note(err)
	}
	defer r.Close()
	x, ok := r.(formats.Inspector)
	if !ok {
		if !deep {
			return nil, nil // its metadata could be read, and there is nothing else to look at
		}
		for _, err := range arrowio.Batches(ctx, r, arrowio.ScanRequest{Ordered: true}, run) {
			if err != nil {
				return out, note(err)
			}
		}
		return nil, nil
	}
	for err := range x.Check(ctx, deep) {
		if err := note(err); err != nil {
			return out, err
		}
	}
	return out, ctx.Err()
}

func defectOf(file string, err error) defect {
	d := defect{file: file, what: err.Error()}
	for e := (*arrowio.Error)(nil); errors.As(err, &e); err = e.Err {
		if e.Unit != "" && d.unit != "" {
			d.unit += ", " + e.Unit
		} else if e.Unit != "" {
			d.unit = e.Unit
		}
		if d.column == "" {
			d.column = e.Column
		}
		if e.Part != "" {
			d.unit = strings.TrimPrefix(d.unit+", "+e.Part, ", ")
		}
		if d.offset <= 0 {
			d.offset = e.Offset
		}
		d.what = e.Err.Error()
	}
	return d
}

func checkJSON(file string, list []defect) cli.Object {
	defects := []cli.Object{}
	for _, d := range list {
		defects = append(defects, cli.Object{{Name: "offset", Value: d.offset}, {Name: "unit", Value: d.unit}, {Name: "column", Value: d.column}, {Name: "defect", Value: d.what}})
	}
	return cli.Object{{Name: "file", Value: file}, {Name: "ok", Value: len(list) == 0}, {Name: "defects", Value: defects}}
}
