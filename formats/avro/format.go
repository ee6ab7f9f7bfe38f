package avro

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

func init() { formats.Register(format{}) }

// format is Avro as package formats knows it.
type format struct{}

func (format) Name() string         { return "avro" }
func (format) Extensions() []string { return []string{"avro"} }

// Sniff goes by the magic number.
func (format) Sniff(head, _ []byte) bool { return len(head) >= 4 && string(head[:4]) == magic }

// Streams implements formats.Streamer.
func (format) Streams() bool { return true }

func (format) Options() []formats.OptionInfo {
	var out []formats.OptionInfo
	for _, r := range readOptions {
		out = append(out, r.OptionInfo)
	}
	return append(out, writeOptionInfos()...)
}

func (format) Open(ctx context.Context, f fs.File, o formats.Options) (formats.FileReader, error) {
	opts, err := parseOptions(o)
	if err != nil {
		_ = f.Close() // the option is what the caller must hear of
		return nil, err
	}
	r, err := Open(ctx, f, opts)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (format) NewSink(w fs.Writer, s *arrow.Schema, o formats.Options) (arrowio.Sink, error) {
	return newSink(w, s, o)
}
