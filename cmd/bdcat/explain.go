package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/pushdown"
)

// typed is a literal that a bound filter gives with its type, for the scan to
// read back; people know it from the column.
var typed = regexp.MustCompile(`'(-?[0-9][0-9.eE+-]*)'::u?(?:int|float)[0-9]+|('(?:[^']|'')*')::(?:large_)?(?:utf8|string)(?:_view)?`)

// plain is a filter for people.
func plain(filter string) string { return typed.ReplaceAllString(filter, "$1$2") }

// explained is a split of a plan with what is known of it beforehand.
type explained struct {
	arrowio.Split
	unit   string
	ranges []formats.Extent
	pushed string // what the source filters by; "" if nothing
	left   string // what is evaluated after it; "" if nothing
}

func newExplain(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var doc cli.Document
	var analyze bool
	c := &cobra.Command{
		Use: "explain SOURCE…", Short: "What a scan would read, and why", Args: cobra.ArbitraryArgs,
		Long: `What a scan would read, and why: the plan that cat makes of the same flags, its units kept and
skipped, the filter that the source evaluates and what is left of it, and the byte ranges from
which pages are read. With --analyze the scan is run, and what was read is told.`,
		Example: `  bdcat explain -w 'month = 3' flights.parquet
  bdcat explain -s 'carrier, dep_delay' -w "dest = 'HNL'" flights.parquet
  bdcat explain --json -w 'month = 3' flights.parquet
  bdcat explain --analyze -s carrier -w 'month = 3' flights.parquet
  bdcat explain -n 10 'flights/*.parquet'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := doc.AsJSON()
			if err != nil {
				return err
			}
			if analyze {
				a.Trace()
			}
			src, scan, splits, err := plan(cmd.Context(), a, args, &rows)
			if err != nil {
				return err
			}
			defer src.Close()
			list, err := explain(cmd.Context(), src.Table, scan, splits)
			if err != nil {
				return err
			}
			var run *analysis
			if analyze {
				if run, err = analyzed(cmd.Context(), a, src, scan, splits); err != nil {
					return err
				}
			}
			a.Page()
			if asJSON {
				return cli.WriteJSON(a.Stdout, explainJSON(scan, list, run))
			}
			printPlan(a, scan, list, run)
			return nil
		},
	}
	rows.Flags(c.Flags())
	rows.LimitFlags(c.Flags(), 0, "that many rows at most", "leave out that many rows first")
	c.Flags().BoolVar(&analyze, "analyze", false, "run the scan and tell what was read")
	doc.Flags(c.Flags())
	return c
}

func explain(ctx context.Context, t arrowio.Table, scan *arrowio.Scan, splits []arrowio.Split) ([]explained, error) {
	filter := ""
	if scan.Request.Filter != nil {
		filter = plain(scan.Request.Filter.String())
	}
	ranger, _ := t.(formats.Ranger)
	out := make([]explained, len(splits))
	for i, s := range splits {
		e := explained{Split: s}
		switch {
		case s.Residual == nil:
			e.left = filter
		case s.Residual != pushdown.True:
			e.left = plain(s.Residual.String())
		}
		if e.left != filter {
			e.pushed = filter
		}
		if ranger != nil {
			var err error
			if e.unit, e.ranges, err = ranger.Ranges(ctx, s); err != nil {
				return nil, err
			}
		}
		out[i] = e
	}
	return out, nil
}

// analysis is what running a scan came to.
type analysis struct {
	rows int64
	io   cli.IOStats
}

func analyzed(ctx context.Context, a *cli.App, t arrowio.Table, scan *arrowio.Scan, splits []arrowio.Split) (*analysis, error) {
	r, err := arrowio.Run(ctx, t, one(scan, splits...), a.RunOptions())
	if err != nil {
		return nil, err
	}
	out := &analysis{}
	for r.Next() {
		out.rows += r.RecordBatch().NumRows()
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	out.io = a.IO()
	return out, nil
}

func words(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func printPlan(a *cli.App, scan *arrowio.Scan, list []explained, run *analysis) {
	filter := ""
	if scan.Request.Filter != nil {
		filter = plain(scan.Request.Filter.String())
	}
	var names []string
	for _, f := range scan.Schema.Fields() {
		names = append(names, f.Name)
	}
	fmt.Fprintf(a.Stdout, "filter   %s\ncolumns  %s\n\n", words(filter), strings.Join(names, ", "))
	bytes, n, unknown := int64(0), int64(0), false
	for _, e := range list {
		about := "up to "
		if e.Exact {
			about = ""
		}
		where := e.Source
		if e.unit != "" {
			where += ": " + e.unit
		}
		rows := "rows unknown"
		if e.Rows >= 0 {
			rows = fmt.Sprintf("%s%d rows", about, e.Rows)
			n += e.Rows
		} else {
			unknown = true
		}
		fmt.Fprintf(a.Stdout, "read  %s: %s, %s; pushed: %s; residual: %s\n", where, rows, cli.HumanBytes(e.Bytes), words(e.pushed), words(e.left))
		for _, r := range e.ranges {
			fmt.Fprintf(a.Stdout, "        [%d, %d)  %s\n", r.Off, r.Off+r.Len, r.Label)
		}
		bytes += e.Bytes
	}
	for _, p := range scan.Pruned {
		fmt.Fprintf(a.Stdout, "skip  %s: %s\n", p.Unit, plain(p.Reason))
	}
	total := fmt.Sprintf("%d rows", n)
	if unknown {
		total = "rows unknown"
	}
	fmt.Fprintf(a.Stdout, "\n%d units to read (%s, %s), %d skipped\n", len(list), cli.HumanBytes(bytes), total, len(scan.Pruned))
	if run != nil {
		fmt.Fprintf(a.Stdout, "ran: %d rows; %s, metadata included\n", run.rows, run.io)
	}
}

func explainJSON(scan *arrowio.Scan, list []explained, run *analysis) cli.Object {
	filter := any(nil)
	if scan.Request.Filter != nil {
		filter = plain(scan.Request.Filter.String())
	}
	kept, pruned := []cli.Object{}, []cli.Object{}
	for _, e := range list {
		ranges := []cli.Object{}
		for _, r := range e.ranges {
			ranges = append(ranges, cli.Object{{Name: "offset", Value: r.Off}, {Name: "length", Value: r.Len}, {Name: "label", Value: r.Label}})
		}
		kept = append(kept, cli.Object{
			{Name: "source", Value: e.Source}, {Name: "unit", Value: e.unit}, {Name: "id", Value: e.ID}, {Name: "rows", Value: known(e.Rows)},
			{Name: "exact", Value: e.Exact}, {Name: "bytes", Value: e.Bytes}, {Name: "pushed", Value: some(e.pushed)}, {Name: "residual", Value: some(e.left)},
			{Name: "ranges", Value: ranges}, {Name: "hosts", Value: append([]string{}, e.Hosts...)},
		})
	}
	for _, n := range scan.Pruned {
		pruned = append(pruned, cli.Object{{Name: "unit", Value: n.Unit}, {Name: "reason", Value: plain(n.Reason)}})
	}
	out := cli.Object{{Name: "filter", Value: filter}, {Name: "schema", Value: jsonFields(scan.Schema.Fields())}, {Name: "kept", Value: kept}, {Name: "pruned", Value: pruned}}
	if run != nil {
		out = append(out, cli.Member{Name: "ran", Value: cli.Object{
			{Name: "rows", Value: run.rows}, {Name: "requests", Value: run.io.Requests}, {Name: "bytes", Value: run.io.Bytes},
		}})
	}
	return out
}
