package avro

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
)

// Options tune a reader. The zero value is the default.
type Options struct {
	// Schema is the reader's schema, JSON: rows are resolved to it by the rules
	// of the specification ("Schema Resolution"). "" reads the file's own.
	Schema string
	// RecursionDepth is how many times a recursive type occurs on one path of
	// the Arrow schema; 0 takes 8. Deeper data is arrowio.ErrUnsupported.
	RecursionDepth int
	// EnumText reads enums as text instead of dictionaries.
	EnumText bool
	// DurationBytes reads durations as their 12 bytes instead of
	// month_day_nano intervals.
	DurationBytes bool
	// IgnoreArrowSchema reads the types of the Avro schema alone, without what
	// ARROW:schema restores.
	IgnoreArrowSchema bool
	// SkipDamaged passes over blocks that cannot be read, instead of failing.
	// [Reader.Damaged] counts them.
	SkipDamaged bool
	// Notice is told of each such block; nil tells nobody. It may be called by
	// several goroutines.
	Notice func(string)
	// SplitBytes is the size of a split, about; 0 takes 16 MiB.
	SplitBytes int64
}

// readOption is one key of formats.Options.Set for readers.
type readOption struct {
	formats.OptionInfo
	set func(o *Options, v string) error
}

var readOptions = []readOption{
	{formats.OptionInfo{Key: "schema", Help: "the schema to read as, JSON; rows are resolved to it"}, func(o *Options, v string) error {
		o.Schema = v
		return nil
	}},
	{formats.OptionInfo{Key: "recursion-depth", Default: "8", Help: "how often a recursive type is unrolled"}, func(o *Options, v string) (err error) {
		if o.RecursionDepth, err = strconv.Atoi(v); err == nil && o.RecursionDepth < 1 {
			err = errors.New("want 1 or more")
		}
		return err
	}},
	{formats.OptionInfo{Key: "enum", Default: "dictionary", Help: "enums as dictionary or text"}, func(o *Options, v string) error {
		return either(&o.EnumText, v, "dictionary", "text")
	}},
	{formats.OptionInfo{Key: "duration", Default: "interval", Help: "durations as interval or bytes"}, func(o *Options, v string) error {
		return either(&o.DurationBytes, v, "interval", "bytes")
	}},
	{formats.OptionInfo{Key: "arrow-schema", Default: "on", Help: "restore the types that ARROW:schema names: on, off"}, func(o *Options, v string) error {
		return setNot(&o.IgnoreArrowSchema, v)
	}},
	{formats.OptionInfo{Key: "damaged", Default: "fail", Help: "blocks that cannot be read: fail or skip"}, func(o *Options, v string) error {
		return either(&o.SkipDamaged, v, "fail", "skip")
	}},
	{formats.OptionInfo{Key: "split-bytes", Default: "16M", Help: "bytes of a split, about"}, func(o *Options, v string) (err error) {
		o.SplitBytes, err = parseSize(v)
		return err
	}},
}

func either(dst *bool, v, off, on string) error {
	if v != off && v != on {
		return fmt.Errorf("%q is not one of %s, %s", v, off, on)
	}
	*dst = v == on
	return nil
}

func setNot(dst *bool, v string) error {
	switch strings.ToLower(v) {
	case "true", "on", "yes", "1":
		*dst = false
	case "false", "off", "no", "0":
		*dst = true
	default:
		return errors.New("want true or false")
	}
	return nil
}

// parseSize reads a count with an optional binary unit: 64k, 16M, 1G.
func parseSize(v string) (int64, error) {
	digits := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(v), "B"), "I")
	shift := 0
	if n := len(digits); n > 0 {
		if unit := strings.IndexByte("KMG", digits[n-1]); unit >= 0 {
			shift, digits = 10*(unit+1), digits[:n-1]
		}
	}
	n, err := strconv.ParseInt(digits, 10, 63-shift)
	if err != nil || n < 0 {
		return 0, errors.New("want a count or a size like 16M")
	}
	return n << shift, nil
}

// parseOptions reads the textual options of a reader. Those of a writer are
// refused: an option that would do nothing is a mistake.
func parseOptions(o formats.Options) (Options, error) {
	out := Options{Notice: o.Notice}
	for key, v := range o.Set {
		i := slices.IndexFunc(readOptions, func(r readOption) bool { return r.Key == key })
		if i < 0 {
			var keys []string
			for _, r := range readOptions {
				keys = append(keys, r.Key)
			}
			return out, fmt.Errorf("%w: avro reader: %q (known: %s)", arrowio.ErrOption, key, strings.Join(keys, ", "))
		}
		if err := readOptions[i].set(&out, v); err != nil {
			return out, fmt.Errorf("%w: avro reader: %s: %w", arrowio.ErrOption, key, err)
		}
	}
	return out, nil
}
