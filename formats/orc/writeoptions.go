package orc

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/compress"
	"github.com/bdkit/bdkit/internal/optionset"
)

// WriteOptions tune [NewSink]. The zero value writes zstd-compressed stripes of
// 64 MiB with dictionaries where they pay, an index of every 10,000 rows,
// statistics and the Arrow schema.
type WriteOptions struct {
	// Codec is none, zlib, snappy, lz4 or zstd; "" is zstd.
	Codec string
	// Level of the codec; 0 is its default (zlib 1–9, zstd 1–22, lz4 1–9).
	Level int
	// BlockBytes is the size of a compression chunk before compression; 0 is
	// 256 KiB. It is at most 8 MiB - 1.
	BlockBytes int
	// StripeBytes ends a stripe when its encoded streams, and what waits to be
	// one, reach so many bytes; 0 is 64 MiB. A stripe is held until it ends, so
	// this bounds the writer's memory.
	StripeBytes int64
	// Stride is the rows of a row group, of which the index tells positions and
	// statistics; 0 is 10,000.
	Stride int
	// Dictionary says when string columns have one.
	Dictionary DictionaryMode
	// DictionaryRatio is the most distinct values per value for which a
	// dictionary is kept, in DictionaryAuto; 0 is 0.8.
	DictionaryRatio float64
	// Statistics says how much is told of the values.
	Statistics StatisticsMode
	// NoArrowSchema leaves out the Arrow schema (user metadata ARROW:schema),
	// without which types that ORC has no name for come back as what stores
	// them.
	NoArrowSchema bool
	// TimestampUnit is s, ms, us or ns: the unit in which timestamps come back,
	// which no value may have digits below. "" keeps each column's own. ORC
	// itself stores nanoseconds.
	TimestampUnit string
	// Columns tunes single columns, by path (elements of lists are "item", of
	// maps "key" and "value", of unions "_union_0" …); an entry holds for
	// everything below it.
	Columns map[string]ColumnOptions
	// KeyValues are added to the file's user metadata.
	KeyValues []formats.KeyValue
	// CreatedBy names the writing application; "" is the library.
	CreatedBy string
	// Budget, if set, is charged for the stripe being built, which ends early
	// when the budget is used up.
	Budget *arrowio.Budget
	// Jobs is how many columns are encoded at once; 0 is GOMAXPROCS.
	Jobs int
}

// ColumnOptions tune one column. Zero fields take the file's options.
type ColumnOptions struct {
	Dictionary DictionaryMode
	Bloom      *BloomOptions
}

// BloomOptions ask for Bloom filters, one a row group.
type BloomOptions struct {
	// FPP is the rate of false positives to aim at; 0 is 0.01.
	FPP float64
}

// DictionaryMode says when a string column has a dictionary.
type DictionaryMode uint8

// The modes.
const (
	DictionaryAuto DictionaryMode = iota // where DictionaryRatio allows
	DictionaryOn
	DictionaryOff
)

// StatisticsMode says how much is told of the values.
type StatisticsMode uint8

// The modes.
const (
	StatisticsRowGroup StatisticsMode = iota // of the file, its stripes and row groups
	StatisticsStripe                         // no index of row groups
	StatisticsNone                           // counts alone
)

