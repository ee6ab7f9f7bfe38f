package orc

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
)

// BenchmarkScan reads the file that BDKIT_ORC names, all of it, on one core. The
// figure to look at is the processor time, cpu-ms/op.
func BenchmarkScan(b *testing.B) {
	path := os.Getenv("BDKIT_ORC")
	if path == "" {
		b.Skip("SKIPPED: BDKIT_ORC names no file")
	}
	ctx := context.Background()
	f, err := openLocal(ctx, path)
	if err != nil {
		b.Fatal(err)
	}
	r, err := Open(ctx, f, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	o := arrowio.ReadOptions{Alloc: arrowio.NewPool()}
	start := cpu()
	for b.Loop() {
		rr, err := arrowiotest.ReadSplits(ctx, r, arrowio.ScanRequest{}, o, func() error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		rows := int64(0)
		for rr.Next() {
			rows += rr.RecordBatch().NumRows()
		}
		if err := rr.Close(); err != nil {
			b.Fatal(err)
		}
		if rows != r.NumRows() {
			b.Fatal(rows)
		}
	}
	b.ReportMetric(float64((cpu()-start).Milliseconds())/float64(b.N), "cpu-ms/op")
}

// cpu is the processor time used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
