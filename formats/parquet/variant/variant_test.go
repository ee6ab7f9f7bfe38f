package variant_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	upstream "github.com/parquet-go/parquet-go/variant"

	"github.com/bdkit/bdkit/formats/parquet/variant"
	"github.com/bdkit/bdkit/internal/conformance"
)

// The samples of the corpus are pairs of metadata and value files.
func samples(t testing.TB) (names []string, metas, values [][]byte) {
	root := conformance.Root()
	if root == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("the conformance corpus is missing")
		}
		t.Skip("NOT RUN: the conformance corpus is missing")
	}
	files, err := filepath.Glob(filepath.Join(root, "variant", "*.value"))
	if err != nil || len(files) == 0 {
		t.Fatal("no variant samples", err)
	}
	empty := []byte{0x01, 0x00, 0x00}
	for _, f := range files {
		v, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := os.ReadFile(strings.TrimSuffix(f, ".value") + ".metadata")
		if err != nil {
			m = empty
		}
		names = append(names, filepath.Base(f))
		metas, values = append(metas, m), append(values, v)
	}
	return names, metas, values
}

// Every sample that the other implementation decodes, ours renders, and a value
// cut short anywhere is an error in ours.
func TestSamples(t *testing.T) {
	names, metas, values := samples(t)
	for i, name := range names {
		um, err := upstream.DecodeMetadata(metas[i])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, uerr := upstream.Decode(um, values[i])
		out, err := variant.AppendJSON(nil, metas[i], values[i])
		if (err == nil) != (uerr == nil) {
			t.Errorf("%s: %v, the other implementation says %v", name, err, uerr)
		}
		if err == nil {
			t.Logf("%s: %.100s", name, out)
		}
		for cut := range values[i] {
			if _, err := variant.AppendJSON(nil, metas[i], values[i][:cut]); err == nil {
				t.Errorf("%s: no error when cut to %d of %d bytes", name, cut, len(values[i]))
			}
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	if _, err := os.Stat(conformance.Root()); err == nil {
		_, metas, values := samples(f)
		for i := range metas {
			f.Add(metas[i], values[i])
		}
	}
	f.Add([]byte{1, 0, 0}, []byte{0})
	f.Fuzz(func(t *testing.T, meta, value []byte) {
		_, _ = variant.AppendJSON(nil, meta, value)
	})
}
