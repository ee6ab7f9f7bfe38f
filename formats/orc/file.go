package orc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

const (
	magic = "ORC"
	// tailBytes is what Open reads of a file's end at first: room for most
	// footers, in one round trip with the file's size.
	tailBytes = 64 << 10
	// maxMetadata bounds a footer, an index or statistics, decompressed.
	maxMetadata = 512 << 20
)

// Reader is an open ORC file: a table of its rows, and its metadata. It is safe
// for concurrent use. Its splits are stripes.
type Reader struct {
	f       *tailFile
	url     string
	size    int64
	version string
	ps      *proto.PostScript
	footer  *proto.Footer
	format  block.Format
	place   tailPlace
	root    *node
	roots   []*node
	schema  *arrow.Schema
	stored  *storedSchema // nil: none, or not asked for
	rows    int64
	crypt   *encryption
	o       Options

	mu      sync.Mutex
	stripes *stripeStats
}

// tailPlace says where the parts of a file's tail lie (specification, "File
// Tail"): stripes, encrypted stripe statistics, metadata, footer, postscript.
type tailPlace struct {
	content                     int64 // where stripes end
	stripeStats, metadata, foot int64
	footLen, metadataLen        int64
	postscript                  int64
}

// Open reads a file's footer and nothing else. It takes over f, whatever
// happens. A file that is no ORC, or a damaged footer, is arrowio.ErrCorrupt.
func Open(ctx context.Context, f fs.File, o Options) (_ *Reader, err error) {
	r := &Reader{url: f.String(), o: o}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error is the one to report
			err = r.where(err)
		}
	}()
	defer arrowio.Guard(&err)
	if err := r.readTail(ctx, f); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if !o.IgnoreArrowSchema {
		r.stored = readStored(r.footer)
	}
	if r.root, r.roots, err = newRoots(&schemaTree{types: r.footer.Types, unit: r.timestampUnit, exact: r.timestampExact}); err != nil {
		return nil, err
	}
	r.stored.restore(r.footer, r.roots)
	if r.crypt, err = newEncryption(r); err != nil {
		return nil, err
	}
	r.schema = r.shownSchema()
	return r, nil
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
	if errors.As(err, &fe) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &arrowio.Error{Op: "open", URL: r.url, Err: err}
}

// tailFile serves what lies in the file's last bytes from memory.
type tailFile struct {
	fs.File
	off    int64
	tail   []byte
	closed atomic.Bool
}

// Close implements io.Closer.
func (f *tailFile) Close() error {
	f.closed.Store(true)
	return f.File.Close()
}

// ReadRanges implements fs.File.
func (f *tailFile) ReadRanges(ctx context.Context, rs []fs.Range) error {
	if f.closed.Load() {
		return f.File.ReadRanges(ctx, rs) // for its error
	}
	var rest []fs.Range
	for _, r := range rs {
		if r.Off >= f.off && r.Off+int64(len(r.Dst)) <= f.off+int64(len(f.tail)) {
			copy(r.Dst, f.tail[r.Off-f.off:])
		} else {
			rest = append(rest, r)
		}
	}
	if len(rest) == 0 {
		return ctx.Err()
	}
	return f.File.ReadRanges(ctx, rest)
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{arrowio.ErrCorrupt}, args...)...)
}

// readTail reads the postscript and the footer.
func (r *Reader) readTail(ctx context.Context, f fs.File) error {
	buf := make([]byte, cmp.Or(r.o.tail, tailBytes))
	n, info, err := f.Tail(ctx, buf)
	if err != nil {
		return err
	}
	buf, r.size, r.version = buf[:n], info.Size, info.Version
	r.f = &tailFile{File: f, off: r.size - int64(n), tail: buf}
	if n < 4 {
		return corrupt("not an ORC file: %d bytes", r.size)
	}
	psLen := int(buf[n-1])
	if psLen == 0 || psLen > n-1 {
		return corrupt("not an ORC file: a postscript of %d bytes", psLen)
	}
	ps, err := proto.DecodePostScript(buf[n-1-psLen : n-1])
	if err != nil {
		return fmt.Errorf("not an ORC file: %w", err)
	}
	if err := r.checkMagic(ctx, ps); err != nil {
		return err
	}
	r.ps = ps
	if r.format, err = block.FormatOf(ps); err != nil {
		return err
	}
	if err := r.placeTail(int64(psLen)); err != nil {
		return err
	}
	p := &r.place
	stored, err := r.bytes(ctx, p.foot, p.footLen, "footer")
	if err != nil {
		return err
	}
	raw, err := block.ReadAll(r.format, stored, maxMetadata)
	if err == nil {
		r.footer, err = proto.DecodeFooter(raw)
	}
	if err != nil {
		return &arrowio.Error{Op: "open", Offset: p.foot, Err: fmt.Errorf("footer: %w", err)}
	}
	return nil
}

// checkMagic wants the magic number in the postscript or, as in files of Hive
// 0.11, at the start of the file.
func (r *Reader) checkMagic(ctx context.Context, ps *proto.PostScript) error {
	if ps.Magic.Or("") == magic {
		return nil
	}
	head := make([]byte, len(magic))
	if !ps.Magic.Set && r.size >= int64(len(head)) {
		if err := r.f.ReadRanges(ctx, []fs.Range{{Dst: head, Label: "magic number"}}); err != nil {
			return err
		}
	}
	if string(head) != magic {
		return corrupt("not an ORC file: no %s in its postscript nor at its start", magic)
	}
	return nil
}

