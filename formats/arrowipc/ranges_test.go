package arrowipc

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/layer"
	"github.com/bdkit/bdkit/fs/mem"
	"github.com/bdkit/bdkit/pushdown"
)

// TestRanges: what a split says it reads is what it reads.
func TestRanges(t *testing.T) {
	checked := 0
	for seed := range 20 {
		s, recs := generated(seed*3+1, nil)
		if strings.Contains(s.String(), "dictionary") { // they are read once for all splits
			continue
		}
		raw := memWrite(t, WriteOptions{}, s, recs...)
		fsys := mem.New()
		w, err := fsys.Create(t.Context(), "f", fs.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		var log layer.Log
		f, err := layer.IOLog(fsys, &log).Open(t.Context(), "f", fs.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if r.NumRows() < 0 {
			t.Error("the rows are not known")
		}
		req := arrowio.ScanRequest{Columns: []pushdown.Path{{s.Field(s.NumFields() - 1).Name}, {s.Field(0).Name}}}
		scan, err := r.Plan(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		for sp, err := range scan.Splits {
			if err != nil {
				t.Fatal(err)
			}
			log.Reset()
			unit, ranges, err := r.Ranges(t.Context(), sp)
			if err != nil || !strings.HasPrefix(unit, "record batch") || len(log.Logical()) > 0 {
				t.Fatal(unit, err, log.Logical())
			}
			rr, err := r.Open(t.Context(), sp, arrowio.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for rr.Next() {
				rows += rr.RecordBatch().NumRows()
			}
			if err := rr.Close(); err != nil {
				t.Fatal(err)
			}
			var said, did []string
			for _, x := range ranges {
				said = append(said, fmt.Sprint(x.Off, x.Len, x.Label))
			}
			for _, e := range log.Logical() {
				did = append(did, fmt.Sprint(e.Off, e.Len, e.Label))
			}
			slices.Sort(said)
			slices.Sort(did)
			if !slices.Equal(said, did) {
				t.Errorf("%v\nsaid %q\nread %q", s, said, did)
			}
		}
		checked++
		if rows != r.NumRows() {
			t.Errorf("%d rows, %d by the headers", rows, r.NumRows())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if checked < 5 {
		t.Errorf("only %d files", checked)
	}
}
