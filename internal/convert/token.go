package convert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bdkit/bdkit/arrowio"
)

// Token is one split of a job, to be written by any process. It is data.
type Token struct {
	Version int             `json:"v"`
	Job     string          `json:"job"`
	Args    []string        `json:"args"` // of the command line, so that a worker needs nothing else
	N       int             `json:"n"`    // of the job's splits, from 0
	Of      int             `json:"of"`
	Rows    int64           `json:"rows"` // -1: unknown
	Bytes   int64           `json:"bytes"`
	Split   json.RawMessage `json:"split"`
}

const tokenVersion = 1

// distributed refuses what many processes cannot do together.
func (j *Job) distributed(e *engine) error {
	what := ""
	switch {
	case e.file != "":
		return fmt.Errorf("%w: plan, worker and commit make a directory (try: %s/)", arrowio.ErrOption, j.Dest)
	case j.Limit > 0:
		what = "--limit"
	case j.CopyUnits:
		what = "--copy-units"
	case j.BadRows == BadRowsQuarantine:
		what = "--on-bad-row quarantine"
	}
	for _, s := range j.Sources {
		if s == "-" {
			what = "standard input as a source"
		}
	}
	if what != "" {
		return fmt.Errorf("%w: %s, with work that is divided among processes", arrowio.ErrOption, what)
	}
	return nil
}

// Tokens plans the job and yields a token a split. It reads the sources'
// metadata, and writes nothing.
func (j *Job) Tokens(ctx context.Context, args []string, yield func(Token) error) (err error) {
	j.divided = true
	e, tasks, _, err := j.prepare(ctx, true)
	if err != nil {
		return err
	}
	if len(tasks) == 0 {
		return nil // --if-exists skip
	}
	in, err := j.openInput(ctx, j.Sources, &e.m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	// What is wrong with the layout is better known before the work.
	if _, err := e.layoutOf(in, tasks[0].format); err != nil {
		return err
	}
	scan, err := in.table.Plan(ctx, in.req)
	if err != nil {
		return err
	}
	var tokens []Token
	for s, err := range scan.Splits {
		if err != nil {
			return err
		}
		b, err := arrowio.EncodeSplit(s)
		if err != nil {
			return err
		}
		t := Token{Version: tokenVersion, Job: j.ID(), Args: args, N: len(tokens), Rows: -1, Bytes: s.Bytes, Split: b}
		if s.Exact {
			t.Rows = s.Rows
		}
		tokens = append(tokens, t)
	}
	for _, t := range tokens {
		t.Of = len(tokens)
		if err := yield(t); err != nil {
			return err
		}
	}
	return nil
}
