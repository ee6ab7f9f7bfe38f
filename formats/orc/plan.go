package orc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime/debug"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/pushdown"
)

// splitPayload is what Split.Payload carries: one stripe, and what of it.
type splitPayload struct {
	Format  int             `json:"v"`
	File    string          `json:"file_version,omitempty"`
	Stripe  int             `json:"stripe"`
	Columns []pushdown.Path `json:"columns"` // null: all
	Filter  string          `json:"filter,omitempty"`
}

const payloadFormat = 1

// project gives the shown schema of the wanted columns, and their nodes; nil
// paths are all.
func (r *Reader) project(paths []pushdown.Path) (*arrow.Schema, []*node, error) {
	shown, err := arrowio.ProjectSchema(r.schema, paths)
	if err != nil {
		return nil, nil, err
	}
	if paths == nil {
		return shown, r.roots, nil
	}
	nodes := make([]*node, shown.NumFields())
	for i, f := range shown.Fields() {
		for _, n := range r.roots {
			if n.field.Name == f.Name {
				nodes[i] = n.part(f)
			}
		}
	}
	return shown, nodes, nil
}

// bind gives the filter over the file's columns; nil if it lets all rows pass.
func (r *Reader) bind(e pushdown.Expr) (pushdown.Expr, error) {
	if e == nil {
		return nil, nil
	}
	e, err := pushdown.Bind(e, r.schema, pushdown.BindOptions{})
	if err != nil {
		return nil, err
	}
	if e = pushdown.Normalise(e); e == pushdown.True {
		return nil, nil
	}
	return e, nil
}

// Plan implements arrowio.Table: a split a stripe, without those that the
// statistics rule out. The filter is evaluated exactly when a split is read, so
// that nothing of it is left to the caller.
func (r *Reader) Plan(ctx context.Context, req arrowio.ScanRequest) (*arrowio.Scan, error) {
	shown, nodes, err := r.project(req.Columns)
	if err != nil {
		return nil, r.where(err)
	}
	filter, err := r.bind(req.Filter)
	if err != nil {
		return nil, err
	}
	truths := make([]pushdown.Truth, len(r.footer.Stripes))
	if filter != nil {
		if truths, err = r.pruneStripes(ctx, filter); err != nil {
			return nil, r.where(err)
		}
	}
	scan := &arrowio.Scan{Request: req, Schema: shown}
	var kept []int
	for i, t := range truths {
		if t == pushdown.Never {
			scan.Pruned = append(scan.Pruned, arrowio.Note{Unit: stripeName(i), Reason: "no row can satisfy " + filter.String()})
			continue
		}
		if r.footer.Stripes[i].Rows > 0 {
			kept = append(kept, i)
		}
	}
	scan.Splits = r.splits(nodes, req, filter, kept, truths)
	return scan, nil
}

// pruneStripes asks the statistics of the stripes.
func (r *Reader) pruneStripes(ctx context.Context, filter pushdown.Expr) ([]pushdown.Truth, error) {
	st, err := r.loadStripeStats(ctx)
	if err != nil {
		return nil, err
	}
	s := &statsOf{r: r, rows: make([]int64, len(r.footer.Stripes))}
	for i := range s.rows {
		s.rows[i] = int64(r.footer.Stripes[i].Rows)
	}
	s.of = func(i int, n *node) *proto.ColumnStatistics { return st.of(r, i, n) }
	return pushdown.Prune(filter, s), nil
}

