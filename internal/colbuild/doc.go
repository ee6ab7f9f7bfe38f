// Package colbuild fills Arrow buffers row by row: the one engine under every
// codec whose data comes in rows (Avro, JSON, CSV, BSON, CQL, Protobuf, …). A
// codec compiles its schema to a program once; the program holds a *[Column]
// where a value goes and calls its append methods, which are concrete, small
// and free of interfaces.
//
//	b, err := colbuild.New(schema, colbuild.Options{…})
//	for each row {
//		program appends one value to every column: c.Int64(v), c.Bytes(v), c.Null(), …
//		switch b.EndRow() {
//		case colbuild.Full:    // the row is in: take the batch, go on
//		case colbuild.Refused: // the row is not in: take the batch, append the row again; if b.Rows()==0, b.Err()
//		}
//	}
//	rec, err := b.Batch()
//
// # Nesting
//
// A column of a nested type has children; what is appended to a child belongs
// to the slot that its parent closes next. Nothing is opened:
//
//	list, map        append each element to c.Child(0) (a map's is the struct of key and value), then c.EndList()
//	fixed-size list  the same; EndList makes sure of the length
//	struct           append to every c.Child(i), then c.EndStruct()
//	dense union      append one value to c.Branch(i)
//
// Null on a nested column fills its children as Arrow asks. Elements of a list
// that was not ended are dropped by a rewind, and so is every other part of a
// row: [Builder.Rewind] needs no mark, the offsets tell.
//
// # Memory
//
// Buffers come from the allocator of the options and are handed over with the
// batch; the next batch starts with room for as much. A valid value costs no
// bit: null slots are listed and the bitmap is made with the batch, only where
// there are nulls.
//
// Offsets never wrap and memory never passes Options.Limit: an append that
// cannot be made poisons the row, EndRow gives Refused and rewinds it. A codec
// with loops that input controls asks [Builder.Failed] in them.
package colbuild
