package orc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/conformance"
)

// oddStatistics are files whose values do not keep to what is said of them.
var oddStatistics = map[string]string{
	"int16.rle.size": "values beyond the column's type",
}

// TestCheckCorpus: a deep check of the files of the corpus that read well, and of
// Java's, finds nothing; every row group can be sought, and its values are those
// that the row index and the stripe's statistics speak of.
func TestCheckCorpus(t *testing.T) {
	var paths []string
	root, entries := conformance.Load(t, "orc")
	for _, e := range entries {
		path := filepath.Join(root, e.File)
		if info, err := os.Stat(path); e.Expect == "ok" && err == nil && info.Size() < 1<<19 {
			paths = append(paths, path)
		}
	}
	if !testing.Short() && os.Getenv("BDKIT_JARS") != "" {
		for name, f := range javaFiles(t) {
			if !strings.HasPrefix(name, "masked") {
				paths = append(paths, f.path)
			}
		}
	}
	groups := 0
	for _, path := range paths {
		ctx := context.Background()
		f, err := openLocal(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(ctx, f, Options{Keys: javaKeys{}})
		if err != nil {
			if !errors.Is(err, arrowio.ErrKey) { // the corpus has other keys
				t.Fatal(err)
			}
			if f, err = openLocal(ctx, path); err == nil {
				r, err = Open(ctx, f, Options{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for err := range r.Check(ctx, true) {
			odd := false
			for name := range oddStatistics {
				odd = odd || strings.Contains(path, name)
			}
			if !odd {
				t.Errorf("%v", err)
			}
		}
		m := r.Meta()
		for u := range m.Units {
			for c := range m.Columns {
				for p, err := range r.Pages(ctx, u, c) {
					if err != nil {
						t.Errorf("%s: %v", path, err)
					} else if p.Kind == "row group" {
						groups++
					}
				}
			}
		}
		end := int64(0)
		for e, err := range r.Layout(ctx) {
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			end = max(end, e.Off+e.Len)
		}
		if end != r.size {
			t.Errorf("%s: the layout ends at %d of %d", path, end, r.size)
		}
		r.Close()
	}
	if groups < 500 {
		t.Errorf("only %d row groups were seen", groups)
	}
}

// TestCheckFinds: what a check is for is found.
func TestCheckFinds(t *testing.T) {
	raw, err := os.ReadFile("testdata/sorted.orc")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for name, spoil := range map[string]func(r *Reader){
		"values are above the maximum 9996 of the statistics of the stripe": func(r *Reader) {
			st, err := r.loadStripeStats(ctx)
			if err != nil {
				t.Fatal(err)
			}
			st.md.Stripes[1].Columns[1].Int.Max.V -= 3
		},
		"nulls where the statistics of the stripe": func(r *Reader) {
			st, err := r.loadStripeStats(ctx)
			if err != nil {
				t.Fatal(err)
			}
			st.md.Stripes[1].Columns[3].Values.V--
			st.md.Stripes[1].Columns[3].HasNull = proto.Some(true)
		},
		"the footer says": func(r *Reader) { r.footer.Rows.V++ },
		"overlaps":        func(r *Reader) { r.footer.Stripes[1].Offset -= 1000; r.footer.Stripes[1].IndexLength += 1000 },
	} {
		r := openBytes(t, raw, Options{})
		for err := range r.Check(ctx, true) {
			t.Fatal(err)
		}
		spoil(r)
		found := false
		for err := range r.Check(ctx, true) {
			if errors.Is(err, arrowio.ErrCorrupt) && strings.Contains(err.Error(), name) {
				found = true
			}
		}
		if !found {
			t.Errorf("%q is not found", name)
			for err := range r.Check(ctx, true) {
				t.Log(err)
			}
		}
		r.Close()
	}
}

// TestDictionary: the dictionary of a column that has one.
func TestDictionary(t *testing.T) {
	raw, err := os.ReadFile("testdata/sorted.orc")
	if err != nil {
		t.Fatal(err)
	}
	r := openBytes(t, raw, Options{})
	defer r.Close()
	m := r.Meta()
	for c, info := range m.Columns {
		d, err := r.Dictionary(context.Background(), 1, c)
		if err != nil {
			t.Fatal(err)
		}
		if info.Path == "b" && (d == nil || d.Len() != 40 || d.ValueStr(0) != "b0" || d.ValueStr(39) != "b9") {
			t.Errorf("b: %v", d)
		}
		if info.Path == "id" && d != nil {
			t.Errorf("id: %v", d)
		}
	}
}

// TestMeta: what kinds of files are told apart.
func TestMeta(t *testing.T) {
	root, _ := conformance.Load(t, "orc")
	for name, want := range map[string]string{
		"apache-orc/4abd436a-test-resources-acid5k.orc":               "0.12 ORC Java (writer version 6) true",
		"apache-orc/20248562-orc-file-11-format.orc":                  "0.11 ORC Java (writer version 0) false",
		"apache-orc/bc8c2ed1-decimal64_v2_cplusplus.orc":              "1.9999 ORC C++ 1.8.0-SNAPSHOT (writer version 6) false",
		"apache-orc/71843610-orc-file-presto-string.orc":              "0.12 Presto (writer version 6) false",
		"apache-orc/4574f82a-complextypes_iceberg.orc":                "0.12 ORC Java (writer version 9), Julian/Gregorian calendar false",
		"datafusion-contrib-orc-rust/4835fc19-pyarrow_timestamps.orc": "0.12 ORC C++ 1.9.0 (writer version 6) false",
	} {
		raw, err := os.ReadFile(filepath.Join(root, "orc", name))
		if err != nil {
			t.Log(err)
			continue
		}
		r := openBytes(t, raw, Options{})
		m := r.Meta()
		if got := fmt.Sprintf("%s %s %v", m.Version, m.Writer, strings.HasPrefix(m.Kind, "Hive ACID")); got != want || r.IsACID() != (m.Kind != "") {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		r.Close()
	}
}
