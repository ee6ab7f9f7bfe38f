package pushdowntest

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/pushdown"
)

// BatchOf takes a batch that was read from somewhere, for DrawExpr to make
// filters over: its flat columns and those inside its structs, whatever their
// encoding. Literals are drawn from its values too. Columns of names that
// occur twice, and of types that filters cannot compare, are left out; ok is
// false if none is left.
func BatchOf(rec arrow.RecordBatch, cov *Coverage) (b Batch, ok bool) {
	b = Batch{Rec: rec, cov: cov}
	for i, f := range rec.Schema().Fields() {
		if len(rec.Schema().FieldIndices(f.Name)) == 1 {
			b.add(pushdown.Path{f.Name}, f.Type, rec.Column(i))
		}
	}
	return b, len(b.cols) > 0
}

func (b *Batch) add(p pushdown.Path, dt arrow.DataType, arr arrow.Array) {
	switch t := dt.(type) {
	case *arrow.StructType:
		names := map[string]int{}
		for _, f := range t.Fields() {
			names[f.Name]++
		}
		for i, f := range t.Fields() {
			if names[f.Name] == 1 {
				b.add(append(p[:len(p):len(p)], f.Name), f.Type, arr.(*array.Struct).Field(i))
			}
		}
		return
	case *arrow.DictionaryType:
		dt = t.ValueType
	case *arrow.RunEndEncodedType:
		dt = t.Encoded()
	}
	if len(pool(dt)) == 0 {
		return
	}
	c := column{path: p, dt: dt}
	for i := 0; i < arr.Len() && len(c.seen) < 50; i++ {
		if v, ok := cell(p, b.Rec, i); ok {
			c.seen = append(c.seen, v)
		}
	}
	b.cols = append(b.cols, c)
}
