package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
)

func newCheck(a *cli.App) *cobra.Command {
	var deep bool
	c := &cobra.Command{
		Use: "check SOURCE…", Short: "Verify files", Args: cobra.ArbitraryArgs,
		Long: "Verify magic numbers, footer, offsets and indexes; with --deep all checksums and values too.\nA line a defect, and exit code 3 if there is one.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%w: no SOURCE was given", cli.ErrUsage)
			}
			var worst error
			o, err := a.Catalog(args...)
			if err != nil {
				return err
			}
			for _, src := range args {
				files, err := catalog.Files(cmd.Context(), src, o)
				if err != nil {
					return err
				}
				for _, f := range files {
					n, err := checkFile(cmd, a, o, f, deep)
					if err != nil {
						return err
					}
					if n > 0 && worst == nil {
						worst = fmt.Errorf("%w: %s has %d defects", arrowio.ErrCorrupt, f.URL, n)
					}
				}
			}
			return worst
		},
	}
	c.Flags().BoolVar(&deep, "deep", false, "verify all checksums and decode all values")
	return c
}

// checkFile prints a file's defects and gives their number.
func checkFile(cmd *cobra.Command, a *cli.App, o catalog.Options, f catalog.SourceFile, deep bool) (int, error) {
	r, err := f.Open(cmd.Context(), o)
	if err != nil {
		if errors.Is(err, arrowio.ErrCorrupt) || errors.Is(err, arrowio.ErrUnsupported) {
			fmt.Fprintf(a.Stdout, "%s\n", err)
			return 1, nil
		}
		return 0, err
	}
	defer r.Close()
	x, ok := r.(formats.Inspector)
	if !ok {
		return 0, fmt.Errorf("%w: nothing to check of format %s", arrowio.ErrUnsupported, r.Meta().Format)
	}
	n := 0
	for defect := range x.Check(cmd.Context(), deep) {
		if err := cmd.Context().Err(); err != nil {
			return n, err
		}
		fmt.Fprintf(a.Stdout, "%s\n", defect)
		n++
	}
	if n == 0 {
		fmt.Fprintf(a.Stdout, "%s: ok\n", f.URL)
	}
	return n, nil
}
