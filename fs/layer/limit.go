package layer

import (
	"context"

	"github.com/bdkit/bdkit/fs"
)

// Limit lets at most n requests reach inner at a time, over all its files.
// Reads are coalesced here as inner would, so that each request counts as one.
// A listing is not counted, since its consumer may read files meanwhile.
func Limit(inner fs.FileSystem, n int) fs.FileSystem {
	l := &limit{slots: make(chan struct{}, max(n, 1))}
	l.around = around{inner, l.run}
	return l
}

type limit struct {
	around
	slots chan struct{}
}

func (l *limit) Caps() fs.Caps {
	c := l.FileSystem.Caps()
	c.Parallel = min(max(c.Parallel, 1), cap(l.slots))
	return c
}

func (l *limit) run(ctx context.Context, c call, do func(ctx context.Context) (int64, error)) error {
	if c.op == "list" {
		_, err := do(ctx)
		return err
	}
	// A slot may be free and the context ended: select picks at random.
	err := ctx.Err()
	if err == nil {
		select {
		case l.slots <- struct{}{}:
			defer func() { <-l.slots }()
			_, err = do(ctx)
			return err
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return &fs.Error{Op: c.op, URL: c.url, Err: err}
}

func (l *limit) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	f, err := l.around.Open(ctx, name, o)
	if err != nil {
		return nil, err
	}
	return &limitFile{f, l}, nil
}

type limitFile struct {
	fs.File
	l *limit
}

func (f *limitFile) ReadRanges(ctx context.Context, rs []fs.Range) error {
	if err := fs.CheckRanges(rs); err != nil {
		return &fs.Error{Op: "read", URL: f.String(), Err: err}
	}
	caps := f.l.Caps()
	reqs := fs.Coalesce(rs, caps.CoalesceGap, caps.CoalesceMax)
	if len(reqs) < 2 {
		return f.File.ReadRanges(ctx, rs)
	}
	err := fs.EachRequest(ctx, caps.Parallel, reqs, func(ctx context.Context, r fs.Request) error {
		return f.File.ReadRanges(ctx, r.Ranges)
	})
	if err != nil && err == ctx.Err() {
		err = &fs.Error{Op: "read", URL: f.String(), Err: err}
	}
	return err
}
