package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/cli/profile"
)

func newStats(a *cli.App) *cobra.Command {
	var exact bool
	var rows cli.Rows
	var t cli.Table
	c := &cobra.Command{
		Use: "stats SOURCE…", Short: "Bounds, nulls and distinct values of columns", Args: cobra.ArbitraryArgs,
		Long: `Bounds, nulls and distinct values of columns: what the metadata says, without reading a row, or
with --exact what the rows say. Each number tells its source (metadata, rows) and its precision:
a bound that was cut short is marked ~, a count that is a lower bound ≥, an estimate ≈, and what
is unknown is -. --json and the other forms have them in columns of their own.`,
		Example: `  bdcat stats flights.parquet
  bdcat stats --exact -s 'carrier, dep_delay' flights.parquet
  bdcat stats --exact -w 'month = 1' flights.parquet
  bdcat stats --json 'flights/*.parquet'
  bdcat stats -o csv flights.parquet > stats.csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := t.Check(); err != nil {
				return err
			}
			var cols []profile.Column
			var err error
			if exact {
				cols, err = exactStats(cmd.Context(), a, args, &rows)
			} else {
				if rows.Where != "" {
					return fmt.Errorf("%w: metadata knows nothing of --where (try: --exact)", cli.ErrUsage)
				}
				var m profile.Merger
				err = eachFile(cmd, a, args, func(_ catalog.SourceFile, r formats.FileReader) error {
					meta := r.Meta()
					if rows.Select != "" {
						if err := keepColumns(a, meta, &rows, r.Schema()); err != nil {
							return err
						}
					}
					return m.Add(meta)
				})
				cols = m.Columns()
			}
			if err != nil {
				return err
			}
			a.Page()
			switch {
			case t.Text():
				return a.ShowListing(shortStats(cols), &t)
			case t.JSON || t.Form == "json":
				return cli.WriteJSON(a.Stdout, statsJSON(cols))
			}
			return a.ShowListing(longStats(cols), &t)
		},
	}
	rows.Flags(c.Flags())
	c.Flags().BoolVar(&exact, "exact", false, "read all rows and count")
	t.Flags(c.Flags())
	return c
}

// keepColumns leaves the selected columns in the metadata.
func keepColumns(a *cli.App, m *formats.Meta, rows *cli.Rows, s *arrow.Schema) error {
	req, err := rows.Request(a, s)
	if err != nil {
		return err
	}
	var keep []int
	for i, c := range m.Columns {
		for _, p := range req.Columns {
			name := strings.Join(p, ".")
			if c.Path == name || strings.HasPrefix(c.Path, name+".") {
				keep = append(keep, i)
				break
			}
		}
	}
	cols := make([]formats.ColumnInfo, len(keep))
	for k, i := range keep {
		cols[k] = m.Columns[i]
	}
	m.Columns = cols
	m.Units = slices.Clone(m.Units)
	for u := range m.Units {
		chunks := make([]formats.ChunkMeta, len(keep))
		for k, i := range keep {
			chunks[k] = m.Units[u].Columns[i]
		}
		m.Units[u].Columns = chunks
	}
	return nil
}

func exactStats(ctx context.Context, a *cli.App, args []string, rows *cli.Rows) ([]profile.Column, error) {
	src, err := a.Open(ctx, args)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	req, err := rows.Request(a, src.Schema())
	if err != nil {
		return nil, err
	}
	return profile.Exact(ctx, src, req, a.RunOptions())
}

var marks = map[profile.Precision]string{profile.Bounding: "~", profile.Estimate: "≈"}

func boundText(v arrow.Array, f profile.Fact) any {
	if v == nil {
		return nil
	}
	return marks[f.Precision] + cli.ValueText(v, false)
}

func countText(n *int64, f profile.Fact) any {
	switch {
	case n == nil:
		return nil
	case f.Precision == profile.Bounding:
		return fmt.Sprintf("≥%d", *n)
	}
	if m := marks[f.Precision]; m != "" {
		return fmt.Sprintf("%s%d", m, *n)
	}
	return *n
}

func count64(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

// shortStats are for people.
func shortStats(cols []profile.Column) *cli.Listing {
	l := &cli.Listing{Columns: []string{"column", "type", "rows", "nulls", "distinct", "min", "max", "source"}}
	for _, c := range cols {
		l.Add(c.Path, c.Type.String(), count64(c.Rows), count64(c.Nulls), countText(c.Distinct, c.OfDistinct), boundText(c.Min, c.OfMin), boundText(c.Max, c.OfMax), c.OfNulls.Source)
	}
	return l
}

// longStats have each number's source and precision in columns of their own.
func longStats(cols []profile.Column) *cli.Listing {
	l := &cli.Listing{Columns: []string{"column", "type", "rows", "nulls", "nulls source", "nulls precision", "distinct", "distinct source", "distinct precision",
		"min", "min source", "min precision", "max", "max source", "max precision"}}
	for _, c := range cols {
		row := []any{c.Path, c.Type.String(), count64(c.Rows)}
		for _, x := range []struct {
			v any
			f profile.Fact
		}{{count64(c.Nulls), c.OfNulls}, {count64(c.Distinct), c.OfDistinct}, {boundText(c.Min, profile.Fact{}), c.OfMin}, {boundText(c.Max, profile.Fact{}), c.OfMax}} {
			row = append(row, x.v, x.f.Source, string(x.f.Precision))
		}
		l.Add(row...)
	}
	return l
}

func statsJSON(cols []profile.Column) []cli.Object {
	out := []cli.Object{}
	for _, c := range cols {
		lo, hi := any(nil), any(nil)
		if c.Min != nil {
			lo = valueJSON(c.Min)
		}
		if c.Max != nil {
			hi = valueJSON(c.Max)
		}
		out = append(out, cli.Object{
			{Name: "column", Value: c.Path}, {Name: "type", Value: c.Type.String()}, {Name: "rows", Value: count64(c.Rows)}, {Name: "nulls", Value: count64(c.Nulls)},
			{Name: "distinct", Value: count64(c.Distinct)}, {Name: "min", Value: lo}, {Name: "max", Value: hi},
			{Name: "of", Value: cli.Object{{Name: "nulls", Value: c.OfNulls}, {Name: "distinct", Value: c.OfDistinct}, {Name: "min", Value: c.OfMin}, {Name: "max", Value: c.OfMax}}},
		})
	}
	return out
}
