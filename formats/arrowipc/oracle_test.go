package arrowipc

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/endian"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/mem"
	"github.com/bdkit/bdkit/internal/arrowmsg"
	"github.com/bdkit/bdkit/internal/oracle"
)

// memWrite writes batches and gives the bytes.
func memWrite(t testing.TB, o WriteOptions, s *arrow.Schema, recs ...arrow.RecordBatch) []byte {
	t.Helper()
	fsys := mem.New()
	ctx := context.Background()
	w, err := fsys.Create(ctx, "f", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewSink(w, s, o)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, r := range recs {
		if err := k.Write(ctx, r); err != nil {
			t.Fatalf("%v: %v", s, err)
		}
	}
	res, err := k.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fsys.Open(ctx, "f", fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, res.Bytes)
	if err := f.ReadRanges(ctx, []fs.Range{{Dst: raw}}); err != nil {
		t.Fatal(err)
	}
	return raw
}

// memRead gives the rows of a file as text, or of a pipe.
func memRead(raw []byte, pipe bool) (out []string, err error) {
	ctx := context.Background()
	f := fs.Forward(bytes.NewReader(raw), "-")
	if !pipe {
		fsys := mem.New()
		w, err := fsys.Create(ctx, "f", fs.CreateOptions{})
		if err != nil {
			return nil, err
		}
		if _, err = w.Write(raw); err == nil {
			_, err = w.Commit(ctx)
		}
		if err == nil {
			f, err = fsys.Open(ctx, "f", fs.OpenOptions{})
		}
		if err != nil {
			return nil, err
		}
	}
	r, err := Open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for rec, err := range arrowio.Batches(ctx, r, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1, ReadOptions: arrowio.ReadOptions{Budget: arrowio.NewBudget(256 << 20)}}) {
		if err != nil {
			return out, err
		}
		if out = append(out, arrowiotest.Text(rec)...); len(out) > 1<<18 {
			break // nulls without end, in a few bytes
		}
	}
	return out, nil
}

func texts(recs ...arrow.RecordBatch) (out []string) {
	for _, r := range recs {
		out = append(out, arrowiotest.Text(r)...)
	}
	return out
}

func sameRows(t testing.TB, what string, want, got []string) {
	t.Helper()
	if !slices.Equal(want, got) {
		for i := range min(len(want), len(got)) {
			if want[i] != got[i] {
				t.Fatalf("%s: row %d is %q, want %q", what, i, got[i], want[i])
			}
		}
		t.Fatalf("%s: %d rows, want %d", what, len(got), len(want))
	}
}

func generated(seed int, seen map[string]int) (*arrow.Schema, []arrow.RecordBatch) {
	g := &arrowiotest.Generator{R: rand.New(rand.NewPCG(uint64(seed), 4)), Nested: seed%4 > 0, Exotic: seed%3 > 0, Unions: seed%2 == 0, Seen: seen,
		Leaves: append(slices.Clone(arrowiotest.FlatTypes), arrowiotest.MoreTypes...)}
	s := g.Schema()
	var recs []arrow.RecordBatch
	for range 1 + g.R.IntN(3) {
		recs = append(recs, g.Batch(s, 1+g.R.IntN(200)))
	}
	return s, recs
}

const again = `
import sys, os, glob
import pyarrow as pa, pyarrow.ipc as ipc
d = sys.argv[1]
for i, path in enumerate(sorted(glob.glob(os.path.join(d, '*.arrow')) + glob.glob(os.path.join(d, '*.arrows')))):
    try:
        r = ipc.open_file(path) if path.endswith('.arrow') else ipc.open_stream(path)
        batches = [r.get_batch(k) for k in range(r.num_record_batches)] if path.endswith('.arrow') else list(r)
        for b in batches:
            b.validate(full=True)
        o = ipc.IpcWriteOptions(compression=[None, 'lz4', 'zstd'][i % 3], emit_dictionary_deltas=True, unify_dictionaries=False, use_legacy_format=i % 5 == 0)
        with (ipc.new_stream if i % 2 else ipc.new_file)(path + '.out', r.schema, options=o) as w:
            for b in batches:
                w.write_batch(b)
    except BaseException as e:
        open(path + '.err', 'w').write(type(e).__name__ + ': ' + str(e))
`

