package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/pushdown"
)

func newExplain(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var asJSON bool
	c := &cobra.Command{
		Use: "explain SOURCE…", Short: "What a scan would read, and why", Args: cobra.ArbitraryArgs,
		Long: "What a scan would read, and why: the plan that cat makes of the same flags.",
		RunE: func(cmd *cobra.Command, args []string) error {
			src, scan, splits, err := plan(cmd.Context(), a, args, &rows)
			if err != nil {
				return err
			}
			defer src.Close()
			filter := "none"
			if scan.Request.Filter != nil {
				filter = scan.Request.Filter.String()
			}
			if asJSON {
				kept, pruned := []map[string]any{}, []map[string]any{}
				for _, s := range splits {
					kept = append(kept, map[string]any{"source": s.Source, "id": s.ID, "rows": s.Rows, "exact": s.Exact, "bytes": s.Bytes, "residual": residual(s.Residual, filter)})
				}
				for _, n := range scan.Pruned {
					pruned = append(pruned, map[string]any{"unit": n.Unit, "reason": n.Reason})
				}
				return printJSON(a.Stdout, []map[string]any{{"filter": filter, "schema": jsonFields(scan.Schema.Fields()), "kept": kept, "pruned": pruned}})
			}
			fmt.Fprintf(a.Stdout, "filter: %s\ncolumns:", filter)
			for _, f := range scan.Schema.Fields() {
				fmt.Fprintf(a.Stdout, " %s", f.Name)
			}
			fmt.Fprintln(a.Stdout)
			bytes, n := int64(0), int64(0)
			for _, s := range splits {
				about := "up to "
				if s.Exact {
					about = ""
				}
				fmt.Fprintf(a.Stdout, "read  %s: %s%d rows, %s, residual: %s\n", s.Source, about, s.Rows, cli.HumanBytes(s.Bytes), residual(s.Residual, filter))
				bytes, n = bytes+s.Bytes, n+s.Rows
			}
			for _, p := range scan.Pruned {
				fmt.Fprintf(a.Stdout, "skip  %s: %s\n", p.Unit, p.Reason)
			}
			fmt.Fprintf(a.Stdout, "%d units to read (%s, %d rows), %d skipped\n", len(splits), cli.HumanBytes(bytes), n, len(scan.Pruned))
			return nil
		},
	}
	rows.Flags(c.Flags())
	c.Flags().Int64VarP(&rows.Limit, "limit", "n", 0, "that many rows at most")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	return c
}

// residual is what is left to evaluate after the source.
func residual(e pushdown.Expr, filter string) string {
	switch e {
	case nil:
		return filter
	case pushdown.True:
		return "none"
	}
	return e.String()
}
