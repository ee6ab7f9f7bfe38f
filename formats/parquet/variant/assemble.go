package variant

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Type is the Arrow storage of a whole variant, as Assemble makes it.
func Type() *arrow.StructType {
	return arrow.StructOf(
		arrow.Field{Name: "metadata", Type: arrow.BinaryTypes.Binary},
		arrow.Field{Name: "value", Type: arrow.BinaryTypes.Binary},
	)
}

// Assemble turns the storage of a VARIANT column, shredded or not, into structs
// of metadata and value. The caller releases the result; arr is left as it is.
// A row that breaks the encoding is an error wrapping [ErrInvalid] that names
// the row.
func Assemble(mem memory.Allocator, arr arrow.Array) (arrow.Array, error) {
	storage, ok := arr.(*array.Struct)
	if !ok {
		return nil, fmt.Errorf("%w: its storage is %s, not a struct", ErrInvalid, arr.DataType())
	}
	meta := fieldNamed(storage, "metadata")
	if meta == nil || !isBinary(meta) {
		return nil, fmt.Errorf("%w: no binary field named metadata in %s", ErrInvalid, arr.DataType())
	}
	root, err := newGroup(storage, 0)
	if err != nil {
		return nil, err
	}
	metas := array.NewBinaryBuilder(mem, arrow.BinaryTypes.Binary)
	defer metas.Release()
	values := array.NewBinaryBuilder(mem, arrow.BinaryTypes.Binary)
	defer values.Release()
	valid := make([]byte, (arr.Len()+7)/8)
	var buf []byte
	for i := range arr.Len() {
		if storage.IsNull(i) {
			metas.Append(nil)
			values.Append(nil)
			continue
		}
		valid[i/8] |= 1 << (i % 8)
		mb := binaryAt(meta, i)
		m, err := ParseMetadata(mb)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		var present bool
		if buf, present, err = root.appendValue(buf[:0], m, i, 0); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		if !present { // neither value nor typed_value: a variant null
			buf = appendHeader(buf, typeNull)
		}
		if len(buf) > math.MaxInt32-values.DataLen() || len(mb) > math.MaxInt32-metas.DataLen() {
			return nil, fmt.Errorf("%w: more than 2 GiB in a batch", ErrInvalid)
		}
		metas.Append(mb)
		values.Append(buf)
	}
	ma, va := metas.NewArray(), values.NewArray()
	defer ma.Release()
	defer va.Release()
	mask := memory.NewBufferBytes(valid)
	data := array.NewData(Type(), arr.Len(), []*memory.Buffer{mask}, []arrow.ArrayData{ma.Data(), va.Data()}, array.UnknownNullCount, 0)
	defer data.Release()
	return array.NewStructData(data), nil
}

// group is a shredded position: a struct of value and typed_value, either of
// which may be missing (VariantShredding.md, "Value Shredding").
type group struct {
	value  arrow.Array // binary, or nil
	typed  arrow.Array // or nil
	scalar scalarFunc  // of a primitive typed_value
	elem   *group      // of a list
	fields []member    // of a struct, by name
}

type member struct {
	name    string
	storage *array.Struct
	group   *group
}

func newGroup(s *array.Struct, depth int) (*group, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: shredded deeper than %d", ErrInvalid, maxDepth)
	}
	g := &group{value: fieldNamed(s, "value"), typed: fieldNamed(s, "typed_value")}
	if g.value != nil && !isBinary(g.value) {
		return nil, fmt.Errorf("%w: the value field is %s, not binary", ErrInvalid, g.value.DataType())
	}
	switch t := g.typed.(type) {
	case nil:
	case *array.Struct:
		st := t.DataType().(*arrow.StructType)
		for i, f := range st.Fields() {
			fs, ok := t.Field(i).(*array.Struct)
			if !ok {
				return nil, fmt.Errorf("%w: shredded field %s is %s, not a group", ErrInvalid, f.Name, f.Type)
			}
			fg, err := newGroup(fs, depth+1)
			if err != nil {
				return nil, err
			}
			g.fields = append(g.fields, member{f.Name, fs, fg})
		}
	case array.ListLike:
		es, ok := t.ListValues().(*array.Struct)
		if !ok {
			return nil, fmt.Errorf("%w: shredded array elements are %s, not groups", ErrInvalid, t.ListValues().DataType())
		}
		var err error
		if g.elem, err = newGroup(es, depth+1); err != nil {
			return nil, err
		}
	default:
		if g.scalar = scalarFor(t); g.scalar == nil {
			return nil, fmt.Errorf("%w: a typed_value of type %s", ErrInvalid, t.DataType())
		}
	}
	return g, nil
}

