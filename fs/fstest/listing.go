package fstest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/fs"
)

func (s *suite) listMany(t *testing.T, fsys fs.FileSystem) {
	var want []string
	for i := range s.many {
		name := fmt.Sprintf("many/%d/%05d", i%3, i)
		s.write(t, fsys, name, []byte("x"))
		want = append(want, name)
	}
	slices.Sort(want)
	var got []string
	for _, info := range list(t, fsys, "many/", fs.ListOptions{}) {
		got = append(got, info.Name)
		if info.Size != 1 || info.IsDir {
			t.Fatalf("listed %+v", info)
		}
	}
	if fsys.Caps().SortedList && !slices.IsSorted(got) {
		t.Error("SortedList is promised and the names are not in order")
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d names listed of %d", len(got), len(want))
	}
}

func (s *suite) listPrefix(t *testing.T, fsys fs.FileSystem) {
	for _, n := range []string{"a/b/c", "a/bc", "a/b.x", "a/b/d/e", "b", "a/z"} {
		s.write(t, fsys, n, []byte(n))
	}
	for _, c := range []struct{ prefix, all, one string }{
		{"", "a/b.x a/b/c a/b/d/e a/bc a/z b", "a/ b"},
		{"a", "a/b.x a/b/c a/b/d/e a/bc a/z", "a/"},
		{"a/", "a/b.x a/b/c a/b/d/e a/bc a/z", "a/b.x a/b/ a/bc a/z"},
		{"a/b", "a/b.x a/b/c a/b/d/e a/bc", "a/b.x a/b/ a/bc"},
		{"a/b/", "a/b/c a/b/d/e", "a/b/c a/b/d/"},
		{"a/b/c", "a/b/c", "a/b/c"},
		{"nothing", "", ""}, {"nothing/at/all", "", ""}, {"b/", "", ""}, {"b/x", "", ""},
	} {
		for _, o := range []fs.ListOptions{{}, {Delimited: true}} {
			want := strings.Fields(c.all)
			if o.Delimited {
				want = strings.Fields(c.one)
			}
			var got, order []string
			for _, info := range list(t, fsys, c.prefix, o) {
				name := info.Name
				order = append(order, name)
				if info.IsDir {
					if strings.HasSuffix(name, "/") {
						t.Errorf("the directory %q ends at a slash", name)
					}
					name += "/"
				} else if info.Size != int64(len(name)) {
					t.Errorf("%q has %d bytes, listed are %d", name, len(name), info.Size)
				}
				got = append(got, name)
			}
			if fsys.Caps().SortedList && !slices.IsSorted(order) {
				t.Errorf("list %q %+v: not in order: %q", c.prefix, o, order)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("list %q %+v: %q, want %q", c.prefix, o, got, want)
			}
		}
	}
}

// listStops: a consumer may leave at any element.
func (s *suite) listStops(t *testing.T, fsys fs.FileSystem) {
	for i := range 10 {
		s.write(t, fsys, fmt.Sprintf("d%d/x", i%4)+fmt.Sprint(i), nil)
	}
	for stop := 1; stop <= 10; stop++ {
		n := 0
		for _, err := range fsys.List(t.Context(), "", fs.ListOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("%d of %d elements", n, stop)
		}
	}
}

func (s *suite) cannotList(t *testing.T, fsys fs.FileSystem) {
	n := 0
	for _, err := range fsys.List(t.Context(), "x", fs.ListOptions{}) {
		if n++; !errors.Is(err, fs.ErrUnsupported) {
			t.Errorf("list: %v is no fs.ErrUnsupported", err)
		}
	}
	if n != 1 {
		t.Errorf("%d elements, want the one error", n)
	}
}
