package local

import (
	"context"
	"errors"
	iofs "io/fs"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/fs"
)

// List implements fs.FileSystem. Links to files and directories are followed,
// a directory that contains itself only once. Pipes, sockets, devices and
// broken links are left out, and so is what vanishes meanwhile.
func (l *FS) List(ctx context.Context, prefix string, o fs.ListOptions) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		dir, base := "", prefix
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			dir, base = prefix[:i], prefix[i+1:]
		}
		if dir != "" {
			if err := check(dir); err != nil {
				yield(fs.FileInfo{}, l.fail("list", prefix, err))
				return
			}
		}
		w := walk{fsys: l, delimited: o.Delimited, yield: yield}
		w.dir(ctx, dir, base)
	}
}

type walk struct {
	fsys      *FS
	delimited bool
	yield     func(fs.FileInfo, error) bool
	above     []iofs.FileInfo // the directories being listed, to see loops
}

type entry struct {
	name string
	key  string // a directory sorts as what it is the prefix of
	st   iofs.FileInfo
}

// dir lists the entries of a directory that begin with base; false means stop.
func (w *walk) dir(ctx context.Context, dir, base string) bool {
	stop := func(err error) bool {
		w.yield(fs.FileInfo{}, w.fsys.fail("list", dir, err))
		return false
	}
	if err := ctx.Err(); err != nil {
		return stop(err)
	}
	path := w.fsys.path(dir)
	self, err := os.Stat(path)
	if gone(err) || err == nil && !self.IsDir() {
		return true
	}
	if err != nil {
		return stop(err)
	}
	if slices.ContainsFunc(w.above, func(st iofs.FileInfo) bool { return os.SameFile(st, self) }) {
		return true
	}
	fs.TraceAccess(ctx, fs.Access{Op: "list"})
	des, err := os.ReadDir(path)
	if gone(err) {
		return true
	}
	if err != nil {
		return stop(err)
	}
	w.above = append(w.above, self)
	defer func() { w.above = w.above[:len(w.above)-1] }()

	var entries []entry
	for _, de := range des {
		name := de.Name()
		if !strings.HasPrefix(name, base) || strings.HasPrefix(name, tempPrefix) {
			continue
		}
		e := entry{name: name, key: name}
		isDir := de.IsDir()
		if de.Type()&iofs.ModeSymlink != 0 {
			if e.st, err = os.Stat(w.fsys.path(join(dir, name))); err != nil {
				continue
			}
			isDir = e.st.IsDir()
		} else if e.st, err = de.Info(); err != nil {
			if gone(err) {
				continue
			}
			return stop(err)
		}
		if isDir {
			e.key += "/"
		} else if !e.st.Mode().IsRegular() {
			continue
		}
		entries = append(entries, e)
	}
	// Delimited listings order directories by their own name.
	slices.SortFunc(entries, func(a, b entry) int {
		if w.delimited {
			return strings.Compare(a.name, b.name)
		}
		return strings.Compare(a.key, b.key)
	})
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return stop(err)
		}
		name := join(dir, e.name)
		if e.st.IsDir() && !w.delimited {
			if !w.dir(ctx, name, "") {
				return false
			}
			continue
		}
		if !w.yield(w.fsys.info(name, e.st), nil) {
			return false
		}
	}
	return true
}

func gone(err error) bool { return err != nil && errors.Is(classify(err), fs.ErrNotExist) }

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
