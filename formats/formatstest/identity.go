package formatstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/mem"
	"github.com/bdkit/bdkit/pushdown"
)

func newBatch(fields []arrow.Field, cols []arrow.Array, n int64) arrow.RecordBatch {
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, n)
}

func texts(rec arrow.RecordBatch) []string { return arrowiotest.Text(rec) }

// identity: a file is known as one of the format, and its metadata tells the
// truth.
func (s *suite) identity(t *testing.T) {
	name := s.Format.Name()
	if name == "" || name != strings.ToLower(name) || len(s.Format.Extensions()) == 0 {
		t.Errorf("the format is named %q, its files %v", name, s.Format.Extensions())
	}
	for _, ext := range s.Format.Extensions() {
		if strings.HasPrefix(ext, ".") || ext == "" {
			t.Errorf("extension %q", ext)
		}
	}
	if s.Format.Sniff(nil, nil) || s.Format.Sniff([]byte("x"), []byte("y")) {
		t.Error("an empty file, or a byte, is taken for the format")
	}
	for _, f := range s.files(t, 100) {
		if n := len(f.raw); !s.NoMagic && !s.Format.Sniff(f.raw[:min(16, n)], f.raw[max(0, n-16):]) {
			t.Errorf("%s: not recognised", f.name)
		}
		r := s.open(t, f)
		all := s.whole(t, f)
		if n := r.NumRows(); n >= 0 && n != int64(len(all)) {
			t.Errorf("%s: %d rows by the metadata, %d in truth", f.name, n, len(all))
		}
		m := r.Meta()
		if m == nil || m.Format != name || m.Size != int64(len(f.raw)) || m.Rows != r.NumRows() {
			t.Errorf("%s: the metadata is %+v, of a file of %d bytes", f.name, m, len(f.raw))
		}
		scan, err := r.Plan(t.Context(), arrowio.ScanRequest{})
		if err != nil || !scan.Schema.Equal(r.Schema()) {
			t.Errorf("%s: a scan of everything has the schema %v (%v)", f.name, scan.Schema, err)
		}
		for _, bad := range []arrowio.ScanRequest{{Columns: []pushdown.Path{{"no such column"}}}, {Filter: parse(t, `"no such column" = 1`)}} {
			if _, err := r.Plan(t.Context(), bad); !errors.Is(err, arrowio.ErrColumn) {
				t.Errorf("%s: a scan of a column that is not there: %v", f.name, err)
			}
		}
	}
}

// options: every option is documented, and one that is not known is refused by
// name.
func (s *suite) options(t *testing.T) {
	for _, o := range s.Format.Options() {
		if o.Key == "" || o.Help == "" {
			t.Errorf("option %+v", o)
		}
	}
	bad := formats.Options{Set: map[string]string{"no-such-option": "1"}}
	refused := func(err error) {
		t.Helper()
		if !errors.Is(err, arrowio.ErrOption) || !strings.Contains(err.Error(), "no-such-option") {
			t.Errorf("an option that nobody knows: %v", err)
		}
	}
	fsys := mem.New()
	put(t, fsys, s.fileName(), s.files(t, 5)[0].raw)
	f, err := fsys.Open(t.Context(), s.fileName(), fs.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Format.Open(t.Context(), f, bad)
	refused(err)
	if s.ReadOnly {
		return
	}
	w, err := fsys.Create(t.Context(), "new", fs.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Format.NewSink(w, s.peopleSchema(t), bad)
	refused(err)
}

// closed: Close may come twice, and nothing can be read after it.
func (s *suite) closed(t *testing.T) {
	for _, f := range s.files(t, 3000) {
		r, err := s.tryOpen(t, f)
		if err != nil {
			t.Fatal(err)
		}
		scan, err := r.Plan(t.Context(), arrowio.ScanRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var splits []arrowio.Split
		for sp, err := range scan.Splits {
			if err != nil {
				t.Fatal(err)
			}
			splits = append(splits, sp)
		}
		for range 2 {
			if err := r.Close(); err != nil {
				t.Errorf("%s: close: %v", f.name, err)
			}
		}
		got := 0
		for _, sp := range splits {
			rr, err := r.Open(t.Context(), sp, arrowio.ReadOptions{})
			if err != nil {
				continue
			}
			for rr.Next() {
				got += int(rr.RecordBatch().NumRows())
			}
			if err := rr.Close(); err == nil && got > 0 {
				t.Errorf("%s: read after Close", f.name)
				break
			}
		}
		s.splitOfAnotherVersion(t, f, splits)
	}
}

// splitOfAnotherVersion: a split of a file that was replaced meanwhile is
// refused, for its ranges mean something else there.
func (s *suite) splitOfAnotherVersion(t *testing.T, f file, splits []arrowio.Split) {
	fsys := mem.New()
	for range 3 { // versions that the split's file never had
		put(t, fsys, s.fileName(), f.raw)
	}
	r, err := s.openIn(context.Background(), fsys, f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, sp := range splits {
		rr, err := r.Open(t.Context(), sp, arrowio.ReadOptions{})
		if err == nil {
			rr.Next()
			err = rr.Close()
		}
		if !errors.Is(err, fs.ErrChanged) {
			t.Errorf("%s: a split of another version of the file: %v", f.name, err)
		}
	}
	if _, err := r.Open(t.Context(), arrowio.Split{ID: "x", Payload: []byte("{}")}, arrowio.ReadOptions{}); err == nil || panicked(err) {
		t.Errorf("%s: a split of something else: %v", f.name, err)
	}
}

// columnOf finds the column that a range's label names: "row group 1, column
// a.b: data page 0" is of a.b.
func columnOf(label string) (string, bool) {
	_, rest, ok := strings.Cut(label, "column ")
	if !ok {
		return "", false
	}
	name, _, _ := strings.Cut(rest, ":")
	name, _, _ = strings.Cut(name, ", ")
	return name, true
}

func unique(in []string) string {
	slices.Sort(in)
	return fmt.Sprint(slices.Compact(in))
}
