package parquet

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/columnar"
)

// int96Sample is how many rows of a column are looked at.
const int96Sample = 4096

// chooseInt96 looks at the first rows of each INT96 column, for Int96Auto; nil
// if all of them fit nanoseconds. A column that cannot be read keeps the
// default: who reads it will be told.
func (r *Reader) chooseInt96(ctx context.Context) (map[int]schema.Int96, error) {
	if r.o.Int96 != "" && r.o.Int96 != Int96Auto {
		return nil, nil
	}
	var out map[int]schema.Int96
	for _, n := range r.tree.Leaves {
		if n.Element.Type != meta.Int96 {
			continue
		}
		raw, err := r.int96Values(ctx, n)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || len(raw) == 0 {
			continue
		}
		dst := make([]byte, len(raw)/12*8)
		if int96Timestamps(arrow.Nanosecond)(dst, raw) == nil {
			continue
		}
		if out == nil {
			out = map[int]schema.Int96{}
		}
		out[n.Column] = schema.Int96Exact
		if int96Timestamps(arrow.Microsecond)(dst, raw) == nil {
			out[n.Column] = schema.Int96Micros
		}
	}
	return out, nil
}

// int96Values gives the stored values of a column's first rows, nulls left out
// or zero.
func (r *Reader) int96Values(ctx context.Context, n *schema.Node) ([]byte, error) {
	for rg := range r.md.RowGroups {
		rows := r.md.RowGroups[rg].NumRows
		if rows == 0 {
			continue
		}
		raw := *n
		raw.Field.Type = &arrow.FixedSizeBinaryType{ByteWidth: 12}
		g := &rowGroup{r: r, rg: rg, unit: rowGroupName(rg), o: arrowio.ReadOptions{Alloc: memory.NewGoAllocator()}.WithDefaults()}
		defer g.close()
		l, err := g.newLeaf(ctx, &raw, n.Rep == 0 && n.Def <= 1, columnar.All(rows))
		if err != nil {
			return nil, err
		}
		g.opened = append(g.opened, l)
		if err := l.read(ctx, columnar.All(rows), int(min(rows, int96Sample)), 1<<20); err != nil {
			return nil, err
		}
		var out []byte
		v := l.vals.(*fixedVector)
		for i := range l.slots {
			if l.valid == nil || l.valid.Bytes()[i>>3]>>(i&7)&1 != 0 {
				out = append(out, v.buf.Bytes()[12*i:12*i+12]...)
			}
		}
		return out, nil
	}
	return nil, nil
}
