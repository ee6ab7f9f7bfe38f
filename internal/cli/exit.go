package cli

import (
	"context"
	"errors"
	"syscall"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/pushdown"
)

// The exit codes of both programs.
const (
	ExitOK         = 0
	ExitDiffers    = 1
	ExitUsage      = 2
	ExitBadData    = 3
	ExitIncomplete = 4
	ExitIO         = 5
	ExitAuth       = 6
	ExitLimit      = 7
	ExitSignal     = 130
)

// ErrDiffers ends a program whose answer is "no": inputs differ, nothing matches.
var ErrDiffers = errors.New("differs")

// ErrUsage is a command line that makes no sense.
var ErrUsage = errors.New("usage")

// errSignal is the cause of a context that a signal ended.
var errSignal = errors.New("interrupted")

// exitCodes is the one table from sentinel to exit code; the first that an
// error wraps decides.
var exitCodes = []struct {
	err  error
	kind string
	code int
}{
	{errSignal, "interrupted", ExitSignal},
	{syscall.EPIPE, "pipe", ExitOK},
	{ErrDiffers, "differs", ExitDiffers},
	{ErrUsage, "usage", ExitUsage},
	{arrowio.ErrKey, "auth", ExitAuth},
	{fs.ErrAuth, "auth", ExitAuth},
	{fs.ErrPermission, "auth", ExitAuth},
	{context.DeadlineExceeded, "timeout", ExitLimit},
	{fs.ErrChanged, "changed", ExitIO},
	{fs.ErrNotExist, "not found", ExitIO},
	{fs.ErrExist, "exists", ExitIO},
	{arrowio.ErrIncomplete, "incomplete", ExitIncomplete},
	{pushdown.ErrExpr, "usage", ExitUsage},
	{arrowio.ErrColumn, "usage", ExitUsage},
	{arrowio.ErrOption, "usage", ExitUsage},
	{fs.ErrOption, "usage", ExitUsage},
	{fs.ErrScheme, "usage", ExitUsage},
	{arrowio.ErrCorrupt, "corrupt", ExitBadData},
	{arrowio.ErrUnsupported, "unsupported", ExitBadData},
	{arrowio.ErrCast, "cast", ExitBadData},
	{arrowio.ErrLimit, "limit", ExitLimit},
	{context.Canceled, "interrupted", ExitSignal},
	{fs.ErrIO, "io", ExitIO},
	{fs.ErrUnsupported, "io", ExitIO},
}

// ExitCode is the code that a program ends with after an error.
func ExitCode(err error) int {
	_, code := classify(err)
	return code
}

func classify(err error) (kind string, code int) {
	if err == nil {
		return "", ExitOK
	}
	for _, e := range exitCodes {
		if errors.Is(err, e.err) {
			return e.kind, e.code
		}
	}
	return "error", ExitIO
}