// TestPyarrow: what is written, pyarrow takes for valid, and what pyarrow makes
// of it, in files and streams, compressed or not, with and without the mark in
// front of messages, is read back equal.
func TestPyarrow(t *testing.T) {
	py := oracle.Python(t, "that pyarrow reads what is written is")
	n := 150
	if testing.Short() {
		n = 40
	}
	dir, want, seen := t.TempDir(), map[string][]string{}, map[string]int{}
	for seed := range n {
		s, recs := generated(seed, seen)
		o := WriteOptions{Stream: seed%2 > 0, Codec: []string{"none", "lz4", "zstd"}[seed/2%3]}
		name := fmt.Sprintf("%03d.arrow", seed)
		if o.Stream {
			name += "s"
		}
		if err := os.WriteFile(filepath.Join(dir, name), memWrite(t, o, s, recs...), 0o600); err != nil {
			t.Fatal(err)
		}
		want[name] = texts(recs...)
	}
	oracle.Run(t, py, again, dir)
	read, lacks := 0, map[string]int{}
	for name, rows := range want {
		if msg, err := os.ReadFile(filepath.Join(dir, name+".err")); err == nil {
			lack := pyarrowLacks(string(msg))
			if lack == "" {
				t.Errorf("%s: %s", name, msg)
			}
			lacks[lack]++
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, name+".out"))
		if err != nil {
			t.Fatal(err)
		}
		for _, pipe := range []bool{false, true} {
			got, err := memRead(raw, pipe)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			sameRows(t, name, rows, got)
		}
		read++
	}
	t.Log("read back equal:", read, "not by pyarrow:", lacks, "of", seen)
	if read < n*3/4 {
		t.Errorf("only %d of %d files went through pyarrow", read, n)
	}
}

// pyarrowLacks names what pyarrow cannot do with its own files either.
func pyarrowLacks(msg string) string {
	for _, lack := range []string{
		"Dictionary replacement detected when writing IPC file format", // it does not unite dictionaries by batch
		"Nested dictionaries",
	} {
		if strings.Contains(msg, lack) {
			return lack
		}
	}
	return ""
}

const deltas = `
import sys, os
import pyarrow as pa, pyarrow.ipc as ipc
d = sys.argv[1]
words = ['zero', 'one', 'two', 'three', 'four', 'five']
def batch(k, n):
    codes = pa.array([i % n if i % 5 else None for i in range(20)], pa.int8())
    plain = pa.DictionaryArray.from_arrays(codes, pa.array(words[:n]))
    nested = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 10, pa.int32()), pa.array([[k], [n, k]]))
    views = pa.array([None if i % 4 == 0 else ('x' * i) for i in range(20)], pa.string_view())
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([3, 20], pa.int16()), pa.array([k, None], pa.int64()))
    return pa.record_batch([plain, views, runs], names=['dict', 'view', 'runs']) if d else None
batches = [batch(k, n) for k, n in enumerate([2, 4, 4, 6])]
for name, new, b in [('delta.arrow', ipc.new_file, batches), ('delta.arrows', ipc.new_stream, batches), ('replaced.arrows', ipc.new_stream, batches[::-1])]:
    with new(os.path.join(d, name), b[0].schema, options=ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as w:
        for x in b:
            w.write_batch(x)
`

// TestDeltas: dictionaries that grow, in files and streams, or are replaced, and
// views and run ends, as pyarrow writes them.
func TestDeltas(t *testing.T) {
	py := oracle.Python(t, "that pyarrow's delta dictionaries are read is")
	dir := t.TempDir()
	oracle.Run(t, py, deltas, dir)
	words := []string{"zero", "one", "two", "three", "four", "five"}
	var batches [][]string
	for k, n := range []int{2, 4, 4, 6} {
		var rows []string
		for i := range 20 {
			word, view, run := "null", "null", "null"
			if i%5 > 0 {
				word = fmt.Sprintf("%d:%s", len(words[i%n]), words[i%n])
			}
			if i%4 > 0 {
				view = fmt.Sprintf("%d:%s", i, strings.Repeat("x", i))
			}
			if i < 3 {
				run = fmt.Sprint(k)
			}
			rows = append(rows, word+"\x1f"+view+"\x1f"+run+"\x1f")
		}
		batches = append(batches, rows)
	}
	forward := slices.Concat(batches...)
	slices.Reverse(batches)
	for name, want := range map[string][]string{"delta.arrow": forward, "delta.arrows": forward, "replaced.arrows": slices.Concat(batches...)} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := memRead(raw, false)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sameRows(t, name, want, got)
		if name == "delta.arrows" && !hasDelta(t, raw) {
			t.Error("pyarrow wrote no delta")
		}
	}
}

