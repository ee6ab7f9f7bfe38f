package avro

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats/formatstest"
)

func TestSuite(t *testing.T) {
	formatstest.Run(t, formatstest.Harness{
		Format: format{},
		Ways: []formatstest.Way{
			{Name: "default"},
			{Name: "small", Write: map[string]string{"codec": "null", "sync-bytes": "400"}, Read: map[string]string{"split-bytes": "3k"}},
			{Name: "deflate", Write: map[string]string{"codec": "deflate", "sync-bytes": "2k"}, Read: map[string]string{"split-bytes": "8k"}},
			{Name: "zstandard", Write: map[string]string{"codec": "zstandard", "level": "3"}},
		},
		ReadsAs:   func(f arrow.Field) (arrow.DataType, bool) { return f.Type, !hasUnion(f.Type) },
		Abilities: formatstest.Abilities{RowOriented: true, Truncation: formatstest.Prefix},
	})
}

// hasUnion tells types whose unions come back as what Avro makes of them: see
// TestUnions.
func hasUnion(dt arrow.DataType) bool {
	switch t := dt.(type) {
	case arrow.UnionType:
		return true
	case *arrow.RunEndEncodedType:
		return hasUnion(t.Encoded())
	case arrow.NestedType:
		for _, f := range t.Fields() {
			if hasUnion(f.Type) {
				return true
			}
		}
	}
	return false
}
