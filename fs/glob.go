package fs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Glob yields the files that match a pattern, in byte order of their names
// where the filesystem promises it, each once:
//
//   - any run of characters but "/"
//     ?        one character but "/"
//     [a-z]    one of a class; [!a-z] or [^a-z] one that is not
//     {a,b}    either; may nest and hold slashes
//     **       as a whole element: any number of elements, none too
//     \        makes the next character literal
//
// Only what begins with the longest literal beginning is listed; without "**"
// and on real directories, only the directories that match on the way. A
// leading dot is a character like others.
//
// A pattern with no such character yields what Stat says of it, a directory
// too, or Stat's error. Otherwise directories are not yielded, and no match is
// no error. A filesystem that cannot list takes the pattern for a plain name:
// in a URL, "?" begins a query.
func Glob(ctx context.Context, fsys FileSystem, pattern string) iter.Seq2[FileInfo, error] {
	return func(yield func(FileInfo, error) bool) {
		if !HasMeta(pattern) {
			yield(fsys.Stat(ctx, pattern))
			return
		}
		fail := func(err error) {
			yield(FileInfo{}, &Error{Op: "list", URL: fsys.URL(pattern), Err: err})
		}
		alts, err := expand(pattern)
		if err != nil {
			fail(err)
			return
		}
		slices.Sort(alts)
		alts = slices.Compact(alts)
		seqs := make([]iter.Seq2[FileInfo, error], len(alts))
		for i, alt := range alts {
			segs, err := parseSegments(alt)
			if err != nil {
				fail(err)
				return
			}
			seqs[i] = globOne(ctx, fsys, segs)
		}
		yielded := false
		for info, err := range merge(seqs, fsys.Caps().SortedList) {
			if err != nil && errors.Is(err, ErrUnsupported) && !yielded {
				info, serr := fsys.Stat(ctx, pattern)
				if serr == nil {
					yield(info, nil)
				} else {
					fail(fmt.Errorf("%w (and as a plain name: %w)", err, serr))
				}
				return
			}
			yielded = true
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

// globOne yields the matches of one pattern without braces.
func globOne(ctx context.Context, fsys FileSystem, segs []segment) iter.Seq2[FileInfo, error] {
	deep := slices.ContainsFunc(segs, func(s segment) bool { return s.any })
	return func(yield func(FileInfo, error) bool) {
		if !deep && fsys.Caps().RealDirs {
			descend(ctx, fsys, "", segs, yield)
			return
		}
		lead, rest := leading(segs)
		if len(rest) == 0 {
			stat(ctx, fsys, lead, yield)
			return
		}
		for info, err := range fsys.List(ctx, lead+rest[0].prefix, ListOptions{}) {
			if err != nil {
				yield(FileInfo{}, err)
				return
			}
			if !info.IsDir && matchName(segs, info.Name) && !yield(info, nil) {
				return
			}
		}
	}
}

// leading joins the literal segments that a pattern begins with, a slash
// after each but the last of all.
func leading(segs []segment) (string, []segment) {
	var b strings.Builder
	for i, s := range segs {
		if !s.lit {
			return b.String(), segs[i:]
		}
		b.WriteString(s.prefix)
		if i < len(segs)-1 {
			b.WriteByte('/')
		}
	}
	return b.String(), nil
}

// stat yields a file named without wildcards, if it is there.
func stat(ctx context.Context, fsys FileSystem, name string, yield func(FileInfo, error) bool) bool {
	info, err := fsys.Stat(ctx, name)
	if errors.Is(err, ErrNotExist) || err == nil && info.IsDir {
		return true
	}
	if err != nil {
		yield(FileInfo{}, err)
		return false
	}
	return yield(info, nil)
}

// descend lists one level after the other; false means stop.
func descend(ctx context.Context, fsys FileSystem, dir string, segs []segment, yield func(FileInfo, error) bool) bool {
	lead, rest := leading(segs)
	dir += lead
	if len(rest) == 0 {
		return stat(ctx, fsys, dir, yield)
	}
	seg, more := rest[0], rest[1:]
	var found []FileInfo
	for info, err := range fsys.List(ctx, dir+seg.prefix, ListOptions{Delimited: true}) {
		if err != nil {
			yield(FileInfo{}, err)
			return false
		}
		if info.IsDir == (len(more) > 0) && seg.match(strings.TrimPrefix(info.Name, dir)) {
			found = append(found, info)
		}
	}
	if len(more) == 0 {
		for _, info := range found {
			if !yield(info, nil) {
				return false
			}
		}
		return true
	}
	// "a.b/x" sorts before "a/x", though "a" sorts before "a.b".
	slices.SortFunc(found, func(a, b FileInfo) int { return cmp.Compare(a.Name+"/", b.Name+"/") })
	for _, d := range found {
		if !descend(ctx, fsys, d.Name+"/", more, yield) {
			return false
		}
	}
	return true
}

// merge joins sequences into one without doubles: in order when each is
// ordered, else one after the other.
func merge(seqs []iter.Seq2[FileInfo, error], sorted bool) iter.Seq2[FileInfo, error] {
	if len(seqs) == 1 {
		return seqs[0]
	}
	if !sorted {
		return func(yield func(FileInfo, error) bool) {
			seen := map[string]bool{}
			for _, seq := range seqs {
				for info, err := range seq {
					if err == nil && seen[info.Name] {
						continue
					}
					seen[info.Name] = true
					if !yield(info, err) {
						return
					}
				}
			}
		}
	}
	return func(yield func(FileInfo, error) bool) {
		type head struct {
			info FileInfo
			err  error
			next func() (FileInfo, error, bool)
		}
		var heads []*head
		for _, seq := range seqs {
			next, stop := iter.Pull2(seq)
			defer stop()
			h := &head{next: next}
			var ok bool
			if h.info, h.err, ok = next(); ok {
				heads = append(heads, h)
			}
		}
		last := ""
		for first := true; len(heads) > 0; {
			// An error comes before any name.
			i := 0
			for j, h := range heads {
				if h.err != nil {
					i = j
					break
				}
				if h.info.Name < heads[i].info.Name {
					i = j
				}
			}
			h := heads[i]
			if h.err != nil {
				yield(FileInfo{}, h.err)
				return
			}
			if first || h.info.Name != last {
				if !yield(h.info, nil) {
					return
				}
			}
			first, last = false, h.info.Name
			var ok bool
			if h.info, h.err, ok = h.next(); !ok {
				heads = slices.Delete(heads, i, i+1)
			}
		}
	}
}
