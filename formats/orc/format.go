package orc

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

func init() { formats.Register(format{}) }

// format is ORC as package formats knows it.
type format struct{}

func (format) Name() string         { return "orc" }
func (format) Extensions() []string { return []string{"orc"} }

// Sniff goes by the magic number at the start, or in the postscript, whose last
// byte of all is its length.
func (format) Sniff(head, tail []byte) bool {
	n := len(tail)
	return len(head) >= 3 && string(head[:3]) == magic || n >= 4 && string(tail[n-4:n-1]) == magic
}

func (format) Options() []formats.OptionInfo {
	var out []formats.OptionInfo
	for _, r := range readOptions {
		out = append(out, r.OptionInfo)
	}
	return append(out, writeOptions.Infos()...)
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
	wo, err := parseWriteOptions(o)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	k, err := NewSink(w, s, wo)
	if err != nil {
		return nil, err
	}
	return k, nil
}
