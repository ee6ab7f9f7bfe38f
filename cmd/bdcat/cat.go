package main

import (
	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/cli"
)

func newCat(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var out cli.Output
	c := &cobra.Command{
		Use: "cat SOURCE…", Short: "All rows", Args: cobra.ArbitraryArgs,
		Long: "All rows, in the order of the source: a table on a terminal, JSON lines in a pipe.",
		Example: `  bdcat cat -s 'carrier, dep_delay' -w 'dep_delay > 60' flights.parquet
  bdcat cat -s 'id, user.*, !user.email' events.parquet     # fields of structs, and all but one
  bdcat cat -o csv 'flights/*.parquet' > flights.csv
  bdcat cat -w "day BETWEEN DATE '2013-01-01' AND DATE '2013-01-07'" --tz local flights.parquet
  bdcat cat -o none --memory 256M flights.parquet           # decodes everything, reports rows, bytes and rate`,
		RunE: func(cmd *cobra.Command, args []string) error { return show(cmd, a, args, &rows, &out) },
	}
	rows.Flags(c.Flags())
	rows.LimitFlags(c.Flags(), 0, "that many rows at most", "leave out that many rows first")
	out.Flags(c.Flags())
	return c
}

func newHead(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var out cli.Output
	c := &cobra.Command{
		Use: "head SOURCE…", Short: "The first rows", Args: cobra.ArbitraryArgs,
		Long: "The first rows. Only the pages that hold them are read.",
		Example: `  bdcat head flights.parquet
  bdcat head -n 3 -s 'carrier, flight, dest' flights.parquet
  bdcat head -n 1 -o line events.parquet                    # a line a value: for wide and nested rows
  bdcat head -w "origin = 'JFK'" 'flights/*.parquet'
  bdcat head -o markdown -n 5 https://example.com/flights.parquet`,
		RunE: func(cmd *cobra.Command, args []string) error { return show(cmd, a, args, &rows, &out) },
	}
	rows.Flags(c.Flags())
	rows.LimitFlags(c.Flags(), 10, "how many rows", "leave out that many rows first")
	out.Flags(c.Flags())
	return c
}

// show writes the rows that the flags ask for.
func show(cmd *cobra.Command, a *cli.App, args []string, rows *cli.Rows, out *cli.Output) error {
	if err := out.Check(); err != nil {
		return err
	}
	a.Once = true
	src, err := a.Open(cmd.Context(), args)
	if err != nil {
		return err
	}
	defer src.Close()
	req, err := rows.Request(a, src.Schema())
	if err != nil {
		return err
	}
	rows.Bound(&req)
	run := a.RunOptions()
	if rows.Limited() && req.Filter == nil && req.Limit <= 4096 { // one batch does: nothing is read ahead
		run.Jobs = 1
	}
	r, err := arrowio.Read(cmd.Context(), src, req, run)
	if err != nil {
		return err
	}
	_, err = a.Show(rows.Cut(r), out)
	return err
}
