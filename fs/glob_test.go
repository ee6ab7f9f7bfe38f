package fs_test

import (
	"context"
	"errors"
	"iter"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bdkit/bdkit/fs"
)

// flat hides that directories are real, as on an object store, and counts
// what is listed.
type flat struct {
	fs.FileSystem
	flat   bool
	noList bool
	listed []string
}

func (f *flat) Caps() fs.Caps {
	c := f.FileSystem.Caps()
	c.RealDirs = c.RealDirs && !f.flat
	return c
}

func (f *flat) List(ctx context.Context, prefix string, o fs.ListOptions) iter.Seq2[fs.FileInfo, error] {
	kind := "all "
	if o.Delimited {
		kind = "one "
	}
	f.listed = append(f.listed, kind+prefix)
	if f.noList {
		return func(yield func(fs.FileInfo, error) bool) { yield(fs.FileInfo{}, fs.ErrUnsupported) }
	}
	return f.FileSystem.List(ctx, prefix, o)
}

var tree = fstest.MapFS{}

func init() {
	for _, n := range strings.Fields(`a.x b.x c.y d/a.x d/b.x d/e/a.x d/e/f/g.x d.d/a.x y=2020/m=1/p.x y=2020/m=2/p.x
		y=2021/m=1/p.x y=2021/m=1/q.y [1].x ünï.x {b}.x s*r.x`) {
		tree[n] = &fstest.MapFile{Data: []byte(n)}
	}
}

func TestGlob(t *testing.T) {
	for pattern, want := range map[string]string{
		"*.x":                    `[1].x a.x b.x s*r.x {b}.x ünï.x`,
		"?.x":                    "a.x b.x",
		"???.x":                  `[1].x s*r.x {b}.x ünï.x`,
		"[ab].x":                 "a.x b.x",
		"[!a].x":                 "b.x",
		"[^b-z].x":               "a.x",
		"{b,a,zz}.x":             "a.x b.x",
		"{a.x,a.*,?.x}":          "a.x b.x",
		"{d/a,b}.x":              "b.x d/a.x",
		"{d/{a,b},c*}.?":         "c.y d/a.x d/b.x",
		"d/*":                    "d/a.x d/b.x",
		"d*/a.x":                 "d.d/a.x d/a.x",
		"d/**":                   "d/a.x d/b.x d/e/a.x d/e/f/g.x",
		"d/**/*.x":               "d/a.x d/b.x d/e/a.x d/e/f/g.x",
		"d/**/e/**/*.x":          "d/e/a.x d/e/f/g.x",
		"**/a.x":                 "a.x d.d/a.x d/a.x d/e/a.x",
		"**/**/f/**/g.x":         "d/e/f/g.x",
		"y=202[01]/m=1/*.x":      "y=2020/m=1/p.x y=2021/m=1/p.x",
		"y={2020,2021}/m={1,3}/": "",
		"y=2021/**/*.{x,y}":      "y=2021/m=1/p.x y=2021/m=1/q.y",
		`\[1\].x`:                "[1].x",
		`s\*r.x`:                 "s*r.x",
		`\{b\}.x`:                "{b}.x",
		"[{]b}.x":                "{b}.x",
		"*/nothing":              "",
		"nothing/*":              "",
		"a.x/*":                  "",
		"y=*":                    "",
		"d/{e,a.x}":              "d/a.x",
	} {
		for _, isFlat := range []bool{false, true} {
			fsys := &flat{FileSystem: fs.FromIOFS(tree), flat: isFlat}
			var got []string
			for info, err := range fs.Glob(t.Context(), fsys, pattern) {
				if err != nil {
					t.Fatalf("%s: %v", pattern, err)
				}
				got = append(got, info.Name)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s (flat %v): got %q, want %q", pattern, isFlat, got, want)
			}
		}
	}
}

func TestGlobListsLittle(t *testing.T) {
	for pattern, want := range map[string][2]string{
		"y=2020/m=*/p.x":     {"one y=2020/m=", "all y=2020/m="},
		"y=2*/m=1/p*":        {"one y=2|one y=2020/m=1/p|one y=2021/m=1/p", "all y=2"},
		"d/e/**/g.x":         {"all d/e/", "all d/e/"},
		"{d/a,b}.x":          {"", ""},
		"y={2020,2021}/**/*": {"all y=2020/|all y=2021/", "all y=2020/|all y=2021/"},
		"a.x":                {"", ""},
	} {
		for i, isFlat := range []bool{false, true} {
			fsys := &flat{FileSystem: fs.FromIOFS(tree), flat: isFlat}
			for _, err := range fs.Glob(t.Context(), fsys, pattern) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(fsys.listed, "|"); got != want[i] {
				t.Errorf("%s (flat %v): listed %q, want %q", pattern, isFlat, got, want[i])
			}
		}
	}
}

func TestGlobErrors(t *testing.T) {
	fsys := &flat{FileSystem: fs.FromIOFS(tree)}
	first := func(pattern string) error {
		for _, err := range fs.Glob(t.Context(), fsys, pattern) {
			return err
		}
		return nil
	}
	for _, bad := range []string{"{a", "{a,{b}", "[a", "a/[", `a*\`, strings.Repeat("{a,b}", 40)} {
		if err := first(bad); !errors.Is(err, fs.ErrUnsupported) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := first("missing.x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a plain name that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range fs.Glob(ctx, fsys, "*") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
	// Without listing a pattern is a plain name.
	fsys.noList = true
	if err := first("s*r.x"); err != nil {
		t.Error(err)
	}
	if err := first("?.x"); !errors.Is(err, fs.ErrUnsupported) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no listing, no such name: %v", err)
	}
}

// FuzzGlobQuote: a quoted name is a pattern that matches that name alone, and
// no pattern makes Glob fail in another way than with an error.
func FuzzGlobQuote(f *testing.F) {
	for n := range tree {
		f.Add(n, n)
	}
	f.Add("a,b{}", "{a,b}[")
	f.Fuzz(func(t *testing.T, name, pattern string) {
		if name == "" || path.Clean("/"+name) != "/"+name || name == "." {
			t.Skip()
		}
		m := fstest.MapFS{name: &fstest.MapFile{}, name + "x": &fstest.MapFile{}}
		if _, err := m.Stat(name); err != nil {
			t.Skip()
		}
		var got []string
		for info, err := range fs.Glob(t.Context(), fs.FromIOFS(m), fs.QuoteMeta(name)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, info.Name)
		}
		if !slices.Equal(got, []string{name}) {
			t.Errorf("%q matched %q", fs.QuoteMeta(name), got)
		}
		for range fs.Glob(t.Context(), fs.FromIOFS(m), pattern) {
		}
	})
}
