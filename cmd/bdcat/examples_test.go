package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/internal/cli"
)

// examples_test runs every line of every --help and of the README, as a person
// would, on data made for it.

func records(t *testing.T, s *arrow.Schema, json string) arrow.RecordBatch {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(json))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// exampleData makes the files that examples name.
func exampleData(t *testing.T, dir string) {
	t.Helper()
	flights := arrow.NewSchema([]arrow.Field{
		{Name: "year", Type: arrow.PrimitiveTypes.Int32}, {Name: "month", Type: arrow.PrimitiveTypes.Int32}, {Name: "day", Type: arrow.FixedWidthTypes.Date32},
		{Name: "carrier", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "flight", Type: arrow.PrimitiveTypes.Int32},
		{Name: "origin", Type: arrow.BinaryTypes.String}, {Name: "dest", Type: arrow.BinaryTypes.String},
		{Name: "dep_delay", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, {Name: "distance", Type: arrow.PrimitiveTypes.Int32},
	}, nil)
	row := func(month, i int) string {
		return fmt.Sprintf(`{"year":2013,"month":%d,"day":"2013-%02d-%02d","carrier":"%s","flight":%d,"origin":"%s","dest":"%s","dep_delay":%d,"distance":%d}`,
			month, month, 1+i%28, []string{"AA", "DL", "UA", "B6"}[i%4], 1000*month+i, []string{"JFK", "EWR", "LGA"}[i%3], []string{"HNL", "MIA", "BOS"}[i%3], i*7%200-20, 100+i)
	}
	var all []string
	for month := 1; month <= 3; month++ {
		var rows []string
		for i := range 40 {
			rows = append(rows, row(month, i))
		}
		all = append(all, rows...)
		name := filepath.Join(dir, "flights", fmt.Sprintf("2013-%02d.parquet", month))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, name, records(t, flights, "["+strings.Join(rows, ",")+"]"))
	}
	whole := records(t, flights, "["+strings.Join(all, ",")+"]")
	for _, name := range []string{"flights.parquet", "old.parquet"} {
		writeFile(t, filepath.Join(dir, name), whole)
	}
	changed := strings.Replace(strings.Join(all[1:], ","), `"distance":105`, `"distance":106`, 1)
	writeFile(t, filepath.Join(dir, "new.parquet"), records(t, flights, "["+changed+"]"))
	events := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "user", Type: arrow.StructOf(arrow.Field{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "email", Type: arrow.BinaryTypes.String, Nullable: true}), Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	}, nil)
	writeFile(t, filepath.Join(dir, "events.parquet"), records(t, events, `[{"id":1,"user":{"name":"Ada","email":"a@x"},"tags":["x","y"]},{"id":2,"user":null,"tags":[]}]`))
}

// runExample runs a line of shell and wants it to end well; of diff, whose
// files differ, with 1.
func runExample(t *testing.T, dir, host, line string) {
	t.Helper()
	cmd := exec.Command("bash", "-o", "pipefail", "-c", strings.ReplaceAll(line, "https://example.com", host))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "HOME="+dir)
	out, err := cmd.CombinedOutput()
	want := 0
	if regexp.MustCompile(`^bdcat diff`).MatchString(line) && strings.Contains(line, "new.parquet") && !strings.Contains(line, "--schema-only") {
		want = 1
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("%s\nexit code %d, want %d (%v)\n%s", line, got, want, err, out)
	}
}

func exampleHost(t *testing.T, dir string) string {
	t.Helper()
	srv := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(srv.Close)
	return srv.URL
}

var trailing = regexp.MustCompile(`\s{2,}# .*$`)

func TestHelpExamples(t *testing.T) {
	dir := t.TempDir()
	exampleData(t, dir)
	host := exampleHost(t, dir)
	root := newRoot(cli.New("bdcat"))
	n := 0
	for _, c := range append(root.Commands(), root) {
		if c.IsAvailableCommand() && c.Name() != "help" && c.Name() != "completion" && !c.HasExample() {
			t.Errorf("%s has no example", c.Name())
		}
		lines := strings.Split(strings.TrimSpace(c.Example), "\n")
		if len(lines) < 5 && (c == root || c.GroupID == groupRows) {
			t.Errorf("%s has %d examples", c.Name(), len(lines))
		}
		for _, line := range lines {
			line = trailing.ReplaceAllString(strings.TrimSpace(line), "")
			if line == "" {
				continue
			}
			if n++; !strings.HasPrefix(line, "bdcat ") {
				t.Errorf("%s: %q is no example of bdcat", c.Name(), line)
			}
			runExample(t, dir, host, line)
		}
	}
	if n < 70 {
		t.Errorf("%d examples were run", n)
	}
}

// TestHelpLeads: --help begins with the examples.
func TestHelpLeads(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {"cat", "--help"}, {"help", "inspect"}} {
		out, err := exec.Command("bdcat", args...).Output()
		if err != nil || !strings.HasPrefix(string(out), "Examples:\n  bdcat ") {
			t.Errorf("bdcat %v: %v\n%.200s", args, err, out)
		}
	}
}

// TestReadme runs the README's lines of both programs.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("builds bdconvert")
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, bin := t.TempDir(), t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "../bdconvert").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	exampleData(t, dir)
	if err := os.Rename(filepath.Join(dir, "flights"), filepath.Join(dir, "in")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "flights"), os.DirFS(filepath.Join(dir, "in"))); err != nil {
		t.Fatal(err)
	}
	host := exampleHost(t, dir)
	n := 0
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "bdcat ") || strings.HasPrefix(line, "bdconvert ") {
			line = trailing.ReplaceAllString(line, "")
			if strings.Contains(line, "--resume") { // as if the line before had not come to its end
				words := strings.Fields(line)
				if err := os.RemoveAll(filepath.Join(dir, words[len(words)-1])); err != nil {
					t.Fatal(err)
				}
			}
			runExample(t, dir, host, line)
			n++
		}
	}
	if n < 8 {
		t.Errorf("%d lines of the README were run", n)
	}
}
