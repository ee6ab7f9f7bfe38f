package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/bdkit/bdkit/testdata/elements"
)

// TestElementsUpToDate: the file that is kept is the one that the generator makes.
func TestElementsUpToDate(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "elements.parquet")
	csv, err := filepath.Abs("../../testdata/elements/elements.csv")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../testdata/elements/elements.parquet")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := elements.Generate(t.Context(), csv, "elements.parquet"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("elements.parquet is not what go generate ./testdata/elements makes")
	}
}
