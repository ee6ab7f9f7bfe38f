package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/internal/cli"
)

// comment is what an example says of itself, after some spaces.
var comment = regexp.MustCompile(`\s{2,}\S.*$`)

// TestExamples runs every line of the programs' examples, in order, in a folder
// that has what they speak of.
func TestExamples(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	script := "#!/bin/sh\nBDCONVERT_TEST_MAIN=1 exec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "bdconvert"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	ran := 0
	root, _ := newRoot(cli.New("bdconvert"))
	root.AddCommand(newPlan(cli.New("bdconvert")), newWorker(cli.New("bdconvert")), newCommit(cli.New("bdconvert")))
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		if c.Example == "" {
			continue
		}
		t.Chdir(examplesFolder(t))
		for line := range strings.SplitSeq(c.Example, "\n") {
			line = comment.ReplaceAllString(strings.TrimSpace(line), "")
			if out, err := exec.Command("bash", "-c", line).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
			ran++
		}
	}
	if ran < 8 {
		t.Errorf("%d examples", ran)
	}
}

// examplesFolder has data.parquet, in/a.parquet and in/b.parquet.
func examplesFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "day", Type: arrow.BinaryTypes.String},
		{Name: "b", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "y", Type: arrow.BinaryTypes.String})},
	}, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(
		`[{"a":1,"day":"2024-02-29","b":{"x":1,"y":"u"}},{"a":7,"day":"1969-12-31","b":{"x":2,"y":"v"}},{"a":null,"day":"2024-01-01","b":{"x":3,"y":"w"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data.parquet", "in/a.parquet", "in/b.parquet"} {
		sink, err := catalog.Create(context.Background(), filepath.Join(dir, name), s, catalog.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Write(context.Background(), rec); err != nil {
			t.Fatal(err)
		}
		if _, err := sink.Commit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
