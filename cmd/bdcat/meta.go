package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
)

// eachFile opens the files of sources one after the other.
func eachFile(cmd *cobra.Command, a *cli.App, args []string, do func(f catalog.SourceFile, r formats.FileReader) error) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: no SOURCE was given (try: %s --help)", cli.ErrUsage, a.Prog)
	}
	o, err := a.Catalog(args...)
	if err != nil {
		return err
	}
	for _, src := range args {
		files, err := catalog.Files(cmd.Context(), src, o)
		if err != nil {
			return err
		}
		for _, f := range files {
			r, err := f.Open(cmd.Context(), o)
			if err != nil {
				return err
			}
			err = do(f, r)
			if cerr := r.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func newMeta(a *cli.App) *cobra.Command {
	var doc cli.Document
	var key string
	c := &cobra.Command{
		Use: "meta SOURCE…", Short: "What files say of themselves", Args: cobra.ArbitraryArgs,
		Long: "What files say of themselves: size, rows, writer, key-value metadata, encryption, units with\ntheir codecs, page indexes and bloom filters.",
		Example: `  bdcat meta flights.parquet
  bdcat meta --json 'flights/*.parquet'
  bdcat meta --kv ARROW:schema flights.parquet              # the value alone, as it is
  bdcat meta https://example.com/flights.parquet
  bdcat meta --json flights.parquet > meta.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := doc.AsJSON()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("kv") {
				a.Page()
			}
			var docs []any
			n := 0
			err = eachFile(cmd, a, args, func(f catalog.SourceFile, r formats.FileReader) error {
				m := r.Meta()
				if cmd.Flags().Changed("kv") {
					return printKey(a.Stdout, f.URL, m, key)
				}
				if asJSON {
					docs = append(docs, metaJSON(f.URL, m))
					return nil
				}
				if n++; n > 1 {
					fmt.Fprintln(a.Stdout)
				}
				return printMeta(a, f.URL, m)
			})
			if err != nil || docs == nil {
				return err
			}
			return cli.WriteJSON(a.Stdout, single(docs))
		},
	}
	doc.Flags(c.Flags())
	c.Flags().StringVar(&key, "kv", "", "print the value of that key alone, as it is")
	return c
}

// single is the element itself where there is one alone.
func single(docs []any) any {
	if len(docs) == 1 {
		return docs[0]
	}
	return docs
}

func printKey(w io.Writer, file string, m *formats.Meta, key string) error {
	var names []string
	for _, kv := range m.KeyValues {
		if kv.Key == key {
			end := ""
			if cli.Terminal(w) {
				end = "\n"
			}
			_, err := io.WriteString(w, kv.Value+end)
			return err
		}
		names = append(names, kv.Key)
	}
	have := "it has none"
	if len(names) > 0 {
		have = "it has " + strings.Join(names, ", ")
	}
	return fmt.Errorf("%w: %s: no metadata of key %q (%s)", cli.ErrDiffers, file, key, have)
}

func printMeta(a *cli.App, url string, m *formats.Meta) error {
	l := cli.Listing{Columns: []string{"", ""}}
	l.Add("file", url)
	l.Add("format", strings.TrimSpace(m.Format+" "+m.Version))
	if m.Kind != "" {
		l.Add("kind", m.Kind)
	}
	if m.Writer != "" {
		l.Add("writer", m.Writer)
	}
	l.Add("size", fmt.Sprintf("%d (%s)", m.Size, cli.HumanBytes(m.Size)))
	if m.Footer > 0 {
		l.Add("footer", fmt.Sprintf("%d bytes", m.Footer))
	}
	if m.Rows >= 0 {
		l.Add("rows", fmt.Sprint(m.Rows))
	}
	l.Add("columns", fmt.Sprint(len(m.Columns)))
	if len(m.Units) > 0 {
		l.Add("units", fmt.Sprint(len(m.Units)))
	}
	encrypted := m.Encrypted
	if encrypted == "" {
		encrypted = "no"
	}
	l.Add("encrypted", encrypted)
	for _, kv := range m.KeyValues {
		v := kv.Value
		if r := []rune(v); len(r) > 60 {
			v = string(r[:57]) + fmt.Sprintf("… (%d bytes)", len(kv.Value))
		}
		l.Add("key "+kv.Key, v)
	}
	text := cli.Table{Form: "text", NoHeader: true}
	if err := a.ShowListing(&l, &text); err != nil {
		return err
	}
	if len(m.Units) == 0 {
		return nil
	}
	fmt.Fprintln(a.Stdout)
	l = cli.Listing{Columns: []string{"unit", "offset", "bytes", "raw", "ratio", "rows", "codec", "indexes", "sorting"}}
	for i, u := range m.Units[:min(len(m.Units), shownUnits)] {
		l.Add(fmt.Sprintf("%s %d", u.Kind, i), u.Offset, u.Bytes, known(u.Raw), ratio(u.Raw, u.Bytes), u.Rows, some(codecs(u)), indexes(u), some(u.Sorting))
	}
	if err := a.ShowListing(&l, &cli.Table{Form: "text"}); err != nil {
		return err
	}
	if more := len(m.Units) - shownUnits; more > 0 {
		fmt.Fprintf(a.Stdout, "and %d more (bdcat inspect units)\n", more)
	}
	return nil
}

// shownUnits is how many units meta lists.
const shownUnits = 50

func ratio(raw, stored int64) string {
	if stored <= 0 || raw < 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(raw)/float64(stored))
}

func codecs(u formats.UnitMeta) string {
	var names []string
	for _, c := range u.Columns {
		if c.Codec != "" && !slices.Contains(names, c.Codec) {
			names = append(names, c.Codec)
		}
	}
	return strings.Join(names, "+")
}

// indexes says of how many columns there are page indexes and bloom filters.
func indexes(u formats.UnitMeta) string {
	ci, oi, bloom := 0, 0, 0
	for _, c := range u.Columns {
		if c.ColumnIndex {
			ci++
		}
		if c.OffsetIndex {
			oi++
		}
		if c.Bloom != 0 {
			bloom++
		}
	}
	if ci+oi+bloom == 0 {
		return "none"
	}
	return fmt.Sprintf("column:%d offset:%d bloom:%d", ci, oi, bloom)
}

func metaJSON(url string, m *formats.Meta) cli.Object {
	kv := []cli.Object{}
	for _, e := range m.KeyValues {
		kv = append(kv, cli.Object{{Name: "key", Value: e.Key}, {Name: "value", Value: e.Value}})
	}
	units := []cli.Object{}
	for i, u := range m.Units {
		cols := []cli.Object{}
		for k := range u.Columns {
			cols = append(cols, chunkJSON(m.Columns[k].Path, &u.Columns[k]))
		}
		units = append(units, cli.Object{
			{Name: "unit", Value: i}, {Name: "kind", Value: u.Kind}, {Name: "offset", Value: u.Offset}, {Name: "bytes", Value: u.Bytes},
			{Name: "raw_bytes", Value: known(u.Raw)}, {Name: "rows", Value: u.Rows}, {Name: "sorting", Value: u.Sorting}, {Name: "columns", Value: cols},
		})
	}
	cols := []cli.Object{}
	for _, c := range m.Columns {
		cols = append(cols, cli.Object{
			{Name: "path", Value: c.Path}, {Name: "physical", Value: c.Physical}, {Name: "logical", Value: c.Logical}, {Name: "type", Value: c.Arrow.String()},
			{Name: "max_definition_level", Value: c.MaxDef}, {Name: "max_repetition_level", Value: c.MaxRep},
		})
	}
	return cli.Object{
		{Name: "file", Value: url}, {Name: "format", Value: m.Format}, {Name: "version", Value: m.Version}, {Name: "writer", Value: m.Writer}, {Name: "kind", Value: m.Kind},
		{Name: "size", Value: m.Size}, {Name: "footer_bytes", Value: m.Footer}, {Name: "rows", Value: known(m.Rows)}, {Name: "encrypted", Value: m.Encrypted},
		{Name: "key_values", Value: kv}, {Name: "columns", Value: cols}, {Name: "units", Value: units},
	}
}

func chunkJSON(path string, c *formats.ChunkMeta) cli.Object {
	out := cli.Object{
		{Name: "path", Value: path}, {Name: "codec", Value: c.Codec}, {Name: "encodings", Value: append([]string{}, c.Encodings...)}, {Name: "offset", Value: c.Offset},
		{Name: "bytes", Value: c.Bytes}, {Name: "raw_bytes", Value: known(c.Raw)}, {Name: "values", Value: known(c.Values)}, {Name: "nulls", Value: known(c.Nulls)},
		{Name: "distinct", Value: known(c.Distinct)}, {Name: "dictionary", Value: c.Dictionary}, {Name: "column_index", Value: c.ColumnIndex},
		{Name: "offset_index", Value: c.OffsetIndex}, {Name: "bloom_filter", Value: c.Bloom != 0}, {Name: "encrypted", Value: c.Encrypted},
	}
	if c.Bloom > 0 {
		out = append(out, cli.Member{Name: "bloom_filter_bytes", Value: c.Bloom})
	}
	if c.File != "" {
		out = append(out, cli.Member{Name: "file", Value: c.File})
	}
	if c.Min != nil {
		out = append(out, cli.Member{Name: "min", Value: valueJSON(c.Min)}, cli.Member{Name: "min_exact", Value: c.MinExact})
	}
	if c.Max != nil {
		out = append(out, cli.Member{Name: "max", Value: valueJSON(c.Max)}, cli.Member{Name: "max_exact", Value: c.MaxExact})
	}
	return out
}

// valueJSON is the JSON of a single value.
func valueJSON(a arrow.Array) json.RawMessage { return json.RawMessage(cli.ValueText(a, true)) }
