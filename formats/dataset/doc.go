// Package dataset makes one table of many files.
//
//	names ─► partition values ─► prune ─► open, a few ahead ─► plan ─► splits, each with its file's name
//	split ─► open ─► rename, cast, add ─► the table's columns
//
// # Columns
//
// The schema is that of the first file, of all files united, or one that is
// given. A file is brought to it, column by column:
//
//	file's column                   in the table
//	missing                         null
//	another type, losslessly        cast, value by value; a value that does not fit is an error naming both files
//	any other type                  an error naming both files
//	not in the table                left out
//
// # Partitions
//
// Folders named key=value are columns, behind those of the files, in the order
// of the folders, if all files have the same keys. Names and values are
// percent-decoded. The type of a key comes of all its values:
//
//	all values are                                      type
//	integers as they are written (0, -5; not 00, +1)    int64
//	integers, one of them beyond 64 bits                string
//	with a leading zero (00, 007)                       string
//	dates 2024-02-29                                    date32
//	anything else: 1.5, true, empty                     string
//	__HIVE_DEFAULT_PARTITION__                          null, of the type of the others; string if there is none
//
// A type that is given is held to: a value that does not fit is an error naming
// the file. A column of the same name in the files is replaced, at its place,
// by the folder's value, which must fit the column's type exactly.
//
// # Schemas united
//
//	integers                one of both ranges; int64 and uint64: decimal(20, 0)
//	floats                  the wider; integers to 32 bits and floats: float64
//	decimals, integers      as many digits before and after the point as either
//	timestamps              the finer unit, of one zone; dates: timestamps
//	text, binary            large if one is large
//	dictionaries, run ends  their plain values, where they differ
//	structs, lists          by their fields
//	null                    anything
//
// Whatever else differs is an error naming both files and both types.
//
// # Pruning
//
// A filter is rewritten for each file before it is opened: a partition column
// and _file are constants, and a file for which it cannot be true is not opened.
// Then a missing column is null, a renamed one has its name in the file, and of
// a column of another type the comparison is pushed where it means the same:
// integers and decimals, times, text and binary of any width. The rest of the
// filter is evaluated over the table's columns.
//
// # Limits
//
// Names within structs are matched exactly. _row is the number of a row in its
// file, from 0; files of which it is asked are read whole.
package dataset
