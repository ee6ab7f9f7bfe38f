package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/pushdown"
)

// fileSplit is what a split carries: its file, the file's own splits, and what
// of the table they are to give.
type fileSplit struct {
	Format  int
	File    string
	Inner   [][]byte        // tokens, in order; more than one where row numbers need it
	Filter  string          `json:",omitempty"` // the file's own, where its splits leave it
	Columns []pushdown.Path // of the table
	All     bool            `json:",omitempty"` // all columns, in place of Columns
	First   int64           `json:",omitempty"` // the number of the first row in the file
}

const splitFormat = 2

// planned is one file's share of a plan.
type planned struct {
	splits []arrowio.Split
	notes  []arrowio.Note
	err    error
	opened bool // and held until its splits are handed out
}

// Plan implements arrowio.Table. Files are opened as the splits are drawn: the
// first alone, then more and more of them ahead, unless a limit says that few
// will do. Nothing is open when the splits are drained, or are drawn no more.
func (t *Table) Plan(ctx context.Context, r arrowio.ScanRequest) (*arrowio.Scan, error) {
	schema, err := arrowio.ProjectSchema(t.schema, r.Columns)
	if err != nil {
		return nil, err
	}
	if r.Filter != nil {
		if r.Filter, err = pushdown.Bind(r.Filter, t.schema, pushdown.BindOptions{}); err != nil {
			return nil, err
		}
		r.Filter = pushdown.Normalise(r.Filter)
	}
	scan := &arrowio.Scan{Request: r, Schema: schema}
	scan.Splits = func(yield func(arrowio.Split, error) bool) { t.draw(ctx, r, scan, yield) }
	return scan, nil
}

