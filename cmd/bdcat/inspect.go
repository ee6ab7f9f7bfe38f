package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
)

// inspection is one run of bdcat inspect on one file.
type inspection struct {
	cmd    *cobra.Command
	w      io.Writer
	r      formats.FileReader
	m      *formats.Meta
	column string
	unit   int
	json   bool
	docs   *[]map[string]any
}

var inspections = map[string]func(in *inspection) error{
	"columns": inspectColumns, "units": inspectUnits, "pages": inspectPages, "dict": inspectDict, "bloom": inspectBloom, "layout": inspectLayout,
}

func newInspect(a *cli.App) *cobra.Command {
	var column string
	var unit int
	var asJSON bool
	c := &cobra.Command{
		Use: "inspect columns|units|pages|dict|bloom|layout SOURCE…", Short: "Physical details", Args: cobra.ArbitraryArgs,
		Example: "  bdcat inspect columns data.parquet            the columns by bytes\n  bdcat inspect pages --column a --unit 0 data.parquet",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || inspections[args[0]] == nil {
				return fmt.Errorf("%w: inspect what? (columns, units, pages, dict, bloom, layout)", cli.ErrUsage)
			}
			docs := []map[string]any{}
			err := eachFile(cmd, a, args[1:], func(f catalog.SourceFile, r formats.FileReader) error {
				in := &inspection{cmd: cmd, w: a.Stdout, r: r, m: r.Meta(), column: column, unit: unit, json: asJSON, docs: &docs}
				if len(args) > 2 && !asJSON {
					fmt.Fprintf(a.Stdout, "# %s\n", f.URL)
				}
				if err := in.check(); err != nil {
					return err
				}
				return inspections[args[0]](in)
			})
			if err != nil || !asJSON {
				return err
			}
			b, err := json.MarshalIndent(docs, "", "  ")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.Stdout, "%s\n", b)
			return err
		},
	}
	c.Flags().StringVar(&column, "column", "", "that column alone, by its dotted path")
	c.Flags().IntVar(&unit, "unit", -1, "that unit alone")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	return c
}

func (in *inspection) check() error {
	if in.unit >= len(in.m.Units) || in.unit < -1 {
		return fmt.Errorf("%w: --unit %d: the file has %d", cli.ErrUsage, in.unit, len(in.m.Units))
	}
	if in.column == "" || slices.ContainsFunc(in.m.Columns, func(c formats.ColumnInfo) bool { return c.Path == in.column }) {
		return nil
	}
	return fmt.Errorf("%w: no column %q", arrowio.ErrColumn, in.column)
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

// table shows rows under headers, or collects them as JSON objects.
func (in *inspection) table(headers []string, rows [][]any) error {
	if in.json {
		for _, r := range rows {
			o := map[string]any{}
			for i, h := range headers {
				o[strings.ReplaceAll(h, " ", "_")] = r[i]
			}
			*in.docs = append(*in.docs, o)
		}
		return nil
	}
	t := tabwriter.NewWriter(in.w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(headers, "\t"))
	for _, r := range rows {
		for i, v := range r {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			if n, ok := v.(int64); ok && n < 0 {
				v = "-"
			}
			fmt.Fprint(t, v)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
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
	total := int64(1)
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
	slices.SortStableFunc(sums, func(a, b sum) int { return int(b.bytes - a.bytes) })
	var rows [][]any
	for _, s := range sums {
		c := in.m.Columns[s.column]
		if in.column != "" && c.Path != in.column {
			continue
		}
		rows = append(rows, []any{c.Path, c.Physical, c.Logical, s.bytes, fmt.Sprintf("%.1f%%", 100*float64(s.bytes)/float64(total)), s.raw,
			ratio(s.raw, s.bytes), s.values, s.nulls, s.codec, strings.Join(s.encodings, "+")})
	}
	return in.table([]string{"column", "physical", "logical", "bytes", "share", "raw", "ratio", "values", "nulls", "codec", "encodings"}, rows)
}

func inspectUnits(in *inspection) error {
	var rows [][]any
	if err := in.each(func(u, c int, m *formats.ChunkMeta) error {
		index := []string{}
		for name, has := range map[string]bool{"column": m.ColumnIndex, "offset": m.OffsetIndex, "bloom": m.Bloom != 0} {
			if has {
				index = append(index, name)
			}
		}
		slices.Sort(index)
		rows = append(rows, []any{int64(u), in.m.Columns[c].Path, m.Offset, m.Bytes, m.Raw, m.Values, m.Nulls, m.Codec, strings.Join(m.Encodings, "+"), strings.Join(index, "+")})
		return nil
	}); err != nil {
		return err
	}
	return in.table([]string{"unit", "column", "offset", "bytes", "raw", "values", "nulls", "codec", "encodings", "indexes"}, rows)
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
	err = in.each(func(u, c int, _ *formats.ChunkMeta) error {
		n := 0
		for p, err := range x.Pages(in.cmd.Context(), u, c) {
			if err != nil {
				return err
			}
			lo, hi := "", ""
			if p.Min != nil {
				lo = cli.ValueText(p.Min, false)
			}
			if p.Max != nil {
				hi = cli.ValueText(p.Max, false)
			}
			rows = append(rows, []any{int64(u), in.m.Columns[c].Path, int64(n), p.Kind, p.Offset, p.Header, p.Bytes, p.Raw, p.Values, p.Nulls, p.Rows, p.FirstRow, p.Encoding, p.CRC, lo, hi})
			n++
		}
		return nil
	})
	if err != nil {
		return err
	}
	return in.table([]string{"unit", "column", "page", "kind", "offset", "header", "bytes", "raw", "values", "nulls", "rows", "first row", "encoding", "crc", "min", "max"}, rows)
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
	return in.table([]string{"unit", "column", "index", "value"}, rows)
}

func inspectBloom(in *inspection) error {
	var rows [][]any
	if err := in.each(func(u, c int, m *formats.ChunkMeta) error {
		if m.Bloom != 0 {
			rows = append(rows, []any{int64(u), in.m.Columns[c].Path, m.Bloom})
		}
		return nil
	}); err != nil {
		return err
	}
	return in.table([]string{"unit", "column", "bytes"}, rows)
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
		rows = append(rows, []any{strconv.FormatInt(e.Off, 10), strconv.FormatInt(e.Len, 10), e.Label})
	}
	return in.table([]string{"offset", "length", "what"}, rows)
}
