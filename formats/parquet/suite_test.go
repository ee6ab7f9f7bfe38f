package parquet

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats/formatstest"
)

// readsAs is what Parquet holds: everything but unions, structs of no field
// and intervals of months alone.
func readsAs(f arrow.Field) (arrow.DataType, bool) { return f.Type, holdable(f.Type) }

func holdable(dt arrow.DataType) bool {
	switch t := dt.(type) {
	case arrow.UnionType:
		return false
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
	formatstest.Run(t, formatstest.Harness{
		Format: format{},
		Ways: []formatstest.Way{
			{Name: "default", Write: map[string]string{"timestamp-unit": "ns"}},
			{Name: "small units", Write: map[string]string{"timestamp-unit": "ns", "row-group-rows": "70", "page-rows": "20", "codec": "snappy"}},
			{Name: "page v1", Write: map[string]string{"timestamp-unit": "ns", "row-group-rows": "333", "page-rows": "50", "page-version": "1", "dict": "off", "codec": "none"}},
			{Name: "no statistics", Write: map[string]string{"timestamp-unit": "ns", "page-rows": "90", "codec": "lz4_raw", "stats": "none"}},
		},
		ReadsAs: readsAs,
		Samples: []formatstest.Sample{{Name: "bloom filters", Raw: writeFile(t, WriteOptions{
			RowGroupRows: 90, PageRows: 30, Columns: map[string]ColumnOptions{"b": {Bloom: &BloomOptions{NDV: 100}}, "id": {Bloom: &BloomOptions{NDV: 90}}},
		}, lawSchema, lawBatch(newRand(5), 0, 300))}},
	})
}
