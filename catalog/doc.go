// Package catalog is the front door: it turns a name (a path, a glob, a
// directory, a URL, "-") into a table to read, or a sink to write. Filesystems
// and formats are found by their registries; this package links in all of them.
//
//	name ─► fs.Resolve ─► list ─► open, sniff ─► formats.FileReader ─► one file, or a dataset of many
//	name ─► fs.Resolve ─► create ─► formats.Format.NewSink
package catalog
