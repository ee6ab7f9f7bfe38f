package parquet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/pushdown"
)

// splitPayload is what Split.Payload carries: one row group, and what of it.
type splitPayload struct {
	Format   int             `json:"v"`
	File     string          `json:"file_version,omitempty"`
	RowGroup int             `json:"row_group"`
	Columns  []pushdown.Path `json:"columns"` // null: all
	Filter   string          `json:"filter,omitempty"`
}

const payloadFormat = 1

// project gives the tree of the wanted columns; nil paths are all.
func (r *Reader) project(paths []pushdown.Path) (*schema.Tree, error) {
	if paths == nil {
		return r.tree, nil
	}
	return r.tree.Project(paths)
}

// bind gives the filter over the file's columns; nil if it lets all rows pass.
func (r *Reader) bind(e pushdown.Expr) (pushdown.Expr, error) {
	if e == nil {
		return nil, nil
	}
	e, err := pushdown.Bind(e, r.tree.Arrow, pushdown.BindOptions{})
	if err != nil {
		return nil, err
	}
	if e = pushdown.Normalise(e); e == pushdown.True {
		return nil, nil
	}
	return e, nil
}

// Plan implements arrowio.Table: a split a row group, without those that
// statistics or bloom filters rule out. The filter is evaluated exactly when a
// split is read, so that nothing of it is left to the caller.
func (r *Reader) Plan(ctx context.Context, req arrowio.ScanRequest) (*arrowio.Scan, error) {
	tree, err := r.project(req.Columns)
	if err != nil {
		return nil, r.where(err)
	}
	filter, err := r.bind(req.Filter)
	if err != nil {
		return nil, err
	}
	truths := make([]pushdown.Truth, len(r.md.RowGroups))
	if filter != nil {
		st := &rowGroupStats{ctx: ctx, r: r}
		truths = pushdown.Prune(filter, st)
		if st.err != nil {
			return nil, r.where(st.err)
		}
	}
	scan := &arrowio.Scan{Request: req, Schema: tree.Arrow}
	var kept []int
	for rg, t := range truths {
		if t == pushdown.Never {
			scan.Pruned = append(scan.Pruned, arrowio.Note{Unit: rowGroupName(rg), Reason: "no row can satisfy " + filter.String()})
			continue
		}
		if r.md.RowGroups[rg].NumRows > 0 {
			kept = append(kept, rg)
		}
	}
	scan.Splits = r.splits(tree, req, filter, kept, truths)
	return scan, nil
}

func (r *Reader) splits(tree *schema.Tree, req arrowio.ScanRequest, filter pushdown.Expr, kept []int, truths []pushdown.Truth) iter.Seq2[arrowio.Split, error] {
	var leaves []*schema.Node
	for _, n := range tree.Roots {
		leaves = n.AppendLeaves(leaves)
	}
	return func(yield func(arrowio.Split, error) bool) {
		for _, rg := range kept {
			g := &r.md.RowGroups[rg]
			p := splitPayload{Format: payloadFormat, File: r.version, RowGroup: rg, Columns: req.Columns}
			if filter != nil && truths[rg] != pushdown.Always {
				p.Filter = filter.String()
			}
			raw, err := json.Marshal(p)
			if err != nil {
				yield(arrowio.Split{}, err)
				return
			}
			s := arrowio.Split{
				ID: r.splitID(rg), Source: r.url, Payload: raw, Residual: pushdown.True,
				Rows: g.NumRows, Exact: p.Filter == "",
			}
			for _, n := range leaves {
				if m := g.Columns[n.Column].Meta; m != nil {
					s.Bytes += m.CompressedSize
				}
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

func (r *Reader) splitID(rg int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "parquet\n%s\n%s\n%d\n%d", r.url, r.version, r.size, rg))
	return hex.EncodeToString(h[:16])
}

// Open implements arrowio.Table: it reads one row group.
func (r *Reader) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	var p splitPayload
	if err := json.Unmarshal(s.Payload, &p); err != nil || p.Format != payloadFormat {
		return nil, r.where(fmt.Errorf("%w: a split that is not of this version of the program", arrowio.ErrUnsupported))
	}
	if p.File != r.version {
		return nil, &arrowio.Error{Op: "read", URL: r.url, Err: fmt.Errorf("%w: planned on version %q, found %q", fs.ErrChanged, p.File, r.version)}
	}
	if p.RowGroup < 0 || p.RowGroup >= len(r.md.RowGroups) {
		return nil, &arrowio.Error{Op: "read", URL: r.url, Err: fmt.Errorf("%w: no row group %d", fs.ErrChanged, p.RowGroup)}
	}
	var filter pushdown.Expr
	if p.Filter != "" {
		e, err := pushdown.Parse(p.Filter)
		if err == nil {
			filter, err = r.bind(e)
		}
		if err != nil {
			return nil, err
		}
	}
	tree, err := r.project(p.Columns)
	if err != nil {
		return nil, r.where(err)
	}
	g := &rowGroup{r: r, rg: p.RowGroup, unit: rowGroupName(p.RowGroup), o: o.WithDefaults(), tree: tree, filter: filter}
	if err := g.open(ctx); err != nil {
		_ = g.close() // releases memory only
		return nil, g.where(err)
	}
	return arrowio.NewReader(ctx, tree.Arrow, g.next, g.close), nil
}

// open selects rows by page index and prepares the columns.
func (g *rowGroup) open(ctx context.Context) (err error) {
	rows := g.r.md.RowGroups[g.rg].NumRows
	sc := &g.scan
	*sc = columnar.Scan{Alloc: g.o.Alloc, Schema: g.tree.Arrow, Filter: g.filter, Todo: columnar.All(rows)}
	var filterRoots, restRoots []*schema.Node
	if g.filter != nil {
		ft, err := g.r.tree.Project(pushdown.Columns(g.filter))
		if err != nil {
			return err
		}
		filterRoots = ft.Roots
		g.indexes = map[int]*meta.OffsetIndex{}
		if sc.Todo, err = g.r.selectRows(ctx, g.rg, g.filter, ft, g.indexes); err != nil {
			return err
		}
	}
	for _, n := range g.tree.Roots {
		o := columnar.Origin{At: len(restRoots)}
		for i, f := range filterRoots {
			if f == n {
				o = columnar.Origin{FromFilter: true, At: i}
			}
		}
		if !o.FromFilter {
			restRoots = append(restRoots, n)
		}
		sc.Shown = append(sc.Shown, o)
	}
	if sc.Todo.Count() == 0 {
		return nil
	}
	if g.filter != nil {
		first, err := g.newColumnSet(ctx, filterRoots, sc.Todo)
		if err != nil {
			return err
		}
		sc.First = first
		first.more = func(ctx context.Context) error { return g.prime(ctx, first) }
	}
	rest, err := g.newColumnSet(ctx, restRoots, sc.Todo)
	if err != nil {
		return err
	}
	sc.Rest, sc.Rows = rest, g.batchRows(rows)
	if g.filter == nil {
		rest.more = func(ctx context.Context) error { return g.prime(ctx, rest) }
	}
	return nil
}

// batchRows is how many rows to aim at: those that come to BatchBytes by the
// sizes that the file declares.
func (g *rowGroup) batchRows(rows int64) int {
	size := int64(1)
	for _, l := range g.opened {
		size += max(l.pages.meta.UncompressedSize, 0)
	}
	fit := float64(g.o.BatchBytes) / float64(size) * float64(rows)
	return int(max(1, min(float64(g.o.BatchRows), fit)))
}

var (
	_ arrowio.Table = (*Reader)(nil)
)
