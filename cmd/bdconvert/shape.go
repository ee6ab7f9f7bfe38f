package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// shape changes columns: drop, then rename, cast, add. It is compiled once for
// a schema.
type shape struct {
	schema *arrow.Schema
	cols   []shaped
}

type shaped struct {
	from  int         // in the source; -1: added
	value arrow.Array // of an added column, one element
	cast  bool
}

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
		out = append(out, [2]string{strings.TrimSpace(k), strings.TrimSpace(v)})
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
		case c == '\'':
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

func (j *job) shape(s *arrow.Schema) (*shape, error) {
	fields := s.Fields()
	out := &shape{}
	for i := range fields {
		out.cols = append(out.cols, shaped{from: i})
	}
	index := func(name, flag string) (int, error) {
		at := slices.IndexFunc(fields, func(f arrow.Field) bool { return f.Name == name })
		if at < 0 {
			return 0, fmt.Errorf("%w: --%s: no column %q", arrowio.ErrColumn, flag, name)
		}
		return at, nil
	}
	if j.drop != "" {
		for name := range strings.SplitSeq(j.drop, ",") {
			at, err := index(strings.TrimSpace(name), "drop")
			if err != nil {
				return nil, err
			}
			fields, out.cols = slices.Delete(slices.Clone(fields), at, at+1), slices.Delete(out.cols, at, at+1)
		}
	}
	fields = slices.Clone(fields)
	casts, err := items(j.cast, "cast")
	if err != nil {
		return nil, err
	}
	for _, kv := range casts {
		at, err := index(kv[0], "cast")
		if err != nil {
			return nil, err
		}
		dt, err := cli.ParseType(kv[1])
		if err != nil {
			return nil, err
		}
		fields[at].Type, out.cols[at].cast = dt, true
		fields[at].Nullable = fields[at].Nullable || j.castErrors == "null"
	}
	renames, err := items(j.rename, "rename")
	if err != nil {
		return nil, err
	}
	renamed := slices.Clone(fields)
	for _, kv := range renames {
		at, err := index(kv[0], "rename")
		if err != nil {
			return nil, err
		}
		renamed[at].Name = kv[1]
	}
	fields = renamed
	added, err := items(j.add, "add")
	if err != nil {
		return nil, err
	}
	for _, kv := range added {
		v, err := literal(kv[1])
		if err != nil {
			return nil, err
		}
		fields = append(fields, arrow.Field{Name: kv[0], Type: v.DataType(), Nullable: v.NullN() > 0})
		out.cols = append(out.cols, shaped{from: -1, value: v})
	}
	named := map[string]bool{}
	for _, f := range fields {
		if named[f.Name] && len(renames)+len(added) > 0 { // those of a source are its own
			return nil, fmt.Errorf("%w: two columns would be named %q", cli.ErrUsage, f.Name)
		}
		named[f.Name] = true
	}
	md := s.Metadata()
	out.schema = arrow.NewSchema(fields, &md)
	return out, nil
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

// reader changes the batches of r, which it takes over.
func (s *shape) reader(ctx context.Context, r arrowio.RecordReader, nulls bool) arrowio.RecordReader {
	o := kernel.CastOptions{Nulls: nulls}
	return arrowio.NewReader(ctx, s.schema, func(context.Context) (arrow.RecordBatch, error) {
		if !r.Next() {
			if err := r.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		return s.apply(r.RecordBatch(), o)
	}, r.Close)
}

func (s *shape) apply(rec arrow.RecordBatch, o kernel.CastOptions) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, 0, len(s.cols))
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for i, c := range s.cols {
		switch {
		case c.from < 0:
			v, err := kernel.Take(memory.DefaultAllocator, c.value, make([]int32, rec.NumRows()))
			if err != nil {
				return nil, err
			}
			cols = append(cols, v)
		case c.cast:
			v, err := kernel.Cast(memory.DefaultAllocator, rec.Column(c.from), s.schema.Field(i).Type, o)
			if err != nil {
				return nil, &arrowio.Error{Op: "cast", Column: s.schema.Field(i).Name, Hint: "--cast-errors null", Err: err}
			}
			cols = append(cols, v)
		default:
			rec.Column(c.from).Retain()
			cols = append(cols, rec.Column(c.from))
		}
	}
	return array.NewRecordBatch(s.schema, cols, rec.NumRows()), nil
}
