package kernel

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func textArray(t *testing.T, vals ...string) arrow.Array {
	t.Helper()
	b := array.NewStringBuilder(mem)
	b.AppendNull()
	b.AppendValues(vals, nil)
	return b.NewArray()
}

// Any type to text and back is the identity.
func TestCastTextRoundTrip(t *testing.T) {
	for _, dt := range leaves {
		switch dt.ID() {
		case arrow.FIXED_SIZE_BINARY, arrow.INTERVAL_DAY_TIME, arrow.INTERVAL_MONTH_DAY_NANO, arrow.NULL, arrow.TIME32, arrow.TIME64, arrow.DECIMAL32, arrow.DECIMAL64, arrow.DECIMAL128, arrow.DECIMAL256:
			continue // no order, or random bits are no value
		}
		r := rand.New(rand.NewPCG(7, 7))
		arr := randomArray(r, dt, 100)
		text, err := Cast(mem, arr, arrow.BinaryTypes.String, CastOptions{})
		if err != nil {
			t.Fatalf("%s: %v", dt, err)
		}
		back, err := Cast(mem, text, dt, CastOptions{})
		if err != nil {
			t.Fatalf("%s: %v", dt, err)
		}
		if !array.Equal(arr, back) {
			t.Fatalf("%s:\n%v\n%v\n%v", dt, arr, text, back)
		}
	}
}

// Each type survives a dictionary, runs and a list around it.
func TestCastEncodings(t *testing.T) {
	for _, dt := range leaves {
		if dt.ID() == arrow.NULL {
			continue
		}
		arr := randomArray(rand.New(rand.NewPCG(3, 7)), dt, 60)
		for _, via := range []arrow.DataType{
			&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: dt},
			arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, dt),
		} {
			enc, err := Cast(mem, arr, via, CastOptions{})
			if err != nil {
				t.Fatalf("%s: %v", via, err)
			}
			sl := array.NewSlice(enc, 5, 50)
			back, err := Cast(mem, sl, dt, CastOptions{})
			if err != nil {
				t.Fatalf("%s: %v", via, err)
			}
			if want := array.NewSlice(arr, 5, 50); !array.Equal(back, want) {
				t.Fatalf("%s:\n%v\n%v", via, back, want)
			}
		}
	}
}

