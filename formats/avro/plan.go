package avro

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/pushdown"
)

// splitPayload is what Split.Payload carries: a stretch of the file, and what
// of it.
type splitPayload struct {
	Format  int             `json:"v"`
	File    string          `json:"file_version,omitempty"`
	Start   int64           `json:"start"`
	Stop    int64           `json:"stop"`
	Columns []pushdown.Path `json:"columns"` // null: all
	Schema  string          `json:"schema,omitempty"`
}

const payloadFormat = 1

const splitBytes = 16 << 20

// Plan implements arrowio.Table. Avro has no statistics: a filter is left to
// the caller, and its columns are read beside the wanted ones.
func (r *Reader) Plan(_ context.Context, req arrowio.ScanRequest) (*arrowio.Scan, error) {
	shown, err := arrowio.ProjectSchema(r.arrow, req.Columns)
	if err != nil {
		return nil, r.where(err)
	}
	residual := pushdown.Expr(pushdown.True)
	columns := req.Columns
	if req.Filter != nil {
		if residual, err = pushdown.Bind(req.Filter, r.arrow, pushdown.BindOptions{}); err != nil {
			return nil, err
		}
		residual = pushdown.Normalise(residual)
		if columns != nil {
			columns = append(columns[:len(columns):len(columns)], pushdown.Columns(residual)...)
		}
	}
	size := r.o.SplitBytes
	if size <= 0 {
		size = splitBytes
	}
	return &arrowio.Scan{Request: req, Schema: shown, Splits: func(yield func(arrowio.Split, error) bool) {
		// Stretches of equal size. The first holds the header's marker.
		n := max((r.size-r.h.end+size-1)/size, 1)
		if r.forward { // one stretch, of unknown length
			n = 1
		}
		for i := range n {
			p := splitPayload{Format: payloadFormat, File: r.version, Columns: columns, Schema: r.o.Schema}
			if p.Start = r.h.end - syncSize + (r.size-r.h.end)*i/n; i == 0 {
				p.Start = 0
			}
			if p.Stop = r.h.end - syncSize + (r.size-r.h.end)*(i+1)/n; i == n-1 {
				p.Stop = r.size
			}
			raw, err := json.Marshal(p)
			if err != nil {
				yield(arrowio.Split{}, err)
				return
			}
			s := arrowio.Split{
				ID: r.splitID(p.Start, p.Stop), Source: r.url, Payload: raw, Residual: residual, Rows: -1, Bytes: p.Stop - p.Start,
			}
			if r.forward {
				s.Bytes = 0
			}
			if r.size == r.h.end {
				s.Rows, s.Exact = 0, true
			}
			if !yield(s, nil) {
				return
			}
		}
	}}, nil
}

func (r *Reader) splitID(start, stop int64) string {
	h := sha256.Sum256(fmt.Appendf(nil, "avro\n%s\n%s\n%d\n%d\n%d\n%s", r.url, r.version, r.size, start, stop, r.o.Schema))
	return hex.EncodeToString(h[:16])
}

// Open implements arrowio.Table: it reads one stretch.
func (r *Reader) Open(ctx context.Context, s arrowio.Split, o arrowio.ReadOptions) (arrowio.RecordReader, error) {
	var p splitPayload
	if err := json.Unmarshal(s.Payload, &p); err != nil || p.Format != payloadFormat {
		return nil, r.where(fmt.Errorf("%w: a split that is not of this version of the program", arrowio.ErrUnsupported))
	}
	if p.File != r.version {
		return nil, &arrowio.Error{Op: "read", URL: r.url, Err: fmt.Errorf("%w: planned on version %q, found %q", fs.ErrChanged, p.File, r.version)}
	}
	if p.Schema != r.o.Schema || p.Start < 0 || p.Stop > r.size || p.Start > p.Stop {
		return nil, &arrowio.Error{Op: "read", URL: r.url, Err: fmt.Errorf("%w: planned with another schema, or on another file", fs.ErrChanged)}
	}
	rr, err := r.read(ctx, p, o.WithDefaults())
	if err != nil {
		return nil, r.where(err)
	}
	return rr, nil
}

var _ arrowio.Table = (*Reader)(nil)
