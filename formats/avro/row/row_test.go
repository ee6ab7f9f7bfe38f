package row

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/pushdown"
)

const userV2 = `{"type":"record","name":"User","fields":[
	{"name":"id","type":"long"},{"name":"name","type":"string"},{"name":"tags","type":{"type":"array","items":"string"}},
	{"name":"level","type":"int","default":7}]}`

const userV1 = `{"type":"record","name":"User","fields":[
	{"name":"tags","type":{"type":"array","items":"string"}},{"name":"id","type":"int"},{"name":"gone","type":"double"},{"name":"name","type":"string"}]}`

// v1 is User{id: 5, name: "ab", tags: ["x"]} of userV1, v2 User{9, "c", [], 3} of userV2.
var (
	v1 = append([]byte{2, 2, 'x', 0, 10}, append(make([]byte, 8), 4, 'a', 'b')...)
	v2 = []byte{18, 2, 'c', 0, 6}
)

func text(t *testing.T, d *Decoder) []string {
	t.Helper()
	rec, err := d.Batch()
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	return arrowiotest.Text(rec)
}

// Rows of several writers become one batch; bad ones leave no trace.
func TestAppend(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	d, err := New(userV2, Options{Read: arrowio.ReadOptions{Alloc: mem}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Release()
	old, err := d.Writer(userV1)
	if err != nil {
		t.Fatal(err)
	}
	now, err := d.Writer("")
	if err != nil {
		t.Fatal(err)
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(old.Append(v1))
	for cut := range v1 {
		if err := old.Append(v1[:cut]); !errors.Is(err, arrowio.ErrCorrupt) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	if err := now.Append(append(v2[:len(v2):len(v2)], 0)); !errors.Is(err, arrowio.ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
	ok(now.Append(v2))
	if d.Rows() != 2 {
		t.Fatal(d.Rows())
	}
	rec, err := d.Batch()
	ok(err)
	defer rec.Release()
	if got := rec.Column(3).(*array.Int32).Int32Values(); got[0] != 7 || got[1] != 3 {
		t.Errorf("levels %v", got)
	}
	if got := rec.Column(0).(*array.Int64).Int64Values(); got[0] != 5 || got[1] != 9 {
		t.Errorf("ids %v", got)
	}
	if _, err := d.Writer(`{"type":"record","name":"User","fields":[]}`); !errors.Is(err, arrowio.ErrCast) {
		t.Errorf("a writer without the fields: %v", err)
	}
}

func TestFraming(t *testing.T) {
	fp, err := Fingerprint(userV1)
	if err != nil {
		t.Fatal(err)
	}
	single := append([]byte{0xc3, 1, byte(fp), byte(fp >> 8), byte(fp >> 16), byte(fp >> 24), byte(fp >> 32), byte(fp >> 40), byte(fp >> 48), byte(fp >> 56)}, v1...)
	for _, confluent := range []bool{false, true} {
		d, err := New(userV2, Options{Columns: []pushdown.Path{{"name"}, {"id"}}})
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for range 3 {
			if confluent {
				err = d.AppendConfluent(append([]byte{0, 0, 0, 1, 4}, v1...), func(id uint32) (string, error) {
					if asked++; id != 260 {
						t.Errorf("asked for schema %d", id)
					}
					return userV1, nil
				})
			} else {
				err = d.AppendSingleObject(single, func(got uint64) (string, error) {
					if asked++; got != fp {
						t.Errorf("asked for schema %x, not %x", got, fp)
					}
					return userV1, nil
				})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		if got := text(t, d); len(got) != 3 || !strings.Contains(got[2], "ab") {
			t.Errorf("%q", got)
		}
		for _, bad := range [][]byte{nil, {0xc3}, {0xc3, 2, 0, 0, 0, 0, 0, 0, 0, 0}, {1, 0, 0, 0, 1}, {0, 0, 0, 0}} {
			fail := func(uint64) (string, error) { t.Error("asked for the schema of no message"); return "", nil }
			if err := d.AppendSingleObject(bad, fail); !errors.Is(err, arrowio.ErrCorrupt) {
				t.Errorf("% x: %v", bad, err)
			}
			if err := d.AppendConfluent(bad, func(uint32) (string, error) { return fail0(t) }); !errors.Is(err, arrowio.ErrCorrupt) {
				t.Errorf("% x: %v", bad, err)
			}
		}
		d.Release()
	}
}

func fail0(t *testing.T) (string, error) {
	t.Error("asked for the schema of no message")
	return "", nil
}

// The message of Avro's own tests.
func TestSingleObjectSample(t *testing.T) {
	dir := filepath.Join(conformance.Root(), "avro-aux")
	text, err := os.ReadFile(filepath.Join(dir, "messageV1-test_schema.avsc"))
	if err != nil {
		t.Skipf("SKIPPED: no corpus: %v", err)
	}
	msg, err := os.ReadFile(filepath.Join(dir, "messageV1-test_message.bin"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(string(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Release()
	want, err := Fingerprint(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.AppendSingleObject(msg, func(fp uint64) (string, error) {
		if fp != want {
			t.Errorf("the message names schema %x, ours is %x", fp, want)
		}
		return "", nil
	}); err != nil {
		t.Fatal(err)
	}
	rec, err := d.Batch()
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	if id, name := rec.Column(0).(*array.Int64).Value(0), rec.Column(1).(*array.String).Value(0); id != 42 || name != "Bill" {
		t.Errorf("%d %s", id, name)
	}
	if tags := rec.Column(2).(*array.List).ListValues().(*array.String); tags.Len() != 2 || tags.Value(1) != "cat_hater" {
		t.Errorf("%v", tags)
	}
}

// A batch that is full takes no more; a value too large for any is an error.
func TestFull(t *testing.T) {
	d, err := New(`"string"`, Options{Read: arrowio.ReadOptions{BatchRows: 2, Budget: arrowio.NewBudget(1 << 20)}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Release()
	w, err := d.Writer("")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Append([]byte{2, 'a'}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Append([]byte{2, 'b'}); !errors.Is(err, ErrFull) || d.Rows() != 2 {
		t.Fatal(err, d.Rows())
	}
	if got := text(t, d); len(got) != 2 {
		t.Fatal(got)
	}
	if err := w.Append([]byte{2, 'b'}); err != nil {
		t.Fatal(err)
	}
	big := append([]byte{0x80, 0x80, 0x80, 0x02}, make([]byte, 2<<20)...)
	if err := w.Append(big); !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	if got := text(t, d); len(got) != 1 {
		t.Fatal(got)
	}
	if err := w.Append(big); !errors.Is(err, arrowio.ErrLimit) {
		t.Fatal(err)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add(userV1, userV2, v1)
	f.Add(`["null",{"type":"map","values":"bytes"}]`, `["null",{"type":"map","values":"bytes"}]`, []byte{2, 2, 2, 'a', 4, 1, 2, 0})
	f.Add(`{"type":"record","name":"L","fields":[{"name":"v","type":"long"},{"name":"n","type":["null","L"]}]}`, `{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}`, []byte{2, 2, 4, 0})
	f.Fuzz(func(t *testing.T, writer, reader string, data []byte) {
		d, err := New(reader, Options{RecursionDepth: 3, Read: arrowio.ReadOptions{Budget: arrowio.NewBudget(1 << 22)}})
		if err != nil {
			return
		}
		defer d.Release()
		w, err := d.Writer(writer)
		if err != nil {
			return
		}
		for range 2 {
			if err := w.Append(data); err == nil && d.Rows() == 0 {
				t.Error("a row that is not there")
			}
		}
		rec, err := d.Batch()
		if err != nil {
			return
		}
		arrowiotest.Text(rec)
		rec.Release()
	})
}
