package proto

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
)

// fill gives every field of a struct a value now and then, and reports which
// it set.
func fill(r *rand.Rand, v reflect.Value, seen map[string]bool, path string) {
	switch v.Kind() {
	case reflect.Struct:
		if strct := v.Type(); strct.NumField() == 2 && strct.Field(0).Name == "V" {
			if v.Field(1).SetBool(r.IntN(3) > 0); v.Field(1).Bool() {
				fill(r, v.Field(0), seen, path)
			}
			return
		}
		for i := range v.NumField() {
			fill(r, v.Field(i), seen, v.Type().Name()+"."+v.Type().Field(i).Name)
		}
		return
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem(), seen, path)
		}
		return
	case reflect.Slice:
		if n := r.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(r, v.Index(i), seen, path)
			}
		}
		return
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Uint8:
		v.SetUint(uint64(r.IntN(256)))
	case reflect.Uint32:
		v.SetUint(uint64(uint32(edge(r))))
	case reflect.Uint64:
		v.SetUint(uint64(edge(r)))
	case reflect.Int32:
		v.SetInt(int64(int32(edge(r))))
	case reflect.Int64:
		v.SetInt(edge(r))
	case reflect.Float64:
		v.SetFloat([]float64{0, -1.5, math.Inf(1), r.NormFloat64()}[r.IntN(4)])
	case reflect.String:
		v.SetString([]string{"", "a", "Grüße", string(make([]byte, 200))}[r.IntN(4)])
	default:
		panic(v.Kind())
	}
	seen[path] = true
}

func edge(r *rand.Rand) int64 {
	return []int64{0, 1, -1, 127, 128, math.MaxInt64, math.MinInt64, r.Int64()}[r.IntN(8)]
}

// roundTrip fills messages of one type and reads back what they are written as.
func roundTrip[T any, M message[T]](t *testing.T, seen map[string]bool, decode func([]byte) (*T, error)) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	for i := range 60 {
		want := new(T)
		fill(r, reflect.ValueOf(want).Elem(), seen, "")
		b := M(want).Append([]byte("kept"))
		got, err := decode(b[4:])
		if err != nil {
			t.Fatalf("%T %d: %v", want, i, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%T %d:\n got %+v\nwant %+v", want, i, got, want)
		}
		// Cut anywhere it is an error or a message of fewer fields.
		b = b[4:]
		for range 20 {
			if got, err := decode(b[:r.IntN(len(b)+1)]); err == nil && got == nil || err != nil && !errors.Is(err, arrowio.ErrCorrupt) {
				t.Fatal(err)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	roundTrip(t, seen, DecodePostScript)
	roundTrip(t, seen, DecodeFooter)
	roundTrip(t, seen, DecodeStripeFooter)
	roundTrip(t, seen, DecodeRowIndex)
	roundTrip(t, seen, DecodeBloomFilterIndex)
	roundTrip(t, seen, DecodeMetadata)
	roundTrip(t, seen, DecodeColumnarStripeStatistics)
	roundTrip(t, seen, DecodeFileStatistics)
	// Every scalar field of the format was there.
	if len(seen) < 90 {
		t.Fatalf("only %d fields were tried", len(seen))
	}
}

// Integers that are not packed, fields that are not known and groups are read
// as Protobuf says.
func TestForeign(t *testing.T) {
	b := appendUint(appendUint(nil, 1, 12), 1, 13) // twice: the last counts
	b = appendUint(appendUint(b, 4, 0), 4, 12)     // version, not packed
	b = appendBytes(b, 99, "unknown")
	b = appendDouble(b, 100, 1)
	b = append(appendTag(b, 101, wireFixed4), 1, 2, 3, 4)
	b = appendTag(b, 102, wireGroup)
	b = appendTag(appendTag(appendUint(b, 1, 5), 3, wireGroup), 3, wireEnd)
	b = appendTag(b, 102, wireEnd)
	b = appendUint(b, 6, 9)
	ps, err := DecodePostScript(b)
	if err != nil {
		t.Fatal(err)
	}
	want := &PostScript{FooterLength: 13, Version: []uint32{0, 12}, WriterVersion: Some[uint32](9)}
	if !reflect.DeepEqual(ps, want) {
		t.Fatalf("%+v", ps)
	}
	words := appendBytes(appendUint(nil, 1, 2), 2, string(make([]byte, 16))) // packed
	bf, err := DecodeBloomFilterIndex(appendBytes(nil, 1, words))
	if err != nil || len(bf.Filters) != 1 || len(bf.Filters[0].Words) != 2 {
		t.Fatalf("%+v %v", bf, err)
	}
}

func TestDamaged(t *testing.T) {
	for name, b := range map[string][]byte{
		"long length":  {0x1a, 0xff, 0xff, 0xff, 0x0f},
		"endless":      {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"field 0":      {0x00, 0x00},
		"wire type":    {0x0a, 0x01, 0x00},
		"wire type 7":  {0x0f},
		"open group":   {0x0b},
		"crossed ends": {0x0b, 0x1c},
		"end alone":    {0x0c},
	} {
		if _, err := DecodeFooter(b); !errors.Is(err, arrowio.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	deep := []byte{}
	for range 100 {
		deep = append(deep, 0x0b)
	}
	if _, err := DecodeFooter(deep); !errors.Is(err, arrowio.ErrCorrupt) {
		t.Errorf("nested groups: %v", err)
	}
	// Two bytes that become a struct of two hundred are not had without end.
	if testing.Short() {
		return
	}
	if _, err := DecodeFileStatistics(bytesOf(0x0a, 0x00, 20<<20)); !errors.Is(err, arrowio.ErrLimit) {
		t.Errorf("empty messages without end: %v", err)
	}
}

func bytesOf(a, b byte, n int) []byte {
	out := make([]byte, n)
	for i := 0; i+1 < n; i += 2 {
		out[i], out[i+1] = a, b
	}
	return out
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		var m Footer
		fill(r, reflect.ValueOf(&m).Elem(), map[string]bool{}, "")
		f.Add(m.Append(nil))
		var s StripeFooter
		fill(r, reflect.ValueOf(&s).Elem(), map[string]bool{}, "")
		f.Add(s.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again(t, b, DecodePostScript)
		again(t, b, DecodeFooter)
		again(t, b, DecodeStripeFooter)
		again(t, b, DecodeRowIndex)
		again(t, b, DecodeBloomFilterIndex)
		again(t, b, DecodeMetadata)
		again(t, b, DecodeColumnarStripeStatistics)
		again(t, b, DecodeFileStatistics)
	})
}

// again: what was read, written and read again is the same.
func again[T any, M message[T]](t *testing.T, b []byte, decode func([]byte) (*T, error)) {
	m, err := decode(b)
	if err != nil {
		return
	}
	one := M(m).Append(nil)
	back, err := decode(one)
	if err != nil {
		t.Fatalf("%T: %v", m, err)
	}
	if two := M(back).Append(nil); string(one) != string(two) {
		t.Fatalf("%T: %x is written as %x", m, one, two)
	}
}
