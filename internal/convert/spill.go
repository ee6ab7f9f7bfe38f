package convert

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/fs"
)

// spill is a temporary file of record batches, written once and then read once.
// Where the system allows, its name is gone as soon as it is open, so that a
// crash leaves nothing.
type spill struct {
	f     *os.File
	named bool
	buf   *bufio.Writer
	w     *ipc.Writer
	r     *ipc.Reader
	bytes int64
}

func newSpill(dir string, s *arrow.Schema, mem memory.Allocator) (*spill, error) {
	f, err := os.CreateTemp(dir, "bdkit-spill-*")
	if err != nil {
		return nil, fmt.Errorf("%w: spill file: %w", fs.ErrIO, err)
	}
	p := &spill{f: f, named: os.Remove(f.Name()) != nil}
	p.buf = bufio.NewWriterSize(f, 256<<10)
	p.w = ipc.NewWriter(p.buf, ipc.WithSchema(s), ipc.WithAllocator(mem))
	return p, nil
}

func (p *spill) write(rec arrow.RecordBatch) error {
	if err := p.w.Write(rec); err != nil {
		return fmt.Errorf("%w: spill file: %w", fs.ErrIO, err)
	}
	return nil
}

// rewind turns from writing to reading.
func (p *spill) rewind(mem memory.Allocator) error {
	err := errors.Join(p.w.Close(), p.buf.Flush())
	if err == nil {
		p.bytes, err = p.f.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = p.f.Seek(0, io.SeekStart)
	}
	if err == nil {
		p.r, err = ipc.NewReader(bufio.NewReaderSize(p.f, 256<<10), ipc.WithAllocator(mem))
	}
	p.buf = nil
	if err != nil {
		return fmt.Errorf("%w: spill file: %w", fs.ErrIO, err)
	}
	return nil
}

// next gives the next batch, which the caller releases; io.EOF at the end.
func (p *spill) next() (arrow.RecordBatch, error) {
	if p.r.Next() {
		rec := p.r.RecordBatch()
		rec.Retain()
		return rec, nil
	}
	if err := p.r.Err(); err != nil && err != io.EOF {
		return nil, fmt.Errorf("%w: spill file: %w", fs.ErrIO, err)
	}
	return nil, io.EOF
}

func (p *spill) close() {
	if p.r != nil {
		p.r.Release()
	}
	_ = p.f.Close() // nothing of it is wanted any more
	if p.named {
		_ = os.Remove(p.f.Name())
	}
}
