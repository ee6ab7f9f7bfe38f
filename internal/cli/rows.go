package cli

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/pushdown"
)

// Rows are the flags of commands that read rows.
type Rows struct {
	Select, Where string
	Limit, Offset int64
	Unordered     bool
	limited       func() bool
}

// Flags adds the flags.
func (r *Rows) Flags(f *pflag.FlagSet) {
	f.StringVarP(&r.Select, "select", "s", "", "columns: 'a, b.c, d.*, !secret'")
	f.StringVarP(&r.Where, "where", "w", "", "rows: \"a > 5 AND b LIKE 'x%'\" (help where)")
	f.BoolVar(&r.Unordered, "unordered", false, "rows in any order")
}

// LimitFlags adds the flags of how many rows.
func (r *Rows) LimitFlags(f *pflag.FlagSet, def int64, limit, offset string) {
	f.Int64VarP(&r.Limit, "limit", "n", def, limit)
	f.Int64Var(&r.Offset, "offset", 0, offset)
	r.limited = func() bool { return r.Limit > 0 || f.Changed("limit") }
}

// Limited says whether there is a limit, which may be 0.
func (r *Rows) Limited() bool { return r.limited != nil && r.limited() }

// Bound tells a scan how many rows are wanted of it.
func (r *Rows) Bound(req *arrowio.ScanRequest) {
	if r.Limited() {
		req.Limit = r.Limit + r.Offset
	}
}

// Cut applies --offset and --limit to a reader, which it takes over.
func (r *Rows) Cut(rr arrowio.RecordReader) arrowio.RecordReader {
	if r.Offset > 0 {
		rr = arrowio.Offset(rr, r.Offset)
	}
	if r.Limited() {
		rr = arrowio.Limit(rr, r.Limit)
	}
	return rr
}

// Request binds the flags to a table.
func (r *Rows) Request(a *App, s *arrow.Schema) (arrowio.ScanRequest, error) {
	req := arrowio.ScanRequest{Ordered: !r.Unordered}
	var err error
	if req.Columns, err = Select(r.Select, s, a.Many.NoCase); err != nil {
		return req, err
	}
	if r.Where != "" {
		if req.Filter, err = pushdown.Parse(r.Where); err != nil {
			return req, err
		}
		if req.Filter, err = pushdown.Bind(req.Filter, s, pushdown.BindOptions{CaseInsensitive: a.Many.NoCase}); err != nil {
			return req, err
		}
	}
	if r.Limit < 0 || r.Offset < 0 {
		return req, fmt.Errorf("%w: a negative --limit or --offset", ErrUsage)
	}
	return req, nil
}

// Open opens sources as one table.
func (a *App) Open(ctx context.Context, sources []string) (*catalog.Source, error) {
	if len(sources) == 0 {
		return nil, fmt.Errorf("%w: no SOURCE was given (try: %s --help)", ErrUsage, a.Prog)
	}
	o, err := a.Catalog(sources...)
	if err != nil {
		return nil, err
	}
	if o.Dataset.Schema, err = a.given(ctx); err != nil {
		return nil, err
	}
	return catalog.OpenAll(ctx, sources, o)
}
