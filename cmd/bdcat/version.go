package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
)

func newFormats(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "formats", Short: "The formats, and their options (-X)",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := want(args, 0); err != nil {
				return err
			}
			for _, f := range formats.All() {
				fmt.Fprintf(a.Stdout, "%s (.%s)\n", f.Name(), strings.Join(f.Extensions(), ", ."))
				t := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
				for _, o := range f.Options() {
					side := "read"
					if o.Write {
						side = "write"
					}
					fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", side, o.Key, o.Default, o.Help)
				}
				if err := t.Flush(); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newVersion(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "The version of the program",
		RunE: func(*cobra.Command, []string) error {
			version, revision := "unknown", ""
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = " " + s.Value
					}
				}
			}
			_, err := fmt.Fprintf(a.Stdout, "%s %s%s %s %s/%s\n", a.Prog, version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
