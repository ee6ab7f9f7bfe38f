// Package formatstest is the public conformance suite: a format is done when
// [Run] is green.
//
//	Harness{Format, Ways} ─► files of generated batches ─► laws
//
//	write, then read, is equal          scan(filter) == filter(scan())
//	a projection is a part of the whole  the splits' union is the whole, also as tokens in a fresh table
//	a file cut at any byte is an error or the same rows; damaged, it never panics nor runs out of bounds
//	too small a budget is ErrLimit, and no more than the budget is held
//	a cancelled context ends a read at once; nothing is left running or allocated
//	no byte of an unselected column is asked for; the ranges are the same on every filesystem
//	a fault of the filesystem is an error of the read; a sink that was not committed leaves nothing
//
// Abilities skip a case; they never weaken it. The generators count what they
// made and hold floors, and the suite's own test plants a bug for each law,
// which the law must see.
package formatstest
