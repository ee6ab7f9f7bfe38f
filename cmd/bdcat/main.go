// Command bdcat looks at columnar data anywhere and changes nothing.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/cli"
)

func main() { os.Exit(run(cli.New("bdcat"), os.Args[1:])) }

// run is main without the process around it.
func run(a *cli.App, args []string) int { return a.Main(newRoot(a), args) }

const examples = `  bdcat flights.parquet                                   # all rows: a table on a terminal, JSON lines in a pipe
  bdcat head -n 5 -s 'carrier, dep_delay' flights.parquet
  bdcat count -w "dep_delay > 60 AND carrier IN ('AA', 'DL')" 'flights/*.parquet'
  bdcat schema https://example.com/flights.parquet        # over HTTP, only the bytes that are needed
  bdcat cat -o arrow flights.parquet > flights.arrows     # an Arrow IPC stream`

// The groups in which help shows the commands.
const (
	groupRows  = "rows"
	groupFiles = "files"
	groupAbout = "about"
)

func newRoot(a *cli.App) *cobra.Command {
	a.Refused = map[string]string{
		"sort":     "rows come in the order of the source (try: bdcat cat -o csv … | sort, or DuckDB on the file)",
		"order-by": "rows come in the order of the source (try: bdcat cat -o csv … | sort, or DuckDB on the file)",
		"distinct": "all rows are shown (try: bdcat cat -o jsonl … | sort -u, or DuckDB on the file)",
	}
	c := newCat(a)
	root := &cobra.Command{
		Use: "bdcat [COMMAND] SOURCE…", Short: "Look at columnar data anywhere", Example: examples,
		Long: `Look at columnar data anywhere, and change nothing.

A SOURCE is a path, a quoted glob, a directory, a URL, @NAME of the configuration, or - for
standard input. Without a command, the rows are shown as by cat; a file that is called like a
command is ./NAME.`,
		Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := mistyped(cmd, args); err != nil {
				return err
			}
			return c.RunE(cmd, args)
		},
	}
	root.AddGroup(&cobra.Group{ID: groupRows, Title: "Look at rows:"}, &cobra.Group{ID: groupFiles, Title: "Look at files:"}, &cobra.Group{ID: groupAbout, Title: "Find out:"})
	a.Flags(root.PersistentFlags())
	a.ReadFlags(root.PersistentFlags())
	root.Flags().AddFlagSet(c.Flags())
	for _, g := range []struct {
		id       string
		commands []*cobra.Command
	}{
		{groupRows, []*cobra.Command{c, newHead(a), newTail(a), newSample(a), newCount(a), newDiff(a)}},
		{groupFiles, []*cobra.Command{newSchema(a), newMeta(a), newInspect(a), newStats(a), newCheck(a), newExplain(a), newLs(a), newReport(a)}},
		{groupAbout, []*cobra.Command{newSources(a), newFormats(a), newDoctor(a), newVersion(a)}},
	} {
		for _, c := range g.commands {
			c.GroupID, c.DisableFlagsInUseLine = g.id, true
			root.AddCommand(c)
		}
	}
	root.SetCompletionCommandGroupID(groupAbout)
	root.SetHelpCommandGroupID(groupAbout)
	root.AddCommand(newMan(a))
	root.AddCommand(&cobra.Command{Use: "topics", Short: "What else there is help on", Long: topicList()})
	for _, t := range topics {
		root.AddCommand(&cobra.Command{Use: t.name, Aliases: []string{t.name + "-syntax"}, Short: t.short, Long: t.text})
	}
	complete(a, root)
	cli.Help(root)
	return root
}

// mistyped says so when a bare word is no file but nearly a command.
func mistyped(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || strings.ContainsAny(args[0], "/.:*?[@-") {
		return nil
	}
	if _, err := os.Stat(args[0]); !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var names []string
	for _, c := range cmd.Root().Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if best := cli.Closest(args[0], names); best != "" {
		return fmt.Errorf("%w: %s is no command and no file (did you mean %s?)", cli.ErrUsage, args[0], best)
	}
	return fmt.Errorf("%w: %s is no command and no file (try: bdcat --help)", fs.ErrNotExist, args[0])
}

// want checks the number of sources.
func want(args []string, n int, what string) error {
	if len(args) != n {
		return fmt.Errorf("%w: %s, %d given", cli.ErrUsage, what, len(args))
	}
	return nil
}
