package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bdkit/bdkit/catalog"
)

// TestMain lets the scripts run this test binary as bdcat, a process of its
// own with its own streams, signals and exit code.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bdcat": main})
}

// TestScripts runs testdata/cli; `UPDATE=1 go test ./cmd/bdcat` rewrites the
// goldens in it. Beside the usual commands a script has
//
//	exits CODE PROGRAM ARG…   runs a program that must end with that very code
//	pipes LINES PROGRAM ARG…  reads that many lines of its output and goes away;
//	                          the program must end with 0 and say nothing
//
// and finds elements.parquet, sorted.orc, types.parquet, floats.parquet, unicode.parquet,
// empty.parquet, near1.parquet and near2.parquet in its folder, and broken.parquet, elements
// with a wrong byte in a page.
func TestScripts(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "../bdconvert").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data := t.TempDir()
	writeFixtures(t, data)
	testscript.Run(t, testscript.Params{
		Dir:           "../../testdata/cli",
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "xdg"))
			e.Setenv("TZ", "UTC")
			return os.CopyFS(e.WorkDir, os.DirFS(data)) // scripts may change them
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "pipes": pipes},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func pipes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: pipes LINES PROGRAM ARG…")
	}
	script := fmt.Sprintf(`set -o pipefail; "$@" 2>pipes.err | head -n %s >/dev/null; echo "${PIPESTATUS[0]}"`, args[0])
	ts.Check(ts.Exec("bash", append([]string{"-c", script, "pipes"}, args[1:]...)...))
	if got := strings.TrimSpace(ts.ReadFile("stdout")); got != "0" {
		ts.Fatalf("exit code %s, want 0", got)
	}
	if got := ts.ReadFile("pipes.err"); got != "" {
		ts.Fatalf("stderr: %s", got)
	}
}

func writeFixtures(t *testing.T, dir string) {
	t.Helper()
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	elements := read("../../testdata/elements/elements.parquet")
	whole, err := catalog.OpenFile(context.Background(), "../../testdata/elements/elements.parquet", catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	broken := bytes.Clone(elements)
	broken[whole.Meta().Units[1].Columns[1].Offset+60] ^= 0xff // in the first page of its symbols
	for name, b := range map[string][]byte{"elements.parquet": elements, "broken.parquet": broken, "sorted.orc": read("../../formats/orc/testdata/sorted.orc")} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, rec := range map[string]arrow.RecordBatch{
		"types.parquet": typesBatch(t), "floats.parquet": floatsBatch(), "unicode.parquet": unicodeBatch(t), "empty.parquet": typesBatch(t).NewSlice(0, 0),
		"near1.parquet": nearBatch(t, 0), "near2.parquet": nearBatch(t, 1e-6),
	} {
		writeFile(t, filepath.Join(dir, name), rec)
	}
	// More than a pipe holds, in every form.
	b := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range int64(200_000) {
		b.Append(i * 1_000_003)
	}
	col := b.NewArray()
	s := arrow.NewSchema([]arrow.Field{{Name: "n", Type: col.DataType()}}, nil)
	if err := os.Mkdir(filepath.Join(dir, "big"), 0o777); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "big", "1.parquet"), array.NewRecordBatch(s, []arrow.Array{col}, int64(col.Len())))
}

func writeFile(t *testing.T, name string, rec arrow.RecordBatch) {
	t.Helper()
	ctx := context.Background()
	sink, err := catalog.Create(ctx, name, rec.Schema(), catalog.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	if err := sink.Write(ctx, rec); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

// typesBatch has a column of most types, three rows, the second all null.
func typesBatch(t *testing.T) arrow.RecordBatch {
	t.Helper()
	field := func(name string, dt arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: dt, Nullable: true}
	}
	s := arrow.NewSchema([]arrow.Field{
		field("b", arrow.FixedWidthTypes.Boolean), field("i", arrow.PrimitiveTypes.Int64), field("u", arrow.PrimitiveTypes.Uint64),
		field("dec", &arrow.Decimal128Type{Precision: 12, Scale: 3}), field("bin", arrow.BinaryTypes.Binary),
		field("day", arrow.FixedWidthTypes.Date32), field("at", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}),
		field("local", &arrow.TimestampType{Unit: arrow.Microsecond}), field("clock", arrow.FixedWidthTypes.Time32ms),
		field("tags", arrow.ListOf(arrow.BinaryTypes.String)), field("p", arrow.StructOf(field("x", arrow.PrimitiveTypes.Int32), field("y", arrow.BinaryTypes.String))),
		field("m", arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32)),
		field("k", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}),
	}, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(`[
{"b":true,"i":9007199254740993,"u":18446744073709551615,"dec":"-0.005","bin":"AP8=","day":"2024-02-29","at":"2024-02-29T12:34:56.789Z","local":"1969-12-31 23:59:59.999999","clock":"01:02:03.004","tags":["a","b,c",null],"p":{"x":1,"y":"q\"uote"},"m":[{"key":"k","value":1}],"k":"red"},
{"b":null,"i":null,"u":null,"dec":null,"bin":null,"day":null,"at":null,"local":null,"clock":null,"tags":null,"p":null,"m":null,"k":null},
{"b":false,"i":-1,"u":0,"dec":"123456789.000","bin":"","day":"0001-01-01","at":"1970-01-01T00:00:00Z","local":"2024-01-01 00:00:00","clock":"00:00:00","tags":[],"p":{"x":null,"y":""},"m":[],"k":"blue"}]`))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func floatsBatch() arrow.RecordBatch {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues([]float64{0, math.Copysign(0, -1), 1.5, 1e300, 5e-324, math.NaN(), math.Inf(1), math.Inf(-1)}, nil)
	b.AppendNull()
	col := b.NewArray()
	s := arrow.NewSchema([]arrow.Field{{Name: "f", Type: col.DataType(), Nullable: true}}, nil)
	return array.NewRecordBatch(s, []arrow.Array{col}, int64(col.Len()))
}

// nearBatch has floats that are off by so much, flat and nested.
func nearBatch(t *testing.T, off float64) arrow.RecordBatch {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: arrow.BinaryTypes.String}, {Name: "w", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "p", Type: arrow.StructOf(arrow.Field{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64), Nullable: true}), Nullable: true},
	}, nil)
	var rows []string
	for i, k := range []string{"a", "b", "c"} {
		w := float64(i) + off
		rows = append(rows, fmt.Sprintf(`{"k":%q,"w":%v,"p":{"l":[%v,null,1.5]}}`, k, w, w))
	}
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader("["+strings.Join(rows, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func unicodeBatch(t *testing.T) arrow.RecordBatch {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "名前", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true}}, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(
		`[{"名前":"東京","n":1},{"名前":"e\u0301te\u0301","n":22},{"名前":"👩‍🚀 ok","n":333},{"名前":"tab\tline\nesc\u001b[31m","n":4},{"名前":"a|b","n":5},{"名前":"","n":6},{"名前":"a,\"b\"","n":7}]`))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}
