package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testNames are the functions of the test files, by folder.
func testNames(t *testing.T, root string) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := e.Name(); e.IsDir() && (name == "testdata" || p != root && strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		if out[dir] == nil {
			out[dir] = map[string]bool{}
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				out[dir][fn.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	testName = regexp.MustCompile(`^(?:(.+)\.)?((?:Test|Fuzz|Benchmark|Example)\w*)(?:/.*)?$`)
)

// missingTests gives what docs/COVERAGE.md names and is not there, and its rows
// that name nothing.
func missingTests(doc string, names map[string]map[string]bool, exists func(path string) bool) (wrong []string, named int) {
	table := 0 // lines of the table being read
	for _, line := range strings.Split(doc, "\n") {
		if table++; !strings.HasPrefix(line, "|") {
			table = 0
		}
		found := 0
		for _, q := range quoted.FindAllStringSubmatch(line, -1) {
			if strings.HasSuffix(q[1], ".txtar") {
				if found++; !exists(q[1]) {
					wrong = append(wrong, "no file "+q[1])
				}
				continue
			}
			m := testName.FindStringSubmatch(q[1])
			if m == nil {
				continue
			}
			found++
			ok := names[m[1]][m[2]]
			if m[1] == "" {
				for _, in := range names {
					ok = ok || in[m[2]]
				}
			}
			if !ok {
				wrong = append(wrong, "no test "+q[1])
			}
		}
		named += found
		if table > 2 && found == 0 { // behind the head and its rule
			cells := strings.Split(line, "|")
			if len(cells) < 4 || !strings.HasPrefix(strings.TrimSpace(cells[2]), "no") {
				wrong = append(wrong, "names no test: "+line)
			}
		}
	}
	return wrong, named
}

// TestCoverage: docs/COVERAGE.md names tests that exist.
func TestCoverage(t *testing.T) {
	root := filepath.Join("..", "..")
	names := testNames(t, root)
	exists := func(path string) bool { _, err := os.Stat(filepath.Join(root, path)); return err == nil }
	doc, err := os.ReadFile(filepath.Join(root, "docs", "COVERAGE.md"))
	if err != nil {
		t.Fatal(err)
	}
	wrong, named := missingTests(string(doc), names, exists)
	for _, w := range wrong {
		t.Error(w)
	}
	if named < 100 {
		t.Errorf("only %d tests are named", named)
	}

	// It can fail.
	for _, line := range []string{
		"| a | holds | `fs.TestNoSuch` |", "| a | holds | `nowhere.TestGlob` |", "| a | holds | `TestNoSuchThing` |", "| a | holds | `testdata/cli/none.txtar` |", "| a | holds | |",
	} {
		if wrong, _ := missingTests("| f | w | t |\n|---|---|---|\n"+line, names, exists); len(wrong) != 1 {
			t.Errorf("%s: %v", line, wrong)
		}
	}
	if wrong, _ := missingTests("| f | w | t |\n|---|---|---|\n| a | holds | `fs.TestGlob` |\n| b | no: because | |", names, exists); len(wrong) != 0 {
		t.Error(wrong)
	}
}
