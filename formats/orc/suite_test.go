package orc

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats/formatstest"
	"github.com/bdkit/bdkit/internal/conformance"
)

// samples are files of several writers: all types, row indexes, bloom filters,
// many stripes, both versions.
var samples = []string{
	"apache-orc/8e095079-TestOrcFile.testUnionAndTimestamp.orc", "apache-orc/03827180-TestOrcFile.test1.orc",
	"apache-orc/9e0aa4e0-TestOrcFile.testPredicatePushdown.orc", "apache-orc/a79ae1d8-orc_index_int_string.orc",
	"apache-orc/a01bbc35-TestOrcFile.testMemoryManagementV11.orc", "apache-orc/d8a997d7-TestOrcFile.testStripeLevelStats.orc",
	"datafusion-contrib-orc-rust/9c12eae8-bloom_filter.orc", "datafusion-contrib-orc-rust/2d6399f4-basic-data-test.orc",
	"datafusion-contrib-orc-rust/8edb50b2-alltypes.zstd.orc", "rapidsai-cudf/d2f10689-TestOrcFile.lima_timezone.orc",
	"rapidsai-cudf/ceea47f0-TestOrcFile.NoIndStrm.StructAndIntWithNulls.TwoStripes.orc", "apache-orc/5b9715d9-examples-decimal.orc",
}

// readsAs is what ORC holds: everything but decimals of more than 38 digits and
// intervals of days.
func readsAs(f arrow.Field) (arrow.DataType, bool) { return f.Type, holdable(f.Type) }

func holdable(dt arrow.DataType) bool {
	switch t := dt.(type) {
	case arrow.DecimalType:
		return t.GetPrecision() <= 38
	case *arrow.DayTimeIntervalType, *arrow.MonthDayNanoIntervalType:
		return false
	case *arrow.DictionaryType:
		return holdable(t.ValueType)
	case *arrow.RunEndEncodedType:
		return holdable(t.Encoded())
	case arrow.NestedType:
		for _, f := range t.Fields() {
			if !holdable(f.Type) {
				return false
			}
		}
	}
	return true
}

func TestFormat(t *testing.T) {
	h := formatstest.Harness{
		Format: format{},
		Ways: []formatstest.Way{
			{Name: "default"},
			{Name: "small units", Write: map[string]string{"stripe-bytes": "20k", "stride": "70", "codec": "snappy", "block-bytes": "1k"}},
			{Name: "direct, no codec", Write: map[string]string{"stride": "100", "dict": "off", "codec": "none"}},
			{Name: "no statistics", Write: map[string]string{"codec": "lz4", "stats": "none"}},
		},
		ReadsAs: readsAs,
		Forced:  2 << 20, // a compression chunk of each stream, of up to 256 KiB
	}
	root := conformance.Root()
	if root == "" {
		t.Log("SKIPPED: there is no corpus: the reader's laws on files of others are not proven")
	}
	for _, name := range samples {
		raw, err := os.ReadFile(filepath.Join(root, "orc", name))
		if err != nil {
			t.Log(err)
			continue
		}
		h.Samples = append(h.Samples, formatstest.Sample{Name: name, Raw: raw})
	}
	formatstest.Run(t, h)
}
