// Package architecture holds the tests that keep the shape of the module: who
// may import whom, how long a file may grow.
package architecture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/bdkit/bdkit"

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// load lists the module's packages with their direct and whole imports.
func load(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[p.ImportPath] = p
	}
	return pkgs
}

// isDriver tells the leaf packages that only bundles, catalog, programs and
// tests import.
func isDriver(p string) bool {
	rel := strings.TrimPrefix(p, module+"/")
	dir, name := path.Split(rel)
	switch dir {
	case "fs/":
		return name != "layer" && name != "fstest"
	case "connectors/":
		return name != "all" && name != "connectortest"
	}
	return false
}

func TestDependencyRule(t *testing.T) {
	pkgs := load(t)
	for name, p := range pkgs {
		if !strings.HasPrefix(name, module) {
			continue
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
		top, _, _ := strings.Cut(rel, "/")

		// The core never compiles the heavy parts of arrow-go, nor grpc.
		if top != "cmd" && top != "benchmarks" && top != "internal" {
			for _, d := range p.Deps {
				for _, heavy := range []string{"/arrow/compute", "/arrow/flight", "/arrow/extensions", "/parquet/pqarrow", "google.golang.org/grpc"} {
					if strings.Contains(d, heavy) {
						t.Errorf("%s depends on %s", rel, d)
					}
				}
			}
		}
		for _, d := range p.Imports {
			ours := strings.HasPrefix(d, module)
			drel := strings.TrimPrefix(d, module+"/")
			dtop, _, _ := strings.Cut(drel, "/")
			switch {
			case top == "fs" && (rel == "fs" || rel == "fs/layer" || rel == "fs/local" || rel == "fs/mem" || rel == "fs/httpfs"):
				if !pkgs[d].Standard && dtop != "fs" {
					t.Errorf("%s is standard library only, and imports %s", rel, d)
				}
			case top == "pushdown" && ours && dtop != "pushdown" && dtop != "internal":
				t.Errorf("%s imports %s: pushdown stands on arrow alone", rel, drel)
			case top == "arrowio" && ours && dtop != "arrowio" && dtop != "pushdown" && dtop != "fs" && dtop != "internal":
				t.Errorf("%s imports %s", rel, drel)
			case top == "formats" && ours && (dtop == "connectors" || dtop == "catalog" || dtop == "cmd"):
				t.Errorf("%s imports %s", rel, drel)
			case top == "connectors" && ours && (dtop == "catalog" || dtop == "cmd"):
				t.Errorf("%s imports %s", rel, drel)
			case top == "internal" && ours && dtop == "cmd":
				t.Errorf("%s imports %s", rel, drel)
			}
			if ours && isDriver(d) && !strings.HasPrefix(name, d) {
				if top != "catalog" && top != "cmd" && top != "benchmarks" && path.Base(rel) != "all" && !strings.HasSuffix(rel, "test") {
					t.Errorf("%s imports the driver %s: only bundles, catalog, programs and suites do", rel, drel)
				}
			}
		}
	}
}

// A file is one noun. The limit leaves room over the aim of 500 lines.
func TestFileLength(t *testing.T) {
	const limit = 700
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_gen.go") {
			return nil
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		n := 0
		for s := bufio.NewScanner(f); s.Scan(); n++ {
		}
		if n > limit {
			t.Errorf("%s has %d lines, the limit is %d", strings.TrimPrefix(p, root+"/"), n, limit)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
