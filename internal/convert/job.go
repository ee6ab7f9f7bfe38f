package convert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// Exists says what becomes of what is there under the destination's name.
type Exists string

// The answers. Append adds files to a directory.
const (
	ExistsError     Exists = "error"
	ExistsOverwrite Exists = "overwrite"
	ExistsAppend    Exists = "append"
	ExistsSkip      Exists = "skip"
)

// BadRows says what becomes of a row whose values cannot be cast.
type BadRows string

// The answers. Quarantine writes them to Job.Quarantine.
const (
	BadRowsFail       BadRows = "fail"
	BadRowsSkip       BadRows = "skip"
	BadRowsQuarantine BadRows = "quarantine"
)

// Layout is how rows are spread over files.
type Layout struct {
	// PartitionBy names the columns whose values name folders.
	PartitionBy []string
	// KeepPartitionColumns leaves them in the files.
	KeepPartitionColumns bool
	// Name is the template of the files' names; "" is {stem}-{i:05}.{ext}.
	Name string
	// MaxRows and MaxBytes end a file; 0 is no bound. MaxBytes is about.
	MaxRows, MaxBytes int64
	// MaxOpen is how many files of a partitioned directory are open at once.
	// Rows of further partitions wait, on disk if need be, so that a partition
	// has one file. 0 is 64.
	MaxOpen int
	// Checkpoint ends all files of a partitioned directory, or the last one of a
	// source that is cut into parts, after about that many bytes of input, so
	// that a resumed job need not read them again. 0 is 16 GiB.
	Checkpoint int64
	// SortWithin orders the rows of each file.
	SortWithin []SortColumn
}

// parts says that the layout makes several files of one source.
func (l *Layout) parts() bool {
	return len(l.PartitionBy) > 0 || l.MaxRows > 0 || l.MaxBytes > 0 || l.Name != ""
}

// Job is what to do. Its exported fields are set before it runs.
type Job struct {
	Sources []string
	Dest    string
	// Flags is what besides makes the job the one it is, as text.
	Flags string

	Read catalog.Options
	// Request binds the wanted rows and columns to the sources' schema.
	Request func(*arrow.Schema) (arrowio.ScanRequest, error)
	Limit   int64
	Run     arrowio.RunOptions
	// Memory is the bytes that the whole job may take; 0 leaves it to defaults.
	Memory   int64
	SpoolDir string

	Shape    Shape
	Filename bool // add _file, the URL of each row's source
	Layout   Layout

	Write      catalog.CreateOptions
	CopyUnits  bool
	MergeUnits bool

	IfExists    Exists
	Manifest    string
	SuccessFile bool
	Verify      bool
	KeepGoing   bool
	BadRows     BadRows
	Quarantine  string
	// Resume goes on with the job whose state is at ResumeFrom, or where this
	// job keeps it.
	Resume     bool
	ResumeFrom string

	divided bool // among processes: the parts of all sources go to one directory

	// Notice tells people something; Progress is told what has been done.
	Notice   func(format string, args ...any)
	Progress func(Event)
}

// ID names the job: the same sources and flags have the same ID.
func (j *Job) ID() string {
	h := sha256.New()
	for _, s := range append(append([]string{}, j.Sources...), j.Dest, j.Flags) {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// isStream says that the destination is no file of a filesystem.
func isStream(dest string) bool { return dest == "-" || dest == "/dev/stdout" || dest == os.DevNull }

// check refuses what makes no sense together.
func (j *Job) check() error {
	no := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{arrowio.ErrOption}, args...)...)
	}
	if len(j.Sources) == 0 {
		return no("a SOURCE and a DEST are needed")
	}
	if j.Layout.MaxRows < 0 || j.Layout.MaxBytes < 0 || j.Layout.MaxOpen < 0 || j.Limit < 0 {
		return no("a negative bound")
	}
	if isStream(j.Dest) {
		switch {
		case j.Layout.parts():
			return no("%s is no directory: --partition-by, --name, --max-rows and --max-bytes need one", j.Dest)
		case j.Resume:
			return no("--resume: what went to a pipe cannot be taken up again")
		case j.SuccessFile:
			return no("--success-file needs a directory")
		case j.Verify:
			return no("--verify: what went to a pipe cannot be read back")
		}
		if j.Write.Format == "" && j.Dest != os.DevNull {
			return no("standard output needs a format: --to")
		}
	}
	if j.CopyUnits {
		if what := j.changes(); what != "" {
			return no("--copy-units copies what is stored: it goes with no %s", what)
		}
	}
	if j.BadRows == BadRowsQuarantine && j.Quarantine == "" {
		return no("--on-bad-row quarantine=FILE needs a file")
	}
	if j.BadRows == BadRowsQuarantine {
		if _, err := (catalog.CreateOptions{}).FormatOf(j.Quarantine); err != nil {
			return err
		}
	}
	return nil
}

