// Package formats is the contract of a file format and the registry of those
// linked into the program. A format registers itself when it is imported;
// package formats/all imports every one.
//
//	fs.File ─► Sniff ─► Format.Open ─► FileReader (an arrowio.Table of one file, and its metadata)
//	fs.Writer ─► Format.NewSink ─► arrowio.Sink
package formats

import (
	"context"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// Format is one file format.
type Format interface {
	// Name is the short lower-case name: parquet, orc, avro.
	Name() string
	// Extensions without the dot, the preferred one first.
	Extensions() []string
	// Sniff recognises a file by its first and last bytes (each up to 16).
	Sniff(head, tail []byte) bool
	// Options describes the format's keys in Options.Set.
	Options() []OptionInfo
	// Open reads a file's metadata, nothing else. It takes over f: the
	// FileReader's Close closes it, and so does Open when it fails.
	Open(ctx context.Context, f fs.File, o Options) (FileReader, error)
	// NewSink writes record batches of schema s. It takes over w: the Sink's
	// Commit commits it and its Close closes it.
	NewSink(w fs.Writer, s *arrow.Schema, o Options) (arrowio.Sink, error)
}

// Streamer is a Format whose Open also takes a file that can be read only
// onwards (fs.IsForward), such as a pipe. The splits of its table are then to
// be opened in their order, each once.
type Streamer interface{ Streams() bool }

// Options is what a caller tells a format, as text, so that command lines and
// catalogs need not know the format. A key the format does not know is
// arrowio.ErrOption naming it. Programs that know the format use its package's
// typed options instead.
type Options struct {
	Set map[string]string
	// Keys gives decryption and encryption keys; nil has none.
	Keys KeyRetriever
	// Sibling opens a file by its path relative to the one being opened, for
	// formats that keep parts of a file elsewhere; nil refuses such files.
	Sibling func(ctx context.Context, path string) (fs.File, error)
	// CreatedBy names the writing application; "" takes the library's name.
	CreatedBy string
	// Notice tells people what a reader passed over because it was asked to;
	// nil tells nobody. It may be called by several goroutines.
	Notice func(string)
	// Budget bounds what a sink holds of the unit that it is building; a sink
	// that reaches it ends the unit early. Nil leaves that to the options.
	Budget *arrowio.Budget
}

// MaterialHandler is a KeyRetriever that can also use key material kept in a
// file of its own beside the encrypted one, as the key tools of parquet-java
// write it. A reader whose file has a name hands that file over.
type MaterialHandler interface {
	KeyRetriever
	// HasMaterial says that key material was given already.
	HasMaterial() bool
	// WithMaterial gives a retriever that knows the contents of such a file.
	WithMaterial(b []byte) (KeyRetriever, error)
}

// OptionInfo documents one key of Options.Set.
type OptionInfo struct {
	Key, Default, Help string
	Write              bool // meaningful to a writer; otherwise to a reader
}

// KeyRetriever finds the keys of encrypted files. The answer is 16, 24 or 32
// bytes of AES key. A key that is not known is an error wrapping
// arrowio.ErrKey.
type KeyRetriever interface {
	// FooterKey gives the footer key for the key metadata stored in the file.
	FooterKey(metadata []byte) ([]byte, error)
	// ColumnKey gives the key of a column (path is dotted).
	ColumnKey(path string, metadata []byte) ([]byte, error)
	// AADPrefix supplies the AAD prefix where the file does not store it.
	AADPrefix() []byte
}

// FileReader is an open file: a table of its rows, and its metadata. Its
// splits can be opened by any FileReader of the same file version.
type FileReader interface {
	arrowio.Table
	// NumRows is the number of rows, or -1 when only a scan can tell.
	NumRows() int64
	// Meta describes the file from its metadata alone.
	Meta() *Meta
	io.Closer
}

// Inspector is what a FileReader offers besides, for bdcat inspect and check.
// A FileReader without it has nothing physical to show.
type Inspector interface {
	// Pages yields the pages (or streams, or blocks) of one column of one unit.
	Pages(ctx context.Context, unit, column int) iter.Seq2[PageMeta, error]
	// Dictionary gives the distinct values of a dictionary-encoded column in
	// one unit; nil without an error if it has none.
	Dictionary(ctx context.Context, unit, column int) (arrow.Array, error)
	// Check verifies magic numbers, offsets, checksums and, when deep,
	// decodes everything. It yields defects and goes on where it can.
	Check(ctx context.Context, deep bool) iter.Seq[error]
	// Layout yields the byte ranges of the file in order, each with its label.
	Layout(ctx context.Context) iter.Seq2[Extent, error]
}

// Sized is what a Sink offers besides: how long its file is by now, about, with
// what it still holds.
type Sized interface{ Size() int64 }

// UnitCopier is what a Format offers besides: files joined unit by unit, the
// bytes of their units as they are stored.
type UnitCopier interface {
	// CopyUnits writes a file of all units of the files, which it does not
	// close, in order; one file is read at a time. It takes over w and commits
	// it. Files whose schemas differ are arrowio.ErrUnsupported, and so is what
	// cannot be moved without decoding, as encrypted units.
	CopyUnits(ctx context.Context, w fs.Writer, files iter.Seq2[FileReader, error], o Options) (arrowio.Result, error)
}

// Ranger is what a FileReader, or a table of files, offers besides, for bdcat
// explain. One without it tells of a split only how many bytes it has.
type Ranger interface {
	// Ranges tells what unit a split of the table is ("row group 3") and from
	// which stretches of its file it is read. Fewer bytes are read where
	// indexes leave pages out.
	Ranges(ctx context.Context, s arrowio.Split) (unit string, ranges []Extent, err error)
}

// Extent is a labelled stretch of a file.
type Extent struct {
	Off, Len int64
	Label    string
}
