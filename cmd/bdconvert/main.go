// Command bdconvert moves data between formats and stores and loses nothing.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/internal/cli"
)

func main() { os.Exit(run(cli.New("bdconvert"), os.Args[1:])) }

// run is main without the process around it.
func run(a *cli.App, args []string) int {
	root, _ := newRoot(a)
	root.AddCommand(newPlan(a), newWorker(a), newCommit(a))
	return a.Main(root, args)
}

const examples = `  bdconvert data.parquet small.parquet --codec zstd --level 9
  bdconvert -s 'a, b.*' -w 'a > 5' data.parquet part.parquet --verify
  bdconvert 'in/*.parquet' out/                     each file on its own
  bdconvert in/a.parquet in/b.parquet both.parquet  into one
  bdconvert data.parquet tree/ --partition-by a --sort-within day --max-rows 1000000
  bdconvert --cast 'a=int64, day=date' --rename day=date data.parquet clean.parquet`

func newRoot(a *cli.App) (*cobra.Command, *flags) {
	j := &flags{app: a}
	root := &cobra.Command{
		Use: "bdconvert [flags] SOURCE… DEST", Short: "Move data between formats and stores", Example: examples,
		Long: "Move data between formats and stores, and lose nothing.\n\nDEST is a file, a directory (with a slash at its end, or one that is there), a URL, or - for standard output.\nNothing is there under its name before all of it is.",
		Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error { return j.run(cmd.Context(), args) },
	}
	a.Writes = true
	a.Flags(root.PersistentFlags())
	j.define(root.Flags())
	return root, j
}
