package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
)

func newCount(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var each, failEmpty, asJSON bool
	c := &cobra.Command{
		Use: "count SOURCE…", Short: "How many rows", Args: cobra.ArbitraryArgs,
		Long: "How many rows: from the metadata alone where it is enough.",
		RunE: func(cmd *cobra.Command, args []string) error {
			total := int64(0)
			var docs []map[string]any
			add := func(name string, t arrowio.Table) error {
				req, err := rows.Request(t.Schema())
				if err != nil {
					return err
				}
				n, err := arrowio.Count(cmd.Context(), t, req.Filter, a.RunOptions())
				if err != nil {
					return err
				}
				total += n
				if each && !asJSON {
					fmt.Fprintf(a.Stdout, "%d\t%s\n", n, name)
				}
				docs = append(docs, map[string]any{"file": name, "rows": n})
				return nil
			}
			var err error
			if each {
				err = eachFile(cmd, a, args, func(f catalog.SourceFile, r formats.FileReader) error { return add(f.URL, r) })
			} else {
				src, oerr := a.Open(cmd.Context(), args)
				if oerr != nil {
					return oerr
				}
				defer src.Close()
				err = add("", src)
			}
			if err != nil {
				return err
			}
			switch {
			case asJSON && each:
				if err := printJSON(a.Stdout, []map[string]any{{"rows": total, "files": docs}}); err != nil {
					return err
				}
			case asJSON:
				if err := printJSON(a.Stdout, []map[string]any{{"rows": total}}); err != nil {
					return err
				}
			case !each:
				fmt.Fprintln(a.Stdout, total)
			}
			if failEmpty && total == 0 {
				return cli.ErrDiffers
			}
			return nil
		},
	}
	rows.Flags(c.Flags())
	c.Flags().BoolVarP(&each, "list", "l", false, "of each file")
	c.Flags().BoolVar(&failEmpty, "fail-empty", false, "exit code 1 if there is none")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	return c
}
