package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

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
	var asJSON bool
	var key string
	c := &cobra.Command{
		Use: "meta SOURCE…", Short: "What files say of themselves", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var docs []map[string]any
			err := eachFile(cmd, a, args, func(f catalog.SourceFile, r formats.FileReader) error {
				m := r.Meta()
				if key != "" {
					return printKey(a.Stdout, m, key)
				}
				if asJSON {
					docs = append(docs, metaJSON(f.URL, m))
					return nil
				}
				return printMeta(a.Stdout, f.URL, m)
			})
			if err != nil || !asJSON || key != "" {
				return err
			}
			return printJSON(a.Stdout, docs)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	c.Flags().StringVar(&key, "kv", "", "print the value of that key alone, as it is")
	return c
}

// printJSON writes one document: the element itself where there is one alone.
func printJSON(w io.Writer, docs []map[string]any) error {
	var v any = docs
	if len(docs) == 1 {
		v = docs[0]
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

func printKey(w io.Writer, m *formats.Meta, key string) error {
	for _, kv := range m.KeyValues {
		if kv.Key == key {
			_, err := io.WriteString(w, kv.Value)
			return err
		}
	}
	return fmt.Errorf("%w: no metadata of key %q", cli.ErrDiffers, key)
}

func printMeta(w io.Writer, url string, m *formats.Meta) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(k, format string, args ...any) { fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{k}, args...)...) }
	row("file", "%s", url)
	row("format", "%s %s", m.Format, m.Version)
	row("writer", "%s", m.Writer)
	row("size", "%d (%s)", m.Size, cli.HumanBytes(m.Size))
	row("footer", "%d bytes", m.Footer)
	row("rows", "%d", m.Rows)
	row("columns", "%d", len(m.Columns))
	if m.Encrypted != "" {
		row("encrypted", "%s", m.Encrypted)
	}
	for _, kv := range m.KeyValues {
		v := kv.Value
		if r := []rune(v); len(r) > 60 {
			v = string(r[:57]) + fmt.Sprintf("… (%d bytes)", len(kv.Value))
		}
		row("key "+kv.Key, "%q", v)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(m.Units) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "unit\toffset\tbytes\traw\tratio\trows\tcodec\tindexes\tsorting\t")
	for i, u := range m.Units {
		fmt.Fprintf(t, "%s %d\t%d\t%d\t%d\t%s\t%d\t%s\t%s\t%s\t\n", u.Kind, i, u.Offset, u.Bytes, u.Raw, ratio(u.Raw, u.Bytes), u.Rows, codecs(u), indexes(u), u.Sorting)
	}
	return t.Flush()
}

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
	return fmt.Sprintf("column:%d offset:%d bloom:%d", ci, oi, bloom)
}

func metaJSON(url string, m *formats.Meta) map[string]any {
	kv := []map[string]string{}
	for _, e := range m.KeyValues {
		kv = append(kv, map[string]string{"key": e.Key, "value": e.Value})
	}
	units := []map[string]any{}
	for i, u := range m.Units {
		cols := []map[string]any{}
		for k, c := range u.Columns {
			cols = append(cols, chunkJSON(m.Columns[k].Path, c))
		}
		units = append(units, map[string]any{
			"unit": i, "kind": u.Kind, "offset": u.Offset, "bytes": u.Bytes, "raw_bytes": u.Raw, "rows": u.Rows, "sorting": u.Sorting, "columns": cols,
		})
	}
	cols := []map[string]any{}
	for _, c := range m.Columns {
		cols = append(cols, map[string]any{
			"path": c.Path, "physical": c.Physical, "logical": c.Logical, "type": c.Arrow.String(), "max_definition_level": c.MaxDef, "max_repetition_level": c.MaxRep,
		})
	}
	return map[string]any{
		"file": url, "format": m.Format, "version": m.Version, "writer": m.Writer, "size": m.Size, "footer_bytes": m.Footer, "rows": m.Rows,
		"encrypted": m.Encrypted, "key_values": kv, "columns": cols, "units": units,
	}
}

func chunkJSON(path string, c formats.ChunkMeta) map[string]any {
	out := map[string]any{
		"path": path, "codec": c.Codec, "encodings": c.Encodings, "offset": c.Offset, "bytes": c.Bytes, "raw_bytes": c.Raw, "values": c.Values,
		"dictionary": c.Dictionary, "column_index": c.ColumnIndex, "offset_index": c.OffsetIndex, "encrypted": c.Encrypted,
	}
	for k, v := range map[string]int64{"nulls": c.Nulls, "distinct": c.Distinct} {
		if v >= 0 {
			out[k] = v
		}
	}
	if c.Bloom != 0 {
		out["bloom_filter_bytes"] = c.Bloom
	}
	if c.File != "" {
		out["file"] = c.File
	}
	if c.Min != nil {
		out["min"], out["min_exact"] = valueJSON(c.Min), c.MinExact
	}
	if c.Max != nil {
		out["max"], out["max_exact"] = valueJSON(c.Max), c.MaxExact
	}
	return out
}

// valueJSON is the JSON of a single value.
func valueJSON(a arrow.Array) json.RawMessage { return json.RawMessage(cli.ValueText(a, true)) }
