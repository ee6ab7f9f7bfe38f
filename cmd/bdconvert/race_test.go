//go:build race

package main

// raced says that the race detector, whose shadow takes several times the
// program's memory, is built in.
const raced = true
