package arrowipc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

func init() {
	formats.Register(format{})
	formats.Register(format{stream: true})
}

// format is Arrow IPC as package formats knows it, twice: both read files and
// streams, and each writes one of them.
type format struct{ stream bool }

func (f format) Name() string {
	if f.stream {
		return "arrows"
	}
	return "arrow"
}

func (f format) Extensions() []string {
	if f.stream {
		return []string{"arrows"}
	}
	return []string{"arrow", "ipc", "feather", "arrow_file"}
}

// Sniff knows a file by its magic numbers, and a stream by the mark in front of
// its first message and that message's length.
func (f format) Sniff(head, tail []byte) bool {
	if f.stream {
		return len(head) >= 12 && binary.LittleEndian.Uint32(head) == continuation && isSchema(head)
	}
	return strings.HasPrefix(string(head), magic) || strings.HasSuffix(string(tail), magic)
}

// isSchema says whether a length and the start of a flatbuffer follow the mark.
func isSchema(head []byte) bool {
	n, root := binary.LittleEndian.Uint32(head[4:]), binary.LittleEndian.Uint32(head[8:])
	return n >= 16 && n%8 == 0 && n < 1<<28 && root < n && root%4 == 0
}

// Streams implements formats.Streamer.
func (f format) Streams() bool { return true }

func (f format) Options() []formats.OptionInfo {
	return []formats.OptionInfo{{Key: "codec", Default: "none", Help: "compression of the buffers: none, lz4, zstd", Write: true}}
}

func (f format) Open(ctx context.Context, file fs.File, o formats.Options) (formats.FileReader, error) {
	for key := range o.Set {
		return nil, errors.Join(fmt.Errorf("%w: %s reader: %q (it has none)", arrowio.ErrOption, f.Name(), key), file.Close())
	}
	r, err := Open(ctx, file)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (f format) NewSink(w fs.Writer, s *arrow.Schema, o formats.Options) (arrowio.Sink, error) {
	out := WriteOptions{Stream: f.stream}
	for key, v := range o.Set {
		switch {
		case key != "codec":
			return nil, errors.Join(fmt.Errorf("%w: %s writer: %q (known: codec)", arrowio.ErrOption, f.Name(), key), w.Close())
		case v != "none" && v != "lz4" && v != "zstd":
			return nil, errors.Join(fmt.Errorf("%w: %s writer: codec %q is not one of none, lz4, zstd", arrowio.ErrOption, f.Name(), v), w.Close())
		}
		out.Codec = v
	}
	k, err := NewSink(w, s, out)
	if err != nil {
		return nil, err
	}
	return k, nil
}
