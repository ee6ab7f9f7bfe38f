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
	var o compare.Options
	var key string
	var schemaOnly, asJSON bool
	c := &cobra.Command{
		Use: "diff A B", Short: "What differs between two sources", Args: cobra.ArbitraryArgs,
		Long: "What differs between two sources: first the schema, then the values, row by row, by key, or as sets.\nExit code 1 if they differ.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := want(args, 2); err != nil {
				return err
			}
			d, err := diff(cmd.Context(), a, args, &rows, key, schemaOnly, &o)
			if err != nil {
				return err
			}
			if asJSON {
				if err := printJSON(a.Stdout, []map[string]any{{"equal": d.Equal(), "schema": d.Schema, "rows_a": d.RowsA, "rows_b": d.RowsB, "different": d.Different, "only_a": d.OnlyA, "only_b": d.OnlyB, "examples": d.Examples}}); err != nil {
					return err
				}
			} else {
				printDiff(a, d, schemaOnly)
			}
			if !d.Equal() {
				return cli.ErrDiffers
			}
			return nil
		},
	}
	rows.Flags(c.Flags())
	c.Flags().StringVar(&key, "key", "", "columns that identify a row: a,b")
	c.Flags().BoolVar(&schemaOnly, "schema-only", false, "compare the columns alone")
	c.Flags().Float64Var(&o.Tolerance, "tol", 0, "floats that differ by no more are equal")
	c.Flags().BoolVar(&o.IgnoreOrder, "ignore-order", false, "compare as multisets of rows")
	c.Flags().IntVar(&o.Examples, "examples", 10, "differences to show")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	return c
}

func diff(ctx context.Context, a *cli.App, args []string, rows *cli.Rows, key string, schemaOnly bool, o *compare.Options) (*compare.Result, error) {
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
	reqL, err := rows.Request(left.Schema())
	if err != nil {
		return nil, err
	}
	reqR, err := rows.Request(right.Schema())
	if err != nil {
		return nil, err
	}
	if key != "" {
		for k := range strings.SplitSeq(key, ",") {
			o.Key = append(o.Key, strings.TrimSpace(k))
		}
	}
	if schemaOnly {
		return &compare.Result{Schema: compare.Schemas(left.Schema(), right.Schema())}, nil
	}
	run := a.RunOptions()
	run.Alloc = nil // rows are kept
	return compare.Tables(ctx, left, reqL, right, reqR, run, *o)
}

func printDiff(a *cli.App, d *compare.Result, schemaOnly bool) {
	for _, s := range d.Schema {
		fmt.Fprintln(a.Stdout, s)
	}
	if !schemaOnly && len(d.Schema) == 0 {
		for _, e := range d.Examples {
			fmt.Fprintln(a.Stdout, e)
		}
		if !d.Equal() {
			fmt.Fprintf(a.Stdout, "%d rows differ, %d only in the first, %d only in the second (%d and %d rows)\n", d.Different, d.OnlyA, d.OnlyB, d.RowsA, d.RowsB)
		}
	}
	if d.Equal() {
		fmt.Fprintln(a.Stdout, "equal")
	}
}
