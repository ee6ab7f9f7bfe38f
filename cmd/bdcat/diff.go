package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/cli/compare"
)

func newDiff(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var doc cli.Document
	var o compare.Options
	var key string
	c := &cobra.Command{
		Use: "diff A B", Short: "What differs between two sources", Args: cobra.ArbitraryArgs,
		Long: `What differs between two sources: first the schema, then the values, row by row, by key, or
as multisets of rows. Exit code 1 if they differ. By key and as multisets the rows of B are held
in memory (--memory bounds them).`,
		Example: `  bdcat diff old.parquet new.parquet
  bdcat diff --schema-only old.parquet new.parquet
  bdcat diff --key 'carrier, flight' old.parquet new.parquet
  bdcat diff --ignore-order --tol 1e-9 -s 'flight, distance' old.parquet new.parquet
  bdcat diff --json -w 'month = 1' old.parquet new.parquet`,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := doc.AsJSON()
			if err != nil {
				return err
			}
			if err := want(args, 2, "diff compares two sources"); err != nil {
				return err
			}
			if o.Tolerance < 0 || o.Examples < 0 {
				return fmt.Errorf("%w: a negative --tol or --examples", cli.ErrUsage)
			}
			if key != "" {
				for k := range strings.SplitSeq(key, ",") {
					o.Key = append(o.Key, strings.TrimSpace(k))
				}
			}
			d, err := diff(cmd.Context(), a, args, &rows, &o)
			if err != nil {
				return err
			}
			if asJSON {
				err = cli.WriteJSON(a.Stdout, diffJSON(d))
			} else {
				printDiff(a, d)
			}
			if err == nil && !d.Equal() {
				return cli.ErrDiffers
			}
			return err
		},
	}
	rows.Flags(c.Flags())
	rows.LimitFlags(c.Flags(), 0, "compare that many rows at most", "leave out that many rows of both first")
	doc.Flags(c.Flags())
	c.Flags().StringVar(&key, "key", "", "columns that identify a row: a,b")
	c.Flags().BoolVar(&o.SchemaOnly, "schema-only", false, "compare the columns alone")
	c.Flags().Float64Var(&o.Tolerance, "tol", 0, "floats that differ by no more are equal")
	c.Flags().BoolVar(&o.IgnoreOrder, "ignore-order", false, "compare as multisets of rows")
	c.Flags().IntVar(&o.Examples, "examples", 10, "differences to show")
	return c
}

func diff(ctx context.Context, a *cli.App, args []string, rows *cli.Rows, o *compare.Options) (*compare.Result, error) {
	left, err := a.Open(ctx, args[:1])
	if err != nil {
		return nil, err
	}
	defer left.Close()
	right, err := a.Open(ctx, args[1:])
	if err != nil {
		return nil, err
	}
	defer right.Close()
	reqL, err := rows.Request(a, left.Schema())
	if err != nil {
		return nil, err
	}
	reqR, err := rows.Request(a, right.Schema())
	if err != nil {
		return nil, err
	}
	rows.Bound(&reqL)
	rows.Bound(&reqR)
	o.Cut = rows.Cut
	o.MaxBytes = int64(a.Memory) / 2
	return compare.Tables(ctx, left, reqL, right, reqR, a.RunOptions(), *o)
}

func diffJSON(d *compare.Result) cli.Object {
	list := func(s []string) []string { return append([]string{}, s...) }
	return cli.Object{
		{Name: "equal", Value: d.Equal()}, {Name: "schema", Value: list(d.Schema)}, {Name: "compared", Value: d.Compared},
		{Name: "rows_a", Value: d.RowsA}, {Name: "rows_b", Value: d.RowsB}, {Name: "different", Value: d.Different},
		{Name: "only_a", Value: d.OnlyA}, {Name: "only_b", Value: d.OnlyB}, {Name: "examples", Value: list(d.Examples)},
	}
}

func printDiff(a *cli.App, d *compare.Result) {
	lines := append(append([]string{}, d.Schema...), d.Examples...)
	for _, l := range lines {
		fmt.Fprintln(a.Stdout, l)
	}
	switch {
	case d.Equal():
		fmt.Fprintln(a.Stdout, "equal")
	case d.Compared && d.Different+d.OnlyA+d.OnlyB > 0:
		fmt.Fprintf(a.Stdout, "%d rows differ, %d only in the first, %d only in the second (%d and %d rows)\n", d.Different, d.OnlyA, d.OnlyB, d.RowsA, d.RowsB)
	}
}
