package limits

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/internal/oracle"
)

const rowGroupMiB = 128

// lineitem makes a file of TPC-H's lineitem with row groups of 128 MiB: one of
// real rows, written by us, as often as it takes.
func lineitem(t *testing.T, w io.Writer, groups int) error {
	py := oracle.Python(t, "how much of a large lineitem is fetched over HTTP is")
	dir := t.TempDir()
	gen := exec.Command(filepath.Join(filepath.Dir(py), "tpchgen-cli"), "parquet", "-s", "0.72", "--tables=lineitem", "-o", dir)
	if out, err := gen.CombinedOutput(); err != nil {
		return fmt.Errorf("tpchgen-cli: %w\n%s", err, out)
	}
	ctx := context.Background()
	src, err := catalog.Open(ctx, filepath.Join(dir, "lineitem.parquet"), catalog.Options{})
	if err != nil {
		return err
	}
	defer src.Close()
	raw, err := encode(src.Schema(), map[string]string{"codec": "snappy", "row-group-rows": "100000000", "row-group-bytes": "1GiB"}, func(w arrowio.Sink) error {
		for rec, err := range arrowio.Batches(ctx, src, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1}) {
			if err != nil {
				return err
			}
			if err := w.Write(ctx, rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if mib := len(raw) >> 20; mib < rowGroupMiB || mib > rowGroupMiB*5/4 {
		return fmt.Errorf("a row group of %d MiB where one of %d is meant", mib, rowGroupMiB)
	}
	return repeat(w, raw, 1, groups)
}

// ranges serves one file and keeps what was asked for.
type ranges struct {
	path string
	mu   sync.Mutex
	log  []string
	sent int64
}

type counted struct {
	http.ResponseWriter
	n *int64
}

func (c counted) Write(b []byte) (int, error) {
	*c.n += int64(len(b))
	return c.ResponseWriter.Write(b)
}

func (s *ranges) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, err := os.Open(s.path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close()
	w.Header().Set("ETag", `"1"`)
	n := int64(0)
	http.ServeContent(counted{w, &n}, r, "lineitem.parquet", time.Unix(0, 0), f)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf("%s %s: %d bytes", r.Method, r.Header.Get("Range"), n))
	s.sent += n
}

// TestHTTP: the first rows of a large file cost its footer, and of each column
// that is shown no more than a request, for its dictionary and its first page
// together.
func TestHTTP(t *testing.T) {
	if testing.Short() {
		t.Skip("large files")
	}
	const groups = 8 // 1 GiB
	in := cached(t, fmt.Sprintf("lineitem-%dMiB-v1.parquet", groups*rowGroupMiB), func(w io.Writer) error { return lineitem(t, w, groups) })
	if st, err := os.Stat(in); err != nil || st.Size() < int64(groups*rowGroupMiB)<<20 {
		t.Fatalf("%v, %v", st, err)
	}
	for _, c := range []struct {
		columns string
		count   int
		most    int64
	}{
		{"l_orderkey,l_shipdate", 2, 4 << 20},
		{"l_extendedprice,l_comment", 2, 4 << 20},
		{"*", 16, 32 << 20},
	} {
		t.Run(c.columns, func(t *testing.T) {
			s := &ranges{path: in}
			server := httptest.NewServer(s)
			defer server.Close()
			cmd := exec.Command(program(t, "bdcat"), "head", "-s", c.columns, "-o", "csv", server.URL+"/lineitem.parquet")
			var out, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, &stderr)
			}
			local, err := exec.Command(program(t, "bdcat"), "head", "-s", c.columns, "-o", "csv", in).Output()
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(local) || strings.Count(out.String(), "\n") != 11 {
				t.Errorf("over HTTP:\n%s\nwant:\n%s", &out, local)
			}
			t.Logf("%d bytes in %d requests:\n%s", s.sent, len(s.log), strings.Join(s.log, "\n"))
			if s.sent > c.most {
				t.Errorf("%d bytes, %d are allowed", s.sent, c.most)
			}
			if len(s.log) > 1+c.count {
				t.Errorf("%d requests for the footer and %d columns", len(s.log), c.count)
			}
		})
	}
}
