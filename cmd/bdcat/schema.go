package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/mem"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/cli/ddl"
)

// schemaForms are what -F knows; avro, parquet and orc are the words of the
// format's own writer.
var schemaForms = append([]string{"tree", "arrow", "json", "avro", "parquet", "orc"}, ddl.Languages...)

func newSchema(a *cli.App) *cobra.Command {
	var form string
	var perFile, asJSON bool
	c := &cobra.Command{
		Use: "schema SOURCE…", Short: "The columns and their types", Args: cobra.ArbitraryArgs,
		Long: `The columns and their types: of many files all columns of any, or with --per-file those of each.
A name that a language does not allow is changed, and kept in a tag, doc or comment.`,
		Example: `  bdcat schema flights.parquet
  bdcat schema -F sql:postgres flights.parquet
  bdcat schema -F go events.parquet > events.go
  bdcat schema --json events.parquet
  bdcat schema --per-file 'flights/*.parquet'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON {
				form = "json"
			}
			if !slices.Contains(schemaForms, form) {
				hint := ""
				if best := cli.Closest(form, schemaForms); best != "" {
					hint = fmt.Sprintf(" (did you mean %s?)", best)
				}
				return fmt.Errorf("%w: --form %q: want %s%s", cli.ErrUsage, form, strings.Join(schemaForms, ", "), hint)
			}
			a.Page()
			if perFile {
				return eachSchema(cmd, a, args, form)
			}
			a.Many.Union = !a.Many.Strict
			src, err := a.Open(cmd.Context(), args)
			if err != nil {
				return err
			}
			defer src.Close()
			own := ""
			if len(src.Files()) == 1 {
				if r, ok := src.Table.(formats.FileReader); ok {
					own = ownSchema(r, form)
				}
			}
			return printSchema(cmd.Context(), a.Stdout, form, src.Schema(), own)
		},
	}
	c.Flags().StringVarP(&form, "form", "F", "tree", strings.Join(schemaForms, ", "))
	c.Flags().BoolVar(&perFile, "per-file", false, "of each file")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document, the same as -F json")
	return c
}

// eachSchema shows the schemas of the files, one after the other.
func eachSchema(cmd *cobra.Command, a *cli.App, args []string, form string) error {
	docs := []cli.Object{}
	comment := "#"
	switch {
	case strings.HasPrefix(form, "sql:"):
		comment = "--"
	case form == "go" || form == "proto" || form == "avro":
		comment = "//"
	}
	err := eachFile(cmd, a, args, func(f catalog.SourceFile, r formats.FileReader) error {
		if form == "json" {
			docs = append(docs, cli.Object{{Name: "file", Value: f.URL}, {Name: "schema", Value: jsonFields(r.Schema().Fields())}})
			return nil
		}
		fmt.Fprintf(a.Stdout, "%s %s\n", comment, f.URL)
		return printSchema(cmd.Context(), a.Stdout, form, r.Schema(), ownSchema(r, form))
	})
	if err != nil || form != "json" {
		return err
	}
	return cli.WriteJSON(a.Stdout, docs)
}

// ownSchema is a file's own text of its schema, if the form is its format's.
// The metadata is asked for in no other case: some formats read the whole file
// for it.
func ownSchema(r formats.FileReader, form string) string {
	if _, err := formats.ByName(form); err != nil {
		return ""
	}
	if m := r.Meta(); m.Format == form {
		return m.Schema
	}
	return ""
}

// printSchema writes a schema. own is the file's own text of it, if it is of
// the form's format.
func printSchema(ctx context.Context, w io.Writer, form string, s *arrow.Schema, own string) error {
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
		return cli.WriteJSON(w, jsonFields(s.Fields()))
	case "avro", "parquet", "orc":
		var err error
		if own == "" {
			if own, err = writtenSchema(ctx, form, s); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintln(w, strings.TrimSuffix(own, "\n"))
		return err
	}
	text, err := ddl.Schema(form, "data", s)
	if err != nil {
		return fmt.Errorf("%w: --form: %w", cli.ErrUsage, err)
	}
	_, err = io.WriteString(w, text)
	return err
}

// writtenSchema is the schema that the format's writer would give a file: that
// of a file of no row.
func writtenSchema(ctx context.Context, format string, s *arrow.Schema) (string, error) {
	f, err := formats.ByName(format)
	if err != nil {
		return "", err
	}
	fsys := mem.New()
	w, err := fsys.Create(ctx, "schema", fs.CreateOptions{})
	if err != nil {
		return "", err
	}
	sink, err := f.NewSink(w, s, formats.Options{})
	if err != nil {
		return "", err
	}
	defer sink.Close()
	if _, err := sink.Commit(ctx); err != nil {
		return "", err
	}
	file, err := fsys.Open(ctx, "schema", fs.OpenOptions{})
	if err != nil {
		return "", err
	}
	r, err := f.Open(ctx, file, formats.Options{})
	if err != nil {
		return "", err
	}
	return r.Meta().Schema, r.Close()
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
			if l, ok := f.Type.(*arrow.FixedSizeListType); ok {
				j.Type = fmt.Sprintf("fixed_size_list[%d]", l.Len())
			}
		}
		out = append(out, j)
	}
	return out
}
