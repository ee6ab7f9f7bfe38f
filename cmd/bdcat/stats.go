package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/cli/profile"
)

func newStats(a *cli.App) *cobra.Command {
	var exact, asJSON bool
	var rows cli.Rows
	c := &cobra.Command{
		Use: "stats SOURCE…", Short: "Bounds, nulls and distinct values of columns", Args: cobra.ArbitraryArgs,
		Long: "Bounds, nulls and distinct values of columns, from the metadata alone, or counted with --exact.\nEach number says where it comes from.",
		RunE: func(cmd *cobra.Command, args []string) error {
			var cols []profile.Column
			var err error
			if exact {
				cols, err = exactStats(cmd.Context(), a, args, &rows)
			} else {
				if rows.Where != "" || rows.Select != "" {
					return fmt.Errorf("%w: metadata knows nothing of --where and --select (try: --exact)", cli.ErrUsage)
				}
				var m profile.Merger
				err = eachFile(cmd, a, args, func(_ catalog.SourceFile, r formats.FileReader) error { return m.Add(r.Meta()) })
				cols = m.Columns()
			}
			if err != nil {
				return err
			}
			if asJSON {
				b, err := json.MarshalIndent(cols, "", "  ")
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.Stdout, "%s\n", b)
				return err
			}
			t := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "column\ttype\trows\tnulls\tdistinct\tmin\tmax\tsource")
			for _, c := range cols {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Path, c.Type, number(c.Rows), number(c.Nulls), number(c.Distinct), bound(c.Min, c.MinExact), bound(c.Max, c.MaxExact), c.Source)
			}
			return t.Flush()
		},
	}
	rows.Flags(c.Flags())
	c.Flags().BoolVar(&exact, "exact", false, "read all rows and count")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	return c
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

// bound marks what may have been cut short.
func bound(v *string, exact bool) string {
	switch {
	case v == nil:
		return "-"
	case !exact:
		return "~" + *v
	}
	return *v
}

func exactStats(ctx context.Context, a *cli.App, args []string, rows *cli.Rows) ([]profile.Column, error) {
	src, err := a.Open(ctx, args)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	req, err := rows.Request(src.Schema())
	if err != nil {
		return nil, err
	}
	return profile.Exact(ctx, src, req, a.RunOptions())
}
