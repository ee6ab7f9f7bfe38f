package kernel

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// TestSortKeysCompare holds the keys against Compare, value by value, for every
// type that has an order, in all four orders.
func TestSortKeysCompare(t *testing.T) {
	ordered := 0
	for _, dt := range leaves {
		r := rand.New(rand.NewPCG(7, uint64(dt.ID())))
		d := randomData(r, dt, 40)
		arr := array.MakeFromData(d)
		keys, err := NewSortKeys(mem, []arrow.Array{arr}, []SortOrder{{}})
		if err != nil {
			if !errors.Is(err, ErrCast) {
				t.Errorf("%s: %v", dt, err)
			}
			continue
		}
		ordered++
		desc, err := NewSortKeys(mem, []arrow.Array{arr}, []SortOrder{{Descending: true, NullsFirst: true}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range arr.Len() {
			for k := range arr.Len() {
				a, b := bytes.Compare(keys.At(i), keys.At(k)), bytes.Compare(desc.At(i), desc.At(k))
				switch {
				case arr.IsNull(i) && arr.IsNull(k) || dt.ID() == arrow.NULL:
					if a != 0 || b != 0 {
						t.Fatalf("%s: nulls differ", dt)
					}
				case arr.IsNull(i):
					if a <= 0 || b >= 0 {
						t.Fatalf("%s: null comes at %d and %d", dt, a, b)
					}
				case arr.IsNull(k):
				default:
					if a != -b {
						t.Fatalf("%s: rows %d, %d: ascending %d, descending %d", dt, i, k, a, b)
					}
					one := array.NewSlice(arr, int64(k), int64(k+1))
					for op, want := range map[Op]bool{Lt: a < 0, Eq: a == 0, Gt: a > 0} {
						got, err := Compare(arr, op, one)
						if err != nil {
							t.Fatal(err)
						}
						if nan := got.Get(i) != want; nan && !isNaN(arr, i) && !isNaN(arr, k) {
							t.Fatalf("%s: rows %d, %d: key compares %d, op %d is %v", dt, i, k, a, op, got.Get(i))
						}
					}
					one.Release()
				}
			}
		}
	}
	if ordered < 28 {
		t.Errorf("%d types have keys, want 28 at least", ordered)
	}
}

func isNaN(arr arrow.Array, i int) bool {
	s := ScalarAt(arr, i)
	return s.Class == Float && s.Float != s.Float
}

// TestSortKeysPrefixes shows that of several columns the first decides, whatever
// the lengths of the values, zero bytes included.
func TestSortKeysPrefixes(t *testing.T) {
	a, b := array.NewStringBuilder(mem), array.NewStringBuilder(mem)
	rows := [][2]string{{"", "z"}, {"\x00", ""}, {"\x00\x00", "a"}, {"\x00a", ""}, {"\x01", ""}, {"a", "\x00"}, {"a", "b"}, {"a\x00", ""}, {"ab", ""}}
	for _, r := range rows {
		a.Append(r[0])
		b.Append(r[1])
	}
	keys, err := NewSortKeys(mem, []arrow.Array{a.NewArray(), b.NewArray()}, make([]SortOrder, 2))
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]byte, keys.Len())
	for i := range all {
		all[i] = keys.At(i)
	}
	if !slices.IsSortedFunc(all, bytes.Compare) {
		t.Errorf("not in order: %q", all)
	}
	for i := 1; i < len(all); i++ {
		if bytes.Equal(all[i-1], all[i]) {
			t.Errorf("%q and %q have one key", rows[i-1], rows[i])
		}
	}
}
