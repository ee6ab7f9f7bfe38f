package parquet

import (
	"fmt"
	"iter"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/crypt"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/compress"
)

// WriteOptions tune [NewSink]. The zero value writes zstd-compressed pages of
// version 1, with dictionaries where they pay, statistics, page indexes,
// checksums and the Arrow schema.
type WriteOptions struct {
	// Codec is none, snappy, gzip, brotli, zstd or lz4_raw; "" is zstd.
	Codec string
	// Level of the codec; 0 is its default.
	Level int
	// RowGroupRows ends a row group at that many rows; 0 is 1 Mi.
	RowGroupRows int64
	// RowGroupBytes ends a row group when its encoded pages, and what waits to
	// be one, reach so many bytes; 0 is 128 MiB. A row group is held until it
	// ends, so this bounds the writer's memory.
	RowGroupBytes int64
	// PageBytes ends a page at that size before compression; 0 is 1 MiB.
	PageBytes int
	// PageRows ends a page at that many rows; 0 is 20,000.
	PageRows int
	// PageVersion is 1 or 2; 0 is 1, which every reader knows.
	PageVersion int
	// Dictionary says when columns are dictionary-encoded.
	Dictionary DictionaryMode
	// DictionaryBytes ends the use of a dictionary that passes that size; 0 is
	// 1 MiB.
	DictionaryBytes int
	// Statistics says how much is told of the values.
	Statistics StatisticsMode
	// NoChecksum leaves out the pages' CRC-32.
	NoChecksum bool
	// NoArrowSchema leaves out the Arrow schema (key ARROW:schema), without
	// which types that Parquet has no name for come back as what stores them.
	NoArrowSchema bool
	// TimestampUnit is ms, us or ns: the unit of every timestamp. "" keeps
	// each column's own, but writes seconds as milliseconds and nanoseconds as
	// microseconds. A value the unit cannot hold exactly is arrowio.ErrCast.
	TimestampUnit string
	// Columns tunes single columns, by the path of a Parquet column or of an
	// Arrow field (then everything below it).
	Columns map[string]ColumnOptions
	// Sorting declares the order of the rows; it is recorded, not made.
	Sorting []SortingColumn
	// KeyValues are added to the file's metadata.
	KeyValues []formats.KeyValue
	// Encryption says what to encrypt and with which keys; nil encrypts nothing.
	Encryption *formats.Encryption
	// CreatedBy names the writing application; "" is the library.
	CreatedBy string
	// Budget, if set, is charged for the row group being built, which ends
	// early when the budget is used up.
	Budget *arrowio.Budget
	// Jobs is how many columns are encoded at once; 0 is GOMAXPROCS.
	Jobs int
}

// ColumnOptions tune one column. Zero fields take the file's options.
type ColumnOptions struct {
	// Encoding of pages that are not dictionary-encoded: plain, rle (of
	// booleans), delta (what suits the type), delta_binary_packed,
	// delta_length_byte_array, delta_byte_array, byte_stream_split or alp (of
	// floats that are decimals; new in version 2.14 of the format, as a
	// preview, and few readers know it). Unless plain, it also turns the dictionary off, but for DictionaryOn.
	Encoding   string
	Dictionary DictionaryMode
	Codec      string
	Level      int
	Bloom      *BloomOptions
}

// BloomOptions ask for a Bloom filter.
type BloomOptions struct {
	// FPP is the rate of false positives to aim at; 0 is 0.01.
	FPP float64
	// NDV is the number of distinct values expected in a row group; 0 counts
	// them, at 8 bytes each until the row group ends.
	NDV int64
}

// SortingColumn is one key of the order of a file's rows.
type SortingColumn struct {
	Column     string // as in WriteOptions.Columns; a single leaf
	Descending bool
	NullsFirst bool
}

// DictionaryMode says when a column is dictionary-encoded.
type DictionaryMode uint8

// The modes.
const (
	DictionaryAuto DictionaryMode = iota // where it makes the first page smaller
	DictionaryOn                         // until it passes DictionaryBytes
	DictionaryOff
)

// StatisticsMode says how much is told of the values.
type StatisticsMode uint8

// The modes.
const (
	StatisticsPage  StatisticsMode = iota // of chunks and, in the page index, pages
	StatisticsChunk                       // of chunks
	StatisticsNone
)

// Defaults of WriteOptions.
const (
	defaultRowGroupRows    = 1 << 20
	defaultRowGroupBytes   = 128 << 20
	defaultPageBytes       = 1 << 20
	defaultPageRows        = 20_000
	defaultDictionaryBytes = 1 << 20
	maxPageBytes           = 1 << 30
)

