// Package fs is the filesystem layer: one small contract over local disks,
// object stores, HDFS and HTTP. It depends on the standard library alone, so
// that a program that reads local files compiles no line of a cloud SDK;
// drivers are leaf packages that register their URL schemes with [Register].
//
//	URL ─► Resolve ─► FileSystem ─► Open ─► File ─► ReadRanges / Tail ─► the caller's memory
//	                       └──────► Create ─► Writer ─► Commit | Close
//
// The contract is held by the public suite in package fstest; every driver
// passes it.
package fs

import (
	"context"
	"io"
	"iter"
	"time"
)

// FileSystem is what a driver implements. Names are slash-separated and
// relative to the filesystem's root (a bucket, a container, a namenode, the
// local root directory "/"): no leading slash, no "." or ".." elements.
//
// All methods are safe for concurrent use and return promptly when ctx ends.
// Errors wrap one of the sentinels of this package ([ErrNotExist],
// [ErrPermission], [ErrAuth], [ErrExist], [ErrChanged], [ErrIO],
// [ErrUnsupported]) and name the URL without its secrets.
type FileSystem interface {
	// Open returns a handle on one file. It is lazy: a driver may defer every
	// request, and so a missing file may first be reported by Tail, Info or
	// ReadRanges. OpenOptions.Known pins the version that a listing saw.
	Open(ctx context.Context, name string, o OpenOptions) (File, error)

	// Create starts a new file. Nothing is visible under name until Commit.
	Create(ctx context.Context, name string, o CreateOptions) (Writer, error)

	// Stat describes one file, or, on a filesystem with RealDirs, a directory.
	Stat(ctx context.Context, name string) (FileInfo, error)

	// List yields the files below prefix, in byte order of their names on
	// filesystems that promise it (Caps.SortedList). The prefix is literal: it
	// need not end at a slash, and "a/b" matches "a/b/c" and "a/bc". Recursion
	// is the default; ListOptions.Delimited yields one level, with directories
	// as entries of IsDir. An error ends the sequence.
	List(ctx context.Context, prefix string, o ListOptions) iter.Seq2[FileInfo, error]

	// Remove deletes one file. A file that is not there is ErrNotExist.
	Remove(ctx context.Context, name string) error

	// Caps says what the filesystem can do, as data.
	Caps() Caps

	// URL gives the full URL of name, without secrets.
	URL(name string) string
}

// File is an open file. Its methods may be called concurrently; Close waits
// for none of them but makes later calls fail with ErrClosed.
type File interface {
	// ReadRanges fills every Dst from its offset or returns an error; after an
	// error the contents of all Dst are undefined. Ranges may come in any
	// order and may touch or overlap. A range that reaches past the end of the
	// file is io.ErrUnexpectedEOF. All ranges are read from one version of the
	// file: when it changed since it was opened (or since OpenOptions.Known)
	// the error is ErrChanged.
	ReadRanges(ctx context.Context, rs []Range) error

	// Tail reads the last len(dst) bytes, fewer if the file is shorter, and
	// describes the file, in one round trip where the store can. The bytes are
	// dst[:n] and end at info.Size.
	Tail(ctx context.Context, dst []byte) (n int, info FileInfo, err error)

	// Info describes the file as it was opened.
	Info(ctx context.Context) (FileInfo, error)

	// String is the file's URL without secrets; it appears in every error.
	String() string

	io.Closer
}

// Range asks for len(Dst) bytes at Off, into memory of the caller (and so of
// the caller's byte budget). Label says in words what the bytes are ("row
// group 1, column b: data page 0") for I/O logs and errors.
type Range struct {
	Off   int64
	Dst   []byte
	Label string
}

// Writer writes one file in order. Commit publishes it, atomically where the
// store can; Close without Commit discards everything and leaves nothing
// behind. Close after Commit is a no-op, so `defer w.Close()` is right.
//
// Commit and Close are two calls because a single close has published
// truncated files when it ran after an error.
type Writer interface {
	io.Writer
	Commit(ctx context.Context) (FileInfo, error)
	Close() error
}

// FileInfo describes a file as one listing, stat or open saw it.
type FileInfo struct {
	Name    string    // relative to the filesystem's root
	Size    int64     // bytes; 0 for a directory
	ModTime time.Time // zero where the store does not tell
	Version string    // opaque: an ETag, a generation, inode and time; "" if unknown
	IsDir   bool
	Blocks  []Block // where the bytes live, on stores that tell
}

// Block is a stretch of a file and the hosts that hold it.
type Block struct {
	Off, Len int64
	Hosts    []string
}

// OpenOptions tune Open.
type OpenOptions struct {
	// Known is what a listing or stat said of the file. It saves a round
	// trip, and its Version, when set, is the one that must be read.
	Known *FileInfo
}

// CreateOptions tune Create.
type CreateOptions struct {
	// IfNotExists makes Commit fail with ErrExist when the name is taken by
	// then. Of two racing writers exactly one wins.
	IfNotExists bool
	// PartSize is the size of an upload part in bytes; 0 takes the driver's.
	PartSize int64
}

// ListOptions tune List.
type ListOptions struct {
	// Delimited lists one level: entries directly below prefix, with
	// directories as IsDir entries whose names end without a slash.
	Delimited bool
}

// Caps is what a filesystem can do. Callers read it as data; there are no
// optional interfaces to probe.
type Caps struct {
	CreateIfNotExists bool  // IfNotExists is atomic
	RealDirs          bool  // directories exist without files in them
	SortedList        bool  // List yields names in byte order
	ReadOnly          bool  // Create and Remove are ErrUnsupported
	CoalesceGap       int64 // ranges at most this far apart are worth one request
	CoalesceMax       int64 // a coalesced request grows no longer than this
	Parallel          int   // requests in flight that still help
}
