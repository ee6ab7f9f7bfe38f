package fs

import (
	"context"
	"io"
)

// ReaderAt adapts f to io.ReaderAt under ctx: each ReadAt is one range. Like
// every io.ReaderAt it gives what there is and io.EOF at the end of the file,
// which takes one Info first.
func ReaderAt(ctx context.Context, f File) io.ReaderAt { return readerAt{ctx, f} }

type readerAt struct {
	ctx context.Context
	f   File
}

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	info, err := r.f.Info(r.ctx)
	if err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, &Error{Op: "read", URL: r.f.String(), Off: off, Err: CheckRanges([]Range{{Off: off}})}
	}
	n := int(min(int64(len(p)), max(info.Size-off, 0)))
	if n > 0 {
		if err := r.f.ReadRanges(r.ctx, []Range{{Off: off, Dst: p[:n]}}); err != nil {
			return 0, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
