package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

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
		s.Schema, err = j.app.ReadSchema(ctx, j.schema)
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
