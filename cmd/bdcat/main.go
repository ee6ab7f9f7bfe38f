// Command bdcat looks at columnar data anywhere and changes nothing.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/internal/cli"
)

func main() { os.Exit(run(cli.New("bdcat"), os.Args[1:])) }

// run is main without the process around it.
func run(a *cli.App, args []string) int { return a.Main(newRoot(a), args) }

const examples = `  bdcat flights.parquet                                  all rows
  bdcat head -n 5 -s 'carrier, dep_delay' flights.parquet
  bdcat count -w "dep_delay > 60 AND carrier IN ('AA', 'DL')" 'flights/*.parquet'
  bdcat schema https://example.com/flights.parquet
  bdcat cat -o arrow flights.parquet | python -c 'import pyarrow, sys; …'`

func newRoot(a *cli.App) *cobra.Command {
	c := newCat(a)
	root := &cobra.Command{
		Use: "bdcat [command] SOURCE…", Short: "Look at columnar data anywhere", Example: examples,
		Long: "Look at columnar data anywhere.\n\nA SOURCE is a path, a quoted glob, a directory, a URL or - for standard input.\nWithout a command, the rows are shown as by cat.",
		Args: cobra.ArbitraryArgs, RunE: c.RunE,
	}
	a.Flags(root.PersistentFlags())
	root.Flags().AddFlagSet(c.Flags())
	root.AddCommand(c, newHead(a), newTail(a), newSample(a), newSchema(a), newMeta(a), newInspect(a), newStats(a), newCount(a),
		newDiff(a), newCheck(a), newExplain(a), newFormats(a), newVersion(a))
	root.AddCommand(&cobra.Command{Use: "topics", Short: "What else there is help on", Long: topicList()})
	for _, t := range topics {
		root.AddCommand(&cobra.Command{Use: t.name, Short: t.short, Long: t.text})
	}
	root.SetHelpTemplate(helpTemplate)
	return root
}

// helpTemplate leads with the examples.
const helpTemplate = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`

// want checks the number of sources.
func want(args []string, n int) error {
	if len(args) != n {
		return fmt.Errorf("%w: %d sources are needed, %d were given", cli.ErrUsage, n, len(args))
	}
	return nil
}
