package formatstest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/layer"
	"github.com/bdkit/bdkit/fs/local"
	"github.com/bdkit/bdkit/fs/mem"
	"github.com/bdkit/bdkit/pushdown"
)

// ranges: a projection asks for no byte of another column, by the labels of
// its ranges and by their bytes; every range lies in the file and has a label;
// and what is asked of one filesystem is asked of any.
func (s *suite) ranges(t *testing.T) {
	schema := s.peopleSchema(t)
	for _, w := range s.Ways {
		t.Run(w.Name, func(t *testing.T) {
			f := s.write(t, w, schema, peopleBatch(schema, 1, 0, 2500), peopleBatch(schema, 1, 2500, 1500))
			disk, err := local.New(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct{ columns, filter, touches string }{
				{"id", "", "id"}, {"b id", "", "b id"}, {"id", "b = 'v033'", "id b"}, {"", "id > 3990", "id"}, {"wide", "id = 77", "wide id"}, {"", "", ""},
			} {
				t.Run(fmt.Sprintf("%s|%s", c.columns, c.filter), func(t *testing.T) {
					log, asked := s.logged(t, mem.New(), f, c.columns, c.filter)
					if other, _ := s.logged(t, disk, f, c.columns, c.filter); other != log {
						t.Errorf("asked in memory:\n%sasked of a disk:\n%s", log, other)
					}
					var of []string
					bytes := int64(0)
					for _, e := range asked {
						if e.Op == "tail" || e.Op == "info" {
							continue
						}
						if e.Off < 0 || e.Off+e.Len > int64(len(f.raw)) || e.Label == "" {
							t.Errorf("range %s of a file of %d bytes", e, len(f.raw))
						}
						bytes += e.Len
						col, ok := columnOf(e.Label)
						if !ok {
							continue
						}
						of = append(of, col)
						top, _, _ := strings.Cut(col, ".")
						if !s.RowOriented && !slices.Contains(strings.Fields(c.touches), top) {
							t.Errorf("a range of column %s, which nobody asked for: %s", col, e)
						}
					}
					if s.RowOriented {
						return
					}
					if c.columns != "" && c.filter == "" && len(of) == 0 {
						t.Errorf("no range names its column:\n%s", log)
					}
					if !strings.Contains(c.columns, "wide") && bytes > int64(len(f.raw))/2 {
						t.Errorf("%d bytes are asked for, of a file of %d, for columns %s", bytes, len(f.raw), unique(of))
					}
				})
			}
		})
	}
}

// logged gives the logical log of a request.
func (s *suite) logged(t *testing.T, fsys fs.FileSystem, f file, columns, filter string) (string, []layer.Entry) {
	t.Helper()
	put(t, fsys, s.fileName(), f.raw)
	var l layer.Log
	r, err := s.openIn(t.Context(), layer.IOLog(fsys, &l), f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	req := arrowio.ScanRequest{Ordered: true, Columns: []pushdown.Path{}}
	for c := range strings.FieldsSeq(columns) {
		req.Columns = append(req.Columns, pushdown.Path{c})
	}
	if filter != "" {
		req.Filter = parse(t, filter)
	}
	if _, err := rows(t.Context(), r, req, arrowio.RunOptions{Jobs: 1}); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range l.Logical() {
		fmt.Fprintln(&b, e)
	}
	return b.String(), l.Logical()
}

func parse(t tb, text string) pushdown.Expr {
	t.Helper()
	e, err := pushdown.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