func (r *Reader) splits(nodes []*node, req arrowio.ScanRequest, filter pushdown.Expr, kept []int, truths []pushdown.Truth) iter.Seq2[arrowio.Split, error] {
	part := r.share(nodes)
	return func(yield func(arrowio.Split, error) bool) {
		for _, i := range kept {
			info := &r.footer.Stripes[i]
			p := splitPayload{Format: payloadFormat, File: r.version, Stripe: i, Columns: req.Columns}
			if filter != nil && truths[i] != pushdown.Always {
				p.Filter = filter.String()
			}
			raw, err := json.Marshal(p)
			if err != nil {
				yield(arrowio.Split{}, err)
				return
			}
			s := arrowio.Split{
				ID: r.splitID(i), Source: r.url, Payload: raw, Residual: pushdown.True,
				Rows: int64(info.Rows), Exact: p.Filter == "", Bytes: int64(float64(info.DataLength) * part),
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// share is which part of the file's bytes columns take, by the sizes that the
// footer tells, or else by their number.
func (r *Reader) share(nodes []*node) float64 {
	sum, all := 0.0, 0.0
	ids := map[int]bool{}
	for _, n := range nodes {
		addIDs(ids, n)
	}
	for id := range r.footer.Types {
		size := 1.0
		if id < len(r.footer.Statistics) && r.footer.Statistics[id].BytesOnDisk.Set {
			size = float64(r.footer.Statistics[id].BytesOnDisk.V)
		} else if id == 0 {
			size = 0
		}
		if all += size; ids[id] {
			sum += size
		}
	}
	return sum / max(all, 1)
}

func (r *Reader) splitID(stripe int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "orc\n%s\n%s\n%d\n%d", r.url, r.version, r.size, stripe))
	return hex.EncodeToString(h[:16])
}

// Open implements arrowio.Table: it reads one stripe.
func (r *Reader) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (_ arrowio.RecordReader, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.where(fmt.Errorf("%w: %v\n%s", arrowio.ErrCorrupt, p, debug.Stack()))
		}
	}()
	var p splitPayload
	if err := json.Unmarshal(s.Payload, &p); err != nil || p.Format != payloadFormat {
		return nil, r.where(fmt.Errorf("%w: a split that is not of this version of the program", arrowio.ErrUnsupported))
	}
	if p.File != r.version {
		return nil, &arrowio.Error{Op: "read", URL: r.url, Err: fmt.Errorf("%w: planned on version %q, found %q", fs.ErrChanged, p.File, r.version)}
	}
	if p.Stripe < 0 || p.Stripe >= len(r.footer.Stripes) {
		return nil, &arrowio.Error{Op: "read", URL: r.url, Err: fmt.Errorf("%w: no stripe %d", fs.ErrChanged, p.Stripe)}
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
	shown, nodes, err := r.project(p.Columns)
	if err != nil {
		return nil, r.where(err)
	}
	st, err := r.openStripe(ctx, p.Stripe, o)
	if err != nil {
		return nil, err
	}
	sr := &stripeReader{st: st}
	if err := sr.open(shown, nodes, filter); err != nil {
		_ = sr.close() // releases memory only
		return nil, sr.where(err)
	}
	return arrowio.NewReader(ctx, shown, sr.next, sr.close), nil
}

// stripeReader reads a stripe's batches.
type stripeReader struct {
	st   *stripe
	sets []*columnSet
	scan columnar.Scan
}

// open selects row groups and opens the columns.
func (sr *stripeReader) open(shown *arrow.Schema, nodes []*node, filter pushdown.Expr) (err error) {
	st, sc := sr.st, &sr.scan
	*sc = columnar.Scan{Alloc: st.o.Alloc, Schema: shown, Filter: filter, Todo: columnar.All(int64(st.info.Rows))}
	var first []*node
	if filter != nil {
		if _, first, err = st.r.project(pushdown.Columns(filter)); err != nil {
			return err
		}
		if sc.Todo, err = st.selectRows(filter); err != nil {
			return err
		}
	}
	if sc.Todo.Count() == 0 {
		return nil
	}
	var rest []*node
	for i, n := range nodes {
		o := columnar.Origin{At: len(rest)}
		for k, f := range first {
			if f.id == n.id && arrow.TypeEqual(f.want, shown.Field(i).Type) {
				o = columnar.Origin{FromFilter: true, At: k}
			}
		}
		if !o.FromFilter {
			rest = append(rest, n)
		}
		sc.Shown = append(sc.Shown, o)
	}
	sc.Rows = st.batchRows(append(rest[:len(rest):len(rest)], first...))
	st.rows = sc.Rows
	set := func(nodes []*node) (*columnSet, error) {
		s, err := newColumnSet(st, nodes)
		if s != nil {
			sr.sets = append(sr.sets, s)
		}
		return s, err
	}
	if filter != nil {
		s, err := set(first)
		if err != nil {
			return err
		}
		sc.First = s
	}
	s, err := set(rest)
	sc.Rest = s
	return err
}

// batchRows is how many rows to aim at: those whose values of fixed width come
// to BatchBytes. Longer ones end a batch when they come.
func (st *stripe) batchRows(nodes []*node) int {
	width := 0
	for _, n := range nodes {
		width += widthOf(n)
	}
	return int(max(1, min(int64(st.o.BatchRows), st.o.BatchBytes/int64(max(width, 1)))))
}

// widthOf is the least bytes that a row takes.
func widthOf(n *node) int {
	switch t := n.field.Type.(type) {
	case *arrow.StructType:
		sum := 0
		for _, c := range n.children {
			sum += widthOf(c)
		}
		return sum
	case arrow.FixedWidthDataType:
		return (t.BitWidth() + 7) / 8
	}
	return 4
}

// next gives the next batch, io.EOF at the end.
func (sr *stripeReader) next(ctx context.Context) (rec arrow.RecordBatch, err error) {
	defer func() {
		if err != nil && err != io.EOF {
			err = sr.where(err)
		}
	}()
	defer arrowio.Guard(&err)
	return sr.scan.Next(ctx)
}

func (sr *stripeReader) where(err error) error {
	e := (*arrowio.Error)(nil)
	if !errors.As(err, &e) {
		return sr.st.r.where(err)
	}
	out := *e
	out.Op, out.URL = "read", sr.st.r.url
	if out.Unit == "" {
		out.Unit = sr.st.unit
	}
	return &out
}

// close releases everything.
func (sr *stripeReader) close() error {
	sr.scan.Release()
	for _, s := range sr.sets {
		s.release()
	}
	sr.sets = nil
	sr.st.close()
	return nil
}

var _ arrowio.Table = (*Reader)(nil)