// changes names something that needs the rows decoded.
func (j *Job) changes() string {
	switch {
	case j.MergeUnits:
		return "--merge-units"
	case j.Layout.parts():
		return "--partition-by, --name, --max-rows or --max-bytes"
	case len(j.Layout.SortWithin) > 0:
		return "--sort-within"
	case j.Shape.changes() || j.Filename || j.Limit > 0:
		return "change of rows or columns"
	}
	return ""
}

// writeFormat is the format of the parts of a directory: the one that was asked
// for, or that of the sources if they agree.
func (j *Job) writeFormat(sources []string) (formats.Format, error) {
	if j.Write.Format != "" {
		return formats.ByName(j.Write.Format)
	}
	var found formats.Format
	for _, s := range sources {
		f := formats.ByExtension(s)
		if f == nil || found != nil && f.Name() != found.Name() {
			return nil, fmt.Errorf("%w: the names of the sources do not tell one format to write (try: --to)", arrowio.ErrOption)
		}
		found = f
	}
	return found, nil
}

// suits refuses a format that cannot do what is asked of the writer.
func (j *Job) suits(f formats.Format) error {
	if err := checkOptions(f, j.Write.Formats.Set); err != nil {
		return err
	}
	return j.Write.Encrypts(f)
}

// checkOptions refuses options of the writer that its format lacks.
func checkOptions(f formats.Format, set map[string]string) error {
	known := map[string]bool{}
	var names []string
	for _, o := range f.Options() {
		if o.Write {
			known[o.Key] = true
			names = append(names, "--"+o.Key)
		}
	}
	for key := range set {
		if !known[key] && !(strings.HasPrefix(key, "kv.") && known["kv"]) {
			flag, _, _ := strings.Cut(key, ".")
			return fmt.Errorf("%w: %s has no option --%s (it has %s)", arrowio.ErrOption, f.Name(), flag, strings.Join(names, ", "))
		}
	}
	return nil
}

// resolve finds the directory that the job writes in, and the file's name if
// the destination is one.
func (j *Job) resolve(ctx context.Context) (t target, file string, err error) {
	fsys, name, err := fs.Resolve(ctx, j.Dest, j.Write.FS)
	if err != nil {
		return t, "", err
	}
	dir := strings.HasSuffix(j.Dest, "/")
	var info fs.FileInfo
	exists := false
	if fsys.Caps().RealDirs {
		if info, err = fsys.Stat(ctx, strings.TrimSuffix(name, "/")); err == nil {
			exists = true
		}
	}
	switch {
	case exists && !info.IsDir && (dir || j.Layout.parts()):
		return t, "", &fs.Error{Op: "create", URL: fsys.URL(name), Err: fmt.Errorf("%w: a file, where a directory is to be written", fs.ErrExist)}
	case exists && info.IsDir, dir, j.Layout.parts(), j.divided && formats.ByExtension(name) == nil:
		return target{fsys, strings.TrimSuffix(name, "/")}, "", nil
	}
	at := strings.LastIndexByte(name, '/')
	return target{fsys, name[:max(at, 0)]}, name[at+1:], nil
}

// what the writers may hold, unless Memory says less.
const defaultWriteBytes = 512 << 20

func (j *Job) writeBytes() int64 {
	if j.Memory > 0 {
		return max(j.Memory/4, 8<<20)
	}
	return defaultWriteBytes
}

func (j *Job) maxOpen() int {
	if j.Layout.MaxOpen > 0 {
		return j.Layout.MaxOpen
	}
	return 64
}

func (j *Job) notice(format string, args ...any) {
	if j.Notice != nil {
		j.Notice(format, args...)
	}
}
