package encoding

import (
	"slices"
	"testing"
)

// The examples of the specification (v1, "Run Length Encoding").

func series(n int, from, step int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = from + int64(i)*step
	}
	return out
}

func TestSpecIntegers(t *testing.T) {
	for _, c := range []struct {
		name    string
		version int
		signed  bool
		src     []byte
		want    []int64
	}{
		{"v1 run", 1, false, []byte{0x61, 0x00, 0x07}, series(100, 7, 0)},
		{"v1 falling run", 1, false, []byte{0x61, 0xff, 0x64}, series(100, 100, -1)},
		{"v1 literals", 1, false, []byte{0xfb, 0x02, 0x03, 0x04, 0x07, 0xb}, []int64{2, 3, 4, 7, 11}},
		{"short repeat", 2, false, []byte{0x0a, 0x27, 0x10}, series(5, 10000, 0)},
		{"direct", 2, false, []byte{0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef}, []int64{23713, 43806, 57005, 48879}},
		{"patched base", 2, true, []byte{
			0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46, 0x50, 0x5a, 0x64, 0x6e,
			0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8,
		}, []int64{
			2030, 2000, 2020, 1000000, 2040, 2050, 2060, 2070, 2080, 2090, 2100, 2110, 2120, 2130, 2140, 2150, 2160, 2170, 2180, 2190,
		}},
		{"delta", 2, false, []byte{0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46}, []int64{2, 3, 5, 7, 11, 13, 17, 19, 23, 29}},
	} {
		for _, size := range []int{1, 2, 3, 100} {
			d := NewInts(c.version, c.signed)
			d.Reset(&pieces{c.src, size})
			got := make([]int64, len(c.want))
			if err := d.Next(got); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, %v", c.name, got, err)
			}
			if err := d.Next(got[:1]); err == nil {
				t.Errorf("%s: a value behind the last", c.name)
			}
		}
	}
}

func TestSpecBytes(t *testing.T) {
	var d ByteRLE
	got := make([]byte, 102)
	d.Reset(&pieces{[]byte{0x61, 0x00, 0xfe, 0x44, 0x45}, 2})
	if err := d.Next(got); err != nil || got[99] != 0 || got[100] != 0x44 || got[101] != 0x45 {
		t.Error(got, err)
	}
	var b BoolRLE
	b.Reset(&pieces{[]byte{0xff, 0x80}, 2})
	bitmap := []byte{0}
	if err := b.Next(bitmap, 0, 8); err != nil || bitmap[0] != 1 {
		t.Error(bitmap, err)
	}
}

func TestSpecNanos(t *testing.T) {
	// "1000 nanoseconds would be serialized as 0x0a and 100000 as 0x0c."
	v := []int64{0x0a, 0x0c, 999_999_999 << 3, 0}
	if err := DecodeNanos(v); err != nil || !slices.Equal(v, []int64{1000, 100000, 999_999_999, 0}) {
		t.Error(v, err)
	}
	for _, bad := range []int64{1_000_000_000 << 3, 100<<3 | 7, -1} {
		if err := DecodeNanos([]int64{bad}); err == nil {
			t.Errorf("%d passes", bad)
		}
	}
	for n := int64(0); n < 1e9; n += 1 + n/7 {
		for _, n := range []int64{n, n / 100 * 100, n / 1e5 * 1e5, 1e9 - 1 - n} {
			v := []int64{EncodeNano(n)}
			if err := DecodeNanos(v); err != nil || v[0] != n {
				t.Fatalf("%d comes back as %d, %v", n, v[0], err)
			}
		}
	}
	if EncodeNano(1000) != 0x0a || EncodeNano(100000) != 0x0c {
		t.Error("EncodeNano")
	}
}