// Defaults of WriteOptions.
const (
	defaultStripeBytes     = 64 << 20
	defaultStride          = 10_000
	defaultDictionaryRatio = 0.8
	defaultFPP             = 0.01
)

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (o WriteOptions) withDefaults() (WriteOptions, error) {
	for _, n := range []int64{int64(o.Level), int64(o.BlockBytes), o.StripeBytes, int64(o.Stride)} {
		if n < 0 {
			return o, fmt.Errorf("%w: a negative size, count or level", arrowio.ErrOption)
		}
	}
	orDefault(&o.Codec, "zstd")
	orDefault(&o.BlockBytes, block.DefaultSize)
	orDefault(&o.StripeBytes, defaultStripeBytes)
	orDefault(&o.Stride, defaultStride)
	orDefault(&o.DictionaryRatio, defaultDictionaryRatio)
	orDefault(&o.CreatedBy, createdBy())
	orDefault(&o.Jobs, runtime.GOMAXPROCS(0))
	switch {
	case o.BlockBytes > block.MaxSize:
		return o, fmt.Errorf("%w: compression blocks are at most %d bytes", arrowio.ErrOption, block.MaxSize)
	case o.DictionaryRatio < 0 || o.DictionaryRatio > 1:
		return o, fmt.Errorf("%w: a dictionary's ratio is between 0 and 1", arrowio.ErrOption)
	}
	if _, ok := writeCodecs[o.Codec]; !ok {
		return o, fmt.Errorf("%w: codec %q (known: %s)", arrowio.ErrOption, o.Codec, strings.Join(slices.Sorted(maps.Keys(writeCodecs)), ", "))
	}
	if _, ok := unitTicks[o.TimestampUnit]; !ok && o.TimestampUnit != "" {
		return o, fmt.Errorf("%w: timestamp unit %q (s, ms, us, ns)", arrowio.ErrOption, o.TimestampUnit)
	}
	return o, nil
}

// writeCodecs are those that are written, by name.
var writeCodecs = map[string]struct {
	codec compress.Codec
	kind  proto.CompressionKind
}{
	"none":   {compress.None, proto.CompressionNone},
	"zlib":   {compress.Deflate, proto.Zlib},
	"snappy": {compress.Snappy, proto.Snappy},
	"lz4":    {compress.LZ4Raw, proto.LZ4},
	"zstd":   {compress.Zstd, proto.Zstd},
}

// createdBy is the library and its version.
func createdBy() string {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
			if m.Path == "github.com/bdkit/bdkit" && m.Version != "" && m.Version != "(devel)" {
				version = strings.TrimPrefix(m.Version, "v")
			}
		}
	}
	return "bdkit " + version
}

// plans settles the options of every column. An entry of Columns that fits no
// column is an error.
func (o *WriteOptions) plans(nodes []*writeNode, w *block.Writer) ([]columnPlan, error) {
	used := map[string]bool{}
	out := make([]columnPlan, len(nodes))
	for i, n := range nodes {
		co := o.column(n.path, used)
		p := columnPlan{w: w, dictionary: o.Dictionary, threshold: o.DictionaryRatio, stride: o.Stride}
		if co.Dictionary != DictionaryAuto {
			p.dictionary = co.Dictionary
		}
		if o.Statistics != StatisticsRowGroup {
			p.stride = 0
		}
		if co.Bloom != nil && len(n.children) == 0 {
			b := *co.Bloom
			orDefault(&b.FPP, defaultFPP)
			switch {
			case !(b.FPP > 0 && b.FPP < 1):
				return nil, n.refuse(arrowio.ErrOption, "", "a Bloom filter's rate is between 0 and 1")
			case n.typ.Kind == proto.Boolean:
				return nil, n.refuse(arrowio.ErrOption, "", "a Bloom filter of booleans")
			case p.stride == 0:
				return nil, n.refuse(arrowio.ErrOption, "stats page", "Bloom filters are of row groups, and there is no index of them")
			}
			p.bloom = &b
		}
		out[i] = p
	}
	for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
		if !used[name] {
			return nil, fmt.Errorf("%w: %q in the writer's options", arrowio.ErrColumn, name)
		}
	}
	return out, nil
}

// column finds the options of a column: the longest entry at or above it.
func (o *WriteOptions) column(path string, used map[string]bool) ColumnOptions {
	best, found := "", false
	for name := range o.Columns {
		if name == path || strings.HasPrefix(path, name+".") {
			used[name] = true
			if !found || len(name) > len(best) {
				best, found = name, true
			}
		}
	}
	return o.Columns[best]
}