func hasDelta(t *testing.T, raw []byte) bool {
	found := false
	messages(t, raw, func(m *arrowmsg.Message, _ []byte) { found = found || m.Delta })
	return found
}

// messages walks the messages of a stream, with their bodies.
func messages(t testing.TB, raw []byte, each func(m *arrowmsg.Message, body []byte)) {
	t.Helper()
	r := &Reader{f: fs.Forward(bytes.NewReader(raw), "-"), forward: true, stream: true, size: -1}
	for off := int64(0); ; {
		m, body, next, err := r.message(context.Background(), off, "message")
		if err != nil {
			return
		}
		each(m, raw[body:next])
		off = next
	}
}

// bigEndian makes a stream of the other byte order: its schema says so, and
// each buffer is turned around.
func bigEndian(t testing.TB, s *arrow.Schema, recs ...arrow.RecordBatch) []byte {
	t.Helper()
	raw := memWrite(t, WriteOptions{Stream: true}, arrow.NewSchemaWithEndian(s.Fields(), nil, endian.BigEndian), recs...)
	var sch *arrowmsg.Schema
	messages(t, raw, func(m *arrowmsg.Message, body []byte) {
		if m.Schema != nil {
			if sch = m.Schema; !sch.BigEndian {
				t.Fatal("the schema does not say so")
			}
			return
		}
		fields := sch.Fields
		if m.Kind == arrowmsg.KindDictionary {
			f := *dictionaryFields(sch)[m.ID]
			f.Encoded, f.Type = false, f.Value
			fields = []*arrowmsg.Field{&f}
		}
		c := &cursor{msg: m}
		for _, f := range fields {
			p, err := c.take(f, &pick{field: f, typ: f.Type}, "column "+f.Name)
			if err != nil {
				t.Fatal(err)
			}
			_ = p.each(func(p *part) error {
				for _, b := range p.bufs {
					if b.at >= 0 {
						dt := p.value
						if p.field.Encoded {
							dt = indexType(p.typ)
						}
						x := m.Batch.Buffers[b.at]
						if b.role == views {
							swapBack(body[x.Off : x.Off+x.Len])
						} else {
							swap(body[x.Off:x.Off+x.Len], b.role, dt)
						}
					}
				}
				return nil
			})
		}
	})
	return raw
}

// swapBack is swapViews for the order in which the length is to be read first.
func swapBack(b []byte) {
	for ; len(b) >= 16; b = b[16:] {
		n := int32(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
		reverse(b[:4], 4)
		if n > 12 {
			reverse(b[8:16], 4)
		}
	}
}

// TestBigEndian: streams of the other byte order are read equal, by us and, to
// show that they are what they claim, by pyarrow.
func TestBigEndian(t *testing.T) {
	n := 90
	if testing.Short() {
		n = 40
	}
	dir, want, seen := t.TempDir(), map[string][]string{}, map[string]int{}
	for seed := range n {
		s, recs := generated(seed, seen)
		raw := bigEndian(t, s, recs...)
		got, err := memRead(raw, seed%2 == 0)
		if err != nil {
			t.Fatalf("%v: %v", s, err)
		}
		name := fmt.Sprintf("%03d.arrows", seed)
		want[name] = texts(recs...)
		sameRows(t, fmt.Sprint(s), want[name], got)
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(seen)
	py := oracle.Python(t, "that the streams of the other byte order are what they claim is")
	oracle.Run(t, py, again, dir)
	checked, lacks := 0, map[string]int{}
	for name, rows := range want {
		raw, err := os.ReadFile(filepath.Join(dir, name+".out"))
		if msg, merr := os.ReadFile(filepath.Join(dir, name+".err")); merr == nil {
			lacks[string(msg)]++
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		got, err := memRead(raw, false)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sameRows(t, "pyarrow: "+name, rows, got)
		checked++
	}
	t.Log(checked, "read equal by pyarrow; not:", lacks)
	if checked < n/3 {
		t.Errorf("pyarrow read %d of %d streams", checked, n)
	}
}
