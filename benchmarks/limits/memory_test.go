package limits

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
)

// peakMiB runs a program and gives its standard error and the peak of its
// memory, VmHWM, which only grows, as it last stood.
func peakMiB(t *testing.T, name string, args ...string) (stderr string, peak int) {
	t.Helper()
	cmd := exec.Command(program(t, name), args...)
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=", "GOGC=")
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case err := <-done:
			tick.Stop()
			if err != nil {
				t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &out)
			}
			return out.String(), peak
		case <-tick.C:
			b, _ := os.ReadFile(status) // it may be gone
			for line := range strings.Lines(string(b)) {
				if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
					if kib, err := strconv.Atoi(f[1]); err == nil {
						peak = max(peak, kib>>10)
					}
				}
			}
		}
	}
}

// oneRowGroup makes a file of one row group of some bytes: numbers, text, lists.
func oneRowGroup(w io.Writer, size int64) error {
	r := rand.New(rand.NewPCG(1, 1))
	s := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	lists := b.Field(3).(*array.ListBuilder)
	for i := range 100_000 {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.Float64Builder).Append(r.Float64())
		b.Field(2).(*array.StringBuilder).Append(strings.Repeat(string(rune('a'+r.IntN(26))), 20+r.IntN(100)))
		lists.Append(true)
		for range r.IntN(5) {
			lists.ValueBuilder().(*array.Int32Builder).Append(int32(r.IntN(1000)))
		}
	}
	rec := b.NewRecordBatch()
	raw, err := encode(rec.Schema(), map[string]string{"codec": "none", "dict": "off"}, func(w arrowio.Sink) error {
		return w.Write(context.Background(), rec)
	})
	if err != nil {
		return err
	}
	return repeat(w, raw, int(size/int64(len(raw)))+1, 1)
}

// TestMemory: a row group is streamed, however large it is.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("large files")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("SKIPPED: no /proc to read a process's peak memory from")
	}
	const size, most = int64(2 << 30), 384
	in := cached(t, fmt.Sprintf("one-row-group-%dMiB-v1.parquet", size>>20), func(w io.Writer) error { return oneRowGroup(w, size) })
	if st, err := os.Stat(in); err != nil || st.Size() < size {
		t.Fatalf("%v, %v", st, err)
	}
	out := filepath.Join(t.TempDir(), "out.parquet")
	for _, c := range [][]string{
		{"bdcat", "cat", "-o", "none", "--memory", "256M", in},
		{"bdconvert", in, out},
	} {
		start := time.Now()
		stderr, peak := peakMiB(t, c[0], c[1:]...)
		t.Logf("%s: %d MiB in %.1f s; %s", strings.Join(c, " "), peak, time.Since(start).Seconds(), strings.TrimSpace(stderr))
		if peak == 0 || peak >= most {
			t.Errorf("%s takes %d MiB, %d are allowed", c[0], peak, most)
		}
	}
	ctx := context.Background()
	rows := func(name string) int64 {
		f, err := catalog.OpenFile(ctx, name, catalog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return f.NumRows()
	}
	if a, b := rows(in), rows(out); a != b || a == 0 {
		t.Errorf("%d rows went in, %d came out", a, b)
	}
}
