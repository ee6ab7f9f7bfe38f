package render

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// build makes an array of a type by JSON, as arrow-go reads it.
func build(t *testing.T, dt arrow.DataType, text string) arrow.Array {
	t.Helper()
	arr, _, err := array.FromJSON(memory.DefaultAllocator, dt, strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", dt, err)
	}
	return arr
}

func texts(s *Style, arr arrow.Array, f arrow.Field) []string {
	col := s.Column(arr, f)
	var out []string
	for i := range arr.Len() {
		out = append(out, string(col(nil, i)))
	}
	return out
}

func uuidField() arrow.Field {
	return arrow.Field{Metadata: arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"arrow.uuid"})}
}

// TestForms is the rules of CLI.md §6 for each type: its JSON, and its text.
func TestForms(t *testing.T) {
	ms := arrow.Millisecond
	for _, c := range []struct {
		dt         arrow.DataType
		in         string
		json, text string // of the values, joined by a space
	}{
		{arrow.Null, `[null]`, `null`, `NULL`},
		{arrow.FixedWidthTypes.Boolean, `[true,false,null]`, `true false null`, `true false NULL`},
		{arrow.PrimitiveTypes.Int8, `[-128,127,null]`, `-128 127 null`, `-128 127 NULL`},
		{arrow.PrimitiveTypes.Int64, `[-9223372036854775808,9007199254740993]`, `-9223372036854775808 9007199254740993`, `-9223372036854775808 9007199254740993`},
		{arrow.PrimitiveTypes.Uint64, `[18446744073709551615]`, `18446744073709551615`, `18446744073709551615`},
		{arrow.PrimitiveTypes.Float32, `[0.1,16777216,-0]`, `0.1 16777216 -0`, `0.1 16777216 -0`},
		{arrow.PrimitiveTypes.Float64, `[0.1,1e21,1e-7,123456789.25]`, `0.1 1e+21 1e-07 123456789.25`, `0.1 1e+21 1e-07 123456789.25`},
		{&arrow.Decimal32Type{Precision: 5, Scale: 2}, `["-0.01","123.40"]`, `-0.01 123.40`, `-0.01 123.40`},
		{&arrow.Decimal64Type{Precision: 12, Scale: 0}, `["-7"]`, `-7`, `-7`},
		{&arrow.Decimal128Type{Precision: 38, Scale: 38}, `["0.00000000000000000000000000000000000001"]`, `0.00000000000000000000000000000000000001`, `0.00000000000000000000000000000000000001`},
		{&arrow.Decimal256Type{Precision: 76, Scale: 1}, `["999999999999999999999999999999999999999999999999999999999999999999999999999.9"]`,
			`999999999999999999999999999999999999999999999999999999999999999999999999999.9`, `999999999999999999999999999999999999999999999999999999999999999999999999999.9`},
		{arrow.BinaryTypes.String, `["a\"b\\\n","\u0001é👩‍🚀",""]`, `"a\"b\\\n" "\u0001é👩‍🚀" ""`, "a\"b\\\n \x01é👩‍🚀 "},
		{arrow.BinaryTypes.LargeString, `["x"]`, `"x"`, `x`},
		{arrow.BinaryTypes.StringView, `["a long one beyond twelve bytes"]`, `"a long one beyond twelve bytes"`, `a long one beyond twelve bytes`},
		{arrow.BinaryTypes.Binary, `["AP8=",""]`, `"AP8=" ""`, `00ff `},
		{arrow.BinaryTypes.LargeBinary, `["AP8="]`, `"AP8="`, `00ff`},
		{arrow.BinaryTypes.BinaryView, `["AP8="]`, `"AP8="`, `00ff`},
		{&arrow.FixedSizeBinaryType{ByteWidth: 2}, `["AP8="]`, `"AP8="`, `00ff`},
		{arrow.FixedWidthTypes.Date32, `["1969-12-31","9999-12-31"]`, `"1969-12-31" "9999-12-31"`, `1969-12-31 9999-12-31`},
		{arrow.FixedWidthTypes.Date64, `["2024-02-29"]`, `"2024-02-29"`, `2024-02-29`},
		{arrow.FixedWidthTypes.Time32s, `["23:59:59"]`, `"23:59:59"`, `23:59:59`},
		{arrow.FixedWidthTypes.Time64ns, `["00:00:00.000000001"]`, `"00:00:00.000000001"`, `00:00:00.000000001`},
		{&arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, `["2024-02-29T12:00:00Z"]`, `"2024-02-29T12:00:00Z"`, `2024-02-29T12:00:00Z`},
		{&arrow.TimestampType{Unit: ms, TimeZone: "UTC"}, `["1969-12-31T23:59:59.999Z"]`, `"1969-12-31T23:59:59.999Z"`, `1969-12-31T23:59:59.999Z`},
		{&arrow.TimestampType{Unit: ms, TimeZone: "Europe/Paris"}, `["2024-07-01T12:00:00Z"]`, `"2024-07-01T14:00:00.000+02:00"`, `2024-07-01T14:00:00.000+02:00`},
		{&arrow.TimestampType{Unit: arrow.Microsecond}, `["2024-02-29 12:00:00.000001"]`, `"2024-02-29T12:00:00.000001"`, `2024-02-29T12:00:00.000001`},
		{&arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "-05:30"}, `["2024-01-01T00:00:00Z"]`, `"2023-12-31T18:30:00.000000000-05:30"`, `2023-12-31T18:30:00.000000000-05:30`},
		{&arrow.DurationType{Unit: ms}, `["1500ms","-1ms"]`, `"PT1.500S" "PT-0.001S"`, `PT1.500S PT-0.001S`},
		{arrow.ListOf(arrow.PrimitiveTypes.Int32), `[[1,null],[],null]`, `[1,null] [] null`, `[1,null] [] NULL`},
		{arrow.LargeListOf(arrow.BinaryTypes.Binary), `[["AP8="]]`, `["AP8="]`, `["00ff"]`},
		{arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int8), `[[1,2],null]`, `[1,2] null`, `[1,2] NULL`},
		{arrow.StructOf(arrow.Field{Name: "a\"", Type: arrow.PrimitiveTypes.Int8, Nullable: true}, arrow.Field{Name: "d", Type: arrow.FixedWidthTypes.Date32, Nullable: true}),
			`[{"a\"":1,"d":"2024-01-02"},null]`, `{"a\"":1,"d":"2024-01-02"} null`, `{"a\"":1,"d":"2024-01-02"} NULL`},
		{arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32), `[[{"key":"k","value":null}],[]]`, `[{"key":"k","value":null}] []`, `[{"key":"k","value":null}] []`},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, `["x",null,"x"]`, `"x" null "x"`, `x NULL x`},
		{arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String), `["x","x",null]`, `"x" "x" null`, `x x NULL`},
	} {
		arr := build(t, c.dt, c.in)
		for _, form := range []struct {
			style Style
			want  string
		}{{Style{JSON: true}, c.json}, {Style{Null: "NULL"}, c.text}} {
			got := strings.Join(texts(&form.style, arr, arrow.Field{}), " ")
			if got != form.want {
				t.Errorf("%s, JSON %v: %s, want %s", c.dt, form.style.JSON, got, form.want)
			}
		}
		for _, v := range texts(&Style{JSON: true}, arr, arrow.Field{}) {
			if !json.Valid([]byte(v)) {
				t.Errorf("%s: not JSON: %s", c.dt, v)
			}
		}
	}
}

