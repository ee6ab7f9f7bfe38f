package convert

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
)

// series writes rows to files of one folder and stem, one after the other.
type series struct {
	t         *taskRun
	m         *maker
	dir, stem string
	fixed     string   // the only file's name, in place of a template's
	ready     []string // names that are reserved
	block     int      // names to reserve at once
	part      *part
}

// name gives the next file's name. Names are reserved some at a time, since
// each reservation is written to the state.
func (s *series) name(ctx context.Context) (string, error) {
	if s.fixed != "" {
		return s.fixed, nil
	}
	if len(s.ready) == 0 {
		s.block = min(max(s.block*2, 1), 256)
		if err := s.reserve(s.block); err != nil {
			return "", err
		}
		if err := s.t.e.reserve(ctx, s.ready...); err != nil {
			return "", err
		}
	}
	n := s.ready[0]
	s.ready = s.ready[1:]
	return n, nil
}

func (s *series) reserve(n int) error {
	e := s.t.e
	if !e.template.varies() {
		n = 1
	}
	for range n {
		name, err := e.names.fill(e.template, s.dir, s.stem, s.m.format.Extensions()[0])
		if err != nil {
			return err
		}
		s.ready = append(s.ready, name)
	}
	return nil
}

func (s *series) open(ctx context.Context) error {
	name, err := s.name(ctx)
	if err != nil {
		return err
	}
	if s.part, err = s.m.open(ctx, name, s.t.e.mayReplace(name)); err != nil {
		return err
	}
	s.t.e.opened(name)
	return nil
}

// write adds rows, to further files where one is full.
func (s *series) write(ctx context.Context, rec arrow.RecordBatch) error {
	l := &s.t.e.j.Layout
	step := rec.NumRows()
	if l.MaxBytes > 0 && step > 0 {
		step = max(1, int64(float64(step)*float64(l.MaxBytes)/32/float64(max(batchBytes(rec), 1))))
	}
	for at := int64(0); at < rec.NumRows(); {
		if s.part == nil {
			if err := s.open(ctx); err != nil {
				return err
			}
		}
		n := min(step, rec.NumRows()-at)
		if l.MaxRows > 0 {
			n = min(n, l.MaxRows-s.part.rows)
		}
		cut := rec.NewSlice(at, at+n)
		err := s.part.write(ctx, cut)
		cut.Release()
		if err != nil {
			return err
		}
		at += n
		if l.MaxRows > 0 && s.part.rows >= l.MaxRows || l.MaxBytes > 0 && s.part.size() >= l.MaxBytes-l.MaxBytes/16 {
			if err := s.close(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// close publishes the open file.
func (s *series) close(ctx context.Context) error {
	if s.part == nil {
		return nil
	}
	p := s.part
	s.part = nil
	f, err := p.finish(ctx)
	if err == nil {
		s.t.add(f)
	}
	return err
}

// abort discards it.
func (s *series) abort() error {
	if s.part == nil {
		return nil
	}
	p := s.part
	s.part = nil
	return p.abort()
}
