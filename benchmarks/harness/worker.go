package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	upstream "github.com/parquet-go/parquet-go"
)

const batchRows = 65536

// job is what a worker was asked to time.
type job struct {
	kind, path, where string
	threads           int
	columns           []string
}

// engines are the Go contestants: each prepares a run of its job.
var engines = map[string]func(job) (version string, run func() (int64, error), err error){
	"pqarrow":    pqarrowEngine,
	"parquet-go": parquetGoEngine,
}

// runWorker is the worker's side of the protocol: see worker.round and peers.py.
func runWorker(args []string) error {
	if len(args) != 6 {
		return errors.New("worker: ENGINE KIND FILE THREADS COLUMNS WHERE")
	}
	threads, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	j := job{kind: args[1], path: args[2], threads: threads, where: args[5]}
	if args[4] != "" {
		j.columns = strings.Split(args[4], ",")
	}
	prepare := engines[args[0]]
	if prepare == nil {
		return fmt.Errorf("worker: no engine %q", args[0])
	}
	version, run, err := prepare(j)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(reply{Ready: version}); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		start := time.Now()
		rows, err := run()
		if err != nil {
			return err
		}
		if err := out.Encode(reply{Seconds: time.Since(start).Seconds(), Rows: rows}); err != nil {
			return err
		}
	}
	return nil
}

// moduleVersion is the version of a dependency as it was built in.
func moduleVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}

var errTask = errors.New("this engine has no such task")

func pqarrowEngine(j job) (string, func() (int64, error), error) {
	if j.kind != "scan" || j.where != "" {
		return "", nil, errTask
	}
	return moduleVersion("github.com/apache/arrow-go/v18"), func() (int64, error) {
		f, err := file.OpenParquetFile(j.path, false)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: batchRows, Parallel: j.threads > 1}, memory.DefaultAllocator)
		if err != nil {
			return 0, err
		}
		var cols []int
		for _, c := range j.columns {
			cols = append(cols, f.MetaData().Schema.ColumnIndexByName(c))
		}
		rr, err := r.GetRecordReader(context.Background(), cols, nil)
		if err != nil {
			return 0, err
		}
		defer rr.Release()
		var n int64
		for rr.Next() {
			n += rr.RecordBatch().NumRows()
		}
		if err := rr.Err(); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		return n, nil
	}, nil
}

// parquetGoEngine reads rows, which is what that library gives; it has no
// projection of rows by name, so it takes whole files only.
func parquetGoEngine(j job) (string, func() (int64, error), error) {
	if j.kind != "scan" || j.where != "" || j.columns != nil {
		return "", nil, errTask
	}
	return moduleVersion("github.com/parquet-go/parquet-go"), func() (int64, error) {
		f, err := os.Open(j.path)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			return 0, err
		}
		pf, err := upstream.OpenFile(f, st.Size())
		if err != nil {
			return 0, err
		}
		var n int64
		buf := make([]upstream.Row, 1024)
		for _, rg := range pf.RowGroups() {
			rows := rg.Rows()
			for {
				k, err := rows.ReadRows(buf)
				n += int64(k)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					rows.Close()
					return 0, err
				}
			}
			if err := rows.Close(); err != nil {
				return 0, err
			}
		}
		return n, nil
	}, nil
}
