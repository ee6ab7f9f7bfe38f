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
		Example: "  bdcat cat -s 'a, b.*' -w 'a > 5' -o csv data.parquet\n  bdcat cat -o none --memory 256M big.parquet",
		RunE:    func(cmd *cobra.Command, args []string) error { return show(cmd, a, args, &rows, &out) },
	}
	rows.Flags(c.Flags())
	out.Flags(c.Flags())
	c.Flags().Int64VarP(&rows.Limit, "limit", "n", 0, "that many rows at most")
	c.Flags().Int64Var(&rows.Offset, "offset", 0, "leave out that many rows first")
	return c
}

func newHead(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var out cli.Output
	c := &cobra.Command{
		Use: "head SOURCE…", Short: "The first rows", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return show(cmd, a, args, &rows, &out) },
	}
	rows.Flags(c.Flags())
	out.Flags(c.Flags())
	c.Flags().Int64VarP(&rows.Limit, "limit", "n", 10, "how many rows")
	c.Flags().Int64Var(&rows.Offset, "offset", 0, "leave out that many rows first")
	return c
}

// show writes the rows that the flags ask for.
func show(cmd *cobra.Command, a *cli.App, args []string, rows *cli.Rows, out *cli.Output) error {
	src, err := a.Open(cmd.Context(), args)
	if err != nil {
		return err
	}
	defer src.Close()
	req, err := rows.Request(src.Schema())
	if err != nil {
		return err
	}
	limited := cmd.Flags().Changed("limit") || rows.Limit > 0
	run := a.RunOptions()
	if limited {
		cli.Bound(&req, rows.Limit+rows.Offset)
		if req.Limit <= 4096 { // one batch does: nothing is read ahead
			run.Jobs = 1
		}
	}
	r, err := arrowio.Read(cmd.Context(), src, req, run)
	if err != nil {
		return err
	}
	if rows.Offset > 0 {
		r = arrowio.Offset(r, rows.Offset)
	}
	if limited {
		r = arrowio.Limit(r, rows.Limit)
	}
	_, err = a.Show(r, out)
	return err
}