// appendValue appends the value at i; false if it is missing.
func (g *group) appendValue(dst []byte, m Metadata, i, depth int) ([]byte, bool, error) {
	if depth > maxDepth {
		return dst, false, fmt.Errorf("%w: nested deeper than %d", ErrInvalid, maxDepth)
	}
	var rest []byte // what was not shredded
	if g.value != nil && g.value.IsValid(i) {
		rest = binaryAt(g.value, i)
		n, err := valueSize(rest)
		if err != nil {
			return dst, false, err
		}
		rest = rest[:n]
	}
	if g.typed == nil || g.typed.IsNull(i) {
		return append(dst, rest...), rest != nil, nil
	}
	if st, ok := g.typed.(*array.Struct); ok {
		dst, err := g.appendObject(dst, st, m, rest, i, depth)
		return dst, true, err
	}
	if rest != nil {
		return dst, false, fmt.Errorf("%w: both value and typed_value hold a value", ErrInvalid)
	}
	if g.elem != nil {
		dst, err := g.appendArray(dst, g.typed.(array.ListLike), m, i, depth)
		return dst, true, err
	}
	dst, err := g.scalar(dst, i)
	return dst, true, err
}

func (g *group) appendArray(dst []byte, list array.ListLike, m Metadata, i, depth int) ([]byte, error) {
	start, end := list.ValueOffsets(i)
	var data []byte
	ends := make([]int, 0, end-start)
	for j := start; j < end; j++ {
		var present bool
		var err error
		if data, present, err = g.elem.appendValue(data, m, int(j), depth+1); err != nil {
			return dst, err
		}
		if !present { // an element can't be missing: a variant null
			data = appendHeader(data, typeNull)
		}
		ends = append(ends, len(data))
	}
	return appendArray(dst, data, ends), nil
}

func (g *group) appendObject(dst []byte, st *array.Struct, m Metadata, rest []byte, i, depth int) ([]byte, error) {
	var data []byte
	var fields []field
	for _, mem := range g.fields {
		if mem.storage.IsNull(i) {
			continue
		}
		start := len(data)
		var present bool
		var err error
		if data, present, err = mem.group.appendValue(data, m, i, depth+1); err != nil {
			return dst, fmt.Errorf("field %s: %w", mem.name, err)
		}
		if !present {
			continue
		}
		id, ok := m.Find(mem.name)
		if !ok {
			return dst, fmt.Errorf("%w: the metadata lacks the shredded field %q", ErrInvalid, mem.name)
		}
		fields = append(fields, field{id, mem.name, start, len(data)})
	}
	if rest != nil {
		if rest[0]&3 != basicObject {
			return dst, fmt.Errorf("%w: the value beside a shredded object is no object", ErrInvalid)
		}
		c, err := parseContainer(rest)
		if err != nil {
			return dst, err
		}
		for k := range c.n {
			name, err := m.Name(c.id(k))
			if err != nil {
				return dst, err
			}
			// A field that is shredded must not come again in value; where a
			// writer repeated it, the shredded one counts.
			if slices.ContainsFunc(g.fields, func(f member) bool { return f.name == string(name) }) {
				continue
			}
			v, err := c.element(k, depth+1)
			if err != nil {
				return dst, err
			}
			start := len(data)
			data = append(data, v...)
			fields = append(fields, field{c.id(k), string(name), start, len(data)})
		}
	}
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return appendObject(dst, data, fields), nil
}

func fieldNamed(s *array.Struct, name string) arrow.Array {
	for i, f := range s.DataType().(*arrow.StructType).Fields() {
		if f.Name == name {
			return s.Field(i)
		}
	}
	return nil
}

func isBinary(a arrow.Array) bool {
	switch a.DataType().ID() {
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW:
		return true
	}
	return false
}

func binaryAt(a arrow.Array, i int) []byte {
	return a.(interface{ Value(int) []byte }).Value(i)
}
