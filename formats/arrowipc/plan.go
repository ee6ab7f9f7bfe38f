package arrowipc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/arrowmsg"
	"github.com/bdkit/bdkit/pushdown"
)

// payload is what Split.Payload carries: some record batches of a file, or a
// whole stream, and what of it.
type payload struct {
	Format  int             `json:"v"`
	File    string          `json:"file_version,omitempty"`
	From    int             `json:"from"`
	To      int             `json:"to"` // 0: a stream, whole
	Columns []pushdown.Path `json:"columns"`
	Filter  string          `json:"filter,omitempty"`
}

const payloadFormat = 1

// smallSplit is up to how many bytes record batches share a split.
const smallSplit = 256 << 10

func (r *Reader) bind(e pushdown.Expr) (pushdown.Expr, error) {
	if e == nil {
		return nil, nil
	}
	e, err := pushdown.Bind(e, r.schema.Arrow, pushdown.BindOptions{})
	if err != nil {
		return nil, err
	}
	if e = pushdown.Normalise(e); e == pushdown.True {
		return nil, nil
	}
	return e, nil
}

// Plan implements arrowio.Table: a split is a record batch of a file, or small
// ones together, or a stream. The filter is evaluated exactly.
func (r *Reader) Plan(_ context.Context, req arrowio.ScanRequest) (*arrowio.Scan, error) {
	shown, err := arrowio.ProjectSchema(r.schema.Arrow, req.Columns)
	if err != nil {
		return nil, r.where("plan", err)
	}
	filter, err := r.bind(req.Filter)
	if err != nil {
		return nil, err
	}
	scan := &arrowio.Scan{Request: req, Schema: shown}
	scan.Splits = func(yield func(arrowio.Split, error) bool) {
		if filter == pushdown.False {
			return
		}
		p := payload{Format: payloadFormat, File: r.version, Columns: req.Columns}
		if filter != nil {
			p.Filter = filter.String()
		}
		if r.stream {
			yield(r.split(p, max(0, r.size-r.start)))
			return
		}
		for p.From < len(r.blocks) {
			size := int64(0)
			for p.To = p.From; p.To < len(r.blocks) && (p.To == p.From || size+r.blocks[p.To].Body <= smallSplit); p.To++ {
				size += r.blocks[p.To].Body
			}
			s, err := r.split(p, size)
			if r.heads != nil {
				s.Rows, s.Exact = 0, filter == nil
				for _, m := range r.heads[p.From:p.To] {
					s.Rows += m.Batch.Rows
				}
			}
			if !yield(s, err) {
				return
			}
			p.From = p.To
		}
	}
	return scan, nil
}

func (r *Reader) split(p payload, size int64) (arrowio.Split, error) {
	raw, err := json.Marshal(p)
	h := sha256.Sum256(fmt.Appendf(nil, "arrow\n%s\n%s\n%d\n%d\n%d", r.url, r.version, r.size, p.From, p.To))
	return arrowio.Split{ID: hex.EncodeToString(h[:16]), Source: r.url, Payload: raw, Residual: pushdown.True, Rows: -1, Bytes: size}, err
}

// Open implements arrowio.Table.
func (r *Reader) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	var p payload
	if err := json.Unmarshal(s.Payload, &p); err != nil || p.Format != payloadFormat {
		return nil, r.where("read", fmt.Errorf("%w: a split that is not of this version of the program", arrowio.ErrUnsupported))
	}
	if p.File != r.version {
		return nil, r.where("read", fmt.Errorf("%w: planned on version %q, found %q", fs.ErrChanged, p.File, r.version))
	}
	if p.From < 0 || p.To > len(r.blocks) || p.From > p.To || (p.To == 0) != r.stream {
		return nil, r.where("read", fmt.Errorf("%w: no record batches %d to %d", fs.ErrChanged, p.From, p.To))
	}
	if r.forward {
		r.mu.Lock()
		again := r.opened
		r.opened = true
		r.mu.Unlock()
		if again {
			return nil, r.where("read", fmt.Errorf("%w: a second reading of what can be read once", arrowio.ErrUnsupported))
		}
	}
	var filter pushdown.Expr
	if p.Filter != "" {
		e, err := pushdown.Parse(p.Filter)
		if err == nil {
			filter, err = r.bind(e)
		}
		if err != nil {
			return nil, err
		}
	}
	b, err := newBatches(r, p, filter, o.WithDefaults())
	if err != nil {
		return nil, r.where("read", err)
	}
	return arrowio.NewReader(ctx, b.shown, b.next, b.close), nil
}

// batchHead is the metadata of a file's record batch.
func (r *Reader) batchHead(ctx context.Context, i int) (*arrowmsg.Message, error) {
	if r.heads != nil {
		return r.heads[i], nil
	}
	return r.block(ctx, r.blocks[i], arrowmsg.KindBatch, batchName(i))
}

var _ formats.Ranger = (*Reader)(nil)

// Ranges implements formats.Ranger: the buffers that a split asks for, when all
// of its rows pass. Those of a stream are known when it is read.
func (r *Reader) Ranges(ctx context.Context, s arrowio.Split) (unit string, ranges []formats.Extent, err error) {
	var p payload
	if err := json.Unmarshal(s.Payload, &p); err != nil || p.Format != payloadFormat || p.From < 0 || p.To > len(r.blocks) || p.From > p.To {
		return "", nil, r.where("read", fmt.Errorf("%w: a split of another file", arrowio.ErrUnsupported))
	}
	if r.stream {
		return "stream", nil, nil
	}
	var filter pushdown.Expr
	if p.Filter != "" {
		if filter, err = pushdown.Parse(p.Filter); err != nil {
			return "", nil, err
		}
	}
	b, err := newBatches(r, p, filter, arrowio.ReadOptions{})
	if err != nil {
		return "", nil, r.where("read", err)
	}
	unit = batchName(p.From)
	if p.To > p.From+1 {
		unit = fmt.Sprintf("record batches %d to %d", p.From, p.To-1)
	}
	for i := p.From; i < p.To; i++ {
		m, err := r.batchHead(ctx, i)
		if err != nil {
			return "", nil, r.where("read", err)
		}
		parts, err := b.parts(m, append(b.probe[:len(b.probe):len(b.probe)], b.want...))
		if err != nil {
			return "", nil, r.where("read", err)
		}
		seen := map[int]bool{}
		for _, p := range parts {
			_ = p.each(func(p *part) error {
				for _, x := range p.bufs {
					if x.at >= 0 && !seen[x.at] && m.Batch.Buffers[x.at].Len > 0 {
						seen[x.at] = true
						at := m.Batch.Buffers[x.at]
						ranges = append(ranges, formats.Extent{Off: r.blocks[i].Off + r.blocks[i].Meta + at.Off, Len: at.Len, Label: batchName(i) + ", " + p.label + ": " + roleNames[x.role]})
					}
				}
				return nil
			})
		}
	}
	return unit, ranges, nil
}
