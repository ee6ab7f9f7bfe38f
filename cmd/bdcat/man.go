package main

import (
	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/internal/cli"
)

// newMan is for packagers: `bdcat man DIR` writes the manual pages.
func newMan(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages", Hidden: true, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := want(args, 1, "man writes into one directory"); err != nil {
				return err
			}
			return cli.ManPages(cmd.Root(), args[0])
		},
	}
}