func (o WriteOptions) withDefaults() (WriteOptions, error) {
	for _, n := range []int64{int64(o.Level), o.RowGroupRows, o.RowGroupBytes, int64(o.PageBytes), int64(o.PageRows), int64(o.DictionaryBytes)} {
		if n < 0 {
			return o, fmt.Errorf("%w: a negative size, count or level", arrowio.ErrOption)
		}
	}
	orDefault(&o.RowGroupRows, defaultRowGroupRows)
	orDefault(&o.RowGroupBytes, defaultRowGroupBytes)
	orDefault(&o.PageBytes, defaultPageBytes)
	orDefault(&o.PageRows, defaultPageRows)
	orDefault(&o.DictionaryBytes, defaultDictionaryBytes)
	orDefault(&o.PageVersion, 1)
	orDefault(&o.Jobs, runtime.GOMAXPROCS(0))
	if o.Codec == "" {
		o.Codec = "zstd"
	}
	if o.CreatedBy == "" {
		o.CreatedBy = createdBy()
	}
	switch {
	case o.PageVersion != 1 && o.PageVersion != 2:
		return o, fmt.Errorf("%w: page version %d (1, 2)", arrowio.ErrOption, o.PageVersion)
	case o.PageBytes > maxPageBytes || o.DictionaryBytes > maxPageBytes:
		return o, fmt.Errorf("%w: pages are at most %d bytes", arrowio.ErrOption, maxPageBytes)
	}
	return o, nil
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// createdBy has the form that parquet-java parses: application, version, build.
func createdBy() string {
	version, build := "devel", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
			if m.Path == "github.com/bdkit/bdkit" && m.Version != "" && m.Version != "(devel)" {
				version = strings.TrimPrefix(m.Version, "v")
			}
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && s.Value != "" {
				build = s.Value
			}
		}
	}
	return "bdkit version " + version + " (build " + build + ")"
}

var writeUnits = map[string]meta.TimeUnit{"": meta.NoUnit, "auto": meta.NoUnit, "ms": meta.Millis, "us": meta.Micros, "ns": meta.Nanos}

// codecs are those that are written, by name.
var writeCodecs = map[string]struct {
	codec compress.Codec
	id    meta.Codec
}{
	"none":    {compress.None, meta.Uncompressed},
	"snappy":  {compress.Snappy, meta.Snappy},
	"gzip":    {compress.Gzip, meta.Gzip},
	"brotli":  {compress.Brotli, meta.Brotli},
	"zstd":    {compress.Zstd, meta.Zstd},
	"lz4_raw": {compress.LZ4Raw, meta.LZ4Raw},
}

// columnPlan is what the options come to for one column.
type columnPlan struct {
	codec      compress.Codec
	codecID    meta.Codec
	level      int
	encoding   meta.Encoding
	dict       bool
	dictAlways bool
	dictBytes  int
	pageBytes  int
	pageRows   int
	v2, crc    bool
	stats      bool
	index      bool
	bloom      *BloomOptions
	key        *crypt.Column // nil: not encrypted
	crypto     *meta.ColumnCrypto
}

// plan settles the options of every leaf. An entry of Columns that fits no
// column is an error.
func (o *WriteOptions) plan(t *schema.Tree) ([]columnPlan, error) {
	used := map[string]bool{}
	plans := make([]columnPlan, len(t.Leaves))
	fields := fieldPaths(t)
	for i, n := range t.Leaves {
		name, _ := closest(maps.Keys(o.Columns), strings.Join(n.Path, "."), fields[i], used)
		var err error
		if plans[i], err = o.columnPlan(n, o.Columns[name]); err != nil {
			return nil, &arrowio.Error{Op: "write", Column: strings.Join(n.Path, "."), Err: err}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Columns)) {
		if !used[name] {
			return nil, fmt.Errorf("%w: %q in the writer's options", arrowio.ErrColumn, name)
		}
	}
	return plans, nil
}

// closest finds the most specific of the names that fit a leaf, given by its
// Parquet and its Arrow path, and notes all that do.
func closest(names iter.Seq[string], path, field string, used map[string]bool) (best string, found bool) {
	for name := range names {
		if covers(name, field) || covers(name, path) {
			used[name] = true
			if !found || len(name) > len(best) {
				best, found = name, true
			}
		}
	}
	return best, found
}

