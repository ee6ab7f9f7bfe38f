package main

import (
	"context"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/pushdown"
)

// bdkitEngine goes the way a user's program does: by name through catalog, by
// arrowio.Run, with memory that is used again once a batch is released.
func bdkitEngine(j job) (string, func() (int64, error), error) {
	ctx := context.Background()
	if strings.HasPrefix(j.kind, "write") {
		var batches []arrow.RecordBatch
		err := bdkitScan(ctx, j, memory.DefaultAllocator, func(b arrow.RecordBatch) {
			b.Retain()
			batches = append(batches, b)
		})
		if err != nil {
			return "", nil, err
		}
		run := func() (int64, error) { return bdkitWrite(ctx, j, batches) }
		return "here", run, nil
	}
	pool := arrowio.NewPool()
	return "here", func() (n int64, err error) {
		err = bdkitScan(ctx, j, pool, func(b arrow.RecordBatch) { n += b.NumRows() })
		return n, err
	}, nil
}

func bdkitScan(ctx context.Context, j job, mem memory.Allocator, use func(arrow.RecordBatch)) error {
	src, err := catalog.Open(ctx, j.path, catalog.Options{})
	if err != nil {
		return err
	}
	defer src.Close()
	var req arrowio.ScanRequest
	for _, c := range j.columns {
		req.Columns = append(req.Columns, pushdown.Path{c})
	}
	if j.where != "" {
		if req.Filter, err = pushdown.Parse(j.where); err != nil {
			return err
		}
	}
	for b, err := range arrowio.Batches(ctx, src, req, arrowio.RunOptions{
		ReadOptions: arrowio.ReadOptions{Alloc: mem, BatchRows: batchRows}, Jobs: j.threads,
	}) {
		if err != nil {
			return err
		}
		use(b)
	}
	return nil
}

func bdkitWrite(ctx context.Context, j job, batches []arrow.RecordBatch) (int64, error) {
	format, codec := "parquet", "snappy"
	if how := strings.Fields(j.kind); len(how) == 3 {
		format, codec = how[1], how[2]
	}
	w, err := catalog.Create(ctx, j.path+".bdkit.out", batches[0].Schema(), catalog.CreateOptions{
		Format: format, Overwrite: true, Formats: formats.Options{Set: map[string]string{"codec": codec}},
	})
	if err != nil {
		return 0, err
	}
	defer w.Close()
	for _, b := range batches {
		if err := w.Write(ctx, b); err != nil {
			return 0, err
		}
	}
	res, err := w.Commit(ctx)
	return res.Rows, err
}
