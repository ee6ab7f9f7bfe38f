package parquet

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/formats/parquet/variant"
)

const extensionName = "ARROW:extension:name"

// showVariants gives VARIANT columns the type that Options.Variant asks for.
func (r *Reader) showVariants(t *schema.Tree) (*schema.Tree, error) {
	if r.o.Variant == "" || r.o.Variant == VariantStorage {
		return t, nil
	}
	fields := make([]arrow.Field, len(t.Roots))
	for i, n := range t.Roots {
		r.showVariant(n)
		fields[i] = n.Exposed()
	}
	md := t.Arrow.Metadata()
	t.Arrow = arrow.NewSchema(fields, &md)
	return t, nil
}

// showVariant retypes the variants at or below n and says whether there is one.
func (r *Reader) showVariant(n *schema.Node) (found bool) {
	if ext, _ := n.Field.Metadata.GetValue(extensionName); n.Kind == schema.Struct && ext == "arrow.parquet.variant" {
		n.Variant, n.Stored = true, n.Field.Type
		md := n.Field.Metadata.ToMap()
		dt := arrow.DataType(variant.Type())
		if r.o.Variant == VariantJSON {
			dt, md[extensionName] = arrow.BinaryTypes.String, "arrow.json"
		}
		n.Field.Type, n.Want = dt, dt
		n.Field.Metadata = arrow.MetadataFrom(md)
		return true
	}
	for _, c := range n.Children {
		found = r.showVariant(c) || found
	}
	if found {
		n.Rebuild()
	}
	return found
}

// showAs turns a variant's storage into the type that it is shown in.
func showAs(mem memory.Allocator, n *schema.Node, d arrow.ArrayData) (arrow.ArrayData, error) {
	storage := array.MakeFromData(d)
	defer storage.Release()
	whole, err := variant.Assemble(mem, storage)
	if err != nil {
		return nil, fmt.Errorf("%w: variant: %w", arrowio.ErrCorrupt, err)
	}
	defer whole.Release()
	if n.Field.Type.ID() == arrow.STRUCT {
		whole.Data().Retain()
		return whole.Data(), nil
	}
	s := whole.(*array.Struct)
	metadata, value := s.Field(0).(*array.Binary), s.Field(1).(*array.Binary)
	b := array.NewStringBuilder(mem)
	defer b.Release()
	var text []byte
	for i := range s.Len() {
		if s.IsNull(i) {
			b.AppendNull()
			continue
		}
		if text, err = variant.AppendJSON(text[:0], metadata.Value(i), value.Value(i)); err != nil {
			return nil, fmt.Errorf("%w: variant: %w", arrowio.ErrCorrupt, err)
		}
		b.Append(string(text))
	}
	out := b.NewArray()
	defer out.Release()
	out.Data().Retain()
	return out.Data(), nil
}