// draw yields the splits of one file after the other.
func (t *Table) draw(ctx context.Context, r arrowio.ScanRequest, scan *arrowio.Scan, yield func(arrowio.Split, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	ahead := map[int]chan *planned{}
	recent := []string{} // files that splits just drawn are likely still to be read of
	release := func(keep int) (err error) {
		for len(recent) > keep {
			err = errors.Join(err, t.release(recent[0]))
			recent = recent[1:]
		}
		return err
	}
	defer func() {
		cancel()
		wg.Wait()
		for i, c := range ahead {
			if p := <-c; p.opened {
				recent = append(recent, t.files[i].Name)
			}
		}
		_ = release(0) // nobody is there to be told
	}()
	window, next := 0, 0
	for i := range t.files {
		for ; next <= min(i+window, len(t.files)-1); next++ {
			c := make(chan *planned, 1)
			ahead[next] = c
			if next == i {
				c <- t.planFile(ctx, next, r)
				continue
			}
			k := next
			wg.Go(func() { c <- t.planFile(ctx, k, r) })
		}
		p := <-ahead[i]
		delete(ahead, i)
		if p.opened {
			recent = append(recent, t.files[i].Name)
			if r.Limit <= 0 || r.Filter != nil { // each file that is opened is followed by more at once
				window = min(2*window+1, t.o.Jobs)
			}
		}
		scan.Pruned = append(scan.Pruned, p.notes...)
		if p.err != nil {
			yield(arrowio.Split{}, p.err)
			return
		}
		for _, s := range p.splits {
			if !yield(s, nil) {
				return
			}
		}
		if err := release(t.o.Jobs); err != nil && !yield(arrowio.Split{}, err) {
			return
		}
	}
}

// planFile plans a scan of one file.
func (t *Table) planFile(ctx context.Context, i int, r arrowio.ScanRequest) *planned {
	p := &planned{}
	name := t.files[i].Name
	fail := func(err error) *planned {
		p.err = err
		return p
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	consts, err := t.constants(i)
	if err != nil {
		return fail(err)
	}
	filter := r.Filter
	if filter != nil && len(consts) > 0 {
		filter = pushdown.Normalise(pushdown.Substitute(filter, t.constantOf(consts)))
	}
	if never(filter) {
		p.notes = append(p.notes, arrowio.Note{Unit: "file " + name, Reason: "its name cannot satisfy " + r.Filter.String()})
		return p
	}
	f, err := t.acquire(ctx, name)
	if err != nil {
		return fail(err)
	}
	p.opened = true
	m, err := t.mapTo(f.Schema(), name)
	if err != nil {
		return fail(err)
	}
	if err := t.castable(m, f.Schema(), name, r); err != nil {
		return fail(err)
	}
	pushed, residual, err := t.divide(filter, m, f.Schema())
	if err != nil {
		return fail(err)
	}
	if never(pushed) {
		p.notes = append(p.notes, arrowio.Note{Unit: "file " + name, Reason: "no row can satisfy " + r.Filter.String()})
		return p
	}
	columns := r.Columns
	if columns != nil && residual != pushdown.True {
		columns = append(columns[:len(columns):len(columns)], pushdown.Columns(residual)...)
	}
	inner := arrowio.ScanRequest{Filter: pushed, Ordered: r.Ordered}
	if pushed == pushdown.True {
		inner.Filter = nil
	}
	numbered := t.needsNumbers(columns)
	if numbered && inner.Filter != nil { // rows left out would not be counted
		residual = filter
		if inner.Filter = nil; columns != nil {
			columns = append(columns[:len(columns):len(columns)], pushdown.Columns(residual)...)
		}
	}
	if inner.Columns, err = t.fileColumns(m, f, name, columns); err != nil {
		return fail(err)
	}
	scan, err := f.Plan(ctx, inner)
	if err != nil {
		return fail(err)
	}
	return t.wrap(p, scan, inner, fileSplit{Format: splitFormat, File: name, Columns: columns, All: columns == nil}, residual, numbered)
}

// wrap makes splits of the table of those of a file.
func (t *Table) wrap(p *planned, scan *arrowio.Scan, inner arrowio.ScanRequest, fs fileSplit, residual pushdown.Expr, numbered bool) *planned {
	whole := arrowio.Split{Exact: true} // all splits as one, where row numbers need it
	for s, err := range scan.Splits {
		if err != nil {
			p.err = err
			return p
		}
		token, err := arrowio.EncodeSplit(s)
		if err != nil {
			p.err = err
			return p
		}
		left := s.Residual
		if left == nil {
			left = inner.Filter
		}
		if left != nil && left != pushdown.True {
			fs.Filter, s.Exact = left.String(), false
		}
		fs.Inner = append(fs.Inner, token)
		s.Residual, s.Exact = residual, s.Exact && residual == pushdown.True
		if numbered && !(s.Rows >= 0 && inner.Filter == nil && sExact(token)) {
			// Later splits cannot tell where they begin: they are read in a row.
			if whole.ID == "" {
				whole = s
			} else {
				whole.Rows, whole.Bytes, whole.Exact = -1, whole.Bytes+s.Bytes, false
			}
			continue
		}
		if whole.ID != "" {
			continue
		}
		if p.err = add(p, s, fs); p.err != nil {
			return p
		}
		if numbered {
			fs.First += s.Rows
		}
		fs.Inner, fs.Filter = nil, ""
	}
	if whole.ID != "" {
		if p.err = add(p, whole, fs); p.err != nil {
			return p
		}
	}
	for _, n := range scan.Pruned {
		p.notes = append(p.notes, arrowio.Note{Unit: fs.File + ": " + n.Unit, Reason: n.Reason})
	}
	return p
}

// sExact says whether a file's own split knows its rows.
func sExact(token []byte) bool {
	s, err := arrowio.DecodeSplit(token)
	return err == nil && s.Exact
}

func add(p *planned, s arrowio.Split, fs fileSplit) (err error) {
	if s.Payload, err = json.Marshal(fs); err == nil {
		p.splits = append(p.splits, s)
	}
	return err
}

// never says that a filter can be true of no row.
func never(e pushdown.Expr) bool {
	c, ok := e.(pushdown.Const)
	return ok && c != pushdown.True
}

// needsNumbers says whether the rows' numbers are asked for.
func (t *Table) needsNumbers(columns []pushdown.Path) bool {
	if !t.o.RowNumber {
		return false
	}
	if columns == nil {
		return true
	}
	for _, p := range columns {
		if p[0] == RowColumn {
			return true
		}
	}
	return false
}

// constantOf gives the columns that are constants for a file.
func (t *Table) constantOf(consts map[int]pushdown.Literal) func(pushdown.Path) (pushdown.Literal, bool) {
	return func(p pushdown.Path) (pushdown.Literal, bool) {
		v, ok := consts[t.place(p[0])]
		return v, ok && len(p) == 1
	}
}

// place is that of a column of the table.
func (t *Table) place(name string) int {
	if at := t.schema.FieldIndices(name); len(at) > 0 {
		return at[0]
	}
	return -1
}

var errForeign = fmt.Errorf("%w: a split of another table", arrowio.ErrUnsupported)
