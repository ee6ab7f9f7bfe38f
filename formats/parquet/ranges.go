package parquet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/pushdown"
)

// Ranges implements formats.Ranger: the column chunks of the split's columns
// and of its filter, in the order of the file.
func (r *Reader) Ranges(_ context.Context, s arrowio.Split) (unit string, ranges []formats.Extent, err error) {
	var p splitPayload
	if err := json.Unmarshal(s.Payload, &p); err != nil || p.Format != payloadFormat || p.RowGroup < 0 || p.RowGroup >= len(r.md.RowGroups) {
		return "", nil, r.where(fmt.Errorf("%w: a split of another file", arrowio.ErrUnsupported))
	}
	trees := make([]*schema.Tree, 1, 2)
	if trees[0], err = r.project(p.Columns); err != nil {
		return "", nil, r.where(err)
	}
	if p.Filter != "" {
		e, err := pushdown.Parse(p.Filter)
		if err != nil {
			return "", nil, r.where(err)
		}
		t, err := r.project(pushdown.Columns(e))
		if err != nil {
			return "", nil, r.where(err)
		}
		trees = append(trees, t)
	}
	var columns []int
	for _, t := range trees {
		for _, root := range t.Roots {
			for _, leaf := range root.AppendLeaves(nil) {
				columns = append(columns, leaf.Column)
			}
		}
	}
	slices.Sort(columns)
	unit = rowGroupName(p.RowGroup)
	for _, c := range slices.Compact(columns) {
		m := r.chunkMeta(p.RowGroup, c)
		where := ""
		if m.File != "" {
			where = " in " + m.File
		}
		ranges = append(ranges, formats.Extent{Off: m.Offset, Len: m.Bytes, Label: "column " + r.tree.Leaves[c].Name() + where})
	}
	slices.SortStableFunc(ranges, func(a, b formats.Extent) int { return int(a.Off - b.Off) })
	return unit, ranges, nil
}

var _ formats.Ranger = (*Reader)(nil)