func (r *Reader) placeTail(psLen int64) error {
	p := &r.place
	p.postscript = r.size - 1 - psLen
	end := p.postscript
	for _, part := range []struct {
		what   string
		size   uint64
		at, ln *int64
	}{
		{"footer", r.ps.FooterLength, &p.foot, &p.footLen},
		{"metadata", r.ps.MetadataLength, &p.metadata, &p.metadataLen},
		{"encrypted statistics", r.ps.StripeStatsLength, &p.stripeStats, nil},
	} {
		if part.size > uint64(end) {
			return corrupt("%s of %d bytes where the file has %d before it", part.what, part.size, end)
		}
		end -= int64(part.size)
		*part.at = end
		if part.ln != nil {
			*part.ln = int64(part.size)
		}
	}
	p.content = end
	return nil
}

// bytes reads a part of the file whose length was held against the file's.
func (r *Reader) bytes(ctx context.Context, off, n int64, label string) ([]byte, error) {
	if off >= r.f.off && !r.f.closed.Load() {
		return r.f.tail[off-r.f.off:][:n], nil
	}
	if n > maxMetadata {
		return nil, fmt.Errorf("%w: %s of %d bytes", arrowio.ErrLimit, label, n)
	}
	b := make([]byte, n)
	return b, r.f.ReadRanges(ctx, []fs.Range{{Off: off, Dst: b, Label: label}})
}

// check makes sure of what the rest of the reader relies on.
func (r *Reader) check() error {
	at := int64(0)
	for i := range r.footer.Stripes {
		s := &r.footer.Stripes[i]
		sum, room := uint64(0), uint64(r.size)
		for _, n := range []uint64{s.Offset, s.IndexLength, s.DataLength, s.FooterLength} {
			if n > room || sum+n > room {
				return &arrowio.Error{Op: "open", Unit: stripeName(i), Err: corrupt("it lies at offset %d with %d, %d and %d bytes, in a file of %d", s.Offset, s.IndexLength, s.DataLength, s.FooterLength, r.size)}
			}
			sum += n
		}
		if s.Rows > math.MaxInt64-uint64(at) {
			return &arrowio.Error{Op: "open", Unit: stripeName(i), Err: corrupt("%d rows", s.Rows)}
		}
		at += int64(s.Rows)
	}
	r.rows = at
	return nil
}

func stripeName(i int) string { return fmt.Sprintf("stripe %d", i) }

// timestampUnit is the unit of a timestamp column.
func (r *Reader) timestampUnit(id int) arrow.TimeUnit {
	switch r.o.Timestamp {
	case TimestampNanos:
		return arrow.Nanosecond
	case TimestampMicro:
		return arrow.Microsecond
	case TimestampMilli:
		return arrow.Millisecond
	case TimestampSecs:
		return arrow.Second
	}
	if unit, ok := r.stored.unit(r.footer.Types, id); ok {
		return unit
	}
	if t := r.beyondNanos(id); t != nil {
		return arrow.Microsecond
	}
	return arrow.Nanosecond
}

// beyondNanos gives the statistics of a timestamp column, if they reach beyond
// what 64 bits of nanoseconds hold.
func (r *Reader) beyondNanos(id int) *proto.TimestampStatistics {
	if id >= len(r.footer.Statistics) || r.footer.Statistics[id].Timestamp == nil {
		return nil
	}
	t := r.footer.Statistics[id].Timestamp
	const day = 86_400_000
	lo, hi := int64(math.MinInt64/1_000_000+2*day), int64(math.MaxInt64/1_000_000-2*day)
	for _, ms := range []proto.Opt[int64]{t.Min, t.Max, t.MinUTC, t.MaxUTC} {
		if ms.Set && (ms.V < lo || ms.V > hi) {
			return t
		}
	}
	return nil
}

// timestampExact says that a column is read as decimal nanoseconds: as it was
// asked for, or because its statistics tell that no unit of 64 bits would do.
func (r *Reader) timestampExact(id int) bool {
	if r.o.Timestamp == "" || r.o.Timestamp == TimestampAuto {
		if _, ok := r.stored.unit(r.footer.Types, id); ok {
			return false
		}
		t := r.beyondNanos(id)
		sub := func(ns proto.Opt[int32]) bool { return ns.Set && (ns.V-1)%1000 != 0 }
		return t != nil && (sub(t.MinNanos) || sub(t.MaxNanos))
	}
	return r.o.Timestamp == TimestampExact
}

// shownSchema is the Arrow schema, with the user's metadata.
func (r *Reader) shownSchema() *arrow.Schema {
	fields := make([]arrow.Field, len(r.roots))
	for i, n := range r.roots {
		fields[i] = n.exposed()
	}
	var keys, vals []string
	for _, kv := range r.footer.Metadata {
		if r.stored != nil && kv.Name == arrowschema.Key {
			continue // the schema itself says it
		}
		keys, vals = append(keys, kv.Name), append(vals, strings.ToValidUTF8(string(kv.Value), "\uFFFD"))
	}
	md := arrow.NewMetadata(keys, vals)
	return arrow.NewSchema(fields, &md)
}

// Schema implements arrowio.Table.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// NumRows implements formats.FileReader.
func (r *Reader) NumRows() int64 { return r.rows }

// Close implements io.Closer.
func (r *Reader) Close() error { return r.f.Close() }