// TestStyles are the flags that change values.
func TestStyles(t *testing.T) {
	big := build(t, arrow.PrimitiveTypes.Int64, `[9007199254740992,9007199254740993,-9007199254740993,1]`)
	if got := strings.Join(texts(&Style{JSON: true, SafeIntegers: true}, big, arrow.Field{}), " "); got != `9007199254740992 "9007199254740993" "-9007199254740993" 1` {
		t.Error(got)
	}
	dec := build(t, arrow.ListOf(&arrow.Decimal128Type{Precision: 3, Scale: 1}), `[["1.5"]]`)
	if got := texts(&Style{JSON: true, SafeDecimals: true}, dec, arrow.Field{})[0]; got != `["1.5"]` {
		t.Error(got)
	}
	bin := build(t, arrow.BinaryTypes.Binary, `["aGk="]`)
	for form, want := range map[string]string{"hex": "6869", "base64": "aGk=", "utf8": "hi"} {
		if got := texts(&Style{JSON: true, Binary: form}, bin, arrow.Field{})[0]; got != `"`+want+`"` {
			t.Errorf("%s: %s", form, got)
		}
		if got := texts(&Style{Binary: form}, bin, arrow.Field{})[0]; got != want {
			t.Errorf("%s: %s", form, got)
		}
	}
	at := build(t, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, `["2024-07-01T12:00:00Z"]`)
	if got := texts(&Style{JSON: true, Zone: time.FixedZone("", 7200)}, at, arrow.Field{})[0]; got != `"2024-07-01T14:00:00+02:00"` {
		t.Error(got)
	}
	if got := texts(&Style{Layout: "02.01.2006 15h"}, at, arrow.Field{})[0]; got != "01.07.2024 12h" {
		t.Error(got)
	}
	uuid := build(t, &arrow.FixedSizeBinaryType{ByteWidth: 16}, `["AAECAwQFBgcICQoLDA0ODw=="]`)
	if got := texts(&Style{JSON: true}, uuid, uuidField())[0]; got != `"00010203-0405-0607-0809-0a0b0c0d0e0f"` {
		t.Error(got)
	}
}

