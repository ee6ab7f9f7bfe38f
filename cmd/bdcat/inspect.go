package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
)

// inspection is one run of bdcat inspect on one file.
type inspection struct {
	cmd    *cobra.Command
	r      formats.FileReader
	m      *formats.Meta
	file   string
	column string
	unit   int
	ranked bool
	out    *cli.Listing
}

var inspections = map[string]func(in *inspection) error{
	"columns": inspectColumns, "units": inspectUnits, "pages": inspectPages, "dict": inspectDict, "bloom": inspectBloom, "layout": inspectLayout,
}

var inspectionNames = []string{"columns", "units", "pages", "dict", "bloom", "layout"}

func newInspect(a *cli.App) *cobra.Command {
	var column, order string
	var unit int
	var t cli.Table
	c := &cobra.Command{
		Use: "inspect columns|units|pages|dict|bloom|layout SOURCE…", Short: "Physical details", Args: cobra.ArbitraryArgs,
		Long: `Physical details of files.

  columns   what each column takes: bytes, ratio, encodings
  units     the row groups or stripes; with --unit or --column their columns
  pages     every page: where, how large, how encoded, checksum, bounds
  dict      the values of dictionaries
  bloom     bloom filters
  layout    what each stretch of the file is

The largest come first, but for dictionaries and layout, which keep their order, as all do with
--order file.`,
		Example: `  bdcat inspect columns flights.parquet                     # the columns by bytes
  bdcat inspect units flights.parquet
  bdcat inspect pages --column carrier --unit 0 flights.parquet
  bdcat inspect dict --column carrier flights.parquet
  bdcat inspect layout -o csv flights.parquet`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || inspections[args[0]] == nil {
				hint := ""
				if len(args) > 0 {
					if best := cli.Closest(args[0], inspectionNames); best != "" {
						hint = fmt.Sprintf("; did you mean %s?", best)
					}
				}
				return fmt.Errorf("%w: inspect what? (%s)%s", cli.ErrUsage, strings.Join(inspectionNames, ", "), hint)
			}
			if order != "bytes" && order != "file" {
				return fmt.Errorf("%w: --order %q: want bytes or file", cli.ErrUsage, order)
			}
			if err := t.Check(); err != nil {
				return err
			}
			a.Page()
			all := cli.Listing{}
			several := false
			err := eachFile(cmd, a, args[1:], func(f catalog.SourceFile, r formats.FileReader) error {
				in := &inspection{cmd: cmd, r: r, m: r.Meta(), file: f.URL, column: column, unit: unit, ranked: order == "bytes", out: &cli.Listing{}}
				if err := in.check(); err != nil {
					return err
				}
				if err := inspections[args[0]](in); err != nil {
					return err
				}
				several = several || len(all.Columns) > 0
				all.Columns = append([]string{"file"}, in.out.Columns...)
				for _, row := range in.out.Rows {
					all.Add(append([]any{f.URL}, row...)...)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if !several && len(all.Columns) > 0 {
				all.Columns = all.Columns[1:]
				for i := range all.Rows {
					all.Rows[i] = all.Rows[i][1:]
				}
			}
			return a.ShowListing(&all, &t)
		},
	}
	c.Flags().StringVar(&column, "column", "", "that column alone, by its dotted path")
	c.Flags().IntVar(&unit, "unit", -1, "that unit alone")
	c.Flags().StringVar(&order, "order", "bytes", "bytes (largest first) or file (as stored)")
	t.Flags(c.Flags())
	return c
}

func (in *inspection) check() error {
	if in.unit >= len(in.m.Units) || in.unit < -1 {
		return fmt.Errorf("%w: --unit %d: %s has %d", cli.ErrUsage, in.unit, in.file, len(in.m.Units))
	}
	if in.column == "" {
		return nil
	}
	var names []string
	for _, c := range in.m.Columns {
		if c.Path == in.column {
			return nil
		}
		names = append(names, c.Path)
	}
	hint := ""
	if best := cli.Closest(in.column, names); best != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", best)
	}
	return fmt.Errorf("%w: %s has no column %q%s", arrowio.ErrColumn, in.file, in.column, hint)
}

// each goes over the chunks that are asked for.
func (in *inspection) each(do func(unit, column int, c *formats.ChunkMeta) error) error {
	for u := range in.m.Units {
		if in.unit >= 0 && u != in.unit {
			continue
		}
		for c := range in.m.Units[u].Columns {
			if in.column != "" && in.m.Columns[c].Path != in.column {
				continue
			}
			if err := do(u, c, &in.m.Units[u].Columns[c]); err != nil {
				return err
			}
		}
	}
	return nil
}

// list gives the answer, ranked by the bytes in a column of it, if it has one.
func (in *inspection) list(headers []string, rows [][]any) error {
	by := slices.Index(headers, "bytes")
	if in.ranked && by >= 0 {
		slices.SortStableFunc(rows, func(a, b []any) int {
			x, _ := a[by].(int64)
			y, _ := b[by].(int64)
			return cmp.Compare(y, x)
		})
	}
	in.out.Columns, in.out.Rows = headers, rows
	return nil
}

// known is a number, or nil for the -1 that stands for an unknown one.
func known(n int64) any {
	if n < 0 {
		return nil
	}
	return n
}

// some is a text, or nil.
func some(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func inspectColumns(in *inspection) error {
	type sum struct {
		column                    int
		bytes, raw, values, nulls int64
		encodings                 []string
		codec                     string
	}
	sums := make([]sum, len(in.m.Columns))
	for i := range sums {
		sums[i].column = i
	}
	total := int64(0)
	if err := in.each(func(_, c int, m *formats.ChunkMeta) error {
		s := &sums[c]
		s.bytes, s.raw, s.values = s.bytes+m.Bytes, s.raw+max(m.Raw, 0), s.values+max(m.Values, 0)
		if s.nulls >= 0 && m.Nulls >= 0 {
			s.nulls += m.Nulls
		} else {
			s.nulls = -1
		}
		for _, e := range m.Encodings {
			if !slices.Contains(s.encodings, e) {
				s.encodings = append(s.encodings, e)
			}
		}
		s.codec = m.Codec
		total += m.Bytes
		return nil
	}); err != nil {
		return err
	}
	var rows [][]any
	for _, s := range sums {
		c := in.m.Columns[s.column]
		if in.column != "" && c.Path != in.column {
			continue
		}
		row := []any{c.Path, some(c.Physical), some(c.Logical), nil, nil, nil, nil, nil, known(s.nulls), some(s.codec), some(strings.Join(s.encodings, "+"))}
		if total > 0 { // in formats of rows no column has bytes of its own
			row[3], row[4] = s.bytes, fmt.Sprintf("%.1f%%", 100*float64(s.bytes)/float64(total))
			row[5], row[6], row[7] = s.raw, ratio(s.raw, s.bytes), s.values
		}
		rows = append(rows, row)
	}
	return in.list([]string{"column", "physical", "logical", "bytes", "share", "raw", "ratio", "values", "nulls", "codec", "encodings"}, rows)
}

func inspectUnits(in *inspection) error {
	var rows [][]any
	if in.unit < 0 && in.column == "" {
		for u, m := range in.m.Units {
			rows = append(rows, []any{int64(u), m.Kind, m.Offset, m.Bytes, known(m.Raw), ratio(m.Raw, m.Bytes), m.Rows, some(codecs(m)), indexes(m), some(m.Sorting)})
		}
		return in.list([]string{"unit", "kind", "offset", "bytes", "raw", "ratio", "rows", "codec", "indexes", "sorting"}, rows)
	}
	if err := in.each(func(u, c int, m *formats.ChunkMeta) error {
		index := []string{}
		for _, x := range []struct {
			name string
			has  bool
		}{{"bloom", m.Bloom != 0}, {"column", m.ColumnIndex}, {"offset", m.OffsetIndex}} {
			if x.has {
				index = append(index, x.name)
			}
		}
		rows = append(rows, []any{int64(u), in.m.Columns[c].Path, m.Offset, m.Bytes, known(m.Raw), known(m.Values), known(m.Nulls), some(m.Codec), strings.Join(m.Encodings, "+"), some(strings.Join(index, "+"))})
		return nil
	}); err != nil {
		return err
	}
	return in.list([]string{"unit", "column", "offset", "bytes", "raw", "values", "nulls", "codec", "encodings", "indexes"}, rows)
}

func (in *inspection) inspector() (formats.Inspector, error) {
	x, ok := in.r.(formats.Inspector)
	if !ok {
		return nil, fmt.Errorf("%w: nothing physical to show of format %s", arrowio.ErrUnsupported, in.m.Format)
	}
	return x, nil
}

func inspectPages(in *inspection) error {
	x, err := in.inspector()
	if err != nil {
		return err
	}
	var rows [][]any
	shared := map[int]bool{} // units whose one block holds all columns, and was listed
	err = in.each(func(u, c int, _ *formats.ChunkMeta) error {
		if shared[u] {
			return nil
		}
		n := 0
		for p, err := range x.Pages(in.cmd.Context(), u, c) {
			if err != nil {
				return err
			}
			column := any(in.m.Columns[c].Path)
			if p.Kind == "block" {
				shared[u], column = true, nil
			}
			lo, hi := any(nil), any(nil)
			if p.Min != nil {
				lo = cli.ValueText(p.Min, false)
			}
			if p.Max != nil {
				hi = cli.ValueText(p.Max, false)
			}
			rows = append(rows, []any{int64(u), column, int64(n), p.Kind, p.Offset, p.Header, p.Bytes, known(p.Raw), known(p.Values), known(p.Nulls), known(p.Rows), known(p.FirstRow), some(p.Encoding), some(p.CRC), lo, hi})
			n++
		}
		return nil
	})
	if err != nil {
		return err
	}
	return in.list([]string{"unit", "column", "page", "kind", "offset", "header", "bytes", "raw", "values", "nulls", "rows", "first row", "encoding", "crc", "min", "max"}, rows)
}

func inspectDict(in *inspection) error {
	x, err := in.inspector()
	if err != nil {
		return err
	}
	var rows [][]any
	err = in.each(func(u, c int, _ *formats.ChunkMeta) error {
		d, err := x.Dictionary(in.cmd.Context(), u, c)
		if err != nil || d == nil {
			return err
		}
		defer d.Release()
		text := cli.ValueTexts(d)
		for i := range d.Len() {
			rows = append(rows, []any{int64(u), in.m.Columns[c].Path, int64(i), text(i)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return in.list([]string{"unit", "column", "index", "value"}, rows)
}

func inspectBloom(in *inspection) error {
	var rows [][]any
	if err := in.each(func(u, c int, m *formats.ChunkMeta) error {
		if m.Bloom != 0 {
			rows = append(rows, []any{int64(u), in.m.Columns[c].Path, known(m.Bloom)})
		}
		return nil
	}); err != nil {
		return err
	}
	return in.list([]string{"unit", "column", "bytes"}, rows)
}

func inspectLayout(in *inspection) error {
	x, err := in.inspector()
	if err != nil {
		return err
	}
	var rows [][]any
	for e, err := range x.Layout(in.cmd.Context()) {
		if err != nil {
			return err
		}
		rows = append(rows, []any{e.Off, e.Len, e.Label})
	}
	return in.list([]string{"offset", "length", "what"}, rows)
}
