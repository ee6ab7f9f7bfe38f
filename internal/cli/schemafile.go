package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats/dataset"
	"github.com/bdkit/bdkit/fs"
)

// schemaField is a column as bdcat schema -F json prints it.
type schemaField struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Nullable *bool             `json:"nullable"`
	Metadata map[string]string `json:"metadata"`
	Children []schemaField     `json:"children"`
}

// ReadSchema reads --schema: JSON as schema -F json prints it, or the schema of
// a data file.
func (a *App) ReadSchema(ctx context.Context, name string) (*arrow.Schema, error) {
	if strings.EqualFold(filepath.Ext(name), ".json") {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("--schema: %w", err)
		}
		var fields []schemaField
		if err := json.Unmarshal(b, &fields); err != nil {
			return nil, fmt.Errorf("%w: --schema %s: want a list of {name, type, nullable} as bdcat schema -F json prints it: %w", ErrUsage, name, err)
		}
		out, err := schemaFields(fields)
		if err != nil {
			return nil, fmt.Errorf("--schema %s: %w", name, err)
		}
		return arrow.NewSchema(out, nil), nil
	}
	o, err := a.Catalog(name)
	if err != nil {
		return nil, err
	}
	o.Format, o.Dataset = "", dataset.Options{}
	f, err := catalog.OpenFile(ctx, name, o)
	if err != nil {
		return nil, fmt.Errorf("--schema %s: %w", fs.Redact(name), err)
	}
	s := f.Schema()
	return s, f.Close()
}

func schemaFields(in []schemaField) (out []arrow.Field, err error) {
	for _, f := range in {
		if f.Name == "" || f.Type == "" {
			return nil, fmt.Errorf("%w: a column without name or type", ErrUsage)
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
	case strings.HasPrefix(f.Type, "fixed_size_list[") && len(children) == 1:
		n, err := strconv.ParseInt(strings.TrimSuffix(f.Type[len("fixed_size_list["):], "]"), 10, 32)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%w: %q is no type", ErrUsage, f.Type)
		}
		return arrow.FixedSizeListOfField(int32(n), children[0]), nil
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
			return nil, fmt.Errorf("%w: %q is no type", ErrUsage, text)
		}
		return &arrow.DictionaryType{IndexType: i, ValueType: v, Ordered: strings.HasSuffix(rest, "ordered=true>")}, nil
	}
	if name, args, ok := strings.Cut(text, "["); ok {
		if name == "time32" || name == "time64" {
			name = "time"
		}
		text = name + "(" + strings.TrimSuffix(strings.ReplaceAll(args, "tz=", ""), "]") + ")"
	}
	return ParseType(text)
}
