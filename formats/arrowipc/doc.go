// Package arrowipc reads and writes the Arrow IPC formats: files (Feather V2)
// and streams.
//
//	file ─► footer ─► a split some record batches ─► message ─► the wanted buffers ─► swap, check ─► RecordBatch
//	stream, pipe ─► schema ─► message after message ─────────┘
//	RecordBatch ─► one growing dictionary a column ─► message ─► footer ─► Commit
//
// # Types
//
// Every Arrow type is read and written as it is: views, run-end encoding,
// unions of both modes, dictionaries (shared, nested, delta, and in streams
// replaced), decimals of 32 to 256 bits. An extension type is its storage with
// ARROW:extension:name in the field's metadata.
//
// # What is read
//
// Metadata versions 4 and 5, with and without the mark in front of a message;
// bodies of both byte orders; LZ4 frame and Zstandard compression. A projection
// asks for the buffers of its columns alone, in a stream too; the columns of a
// filter are read first, and the others only of batches where a row passes.
//
// # Limits
//
// Nothing that a message says is believed: its metadata is decoded within its
// bytes, and each offset, index and view is checked before an array is made of
// it. A record batch is decoded whole, so that the budget must hold one.
// A record batch has 2,147,483,647 rows at most. Dictionaries are kept while the file is open. A file whose end is missing is
// arrowio.ErrCorrupt; a stream may end behind any message. Metadata versions
// before 4, tensors, and unions with nulls of their own (version 4) are
// arrowio.ErrUnsupported. A file of ours has no dictionary of nested values that
// differs between batches.
package arrowipc
