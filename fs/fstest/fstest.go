// Package fstest is the definition of a filesystem: the suite that every
// driver passes, and a filesystem that fails on purpose.
//
//	func TestSuite(t *testing.T) {
//		fstest.Run(t, func(t *testing.T) fs.FileSystem { return mem.New() })
//	}
//
// What a store cannot do it says in its Caps or with an [Ability]; that skips
// a case and never weakens one.
package fstest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bdkit/bdkit/fs"
)

// patience is how long an operation may take to notice that its context has
// ended. It is generous: the machine may be busy, a hang is for ever.
const patience = 20 * time.Second

// Ability tells the suite what a filesystem can or cannot do beyond its Caps.
type Ability func(*suite)

// Put gives the suite the means to write files into a filesystem that is
// ReadOnly, by whatever way they come there. It replaces a file as a user
// would who deploys a new one.
func Put(put func(t *testing.T, fsys fs.FileSystem, name string, data []byte)) Ability {
	return func(s *suite) { s.put = put }
}

// NoList says that List is fs.ErrUnsupported, and the suite holds it to that.
func NoList() Ability { return func(s *suite) { s.noList = true } }

// Names replaces the weird names that files must be able to have.
func Names(names ...string) Ability { return func(s *suite) { s.names = names } }

// ListMany sets how many files the long listing has, 1203 by default; a store
// that pages by more than a thousand needs more.
func ListMany(n int) Ability { return func(s *suite) { s.many = n } }

type suite struct {
	new    func(t *testing.T) fs.FileSystem
	put    func(t *testing.T, fsys fs.FileSystem, name string, data []byte)
	noList bool
	names  []string
	many   int
}

// Run holds a filesystem to the contract of package fs. New gives a filesystem
// without files; it is called once a case, and what it gives may be used by
// many goroutines.
func Run(t *testing.T, new func(t *testing.T) fs.FileSystem, abilities ...Ability) {
	s := &suite{new: new, names: weirdNames, many: 1203}
	for _, a := range abilities {
		a(s)
	}
	for _, c := range []struct {
		name string
		run  func(t *testing.T, fsys fs.FileSystem)
		need func(c fs.Caps) string
	}{
		{"RoundTrip", s.roundTrip, nil},
		{"Names", s.weird, nil},
		{"BadNames", s.badNames, nil},
		{"Ranges", s.ranges, nil},
		{"PastEOF", s.pastEOF, nil},
		{"Tail", s.tail, nil},
		{"NotExist", s.notExist, nil},
		{"Closed", s.closed, nil},
		{"Pinned", s.pinnedVersion, nil},
		{"Known", s.known, nil},
		{"Cancel", s.cancel, nil},
		{"Concurrent", s.concurrent, nil},
		{"ListMany", s.listMany, s.canList},
		{"ListPrefix", s.listPrefix, s.canList},
		{"ListStops", s.listStops, s.canList},
		{"NoList", s.cannotList, func(fs.Caps) string {
			if !s.noList {
				return "it lists"
			}
			return ""
		}},
		{"Abort", s.abort, writable},
		{"Commit", s.commit, writable},
		{"CommitCancelled", s.commitCancelled, writable},
		{"Overwrite", s.overwrite, writable},
		{"IfNotExists", s.ifNotExists, atomicCreate},
		{"CreateRace", s.createRace, atomicCreate},
		{"Remove", s.remove, writable},
		{"ReadOnly", s.readOnly, func(c fs.Caps) string {
			if !c.ReadOnly {
				return "it can be written"
			}
			return ""
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := new(t)
			if c.need != nil {
				if why := c.need(fsys.Caps()); why != "" {
					t.Skip(why)
				}
			}
			if fsys.Caps().ReadOnly && s.put == nil {
				t.Fatal("a read-only filesystem needs the ability fstest.Put")
			}
			c.run(t, fsys)
		})
	}
}

func writable(c fs.Caps) string {
	if c.ReadOnly {
		return "it is read-only"
	}
	return ""
}

func atomicCreate(c fs.Caps) string {
	if c.ReadOnly || !c.CreateIfNotExists {
		return "it has no atomic IfNotExists"
	}
	return ""
}

func (s *suite) canList(fs.Caps) string {
	if s.noList {
		return "it cannot list"
	}
	return ""
}

// random bytes, the same for the same n.
func random(n int) []byte {
	var seed [32]byte
	copy(seed[:], fmt.Sprint(n))
	b := make([]byte, n)
	rand.NewChaCha8(seed).Read(b)
	return b
}

func (s *suite) write(t *testing.T, fsys fs.FileSystem, name string, data []byte) {
	t.Helper()
	if s.put != nil {
		s.put(t, fsys, name, data)
		return
	}
	w, err := fsys.Create(t.Context(), name, fs.CreateOptions{})
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	defer w.Close()
	// In pieces, so that a driver that keeps the caller's slice is seen.
	piece := make([]byte, 40000)
	for rest := data; len(rest) > 0; {
		n := copy(piece, rest)
		if k, err := w.Write(piece[:n]); err != nil || k != n {
			t.Fatalf("write: %d of %d bytes, %v", k, n, err)
		}
		rest = rest[n:]
	}
	clear(piece)
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if info.Size != int64(len(data)) || info.Name != name || info.IsDir {
		t.Errorf("commit of %d bytes to %q says %+v", len(data), name, info)
	}
}

func open(t *testing.T, fsys fs.FileSystem, name string) fs.File {
	t.Helper()
	f, err := fsys.Open(t.Context(), name, fs.OpenOptions{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// read takes a whole file through a fresh handle.
func read(ctx context.Context, fsys fs.FileSystem, name string) ([]byte, error) {
	f, err := fsys.Open(ctx, name, fs.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Info(ctx)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(fs.ReaderAt(ctx, f), 0, info.Size))
}

func list(t *testing.T, fsys fs.FileSystem, prefix string, o fs.ListOptions) []fs.FileInfo {
	t.Helper()
	var out []fs.FileInfo
	for info, err := range fsys.List(t.Context(), prefix, o) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		out = append(out, info)
	}
	return out
}
