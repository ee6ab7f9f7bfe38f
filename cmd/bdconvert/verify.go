package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// sums is what is remembered of each column that was written: its nulls, and a
// digest of its values in order.
type sums struct {
	on     bool
	schema *arrow.Schema
	nulls  []int64
	hash   []maphash.Hash
	seed   maphash.Seed
	buf    []byte
}

func newSums(s *arrow.Schema, on bool) *sums {
	out := &sums{on: on, schema: s, seed: maphash.MakeSeed(), nulls: make([]int64, s.NumFields()), hash: make([]maphash.Hash, s.NumFields())}
	for i := range out.hash {
		out.hash[i].SetSeed(out.seed)
	}
	return out
}

func (s *sums) add(rec arrow.RecordBatch) {
	style := render.Style{Binary: "hex", Null: "\x00"}
	for k, c := range rec.Columns() {
		s.nulls[k] += int64(c.NullN())
		text := style.Column(c, rec.Schema().Field(k))
		for i := range c.Len() {
			s.buf = append(text(s.buf[:0], i), 0x1f)
			_, _ = s.hash[k].Write(s.buf) // never fails
		}
	}
}

// sink remembers what goes into dst.
func (s *sums) sink(dst arrowio.Sink) arrowio.Sink {
	if !s.on {
		return dst
	}
	return &summing{dst, s}
}

type summing struct {
	arrowio.Sink
	s *sums
}

func (w *summing) Write(ctx context.Context, rec arrow.RecordBatch) error {
	w.s.add(rec)
	return w.Sink.Write(ctx, rec)
}

// readBack reads what was written and compares.
func (j *job) readBack(ctx context.Context, dest string, rows int64, want *sums) error {
	src, err := j.app.Open(ctx, []string{fs.QuoteMeta(dest)})
	if err != nil {
		return fmt.Errorf("%w: verify: %w", arrowio.ErrIncomplete, err)
	}
	defer src.Close()
	r, err := arrowio.Read(ctx, src, arrowio.ScanRequest{Ordered: true}, j.app.RunOptions())
	if err != nil {
		return fmt.Errorf("%w: verify: %w", arrowio.ErrIncomplete, err)
	}
	defer r.Close()
	if n := r.Schema().NumFields(); n != len(want.nulls) {
		return fmt.Errorf("%w: verify: %s has %d columns, %d were written", arrowio.ErrIncomplete, dest, n, len(want.nulls))
	}
	got := &sums{on: true, seed: want.seed, nulls: make([]int64, len(want.nulls)), hash: make([]maphash.Hash, len(want.nulls))}
	for i := range got.hash {
		got.hash[i].SetSeed(want.seed)
	}
	n := int64(0)
	for r.Next() {
		// A type that the format lacks comes back as another: compare as the
		// one that was written.
		rec, err := castTo(r.RecordBatch(), want.schema)
		if err != nil {
			return fmt.Errorf("%w: verify: %s: %w", arrowio.ErrIncomplete, dest, err)
		}
		n += rec.NumRows()
		got.add(rec)
		rec.Release()
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("%w: verify: %w", arrowio.ErrIncomplete, err)
	}
	if n != rows {
		return fmt.Errorf("%w: verify: %s has %d rows, %d were written", arrowio.ErrIncomplete, dest, n, rows)
	}
	for k := range want.nulls {
		name := r.Schema().Field(k).Name
		if got.nulls[k] != want.nulls[k] {
			return fmt.Errorf("%w: verify: %s, column %s: %d nulls, %d were written", arrowio.ErrIncomplete, dest, name, got.nulls[k], want.nulls[k])
		}
		if got.hash[k].Sum64() != want.hash[k].Sum64() {
			return fmt.Errorf("%w: verify: %s, column %s: the values differ from those written", arrowio.ErrIncomplete, dest, name)
		}
	}
	return nil
}

func castTo(rec arrow.RecordBatch, s *arrow.Schema) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, 0, rec.NumCols())
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for k, c := range rec.Columns() {
		v, err := kernel.Cast(memory.DefaultAllocator, c, s.Field(k).Type, kernel.CastOptions{})
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", s.Field(k).Name, err)
		}
		cols = append(cols, v)
	}
	return array.NewRecordBatch(s, cols, rec.NumRows()), nil
}

// checksum is the SHA-256 of a file that was written.
func checksum(ctx context.Context, dest string) (string, error) {
	if dest == "-" {
		return "", nil
	}
	fsys, name, err := fs.Resolve(ctx, dest, nil)
	if err != nil {
		return "", err
	}
	f, err := fsys.Open(ctx, name, fs.OpenOptions{})
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Info(ctx)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(fs.ReaderAt(ctx, f), 0, info.Size)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
