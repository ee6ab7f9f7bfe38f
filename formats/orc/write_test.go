package orc

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/fs"
)

// memWriter is a file in memory.
type memWriter struct {
	bytes.Buffer
	committed, closed bool
}

func (w *memWriter) Commit(context.Context) (fs.FileInfo, error) {
	w.committed = true
	return fs.FileInfo{Name: "mem", Size: int64(w.Len())}, nil
}
func (w *memWriter) Close() error { w.closed = true; return nil }

func writeFile(t testing.TB, o WriteOptions, s *arrow.Schema, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	w := &memWriter{}
	k, err := NewSink(w, s, o)
	if err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	defer k.Close()
	rows := int64(0)
	for _, b := range batches {
		if err := k.Write(context.Background(), b); err != nil {
			t.Fatalf("%v: %v", s, err)
		}
		rows += b.NumRows()
	}
	res, err := k.Commit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if res.Rows != rows || res.Bytes != int64(w.Len()) || !w.committed {
		t.Fatalf("result %+v, %d rows and %d bytes written", res, rows, w.Len())
	}
	return w.Bytes()
}

// randomOptions draws from all that does not depend on a column's type.
func randomOptions(r *rand.Rand) WriteOptions {
	codecs := []string{"none", "zlib", "snappy", "lz4", "zstd"}
	return WriteOptions{
		Codec: codecs[r.IntN(len(codecs))], BlockBytes: []int{0, 64, 1000}[r.IntN(3)], StripeBytes: []int64{0, 5000}[r.IntN(2)],
		Stride: []int{0, 7, 100, 1000}[r.IntN(4)], Dictionary: DictionaryMode(r.IntN(3)), DictionaryRatio: []float64{0, 0.3}[r.IntN(2)],
		Statistics: StatisticsMode(r.IntN(3)), NoArrowSchema: r.IntN(4) == 0, Jobs: 1 + r.IntN(3),
	}
}
