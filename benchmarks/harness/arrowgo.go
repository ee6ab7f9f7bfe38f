package main

import (
	"bufio"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/avro"
)

// arrowGoEngine is arrow-go's own reader of Avro.
func arrowGoEngine(j job) (string, func() (int64, error), error) {
	if !strings.HasSuffix(j.path, ".avro") || j.kind != "scan" || j.columns != nil || j.where != "" {
		return "", nil, errTask
	}
	return moduleVersion("github.com/apache/arrow-go/v18"), func() (n int64, err error) {
		f, err := os.Open(j.path)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		r, err := avro.NewOCFReader(bufio.NewReaderSize(f, 1<<20), avro.WithChunk(batchRows))
		if err != nil {
			return 0, err
		}
		defer r.Close()
		for r.Next() {
			n += r.RecordBatch().NumRows()
		}
		return n, r.Err()
	}, nil
}
