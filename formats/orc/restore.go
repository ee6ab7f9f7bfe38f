package orc

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// storedSchema is what ARROW:schema in the user's metadata says of the columns.
type storedSchema struct {
	schema *arrow.Schema
	tree   *writeSchema
}

// readStored finds the stored schema; nil if there is none that can be written.
func readStored(foot *proto.Footer) *storedSchema {
	for _, kv := range foot.Metadata {
		if kv.Name != arrowschema.Key {
			continue
		}
		s := arrowschema.Decode(string(kv.Value))
		if _, tree, err := newWriteSchema(s); err == nil && s.NumFields() > 0 {
			return &storedSchema{s, tree}
		}
	}
	return nil
}

// fits says whether a column of the file is one that the stored schema would be
// written as, with all below. Where the two disagree, as after a rewrite by a
// tool that knows nothing of Arrow, the file's own types hold.
func (s *storedSchema) fits(types []proto.Type, first, last int) bool {
	for id := first; id <= last; id++ {
		if id >= len(s.tree.types) {
			return false
		}
		a, b := &types[id], s.tree.types[id]
		if a.Kind != b.Kind || a.MaximumLength != b.MaximumLength || !slices.Equal(a.Subtypes, b.Subtypes) || !slices.Equal(a.FieldNames, b.FieldNames) {
			return false
		}
		if a.Kind == proto.Decimal && (a.Precision != b.Precision || a.Scale.Or(0) != b.Scale.Or(0)) {
			return false
		}
	}
	return true
}

// unit is the unit of a timestamp column before it was written, if it is known.
func (s *storedSchema) unit(types []proto.Type, id int) (arrow.TimeUnit, bool) {
	if s == nil || id >= len(s.tree.nodes) || types[id].Kind != s.tree.types[id].Kind {
		return 0, false
	}
	t, ok := s.tree.nodes[id].storage.(*arrow.TimestampType)
	if !ok {
		return 0, false
	}
	return t.Unit, true
}

// restore shows columns as the stored schema has them: types that ORC has no
// word for, nullability, metadata.
func (s *storedSchema) restore(foot *proto.Footer, roots []*node) {
	if s == nil || len(foot.Types[0].FieldNames) != len(roots) {
		return
	}
	for i, n := range roots {
		if i < s.schema.NumFields() && s.schema.Field(i).Name == n.field.Name && s.fits(foot.Types, n.id, n.last) {
			n.restore(foot, s.schema.Field(i))
		}
	}
}

func (n *node) restore(foot *proto.Footer, f arrow.Field) arrow.Field {
	f = arrowschema.Plain(f)
	// What a file's statistics contradict is not promised on.
	f.Nullable = f.Nullable || n.id >= len(foot.Statistics) || foot.Statistics[n.id].HasNull.Or(true)
	f.Type = arrowschema.MapChildren(f.Type, func(i int, c arrow.Field) arrow.Field {
		return n.children[i].restore(foot, c)
	})
	switch t := arrowschema.Storage(f.Type).(type) {
	case *arrow.TimestampType:
		if own, ok := n.field.Type.(*arrow.TimestampType); !ok || own.Unit != t.Unit && f.Type == arrow.DataType(t) {
			f.Type = n.field.Type // the reader's options ask for another unit
		}
	case *arrow.Time32Type, *arrow.Time64Type, *arrow.DurationType, *arrow.MonthIntervalType:
		n.field.Type = t // the integers that they are stored as, by another name
	}
	if len(n.children) > 0 {
		if t, err := nestedType(n); err == nil { // as it was, but for its children
			n.field.Type = t
		}
	}
	n.want, n.stored = f.Type, &f
	return f
}
