package cli

import (
	"fmt"
	"path"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/pushdown"
)

// Select reads a list of columns such as "a, b.c, d.*, !secret" against a
// schema. "*" stands for any characters of one name, "!" takes columns away; a
// list of nothing but those starts from all columns. Names are quoted as in
// filters, in any case with noCase. An empty text is nil, all columns.
func Select(text string, s *arrow.Schema, noCase bool) ([]pushdown.Path, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var out []pushdown.Path
	items, err := splitList(text)
	if err != nil {
		return nil, err
	}
	first := true
	for _, item := range items {
		name, drop := strings.CutPrefix(item, "!")
		if drop && first {
			for _, f := range s.Fields() {
				out = append(out, pushdown.Path{f.Name})
			}
		}
		first = false
		found, err := matching(strings.TrimSpace(name), s, noCase)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if drop {
				if out, err = without(out, p, s); err != nil {
					return nil, err
				}
			} else {
				out = append(out, p)
			}
		}
	}
	if out == nil {
		out = []pushdown.Path{}
	}
	return out, nil
}

// splitList cuts at commas outside quotes.
func splitList(text string) (out []string, err error) {
	quote, start := byte(0), 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '`':
			quote = c
		case c == ',':
			out = append(out, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%w: --select %q: a quote is not closed", ErrUsage, text)
	}
	out = append(out, strings.TrimSpace(text[start:]))
	for _, item := range out {
		if item == "" || item == "!" {
			return nil, fmt.Errorf("%w: --select %q: an empty name", ErrUsage, text)
		}
	}
	return out, nil
}

// matching are the columns that one item names.
func matching(item string, s *arrow.Schema, noCase bool) ([]pushdown.Path, error) {
	if !strings.ContainsAny(item, "*?") || strings.ContainsAny(item, "\"`") {
		p, err := pushdown.ParsePath(item)
		if err != nil {
			return nil, err
		}
		if noCase {
			found, _, err := pushdown.Resolve(p, s, pushdown.BindOptions{CaseInsensitive: true})
			if err != nil {
				return nil, err
			}
			return []pushdown.Path{found}, nil
		}
		if _, err := arrowio.ProjectSchema(s, []pushdown.Path{p}); err != nil {
			// A name may hold dots itself.
			if _, whole := arrowio.ProjectSchema(s, []pushdown.Path{{item}}); whole == nil {
				return []pushdown.Path{{item}}, nil
			}
			return nil, suggest(err, item, s)
		}
		return []pushdown.Path{p}, nil
	}
	var out []pushdown.Path
	if err := glob(strings.Split(item, "."), nil, s.Fields(), noCase, &out); err != nil {
		return nil, fmt.Errorf("%w: --select %q: %w", ErrUsage, item, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no column matches %q", arrowio.ErrColumn, item)
	}
	return out, nil
}

func glob(pattern []string, at pushdown.Path, fields []arrow.Field, noCase bool, out *[]pushdown.Path) error {
	for _, f := range fields {
		want, have := pattern[0], f.Name
		if noCase {
			want, have = strings.ToLower(want), strings.ToLower(have)
		}
		ok, err := path.Match(want, have)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		p := append(at[:len(at):len(at)], f.Name)
		if len(pattern) == 1 {
			*out = append(*out, p)
		} else if st, ok := f.Type.(*arrow.StructType); ok {
			if err := glob(pattern[1:], p, st.Fields(), noCase, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// without takes a column away from a list, out of the struct that holds it if
// need be.
func without(list []pushdown.Path, drop pushdown.Path, s *arrow.Schema) (out []pushdown.Path, err error) {
	for _, p := range list {
		switch {
		case len(p) >= len(drop) && p[:len(drop)].Equal(drop):
		case len(p) < len(drop) && drop[:len(p)].Equal(p):
			_, dt, err := pushdown.Resolve(p, s, pushdown.BindOptions{})
			if err != nil {
				return nil, err
			}
			st, ok := dt.(*arrow.StructType)
			if !ok {
				out = append(out, p)
				continue
			}
			var parts []pushdown.Path
			for _, f := range st.Fields() {
				parts = append(parts, append(p[:len(p):len(p)], f.Name))
			}
			if parts, err = without(parts, drop, s); err != nil {
				return nil, err
			}
			out = append(out, parts...)
		default:
			out = append(out, p)
		}
	}
	return out, nil
}

// suggest adds the closest name to an error about an unknown column.
func suggest(err error, name string, s *arrow.Schema) error {
	var names []string
	for _, f := range s.Fields() {
		names = append(names, f.Name)
	}
	if at := Closest(name, names); at != "" {
		return fmt.Errorf("%w (did you mean %q?)", err, at)
	}
	return err
}
