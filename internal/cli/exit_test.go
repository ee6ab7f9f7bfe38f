package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/pushdown"
)

// TestExitCode is the table of CLI.md §4 and §6.
func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {syscall.EPIPE, 0}, {ErrDiffers, 1}, {ErrUsage, 2}, {pushdown.ErrExpr, 2}, {arrowio.ErrColumn, 2}, {arrowio.ErrOption, 2}, {fs.ErrOption, 2}, {fs.ErrScheme, 2},
		{arrowio.ErrCorrupt, 3}, {arrowio.ErrUnsupported, 3}, {arrowio.ErrCast, 3}, {arrowio.ErrIncomplete, 4},
		{fs.ErrNotExist, 5}, {fs.ErrExist, 5}, {fs.ErrChanged, 5}, {fs.ErrIO, 5}, {errors.New("?"), 5},
		{arrowio.ErrKey, 6}, {fs.ErrAuth, 6}, {fs.ErrPermission, 6}, {arrowio.ErrLimit, 7}, {context.DeadlineExceeded, 7}, {errSignal, 130}, {context.Canceled, 130},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
		if c.err == nil {
			continue
		}
		for _, wrapped := range []error{
			fmt.Errorf("x: %w", c.err),
			&arrowio.Error{Op: "read", URL: "s3://b/k", Err: c.err},
			&fs.Error{Op: "read", URL: "s3://b/k", Err: &os.PathError{Op: "read", Path: "k", Err: c.err}},
		} {
			if got := ExitCode(wrapped); got != c.want {
				t.Errorf("%v: exit code %d, want %d", wrapped, got, c.want)
			}
		}
	}
}

func TestReport(t *testing.T) {
	err := fmt.Errorf("outer: %w", &arrowio.Error{Op: "read", URL: "s3://b/k", Unit: "row group 3", Column: "a.b", Offset: 91822, Hint: "bdcat check", Err: arrowio.ErrCorrupt})
	var b bytes.Buffer
	a := &App{Prog: "bdcat", Stderr: &b}
	a.report(err)
	if want := "bdcat: outer: s3://b/k: row group 3, column a.b: at offset 91822: corrupt data (try: bdcat check)\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	b.Reset()
	a.LogFormat = "json"
	a.report(err)
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]any{"kind": "corrupt", "url": "s3://b/k", "unit": "row group 3", "column": "a.b", "offset": 91822.0, "hint": "bdcat check"} {
		if got[k] != want {
			t.Errorf("%s: %v, want %v", k, got[k], want)
		}
	}
	b.Reset()
	for _, quiet := range []error{nil, ErrDiffers, syscall.EPIPE} {
		a.report(quiet)
	}
	if b.Len() > 0 {
		t.Errorf("an error that is an answer is printed: %q", b.String())
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestLostOutput: a command that does not look at its writes fails all the
// same when they do, but for a reader that went away.
func TestLostOutput(t *testing.T) {
	for err, want := range map[error]int{syscall.ENOSPC: ExitIO, syscall.EPIPE: ExitOK} {
		a := &App{Prog: "x", Stdin: bytes.NewReader(nil), Stdout: failing{err}, Stderr: io.Discard, warned: map[string]bool{}, Color: "auto", LogFormat: "text"}
		root := &cobra.Command{Use: "x", RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(a.Stdout, 42)
			return nil
		}}
		if got := a.Main(root, nil); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}
