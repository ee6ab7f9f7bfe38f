package avro

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/avro/internal/program"
	"github.com/bdkit/bdkit/formats/avro/internal/schema"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// Reader is an open Avro file: a table of its rows, and its metadata. It is
// safe for concurrent use. Its splits are stretches of bytes.
type Reader struct {
	f       fs.File
	url     string
	size    int64 // math.MaxInt64 of a stream, whose end nobody knows
	forward bool  // a stream
	version string
	h       *header
	writer  *schema.Schema
	reader  *schema.Schema // the writer's unless Options say otherwise
	natural *arrow.Schema  // what the program builds
	arrow   *arrow.Schema  // what is shown: the natural schema, or what ARROW:schema restores
	codec   codec
	least   int // bytes of a row
	o       Options
	damaged atomic.Int64
	rows    atomic.Int64
	meta    metaCache
}

// Open reads a file's header and nothing else. It takes over f, whatever
// happens. A file that is no Avro, or whose schema is none, is
// arrowio.ErrCorrupt; a reader's schema that does not match is arrowio.ErrCast.
func Open(ctx context.Context, f fs.File, o Options) (_ *Reader, err error) {
	r := &Reader{f: f, url: f.String(), o: o}
	r.rows.Store(-1)
	defer func() {
		if err != nil {
			_ = f.Close() // the first error is the one to report
			err = r.where(err)
		}
	}()
	defer arrowio.Guard(&err)
	if err := r.readHeader(ctx); err != nil {
		return nil, err
	}
	if r.codec, err = codecOf(r.h.codec); err != nil {
		return nil, err
	}
	if r.writer, err = parseSchema(r.h.schema); err != nil {
		return nil, err
	}
	if r.reader = r.writer; o.Schema != "" {
		if r.reader, err = schema.Parse([]byte(o.Schema)); err != nil {
			return nil, fmt.Errorf("%w: avro reader: schema: %w", arrowio.ErrOption, err)
		}
	}
	if r.natural, err = program.ArrowSchema(r.reader, r.programOptions()); err != nil {
		return nil, err
	}
	if _, err = program.Compile(r.writer, r.reader, r.natural); err != nil {
		return nil, err
	}
	r.arrow = r.natural
	if !o.IgnoreArrowSchema && r.reader == r.writer {
		for _, kv := range r.h.meta {
			if kv.Key == arrowschema.Key {
				r.natural, r.arrow = restore(r.natural, arrowschema.Decode(kv.Value))
			}
		}
	}
	r.least = program.Least(r.writer)
	return r, nil
}

func (r *Reader) readHeader(ctx context.Context) error {
	if fs.IsForward(r.f) {
		r.forward, r.size = true, math.MaxInt64
		h, err := streamHeader(ctx, r.f)
		r.h = h
		return err
	}
	info, err := r.f.Info(ctx)
	if err != nil {
		return err
	}
	r.size, r.version = info.Size, info.Version
	r.h, err = readHeader(ctx, r.f, r.size)
	return err
}

// parseSchema reads a file's schema.
func parseSchema(text []byte) (*schema.Schema, error) {
	s, err := schema.Parse(text)
	switch {
	case errors.Is(err, schema.ErrDeep):
		return nil, fmt.Errorf("%w: %w", arrowio.ErrLimit, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", arrowio.ErrCorrupt, err)
	}
	return s, nil
}

func (r *Reader) programOptions() program.Options {
	return program.Options{Depth: r.o.RecursionDepth, EnumText: r.o.EnumText, DurationBytes: r.o.DurationBytes}
}

// where gives an error the file's name.
func (r *Reader) where(err error) error {
	e := (*arrowio.Error)(nil)
	if errors.As(err, &e) {
		if e.URL == "" {
			e.URL = r.url
		}
		return err
	}
	var fe *fs.Error
	if err == nil || errors.As(err, &fe) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &arrowio.Error{Op: "open", URL: r.url, Err: err}
}

// Schema implements arrowio.Table.
func (r *Reader) Schema() *arrow.Schema { return r.arrow }

// NumRows implements formats.FileReader. Only the headers of all blocks tell:
// it is -1 until Meta has walked them.
func (r *Reader) NumRows() int64 { return r.rows.Load() }

// Damaged is the number of stretches that readers passed over, with
// Options.SkipDamaged, because they could not be read.
func (r *Reader) Damaged() int64 { return r.damaged.Load() }

// Close implements io.Closer.
func (r *Reader) Close() error { return r.f.Close() }

var _ formats.FileReader = (*Reader)(nil)
