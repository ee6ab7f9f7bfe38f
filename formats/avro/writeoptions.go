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

// createdByKey is the metadata that names the writing application.
const createdByKey = "created-by"

// WriteOptions tune a writer. The zero value is the default.
type WriteOptions struct {
	// Codec is null, deflate, snappy or zstandard; "" takes snappy.
	Codec string
	// Level of compression; 0 takes the codec's default (deflate 1–9,
	// zstandard 1–22).
	Level int
	// SyncBytes are the bytes of a block before compression, about; 0 takes
	// 64 KiB.
	SyncBytes int64
	// NoArrowSchema leaves out the Arrow schema (key ARROW:schema), without
	// which types that Avro has no word for do not come back.
	NoArrowSchema bool
	// RecordName is the full name of the rows' record; "" takes "row".
	RecordName string
	// KeyValues are the file's user metadata. Keys that begin with "avro." are
	// the format's own and refused.
	KeyValues []formats.KeyValue
	// CreatedBy names the writing application; "" takes the library's name.
	CreatedBy string
}

const (
	defaultCodec     = "snappy"
	defaultSyncBytes = 64 << 10
	libraryName      = "bdkit"
)

func (o WriteOptions) withDefaults() (WriteOptions, error) {
	if o.Codec == "" {
		o.Codec = defaultCodec
	}
	if name, ok := codecAliases[o.Codec]; ok {
		o.Codec = name
	}
	c, err := codecOf(o.Codec)
	if err != nil || c.compress == nil && c.name != "null" {
		return o, fmt.Errorf("%w: codec %q (%s)", arrowio.ErrOption, o.Codec, writable())
	}
	top := map[string]int{"deflate": 9, "zstandard": 22}[o.Codec]
	if o.Level < 0 || o.Level > top && o.Level != 0 {
		return o, fmt.Errorf("%w: level %d of codec %s", arrowio.ErrOption, o.Level, o.Codec)
	}
	if o.SyncBytes <= 0 {
		o.SyncBytes = defaultSyncBytes
	}
	if o.SyncBytes > maxBlock {
		return o, fmt.Errorf("%w: blocks of %d bytes (at most %d)", arrowio.ErrOption, o.SyncBytes, maxBlock)
	}
	if o.RecordName == "" {
		o.RecordName = "row"
	}
	for _, part := range strings.Split(o.RecordName, ".") {
		if !legalName(part) {
			return o, fmt.Errorf("%w: record name %q", arrowio.ErrOption, o.RecordName)
		}
	}
	for _, kv := range o.KeyValues {
		if strings.HasPrefix(kv.Key, "avro.") {
			return o, fmt.Errorf("%w: metadata key %q belongs to the format", arrowio.ErrOption, kv.Key)
		}
	}
	if o.CreatedBy == "" {
		o.CreatedBy = libraryName
	}
	return o, nil
}

// writeOption is one key of formats.Options.Set that the writer knows.
type writeOption struct {
	formats.OptionInfo
	set func(o *WriteOptions, v string) error
}

// writeOptionTable is the one list of the writer's keys.
var writeOptionTable = []writeOption{
	{formats.OptionInfo{Key: "codec", Default: defaultCodec, Help: "compression: null, deflate, snappy, zstandard", Write: true}, func(o *WriteOptions, v string) error {
		o.Codec = v
		return nil
	}},
	{formats.OptionInfo{Key: "level", Default: "0", Help: "compression level; 0 is the codec's default", Write: true}, func(o *WriteOptions, v string) (err error) {
		o.Level, err = strconv.Atoi(v)
		return err
	}},
	{formats.OptionInfo{Key: "sync-bytes", Default: "64K", Help: "bytes of a block before compression, about", Write: true}, func(o *WriteOptions, v string) (err error) {
		o.SyncBytes, err = parseSize(v)
		return err
	}},
	{formats.OptionInfo{Key: "arrow-schema", Default: "true", Help: "store the Arrow schema", Write: true}, func(o *WriteOptions, v string) error {
		return setNot(&o.NoArrowSchema, v)
	}},
	{formats.OptionInfo{Key: "record-name", Default: "row", Help: "full name of the rows' record", Write: true}, func(o *WriteOptions, v string) error {
		o.RecordName = v
		return nil
	}},
	{formats.OptionInfo{Key: "kv", Help: "metadata: key=value; kv.KEY=VALUE takes any value", Write: true}, func(o *WriteOptions, v string) error {
		key, value, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want key=value")
		}
		o.KeyValues = append(o.KeyValues, formats.KeyValue{Key: key, Value: value})
		return nil
	}},
	{formats.OptionInfo{Key: "created-by", Help: "the writing application", Write: true}, func(o *WriteOptions, v string) error {
		o.CreatedBy = v
		return nil
	}},
}

func writeOptionInfos() []formats.OptionInfo {
	out := make([]formats.OptionInfo, len(writeOptionTable))
	for i := range writeOptionTable {
		out[i] = writeOptionTable[i].OptionInfo
	}
	return out
}

// parseWriteOptions reads the textual options of a writer.
func parseWriteOptions(o formats.Options) (WriteOptions, error) {
	out := WriteOptions{CreatedBy: o.CreatedBy}
	keys := make([]string, 0, len(o.Set))
	for key := range o.Set {
		keys = append(keys, key)
	}
	slices.Sort(keys) // metadata in one order
	for _, key := range keys {
		v := o.Set[key]
		if name, ok := strings.CutPrefix(key, "kv."); ok && name != "" {
			out.KeyValues = append(out.KeyValues, formats.KeyValue{Key: name, Value: v})
			continue
		}
		i := slices.IndexFunc(writeOptionTable, func(w writeOption) bool { return w.Key == key })
		if i < 0 {
			var known []string
			for _, w := range writeOptionTable {
				known = append(known, w.Key)
			}
			return out, fmt.Errorf("%w: avro writer: %q (known: %s)", arrowio.ErrOption, key, strings.Join(known, ", "))
		}
		if err := writeOptionTable[i].set(&out, v); err != nil {
			return out, fmt.Errorf("%w: avro writer: %s: %w", arrowio.ErrOption, key, err)
		}
	}
	return out, nil
}
