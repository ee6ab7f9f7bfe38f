package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/pushdown"
)

func newCount(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var doc cli.Document
	var each, failEmpty bool
	c := &cobra.Command{
		Use: "count SOURCE…", Short: "How many rows", Args: cobra.ArbitraryArgs,
		Long: "How many rows: from the metadata alone where it is enough, else from the columns of the filter.",
		Example: `  bdcat count flights.parquet                               # the footer alone is read
  bdcat count -w "dep_delay > 60" flights.parquet
  bdcat count -l 'flights/*.parquet'                        # of each file
  bdcat count --fail-empty -w "carrier = 'ZZ'" flights.parquet || echo none
  bdcat count -n 1 -w "dest = 'HNL'" flights.parquet        # stops at the first`,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := doc.AsJSON()
			if err != nil {
				return err
			}
			n, files, err := count(cmd, a, args, &rows, each)
			if err != nil {
				return err
			}
			switch {
			case asJSON && each:
				list := []cli.Object{}
				for _, f := range files {
					list = append(list, cli.Object{{Name: "file", Value: f.name}, {Name: "rows", Value: f.rows}})
				}
				err = cli.WriteJSON(a.Stdout, cli.Object{{Name: "rows", Value: n}, {Name: "files", Value: list}})
			case asJSON:
				err = cli.WriteJSON(a.Stdout, cli.Object{{Name: "rows", Value: n}})
			case each:
				for _, f := range files {
					fmt.Fprintf(a.Stdout, "%d\t%s\n", f.rows, f.name)
				}
			default:
				fmt.Fprintln(a.Stdout, n)
			}
			if err == nil && failEmpty && n == 0 {
				return cli.ErrDiffers
			}
			return err
		},
	}
	rows.Flags(c.Flags())
	rows.LimitFlags(c.Flags(), 0, "count no further", "leave out that many rows first")
	doc.Flags(c.Flags())
	c.Flags().BoolVarP(&each, "list", "l", false, "of each file")
	c.Flags().BoolVar(&failEmpty, "fail-empty", false, "exit code 1 if there is none")
	return c
}

type counted struct {
	name string
	rows int64
}

func count(cmd *cobra.Command, a *cli.App, args []string, rows *cli.Rows, each bool) (total int64, files []counted, err error) {
	add := func(name string, t arrowio.Table) error {
		req, err := rows.Request(a, t.Schema())
		if err != nil {
			return err
		}
		n, err := countRows(cmd.Context(), t, req, a.RunOptions(), rows)
		if err != nil {
			return err
		}
		total += n
		files = append(files, counted{name, n})
		return nil
	}
	if each {
		err = eachFile(cmd, a, args, func(f catalog.SourceFile, r formats.FileReader) error { return add(f.URL, r) })
		return total, files, err
	}
	src, err := a.Open(cmd.Context(), args)
	if err != nil {
		return 0, nil, err
	}
	defer src.Close()
	err = add("", src)
	return total, files, err
}

// countRows counts; with a limit and a filter it stops early.
func countRows(ctx context.Context, t arrowio.Table, req arrowio.ScanRequest, o arrowio.RunOptions, rows *cli.Rows) (n int64, err error) {
	if !rows.Limited() || req.Filter == nil {
		if n, err = arrowio.Count(ctx, t, req.Filter, o); err != nil {
			return 0, err
		}
		if n = max(0, n-rows.Offset); rows.Limited() {
			n = min(n, rows.Limit)
		}
		return n, nil
	}
	rows.Bound(&req)
	req.Columns, req.Ordered = []pushdown.Path{}, false
	r, err := arrowio.Read(ctx, t, req, o)
	if err != nil {
		return 0, err
	}
	r = rows.Cut(r)
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	return n, r.Close()
}
