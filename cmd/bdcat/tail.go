package main

import (
	"context"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/kernel"
)

func newTail(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var out cli.Output
	c := &cobra.Command{
		Use: "tail SOURCE…", Short: "The last rows", Args: cobra.ArbitraryArgs,
		Long: "The last rows, in the order of the source. Units are read from the end, as many as are needed.",
		Example: `  bdcat tail flights.parquet
  bdcat tail -n 3 -s 'carrier, flight, dest' flights.parquet
  bdcat tail -n 1 -o line events.parquet
  bdcat tail -w "origin = 'JFK'" 'flights/*.parquet'
  bdcat tail -n 5 --offset 5 flights.parquet                # the five before the last five`,
		RunE: func(cmd *cobra.Command, args []string) error { return tail(cmd.Context(), a, args, &rows, &out) },
	}
	rows.Flags(c.Flags())
	rows.LimitFlags(c.Flags(), 10, "how many rows", "leave out that many rows at the end")
	out.Flags(c.Flags())
	return c
}

func tail(ctx context.Context, a *cli.App, args []string, rows *cli.Rows, out *cli.Output) error {
	if err := out.Check(); err != nil {
		return err
	}
	src, scan, splits, err := plan(ctx, a, args, rows)
	if err != nil {
		return err
	}
	defer src.Close()
	var last []arrow.RecordBatch // in order
	have, wanted := int64(0), rows.Limit+rows.Offset
	for _, s := range slices.Backward(splits) {
		if have >= wanted || rows.Limit == 0 {
			break
		}
		part, n, err := lastOf(ctx, a, src, scan, s, wanted-have)
		if err != nil {
			return err
		}
		last = append(part, last...)
		have += n
	}
	_, err = a.Show(arrowio.Limit(batches(ctx, scan.Schema, last), max(0, have-rows.Offset)), out)
	return err
}

// plan opens and plans, with all splits drawn.
func plan(ctx context.Context, a *cli.App, args []string, rows *cli.Rows) (src *catalog.Source, scan *arrowio.Scan, splits []arrowio.Split, err error) {
	s, err := a.Open(ctx, args)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = s.Close() // the first error counts
		}
	}()
	req, err := rows.Request(a, s.Schema())
	if err != nil {
		return nil, nil, nil, err
	}
	if scan, err = s.Plan(ctx, req); err != nil {
		return nil, nil, nil, err
	}
	for sp, err := range scan.Splits {
		if err != nil {
			return nil, nil, nil, err
		}
		splits = append(splits, sp)
	}
	return s, scan, splits, nil
}

// one is the scan of some splits alone.
func one(scan *arrowio.Scan, splits ...arrowio.Split) *arrowio.Scan {
	s := *scan
	s.Splits = func(yield func(arrowio.Split, error) bool) {
		for _, sp := range splits {
			if !yield(sp, nil) {
				return
			}
		}
	}
	return &s
}

// lastOf reads a split and keeps its last n rows.
func lastOf(ctx context.Context, a *cli.App, t arrowio.Table, scan *arrowio.Scan, s arrowio.Split, n int64) (kept []arrow.RecordBatch, have int64, err error) {
	o := a.RunOptions()
	o.Jobs, o.Alloc = 1, nil // the rows are kept
	r, err := arrowio.Run(ctx, t, one(scan, s), o)
	if err != nil {
		return nil, 0, err
	}
	for r.Next() {
		rec := r.RecordBatch()
		rec.Retain()
		kept, have = append(kept, rec), have+rec.NumRows()
		for have-kept[0].NumRows() >= n {
			have -= kept[0].NumRows()
			kept[0].Release()
			kept = kept[1:]
		}
	}
	if err := r.Close(); err != nil {
		return nil, 0, err
	}
	if over := have - n; over > 0 {
		kept[0] = kept[0].NewSlice(over, kept[0].NumRows())
		have = n
	}
	return kept, have, nil
}

// batches is a reader of batches in hand.
func batches(ctx context.Context, s *arrow.Schema, recs []arrow.RecordBatch) arrowio.RecordReader {
	return arrowio.NewReader(ctx, s, func(context.Context) (arrow.RecordBatch, error) {
		if len(recs) == 0 {
			return nil, io.EOF
		}
		rec := recs[0]
		recs = recs[1:]
		return rec, nil
	}, nil)
}

