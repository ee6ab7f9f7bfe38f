package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// Help makes a program's help lead with its examples.
func Help(root *cobra.Command) {
	cobra.AddTemplateFunc("bdFlags", flagUsages)
	cobra.AddTemplateFunc("bdOwn", ownFlags)
	cobra.AddTemplateFunc("bdCommon", commonFlags)
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(usageTemplate)
	root.CompletionOptions.HiddenDefaultCmd = false
}

const helpTemplate = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`

const usageTemplate = `Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{$cmd := .}}{{range $group := .Groups}}

{{.Title}}{{range $cmd.Commands}}{{if (and (eq .GroupID $group.ID) .IsAvailableCommand)}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if not .AllChildCommandsHaveGroup}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if (and (eq .GroupID "") .IsAvailableCommand)}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{with bdOwn .}}

Flags:
{{bdFlags .}}{{end}}{{with bdCommon .}}

Flags of all commands:
{{bdFlags .}}{{end}}{{if .HasAvailableSubCommands}}

{{.CommandPath}} COMMAND --help says more of a command.{{if .HasHelpSubCommands}} There is help on topics too:
{{range .Commands}}{{if .IsAdditionalHelpTopicCommand}}
  {{.Root.Name}} help {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}
`

func flagUsages(f *pflag.FlagSet) string {
	width := 100
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 40 {
		width = min(w, 120)
	}
	return strings.TrimRight(f.FlagUsagesWrapped(width), "\n")
}

// ownFlags are those of the command alone; nil if there is none.
func ownFlags(c *cobra.Command) *pflag.FlagSet {
	common := commonFlags(c)
	own := pflag.NewFlagSet(c.Name(), pflag.ContinueOnError)
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if common == nil || common.Lookup(f.Name) == nil {
			own.AddFlag(f)
		}
	})
	if !own.HasAvailableFlags() {
		return nil
	}
	return own
}

// commonFlags are those of all commands; nil for a program of one command,
// where there is nothing to tell apart.
func commonFlags(c *cobra.Command) *pflag.FlagSet {
	if f := c.Root().PersistentFlags(); f.HasAvailableFlags() {
		return f
	}
	return nil
}
