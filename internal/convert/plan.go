package convert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// task is a piece of a job that is done as a whole or again.
type task struct {
	key     string // of the state
	sources []string
	shown   []string // the sources without secrets
	format  formats.Format
	fixed   string // the one file that it makes; "" makes parts
	dir     string // of the parts
	stem    string
	splits  []arrowio.Split // nil: all of the sources'
	bytes   int64
	skip    bool // its file is there and stays
	replace bool // its file is there and goes
}

// plan divides the job into tasks: one for a file or a partitioned directory
// (which openInput may divide further), else one a source's file. The second
// result is a hash of the sources' names and versions.
func (e *engine) plan(ctx context.Context) ([]task, string, error) {
	h := sha256.New()
	type found struct {
		catalog.SourceFile
		base string
		src  string // the source, where it stands for this file alone
	}
	var files []found
	total := int64(0)
	mine := map[string]bool{} // what an earlier run has made of the sources, where it writes beside them
	for _, n := range e.keep.s.Reserved {
		mine[e.to.url(n)] = true
	}
	hidden := false
	for _, src := range e.j.Sources {
		list, err := catalog.Files(ctx, src, e.j.Read)
		if err != nil {
			return nil, "", err
		}
		base, name := "", ""
		if src != "-" {
			if base, err = literalDir(ctx, src, e.j.Read.FS); err != nil {
				return nil, "", err
			}
			if _, name, err = fs.Resolve(ctx, src, e.j.Read.FS); err != nil {
				return nil, "", err
			}
		}
		for _, f := range list {
			if mine[f.URL] && e.parts {
				hidden = true
				continue
			}
			fmt.Fprintf(h, "%s\n%d %s %d\n", f.URL, f.Info.Size, f.Info.Version, f.Info.ModTime.UnixNano())
			one := ""
			if len(list) == 1 && f.Info.Name == name {
				one = src // with its secrets
			}
			files = append(files, found{f, base, one})
			total += f.Info.Size
		}
	}
	e.m.total.Store(total)
	urls := make([]string, len(files))
	for i, f := range files {
		urls[i] = f.URL
	}
	e.sources = urls
	sum := hex.EncodeToString(h.Sum(nil)[:16])
	if isStream(e.j.Dest) || e.file != "" || len(e.j.Layout.PartitionBy) > 0 || e.j.divided {
		sources := e.j.Sources
		if hidden {
			sources = nil
			for _, u := range urls {
				sources = append(sources, fs.QuoteMeta(u))
			}
		}
		t := task{key: "all", sources: sources, shown: few(urls), bytes: total, fixed: e.file, stem: "part"}
		if len(files) == 1 {
			t.stem = stemOf(files[0].Info.Name)
		}
		var err error
		if e.file == "" && !isStream(e.j.Dest) {
			t.format, err = e.j.writeFormat(urls)
		} else if e.j.Dest == "/dev/null" && e.j.Write.Format == "" {
			t.format, err = e.j.writeFormat(urls)
		} else {
			t.format, err = e.j.Write.FormatOf(e.j.Dest)
		}
		if err == nil {
			err = e.j.suits(t.format)
		}
		return []task{t}, sum, err
	}
	var tasks []task
	for _, f := range files {
		rel, below := strings.CutPrefix(f.Info.Name, f.base)
		if !below {
			rel = path.Base(f.Info.Name)
		}
		if f.URL == "-" {
			rel = "part"
			if !e.j.Layout.parts() {
				return nil, "", fmt.Errorf("%w: standard input has no name to give a file in a directory (try: --name)", arrowio.ErrOption)
			}
		}
		t := task{key: rel, sources: []string{fs.QuoteMeta(f.URL)}, shown: []string{f.URL}, bytes: f.Info.Size}
		if f.src != "" || f.URL == "-" {
			t.sources = []string{f.src}
			if f.URL == "-" {
				t.sources[0] = "-"
			}
		}
		var err error
		if e.j.Layout.parts() {
			t.dir, t.stem = path.Dir(rel), stemOf(rel)
			t.format, err = e.j.writeFormat([]string{rel})
		} else {
			if t.fixed, err = e.outputName(rel); err == nil {
				t.key = t.fixed
				t.format, err = e.j.Write.FormatOf(t.fixed)
			}
		}
		if err == nil {
			err = e.j.suits(t.format)
		}
		if err != nil {
			return nil, "", err
		}
		tasks = append(tasks, t)
	}
	return tasks, sum, nil
}

// few keeps a list that is written for every task short.
func few(urls []string) []string {
	if len(urls) > 100 {
		return []string{fmt.Sprintf("%d files", len(urls))}
	}
	return urls
}

// outputName is a source's relative path with the extension of the output's
// format.
func (e *engine) outputName(rel string) (string, error) {
	if e.j.Write.Format == "" {
		return rel, nil
	}
	f, err := formats.ByName(e.j.Write.Format)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(rel, path.Ext(rel)) + "." + f.Extensions()[0], nil
}

