package cli

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel/render"
)

// Children are the fields below a nested type: those of a struct, the element
// of a list, key and value of a map, the members of a union.
func Children(dt arrow.DataType) []arrow.Field {
	switch t := dt.(type) {
	case *arrow.MapType:
		return []arrow.Field{t.KeyField(), t.ItemField()}
	case arrow.NestedType:
		return t.Fields()
	}
	return nil
}

// ValueText is the first value of an array, as JSON or for people.
func ValueText(a arrow.Array, asJSON bool) string {
	s := render.Style{JSON: asJSON, Null: "NULL"}
	return string(s.Column(a, arrow.Field{})(nil, 0))
}

// ValueTexts gives any value of an array for people.
func ValueTexts(a arrow.Array) func(i int) string {
	s := render.Style{Null: "NULL"}
	text := s.Column(a, arrow.Field{})
	return func(i int) string { return string(text(nil, i)) }
}