func newSample(a *cli.App) *cobra.Command {
	var rows cli.Rows
	var out cli.Output
	var seed uint64
	c := &cobra.Command{
		Use: "sample SOURCE…", Short: "Rows at random", Args: cobra.ArbitraryArgs,
		Long: `Rows at random: units are drawn until they hold ten times the rows, and of their rows each is
as likely as any. The rows keep the order of the source; stderr tells how many units were read.`,
		Example: `  bdcat sample flights.parquet
  bdcat sample -n 5 --seed 7 flights.parquet                # the same five each time
  bdcat sample -n 20 -s 'carrier, dest' 'flights/*.parquet'
  bdcat sample -w "dep_delay > 60" -o csv flights.parquet > late.csv
  bdcat sample -q -n 1000 -o arrow flights.parquet > sample.arrows`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			if !cmd.Flags().Changed("seed") {
				seed = rand.Uint64()
			}
			return sample(cmd.Context(), a, args, &rows, &out, seed)
		},
	}
	rows.Flags(c.Flags())
	rows.LimitFlags(c.Flags(), 100, "how many rows", "leave out that many of the rows that are read first")
	out.Flags(c.Flags())
	c.Flags().Uint64Var(&seed, "seed", 0, "the same seed draws the same rows")
	return c
}

func sample(ctx context.Context, a *cli.App, args []string, rows *cli.Rows, out *cli.Output, seed uint64) error {
	src, scan, splits, err := plan(ctx, a, args, rows)
	if err != nil {
		return err
	}
	defer src.Close()
	rnd := rand.New(rand.NewPCG(seed, 0))
	order := rnd.Perm(len(splits))
	var chosen []int
	var total int64
	for _, i := range order {
		if total >= 10*rows.Limit {
			break
		}
		chosen = append(chosen, i)
		if splits[i].Exact {
			total += splits[i].Rows
		}
	}
	slices.Sort(chosen)
	var picked []arrowio.Split
	for _, i := range chosen {
		picked = append(picked, splits[i])
	}
	o := a.RunOptions()
	o.Jobs, o.Alloc = 1, nil // the rows are kept
	r, err := arrowio.Run(ctx, src, one(scan, picked...), o)
	if err != nil {
		return err
	}
	if rows.Offset > 0 {
		r = arrowio.Offset(r, rows.Offset)
	}
	res := reservoir{n: int(rows.Limit), rnd: rnd}
	for r.Next() {
		if err := res.add(r.RecordBatch()); err != nil {
			_ = r.Close() // the first error counts
			return err
		}
	}
	if err := r.Close(); err != nil {
		return err
	}
	recs, err := res.batches(scan.Schema)
	if err != nil {
		return err
	}
	a.Notice("sampled %d of %d units (--seed %d)", len(picked), len(splits), seed)
	_, err = a.Show(batches(ctx, scan.Schema, recs), out)
	return err
}

// reservoir keeps n rows of all it sees, each equally likely.
type reservoir struct {
	n    int
	rnd  *rand.Rand
	seen int64
	held []arrow.RecordBatch // the rows that each batch gave
	slot []place
}

type place struct {
	batch, row int
	at         int64 // in the order of all rows
}

func (s *reservoir) add(rec arrow.RecordBatch) error {
	var take []int64
	for i := range rec.NumRows() {
		s.seen++
		p := place{batch: len(s.held), row: len(take), at: s.seen}
		if len(s.slot) < s.n {
			s.slot = append(s.slot, p)
		} else if k := s.rnd.Int64N(s.seen); k < int64(s.n) {
			s.slot[k] = p
		} else {
			continue
		}
		take = append(take, i)
	}
	if len(take) == 0 {
		return nil
	}
	part, err := takeRows(rec, take)
	if err != nil {
		return err
	}
	s.held = append(s.held, part)
	return nil
}

// batches gives the rows in the order in which they were seen.
func (s *reservoir) batches(schema *arrow.Schema) ([]arrow.RecordBatch, error) {
	slices.SortFunc(s.slot, func(a, b place) int { return int(a.at - b.at) })
	var out []arrow.RecordBatch
	for len(s.slot) > 0 {
		b := s.slot[0].batch
		var rows []int64
		for len(s.slot) > 0 && s.slot[0].batch == b {
			rows = append(rows, int64(s.slot[0].row))
			s.slot = s.slot[1:]
		}
		rec, err := takeRows(s.held[b], rows)
		if err != nil {
			return nil, err
		}
		out = append(out, rec)
	}
	return out, nil
}

func takeRows(rec arrow.RecordBatch, rows []int64) (arrow.RecordBatch, error) {
	return kernel.TakeBatch(nil, rec, rows)
}
