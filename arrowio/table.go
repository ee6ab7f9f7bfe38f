// Package arrowio is the shape in which every source and destination of rows
// appears: a [Table] is planned into a [Scan] of [Split] values, a split is
// opened as a [RecordReader] of Arrow record batches, and a [Sink] takes
// batches and commits. [Run] puts these together under one byte budget.
//
//	Table.Plan(ScanRequest) ─► Scan{Schema, Splits (lazy), Pruned}
//	Table.Open(Split) ─► RecordReader ─► Run: evolve ─► residual filter ─► project ─► limit ─► consumer | Sink ─► Commit
//
// # Ownership
//
// Record batches are reference-counted as arrow-go counts them. A batch out of
// RecordReader.RecordBatch belongs to the reader and is valid until the next
// call of Next; Retain it to keep it, and Release it then. [Batches] releases
// each batch after the loop body. A Sink retains what it keeps after Write
// returns. The last Release of a reader closes it; Close is idempotent, stops
// the reader's work, waits for its goroutines and returns its first error.
package arrowio

import (
	"context"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/pushdown"
)

// ScanRequest says what of a table is wanted.
type ScanRequest struct {
	// Columns are the paths to produce, in this order; a path may end inside a
	// struct, and paths of one column are merged into one struct that holds
	// just those fields. Nil asks for all; empty but not nil for none, which
	// still counts rows.
	Columns []pushdown.Path
	// Filter keeps the rows for which it is true; nil keeps all.
	Filter pushdown.Expr
	// Limit stops after that many rows; 0 or less is no limit.
	Limit int64
	// Ordered keeps the source's row order where it has one.
	Ordered bool
}

// Table is a source of rows.
type Table interface {
	// Schema of all columns. Valid as long as the Table is.
	Schema() *arrow.Schema

	// Plan decides what must be read: it binds the request, prunes, and yields
	// splits lazily. It holds nothing open when it returns.
	Plan(ctx context.Context, r ScanRequest) (*Scan, error)

	// Open reads one split. It needs nothing of the process that planned: a
	// split is data. ctx governs the reader until it is closed. The schema of
	// its batches is the request's columns plus those of the split's residual.
	Open(ctx context.Context, s Split, o ReadOptions) (RecordReader, error)
}

// Scan is a planned request.
type Scan struct {
	Request ScanRequest
	// Schema of the rows that Run yields: the requested columns.
	Schema *arrow.Schema
	// Splits yields the work, lazily, in the source's order. An error ends it.
	Splits iter.Seq2[Split, error]
	// Pruned tells what was left out and why; it is complete once Splits has
	// been drained.
	Pruned []Note
}

// Note is one line of a plan's reasons.
type Note struct {
	Unit   string // "row group 3", "file s3://b/k"
	Reason string // "a > 5: max is 4"
}

// Split is one piece of a scan: data that can be sent to another process.
type Split struct {
	// ID is a hash of source, version and range: the same piece of the same
	// data has the same ID, which makes it a key to resume by.
	ID string
	// Source is the URL of what is read, without secrets.
	Source string
	// Payload is the driver's own, versioned encoding of what to read.
	Payload []byte
	// Residual is what is left to evaluate on the split's rows. Nil means the
	// request's whole filter; only an explicit pushdown.True says that the
	// source filters exactly.
	Residual pushdown.Expr
	// Rows is the number of rows, exact or estimated; -1 if unknown.
	Rows  int64
	Exact bool // Rows is exact, counted after the filter
	Bytes int64
	// Hosts hold the data nearby.
	Hosts []string
}

// ReadOptions govern one reader.
type ReadOptions struct {
	// Alloc allocates the batches; nil takes memory.DefaultAllocator.
	Alloc memory.Allocator
	// Budget bounds bytes in flight; nil is unbounded.
	Budget *Budget
	// BatchRows caps a batch's rows; 0 takes DefaultBatchRows.
	BatchRows int
	// BatchBytes caps a batch's bytes softly: a batch ends at the row that
	// reaches it. 0 takes DefaultBatchBytes.
	BatchBytes int64
}

// What a batch holds at most unless ReadOptions say otherwise.
const (
	DefaultBatchRows  = 64 << 10
	DefaultBatchBytes = 32 << 20
)

// WithDefaults fills in what is zero.
func (o ReadOptions) WithDefaults() ReadOptions {
	if o.Alloc == nil {
		o.Alloc = memory.DefaultAllocator
	}
	if o.BatchRows <= 0 {
		o.BatchRows = DefaultBatchRows
	}
	if o.BatchBytes <= 0 {
		o.BatchBytes = DefaultBatchBytes
	}
	return o
}

// RecordReader is arrow-go's reader with a Close that reports the first error.
type RecordReader interface {
	array.RecordReader
	io.Closer
}

// Sink takes record batches of one schema. Commit publishes what was written;
// Close without Commit discards it. Neither releases the caller's batches.
type Sink interface {
	Write(ctx context.Context, rec arrow.RecordBatch) error
	Commit(ctx context.Context) (Result, error)
	io.Closer
}

// Result is what a Sink committed.
type Result struct {
	Rows  int64
	Bytes int64
	Files []WrittenFile
}

// WrittenFile is one file of a Result.
type WrittenFile struct {
	URL   string
	Rows  int64
	Bytes int64
}

// Ident names a table in a catalog: namespace elements, then the name.
type Ident []string

// Entry is one line of a catalog's listing.
type Entry struct {
	Ident Ident
	Kind  string // "table", "namespace", "view"
	Rows  int64  // -1 if unknown
	Bytes int64  // -1 if unknown
}

// Catalog finds tables by name. A connection to a store is one.
type Catalog interface {
	List(ctx context.Context, ns Ident) iter.Seq2[Entry, error]
	Table(ctx context.Context, id Ident) (Table, error)
	io.Closer
}
