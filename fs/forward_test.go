package fs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/bdkit/bdkit/fs"
)

func TestForward(t *testing.T) {
	ctx := t.Context()
	f := fs.Forward(iotest.OneByteReader(strings.NewReader("0123456789")), "pipe")
	if !fs.IsForward(f) || f.String() != "pipe" {
		t.Error("not what it is")
	}
	a, b := make([]byte, 2), make([]byte, 3)
	if err := f.ReadRanges(ctx, []fs.Range{{Off: 5, Dst: b}, {Off: 1, Dst: a}}); err != nil || string(a)+string(b) != "12567" {
		t.Fatalf("%q %q %v", a, b, err)
	}
	c, d := make([]byte, 1), make([]byte, 1)
	if err := f.ReadRanges(ctx, []fs.Range{{Off: 8, Dst: a[:1]}, {Off: 8, Dst: c}, {Off: 8, Dst: d}}); err != nil || a[0] != '8' || c[0] != '8' || d[0] != '8' {
		t.Fatalf("%q %q %q %v", a, c, d, err)
	}
	if err := f.ReadRanges(ctx, []fs.Range{{Off: 2, Dst: a}}); !errors.Is(err, fs.ErrUnsupported) {
		t.Errorf("going back: %v", err)
	}
	if _, _, err := f.Tail(ctx, a); !errors.Is(err, fs.ErrUnsupported) {
		t.Errorf("tail: %v", err)
	}
	if err := f.ReadRanges(ctx, []fs.Range{{Off: 9, Dst: a}}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("across the end: %v", err)
	}
	if err := f.ReadRanges(ctx, []fs.Range{{Off: 10, Dst: a}}); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := f.ReadRanges(ctx, []fs.Range{{Off: 10, Dst: a}}); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// TestForwardCancel: a pipe that gives nothing does not hold a read that is
// cancelled.
func TestForwardCancel(t *testing.T) {
	r, w := io.Pipe()
	f := fs.Forward(r, "pipe")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := f.ReadRanges(ctx, []fs.Range{{Dst: make([]byte, 1)}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	go func() { _, _ = w.Write([]byte("late")) }()
	b := make([]byte, 4)
	if err := f.ReadRanges(t.Context(), []fs.Range{{Dst: b}}); err != nil || !bytes.Equal(b, []byte("late")) {
		t.Errorf("%q %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
