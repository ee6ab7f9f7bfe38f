package local_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/fstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	fstest.Run(t, func(t *testing.T) fs.FileSystem { l, _ := newFS(t); return l })
}
