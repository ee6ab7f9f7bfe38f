package kernel

import (
	"fmt"
	"math/big"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// CastOptions loosen a cast.
type CastOptions struct {
	// Truncate drops digits that the type has no room for (sub-unit times,
	// decimal places), towards negative infinity. Ranges are checked still.
	Truncate bool
	// Nulls makes a value that does not fit null, in place of an error.
	Nulls bool
}

// Cast gives arr as an array of type to, value for value, or ErrCast naming
// the first row that does not fit. Structs match children by name; children
// that arr lacks are null, children that would be lost are an error.
func Cast(mem memory.Allocator, arr arrow.Array, to arrow.DataType, o CastOptions) (arrow.Array, error) {
	from := arr.DataType()
	if arrow.TypeEqual(from, to, arrow.CheckMetadata()) {
		arr.Retain()
		return arr, nil
	}
	if t, ok := to.(arrow.ExtensionType); ok {
		s, err := Cast(mem, arr, t.StorageType(), o)
		if err != nil {
			return nil, err
		}
		defer s.Release()
		return array.NewExtensionArrayWithStorage(t, s), nil
	}
	switch a := arr.(type) {
	case array.ExtensionArray:
		return Cast(mem, a.Storage(), to, o)
	case *array.Null:
		return nullsOf(mem, to, arr.Len())
	case *array.Dictionary, *array.RunEndEncoded:
		return castEncoded(mem, arr, to, o)
	}
	switch t := to.(type) {
	case *arrow.DictionaryType:
		return encodeDictionary(mem, arr, t, o)
	case *arrow.RunEndEncodedType:
		return encodeRuns(mem, arr, t, o)
	}
	if to.ID() == arrow.NULL && arr.NullN() == arr.Len() {
		return array.NewNull(arr.Len()), nil
	}
	if arrow.IsNested(from.ID()) && arrow.IsNested(to.ID()) {
		return castNested(mem, arr, to, o)
	}
	if out, ok, err := castFast(mem, arr, to, o); ok || err != nil {
		return out, err
	}
	return castRows(mem, arr, to, o)
}

func impossible(from, to arrow.DataType) error {
	return fmt.Errorf("%w: no cast from %s to %s", ErrCast, from, to)
}

// nullsOf is n nulls of any type, by taking them from an empty array.
func nullsOf(mem memory.Allocator, dt arrow.DataType, n int) (arrow.Array, error) {
	b := array.NewBuilder(mem, dt)
	defer b.Release()
	empty := b.NewArray()
	defer empty.Release()
	var s selection
	s.add(-1, n)
	return gather(mem, empty, s)
}

// castEncoded casts the distinct values, then gathers them; where a value that
// no row uses does not fit, it decodes first.
func castEncoded(mem memory.Allocator, arr arrow.Array, to arrow.DataType, o CastOptions) (arrow.Array, error) {
	var vals arrow.Array
	rows := make([]int64, arr.Len())
	switch a := arr.(type) {
	case *array.Dictionary:
		vals = a.Dictionary()
		for i := range rows {
			if rows[i] = -1; a.IsValid(i) {
				rows[i] = int64(a.GetValueIndex(i))
			}
		}
	case *array.RunEndEncoded:
		vals = a.Values()
		k := 0
		if len(rows) > 0 {
			k = a.GetPhysicalOffset()
		}
		for i := range rows {
			for runEnd(a.RunEndsArr(), k) <= a.Data().Offset()+i {
				k++
			}
			rows[i] = int64(k)
		}
	}
	target := to
	encoded := to.ID() == arrow.DICTIONARY || to.ID() == arrow.RUN_END_ENCODED
	if !encoded {
		if cast, err := Cast(mem, vals, target, o); err == nil {
			defer cast.Release()
			return Take(mem, cast, rows)
		}
	}
	plain, err := Take(mem, vals, rows)
	if err != nil {
		return nil, err
	}
	defer plain.Release()
	return Cast(mem, plain, to, o)
}

// Decode gives arr without dictionary, run-end and extension wrapping.
func Decode(mem memory.Allocator, arr arrow.Array) (arrow.Array, error) {
	dt := arr.DataType()
	for {
		switch t := dt.(type) {
		case *arrow.DictionaryType:
			dt = t.ValueType
		case *arrow.RunEndEncodedType:
			dt = t.Encoded()
		case arrow.ExtensionType:
			dt = t.StorageType()
		default:
			return Cast(mem, arr, dt, CastOptions{})
		}
	}
}

func encodeDictionary(mem memory.Allocator, arr arrow.Array, to *arrow.DictionaryType, o CastOptions) (arrow.Array, error) {
	vals, err := Cast(mem, arr, to.ValueType, o)
	if err != nil {
		return nil, err
	}
	defer vals.Release()
	valid := Validity(vals)
	seen := map[string]int{}
	var firsts []int64
	idx := array.NewInt64Builder(mem)
	defer idx.Release()
	for i := range vals.Len() {
		if !valid.Get(i) {
			idx.AppendNull()
			continue
		}
		key := rowKey(vals, i)
		at, ok := seen[key]
		if !ok {
			at = len(firsts)
			seen[key] = at
			firsts = append(firsts, int64(i))
		}
		idx.Append(int64(at))
	}
	wide := idx.NewArray()
	defer wide.Release()
	keys, err := Cast(mem, wide, to.IndexType, CastOptions{})
	if err != nil {
		return nil, err
	}
	defer keys.Release()
	dict, err := Take(mem, vals, firsts)
	if err != nil {
		return nil, err
	}
	defer dict.Release()
	return array.NewDictionaryArray(to, keys, dict), nil
}

// rowKey tells values apart, bit for bit where the type is flat.
func rowKey(arr arrow.Array, i int) string {
	switch a := arr.(type) {
	case interface{ Value(int) string }:
		return a.Value(i)
	case interface{ Value(int) []byte }:
		return string(a.Value(i))
	case *array.Boolean:
		return arr.ValueStr(i)
	}
	if t, ok := arr.DataType().(arrow.FixedWidthDataType); ok {
		return string(fixedAt(arr.Data(), i, t.BitWidth()/8))
	}
	return arr.ValueStr(i)
}

func encodeRuns(mem memory.Allocator, arr arrow.Array, to *arrow.RunEndEncodedType, o CastOptions) (arrow.Array, error) {
	vals, err := Cast(mem, arr, to.Encoded(), o)
	if err != nil {
		return nil, err
	}
	defer vals.Release()
	ends := array.NewInt64Builder(mem)
	defer ends.Release()
	var rows []int64
	for i, n := 0, vals.Len(); i < n; i++ {
		if i+1 == n || !sameBits(vals, i, i+1) {
			rows = append(rows, int64(i))
			ends.Append(int64(i + 1))
		}
	}
	wide := ends.NewArray()
	defer wide.Release()
	re, err := Cast(mem, wide, to.RunEnds(), CastOptions{})
	if err != nil {
		return nil, err
	}
	defer re.Release()
	runs, err := Take(mem, vals, rows)
	if err != nil {
		return nil, err
	}
	defer runs.Release()
	d := array.NewData(to, vals.Len(), []*memory.Buffer{nil}, []arrow.ArrayData{re.Data(), runs.Data()}, 0, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

// sameBits says that two rows hold one value bit for bit: 0 and -0 do not.
func sameBits(arr arrow.Array, i, j int) bool {
	if arr.IsNull(i) || arr.IsNull(j) {
		return arr.IsNull(i) == arr.IsNull(j)
	}
	return rowKey(arr, i) == rowKey(arr, j)
}

// castRows casts a value at a time: the way of all but the usual casts.
func castRows(mem memory.Allocator, arr arrow.Array, to arrow.DataType, o CastOptions) (arrow.Array, error) {
	valid, from := Validity(arr), arr.DataType()
	src := ClassOf(from)
	if src == None && ClassOf(to) != Text || ClassOf(to) == None {
		return nil, impossible(from, to)
	}
	b := array.NewBuilder(mem, to)
	defer b.Release()
	b.Reserve(arr.Len())
	for i := range arr.Len() {
		if !valid.Get(i) {
			b.AppendNull()
			continue
		}
		s := Scalar{Class: Text}
		if src == None {
			s.Text = arr.ValueStr(i)
		} else {
			s = ScalarAt(arr, i)
		}
		raw, err := Convert(s, from, to, o)
		if err != nil {
			if o.Nulls {
				b.AppendNull()
				continue
			}
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		if err := appendRaw(b, raw, to); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return b.NewArray(), nil
}

// Convert gives s, a value of from, as a value of to.
func Convert(s Scalar, from, to arrow.DataType, o CastOptions) (Scalar, error) {
	want := ClassOf(to)
	fail := func() (Scalar, error) {
		text := s.Text
		if s.Class != Text && s.Class != Bytes {
			text = Format(s, from)
		}
		return s, fmt.Errorf("%w: %.80q (%s) as %s", ErrCast, text, from, to)
	}
	var err error
	switch {
	case want == Text:
		if s.Class == Bytes && !utf8.ValidString(s.Text) {
			return s, fmt.Errorf("%w: invalid UTF-8 as %s", ErrCast, to)
		}
		if s.Class != Text && s.Class != Bytes {
			s.Text = Format(s, from)
		}
		return Scalar{Class: Text, Text: s.Text}, nil
	case want == Bytes && (s.Class == Text || s.Class == Bytes):
		if t, ok := to.(*arrow.FixedSizeBinaryType); ok && len(s.Text) != t.ByteWidth {
			return fail()
		}
		return Scalar{Class: Bytes, Text: s.Text}, nil
	case s.Class == Text:
		text := s.Text
		if s, err = ParseText(text, want); err != nil {
			return s, fmt.Errorf("%w as %s", err, to)
		}
		if want == Float { // read at the width asked for
			s.Float, _ = RoundFloat(s, to)
			return s, nil
		}
	case s.Class == Bool && want == Number:
		n := new(big.Rat)
		if s.Bool {
			n.SetInt64(1)
		}
		s = Scalar{Class: Number, Rat: n}
	case s.Class == Float && want == Number:
		if s, err = s.exact(); err != nil {
			return s, err
		}
	case want == Float && (s.Class == Number || s.Class == Float):
		f, exact := RoundFloat(s, to)
		if !exact && !o.Truncate {
			return fail()
		}
		return Scalar{Class: Float, Float: f}, nil
	}
	if s.Class != want {
		return s, impossible(from, to)
	}
	if d, ok := DomainOf(to); ok {
		n, exact := d.Units(s)
		if n.Cmp(d.Min) < 0 || n.Cmp(d.Max) > 0 || !exact && !o.Truncate {
			return fail()
		}
		s.Rat = new(big.Rat).Quo(new(big.Rat).SetInt(n), d.Unit)
	}
	return s, nil
}

// appendRaw appends a value that Convert made for the builder's type.
func appendRaw(b array.Builder, s Scalar, to arrow.DataType) error {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(s.Bool)
	case *array.Float16Builder:
		b.Append(half(s.Float))
	case *array.Float32Builder:
		b.Append(float32(s.Float))
	case *array.Float64Builder:
		b.Append(s.Float)
	case interface{ Append(string) }:
		b.Append(s.Text)
	case interface{ Append([]byte) }:
		b.Append([]byte(s.Text))
	default:
		return appendExact(b, s, to)
	}
	return nil
}
