package mem_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/fstest"
	"github.com/bdkit/bdkit/fs/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	fstest.Run(t, func(t *testing.T) fs.FileSystem { return mem.New() })
}

// The contract does not depend on how requests are merged.
func TestSuiteCoalescing(t *testing.T) {
	fstest.Run(t, func(t *testing.T) fs.FileSystem {
		return mem.New().WithCaps(func(c *fs.Caps) { c.CoalesceGap, c.CoalesceMax, c.Parallel = 3000, 20000, 16 })
	})
}

func TestNamed(t *testing.T) {
	t.Cleanup(func() { mem.Drop("shared") })
	w, err := mem.Named("shared").Create(t.Context(), "a b", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	url := mem.Named("shared").URL("a b")
	fsys, name, err := fs.Resolve(t.Context(), url, nil)
	if err != nil || name != "a b" {
		t.Fatal(name, err)
	}
	if _, err := fsys.Stat(t.Context(), name); err != nil {
		t.Error(err)
	}
	mem.Drop("shared")
	if _, err := mem.Named("shared").Stat(t.Context(), name); err == nil {
		t.Error("a dropped store is still there")
	}
}
