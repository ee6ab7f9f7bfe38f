package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecrets: a password in a source's URL opens it, and is neither in what the
// program says nor in what it keeps.
func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	numbered(t, filepath.Join(dir, "src.parquet"), 0, 1000, 3, "100")
	files := http.FileServer(http.Dir(dir))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pass, _ := r.BasicAuth(); pass != "hunter2" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer srv.Close()
	src := strings.Replace(srv.URL, "http://", "http://user:hunter2@", 1) + "/src.parquet"
	for _, layout := range [][]string{{}, {"--partition-by", "p"}, {"--max-rows", "100"}} {
		out := filepath.Join(dir, "out", strings.Join(layout, "")) + "/"
		p := must(t, append(layout, "--resume", "-v", "--progress", "always", "--manifest", filepath.Join(out, "_manifest.json"), src, out)...)
		if got, _ := counts(t, out); len(got) != 1000 {
			t.Errorf("%v: %d rows", layout, len(got))
		}
		kept := stray(t, out)
		if len(kept) != 2 {
			t.Errorf("%v: a state and a manifest are kept, not %v", layout, kept)
		}
		for _, f := range kept {
			if b, err := os.ReadFile(f); err != nil || strings.Contains(string(b), "hunter2") {
				t.Errorf("%v: %s tells the password (%v)", layout, f, err)
			}
		}
		if strings.Contains(p.said.String(), "hunter2") || strings.Contains(p.out.String(), "hunter2") {
			t.Errorf("%v: the password is told:\n%s", layout, p.said)
		}
	}
	// A failure that can be resumed tells how, without it.
	p := start(t, "--resume", "--cast", "text=int8", src, filepath.Join(dir, "failed")+"/")
	if code := p.end(); code != 3 || strings.Contains(p.said.String(), "hunter2") {
		t.Errorf("exit code %d:\n%s", code, p.said)
	}
}
