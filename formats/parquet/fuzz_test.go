package parquet

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/pushdown"
)

// corpusFiles are the small files of the corpus, to mutate; without a corpus
// those that our own writer makes.
func corpusFiles(f *testing.F, most int) (out [][]byte) {
	root := conformance.Root()
	paths, err := filepath.Glob(filepath.Join(root, "parquet", "*", "*.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil || info.Size() > 4<<10 || root == "" {
			continue
		}
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		if out = append(out, b); len(out) == most {
			break
		}
	}
	return append(out, sortedSmall(f)...)
}

// footerOf cuts the footer out of a file.
func footerOf(b []byte) []byte {
	if len(b) < 12 {
		return nil
	}
	n := int(uint32(b[len(b)-8]) | uint32(b[len(b)-7])<<8 | uint32(b[len(b)-6])<<16 | uint32(b[len(b)-5])<<24)
	if n < 0 || n > len(b)-8 {
		return nil
	}
	return b[len(b)-8-n : len(b)-8]
}

func FuzzFooter(f *testing.F) {
	for _, b := range corpusFiles(f, 200) {
		f.Add(footerOf(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		md, n, err := meta.DecodeFileMetaData(b)
		if err == nil && (n > len(b) || md == nil) {
			t.Fatal("a footer longer than its bytes")
		}
	})
}

func FuzzPageHeader(f *testing.F) {
	for _, b := range corpusFiles(f, 200) {
		f.Add(b[4:min(len(b), 200)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h meta.PageHeader
		if n, err := meta.DecodePageHeader(b, &h); err == nil && n > len(b) {
			t.Fatal("a header longer than its bytes")
		}
	})
}

// FuzzFile reads whole files, with a filter and without: any error is right,
// and a panic, a hang or runaway memory is not.
func FuzzFile(f *testing.F) {
	for _, b := range corpusFiles(f, 400) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rd, err := openBytes(t, b, Options{})
		if noPanic(t, err); err != nil {
			return
		}
		defer rd.Close()
		_ = rd.Meta()
		var filter pushdown.Expr
		for _, fl := range rd.Schema().Fields() {
			filter = pushdown.Not{X: pushdown.IsNull{Path: pushdown.Path{fl.Name}}}
			break
		}
		for _, e := range []pushdown.Expr{nil, filter} {
			rr, err := arrowiotest.ReadSplits(context.Background(), rd, arrowio.ScanRequest{Filter: e}, arrowio.ReadOptions{BatchRows: 512, Budget: arrowio.NewBudget(64 << 20)}, func() error { return nil })
			if noPanic(t, err); err != nil {
				continue
			}
			for rows := int64(0); rows < 1<<16 && rr.Next(); {
				rows += rr.RecordBatch().NumRows()
			}
			noPanic(t, rr.Close())
		}
	})
}

// noPanic fails for a panic that was caught at the package's edge: it is a bug
// all the same.
func noPanic(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "goroutine ") || err != nil && strings.Contains(err.Error(), "runtime error") {
		t.Fatal(err)
	}
}

// sortedSmall are files of our own writer, of several shapes.
func sortedSmall(t testing.TB) [][]byte {
	var out [][]byte
	for i, o := range []WriteOptions{{PageRows: 5}, {PageVersion: 2, PageRows: 7, Codec: "snappy"}, {Dictionary: DictionaryOff, Codec: "none"}} {
		out = append(out, writeFile(t, o, lawSchema, lawBatch(newRand(uint64(i)), 0, 20)))
	}
	return out
}
