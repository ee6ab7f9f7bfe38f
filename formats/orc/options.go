package orc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
)

// TimestampMode says as what timestamps are read.
type TimestampMode string

// The modes. Auto takes nanoseconds, unless the file's statistics of the column
// reach beyond what 64 bits of them hold: then microseconds, or exact where the
// statistics show that these would not do. Exact is
// decimal128(38,0) of nanoseconds since 1970-01-01.
const (
	TimestampAuto  TimestampMode = "auto"
	TimestampNanos TimestampMode = "ns"
	TimestampMicro TimestampMode = "us"
	TimestampMilli TimestampMode = "ms"
	TimestampSecs  TimestampMode = "s"
	TimestampExact TimestampMode = "exact"
)

// Options tune a reader. The zero value is the default.
type Options struct {
	// Keys decrypt encrypted columns; nil has none, and the columns come back as
	// they were masked for readers without.
	Keys formats.KeyRetriever
	// IgnoreArrowSchema reads the types of the ORC schema alone, without what
	// ARROW:schema restores.
	IgnoreArrowSchema bool
	// Timestamp is how timestamps are read; "" is TimestampAuto.
	Timestamp TimestampMode

	tail int // bytes of the file's end to read at first; 0: tailBytes
}

// readOption is one key of formats.Options.Set for readers.
type readOption struct {
	formats.OptionInfo
	set func(o *Options, v string) error
}

var readOptions = []readOption{
	{formats.OptionInfo{Key: "timestamp", Default: "auto", Help: "timestamps as ns, us, ms, s or exact (decimal nanoseconds)"}, func(o *Options, v string) error {
		known := []TimestampMode{TimestampAuto, TimestampNanos, TimestampMicro, TimestampMilli, TimestampSecs, TimestampExact}
		if !slices.Contains(known, TimestampMode(v)) {
			return fmt.Errorf("%q is not one of auto, ns, us, ms, s, exact", v)
		}
		o.Timestamp = TimestampMode(v)
		return nil
	}},
	{formats.OptionInfo{Key: "arrow-schema", Default: "on", Help: "restore the types that ARROW:schema names: on, off"}, func(o *Options, v string) error {
		if v != "on" && v != "off" {
			return fmt.Errorf("%q is not one of on, off", v)
		}
		o.IgnoreArrowSchema = v == "off"
		return nil
	}},
}

// parseOptions reads the textual options of a reader. Those of a writer are
// refused: an option that would do nothing is a mistake.
func parseOptions(o formats.Options) (Options, error) {
	out := Options{Keys: o.Keys}
	for key, v := range o.Set {
		i := slices.IndexFunc(readOptions, func(r readOption) bool { return r.Key == key })
		if i < 0 {
			var keys []string
			for _, r := range readOptions {
				keys = append(keys, r.Key)
			}
			return out, fmt.Errorf("%w: orc reader: %q (known: %s)", arrowio.ErrOption, key, strings.Join(keys, ", "))
		}
		if err := readOptions[i].set(&out, v); err != nil {
			return out, fmt.Errorf("%w: orc reader: %s: %w", arrowio.ErrOption, key, err)
		}
	}
	return out, nil
}
