package parquet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// Int96Mode says as what legacy INT96 timestamps are read.
type Int96Mode string

// The modes. Auto takes nanoseconds, unless the first page of the column holds
// a value that does not fit them: then microseconds, or else the exact decimal.
const (
	Int96Auto  Int96Mode = "auto"
	Int96Nanos Int96Mode = "ns"
	Int96Micro Int96Mode = "us"
	Int96Milli Int96Mode = "ms"
	Int96Exact Int96Mode = "exact" // decimal128(38,0) of nanoseconds since 1970-01-01
)

// VariantMode says as what VARIANT columns are read.
type VariantMode string

// The modes. Storage is the struct as the file has it, shredded columns and
// all; assembled is struct<metadata, value>; JSON is text.
const (
	VariantStorage   VariantMode = "storage"
	VariantAssembled VariantMode = "assembled"
	VariantJSON      VariantMode = "json"
)

// Options tune a reader. The zero value is the default.
type Options struct {
	// Keys decrypt encrypted files; nil has none.
	Keys formats.KeyRetriever
	// IgnoreArrowSchema reads the types of the Parquet schema alone, without
	// what ARROW:schema restores.
	IgnoreArrowSchema bool
	// NoVerify leaves page checksums unchecked.
	NoVerify bool
	// Int96 is how INT96 timestamps are read; "" is Int96Auto.
	Int96 Int96Mode
	// Variant is how VARIANT columns are read; "" is VariantStorage.
	Variant VariantMode
	// Sibling opens a file by its path relative to this one, for columns kept
	// in external files (parquet.thrift, ColumnChunk.file_path). The reader
	// closes what it opened. Nil: such columns are ErrUnsupported.
	Sibling func(ctx context.Context, path string) (fs.File, error)
}

// readOption is one key of formats.Options.Set for readers.
type readOption struct {
	formats.OptionInfo
	set func(o *Options, v string) error
}

var readOptions = []readOption{
	{formats.OptionInfo{Key: "int96", Default: "auto", Help: "INT96 timestamps as ns, us, ms or exact (decimal nanoseconds)"}, func(o *Options, v string) error {
		return choose(&o.Int96, v, Int96Auto, Int96Nanos, Int96Micro, Int96Milli, Int96Exact)
	}},
	{formats.OptionInfo{Key: "variant", Default: "storage", Help: "VARIANT columns as storage, assembled or json"}, func(o *Options, v string) error {
		return choose(&o.Variant, v, VariantStorage, VariantAssembled, VariantJSON)
	}},
	{formats.OptionInfo{Key: "arrow-schema", Default: "on", Help: "restore the types that ARROW:schema names: on, off"}, func(o *Options, v string) error {
		return setNot(&o.IgnoreArrowSchema, v)
	}},
	{formats.OptionInfo{Key: "verify", Default: "on", Help: "verify page checksums: on, off"}, func(o *Options, v string) error {
		return setNot(&o.NoVerify, v)
	}},
}

func choose[T ~string](dst *T, v string, known ...T) error {
	if !slices.Contains(known, T(v)) {
		names := make([]string, len(known))
		for i, k := range known {
			names[i] = string(k)
		}
		return fmt.Errorf("%q is not one of %s", v, strings.Join(names, ", "))
	}
	*dst = T(v)
	return nil
}

// parseOptions reads the textual options of a reader. Those of a writer are
// refused: an option that would do nothing is a mistake.
func parseOptions(o formats.Options) (Options, error) {
	out := Options{Keys: o.Keys, Sibling: o.Sibling}
	for key, v := range o.Set {
		i := slices.IndexFunc(readOptions, func(r readOption) bool { return r.Key == key })
		if i < 0 {
			var keys []string
			for _, r := range readOptions {
				keys = append(keys, r.Key)
			}
			return out, fmt.Errorf("%w: parquet reader: %q (known: %s)", arrowio.ErrOption, key, strings.Join(keys, ", "))
		}
		if err := readOptions[i].set(&out, v); err != nil {
			return out, fmt.Errorf("%w: parquet reader: %s: %w", arrowio.ErrOption, key, err)
		}
	}
	return out, nil
}
