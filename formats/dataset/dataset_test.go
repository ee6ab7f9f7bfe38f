package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats"
	_ "github.com/bdkit/bdkit/formats/arrowipc"
	"github.com/bdkit/bdkit/formats/dataset"
	_ "github.com/bdkit/bdkit/formats/parquet"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/mem"
	"github.com/bdkit/bdkit/pushdown"
)

// store is files in memory, and counts how often one is opened.
type store struct {
	t     testing.TB
	fsys  *mem.FS
	files []dataset.File
	opens atomic.Int64
	open  atomic.Int64 // now
	names []string
}

func newStore(t testing.TB) *store { return &store{t: t, fsys: mem.New()} }

// add writes a file of JSON rows, in the format of its extension.
func (s *store) add(name string, schema *arrow.Schema, json string) {
	s.t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(json))
	if err != nil {
		s.t.Fatal(err)
	}
	s.addBatch(name, rec)
}

func (s *store) addBatch(name string, rec arrow.RecordBatch) {
	s.t.Helper()
	ctx := context.Background()
	w, err := s.fsys.Create(ctx, name, fs.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	o := formats.Options{}
	if strings.HasSuffix(name, ".parquet") {
		o.Set = map[string]string{"row-group-rows": "40"}
	}
	k, err := formats.ByExtension(name).NewSink(w, rec.Schema(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := k.Write(ctx, rec); err != nil {
		s.t.Fatal(err)
	}
	if _, err := k.Commit(ctx); err != nil {
		s.t.Fatal(err)
	}
	s.files = append(s.files, dataset.File{Name: name, Path: name})
}

// counted tells when a reader is closed.
type counted struct {
	formats.FileReader
	s *store
}

func (c counted) Close() error {
	c.s.open.Add(-1)
	return c.FileReader.Close()
}

func (s *store) reader(ctx context.Context, name string) (formats.FileReader, error) {
	f, err := s.fsys.Open(ctx, name, fs.OpenOptions{})
	if err != nil {
		return nil, err
	}
	r, err := formats.ByExtension(name).Open(ctx, f, formats.Options{})
	if err != nil {
		return nil, err
	}
	s.opens.Add(1)
	s.open.Add(1)
	return counted{r, s}, nil
}

func (s *store) table(o dataset.Options) (*dataset.Table, error) {
	return dataset.New(context.Background(), s.files, s.reader, o)
}

func (s *store) must(o dataset.Options) *dataset.Table {
	s.t.Helper()
	t, err := s.table(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

func fields(t testing.TB, text string) *arrow.Schema {
	t.Helper()
	types := map[string]arrow.DataType{
		"i8": arrow.PrimitiveTypes.Int8, "i32": arrow.PrimitiveTypes.Int32, "i64": arrow.PrimitiveTypes.Int64, "u64": arrow.PrimitiveTypes.Uint64, "u16": arrow.PrimitiveTypes.Uint16,
		"f32": arrow.PrimitiveTypes.Float32, "f64": arrow.PrimitiveTypes.Float64, "s": arrow.BinaryTypes.String, "ls": arrow.BinaryTypes.LargeString, "b": arrow.FixedWidthTypes.Boolean,
		"date": arrow.FixedWidthTypes.Date32, "ms": &arrow.TimestampType{Unit: arrow.Millisecond}, "us": &arrow.TimestampType{Unit: arrow.Microsecond}, "usz": &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
		"d52": &arrow.Decimal128Type{Precision: 5, Scale: 2}, "d94": &arrow.Decimal128Type{Precision: 9, Scale: 4},
		"st": arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, arrow.Field{Name: "y", Type: arrow.BinaryTypes.String, Nullable: true}),
		"sx": arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}),
		"li": arrow.ListOf(arrow.PrimitiveTypes.Int32), "ll": arrow.ListOf(arrow.PrimitiveTypes.Int64),
	}
	var out []arrow.Field
	for f := range strings.FieldsSeq(text) {
		name, typ, _ := strings.Cut(f, ":")
		typ, id, _ := strings.Cut(typ, "#")
		dt, ok := types[typ]
		if !ok {
			t.Fatal(f)
		}
		g := arrow.Field{Name: name, Type: dt, Nullable: true}
		if id != "" {
			g.Metadata = arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{id})
		}
		out = append(out, g)
	}
	return arrow.NewSchema(out, nil)
}

// rowsOf gives the rows of a request in order.
func rowsOf(t testing.TB, tab arrowio.Table, columns, where string) []string {
	t.Helper()
	out, err := tryRows(tab, columns, where)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryRows(tab arrowio.Table, columns, where string) (out []string, err error) {
	req := arrowio.ScanRequest{Ordered: true}
	for c := range strings.FieldsSeq(columns) {
		p, err := pushdown.ParsePath(c)
		if err != nil {
			return nil, err
		}
		req.Columns = append(req.Columns, p)
	}
	if where != "" {
		if req.Filter, err = pushdown.Parse(where); err != nil {
			return nil, err
		}
	}
	for rec, err := range arrowio.Batches(context.Background(), tab, req, arrowio.RunOptions{Jobs: 2}) {
		if err != nil {
			return nil, err
		}
		for i := range int(rec.NumRows()) {
			var cells []string
			for _, c := range rec.Columns() {
				cells = append(cells, c.ValueStr(i))
			}
			out = append(out, strings.Join(cells, " "))
		}
	}
	return out, nil
}

// TestPartitionTypes: the rules of the folders' values, row by row of doc.go.
func TestPartitionTypes(t *testing.T) {
	for _, c := range []struct {
		folders string
		o       dataset.Options
		typ     string // of the column k; "" has none; else an error if it begins with "!"
		values  string
	}{
		{"k=1 k=-5 k=0", dataset.Options{}, "int64", "1 -5 0"},
		{"k=00 k=01 k=23", dataset.Options{}, "utf8", "00 01 23"},
		{"k=1 k=007", dataset.Options{}, "utf8", "1 007"},
		{"k=+1 k=2", dataset.Options{}, "utf8", "+1 2"},
		{"k=-0", dataset.Options{}, "utf8", "-0"},
		{"k=9223372036854775807 k=1", dataset.Options{}, "int64", "9223372036854775807 1"},
		{"k=9223372036854775808 k=1", dataset.Options{}, "utf8", "9223372036854775808 1"},
		{"k=2024-02-29 k=1969-12-31", dataset.Options{}, "date32", "2024-02-29 1969-12-31"},
		{"k=2024-02-30 k=2024-01-01", dataset.Options{}, "utf8", "2024-02-30 2024-01-01"},
		{"k=1.5 k=2", dataset.Options{}, "utf8", "1.5 2"},
		{"k=true", dataset.Options{}, "utf8", "true"},
		{"k=", dataset.Options{}, "utf8", ""},
		{"k=1 k=__HIVE_DEFAULT_PARTITION__", dataset.Options{}, "int64", "1 (null)"},
		{"k=__HIVE_DEFAULT_PARTITION__", dataset.Options{}, "utf8", "(null)"},
		{"k=a%2Fb k=%C3%A9%20x k=%zz", dataset.Options{}, "utf8", "a/b é x %zz"},
		{"k=00 k=01", dataset.Options{PartitionTypes: map[string]arrow.DataType{"k": arrow.PrimitiveTypes.Int32}}, "int32", "0 1"},
		{"k=1 k=2", dataset.Options{PartitionTypes: map[string]arrow.DataType{"k": arrow.BinaryTypes.String}}, "utf8", "1 2"},
		{"k=1 k=x", dataset.Options{PartitionTypes: map[string]arrow.DataType{"k": arrow.PrimitiveTypes.Int32}}, "!k=x/f.arrow", ""},
		{"k=1 k=300", dataset.Options{PartitionTypes: map[string]arrow.DataType{"k": arrow.PrimitiveTypes.Int8}}, "!k=300/f.arrow", ""},
		{"k=1", dataset.Options{PartitionTypes: map[string]arrow.DataType{"j": arrow.PrimitiveTypes.Int8}}, "!no folder j", ""},
		{"k=1 k=2", dataset.Options{Hive: dataset.HiveOff}, "", ""},
		{"k=1 plain", dataset.Options{}, "", ""},
		{"k=1 j=2", dataset.Options{}, "", ""},
		{"k=1 j=2", dataset.Options{Hive: dataset.HiveOn}, "!other keys", ""},
		{"k=1/k=2", dataset.Options{}, "!twice", ""},
		{"j=5/k=1 j=5/k=2", dataset.Options{}, "int64", "1 2"},
		// A column of the files' own name.
		{"a=1 a=2", dataset.Options{}, "a", "1 2"},
		{"a=x", dataset.Options{}, "!a=x/f.arrow", ""},
		{"a=x", dataset.Options{PartitionTypes: map[string]arrow.DataType{"a": arrow.BinaryTypes.String}}, "a", "x"},
	} {
		t.Run(c.folders, func(t *testing.T) {
			s := newStore(t)
			for f := range strings.FieldsSeq(c.folders) {
				s.add(f+"/f.arrow", fields(t, "a:i32"), `[{"a": 77}]`)
			}
			tab, err := s.table(c.o)
			if why, bad := strings.CutPrefix(c.typ, "!"); bad {
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Fatalf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			key := "k"
			if c.typ == "a" {
				key = "a"
			} else if f, ok := tab.Schema().FieldsByName("k"); c.typ == "" && ok || c.typ != "" && (!ok || f[0].Type.String() != c.typ) {
				t.Fatalf("%v", tab.Schema())
			}
			if c.typ == "" {
				return
			}
			if got := strings.Join(rowsOf(t, tab, key, ""), " "); got != c.values {
				t.Errorf("%q, want %q", got, c.values)
			}
		})
	}
}

// TestEvolve: the default schema is the first file's.
func TestEvolve(t *testing.T) {
	s := newStore(t)
	s.add("1.arrow", fields(t, "a:i64 b:s c:st"), `[{"a": 1, "b": "x", "c": {"x": 5, "y": "z"}}]`)
	s.add("2.parquet", fields(t, "c:sx a:i8"), `[{"a": 2, "c": {"x": 6}}]`)
	s.add("3.arrow", fields(t, "extra:b b:ls a:f64"), `[{"a": 3, "b": "y", "extra": true}]`)
	tab := s.must(dataset.Options{})
	want := []string{`1 x {"x":5,"y":"z"}`, `2 (null) {"x":6,"y":null}`, `3 y (null)`}
	if got := rowsOf(t, tab, "", ""); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	for where, n := range map[string]int{"a > 1": 2, "a > 1.5": 2, "a = 2": 1, "b IS NULL": 1, "b IS NULL OR c IS NULL": 2, "c.x >= 5": 2, "b = 'y' AND a = 3": 1, "c.y IS NULL": 2, "a = 300": 0} {
		if got := rowsOf(t, tab, "c.x a", where); len(got) != n {
			t.Errorf("%s: %q", where, got)
		}
	}
	s.add("4.arrow", fields(t, "a:f64"), `[{"a": 1.5}]`)
	if _, err := tryRows(s.must(dataset.Options{}), "a", ""); !errors.Is(err, arrowio.ErrCast) || !strings.Contains(err.Error(), "4.arrow") || !strings.Contains(err.Error(), "1.arrow") {
		t.Errorf("a value that does not fit: %v", err)
	}
	s.add("5.arrow", fields(t, "a:s"), `[{"a": "1"}]`)
	if _, err := tryRows(s.must(dataset.Options{}), "a", "a = 1 AND b = 'q'"); !errors.Is(err, arrowio.ErrCast) || !strings.Contains(err.Error(), "5.arrow") || !strings.Contains(err.Error(), "1.arrow") {
		t.Errorf("another type: %v", err)
	}
	if _, err := tryRows(s.must(dataset.Options{Strict: true}), "a", ""); !errors.Is(err, arrowio.ErrCast) || !strings.Contains(err.Error(), "2.parquet") {
		t.Errorf("strict: %v", err)
	}
	twice := newStore(t)
	twice.add("d=1/1.arrow", fields(t, "a:i64"), `[{}]`)
	twice.add("d=1/2.arrow", fields(t, "b:i64 a:s a:i64"), `[{}]`)
	if _, err := tryRows(twice.must(dataset.Options{}), "", ""); err == nil || !strings.Contains(err.Error(), "2.arrow") {
		t.Errorf("a name twice: %v", err)
	}
	given := s.must(dataset.Options{Schema: fields(t, "a:s new:i32")})
	if got := rowsOf(t, given, "", "a != '1.5'"); !slices.Equal(got, []string{"1 (null)", "2 (null)", "3 (null)", "1 (null)"}) {
		t.Errorf("a schema that is given: %q", got)
	}
	if s.open.Load() != 0 {
		t.Errorf("%d files are open", s.open.Load())
	}
}

// TestUnion: schemas united by name and by id.
func TestUnion(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"a:i8", "a:i32", "a:i32"}, {"a:i8", "a:u16", "a:i32"}, {"a:i64", "a:u64", "a:decimal(20, 0)"}, {"a:f32", "a:f64", "a:f64"}, {"a:i32", "a:f32", "a:f64"},
		{"a:i64", "a:f64", "!"}, {"a:d52", "a:d94", "a:decimal(9, 4)"}, {"a:d52", "a:i32", "a:decimal(12, 2)"}, {"a:s", "a:ls", "a:large_utf8"}, {"a:s", "a:i32", "!"},
		{"a:ms", "a:us", "a:us"}, {"a:us", "a:usz", "!"}, {"a:date", "a:us", "a:us"}, {"a:st", "a:sx", "a:struct<x: int64 nullable, y: utf8 nullable>"},
		{"a:li", "a:ll", "a:ll"}, {"a:b", "a:i32", "!"}, {"a:i32 b:s", "c:b a:i32", "a:i32 b:s c:b"},
	} {
		t.Run(c.a+" and "+c.b, func(t *testing.T) {
			s := newStore(t)
			s.add("1.arrow", fields(t, c.a), `[{}]`)
			s.add("2.arrow", fields(t, c.b), `[{}]`)
			tab, err := s.table(dataset.Options{UnionByName: true})
			if c.want == "!" {
				if !errors.Is(err, arrowio.ErrCast) || !strings.Contains(err.Error(), "1.arrow") || !strings.Contains(err.Error(), "2.arrow") {
					t.Fatalf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range tab.Schema().Fields() {
				got = append(got, f.Name+":"+f.Type.String())
			}
			want := c.want
			for f := range strings.FieldsSeq(want) {
				if name, short, ok := strings.Cut(f, ":"); ok && len(short) <= 3 && !strings.Contains(want, "struct") {
					want = strings.Replace(want, f, name+":"+fields(t, f).Field(0).Type.String(), 1)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%v, want %s", got, want)
			}
			if n := len(rowsOf(t, tab, "", "")); n != 2 {
				t.Errorf("%d rows", n)
			}
		})
	}
	s := newStore(t)
	s.add("1.arrow", fields(t, "a:i32#1 b:s#2"), `[{"a": 1, "b": "x"}]`)
	s.add("2.arrow", fields(t, "b:i64#1 new:s#3 a:s#2"), `[{"b": 2, "a": "y", "new": "n"}]`)
	tab := s.must(dataset.Options{UnionByID: true})
	if got := rowsOf(t, tab, "", ""); !slices.Equal(got, []string{"1 x (null)", "2 y n"}) {
		t.Errorf("by id: %q in %v", got, tab.Schema())
	}
	if got := rowsOf(t, tab, "b", "a = 2"); !slices.Equal(got, []string{"y"}) {
		t.Errorf("by id, filtered: %q", got)
	}
}

// TestCase: names in any case, and what is ambiguous then.
func TestCase(t *testing.T) {
	s := newStore(t)
	s.add("K=1/1.arrow", fields(t, "Name:s id:i32"), `[{"Name": "x", "id": 1}]`)
	s.add("K=1/2.parquet", fields(t, "ID:i64 NAME:s"), `[{"NAME": "y", "ID": 2}]`)
	if got := rowsOf(t, s.must(dataset.Options{}), "", ""); !slices.Equal(got, []string{"x 1 1", "(null) (null) 1"}) {
		t.Errorf("%q", got)
	}
	tab := s.must(dataset.Options{CaseInsensitive: true})
	if got := rowsOf(t, tab, "", "id >= 1"); !slices.Equal(got, []string{"x 1 1", "y 2 1"}) {
		t.Errorf("%q", got)
	}
	s.add("K=1/3.arrow", fields(t, "name:s Name:s"), `[{}]`)
	if _, err := tryRows(s.must(dataset.Options{CaseInsensitive: true}), "Name", ""); !errors.Is(err, arrowio.ErrColumn) || !strings.Contains(err.Error(), "3.arrow") {
		t.Errorf("%v", err)
	}
}

// TestVirtual: the columns of a row's file and place, with filters over them.
func TestVirtual(t *testing.T) {
	for _, ext := range []string{"parquet", "arrow", "arrows"} {
		s := newStore(t)
		for f := range 3 {
			var rows []string
			for i := range 100 {
				rows = append(rows, fmt.Sprintf(`{"a": %d}`, i*10+f))
			}
			s.add(fmt.Sprintf("%d.%s", f, ext), fields(t, "a:i32"), "["+strings.Join(rows, ",")+"]")
		}
		tab := s.must(dataset.Options{Filename: true, RowNumber: true})
		got := rowsOf(t, tab, "", "a IN (422, 11, 990)")
		want := []string{"990 0." + ext + " 99", "11 1." + ext + " 1", "422 2." + ext + " 42"}
		if !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
		before := s.opens.Load()
		if got := rowsOf(t, tab, "a", "_file = '1."+ext+"' AND _row BETWEEN 57 AND 58"); !slices.Equal(got, []string{"571", "581"}) {
			t.Errorf("%q", got)
		}
		if n := s.opens.Load() - before; n > 2 {
			t.Errorf("%d files were opened", n)
		}
		if got := rowsOf(t, tab, "_row _file", "a = 422"); !slices.Equal(got, []string{"42 2." + ext}) {
			t.Errorf("%q", got)
		}
		s.add("own."+ext, fields(t, "_file:s"), `[{}]`)
		s.files = s.files[3:]
		if _, err := s.table(dataset.Options{Filename: true}); !errors.Is(err, arrowio.ErrColumn) {
			t.Errorf("a column of that name: %v", err)
		}
	}
}

// TestLaws holds the laws of tables for files that differ in all that may.
func TestLaws(t *testing.T) {
	s := newStore(t)
	add := func(name, schema string, n int, row func(i int) string) {
		var rows []string
		for i := range n {
			rows = append(rows, row(i))
		}
		s.add(name, fields(t, schema), "["+strings.Join(rows, ",")+"]")
	}
	add("d=2024-01-01/h=00/a.parquet", "id:i64 name:s st:st v:f64", 130, func(i int) string {
		return fmt.Sprintf(`{"id": %d, "name": "n%d", "st": {"x": %d, "y": "y%d"}, "v": %d.5}`, i, i%7, i%5, i%3, i)
	})
	add("d=2024-01-01/h=01/b.arrow", "st:sx id:i32", 90, func(i int) string { return fmt.Sprintf(`{"id": %d, "st": {"x": %d}}`, 200+i, i%5) })
	add("d=2024-01-02/h=00/c.arrows", "v:f32 name:ls id:u16 other:b", 60, func(i int) string {
		return fmt.Sprintf(`{"id": %d, "name": "n%d", "v": 0.1}`, 300+i, i%7)
	})
	add("d=__HIVE_DEFAULT_PARTITION__/h=00/d.parquet", "id:i64 name:s st:st v:f64", 0, nil)
	add("d=__HIVE_DEFAULT_PARTITION__/h=02/e.parquet", "id:i64 name:s st:st v:f64", 50, func(i int) string { return fmt.Sprintf(`{"id": %d}`, 400+i) })
	for name, o := range map[string]dataset.Options{
		"first": {}, "united": {UnionByName: true}, "numbered": {Filename: true, RowNumber: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := arrowiotest.Options{
				Filters: []string{
					"id = 205", "id > 120 AND id < 310", "d = DATE '2024-01-01'", "h = '01' OR id < 5", "d IS NULL", "d IS NOT NULL AND name = 'n3'", "name IS NULL", "st.x = 3",
					"st.y = 'y1' OR v > 100", "v = 0.1", "v IS NULL AND h = '02'", "NOT (h = '00')", "id IN (1, 301, 449, 1000)", "d < DATE '2023-01-01'", "name LIKE 'n%' AND st.x >= 2",
				},
				Projections: [][]string{{"id"}, {"h", "id", "d"}, {"st.y", "name"}, {}, {"d"}, {"st.x", "h", "st.y"}},
			}
			if o.RowNumber {
				l.Filters = append(l.Filters, "_row = 20", "_file LIKE '%.arrow' AND _row < 3", "_row > 45 AND id < 200")
				l.Projections = append(l.Projections, []string{"_row", "id"}, []string{"_file"})
			}
			arrowiotest.Run(t, func(t testing.TB) arrowio.Table { return s.must(o) }, l)
		})
	}
	if s.open.Load() != 0 {
		t.Errorf("%d files are open", s.open.Load())
	}
}