// TestFloats: what JSON has no word for is null, and is told; also within
// nested values, of which text is JSON too.
func TestFloats(t *testing.T) {
	vals := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1}
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues(vals, nil)
	h := array.NewFloat16Builder(memory.DefaultAllocator)
	for _, v := range vals {
		h.Append(float16.New(float32(v)))
	}
	l := array.NewListBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Float64)
	l.Append(true)
	l.ValueBuilder().(*array.Float64Builder).AppendValues(vals, nil)
	for _, c := range []struct {
		arr                     arrow.Array
		json, text, named       string
		warnsInText, warnsNamed bool
	}{
		{b.NewArray(), "null null null 1", "NaN Infinity -Infinity 1", `"NaN" "Infinity" "-Infinity" 1`, false, false},
		{h.NewArray(), "null null null 1", "NaN Infinity -Infinity 1", `"NaN" "Infinity" "-Infinity" 1`, false, false},
		{l.NewArray(), "[null,null,null,1]", "[null,null,null,1]", `["NaN","Infinity","-Infinity",1]`, true, false},
	} {
		for _, form := range []struct {
			style Style
			want  string
			warns bool
		}{{Style{JSON: true}, c.json, true}, {Style{}, c.text, c.warnsInText}, {Style{JSON: true, FloatNames: true}, c.named, c.warnsNamed}} {
			warned := false
			form.style.Warn = func(string) { warned = true }
			if got := strings.Join(texts(&form.style, c.arr, arrow.Field{}), " "); got != form.want || warned != form.warns {
				t.Errorf("%s: %s (warned %v), want %s (%v)", c.arr.DataType(), got, warned, form.want, form.warns)
			}
		}
	}
}

// TestUnions: the bare value of the member, of both layouts.
func TestUnions(t *testing.T) {
	fields := []arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}
	codes := []arrow.UnionTypeCode{0, 1}
	sparse := build(t, arrow.SparseUnionOf(fields, codes), `[[0,5],[1,"x"],[1,null]]`)
	dense := build(t, arrow.DenseUnionOf(fields, codes), `[[1,"x"],[0,5],[0,null]]`)
	if got := strings.Join(texts(&Style{JSON: true}, sparse, arrow.Field{}), " "); got != `5 "x" null` {
		t.Error(got)
	}
	if got := strings.Join(texts(&Style{JSON: true}, dense, arrow.Field{}), " "); got != `"x" 5 null` {
		t.Error(got)
	}
}

// TestRows: whole rows, and slices of batches.
func TestRows(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int8, Nullable: true}, {Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}}, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(`[{"a":1,"l":["x"]},{"a":null,"l":null},{"a":3,"l":["y","z"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	var style Style
	row := style.Rows(rec.NewSlice(1, 3))
	if got := string(row(row(nil, 0), 1)); got != `{"a":null,"l":null}{"a":3,"l":["y","z"]}` {
		t.Error(got)
	}
}