// literalDir is the folder of a source before its first pattern, as a name in
// its filesystem: what is below keeps its relative path.
func literalDir(ctx context.Context, src string, o fs.Options) (string, error) {
	fsys, name, err := fs.Resolve(ctx, src, o)
	if err != nil {
		return "", err
	}
	if i := strings.IndexAny(name, `*?[{\`); i >= 0 && fs.HasMeta(name) {
		name = name[:i]
	} else if strings.HasSuffix(src, "/") {
		name = strings.TrimSuffix(name, "/") + "/"
	} else if fsys.Caps().RealDirs {
		if info, err := fsys.Stat(ctx, name); err == nil && info.IsDir {
			name += "/"
		}
	}
	return name[:strings.LastIndexByte(name, '/')+1], nil
}

// dataFiles lists the files of formats below the destination, as readers of the
// directory see them, by name below it.
func (e *engine) dataFiles(ctx context.Context) (out []string, err error) {
	prefix := e.to.dir
	if prefix != "" {
		prefix += "/"
	}
	for info, err := range e.to.fsys.List(ctx, prefix, fs.ListOptions{}) {
		if err != nil {
			return nil, err
		}
		rel := strings.TrimPrefix(info.Name, prefix)
		hidden := false
		for el := range strings.SplitSeq(rel, "/") {
			hidden = hidden || strings.HasPrefix(el, "_") || strings.HasPrefix(el, ".")
		}
		if !info.IsDir && !hidden && formats.ByExtension(rel) != nil {
			out = append(out, rel)
		}
	}
	return out, nil
}

// settle heeds --if-exists, before any work, and reserves the names that are
// known by now. all says that there is nothing to do.
func (e *engine) settle(ctx context.Context, tasks []task, resumed bool) (all bool, err error) {
	if e.parts {
		return e.settleParts(ctx, resumed)
	}
	mine := map[string]bool{}
	if resumed {
		for _, n := range e.keep.s.Reserved {
			mine[n] = true
		}
	}
	var names []string
	for i := range tasks {
		t := &tasks[i]
		if err := e.names.take(t.fixed); err != nil {
			return false, err
		}
		if done := e.keep.s.Tasks[t.key]; done != nil {
			continue
		}
		_, err := e.to.fsys.Stat(ctx, e.to.name(t.fixed))
		there := err == nil // else Create will tell
		switch {
		case !there:
		case mine[t.fixed] || e.j.IfExists == ExistsOverwrite:
			t.replace = true
		case e.j.IfExists == ExistsSkip:
			t.skip = true
			continue
		case e.j.IfExists == ExistsAppend && e.file == "":
			if err := e.beside(ctx, t); err != nil {
				return false, err
			}
		case e.j.IfExists == ExistsAppend:
			return false, fmt.Errorf("%w: --if-exists append adds files to a directory, and %s is a file", arrowio.ErrOption, e.to.url(t.fixed))
		default:
			return false, e.existsError(ctx, t.fixed)
		}
		names = append(names, t.fixed)
	}
	return false, e.reserve(ctx, names...)
}

// beside gives a task's file the next name that is free.
func (e *engine) beside(ctx context.Context, t *task) error {
	numbered, err := parseTemplate("{stem}-{i}.{ext}")
	if err != nil {
		return err
	}
	ext := strings.TrimPrefix(path.Ext(t.fixed), ".")
	for {
		name, err := e.names.fill(numbered, path.Dir(t.fixed), stemOf(t.fixed), ext)
		if err != nil {
			return err
		}
		if _, err := e.to.fsys.Stat(ctx, e.to.name(name)); err != nil {
			t.fixed = name
			return nil
		}
	}
}

func (e *engine) existsError(ctx context.Context, name string) error {
	hint := "--if-exists overwrite"
	if s, err := loadState(ctx, e.keep.fsys, e.statePath()); err == nil && s.Phase != PhaseDone {
		hint = "--resume, which goes on with the job that was stopped, or --if-exists overwrite"
	}
	return &fs.Error{Op: "create", URL: e.to.url(name), Err: fmt.Errorf("%w (try: %s)", fs.ErrExist, hint)}
}

func (e *engine) settleParts(ctx context.Context, resumed bool) (all bool, err error) {
	there, err := e.dataFiles(ctx)
	if err != nil {
		return false, err
	}
	if resumed {
		if there, err = e.removeOrphans(ctx, there); err != nil {
			return false, err
		}
	} else if len(there) > 0 {
		switch e.j.IfExists {
		case ExistsSkip:
			e.j.notice("%s has files and is left as it is", e.to.url(""))
			return true, nil
		case ExistsOverwrite:
			if err := e.sparesSources(there); err != nil {
				return false, err
			}
			e.keep.s.Old = there
		case ExistsAppend:
		default:
			return false, e.existsError(ctx, there[0])
		}
	}
	for _, n := range there {
		e.names.occupy(n)
	}
	return false, nil
}

// sparesSources refuses to delete some of the sources with what is overwritten,
// unless the job writes all of that anew.
func (e *engine) sparesSources(old []string) error {
	read := map[string]bool{}
	for _, u := range e.sources {
		read[u] = true
	}
	n, first := 0, ""
	for _, name := range old {
		if u := e.to.url(name); read[u] {
			n++
			first = u
		}
	}
	if n > 0 && n < len(old) {
		return fmt.Errorf("%w: --if-exists overwrite would delete the source %s with %d other files that are no source", arrowio.ErrOption, first, len(old)-n)
	}
	return nil
}

// removeOrphans removes what an earlier run has left of tasks that were not
// finished, and gives the files that stay.
func (e *engine) removeOrphans(ctx context.Context, there []string) ([]string, error) {
	present := map[string]bool{}
	for _, n := range there {
		present[n] = true
	}
	for _, n := range e.keep.s.orphans() {
		if !present[n] {
			continue
		}
		if err := e.to.fsys.Remove(ctx, e.to.name(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		delete(present, n)
	}
	return slices.DeleteFunc(there, func(n string) bool { return !present[n] }), nil
}
