package catalog

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/dataset"
	"github.com/bdkit/bdkit/fs"
)

// Source is one or many files as a table.
type Source struct {
	arrowio.Table
	o     Options
	files []SourceFile
	one   formats.FileReader // a single file stays open
}

// SourceFile is one of a source's files.
type SourceFile struct {
	URL  string // without secrets
	Info fs.FileInfo

	fsys   fs.FileSystem
	known  bool
	stdin  bool
	format string // of its name; "" finds out
	path   string // as far as the source was written out, and below it
}

// Open opens a path, a glob, a directory, a URL or "-". A glob or directory
// without a matching file is fs.ErrNotExist.
func Open(ctx context.Context, source string, o Options) (*Source, error) {
	return OpenAll(ctx, []string{source}, o)
}

// OpenAll opens several sources as one table, their files in the order given.
func OpenAll(ctx context.Context, sources []string, o Options) (*Source, error) {
	s := &Source{o: o}
	for _, src := range sources {
		files, err := Files(ctx, src, o)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, files...)
	}
	if len(s.files) == 1 && s.files[0].alone(o.Dataset) {
		r, err := s.File(ctx, 0)
		if err != nil {
			return nil, err
		}
		s.Table, s.one = r, r
		return s, nil
	}
	byURL := map[string]int{}
	files := make([]dataset.File, len(s.files))
	for i, f := range s.files {
		if f.stdin {
			return nil, fmt.Errorf("%w: standard input beside other files, or as part of a dataset", arrowio.ErrUnsupported)
		}
		files[i] = dataset.File{Name: f.URL, Path: f.path}
		byURL[f.URL] = i
	}
	t, err := dataset.New(ctx, files, func(ctx context.Context, name string) (formats.FileReader, error) {
		i, ok := byURL[name]
		if !ok {
			return nil, fmt.Errorf("%w: a split of another table: %s", arrowio.ErrUnsupported, name)
		}
		return s.File(ctx, i)
	}, o.Dataset)
	if err != nil {
		return nil, err
	}
	s.Table = t
	return s, nil
}

// alone says that a single file is the table itself.
func (f SourceFile) alone(o dataset.Options) bool {
	if f.stdin {
		return true
	}
	folders := o.Hive != dataset.HiveOff && strings.Contains(path.Dir(f.path), "=")
	return !folders && o.Schema == nil && !o.Filename && !o.RowNumber && len(o.PartitionTypes) == 0
}

// Files are the source's files in order.
func (s *Source) Files() []SourceFile { return s.files }

// File opens file i on its own.
func (s *Source) File(ctx context.Context, i int) (formats.FileReader, error) {
	return s.files[i].Open(ctx, s.o)
}

// Close closes what is open.
func (s *Source) Close() error {
	if s.one != nil {
		return s.one.Close()
	}
	return nil
}

// Files lists the files that a source stands for. Of a directory and of a glob
// the files whose name, or a folder below, begins with "_" or "." are left out.
func Files(ctx context.Context, source string, o Options) ([]SourceFile, error) {
	if source == "-" {
		return []SourceFile{{URL: "-", stdin: true}}, nil
	}
	source, o, err := o.named(source)
	if err != nil {
		return nil, err
	}
	fsys, name, err := o.resolve(ctx, source)
	if err != nil {
		return nil, err
	}
	file := func(info fs.FileInfo, known bool) SourceFile {
		return SourceFile{URL: fsys.URL(info.Name), Info: info, fsys: fsys, known: known, format: o.Format, path: written(source, name, info.Name)}
	}
	if fs.HasMeta(name) {
		out, err := globbed(ctx, fsys, name, file)
		if err != nil || len(out) > 0 {
			return out, err
		}
		// A name may hold such characters itself.
		if info, err := fsys.Stat(ctx, name); err == nil && !info.IsDir {
			return []SourceFile{file(info, true)}, nil
		}
		return nil, &fs.Error{Op: "list", URL: fs.Redact(source), Err: fmt.Errorf("%w: no file matches", fs.ErrNotExist)}
	}
	if !fsys.Caps().RealDirs && !strings.HasSuffix(source, "/") {
		return []SourceFile{file(fs.FileInfo{Name: name}, false)}, nil
	}
	info, err := fsys.Stat(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrUnsupported) {
		return nil, err
	}
	if err == nil && !info.IsDir {
		return []SourceFile{file(info, true)}, nil
	}
	return listed(ctx, fsys, name, file)
}

