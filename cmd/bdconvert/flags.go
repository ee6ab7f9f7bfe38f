package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/internal/cli"
)

// job is one run of the program.
type job struct {
	app *cli.App

	rows                      cli.Rows
	to                        string
	rename, cast, add, drop   string
	castErrors                string
	ifExists                  string
	manifest, progress        string
	verify, dryRun, keepGoing bool
	bloom                     string
	kv                        []string
	writer                    []writerFlag
	flagSet                   *pflag.FlagSet
}

// writerFlag is a flag that goes to the writer of the format as its option.
type writerFlag struct {
	flag, key, help string
	value           string
}

func (j *job) flags(f *pflag.FlagSet) {
	j.flagSet = f
	j.rows.Flags(f)
	f.Int64Var(&j.rows.Limit, "limit", 0, "that many rows at most")
	f.StringVarP(&j.to, "to", "t", "", "format of DEST (default: by its extension)")
	f.StringVar(&j.rename, "rename", "", "old=new,…")
	f.StringVar(&j.cast, "cast", "", "col=type,… (int64, decimal(10,2), date, timestamp(us,UTC) …)")
	f.StringVar(&j.castErrors, "cast-errors", "fail", "what becomes of a value that does not fit: fail, null")
	f.StringVar(&j.drop, "drop", "", "columns to leave out")
	f.StringVar(&j.add, "add", "", "columns of one value: col=literal,…")
	f.StringVar(&j.ifExists, "if-exists", "error", "when DEST exists: error, overwrite, skip")
	f.StringVar(&j.manifest, "manifest", "", "write a JSON manifest of the files written")
	f.StringVar(&j.progress, "progress", "auto", "auto, always, never")
	f.BoolVar(&j.verify, "verify", false, "read back: rows, nulls, bounds")
	f.BoolVar(&j.dryRun, "dry-run", false, "say what would be done")
	f.BoolVar(&j.keepGoing, "keep-going", false, "of many files, go on after one that fails")
	j.writer = []writerFlag{
		{flag: "codec", key: "codec", help: "none, snappy, gzip, zstd, lz4_raw, brotli"},
		{flag: "level", key: "level", help: "compression level"},
		{flag: "row-group-rows", key: "row-group-rows", help: "rows of a row group at most"},
		{flag: "row-group-bytes", key: "row-group-bytes", help: "bytes of a row group, about"},
		{flag: "page-bytes", key: "page-bytes", help: "bytes of a page, about"},
		{flag: "page-version", key: "page-version", help: "data pages of version 1 or 2"},
		{flag: "dict", key: "dict", help: "on, off, auto, or MODE:col,col"},
		{flag: "encoding", key: "encoding", help: "col=delta,…"},
		{flag: "bloom", key: "bloom", help: "cols[:fpp]"},
		{flag: "stats", key: "stats", help: "none, chunk, page"},
		{flag: "timestamp-unit", key: "timestamp-unit", help: "ms, us, ns"},
		{flag: "sort", key: "sort", help: "declared order of the rows"},
		{flag: "created-by", key: "created-by", help: "name of the writing application"},
	}
	for i := range j.writer {
		w := &j.writer[i]
		f.StringVar(&w.value, w.flag, "", w.help)
	}
	f.Bool("arrow-schema", true, "store the Arrow schema")
	f.Bool("no-arrow-schema", false, "do not store it")
	f.StringArrayVar(&j.kv, "kv", nil, "key=value metadata")
}

// writerOptions are the flags that were given, as options of the format.
func (j *job) writerOptions() (map[string]string, error) {
	set := map[string]string{}
	for _, w := range j.writer {
		if j.flagSet.Changed(w.flag) {
			set[w.key] = w.value
		}
	}
	on, err := j.flagSet.GetBool("arrow-schema")
	if err != nil {
		return nil, err
	}
	off, err := j.flagSet.GetBool("no-arrow-schema")
	if err != nil {
		return nil, err
	}
	if !on || off {
		set["arrow-schema"] = strconv.FormatBool(false)
	}
	for _, kv := range j.kv {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, fmt.Errorf("%w: --kv %q: want key=value", cli.ErrUsage, kv)
		}
		set["kv."+k] = v
	}
	return set, nil
}

// check makes sure of the flags with few values.
func (j *job) check() error {
	for _, c := range []struct {
		flag, value string
		known       []string
	}{
		{"if-exists", j.ifExists, []string{"error", "overwrite", "skip"}},
		{"cast-errors", j.castErrors, []string{"fail", "null"}},
		{"progress", j.progress, []string{"auto", "always", "never"}},
	} {
		ok := false
		for _, k := range c.known {
			ok = ok || k == c.value
		}
		if !ok {
			return fmt.Errorf("%w: --%s %q: want %s", cli.ErrUsage, c.flag, c.value, strings.Join(c.known, ", "))
		}
	}
	return nil
}
