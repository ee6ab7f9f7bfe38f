package kernel

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Concat joins arrays of one type.
func Concat(mem memory.Allocator, arrs []arrow.Array) (arrow.Array, error) {
	switch t := arrs[0].DataType().(type) {
	case *arrow.DictionaryType:
		if !unifiable(t.ValueType) {
			return concatPlain(mem, arrs, t)
		}
	case *arrow.StructType:
		if t.NumFields() > 0 {
			return concatStructs(mem, arrs, t)
		}
	case arrow.UnionType:
		return concatUnions(mem, arrs, t)
	case *arrow.ListType, *arrow.MapType:
		if hasUnion(t) {
			return concatLists(mem, arrs, t)
		}
	}
	return array.Concatenate(arrs, mem)
}

// unifiable says whether arrow-go can unite dictionaries of a type.
func unifiable(dt arrow.DataType) bool {
	switch dt.ID() {
	case arrow.BOOL, arrow.LARGE_STRING, arrow.LARGE_BINARY, arrow.STRING_VIEW, arrow.BINARY_VIEW:
		return false
	}
	_, nested := dt.(arrow.NestedType)
	return !nested
}

// concatPlain joins dictionary arrays by way of their plain values.
func concatPlain(mem memory.Allocator, arrs []arrow.Array, t *arrow.DictionaryType) (arrow.Array, error) {
	parts := make([]arrow.Array, 0, len(arrs))
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	for _, a := range arrs {
		p, err := Cast(mem, a, t.ValueType, CastOptions{})
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	whole, err := Concat(mem, parts)
	if err != nil {
		return nil, err
	}
	defer whole.Release()
	return Cast(mem, whole, t, CastOptions{})
}

// concatStructs joins structs field by field, since fields may be of what
// arrow-go cannot join.
func concatStructs(mem memory.Allocator, arrs []arrow.Array, t *arrow.StructType) (arrow.Array, error) {
	n, nulls := 0, 0
	for _, a := range arrs {
		n, nulls = n+a.Len(), nulls+a.NullN()
	}
	var valid *memory.Buffer
	if nulls > 0 {
		valid = gatherer{mem}.bitBuffer(n)
		defer valid.Release()
		at := 0
		for _, a := range arrs {
			copyBits(valid.Bytes(), at, Validity(a).Bits, 0, a.Len())
			at += a.Len()
		}
	}
	kids := make([]arrow.ArrayData, t.NumFields())
	for k := range kids {
		parts := make([]arrow.Array, len(arrs))
		for i, a := range arrs {
			parts[i] = a.(*array.Struct).Field(k)
		}
		c, err := Concat(mem, parts)
		if err != nil {
			return nil, err
		}
		defer c.Release()
		kids[k] = c.Data()
	}
	d := array.NewData(t, n, []*memory.Buffer{valid}, kids, nulls, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}
