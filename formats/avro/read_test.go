package avro

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/layer"
	"github.com/bdkit/bdkit/fs/mem"
	"github.com/bdkit/bdkit/internal/compress"
	"github.com/bdkit/bdkit/pushdown"
)

// raw builds a file by hand.
type raw struct{ b []byte }

const marker = "0123456789abcdef"

func newRaw(schema, codec string) *raw {
	r := &raw{b: []byte(magic)}
	r.b = appendLong(r.b, 2)
	for _, kv := range [][2]string{{keySchema, schema}, {keyCodec, codec}} {
		r.b = append(appendLong(r.b, int64(len(kv[0]))), kv[0]...)
		r.b = append(appendLong(r.b, int64(len(kv[1]))), kv[1]...)
	}
	r.b = append(append(r.b, 0), marker...)
	return r
}

func (r *raw) block(count int64, data []byte) *raw {
	r.b = appendLong(appendLong(r.b, count), int64(len(data)))
	r.b = append(append(r.b, data...), marker...)
	return r
}

func memFile(t testing.TB, b []byte) (fs.FileSystem, *layer.Log) {
	t.Helper()
	ctx := context.Background()
	fsys := mem.New()
	w, err := fsys.Create(ctx, "f.avro", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	var l layer.Log
	return layer.IOLog(fsys, &l), &l
}

func openRaw(t testing.TB, b []byte, o Options) (*Reader, *layer.Log, error) {
	t.Helper()
	fsys, l := memFile(t, b)
	f, err := fsys.Open(context.Background(), "f.avro", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(context.Background(), f, o)
	return r, l, err
}

// readRaw gives the rows as text.
func readRaw(t testing.TB, b []byte, o Options, ro arrowio.ReadOptions) (rows []string, damaged int64, err error) {
	t.Helper()
	r, _, err := openRaw(t, b, o)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	rr, err := arrowiotest.ReadSplits(context.Background(), r, arrowio.ScanRequest{}, ro, func() error { return nil })
	if err != nil {
		return nil, 0, err
	}
	for rr.Next() && len(rows) < 1<<20 {
		rows = append(rows, arrowiotest.Text(rr.RecordBatch())...)
	}
	return rows, r.Damaged(), rr.Close()
}

// Damage is an error that says where it is; skipped when asked, it costs the
// rows of its blocks alone and is counted, however the file is split.
func TestDamaged(t *testing.T) {
	const blocks, rows = 40, 25
	word := func(b, i int) string { return fmt.Sprintf("block %d row %d %s", b, i, strings.Repeat("x", i)) }
	build := func(codec string) (file []byte, starts []int) {
		f := newRaw(`"string"`, codec)
		c, err := codecOf(codec)
		if err != nil {
			t.Fatal(err)
		}
		for b := range blocks {
			starts = append(starts, len(f.b))
			var data []byte
			for i := range rows {
				data = append(appendLong(data, int64(len(word(b, i)))), word(b, i)...)
			}
			if c.compress != nil {
				if data, err = c.compress(nil, data, 0); err != nil {
					t.Fatal(err)
				}
			}
			f.block(rows, data)
		}
		return f.b, append(starts, len(f.b))
	}
	harm := map[string]func(file []byte, from, to int) []byte{
		"marker":     func(f []byte, from, to int) []byte { f[to-1] ^= 1; return f },
		"size":       func(f []byte, from, to int) []byte { f[from+1] ^= 0x10; return f },
		"count":      func(f []byte, from, to int) []byte { f[from] -= 2; return f },
		"huge count": func(f []byte, from, to int) []byte { f[from] |= 1; return f },
		"bytes gone": func(f []byte, from, to int) []byte { return append(f[:from+9:from+9], f[from+12:]...) },
		"bytes more": func(f []byte, from, to int) []byte {
			return append(f[:from+9:from+9], append([]byte("abc"), f[from+9:]...)...)
		},
	}
	for _, codec := range []string{"null", "snappy", "deflate", "zstandard"} {
		for what, do := range harm {
			const bad = 17
			file, starts := build(codec)
			file = do(file, starts[bad], starts[bad+1])
			if _, _, err := readRaw(t, file, Options{}, arrowio.ReadOptions{}); !errors.Is(err, arrowio.ErrCorrupt) {
				t.Errorf("%s, %s: %v", codec, what, err)
			}
			for _, split := range []int64{0, 700} {
				got, damaged, err := readRaw(t, file, Options{SkipDamaged: true, SplitBytes: split}, arrowio.ReadOptions{BatchRows: 10})
				if err != nil || damaged == 0 {
					t.Errorf("%s, %s, splits of %d: %d damaged, %v", codec, what, split, damaged, err)
					continue
				}
				// The marker before the block after is gone with one: that block too.
				if len(got) != (blocks-1)*rows && len(got) != (blocks-2)*rows {
					t.Errorf("%s, %s, splits of %d: %d rows", codec, what, split, len(got))
				}
				for i, row := range got {
					b := i / rows
					if b >= bad {
						b += blocks - len(got)/rows
					}
					if !strings.Contains(row, word(b, i%rows)) {
						t.Errorf("%s, %s: row %d is %s", codec, what, i, row)
						break
					}
				}
			}
		}
	}
}

const list = `{"type":"record","name":"L","fields":[{"name":"v","type":"long"},{"name":"next","type":["null","L"]}]}`

func TestRecursion(t *testing.T) {
	var data []byte
	for i := range 8 {
		data = append(appendLong(data, int64(i)), 2)
	}
	data[len(data)-1] = 0 // 8 deep
	file := newRaw(list, "null").block(1, data).b
	rows, _, err := readRaw(t, file, Options{}, arrowio.ReadOptions{})
	if err != nil || len(rows) != 1 || !strings.Contains(rows[0], "7") {
		t.Fatal(rows, err)
	}
	for depth := 1; depth < 12; depth++ {
		_, _, err := readRaw(t, file, Options{RecursionDepth: depth}, arrowio.ReadOptions{})
		if (err == nil) != (depth >= 8) || err != nil && !errors.Is(err, arrowio.ErrUnsupported) {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
	// Skipped, it may be as deep as it likes, up to a bound.
	deep := func(n int) []byte {
		var d []byte
		for range n {
			d = append(d, 2, 2)
		}
		d[len(d)-1] = 0
		return append(d, 10)
	}
	outer := `{"type":"record","name":"O","fields":[{"name":"l","type":` + list + `},{"name":"x","type":"int"}]}`
	for n, want := range map[int]error{100: nil, 5000: nil, 100_000: arrowio.ErrLimit} {
		r, _, err := openRaw(t, newRaw(outer, "null").block(1, deep(n)).b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		rr, err := arrowiotest.ReadSplits(context.Background(), r, arrowio.ScanRequest{Columns: []pushdown.Path{{"x"}}}, arrowio.ReadOptions{}, r.Close)
		if err != nil {
			t.Fatal(err)
		}
		if ok := rr.Next(); ok && rr.RecordBatch().Column(0).(*array.Int32).Value(0) != 5 {
			t.Errorf("%d deep: %v", n, rr.RecordBatch())
		}
		if err := rr.Close(); !errors.Is(err, want) {
			t.Errorf("%d deep: %v", n, err)
		}
	}
	// A tree of many branches unrolls to more columns than there may be.
	tree := `{"type":"record","name":"T","fields":[{"name":"a","type":["null","T"]},{"name":"b","type":["null","T"]},{"name":"c","type":["null","T"]},{"name":"d","type":["null","T"]}]}`
	if _, _, err := openRaw(t, newRaw(tree, "null").b, Options{RecursionDepth: 40}); !errors.Is(err, arrowio.ErrLimit) {
		t.Error(err)
	}
}

// What bytes claim costs neither memory nor time that they cannot back.
func TestHostile(t *testing.T) {
	long := func(vs ...int64) (b []byte) {
		for _, v := range vs {
			b = appendLong(b, v)
		}
		return b
	}
	snappy := binary.AppendUvarint(nil, 1<<31)
	rowsOf := func(fields string) string { return `{"type":"record","name":"R","fields":[` + fields + `]}` }
	empties := append(long(1<<20), 0)
	for name, file := range map[string][]byte{
		"rows without bytes":        newRaw(`"null"`, "null").block(1<<50, nil).b,
		"rows that are not there":   newRaw(`"long"`, "null").block(1<<40, []byte{2}).b,
		"elements not there":        newRaw(`{"type":"array","items":"long"}`, "null").block(1, long(1<<40, 1)).b,
		"elements without bytes":    newRaw(`{"type":"array","items":"null"}`, "null").block(1, append(long(1<<40), 0)).b,
		"again and again":           newRaw(`{"type":"array","items":`+rowsOf("")+`}`, "null").block(5000, []byte(strings.Repeat(string(empties), 5000))).b,
		"map entries not there":     newRaw(`{"type":"map","values":"long"}`, "null").block(1, long(1<<40)).b,
		"a negative count":          newRaw(`{"type":"array","items":"long"}`, "null").block(1, long(-1<<63, 1)).b,
		"a block of a lying size":   newRaw(`{"type":"array","items":"long"}`, "null").block(1, long(-2, 1<<40, 1)).b,
		"bytes not there":           newRaw(`"bytes"`, "null").block(1, long(1<<40)).b,
		"negative bytes":            newRaw(`"bytes"`, "null").block(1, long(-5)).b,
		"a fixed of 2 GiB":          newRaw(`{"type":"fixed","name":"F","size":2147483647}`, "null").block(1, []byte{1}).b,
		"nulls of a wide fixed":     newRaw(`["null",{"type":"fixed","name":"F","size":1000000000}]`, "null").block(3, []byte{0, 0, 0}).b,
		"a snappy block of 2 GiB":   newRaw(`"bytes"`, "snappy").block(1, append(snappy, 0, 0, 0, 0, 0)).b,
		"a zstd frame of 8 GiB":     newRaw(`"bytes"`, "zstandard").block(1, []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0}).b,
		"a block larger than all":   append(newRaw(`"bytes"`, "null").b, long(1, 1<<60)...),
		"a header of a lying count": append([]byte(magic), long(1<<60)...),
		"a header of a lying key":   append([]byte(magic), long(1, 1<<60)...),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, _, err := readRaw(t, file, Options{}, arrowio.ReadOptions{Budget: arrowio.NewBudget(64 << 20)})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, arrowio.ErrCorrupt) && !errors.Is(err, arrowio.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 100<<20 {
			t.Errorf("%s: %d MiB were allocated", name, n>>20)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
	// A bomb: 100 MB of zeros in 100 kB.
	bomb, err := compress.Deflate.Compress(nil, make([]byte, 100<<20), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := readRaw(t, newRaw(`"bytes"`, "deflate").block(1, bomb).b, Options{}, arrowio.ReadOptions{Budget: arrowio.NewBudget(8 << 20)}); !errors.Is(err, arrowio.ErrLimit) {
		t.Errorf("a bomb: %v", err)
	}
}

// The first rows and the number of rows take no more of a large file than they
// need.
func TestLittleIsRead(t *testing.T) {
	f := newRaw(`{"type":"record","name":"R","fields":[{"name":"b","type":"bytes"}]}`, "null")
	for range 40 {
		f.block(10, []byte(strings.Repeat("\x80\xf1\x04"+strings.Repeat("z", 40_000), 10)))
	}
	read := func(l *layer.Log) (n int64) {
		for _, e := range l.Logical() {
			n += e.Len
		}
		return n
	}
	ctx := context.Background()
	r, l, err := openRaw(t, f.b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := arrowio.Count(ctx, r, nil, arrowio.RunOptions{}); err != nil || n != 400 {
		t.Fatal(n, err)
	}
	if n := read(l); n > int64(len(f.b))/20 {
		t.Errorf("to count, %d bytes of %d were read", n, len(f.b))
	}
	before := read(l)
	rr, err := arrowio.Read(ctx, r, arrowio.ScanRequest{Limit: 1}, arrowio.RunOptions{Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for rr.Next() {
		n += rr.RecordBatch().NumRows()
	}
	if err := rr.Close(); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if n := read(l) - before; n > 1<<20 {
		t.Errorf("for one row, %d bytes were read", n)
	}
}

// Unions come back as Avro has them: a null branch where children may be null,
// one child a branch, values equal.
func TestUnions(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	u := arrow.DenseUnionOf([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
		{Name: "t", Type: arrow.BinaryTypes.LargeString, Nullable: true}, // a string again: in a record
	}, []arrow.UnionTypeCode{4, 2, 7, 1})
	s := arrow.NewSchema([]arrow.Field{{Name: "u", Type: u}}, nil)
	b := array.NewRecordBuilder(mem, s)
	ub := b.Field(0).(*array.DenseUnionBuilder)
	for i := range 40 {
		code := []arrow.UnionTypeCode{4, 2, 7, 1}[i%4]
		ub.Append(code)
		kid := ub.Child(i % 4)
		if i%5 == 0 {
			kid.AppendNull()
			continue
		}
		switch kid := kid.(type) {
		case *array.Int32Builder:
			kid.Append(int32(i))
		case *array.StringBuilder:
			kid.Append(fmt.Sprint("s", i))
		case *array.LargeStringBuilder:
			kid.Append(fmt.Sprint("t", i))
		case *array.ListBuilder:
			kid.Append(true)
			kid.ValueBuilder().(*array.Int64Builder).Append(int64(i))
		}
	}
	rec := b.NewRecordBatch()
	b.Release()
	defer rec.Release()
	fsys, _ := memFile(t, nil)
	ctx := context.Background()
	w, err := fsys.Create(ctx, "u.avro", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewSink(w, s, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.Write(ctx, rec); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	f, err := fsys.Open(ctx, "u.avro", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(ctx, f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rr, err := arrowiotest.ReadSplits(ctx, r, arrowio.ScanRequest{}, arrowio.ReadOptions{Alloc: mem}, r.Close)
	if err != nil {
		t.Fatal(err)
	}
	defer rr.Close()
	if !rr.Next() {
		t.Fatal(rr.Err())
	}
	got := arrowiotest.Text(rr.RecordBatch())
	for i, want := range arrowiotest.Text(rec) {
		if i%4 == 3 && i%5 != 0 { // {"value": …}
			if !strings.Contains(got[i], fmt.Sprint("t", i)) {
				t.Errorf("row %d is %s, want %s", i, got[i], want)
			}
		} else if got[i] != want {
			t.Errorf("row %d is %s, want %s", i, got[i], want)
		}
	}
}

// A reader's schema that does not fit says which field, and why.
func TestSchemaErrors(t *testing.T) {
	file := newRaw(`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"b","type":"string"}]}`, "null").b
	for text, want := range map[string]string{
		`{"type":"record","name":"S","fields":[]}`:                                                                                    "the names differ",
		`{"type":"record","name":"R","fields":[{"name":"b","type":"int"}]}`:                                                           "field b",
		`{"type":"record","name":"R","fields":[{"name":"c","type":"int"}]}`:                                                           "field c is not in the file and has no default",
		`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"long","logicalType":"timestamp-micros"}}]}`:                "the logical types differ",
		`{"type":"record","name":"R","fields":[{"name":"c","type":"int","default":"x"}]}`:                                             "the default of field c",
		`{"type":"record","name":"R","fields":[{"name":"b","type":["null","int"]}]}`:                                                  "field b",
		`{"type":"record","name":"R","fields":[{"name":"b","type":"string"},{"name":"x","aliases":["b"],"type":"string"}]`:            "unexpected EOF",
		`{"type":"record","name":"R","fields":[{"name":"x","type":{"type":"fixed","name":"F","size":3},"default":"toolong for it"}]}`: "default",
	} {
		_, _, err := openRaw(t, file, Options{Schema: text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add(newRaw(list, "null").block(1, []byte{2, 2, 4, 0}).b)
	f.Add(newRaw(`["null","int",{"type":"map","values":{"type":"array","items":"double"}}]`, "deflate").block(2, []byte{3, 0}).b)
	f.Add(newRaw(`{"type":"record","name":"R","fields":[{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":30}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}}]}`, "snappy").b)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, o := range []Options{{RecursionDepth: 2}, {RecursionDepth: 2, SkipDamaged: true, SplitBytes: 50}} {
			_, _, _ = readRaw(t, b, o, arrowio.ReadOptions{Budget: arrowio.NewBudget(1 << 22)})
		}
	})
}

func FuzzBlock(f *testing.F) {
	schemas := []string{
		list, `{"type":"array","items":{"type":"map","values":["null","string","bytes"]}}`,
		`{"type":"record","name":"R","fields":[{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":30}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},
			{"name":"u","type":["null",{"type":"fixed","name":"D","size":12,"logicalType":"duration"}]},{"name":"f","type":["float","double","boolean"]}]}`,
	}
	f.Add(uint8(0), uint8(0), int64(1), []byte{2, 0})
	f.Add(uint8(1), uint8(1), int64(1), []byte{3, 0})
	f.Add(uint8(2), uint8(0), int64(1), []byte{2, 1, 0, 0, 0, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, s, c uint8, count int64, data []byte) {
		b := newRaw(schemas[int(s)%len(schemas)], codecs[int(c)%len(codecs)].name).block(count, data).b
		rows, _, err := readRaw(t, b, Options{RecursionDepth: 3}, arrowio.ReadOptions{Budget: arrowio.NewBudget(1 << 22)})
		if err == nil && int64(len(rows)) != count && len(rows) < 1<<20 {
			t.Errorf("%d rows of %d", len(rows), count)
		}
	})
}

// A stream gives the rows of the file, and cut anywhere those of its whole
// blocks, then an error unless the cut is between blocks.
func TestStream(t *testing.T) {
	f := newRaw(`{"type":"record","name":"R","fields":[{"name":"s","type":"string"},{"name":"n","type":"long"}]}`, "null")
	ends := map[int]int{len(f.b): 0}
	for b := range 6 {
		var data []byte
		for i := range 20 {
			word := fmt.Sprint("word ", b, i)
			data = append(appendLong(data, int64(len(word))), word...)
			data = appendLong(data, int64(i)<<40)
		}
		f.block(20, data)
		ends[len(f.b)] = 20 * (b + 1)
	}
	want, _, err := readRaw(t, f.b, Options{}, arrowio.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	read := func(b []byte, req arrowio.ScanRequest) (rows []string, n int64, err error) {
		r, err := Open(context.Background(), fs.Forward(bytes.NewReader(b), "pipe"), Options{})
		if err != nil {
			return nil, 0, err
		}
		rr, err := arrowiotest.ReadSplits(context.Background(), r, req, arrowio.ReadOptions{Budget: arrowio.NewBudget(1 << 20)}, r.Close)
		if err != nil {
			return nil, 0, err
		}
		for rr.Next() {
			rows = append(rows, arrowiotest.Text(rr.RecordBatch())...)
			n += rr.RecordBatch().NumRows()
		}
		return rows, n, rr.Close()
	}
	if _, n, err := read(f.b, arrowio.ScanRequest{Columns: []pushdown.Path{}}); err != nil || n != 120 {
		t.Errorf("counted %d, %v", n, err)
	}
	for cut := range len(f.b) + 1 {
		got, _, err := read(f.b[:cut], arrowio.ScanRequest{})
		rows, whole := ends[cut]
		if whole && (err != nil || len(got) != rows) || !whole && !errors.Is(err, arrowio.ErrCorrupt) {
			t.Fatalf("cut at %d of %d: %d rows, %v", cut, len(f.b), len(got), err)
		}
		for i, row := range got {
			if row != want[i] {
				t.Fatalf("cut at %d: row %d is %s, want %s", cut, i, row, want[i])
			}
		}
		if len(got)%20 != 0 {
			t.Fatalf("cut at %d: %d rows", cut, len(got))
		}
	}
}
