package main

import (
	"errors"
	"io"
	"os"

	upstream "github.com/parquet-go/parquet-go"
)

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
