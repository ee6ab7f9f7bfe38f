package arrowipc

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// build makes the array of a part whose buffers are loaded, after it has made
// sure that every place that the array refers to is there. dict finds the
// dictionary of an id.
func (p *part) build(dict func(id int64) (arrow.Array, error)) (arrow.Array, error) {
	d, err := p.data(dict)
	if err != nil {
		return nil, err
	}
	defer d.Release()
	return array.MakeFromData(d), nil
}

func (p *part) data(dict func(id int64) (arrow.Array, error)) (arrow.ArrayData, error) {
	if p.length > math.MaxInt/64 {
		return nil, corrupt("%d values", p.length)
	}
	n := int(p.length)
	if p.field.Encoded {
		values, err := dict(p.field.Dict)
		if err != nil {
			return nil, err
		}
		if err := p.checkValidity(); err != nil {
			return nil, err
		}
		if err := p.checkIndices(values.Len()); err != nil {
			return nil, err
		}
		return array.NewDataWithDictionary(p.typ, n, p.memory(), p.nullCount(), 0, values.Data().(*array.Data)), nil
	}
	kids := make([]arrow.ArrayData, 0, len(p.kids))
	defer func() {
		for _, k := range kids {
			k.Release()
		}
	}()
	for _, k := range p.kids {
		d, err := k.data(dict)
		if err != nil {
			return nil, err
		}
		kids = append(kids, d)
	}
	if err := p.check(kids); err != nil {
		return nil, err
	}
	switch p.value.(type) {
	case *arrow.NullType:
		return array.NewData(p.typ, n, []*memory.Buffer{nil}, nil, n, 0), nil
	case *arrow.RunEndEncodedType:
		return array.NewData(p.typ, n, []*memory.Buffer{nil}, kids, 0, 0), nil
	case arrow.UnionType:
		return array.NewData(p.typ, n, append([]*memory.Buffer{nil}, p.memory()...), kids, 0, 0), nil
	case *arrow.StructType:
		// A child may be longer than its struct.
		for i, k := range kids {
			if k.Len() > n {
				kids[i] = array.NewSliceData(k, 0, int64(n))
				k.Release()
			}
		}
	}
	return array.NewData(p.typ, n, p.memory(), kids, p.nullCount(), 0), nil
}

func (p *part) memory() []*memory.Buffer {
	out := make([]*memory.Buffer, len(p.bufs))
	for i, b := range p.bufs {
		out[i] = b.mem
	}
	return out
}

// nullCount is counted when it is asked for, since the batch's own number is a
// claim.
func (p *part) nullCount() int {
	if len(p.bufs) == 0 || p.bufs[0].mem == nil {
		return 0
	}
	return array.UnknownNullCount
}

// raw is a buffer's bytes.
func (p *part) raw(i int) []byte {
	if p.bufs[i].mem == nil {
		return nil
	}
	return p.bufs[i].mem.Bytes()
}
