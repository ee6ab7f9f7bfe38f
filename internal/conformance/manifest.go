package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Entry is one file of the corpus and what reading it must give. The fields
// are those of manifest.json that a judge needs; CANON.md beside it explains
// them.
type Entry struct {
	File      string   `json:"file"`
	Format    string   `json:"format"`
	Expect    string   `json:"expect"`
	Note      string   `json:"note"`
	Rows      *int64   `json:"rows"`
	Columns   []Column `json:"columns"`
	Listed    string   `json:"columns_listed"`
	Compare   string   `json:"compare"`
	Keys      *Keys    `json:"keys"`
	Features  []string `json:"features"`
	Decrypted string   `json:"expected_when_decrypted"`
	Partial   *struct {
		Rows    int64    `json:"rows"`
		Columns []Column `json:"columns"`
	} `json:"expected_partial"`
	// Counts are the rows and columns that readers found, where they differ.
	Counts     map[string][2]int64 `json:"row_or_column_count_disagreement"`
	VariantBin []string            `json:"variant_bin"`
	Upstream   []string            `json:"expected_upstream"`
}

// Column is the expectation of one column.
type Column struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Digest string `json:"digest"`
	Alt    []struct {
		Digest string   `json:"digest"`
		By     []string `json:"by"`
	} `json:"alt"`
}

// Keys opens an encrypted file.
type Keys struct {
	Footer    *Key           `json:"footer"`
	Columns   map[string]Key `json:"columns"`
	AADPrefix *string        `json:"aad_prefix"`
}

// Key is one AES key.
type Key struct {
	ID  string `json:"id"`
	Hex string `json:"hex"`
}

// Root is the folder of the corpus: BDKIT_CONFORMANCE, or ../shared/conformance
// beside the module. "" if there is none.
func Root() string {
	if dir := os.Getenv("BDKIT_CONFORMANCE"); dir != "" {
		return dir
	}
	_, self, _, _ := runtime.Caller(0)
	module := filepath.Dir(filepath.Dir(filepath.Dir(self)))
	dir := filepath.Join(module, "..", "shared", "conformance")
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

// Load gives the corpus' folder and its entries of one format. Without a
// corpus the test is skipped, loudly; in CI it fails.
func Load(t testing.TB, format string) (root string, entries []Entry) {
	t.Helper()
	root = Root()
	if root == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("the conformance corpus is missing: set BDKIT_CONFORMANCE (CI requires it)")
		}
		t.Skip("NOT RUN: the conformance corpus is missing: set BDKIT_CONFORMANCE to its folder")
	}
	b, err := os.ReadFile(filepath.Join(root, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Entries []Entry `json:"entries"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, e := range m.Entries {
		if e.Format == format {
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		t.Fatalf("the corpus has no entry of format %s", format)
	}
	return root, entries
}
