package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/convert"
)

func newPlan(a *cli.App) *cobra.Command {
	j := &flags{app: a}
	c := &cobra.Command{
		Use: "plan [flags] SOURCE… DEST/", Short: "Print the splits of a job, a JSON line each, for workers",
		Long: "Print the splits of a job, a JSON line each. Deal the lines out to workers on any machine that reaches\nthe sources and DEST; then commit.",
		Example: `  bdconvert plan 'in/*.parquet' out/ --partition-by a > splits.jsonl
  bdconvert worker < splits.jsonl
  bdconvert commit out/`,
		Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error {
			job, err := j.job(cmd.Context(), args)
			if err != nil {
				return err
			}
			if j.resume != "" || j.dryRun {
				return fmt.Errorf("%w: plan writes nothing, and has no --resume or --dry-run", cli.ErrUsage)
			}
			given := append(append(j.given(), "--"), args...)
			return job.Tokens(cmd.Context(), given, func(t convert.Token) error { return printLine(a.Stdout, t) })
		},
	}
	j.define(c.Flags())
	return c
}

func newWorker(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "worker < SPLITS", Short: "Write the parts of some splits, which standard input tells",
		Long: "Write the parts of some splits of a job, given on standard input as plan printed them. Nobody sees the\nparts before the job is committed. A receipt is kept below DEST, and printed.",
		Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			tokens, err := readLines[convert.Token](a.Stdin)
			if err != nil {
				return err
			}
			if len(tokens) == 0 {
				return fmt.Errorf("%w: standard input has no split (try: bdconvert plan … | bdconvert worker)", cli.ErrUsage)
			}
			job, err := jobOf(cmd.Context(), a, tokens[0].Args)
			if err != nil {
				return err
			}
			r, err := job.Work(cmd.Context(), tokens)
			if err != nil {
				return err
			}
			return printLine(a.Stdout, r)
		},
	}
}

func newCommit(a *cli.App) *cobra.Command {
	var manifest string
	c := &cobra.Command{
		Use: "commit DEST/ | commit < RECEIPTS", Short: "Publish what the workers of a job have written",
		Long: "Publish what the workers of a job have written, if that is all of it: each split once, every row. The\nreceipts are found below DEST, or read from standard input where there is no argument.",
		Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
			receipts, err := receiptsOf(cmd.Context(), a, args)
			if err != nil {
				return err
			}
			if len(receipts) == 0 {
				return fmt.Errorf("%w: no worker has written anything", arrowio.ErrIncomplete)
			}
			job, err := jobOf(cmd.Context(), a, receipts[0].Args)
			if err != nil {
				return err
			}
			if manifest != "" {
				job.Manifest = manifest
			}
			_, err = job.Publish(cmd.Context(), receipts)
			if u := (*convert.Unfinished)(nil); errors.As(err, &u) {
				a.Notice("to go on: %s commit %s", a.Prog, quote(job.Dest))
			}
			return err
		},
	}
	c.Flags().StringVar(&manifest, "manifest", "", "write a JSON list of the files, with rows, bytes and checksums")
	return c
}

func receiptsOf(ctx context.Context, a *cli.App, args []string) ([]convert.Receipt, error) {
	if len(args) == 0 {
		return readLines[convert.Receipt](a.Stdin)
	}
	_, driver, err := a.WriterOptions()
	if err != nil {
		return nil, err
	}
	return convert.ReadReceipts(ctx, args[0], driver)
}

// jobOf makes the job of a command line that plan was given.
func jobOf(ctx context.Context, a *cli.App, args []string) (*convert.Job, error) {
	inner := *a
	root, j := newRoot(&inner)
	if err := root.ParseFlags(args); err != nil {
		return nil, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
	}
	return j.job(ctx, root.Flags().Args())
}

func printLine(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// maxLine bounds a line of standard input.
const maxLine = 16 << 20

// readLines reads JSON, a value a line.
func readLines[T any](r io.Reader) (out []T, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	for n := 1; s.Scan(); n++ {
		if len(s.Bytes()) == 0 {
			continue
		}
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			return nil, fmt.Errorf("%w: standard input, line %d: %w", arrowio.ErrCorrupt, n, err)
		}
		out = append(out, v)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return out, nil
}
