package kernel

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// TestConcatDictionaries joins dictionaries of types that arrow-go cannot, on
// their own and inside of structs, sliced and with nulls.
func TestConcatDictionaries(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	for _, dt := range []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView, arrow.BinaryTypes.LargeBinary, arrow.PrimitiveTypes.Int64,
	} {
		vals := []Scalar{{Class: Bool, Bool: true}, {}, {Class: Bool}, {Class: Bool, Bool: true}}
		if ClassOf(dt) == Text || ClassOf(dt) == Bytes {
			vals = []Scalar{{Class: ClassOf(dt), Text: "one"}, {}, {Class: ClassOf(dt), Text: "a text that no view holds"}, {Class: ClassOf(dt), Text: "one"}}
		} else if ClassOf(dt) == Number {
			vals = []Scalar{{}, {}, {}, {}}
		}
		plain, err := MakeArray(mem, dt, vals...)
		if err != nil {
			t.Fatal(err)
		}
		dict, err := Cast(mem, plain, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: dt}, CastOptions{})
		if err != nil {
			t.Fatal(err)
		}
		valid := memory.NewBufferBytes([]byte{0b1011})
		d := array.NewData(arrow.StructOf(arrow.Field{Name: "x", Type: dict.DataType(), Nullable: true}), 4, []*memory.Buffer{valid}, []arrow.ArrayData{dict.Data()}, 1, 0)
		st := array.MakeFromData(d)
		d.Release()
		for _, a := range []arrow.Array{dict, st} {
			part := array.NewSlice(a, 1, 4)
			whole, err := Concat(mem, []arrow.Array{a, part})
			if err != nil {
				t.Fatalf("%s: %v", a.DataType(), err)
			}
			for i := range whole.Len() {
				want := a.ValueStr(i % 4)
				if i >= 4 {
					want = part.ValueStr(i - 4)
				}
				if got := whole.ValueStr(i); got != want || !arrow.TypeEqual(whole.DataType(), a.DataType()) {
					t.Errorf("%s: value %d is %s, want %s", a.DataType(), i, got, want)
				}
			}
			whole.Release()
			part.Release()
		}
		st.Release()
		dict.Release()
		plain.Release()
	}
}
