// Package mutation plants bugs: a law that no bug can break proves nothing, so
// each planted bug must turn the tests that hold the law red. Each is a build
// of its own: `make nightly` runs them (BD_NIGHTLY=1).
package mutation

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Bug puts To in place of the first From of a file, given relative to the
// package under test.
type Bug struct {
	File, From, To string
	// Laws is the pattern of the tests of which one must fail.
	Laws string
}

// Run plants each bug, in a copy that the compiler is handed in place of the
// file, and runs its laws in the package of the caller. BD_BUGS, a pattern over
// "file: to", chooses some.
func Run(t *testing.T, bugs []Bug, args ...string) {
	t.Helper()
	if os.Getenv("BD_NIGHTLY") == "" {
		t.Skip("set BD_NIGHTLY=1")
	}
	only := regexp.MustCompile(os.Getenv("BD_BUGS"))
	for _, b := range bugs {
		if name := b.File + ": " + b.To; only.MatchString(name) {
			t.Run(strings.ReplaceAll(name, "/", "|"), func(t *testing.T) { b.run(t, args) })
		}
	}
}

func (b Bug) run(t *testing.T, args []string) {
	file, err := filepath.Abs(b.File)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	planted := strings.Replace(string(text), b.From, b.To, 1)
	if planted == string(text) {
		t.Fatalf("%s has no %q any more", b.File, b.From)
	}
	dir := t.TempDir()
	copied, overlay := filepath.Join(dir, "bug.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {file: copied}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{copied: []byte(planted), overlay: replace} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-vet=off", "-overlay", overlay, "-run", b.Laws, "-count=1", "."}, args...)...)
	cmd.Env = append(os.Environ(), "BD_NIGHTLY=")
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		t.Errorf("%q for %q goes unseen by %s", b.To, b.From, b.Laws)
	case !strings.Contains(string(out), "--- FAIL") && !strings.Contains(string(out), "panic: "):
		t.Errorf("does not build, or runs no test:\n%.600s", out)
	}
}
