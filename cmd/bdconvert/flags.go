package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/convert"
)

// flags are what the command line says of a job.
type flags struct {
	app *cli.App
	set *pflag.FlagSet

	rows                    cli.Rows
	to                      string
	rename, cast, add, drop string
	castErrors, schema      string
	filename                bool

	partitionBy, name, sortWithin    string
	keepPartition                    bool
	maxRows                          int64
	maxBytes, checkpoint             cli.Size
	maxOpen                          int
	mergeUnits, copyUnits            bool
	writer                           []writerFlag
	kv                               []string
	ifExists, manifest               string
	successFile, verify, dryRun      bool
	progress, resume, onBadRow       string
	keepGoing, failFast              bool
	noArrowSchema, arrowSchemaWanted bool
}

// writerFlag is a flag that goes to the writer of the format as its option.
type writerFlag struct{ name, help, value string }

// runOnly are the flags that change how a job runs, not what it makes.
var runOnly = []string{
	"jobs", "memory", "timeout", "color", "quiet", "verbose", "log-format", "progress", "resume", "keep-going", "fail-fast",
	"dry-run", "spool-dir", "max-spool", "verify", "manifest", "help",
}

func (j *flags) define(f *pflag.FlagSet) {
	j.set = f
	j.rows.Flags(f)
	f.Int64Var(&j.rows.Limit, "limit", 0, "that many rows at most")
	f.StringVarP(&j.to, "to", "t", "", "format of DEST (default: by its extension): "+strings.Join(formatNames(), ", "))

	f.StringVar(&j.rename, "rename", "", "old=new,…")
	f.StringVar(&j.cast, "cast", "", "col=type,… (int64, decimal(10,2), date, timestamp(us,UTC) …)")
	f.StringVar(&j.castErrors, "cast-errors", "fail", "what becomes of a value that does not fit: fail, null")
	f.StringVar(&j.drop, "drop", "", "columns to leave out")
	f.StringVar(&j.add, "add", "", "columns of one value: col=literal,…")
	f.StringVar(&j.schema, "schema", "", "columns to make, by name: a data file, or JSON as of bdcat schema -F json")
	f.BoolVar(&j.filename, "filename", false, "add the column _file, the source of each row")

	f.StringVar(&j.partitionBy, "partition-by", "", "a folder for each value, a=1/b=x: columns a,b")
	f.BoolVar(&j.keepPartition, "keep-partition-columns", false, "leave those columns in the files too")
	f.StringVar(&j.name, "name", "", "names of files: {stem}, {i}, {i:05}, {uuid}, {ext} (default {stem}-{i:05}.{ext})")
	f.Int64Var(&j.maxRows, "max-rows", 0, "rows of a file at most")
	f.Var(&j.maxBytes, "max-bytes", "bytes of a file, about")
	f.IntVar(&j.maxOpen, "max-open", 64, "partitions written at once; rows of others wait, on disk if need be")
	f.Var(&j.checkpoint, "checkpoint", "input bytes after which open files are ended, to resume from there, with --partition-by, --name or --max-… (default 16G)")
	f.StringVar(&j.sortWithin, "sort-within", "", "order of each file's rows: 'a, b desc, c nulls first' (nulls come last)")
	f.BoolVar(&j.mergeUnits, "merge-units", false, "fill row groups to their size across sources, as is the default")
	f.BoolVar(&j.copyUnits, "copy-units", false, "copy row groups as they are stored, undecoded")

	f.StringVar(&j.ifExists, "if-exists", "error", "when DEST exists: error, overwrite, append, skip")
	f.StringVar(&j.manifest, "manifest", "", "write a JSON list of the files, with rows, bytes and checksums (inside DEST: a name that begins with _)")
	f.BoolVar(&j.successFile, "success-file", false, "write _SUCCESS into DEST last")
	f.BoolVar(&j.verify, "verify", false, "read back: rows, and nulls, bounds and values of each column")
	f.BoolVar(&j.dryRun, "dry-run", false, "say what would be done")

	f.StringVar(&j.progress, "progress", "auto", "auto, always, never, json")
	f.StringVar(&j.resume, "resume", "", "go on with a job that was stopped (its state: DEST/.bdconvert/JOB.json, or =FILE)")
	f.Lookup("resume").NoOptDefVal = resumeHere
	f.BoolVar(&j.keepGoing, "keep-going", false, "of many outputs, go on after one that fails")
	f.BoolVar(&j.failFast, "fail-fast", false, "stop at the first failure, as is the default")
	f.StringVar(&j.onBadRow, "on-bad-row", "fail", "a row that cannot be cast: fail, skip, quarantine=FILE")

	j.writer = []writerFlag{
		{name: "codec", help: "none, snappy, gzip, zstd, lz4_raw, brotli, lz4, zlib, deflate"},
		{name: "level", help: "compression level"},
		{name: "row-group-rows", help: "rows of a row group at most"},
		{name: "row-group-bytes", help: "bytes of a row group, about"},
		{name: "page-bytes", help: "bytes of a page, about"},
		{name: "page-version", help: "data pages of version 1 or 2"},
		{name: "stripe-bytes", help: "bytes of an ORC stripe, about"},
		{name: "sync-bytes", help: "bytes of an Avro block, about"},
		{name: "dict", help: "on, off, auto, or MODE:col,col"},
		{name: "encoding", help: "col=delta,…"},
		{name: "bloom", help: "cols[:fpp]"},
		{name: "stats", help: "none, chunk, page"},
		{name: "timestamp-unit", help: "ms, us, ns"},
		{name: "sort", help: "declared order of the rows"},
		{name: "created-by", help: "name of the writing application"},
	}
	for i := range j.writer {
		w := &j.writer[i]
		f.StringVar(&w.value, w.name, "", w.help)
	}
	f.BoolVar(&j.arrowSchemaWanted, "arrow-schema", true, "store the Arrow schema")
	f.BoolVar(&j.noArrowSchema, "no-arrow-schema", false, "do not store it")
	f.StringArrayVar(&j.kv, "kv", nil, "key=value metadata")
}

