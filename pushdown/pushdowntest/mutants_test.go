package pushdowntest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A law that no bug can break proves nothing: each planted bug must turn the
// laws red. Nightly only (BD_NIGHTLY=1), for each one is a build.
func TestPlantedBugs(t *testing.T) {
	if os.Getenv("BD_NIGHTLY") == "" {
		t.Skip("set BD_NIGHTLY=1")
	}
	for _, bug := range []struct{ file, from, to string }{
		{"../prune.go", "never, always = lo(Ge), hi(Lt)", "never, always = lo(Ge), hi(Le)"},
		{"../prune.go", "never, always = hi(Le), lo(Gt)", "never, always = hi(Le), lo(Ge)"},
		{"../prune.go", "if exact && always(i)", "if always(i)"}, // NaN hides
		{"../prune.go", "(whole || !strings.HasPrefix(l, prefix))", "true"},
		{"../prune.go", "out[i] = o&^mayFalse | mayNull", "out[i] = o"},
		{"../prune.go", "o&mayNull | o&mayTrue<<1 | o&mayFalse>>1", "o&mayTrue<<1 | o&mayFalse>>1"},
		{"../eval.go", "out.f = kernel.NewBitmap(ev.n)", "_ = nulls"},
		{"../eval.go", "valid.And(kernel.Validity(col))", "valid = kernel.Validity(col)"},
		{"../eval.go", "out.f.Or(v.f)", "out.f.And(v.f)"},
		{"../bind.go", "op = Le\n\t\tif above", "op = Le\n\t\tif !above"},
		{"../bind.go", "n = new(big.Int).Add(n, big.NewInt(1))", "n = new(big.Int).Add(n, big.NewInt(0))"},
		{"../bind.go", "n.Cmp(d.Max) == 0 && !exact", "n.Cmp(d.Max) == 0"},
		{"../normalise.go", "if a != Exact {", "if a == Unsupported {"},
		{"../normalise.go", "if a != Unsupported {", "if a == Unsupported {"},
		{"../normalise.go", "zero, unit = True, False", "zero, unit = False, True"},
		{"../normalise.go", "if e.Op > Ne && !exact && (", "if false && ("},
		{"../text.go", `strings.ReplaceAll(s, "\"", "\"\"")`, "s"},
		{"../../internal/kernel/bitmap.go", "min(runEnd(a.RunEndsArr(), k)-off, n)", "min(runEnd(a.RunEndsArr(), k), n)"},
		{"../../internal/kernel/compare.go", "return c <= 0", "return c < 0"},
	} {
		text, err := os.ReadFile(bug.file)
		if err != nil {
			t.Fatal(err)
		}
		planted := strings.Replace(string(text), bug.from, bug.to, 1)
		if planted == string(text) {
			t.Logf("%s has no %q any more", bug.file, bug.from)
			continue
		}
		dir := t.TempDir()
		file, _ := filepath.Abs(bug.file)
		if err := os.WriteFile(filepath.Join(dir, "bug.go"), []byte(planted), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay, _ := json.Marshal(map[string]map[string]string{"Replace": {file: filepath.Join(dir, "bug.go")}})
		if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("go", "test", "-overlay", filepath.Join(dir, "overlay.json"), "-run", "^TestLaws$", "-rapid.nofailfile", "-rapid.checks=1500", "-count=1", ".").CombinedOutput()
		switch {
		case err == nil:
			t.Errorf("%s: %q for %q goes unseen", bug.file, bug.to, bug.from)
		case !strings.Contains(string(out), "--- FAIL: TestLaws"):
			t.Errorf("%s: %q does not build:\n%.500s", bug.file, bug.to, out)
		}
	}
}
