package dataset

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
)

var _ formats.Ranger = (*Table)(nil)

// Ranges implements formats.Ranger where the file does.
func (t *Table) Ranges(ctx context.Context, s arrowio.Split) (unit string, ranges []formats.Extent, err error) {
	var p fileSplit
	if err := json.Unmarshal(s.Payload, &p); err != nil || p.Format != splitFormat {
		return "", nil, errForeign
	}
	f, err := t.acquire(ctx, p.File)
	if err != nil {
		return "", nil, err
	}
	if r, ok := f.FileReader.(formats.Ranger); ok {
		for i, token := range p.Inner {
			inner, derr := arrowio.DecodeSplit(token)
			if derr != nil {
				err = derr
				break
			}
			u, more, rerr := r.Ranges(ctx, inner)
			if err = rerr; err != nil {
				break
			}
			if i == 0 {
				unit = u
			}
			ranges = append(ranges, more...)
		}
	}
	return unit, ranges, errors.Join(err, t.release(p.File))
}
