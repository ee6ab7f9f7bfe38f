//go:build !unix

package local

import iofs "io/fs"

func inode(iofs.FileInfo) uint64 { return 0 }

// syncDir has no counterpart where directories cannot be opened.
func syncDir(string) error { return nil }
