package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/cli/ddl"
)

func newSchema(a *cli.App) *cobra.Command {
	var form string
	var perFile, asJSON bool
	c := &cobra.Command{
		Use: "schema SOURCE…", Short: "The columns and their types", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := a.Open(cmd.Context(), args)
			if err != nil {
				return err
			}
			defer src.Close()
			if asJSON {
				form = "json"
			}
			if !perFile && form != "parquet" {
				return printSchema(a.Stdout, form, src.Schema())
			}
			for i, f := range src.Files() {
				r, err := src.File(cmd.Context(), i)
				if err != nil {
					return err
				}
				if perFile {
					fmt.Fprintf(a.Stdout, "# %s\n", f.URL)
				}
				if m := r.Meta(); form == m.Format {
					_, err = io.WriteString(a.Stdout, m.Schema)
				} else if form == "parquet" {
					err = fmt.Errorf("%w: %s is no Parquet file", cli.ErrUsage, f.URL)
				} else {
					err = printSchema(a.Stdout, form, r.Schema())
				}
				if cerr := r.Close(); err == nil {
					err = cerr
				}
				if err != nil || !perFile {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&form, "form", "F", "tree", "tree, arrow, json, parquet, sql:duckdb, sql:hive, sql:postgres, go")
	c.Flags().BoolVar(&perFile, "per-file", false, "of each file")
	c.Flags().BoolVar(&asJSON, "json", false, "the same as -F json")
	return c
}

func printSchema(w io.Writer, form string, s *arrow.Schema) error {
	switch form {
	case "tree":
		for _, f := range s.Fields() {
			printTree(w, f, "")
		}
		return nil
	case "arrow":
		_, err := fmt.Fprintln(w, s)
		return err
	case "json":
		b, err := json.MarshalIndent(jsonFields(s.Fields()), "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", b)
		return err
	}
	text, err := ddl.Schema(form, "data", s)
	if err != nil {
		return fmt.Errorf("%w: --form: %w", cli.ErrUsage, err)
	}
	_, err = io.WriteString(w, text)
	return err
}

// printTree writes a field and, indented below it, its children.
func printTree(w io.Writer, f arrow.Field, indent string) {
	null := ""
	if !f.Nullable {
		null = " not null"
	}
	note := ""
	if ext, ok := f.Metadata.GetValue("ARROW:extension:name"); ok {
		note = " (" + ext + ")"
	}
	children := cli.Children(f.Type)
	name := f.Type.String()
	if len(children) > 0 {
		name = f.Type.Name()
	}
	fmt.Fprintf(w, "%s%s: %s%s%s\n", indent, f.Name, name, null, note)
	for _, c := range children {
		printTree(w, c, indent+"  ")
	}
}

type jsonField struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Nullable bool              `json:"nullable"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Children []jsonField       `json:"children,omitempty"`
}

func jsonFields(fields []arrow.Field) []jsonField {
	out := []jsonField{}
	for _, f := range fields {
		j := jsonField{Name: f.Name, Type: f.Type.String(), Nullable: f.Nullable}
		if f.Metadata.Len() > 0 {
			j.Metadata = f.Metadata.ToMap()
		}
		if c := cli.Children(f.Type); len(c) > 0 {
			j.Type, j.Children = f.Type.Name(), jsonFields(c)
		}
		out = append(out, j)
	}
	return out
}