func TestCastTable(t *testing.T) {
	dec := &arrow.Decimal128Type{Precision: 5, Scale: 2}
	ts := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	naive := &arrow.TimestampType{Unit: arrow.Millisecond}
	nano := &arrow.TimestampType{Unit: arrow.Nanosecond}
	i64, f64, f32, u64, i8 := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Int8
	for _, c := range []struct {
		text     string
		from, to arrow.DataType
		want     string // "" for ErrCast
	}{
		{"127", i64, i8, "127"}, {"128", i64, i8, ""}, {"-1", i64, u64, ""}, {"-129", i64, i8, ""},
		{"18446744073709551615", u64, i64, ""}, {"18446744073709551615", u64, f64, ""}, {"9223372036854775807", i64, f64, ""},
		{"-9223372036854775808", i64, f64, "-9.223372036854775808e+18"}, {"9223372036854775808", u64, f64, "9.223372036854775808e+18"},
		{"16777217", i64, f32, ""}, {"16777216", i64, f32, "1.6777216e+07"},
		{"1.5", f64, i64, ""}, {"9.3e18", f64, i64, ""}, {"1e19", f64, u64, "10000000000000000000"}, {"-3", f64, i8, "-3"}, {"NaN", f64, i64, ""}, {"NaN", f64, f32, "NaN"},
		{"0.1", f64, f32, ""}, {"0.5", f64, f32, "0.5"}, {"1e300", f64, f32, ""},
		{"1.25", f64, dec, "1.25"}, {"1.255", f64, dec, ""}, {"1000", i64, dec, ""}, {"999", i64, dec, "999.00"},
		{"999.00", dec, i64, "999"}, {"999.01", dec, i64, ""}, {"1.50", dec, f64, "1.5"}, {"0.10", dec, f64, ""},
		{"2024-02-29 12:00:00.123456Z", ts, naive, ""}, {"2024-02-29 12:00:00.123Z", ts, naive, "2024-02-29 12:00:00.123"},
		{"2024-02-29", arrow.FixedWidthTypes.Date32, ts, "2024-02-29 00:00:00Z"}, {"2024-02-29 00:00:01Z", ts, arrow.FixedWidthTypes.Date32, ""},
		{"1969-12-31 00:00:00Z", ts, arrow.FixedWidthTypes.Date32, "1969-12-31"}, {"2500-01-01 00:00:00", naive, nano, ""},
		{"true", arrow.FixedWidthTypes.Boolean, i8, "1"}, {"abc", arrow.BinaryTypes.Binary, arrow.BinaryTypes.StringView, "abc"},
		{"\xff", arrow.BinaryTypes.Binary, arrow.BinaryTypes.String, ""}, {"abc", arrow.BinaryTypes.LargeString, &arrow.FixedSizeBinaryType{ByteWidth: 4}, ""},
		{"1", i64, arrow.FixedWidthTypes.Date32, ""}, {"abc", arrow.BinaryTypes.String, i64, ""}, {"1/2", arrow.BinaryTypes.String, dec, ""},
	} {
		src, err := Cast(mem, textArray(t, c.text), arrow.BinaryTypes.Binary, CastOptions{})
		if err == nil {
			src, err = Cast(mem, src, c.from, CastOptions{})
		}
		if c.from.ID() != arrow.BINARY && c.text != "\xff" && err != nil {
			src, err = Cast(mem, textArray(t, c.text), c.from, CastOptions{})
		}
		if err != nil {
			t.Errorf("%q as %s: %v", c.text, c.from, err)
			continue
		}
		got, err := Cast(mem, src, c.to, CastOptions{})
		if c.want == "" {
			if !errors.Is(err, ErrCast) {
				t.Errorf("%q %s to %s: %v, want ErrCast", c.text, c.from, c.to, err)
			}
			if got, err = Cast(mem, src, c.to, CastOptions{Nulls: true}); err == nil && got.IsValid(1) {
				t.Errorf("%q %s to %s: %v, want null", c.text, c.from, c.to, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q %s to %s: %v", c.text, c.from, c.to, err)
			continue
		}
		if got.IsValid(0) || Format(ScalarAt(got, 1), c.to) != Format(mustParse(t, c.want, c.to), c.to) {
			t.Errorf("%q %s to %s: %v, want %s", c.text, c.from, c.to, got, c.want)
		}
	}
}

func mustParse(t *testing.T, text string, dt arrow.DataType) Scalar {
	t.Helper()
	s, err := ParseText(text, ClassOf(dt))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Lists and structs cast by their children.
func TestCastNested(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	i32, i64 := arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64
	arr := randomArray(r, arrow.ListOf(i32), 50)
	for _, via := range []arrow.DataType{arrow.LargeListOf(i64), arrow.ListViewOf(i64), arrow.LargeListViewOf(i64), arrow.ListOf(arrow.BinaryTypes.String)} {
		wide, err := Cast(mem, arr, via, CastOptions{})
		if err != nil {
			t.Fatal(via, err)
		}
		back, err := Cast(mem, wide, arr.DataType(), CastOptions{})
		if err != nil || !array.Equal(arr, back) {
			t.Fatal(via, err, arr, back)
		}
	}
	s := randomArray(r, arrow.StructOf(arrow.Field{Name: "a", Type: i32, Nullable: true}), 20)
	to := arrow.StructOf(arrow.Field{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "a", Type: i64, Nullable: true})
	got, err := Cast(mem, s, to, CastOptions{})
	if err != nil || got.(*array.Struct).Field(0).NullN() != 20 {
		t.Fatal(got, err)
	}
	if _, err := Cast(mem, got, s.DataType(), CastOptions{}); !errors.Is(err, ErrCast) {
		t.Fatal("a field was lost")
	}
	for _, dt := range everyType() {
		nulls, err := Cast(mem, array.NewNull(7), dt, CastOptions{})
		if err != nil || Validity(nulls).Count() != 0 || nulls.Len() != 7 {
			t.Fatal(dt, nulls, err)
		}
	}
}

// TestCastBytesFast: views and wide offsets over the same memory hold what the
// values were, at any offset and with nulls.
func TestCastBytesFast(t *testing.T) {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for i := range 100 {
		if i%9 == 4 {
			b.AppendNull()
		} else {
			b.Append(strings.Repeat("añ", i%11) + "x")
		}
	}
	whole := b.NewArray()
	defer whole.Release()
	for _, to := range []arrow.DataType{arrow.BinaryTypes.StringView, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.BinaryView, arrow.BinaryTypes.LargeBinary} {
		for _, cut := range [][2]int64{{0, 100}, {0, 0}, {13, 77}, {95, 100}} {
			part := array.NewSlice(whole, cut[0], cut[1])
			got, err := Cast(memory.DefaultAllocator, part, to, CastOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range part.Len() {
				want, have := "", ""
				if part.IsValid(i) {
					want = part.(*array.String).Value(i)
				}
				switch g := got.(type) {
				case interface{ Value(int) string }:
					if got.IsValid(i) {
						have = g.Value(i)
					}
				case interface{ Value(int) []byte }:
					if got.IsValid(i) {
						have = string(g.Value(i))
					}
				}
				if got.IsValid(i) != part.IsValid(i) || have != want {
					t.Fatalf("%s %v: value %d is %q, want %q", to, cut, i, have, want)
				}
			}
			got.Release()
			part.Release()
		}
	}
}
