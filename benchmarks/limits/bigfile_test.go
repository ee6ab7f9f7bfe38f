package limits

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
)

// root is the module's folder.
func root() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Join(dir, "..", "..")
}

// cached gives the path of a file of .cache/limits, which make writes if it is
// not there yet. A change of what is made takes another name.
func cached(t *testing.T, name string, make func(w io.Writer) error) string {
	t.Helper()
	dir := filepath.Join(root(), ".cache", "limits")
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(make(w), w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// encode gives the bytes of a Parquet file that our writer writes.
func encode(s *arrow.Schema, set map[string]string, fill func(arrowio.Sink) error) ([]byte, error) {
	dir, err := os.MkdirTemp(binDir, "encode")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	name := filepath.Join(dir, "one.parquet")
	w, err := catalog.Create(ctx, name, s, catalog.CreateOptions{Formats: formats.Options{Set: set}})
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := fill(w); err != nil {
		return nil, err
	}
	if _, err := w.Commit(ctx); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// repeat writes a file like raw, of one row group, with every chunk's pages that
// many times in a row, and the row group that many times. Chunks with a
// dictionary cannot repeat their pages. Indexes and bloom filters are left out.
func repeat(w io.Writer, raw []byte, pages, groups int) error {
	footer := raw[len(raw)-8-int(binary.LittleEndian.Uint32(raw[len(raw)-8:])) : len(raw)-8]
	var md format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &md); err != nil {
		return err
	}
	if len(md.RowGroups) != 1 {
		return fmt.Errorf("%d row groups where one is to be repeated", len(md.RowGroups))
	}
	off := int64(0)
	put := func(b []byte) error {
		off += int64(len(b))
		_, err := w.Write(b)
		return err
	}
	if err := put(raw[:4]); err != nil {
		return err
	}
	one := md.RowGroups[0]
	md.RowGroups = nil
	k := int64(pages)
	for i := range groups {
		g := one
		g.Columns = append(one.Columns[:0:0], one.Columns...)
		g.FileOffset, g.Ordinal = off, int16(i)
		for c := range g.Columns {
			chunk := &g.Columns[c]
			chunk.OffsetIndexOffset, chunk.OffsetIndexLength, chunk.ColumnIndexOffset, chunk.ColumnIndexLength = 0, 0, 0, 0
			m := &chunk.MetaData
			start := m.DataPageOffset
			if m.DictionaryPageOffset > 0 {
				if start = m.DictionaryPageOffset; pages > 1 {
					return fmt.Errorf("column %v has a dictionary", m.PathInSchema)
				}
			}
			body := raw[start : start+m.TotalCompressedSize]
			if m.DictionaryPageOffset > 0 {
				m.DictionaryPageOffset += off - start
			}
			m.DataPageOffset += off - start
			m.BloomFilterOffset, m.BloomFilterLength, m.SizeStatistics = 0, 0, format.SizeStatistics{}
			m.NumValues, m.TotalCompressedSize, m.TotalUncompressedSize = k*m.NumValues, k*m.TotalCompressedSize, k*m.TotalUncompressedSize
			m.EncodingStats = append(m.EncodingStats[:0:0], m.EncodingStats...)
			for e := range m.EncodingStats {
				m.EncodingStats[e].Count *= int32(pages)
			}
			for range pages {
				if err := put(body); err != nil {
					return err
				}
			}
		}
		g.NumRows, g.TotalByteSize, g.TotalCompressedSize = k*one.NumRows, k*one.TotalByteSize, k*one.TotalCompressedSize
		md.RowGroups = append(md.RowGroups, g)
	}
	md.NumRows = one.NumRows * k * int64(groups)
	tail, err := thrift.Marshal(new(thrift.CompactProtocol), &md)
	if err != nil {
		return err
	}
	tail = binary.LittleEndian.AppendUint32(tail, uint32(len(tail)))
	return put(append(tail, "PAR1"...))
}

// program builds a program of ours, once, and gives its path.
func program(t *testing.T, name string) string {
	t.Helper()
	built.Do(func() {
		out, err := exec.Command("go", "build", "-o", binDir+string(filepath.Separator), "../../cmd/bdcat", "../../cmd/bdconvert").CombinedOutput()
		if err != nil {
			buildErr = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return filepath.Join(binDir, name)
}

var (
	built    sync.Once
	buildErr error
	binDir   string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "limits")
	if err != nil {
		panic(err)
	}
	binDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // of the system's temporary files
	os.Exit(code)
}
