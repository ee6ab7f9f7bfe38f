package arrowschema

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

func sample() *arrow.Schema {
	md := arrow.MetadataFrom(map[string]string{"k": "v"})
	return arrow.NewSchema([]arrow.Field{
		{Name: "u8", Type: arrow.PrimitiveTypes.Uint8},
		{Name: "dict", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.LargeString}, Nullable: true, Metadata: md},
		{Name: "when", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Europe/Zurich"}},
		{Name: "nest", Type: arrow.StructOf(arrow.Field{Name: "l", Type: arrow.LargeListOf(arrow.FixedWidthTypes.Duration_us)})},
		{Name: "union", Type: arrow.DenseUnionOf([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int32}}, []arrow.UnionTypeCode{5})},
	}, &md)
}

func TestRoundTrip(t *testing.T) {
	text, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	if got := Decode(text); !got.Equal(sample()) {
		t.Fatalf("%s\nwant\n%s", got, sample())
	}
	for _, bad := range []string{"", "AAAA", "not base64", text[:len(text)/2/4*4]} {
		if got := Decode(bad); got.NumFields() != 0 {
			t.Errorf("%q gives %s", bad, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	text, err := Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, s string) {
		if got := Decode(s); got == nil {
			t.Fatal("no schema")
		}
	})
}
