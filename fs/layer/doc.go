// Package layer has filesystems over filesystems. Each forwards everything
// that it does not change, so they stack in any order; usual is
//
//	IOLog ─► Cache ─► Retry ─► Limit ─► driver
//
// so that the cache keeps what was read after retries, and every attempt
// counts against the limit.
//
//	Retry    repeats what failed by chance (fs.ErrIO), with backoff
//	Limit    bounds the requests in flight
//	Prefix   shows what lies below a directory as a filesystem of its own
//	Cache    keeps blocks of files in memory, by name and version
//	IOLog    writes down what was asked and what reached the store
//	Metrics  calls a hook after every operation
package layer
