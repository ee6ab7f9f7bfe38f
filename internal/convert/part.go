package convert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/kernel"
)

// File is one file that was written.
type File struct {
	Name   string `json:"name"` // below the destination's directory
	URL    string `json:"url"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// maker makes the parts of one schema.
type maker struct {
	j      *Job
	to     target
	format formats.Format
	schema *arrow.Schema // of the files
	sort   []int
	orders []kernel.SortOrder
	share  int64 // bytes that one part may hold
}

func (e *engine) newMaker(f formats.Format, s *arrow.Schema, share int64) (*maker, error) {
	m := &maker{j: e.j, to: e.to, format: f, schema: s, share: max(share, 1<<20)}
	for _, c := range e.j.Layout.SortWithin {
		at := s.FieldIndices(c.Name)
		if len(at) != 1 {
			return nil, fmt.Errorf("%w: --sort-within: the files have no single column %q", arrowio.ErrColumn, c.Name)
		}
		m.sort, m.orders = append(m.sort, at[0]), append(m.orders, c.SortOrder)
	}
	return m, nil
}

// held is a file on its way, its bytes counted and hashed. The sink's Commit
// ends it, and publish puts it under its name: in between what the sink says of
// it can be held against what it was given.
type held struct {
	w   fs.Writer
	n   int64
	sum hash.Hash // nil: of a stream
}

func hold(w fs.Writer, stream bool) *held {
	h := &held{w: w}
	if !stream {
		h.sum = sha256.New()
	}
	return h
}

func (w *held) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.n += int64(n)
	if w.sum != nil {
		w.sum.Write(p[:n])
	}
	return n, err
}

func (w *held) Commit(context.Context) (fs.FileInfo, error) { return fs.FileInfo{Size: w.n}, nil }
func (w *held) Close() error                                { return nil }

// publish puts the file under its name, and tells its size and hash.
func (w *held) publish(ctx context.Context, f *File) error {
	f.Bytes = w.n
	if w.sum != nil {
		f.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	}
	_, err := w.w.Commit(ctx)
	return err
}

// part is one file being written.
type part struct {
	m      *maker
	file   File
	w      *held
	sink   arrowio.Sink
	sorter *sorter
	sums   *sums
	rows   int64
	raw    int64 // bytes handed over since the file last grew
	grown  int64
}

// open starts a part under a name that is reserved.
func (m *maker) open(ctx context.Context, name string, replace bool) (*part, error) {
	full := m.to.name(name)
	if !replace {
		if _, err := m.to.fsys.Stat(ctx, full); err == nil {
			return nil, &fs.Error{Op: "create", URL: m.to.fsys.URL(full), Err: fs.ErrExist}
		}
	}
	w, err := m.to.fsys.Create(ctx, full, fs.CreateOptions{IfNotExists: !replace && m.to.fsys.Caps().CreateIfNotExists})
	if err != nil {
		return nil, err
	}
	return m.start(w, File{Name: name, URL: m.to.fsys.URL(full)})
}

// start makes a part of a file, which it takes over.
func (m *maker) start(w fs.Writer, f File) (*part, error) {
	p := &part{m: m, file: f, w: hold(w, isStream(f.Name)), sums: newSums(m.schema, m.j.Verify)}
	o := m.j.Write.Formats
	o.Budget = arrowio.NewBudget(m.share)
	sink, err := m.format.NewSink(p.w, m.schema, o)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	p.sink = sink
	if len(m.sort) > 0 {
		p.sorter = newSorter(m.schema, m.sort, m.orders, m.share, m.j.SpoolDir)
	}
	return p, nil
}

func (p *part) write(ctx context.Context, rec arrow.RecordBatch) error {
	p.rows += rec.NumRows()
	if p.sorter != nil {
		return p.sorter.add(ctx, rec)
	}
	return p.put(ctx, rec)
}

func (p *part) put(ctx context.Context, rec arrow.RecordBatch) error {
	p.sums.add(rec)
	p.raw += batchBytes(rec)
	if err := p.sink.Write(ctx, rec); err != nil {
		return err
	}
	if p.w.n > p.grown {
		p.grown, p.raw = p.w.n, 0
	}
	return nil
}

// size is how long the file is by now, about, with what is still held.
func (p *part) size() int64 {
	if p.sorter != nil {
		return p.sorter.bytes + p.sorter.spilled
	}
	if s, ok := p.sink.(formats.Sized); ok {
		return s.Size()
	}
	return p.w.n + p.raw
}

// finish publishes the part, and reads it back if that was asked for.
func (p *part) finish(ctx context.Context) (File, error) {
	if p.sorter != nil {
		if err := p.sorter.merge(ctx, func(rec arrow.RecordBatch) error { return p.put(ctx, rec) }); err != nil {
			return File{}, errors.Join(err, p.abort())
		}
	}
	res, err := p.sink.Commit(ctx)
	if err == nil && res.Rows != p.rows {
		err = fmt.Errorf("%w: %d rows were read and %d written to %s; nothing is there", arrowio.ErrIncomplete, p.rows, res.Rows, p.file.URL)
	}
	if err == nil {
		p.file.Rows = res.Rows
		err = p.w.publish(ctx, &p.file)
	}
	if err != nil {
		return File{}, errors.Join(err, p.abort())
	}
	if p.m.j.Verify && p.m.to.fsys != nil {
		if err := p.sums.check(ctx, p.m, p.file); err != nil {
			rerr := p.m.to.fsys.Remove(context.WithoutCancel(ctx), p.m.to.name(p.file.Name))
			removeEmptyDirs(p.m.to, p.file.Name)
			return File{}, errors.Join(err, rerr)
		}
	}
	return p.file, nil
}

// abort leaves nothing under the part's name.
func (p *part) abort() error {
	if p.sorter != nil {
		p.sorter.close()
	}
	return errors.Join(p.sink.Close(), p.w.w.Close())
}