// covers reports whether a field's path is name or lies below it.
func covers(name, path string) bool {
	return name == path || strings.HasPrefix(path, name+".")
}

// fieldPaths are the leaves' paths in Arrow's terms, without the groups that
// Parquet adds.
func fieldPaths(t *schema.Tree) []string {
	out := make([]string, len(t.Leaves))
	var walk func(n *schema.Node, path string)
	walk = func(n *schema.Node, path string) {
		if n.Kind == schema.Leaf {
			out[n.Column] = path
		}
		for i, c := range n.Children {
			name := c.Field.Name
			switch {
			case n.Kind == schema.List:
				name = "element"
			case n.Kind == schema.Map:
				name = [...]string{"key", "value"}[i]
			}
			walk(c, path+"."+name)
		}
	}
	for _, r := range t.Roots {
		walk(r, r.Field.Name)
	}
	return out
}

func (o *WriteOptions) columnPlan(n *schema.Node, co ColumnOptions) (columnPlan, error) {
	p := columnPlan{
		dictBytes: o.DictionaryBytes, pageBytes: o.PageBytes, pageRows: o.PageRows,
		v2: o.PageVersion == 2, crc: !o.NoChecksum,
		stats: o.Statistics != StatisticsNone, index: o.Statistics == StatisticsPage,
	}
	codec, level := o.Codec, o.Level
	if co.Codec != "" {
		codec, level = co.Codec, 0
	}
	if co.Level != 0 {
		level = co.Level
	}
	c, ok := writeCodecs[codec]
	if !ok {
		return p, fmt.Errorf("%w: codec %q (known: %s)", arrowio.ErrOption, codec, strings.Join(slices.Sorted(maps.Keys(writeCodecs)), ", "))
	}
	p.codec, p.codecID, p.level = c.codec, c.id, level
	enc, err := encodingFor(n.Element, co.Encoding)
	if err != nil {
		return p, err
	}
	p.encoding = enc
	mode := co.Dictionary
	if mode == DictionaryAuto {
		mode = o.Dictionary
		if co.Encoding != "" && enc != meta.Plain {
			mode = DictionaryOff
		}
	}
	p.dict = mode != DictionaryOff && n.Element.Type != meta.Boolean
	p.dictAlways = mode == DictionaryOn
	if b := co.Bloom; b != nil {
		if n.Element.Type == meta.Boolean || n.Element.Logical.Kind == meta.LogicalUnknown {
			return p, fmt.Errorf("%w: a Bloom filter of booleans or nulls", arrowio.ErrOption)
		}
		b := *b
		orDefault(&b.FPP, 0.01)
		if !(b.FPP > 0 && b.FPP < 1) || b.NDV < 0 {
			return p, fmt.Errorf("%w: a Bloom filter's rate is between 0 and 1, its count not negative", arrowio.ErrOption)
		}
		p.bloom = &b
	}
	return p, nil
}

// encodingFor checks that an encoding suits a type (Encodings.md).
func encodingFor(e *meta.SchemaElement, name string) (meta.Encoding, error) {
	integer := e.Type == meta.Int32 || e.Type == meta.Int64
	fixed := integer || e.Type == meta.Float || e.Type == meta.Double || e.Type == meta.FixedLenByteArray
	var enc meta.Encoding
	var ok bool
	switch strings.ToLower(name) {
	case "", "plain":
		enc, ok = meta.Plain, true
	case "rle":
		enc, ok = meta.RLE, e.Type == meta.Boolean
	case "delta":
		switch {
		case integer:
			enc, ok = meta.DeltaBinaryPacked, true
		case e.Type == meta.ByteArray || e.Type == meta.FixedLenByteArray:
			enc, ok = meta.DeltaByteArray, true
		}
	case "delta_binary_packed":
		enc, ok = meta.DeltaBinaryPacked, integer
	case "delta_length_byte_array":
		enc, ok = meta.DeltaLengthByteArray, e.Type == meta.ByteArray
	case "delta_byte_array":
		enc, ok = meta.DeltaByteArray, e.Type == meta.ByteArray || e.Type == meta.FixedLenByteArray
	case "byte_stream_split":
		enc, ok = meta.ByteStreamSplit, fixed
	case "alp":
		enc, ok = meta.ALP, e.Type == meta.Float || e.Type == meta.Double
	default:
		return 0, fmt.Errorf("%w: encoding %q", arrowio.ErrOption, name)
	}
	if !ok {
		return 0, fmt.Errorf("%w: encoding %q does not suit the column's type", arrowio.ErrOption, name)
	}
	return enc, nil
}
