package parquet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// newSink is NewSink with the options as text.
func newSink(w fs.Writer, s *arrow.Schema, o formats.Options) (arrowio.Sink, error) {
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

// writeOption is one key of formats.Options.Set that the writer knows.
type writeOption struct {
	formats.OptionInfo
	set func(o *WriteOptions, v string) error
}

// writeOptionTable is the one list of the writer's keys.
var writeOptionTable = []writeOption{
	textOption("codec", "zstd", "compression: none, snappy, gzip, brotli, zstd, lz4_raw", func(o *WriteOptions) *string { return &o.Codec }),
	sizeOption("level", "0", "compression level; 0 is the codec's default", func(o *WriteOptions) *int { return &o.Level }),
	sizeOption("row-group-rows", "1048576", "rows of a row group at most", func(o *WriteOptions) *int64 { return &o.RowGroupRows }),
	sizeOption("row-group-bytes", "128M", "encoded bytes of a row group, about", func(o *WriteOptions) *int64 { return &o.RowGroupBytes }),
	sizeOption("page-bytes", "1M", "bytes of a page before compression, about", func(o *WriteOptions) *int { return &o.PageBytes }),
	sizeOption("page-rows", "20000", "rows of a page at most", func(o *WriteOptions) *int { return &o.PageRows }),
	sizeOption("page-version", "1", "data pages of version 1 or 2", func(o *WriteOptions) *int { return &o.PageVersion }),
	sizeOption("dict-bytes", "1M", "bytes of a dictionary at most", func(o *WriteOptions) *int { return &o.DictionaryBytes }),
	option("dict", "auto", "dictionaries: auto, on, off; or MODE:col,col", setDictionary),
	option("encoding", "", "encodings of columns: col=delta,col=byte_stream_split", setEncodings),
	option("bloom", "", "Bloom filters: col,col or col,col:fpp", setBlooms),
	option("stats", "page", "statistics: none, chunk, page", setStatistics),
	option("crc", "true", "checksums of pages", func(o *WriteOptions, v string) error { return setNot(&o.NoChecksum, v) }),
	option("arrow-schema", "true", "store the Arrow schema", func(o *WriteOptions, v string) error { return setNot(&o.NoArrowSchema, v) }),
	textOption("timestamp-unit", "", "unit of all timestamps: ms, us, ns; none given keeps each, but ns becomes us", func(o *WriteOptions) *string { return &o.TimestampUnit }),
	option("sort", "", "declared order of the rows: col, col desc, col nulls first", setSorting),
	option("kv", "", "key-value metadata: key=value; kv.KEY=VALUE takes any value", func(o *WriteOptions, v string) error {
		key, value, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want key=value")
		}
		o.KeyValues = append(o.KeyValues, formats.KeyValue{Key: key, Value: value})
		return nil
	}),
	option("encrypt", "keys", "encryption: keys (as the file of keys says) or off", func(o *WriteOptions, v string) error {
		switch v {
		case "keys":
			if o.Encryption == nil {
				return errors.New("no file of keys says how")
			}
		case "off":
			o.Encryption = nil
		default:
			return errors.New("want keys or off")
		}
		return nil
	}),
	textOption("created-by", "", "the writing application", func(o *WriteOptions) *string { return &o.CreatedBy }),
}

// writeOptionInfos documents the writer's keys.
func writeOptionInfos() []formats.OptionInfo {
	out := make([]formats.OptionInfo, len(writeOptionTable))
	for i := range writeOptionTable {
		out[i] = writeOptionTable[i].OptionInfo
	}
	return out
}

func option(key, def, help string, set func(o *WriteOptions, v string) error) writeOption {
	return writeOption{formats.OptionInfo{Key: key, Default: def, Help: help, Write: true}, set}
}

func textOption(key, def, help string, at func(o *WriteOptions) *string) writeOption {
	return option(key, def, help, func(o *WriteOptions, v string) error {
		*at(o) = v
		return nil
	})
}

func sizeOption[T int | int64](key, def, help string, at func(o *WriteOptions) *T) writeOption {
	return option(key, def, help, func(o *WriteOptions, v string) error {
		n, err := parseSize(v)
		*at(o) = T(n)
		return err
	})
}

// parseSize reads a count with an optional binary unit: 64k, 128M, 1G.
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
		return 0, errors.New("want a count or a size like 128M")
	}
	return n << shift, nil
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

func setEncodings(o *WriteOptions, v string) error {
	for part := range strings.SplitSeq(v, ",") {
		col, enc, ok := strings.Cut(part, "=")
		if !ok {
			return errors.New("want column=encoding")
		}
		o.tune(col, func(co *ColumnOptions) { co.Encoding = strings.TrimSpace(enc) })
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

func setStatistics(o *WriteOptions, v string) error {
	mode, ok := map[string]StatisticsMode{"page": StatisticsPage, "chunk": StatisticsChunk, "none": StatisticsNone}[v]
	if !ok {
		return errors.New("want none, chunk or page")
	}
	o.Statistics = mode
	return nil
}

func setSorting(o *WriteOptions, v string) error {
	for part := range strings.SplitSeq(v, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			return errors.New("want a column")
		}
		s := SortingColumn{Column: words[0]}
		switch rest := strings.ToLower(strings.Join(words[1:], " ")); rest {
		case "", "asc", "asc nulls last", "nulls last":
		case "asc nulls first", "nulls first":
			s.NullsFirst = true
		case "desc", "desc nulls last":
			s.Descending = true
		case "desc nulls first":
			s.Descending, s.NullsFirst = true, true
		default:
			return fmt.Errorf("%q is no order", rest)
		}
		o.Sorting = append(o.Sorting, s)
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

// parseWriteOptions turns options as text into typed ones.
func parseWriteOptions(o formats.Options) (WriteOptions, error) {
	w := WriteOptions{CreatedBy: o.CreatedBy, Budget: o.Budget}
	var err error
	if w.Encryption, err = formats.EncryptionOf(o); err != nil {
		return w, err
	}
	for _, opt := range writeOptionTable { // in the table's order, so that the outcome does not depend on the map's
		v, ok := o.Set[opt.Key]
		if !ok {
			continue
		}
		if err := opt.set(&w, v); err != nil {
			return w, fmt.Errorf("%w: parquet option %s=%q: %w", arrowio.ErrOption, opt.Key, v, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o.Set)) {
		if name, ok := strings.CutPrefix(key, "kv."); ok {
			w.KeyValues = append(w.KeyValues, formats.KeyValue{Key: name, Value: o.Set[key]})
		} else if !knownWriteOption(key) {
			return w, fmt.Errorf("%w: parquet has no write option %q (known: %s)", arrowio.ErrOption, key, writeOptionKeys())
		}
	}
	return w, nil
}

func knownWriteOption(key string) bool {
	for i := range writeOptionTable {
		if writeOptionTable[i].Key == key {
			return true
		}
	}
	return false
}

func writeOptionKeys() string {
	var keys []string
	for i := range writeOptionTable {
		keys = append(keys, writeOptionTable[i].Key)
	}
	return strings.Join(keys, ", ")
}
