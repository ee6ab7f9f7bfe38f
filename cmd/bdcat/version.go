package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
)

func newFormats(a *cli.App) *cobra.Command {
	var doc cli.Document
	c := &cobra.Command{
		Use: "formats", Short: "The formats, and their options (-X)", Args: cobra.ArbitraryArgs,
		Example: `  bdcat formats
  bdcat formats --json`,
		RunE: func(_ *cobra.Command, args []string) error {
			asJSON, err := doc.AsJSON()
			if err != nil {
				return err
			}
			if err := want(args, 0, "formats takes no source"); err != nil {
				return err
			}
			if asJSON {
				return cli.WriteJSON(a.Stdout, formatsJSON())
			}
			for i, f := range formats.All() {
				if i > 0 {
					fmt.Fprintln(a.Stdout)
				}
				fmt.Fprintf(a.Stdout, "%s (.%s)\n", f.Name(), strings.Join(f.Extensions(), ", ."))
				l := cli.Listing{Columns: []string{"  ", "option", "default", "what it does"}}
				for _, o := range f.Options() {
					l.Add("  "+side(o), o.Key, o.Default, o.Help)
				}
				if err := a.ShowListing(&l, &cli.Table{Form: "text", NoHeader: true}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	doc.Flags(c.Flags())
	return c
}

func side(o formats.OptionInfo) string {
	if o.Write {
		return "write"
	}
	return "read"
}

func formatsJSON() []cli.Object {
	out := []cli.Object{}
	for _, f := range formats.All() {
		options := []cli.Object{}
		for _, o := range f.Options() {
			options = append(options, cli.Object{{Name: "key", Value: o.Key}, {Name: "side", Value: side(o)}, {Name: "default", Value: o.Default}, {Name: "help", Value: o.Help}})
		}
		out = append(out, cli.Object{{Name: "name", Value: f.Name()}, {Name: "extensions", Value: f.Extensions()}, {Name: "options", Value: options}})
	}
	return out
}

func newVersion(a *cli.App) *cobra.Command {
	var doc cli.Document
	c := &cobra.Command{
		Use: "version", Short: "The version of the program", Args: cobra.ArbitraryArgs,
		Example: `  bdcat version
  bdcat version --json`,
		RunE: func(_ *cobra.Command, args []string) error {
			asJSON, err := doc.AsJSON()
			if err != nil {
				return err
			}
			if err := want(args, 0, "version takes no source"); err != nil {
				return err
			}
			version, revision := "unknown", ""
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = s.Value
					}
				}
			}
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if asJSON {
				return cli.WriteJSON(a.Stdout, cli.Object{
					{Name: "program", Value: a.Prog}, {Name: "version", Value: version}, {Name: "revision", Value: revision},
					{Name: "go", Value: runtime.Version()}, {Name: "platform", Value: platform},
				})
			}
			if revision != "" {
				revision = " " + revision
			}
			_, err = fmt.Fprintf(a.Stdout, "%s %s%s %s %s\n", a.Prog, version, revision, runtime.Version(), platform)
			return err
		},
	}
	doc.Flags(c.Flags())
	return c
}
