package orc

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/internal/oracle"
)

// javaFile is a file that Java's writer made, and what Java's reader read of it:
// the digest of each column.
type javaFile struct {
	path    string
	rows    int64
	columns []string
	digests []string
}

var javaOnce struct {
	sync.Once
	dir   string
	files map[string]javaFile
}

// javaFiles makes the files of testdata/gen/Gen.java, once a run.
func javaFiles(t testing.TB) map[string]javaFile {
	jar := oracle.Jar(t, "orc-tools", "reading what Java's writer makes of unions, encryption, every width of integers")
	javaOnce.Do(func() {
		dir, err := os.MkdirTemp("", "orc-java")
		if err != nil {
			t.Fatal(err)
		}
		javaOnce.dir = dir
		javaOnce.files = map[string]javaFile{}
		out := oracle.Java(t, jar, filepath.Join("testdata", "gen", "Gen.java"), dir)
		name := ""
		for s := bufio.NewScanner(strings.NewReader(out)); s.Scan(); {
			line := s.Text()
			f := javaOnce.files[name]
			if column, ok := strings.CutPrefix(line, "\t"); ok {
				c, digest, _ := strings.Cut(column, " ")
				f.columns, f.digests = append(f.columns, c), append(f.digests, digest)
			} else {
				name = line[:strings.LastIndexByte(line, ' ')]
				f = javaFile{path: filepath.Join(dir, strings.TrimPrefix(name, "masked ")+".orc")}
				fmt.Sscan(line[len(name):], &f.rows)
			}
			javaOnce.files[name] = f
		}
	})
	if len(javaOnce.files) < 20 {
		t.Fatalf("Gen.java made %d files", len(javaOnce.files))
	}
	return javaOnce.files
}

func TestMain(m *testing.M) {
	code := m.Run()
	if javaOnce.dir != "" {
		os.RemoveAll(javaOnce.dir)
	}
	os.Exit(code)
}

// javaKeys are the master keys of the encrypted files.
type javaKeys struct{ short bool }

func (javaKeys) FooterKey([]byte) ([]byte, error) { return nil, arrowio.ErrKey }
func (javaKeys) AADPrefix() []byte                { return nil }

func (javaKeys) ColumnKey(_ string, metadata []byte) ([]byte, error) {
	switch string(metadata) {
	case "pii":
		return []byte("0123456789abcdefFEDCBA9876543210"), nil
	case "other":
		return []byte("fedcba98765432100123456789ABCDEF"), nil
	}
	return nil, fmt.Errorf("%w: %s", arrowio.ErrKey, hex.EncodeToString(metadata))
}

// TestJava: what we read of a file of Java's writer is what Java's reader does.
func TestJava(t *testing.T) {
	for name, f := range javaFiles(t) {
		t.Run(name, func(t *testing.T) {
			var o Options
			if strings.HasPrefix(name, "encrypted") {
				o.Keys = javaKeys{}
			}
			for _, batch := range []int{0, 77} {
				d, err := digestFile(t, f.path, o, batch)
				if err != nil {
					t.Fatal(err)
				}
				if d.Rows != f.rows {
					t.Fatalf("%d rows, Java reads %d", d.Rows, f.rows)
				}
				for i, sum := range d.Sums() {
					if sum != f.digests[i] {
						t.Errorf("column %s differs", f.columns[i])
					}
				}
			}
		})
	}
}

func digestFile(t testing.TB, path string, o Options, batch int) (*conformance.Digest, error) {
	ctx := context.Background()
	f, err := openLocal(ctx, path)
	if err != nil {
		return nil, err
	}
	r, err := Open(ctx, f, o)
	if err != nil {
		return nil, err
	}
	return digestOf(r, batch)
}

// digestOf digests all rows, and closes the reader.
func digestOf(r *Reader, batch int) (*conformance.Digest, error) {
	rr, err := arrowiotest.ReadSplits(context.Background(), r, arrowio.ScanRequest{}, arrowio.ReadOptions{BatchRows: batch, Budget: arrowio.NewBudget(64 << 20)}, r.Close)
	if err != nil {
		return nil, err
	}
	defer rr.Close()
	d := conformance.NewDigest(rr.Schema())
	for rr.Next() {
		if err := d.Add(rr.RecordBatch()); err != nil {
			return nil, err
		}
	}
	return d, rr.Err()
}