// writeOptions are the writer's keys in formats.Options.Set.
var writeOptions = optionset.Table[WriteOptions]{
	optionset.Text("codec", "zstd", "compression: none, zlib, snappy, lz4, zstd", func(o *WriteOptions) *string { return &o.Codec }),
	optionset.Size("level", "0", "compression level; 0 is the codec's default", func(o *WriteOptions) *int { return &o.Level }),
	optionset.Size("stripe-bytes", "64M", "encoded bytes of a stripe, about", func(o *WriteOptions) *int64 { return &o.StripeBytes }),
	optionset.Size("block-bytes", "256k", "bytes of a compression chunk, before compression", func(o *WriteOptions) *int { return &o.BlockBytes }),
	optionset.Size("stride", "10000", "rows of a row group of the index", func(o *WriteOptions) *int { return &o.Stride }),
	optionset.Of("dict", "auto", "dictionaries of strings: auto, on, off; or MODE:col,col", setDictionary),
	optionset.Of("dict-ratio", "0.8", "most distinct values per value in a dictionary", func(o *WriteOptions, v string) (err error) {
		o.DictionaryRatio, err = strconv.ParseFloat(v, 64)
		return err
	}),
	optionset.Of("bloom", "", "Bloom filters: col,col or col,col:fpp", setBlooms),
	optionset.Of("stats", "page", "statistics: none, chunk (file and stripes), page (row groups too)", func(o *WriteOptions, v string) error {
		mode, ok := map[string]StatisticsMode{"page": StatisticsRowGroup, "chunk": StatisticsStripe, "none": StatisticsNone}[v]
		if !ok {
			return errors.New("want none, chunk or page")
		}
		o.Statistics = mode
		return nil
	}),
	optionset.Of("arrow-schema", "true", "store the Arrow schema", func(o *WriteOptions, v string) error {
		on, err := optionset.ParseSwitch(v)
		o.NoArrowSchema = !on
		return err
	}),
	optionset.Text("timestamp-unit", "", "unit in which timestamps come back: s, ms, us, ns; none given keeps each", func(o *WriteOptions) *string { return &o.TimestampUnit }),
	optionset.Of("kv", "", "user metadata: key=value; kv.KEY=VALUE takes any value", func(o *WriteOptions, v string) error {
		key, value, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want key=value")
		}
		o.KeyValues = append(o.KeyValues, formats.KeyValue{Key: key, Value: value})
		return nil
	}),
	optionset.Text("created-by", "", "the writing application", func(o *WriteOptions) *string { return &o.CreatedBy }),
}

// parseWriteOptions turns options as text into typed ones.
func parseWriteOptions(o formats.Options) (WriteOptions, error) {
	w := WriteOptions{CreatedBy: o.CreatedBy, Budget: o.Budget}
	if e, err := formats.EncryptionOf(o); err != nil || e != nil {
		return w, cmp.Or(err, fmt.Errorf("%w: ORC is not written encrypted", arrowio.ErrUnsupported))
	}
	err := writeOptions.Parse("orc writer", o.Set, &w, func(key, v string) bool {
		name, ok := strings.CutPrefix(key, "kv.")
		if ok {
			w.KeyValues = append(w.KeyValues, formats.KeyValue{Key: name, Value: v})
		}
		return ok
	})
	return w, err
}

func setDictionary(o *WriteOptions, v string) error {
	name, cols, some := strings.Cut(v, ":")
	mode, ok := map[string]DictionaryMode{"auto": DictionaryAuto, "on": DictionaryOn, "true": DictionaryOn, "off": DictionaryOff, "false": DictionaryOff}[name]
	if !ok {
		return errors.New("want auto, on or off")
	}
	if !some {
		o.Dictionary = mode
		return nil
	}
	for c := range strings.SplitSeq(cols, ",") {
		o.tune(c, func(co *ColumnOptions) { co.Dictionary = mode })
	}
	return nil
}

func setBlooms(o *WriteOptions, v string) error {
	cols, rate, some := strings.Cut(v, ":")
	fpp := 0.0
	if some {
		var err error
		if fpp, err = strconv.ParseFloat(rate, 64); err != nil {
			return errors.New("want columns:rate")
		}
	}
	for c := range strings.SplitSeq(cols, ",") {
		o.tune(c, func(co *ColumnOptions) { co.Bloom = &BloomOptions{FPP: fpp} })
	}
	return nil
}

// tune changes the options of one column.
func (o *WriteOptions) tune(col string, change func(co *ColumnOptions)) {
	if o.Columns == nil {
		o.Columns = map[string]ColumnOptions{}
	}
	co := o.Columns[strings.TrimSpace(col)]
	change(&co)
	o.Columns[strings.TrimSpace(col)] = co
}
