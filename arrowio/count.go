package arrowio

import (
	"context"

	"github.com/bdkit/bdkit/pushdown"
)

// Count gives the number of rows for which the filter is true; nil counts all.
// Splits whose rows the source knows exactly are not opened; of the others the
// filter's columns alone are read.
func Count(ctx context.Context, t Table, filter pushdown.Expr, o RunOptions) (int64, error) {
	s, err := t.Plan(ctx, ScanRequest{Columns: []pushdown.Path{}, Filter: filter})
	if err != nil {
		return 0, err
	}
	total := int64(0)
	var rest []Split
	for sp, err := range s.Splits {
		if err != nil {
			return 0, err
		}
		if sp.Exact && (sp.Residual == pushdown.True || sp.Residual == nil && filter == nil) {
			total += sp.Rows
		} else {
			rest = append(rest, sp)
		}
	}
	if len(rest) == 0 {
		return total, nil
	}
	part := *s
	part.Splits = func(yield func(Split, error) bool) {
		for _, sp := range rest {
			if !yield(sp, nil) {
				return
			}
		}
	}
	r, err := Run(ctx, t, &part, o)
	if err != nil {
		return 0, err
	}
	for r.Next() {
		total += r.RecordBatch().NumRows()
	}
	return total, r.Close()
}
