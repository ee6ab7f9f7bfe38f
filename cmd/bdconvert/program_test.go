package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/convert"
)

// TestMain lets the tests run this test binary as bdconvert, a process of its
// own that can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("BDCONVERT_TEST_MAIN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is bdconvert at work.
type process struct {
	*exec.Cmd
	out    bytes.Buffer
	events chan convert.Event // of --progress json; closed at the end
	said   *bytes.Buffer      // the rest of standard error; complete when events is closed
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, args...), events: make(chan convert.Event, 100_000), said: &bytes.Buffer{}}
	p.Env = append(os.Environ(), "BDCONVERT_TEST_MAIN=1", "XDG_CONFIG_HOME="+t.TempDir())
	p.Stdout = &p.out
	errs, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.events)
		s := bufio.NewScanner(errs)
		for s.Scan() {
			var e convert.Event
			if json.Unmarshal(s.Bytes(), &e) == nil && e.Phase != "" {
				p.events <- e
			} else {
				fmt.Fprintln(p.said, s.Text())
			}
		}
		_, _ = io.Copy(io.Discard, errs) // a line too long
	}()
	return p
}

// end waits for the process and gives its exit code; -1 if a signal ended it.
func (p *process) end() int {
	for range p.events {
	}
	_ = p.Wait() // the code tells
	return p.ProcessState.ExitCode()
}

// must runs bdconvert, which must succeed.
func must(t *testing.T, args ...string) *process {
	t.Helper()
	p := start(t, args...)
	if code := p.end(); code != 0 {
		t.Fatalf("bdconvert %s: exit code %d\n%s", strings.Join(args, " "), code, p.said)
	}
	return p
}

// numbered writes rows with n from first on, and a column p of n modulo parts.
func numbered(t *testing.T, name string, first, n, parts int, rowGroup string) {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "p", Type: arrow.PrimitiveTypes.Int32}, {Name: "text", Type: arrow.BinaryTypes.String},
	}, nil)
	ctx := context.Background()
	sink, err := catalog.Create(ctx, name, s, catalog.CreateOptions{Formats: formats.Options{Set: map[string]string{"row-group-rows": rowGroup, "codec": "snappy"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	for at := 0; at < n; at += 10_000 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, s)
		for i := first + at; i < first+min(at+10_000, n); i++ {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			b.Field(1).(*array.Int32Builder).Append(int32(i * 7919 % parts))
			b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("text of row %d", i*i))
		}
		if err := sink.Write(ctx, b.NewRecordBatch()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sink.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

// counts gives how often each n is in the files below a folder that readers see,
// each of which must be whole, and the number of files.
func counts(t *testing.T, dir string) (rows map[int64]int, files int) {
	t.Helper()
	ctx := context.Background()
	rows = map[int64]int{}
	list, err := catalog.Files(ctx, dir, catalog.Options{})
	if err != nil {
		return rows, 0
	}
	for _, f := range list {
		r, err := f.Open(ctx, catalog.Options{})
		if err != nil {
			t.Fatalf("a file that is not whole, under its final name: %v", err)
		}
		for rec, err := range arrowio.Batches(ctx, r, arrowio.ScanRequest{}, arrowio.RunOptions{Jobs: 1}) {
			if err != nil {
				t.Fatalf("a file that is not whole, under its final name: %v", err)
			}
			for _, v := range rec.Column(rec.Schema().FieldIndices("n")[0]).(*array.Int64).Values() {
				rows[v]++
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return rows, len(list)
}

// stray are the files below a folder, hidden ones too, that are no data.
func stray(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(p, ".parquet") {
			out = append(out, p)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out
}
