package fs

import (
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// IOFS shows a filesystem as one of the standard library, under ctx. Its files
// also are io.ReaderAt and io.Seeker. Names that io/fs does not allow, such as
// "a//b", are left out; where both a file and files below it have a name, it
// is the file.
func IOFS(ctx context.Context, fsys FileSystem) iofs.FS { return &bridge{ctx, fsys} }

type bridge struct {
	ctx  context.Context
	fsys FileSystem
}

func (b *bridge) Open(name string) (iofs.File, error) {
	info, err := b.stat("open", name)
	if err != nil {
		return nil, err
	}
	if info.IsDir {
		return &bridgeDir{b: b, name: name, info: info}, nil
	}
	f, err := b.fsys.Open(b.ctx, info.Name, OpenOptions{Known: &info})
	if err != nil {
		return nil, &iofs.PathError{Op: "open", Path: name, Err: err}
	}
	return &bridgeFile{SectionReader: io.NewSectionReader(ReaderAt(b.ctx, f), 0, info.Size), f: f, info: info}, nil
}

func (b *bridge) Stat(name string) (iofs.FileInfo, error) {
	info, err := b.stat("stat", name)
	if err != nil {
		return nil, err
	}
	return bridgeInfo{info}, nil
}

func (b *bridge) stat(op, name string) (FileInfo, error) {
	fail := func(err error) (FileInfo, error) {
		return FileInfo{}, &iofs.PathError{Op: op, Path: name, Err: err}
	}
	if !iofs.ValidPath(name) {
		return fail(iofs.ErrInvalid)
	}
	if name == "." {
		return FileInfo{Name: "", IsDir: true}, nil
	}
	info, err := b.fsys.Stat(b.ctx, name)
	if err == nil {
		if info.IsDir {
			// Listings of some stores know no more of a directory than its
			// name, and the two must agree.
			info = FileInfo{Name: name, IsDir: true}
		}
		return info, nil
	}
	if errors.Is(err, ErrNotExist) {
		for _, lerr := range b.fsys.List(b.ctx, name+"/", ListOptions{Delimited: true}) {
			if lerr == nil {
				return FileInfo{Name: name, IsDir: true}, nil
			}
			break
		}
	}
	return fail(err)
}

func (b *bridge) ReadDir(name string) ([]iofs.DirEntry, error) {
	info, err := b.stat("readdir", name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir {
		return nil, &iofs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	prefix := ""
	if name != "." {
		prefix = name + "/"
	}
	var out []iofs.DirEntry
	for info, err := range b.fsys.List(b.ctx, prefix, ListOptions{Delimited: true}) {
		if err != nil {
			return out, &iofs.PathError{Op: "readdir", Path: name, Err: err}
		}
		if !iofs.ValidPath(info.Name) {
			continue
		}
		if info.IsDir {
			info = FileInfo{Name: info.Name, IsDir: true}
		}
		out = append(out, iofs.FileInfoToDirEntry(bridgeInfo{info}))
	}
	slices.SortStableFunc(out, func(a, b iofs.DirEntry) int {
		if c := strings.Compare(a.Name(), b.Name()); c != 0 {
			return c
		}
		// The file first, so that it is the one kept.
		if a.IsDir() == b.IsDir() {
			return 0
		} else if a.IsDir() {
			return 1
		}
		return -1
	})
	return slices.CompactFunc(out, func(a, b iofs.DirEntry) bool { return a.Name() == b.Name() }), nil
}

type bridgeInfo struct{ i FileInfo }

func (b bridgeInfo) Name() string {
	if b.i.Name == "" {
		return "."
	}
	return path.Base(b.i.Name)
}
func (b bridgeInfo) Size() int64        { return b.i.Size }
func (b bridgeInfo) ModTime() time.Time { return b.i.ModTime }
func (b bridgeInfo) IsDir() bool        { return b.i.IsDir }
func (b bridgeInfo) Sys() any           { return b.i }
func (b bridgeInfo) Mode() iofs.FileMode {
	if b.i.IsDir {
		return iofs.ModeDir | 0o555
	}
	return 0o444
}

type bridgeFile struct {
	*io.SectionReader
	f    File
	info FileInfo
}

func (b *bridgeFile) Stat() (iofs.FileInfo, error) { return bridgeInfo{b.info}, nil }
func (b *bridgeFile) Close() error                 { return b.f.Close() }

type bridgeDir struct {
	b       *bridge
	name    string
	info    FileInfo
	entries []iofs.DirEntry
	read    bool
}

func (d *bridgeDir) Stat() (iofs.FileInfo, error) { return bridgeInfo{d.info}, nil }
func (d *bridgeDir) Close() error                 { return nil }
func (d *bridgeDir) Read([]byte) (int, error) {
	return 0, &iofs.PathError{Op: "read", Path: d.name, Err: errors.New("is a directory")}
}

func (d *bridgeDir) ReadDir(n int) ([]iofs.DirEntry, error) {
	if !d.read {
		es, err := d.b.ReadDir(d.name)
		if err != nil {
			return nil, err
		}
		d.entries, d.read = es, true
	}
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	out := d.entries[:n:n]
	d.entries = d.entries[n:]
	return out, nil
}
