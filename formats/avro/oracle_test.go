package avro

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/local"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/internal/oracle"
)

// writeLocal writes batches to a file on disk.
func writeLocal(t testing.TB, path string, s *arrow.Schema, o WriteOptions, next func() (arrow.RecordBatch, error)) {
	t.Helper()
	ctx := context.Background()
	fsys, err := local.New(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	w, err := fsys.Create(ctx, filepath.Base(path), fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewSink(w, s, o)
	if err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	defer k.Close()
	for {
		rec, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Write(ctx, rec); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Commit(ctx); err != nil {
		t.Fatal(err)
	}
}

// What Java wrote at random, of every type, unions too, we read and write, and
// Java reads the same.
func TestJavaReadsOurs(t *testing.T) {
	jar := oracle.Jar(t, "avro-tools", "that Java reads what we write")
	files := 60
	if !testing.Short() {
		files = 250
	}
	dir := t.TempDir()
	// An enum is written as text, which a union may have already.
	g := &pair{seen: map[string]int{}, noEnums: true}
	for i := range files {
		g.r = rand.New(rand.NewPCG(uint64(i), 4))
		w := g.schema(3)
		if i%3 > 0 {
			w = object{"type": "record", "name": "Root", "fields": []any{object{"name": "a", "type": g.schema(3)}, object{"name": "b", "type": g.schema(2)}}}
		}
		b, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		for _, ext := range []string{"w", "r"} {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("p%04d.%s.avsc", i, ext)), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	parse := func(out string) map[string]string {
		m := map[string]string{}
		for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
			name, rest, _ := strings.Cut(line, " ")
			m[name] = rest
		}
		return m
	}
	want := parse(oracle.Java(t, jar, "testdata/Resolve.java", dir, "30"))
	ctx := context.Background()
	for name, line := range want {
		if !strings.HasPrefix(line, "ok") {
			t.Fatalf("%s: %s", name, line)
		}
		f, err := openLocal(ctx, filepath.Join(dir, name+".avro"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(ctx, f, Options{})
		if err != nil {
			t.Fatal(err)
		}
		rr, err := arrowiotest.ReadSplits(ctx, r, arrowio.ScanRequest{}, arrowio.ReadOptions{}, r.Close)
		if err != nil {
			t.Fatal(err)
		}
		codec := []string{"null", "deflate", "snappy", "zstandard"}[len(name)%4]
		writeLocal(t, filepath.Join(dir, name+".again.avro"), r.Schema(), WriteOptions{Codec: codec, SyncBytes: 500}, func() (arrow.RecordBatch, error) {
			if rr.Next() {
				return rr.RecordBatch(), nil
			}
			if err := rr.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		})
		if err := rr.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again := parse(oracle.Java(t, jar, "testdata/Resolve.java", dir, "again"))
	for name, line := range want {
		// A record of no fields has no columns, and so no rows to write but their number.
		if again[name] != line {
			text, _ := os.ReadFile(filepath.Join(dir, name+".w.avsc"))
			t.Errorf("%s: %s\nours, read by Java: %s\nof Java's: %s", name, text, again[name], line)
		}
	}
	if len(again) < files {
		t.Errorf("%d of %d files came back", len(again), files)
	}
}

const makeTable = `
import sys, random, decimal, datetime as dt
import pyarrow as pa
random.seed(int(sys.argv[2]))
N = 300
def col(make, t, null=0.2):
    return pa.array([None if random.random() < null else make() for _ in range(N)], type=t)
ri = lambda bits: (lambda: random.randint(-2**(bits-1), 2**(bits-1)-1))
ru = lambda bits: (lambda: random.randint(0, 2**bits-1))
word = lambda: ''.join(random.choice('abcé漢 ') for _ in range(random.randrange(12)))
raw = lambda: bytes(random.randrange(256) for _ in range(random.randrange(9)))
dec = lambda p, s: (lambda: decimal.Decimal(random.randint(-10**p+1, 10**p-1)).scaleb(-s, decimal.Context(prec=90)))
day = lambda: dt.date.fromordinal(random.randint(1, 3600000))
stamp = lambda us: (lambda: dt.datetime(1970,1,1) + dt.timedelta(days=random.randint(-300000, 300000), microseconds=random.randrange(86400*10**6)//us*us))
cols = {
 'bool': col(lambda: random.random() < .5, pa.bool_()),
 'i8': col(ri(8), pa.int8()), 'i16': col(ri(16), pa.int16()), 'i32': col(ri(32), pa.int32()), 'i64': col(ri(64), pa.int64()),
 'u8': col(ru(8), pa.uint8()), 'u16': col(ru(16), pa.uint16()), 'u32': col(ru(32), pa.uint32()), 'u64': col(ru(64), pa.uint64()),
 'f32': col(lambda: random.randint(-9999,9999)/8, pa.float32()), 'f64': col(random.random, pa.float64(), 0),
 'text': col(word, pa.string()), 'ltext': col(word, pa.large_string()), 'vtext': col(word, pa.string_view()),
 'bin': col(raw, pa.binary()), 'lbin': col(raw, pa.large_binary()), 'fsb': col(lambda: bytes(random.randrange(256) for _ in range(5)), pa.binary(5)),
 'd9': col(dec(9,2), pa.decimal128(9,2)), 'd38': col(dec(38,10), pa.decimal128(38,10)), 'd76': col(dec(76,4), pa.decimal256(76,4)),
 'date32': col(day, pa.date32()), 'date64': col(day, pa.date64()),
 't32': col(lambda: dt.time(random.randrange(24), random.randrange(60), random.randrange(60), random.randrange(1000)*1000), pa.time32('ms')),
 't64': col(lambda: dt.time(random.randrange(24), 5, 6, random.randrange(10**6)), pa.time64('us')),
 'ms': col(stamp(1000), pa.timestamp('ms')), 'us': col(stamp(1), pa.timestamp('us')),
 'msz': col(lambda: stamp(1000)().replace(tzinfo=dt.timezone.utc), pa.timestamp('ms', 'UTC')), 'usz': col(lambda: stamp(1)().replace(tzinfo=dt.timezone.utc), pa.timestamp('us', 'UTC')),
 'dict': col(lambda: random.choice(['red','green','blue']), pa.string()).dictionary_encode(),
 'list': col(lambda: [random.choice([None, 1, -5, 2**31-1]) for _ in range(random.randrange(4))], pa.list_(pa.int32())),
 'llist': col(lambda: [word() for _ in range(random.randrange(4))], pa.large_list(pa.string())),
 'flist': col(lambda: [random.random(), random.random()], pa.list_(pa.float64(), 2)),
 'map': col(lambda: list({word(): random.randrange(99) for _ in range(random.randrange(3))}.items()), pa.map_(pa.string(), pa.int64())),
 'struct': col(lambda: {'x': random.choice([None, 3]), 'y': {'z': word(), 'w': [raw()]}}, pa.struct([('x', pa.int32()), ('y', pa.struct([('z', pa.string()), ('w', pa.list_(pa.binary()))]))])),
 'an odd-name!': col(word, pa.string()),
}
`

const checkTable = `
import math, decimal
import fastavro, polars as pl
import pyarrow.ipc
t = pa.ipc.open_file(sys.argv[1]+'/in.arrow').read_all()
with open(sys.argv[1]+'/out.avro','rb') as f:
    rows = list(fastavro.reader(f))
bad = 0
def norm(v):
    if isinstance(v, list): return [norm(x) for x in v]
    if isinstance(v, tuple): return tuple(norm(x) for x in v)
    if isinstance(v, dict): return {k: norm(x) for k, x in v.items()}
    if isinstance(v, decimal.Decimal) and v == v.to_integral_value() and v.as_tuple().exponent == 0: return int(v)
    return v
for n, name in enumerate(t.column_names):
    want = t.column(n).to_pylist()
    if pa.types.is_map(t.schema.field(n).type): want = [None if v is None else dict(v) for v in want]
    key = name if name.isidentifier() else 'an_odd_name_'
    got = [r[key] for r in rows]
    if norm(want) != norm(got):
        i = next(i for i, (a, b) in enumerate(zip(want, got)) if norm(a) != norm(b))
        print('fastavro', name, 'row', i, repr(want[i]), repr(got[i])); bad += 1
# Polars reads fewer types: those it has, from a file of them alone.
df = pl.read_avro(sys.argv[1]+'/polars.avro')
for name in df.columns:
    want, got = t.column(name).to_pylist(), df[name].to_list()
    if want != got:
        i = next(i for i, (a, b) in enumerate(zip(want, got)) if a != b)
        print('polars', name, 'row', i, repr(want[i]), repr(got[i])); bad += 1
if df.height != len(rows) or len(df.columns) < 10: print('polars', df.shape)
print('checked', len(rows), 'rows')
`

// What we write of Arrow's types, fastavro and Polars read the same, and we read
// back with the types that it had.
func TestOthersReadOurs(t *testing.T) {
	py := oracle.Python(t, "that fastavro and Polars read what we write")
	dir := t.TempDir()
	oracle.Run(t, py, makeTable+`
with pa.OSFile(sys.argv[1]+'/in.arrow','wb') as f:
    tab = pa.table(cols)
    w = pa.ipc.new_file(f, tab.schema)
    for b in tab.to_batches(100): w.write_batch(b)
    w.close()
`, dir, strconv.Itoa(7))
	raw, err := os.Open(filepath.Join(dir, "in.arrow"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	in, err := ipc.NewFileReader(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var recs []arrow.RecordBatch
	for i := range in.NumRecords() {
		rec, err := in.RecordBatchAt(i)
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, rec)
	}
	write := func(name string, o WriteOptions, recs []arrow.RecordBatch) {
		i := 0
		writeLocal(t, filepath.Join(dir, name), recs[0].Schema(), o, func() (arrow.RecordBatch, error) {
			if i == len(recs) {
				return nil, io.EOF
			}
			i++
			return recs[i-1], nil
		})
	}
	write("out.avro", WriteOptions{Codec: "snappy", SyncBytes: 4000}, recs)
	var part []arrow.RecordBatch
	for _, rec := range recs {
		var cols []arrow.Array
		var fields []arrow.Field
		for i, f := range rec.Schema().Fields() {
			switch f.Name {
			case "bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "f32", "f64", "text", "ltext", "vtext", "bin", "date32", "us", "list", "dict", "t64":
				cols, fields = append(cols, rec.Column(i)), append(fields, f)
			}
		}
		part = append(part, newBatch(fields, cols, rec.NumRows()))
	}
	write("polars.avro", WriteOptions{Codec: "deflate"}, part)
	if out := oracle.Run(t, py, makeTable+checkTable, dir, "7"); strings.TrimSpace(out) != "checked 300 rows" {
		t.Error(out)
	}
	// Ours.
	ctx := context.Background()
	f, err := openLocal(ctx, filepath.Join(dir, "out.avro"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(ctx, f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rr, err := arrowiotest.ReadSplits(ctx, r, arrowio.ScanRequest{}, arrowio.ReadOptions{Alloc: arrowiotest.Poison{}}, r.Close)
	if err != nil {
		t.Fatal(err)
	}
	defer rr.Close()
	got, want := conformance.NewDigest(rr.Schema()), conformance.NewDigest(in.Schema())
	for rr.Next() {
		if err := got.Add(rr.RecordBatch()); err != nil {
			t.Fatal(err)
		}
	}
	if err := rr.Err(); err != nil {
		t.Fatal(err)
	}
	for _, rec := range recs {
		if err := want.Add(rec); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range in.Schema().Fields() {
		if g := rr.Schema().Field(i); g.Name != f.Name || !arrow.TypeEqual(g.Type, f.Type) {
			t.Errorf("%v came back as %v", f, g)
		}
		if got.Sums()[i] != want.Sums()[i] {
			t.Errorf("column %s differs", f.Name)
		}
	}
}
