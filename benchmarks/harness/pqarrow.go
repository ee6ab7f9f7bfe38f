package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// pqarrowEngine has no filter of rows.
func pqarrowEngine(j job) (string, func() (int64, error), error) {
	version := moduleVersion("github.com/apache/arrow-go/v18")
	if j.where != "" {
		return "", nil, errTask
	}
	if j.kind == "write" {
		var batches []arrow.RecordBatch
		if err := pqarrowScan(j, func(b arrow.RecordBatch) {
			b.Retain()
			batches = append(batches, b)
		}); err != nil {
			return "", nil, err
		}
		return version, func() (int64, error) { return pqarrowWrite(j, batches) }, nil
	}
	return version, func() (n int64, err error) {
		err = pqarrowScan(j, func(b arrow.RecordBatch) { n += b.NumRows() })
		return n, err
	}, nil
}

func pqarrowScan(j job, use func(arrow.RecordBatch)) error {
	f, err := file.OpenParquetFile(j.path, false)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: batchRows, Parallel: j.threads > 1}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	var cols []int
	for _, c := range j.columns {
		cols = append(cols, f.MetaData().Schema.ColumnIndexByName(c))
	}
	rr, err := r.GetRecordReader(context.Background(), cols, nil)
	if err != nil {
		return err
	}
	defer rr.Release()
	for rr.Next() {
		use(rr.RecordBatch())
	}
	if err := rr.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func pqarrowWrite(j job, batches []arrow.RecordBatch) (n int64, err error) {
	f, err := os.Create(j.path + ".pqarrow.out")
	if err != nil {
		return 0, err
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy))
	w, err := pqarrow.NewFileWriter(batches[0].Schema(), f, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return 0, err
	}
	for _, b := range batches {
		if err := w.WriteBuffered(b); err != nil {
			return 0, err
		}
		n += b.NumRows()
	}
	return n, w.Close()
}
