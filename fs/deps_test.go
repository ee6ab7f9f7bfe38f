package fs_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A program that reads local files compiles nothing but the standard library:
// these packages import one another and no module.
func TestStandardLibraryOnly(t *testing.T) {
	const self = "github.com/bdkit/bdkit/fs"
	pkgs := []string{self, self + "/local", self + "/mem", self + "/httpfs", self + "/layer", self + "/fstest"}
	out, err := exec.Command("go", append([]string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}, pkgs...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seen := 0
	for dep := range strings.FieldsSeq(string(out)) {
		if dep != self && !strings.HasPrefix(dep, self+"/") {
			t.Errorf("%s is a dependency", dep)
		}
		seen++
	}
	if seen < len(pkgs) {
		t.Errorf("%d packages listed of %d", seen, len(pkgs))
	}
}