// Entries lists one level of a source for people: of a directory what is
// directly in it, directories (Info.IsDir) and hidden files too; of a glob, a
// file or a store that cannot list, its files.
func Entries(ctx context.Context, source string, o Options) ([]SourceFile, error) {
	url, oo, err := o.named(source)
	if err != nil {
		return nil, err
	}
	if url == "-" {
		return Files(ctx, url, oo)
	}
	fsys, name, err := oo.resolve(ctx, url)
	if err != nil {
		return nil, err
	}
	if fs.HasMeta(name) {
		return Files(ctx, url, oo)
	}
	if fsys.Caps().RealDirs {
		if info, err := fsys.Stat(ctx, name); err != nil || !info.IsDir {
			return Files(ctx, url, oo)
		}
	} else if name != "" && !strings.HasSuffix(url, "/") {
		return Files(ctx, url, oo)
	}
	dir := strings.TrimSuffix(name, "/")
	if dir != "" {
		dir += "/"
	}
	out := []SourceFile{}
	for info, err := range fsys.List(ctx, dir, fs.ListOptions{Delimited: true}) {
		if err != nil {
			return nil, err
		}
		out = append(out, SourceFile{URL: fsys.URL(info.Name), Info: info, fsys: fsys, known: true, format: oo.Format})
	}
	return out, nil
}

// written is the part of a file's name that its source wrote out, and what is
// below it: folders above are not the dataset's.
func written(source, name, file string) string {
	if i := strings.Index(source, "://"); i >= 0 {
		source = source[i+3:]
	}
	own := strings.Count(path.Clean(strings.ReplaceAll(source, "\\", "/")), "/") + 1
	for strings.HasPrefix(source, "../") {
		source, own = source[3:], own-2
	}
	elems := strings.Split(strings.Trim(name, "/"), "/")
	above := max(0, len(elems)-own)
	rest := strings.Split(file, "/")
	return strings.Join(rest[min(above, len(rest)-1):], "/")
}

func globbed(ctx context.Context, fsys fs.FileSystem, name string, file func(fs.FileInfo, bool) SourceFile) (out []SourceFile, err error) {
	literal := strings.HasPrefix(path.Base(name), ".") || strings.HasPrefix(path.Base(name), "_")
	for info, err := range fs.Glob(ctx, fsys, name) {
		if err != nil {
			return nil, err
		}
		if literal || !hidden(path.Base(info.Name)) {
			out = append(out, file(info, true))
		}
	}
	return out, nil
}

func listed(ctx context.Context, fsys fs.FileSystem, name string, file func(fs.FileInfo, bool) SourceFile) (out []SourceFile, err error) {
	dir := strings.TrimSuffix(name, "/")
	if dir != "" {
		dir += "/"
	}
	for info, err := range fsys.List(ctx, dir, fs.ListOptions{}) {
		if err != nil {
			return nil, err
		}
		if !info.IsDir && !hidden(strings.TrimPrefix(info.Name, dir)) {
			out = append(out, file(info, true))
		}
	}
	if len(out) == 0 {
		return nil, &fs.Error{Op: "list", URL: fsys.URL(name), Err: fmt.Errorf("%w: no file in the directory", fs.ErrNotExist)}
	}
	return out, nil
}

// hidden says that an element of a path begins with "_" or ".".
func hidden(rel string) bool {
	for e := range strings.SplitSeq(rel, "/") {
		if strings.HasPrefix(e, "_") || strings.HasPrefix(e, ".") {
			return true
		}
	}
	return false
}

// Open opens the file on its own.
func (f SourceFile) Open(ctx context.Context, o Options) (formats.FileReader, error) {
	if f.stdin {
		return o.openStdin(ctx)
	}
	if o.Format == "" {
		o.Format = f.format
	}
	return o.openIn(ctx, f.fsys, f.Info, f.known)
}
