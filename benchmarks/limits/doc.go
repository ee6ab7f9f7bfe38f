// Package limits holds both programs to their bounds on large files, as
// processes of their own: peak memory, and the bytes asked for over HTTP.
//
// The files are made once, in .cache/limits, out of row groups that our writer
// encoded: repeating their pages makes a large file in the time it takes to
// write it. They take 4 GiB there; -short does without.
package limits
