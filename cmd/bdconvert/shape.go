package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/convert"
	"github.com/bdkit/bdkit/pushdown"
)

// items reads "a=b, c=d"; commas inside parentheses and quotes do not separate.
func items(text, flag string) ([][2]string, error) {
	var out [][2]string
	depth, start, quote := 0, 0, byte(0)
	cut := func(end int) error {
		item := strings.TrimSpace(text[start:end])
		k, v, ok := strings.Cut(item, "=")
		if !ok || k == "" || v == "" {
			return fmt.Errorf("%w: --%s %q: want name=value", cli.ErrUsage, flag, item)
		}
		out = append(out, [2]string{unquote(strings.TrimSpace(k)), unquote(strings.TrimSpace(v))})
		return nil
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0: // a doubled quote closes and opens again
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			if err := cut(i); err != nil {
				return nil, err
			}
			start = i + 1
		}
	}
	return out, cut(len(text))
}

// shape reads the flags that change columns.
func (j *flags) shape(ctx context.Context) (s convert.Shape, err error) {
	s.CastNulls = j.castErrors == "null"
	s.Filtered = j.rows.Select != "" || j.rows.Where != ""
	s.Drop = columns(j.drop)
	casts, err := items(j.cast, "cast")
	if err != nil {
		return s, err
	}
	for _, kv := range casts {
		dt, err := cli.ParseType(kv[1])
		if err != nil {
			return s, err
		}
		s.Cast = append(s.Cast, convert.Cast{Column: kv[0], Type: dt})
	}
	renames, err := items(j.rename, "rename")
	if err != nil {
		return s, err
	}
	for _, kv := range renames {
		s.Rename = append(s.Rename, convert.Rename{Old: kv[0], New: kv[1]})
	}
	added, err := items(j.add, "add")
	if err != nil {
		return s, err
	}
	for _, kv := range added {
		v, err := literal(kv[1])
		if err != nil {
			return s, err
		}
		s.Add = append(s.Add, convert.Added{Name: kv[0], Value: v})
	}
	if j.schema != "" {
		s.Schema, err = j.readSchema(ctx)
	}
	return s, err
}

// literal reads one value as a filter's.
func literal(text string) (arrow.Array, error) {
	e, err := pushdown.Parse("x = " + text)
	if err != nil {
		return nil, fmt.Errorf("--add: %w", err)
	}
	if c, ok := e.(pushdown.Cmp); ok {
		return c.Value.Value, nil
	}
	return nil, fmt.Errorf("%w: --add: %q is no value", cli.ErrUsage, text)
}

// schemaField is a column as bdcat schema -F json prints it.
type schemaField struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Nullable *bool             `json:"nullable"`
	Metadata map[string]string `json:"metadata"`
	Children []schemaField     `json:"children"`
}

// readSchema reads --schema: JSON, or the schema of a data file.
func (j *flags) readSchema(ctx context.Context) (*arrow.Schema, error) {
	if strings.EqualFold(filepath.Ext(j.schema), ".json") {
		b, err := os.ReadFile(j.schema)
		if err != nil {
			return nil, fmt.Errorf("--schema: %w", err)
		}
		var fields []schemaField
		if err := json.Unmarshal(b, &fields); err != nil {
			return nil, fmt.Errorf("%w: --schema %s: want a list of {name, type, nullable} as bdcat schema -F json prints it: %w", cli.ErrUsage, j.schema, err)
		}
		out, err := schemaFields(fields)
		if err != nil {
			return nil, fmt.Errorf("--schema %s: %w", j.schema, err)
		}
		return arrow.NewSchema(out, nil), nil
	}
	o, err := j.app.Catalog(j.schema)
	if err != nil {
		return nil, err
	}
	o.Format = ""
	f, err := catalog.OpenFile(ctx, j.schema, o)
	if err != nil {
		return nil, fmt.Errorf("--schema %s: %w", fs.Redact(j.schema), err)
	}
	s := f.Schema()
	return s, f.Close()
}

func schemaFields(in []schemaField) (out []arrow.Field, err error) {
	for _, f := range in {
		if f.Name == "" || f.Type == "" {
			return nil, fmt.Errorf("%w: a column without name or type", cli.ErrUsage)
		}
		g := arrow.Field{Name: f.Name, Nullable: f.Nullable == nil || *f.Nullable}
		if len(f.Metadata) > 0 {
			g.Metadata = arrow.MetadataFrom(f.Metadata)
		}
		if g.Type, err = schemaType(f); err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		out = append(out, g)
	}
	return out, nil
}

func schemaType(f schemaField) (arrow.DataType, error) {
	children, err := schemaFields(f.Children)
	if err != nil {
		return nil, err
	}
	switch {
	case f.Type == "struct":
		return arrow.StructOf(children...), nil
	case f.Type == "list" && len(children) == 1:
		return arrow.ListOfField(children[0]), nil
	case f.Type == "large_list" && len(children) == 1:
		return arrow.LargeListOfField(children[0]), nil
	case f.Type == "map" && len(children) == 2:
		m := arrow.MapOf(children[0].Type, children[1].Type)
		m.SetItemNullable(children[1].Nullable)
		return m, nil
	}
	return arrowType(f.Type)
}

// arrowType reads the name of a type as Arrow writes it, or as --cast takes it:
// timestamp[us, tz=UTC], dictionary<values=utf8, indices=int32, ordered=false>.
func arrowType(text string) (arrow.DataType, error) {
	if inner, ok := strings.CutPrefix(text, "dictionary<values="); ok {
		value, rest, ok1 := strings.Cut(inner, ", indices=")
		index, _, ok2 := strings.Cut(rest, ",")
		v, err1 := arrowType(value)
		i, err2 := arrowType(index)
		if !ok1 || !ok2 || err1 != nil || err2 != nil {
			return nil, fmt.Errorf("%w: %q is no type", cli.ErrUsage, text)
		}
		return &arrow.DictionaryType{IndexType: i, ValueType: v, Ordered: strings.HasSuffix(rest, "ordered=true>")}, nil
	}
	if name, args, ok := strings.Cut(text, "["); ok {
		if name == "time32" || name == "time64" {
			name = "time"
		}
		text = name + "(" + strings.TrimSuffix(strings.ReplaceAll(args, "tz=", ""), "]") + ")"
	}
	return cli.ParseType(text)
}