// resumeHere is --resume without a file.
const resumeHere = "\x00"

func formatNames() (out []string) {
	for _, f := range formats.All() {
		out = append(out, f.Name())
	}
	return out
}

// writerOptions are the flags that were given, as options of the format.
func (j *flags) writerOptions() (map[string]string, error) {
	set := map[string]string{}
	for _, w := range j.writer {
		if j.set.Changed(w.name) {
			set[w.name] = w.value
		}
	}
	switch {
	case j.noArrowSchema:
		set["arrow-schema"] = "false"
	case j.set.Changed("arrow-schema"):
		set["arrow-schema"] = fmt.Sprint(j.arrowSchemaWanted)
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
func (j *flags) check() error {
	for _, c := range []struct {
		flag, value string
		known       []string
	}{
		{"if-exists", j.ifExists, []string{"error", "overwrite", "append", "skip"}},
		{"cast-errors", j.castErrors, []string{"fail", "null"}},
		{"progress", j.progress, []string{"auto", "always", "never", "json"}},
	} {
		if !slices.Contains(c.known, c.value) {
			return fmt.Errorf("%w: --%s %q: want %s", cli.ErrUsage, c.flag, c.value, strings.Join(c.known, ", "))
		}
	}
	switch {
	case j.keepGoing && j.failFast:
		return fmt.Errorf("%w: --keep-going and --fail-fast", cli.ErrUsage)
	case j.keepPartition && j.partitionBy == "":
		return fmt.Errorf("%w: --keep-partition-columns without --partition-by", cli.ErrUsage)
	case j.maxRows < 0 || j.maxOpen < 1 || j.rows.Limit < 0:
		return fmt.Errorf("%w: --max-rows, --max-open and --limit are positive", cli.ErrUsage)
	}
	return nil
}

// badRows reads --on-bad-row.
func (j *flags) badRows() (convert.BadRows, string, error) {
	kind, file, has := strings.Cut(j.onBadRow, "=")
	switch b := convert.BadRows(kind); {
	case (b == convert.BadRowsFail || b == convert.BadRowsSkip) && !has:
		return b, "", nil
	case b == convert.BadRowsQuarantine && file != "":
		return b, file, nil
	}
	return "", "", fmt.Errorf("%w: --on-bad-row %q: want fail, skip, quarantine=FILE", cli.ErrUsage, j.onBadRow)
}

// given are the flags that make the job the one it is, as arguments.
func (j *flags) given() (out []string) {
	j.set.VisitAll(func(f *pflag.Flag) {
		if !f.Changed || slices.Contains(runOnly, f.Name) {
			return
		}
		if a, ok := f.Value.(pflag.SliceValue); ok {
			for _, v := range a.GetSlice() {
				out = append(out, "--"+f.Name+"="+v)
			}
			return
		}
		out = append(out, "--"+f.Name+"="+f.Value.String())
	})
	return out
}

// sortColumns reads "a, b desc, c nulls first".
func sortColumns(text string) (out []convert.SortColumn, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for _, item := range split(text) {
		name, rest := item, ""
		if q, ok := strings.CutPrefix(name, `"`); ok {
			if name, rest, ok = strings.Cut(q, `"`); !ok {
				return nil, fmt.Errorf("%w: --sort-within %q: a quote is not closed", cli.ErrUsage, item)
			}
		} else {
			name, rest, _ = strings.Cut(name, " ")
		}
		c := convert.SortColumn{Name: name}
		switch strings.ToLower(strings.Join(strings.Fields(rest), " ")) {
		case "", "asc", "asc nulls last", "nulls last":
		case "asc nulls first", "nulls first":
			c.NullsFirst = true
		case "desc", "desc nulls last":
			c.Descending = true
		case "desc nulls first":
			c.Descending, c.NullsFirst = true, true
		default:
			return nil, fmt.Errorf("%w: --sort-within %q: want column [asc|desc] [nulls first|last]", cli.ErrUsage, strings.TrimSpace(item))
		}
		if name == "" {
			return nil, fmt.Errorf("%w: --sort-within %q: no column", arrowio.ErrColumn, text)
		}
		out = append(out, c)
	}
	return out, nil
}

// columns reads a list of names such as `a, "b,c"`.
func columns(text string) (out []string) {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	for _, name := range split(text) {
		out = append(out, unquote(name))
	}
	return out
}

// unquote takes the double quotes off a name.
func unquote(name string) string {
	if n := len(name); n > 1 && name[0] == '"' && name[n-1] == '"' {
		return strings.ReplaceAll(name[1:n-1], `""`, `"`)
	}
	return name
}

// split cuts at commas outside quotes.
func split(text string) (out []string) {
	quoted, start := false, 0
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			out = append(out, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(text[start:]))
}
