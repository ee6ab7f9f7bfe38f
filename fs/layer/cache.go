package layer

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/bdkit/bdkit/fs"
)

// CacheOptions tune Cache.
type CacheOptions struct {
	Block int64 // bytes, 0 is 1 MiB; reads are widened to multiples of it
	Bytes int64 // kept at most, 0 is 64 MiB
}

// CacheStats counts blocks.
type CacheStats struct {
	Hits, Misses int64
	Bytes        int64 // held now
}

// Cacher is a filesystem that keeps blocks in memory.
type Cacher struct {
	fs.FileSystem
	o CacheOptions

	mu     sync.Mutex
	blocks map[blockKey]*list.Element
	recent *list.List // of *block, the most recent in front
	stats  CacheStats
}

type blockKey struct {
	name, version string
	index         int64
}

type block struct {
	key  blockKey
	data []byte // never written to once it is here
}

// Cache keeps what was read of inner in blocks, under the file's name and
// version, and forgets the least recently used ones beyond o.Bytes. A handle
// keeps reading the version it was opened with, from memory perhaps after it
// was replaced. Files without a version, and reads of more than half of the
// cache, pass by. The cache's memory is its own: it is in no reader's budget.
func Cache(inner fs.FileSystem, o CacheOptions) *Cacher {
	if o.Block <= 0 {
		o.Block = 1 << 20
	}
	if o.Bytes <= 0 {
		o.Bytes = 64 << 20
	}
	return &Cacher{FileSystem: inner, o: o, blocks: map[blockKey]*list.Element{}, recent: list.New()}
}

// Stats tells how the cache does.
func (c *Cacher) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Cacher) get(k blockKey) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.blocks[k]
	if e == nil {
		c.stats.Misses++
		return nil
	}
	c.stats.Hits++
	c.recent.MoveToFront(e)
	return e.Value.(*block).data
}

func (c *Cacher) put(k blockKey, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.blocks[k]; e != nil { // somebody else fetched it too
		c.recent.MoveToFront(e)
		return
	}
	c.blocks[k] = c.recent.PushFront(&block{k, data})
	c.stats.Bytes += int64(len(data))
	for c.stats.Bytes > c.o.Bytes {
		old := c.recent.Remove(c.recent.Back()).(*block)
		delete(c.blocks, old.key)
		c.stats.Bytes -= int64(len(old.data))
	}
}

// Open implements fs.FileSystem.
func (c *Cacher) Open(ctx context.Context, name string, o fs.OpenOptions) (fs.File, error) {
	f, err := c.FileSystem.Open(ctx, name, o)
	if err != nil {
		return nil, err
	}
	return &cacheFile{File: f, c: c, name: name}, nil
}

type cacheFile struct {
	fs.File
	c      *Cacher
	name   string
	closed atomic.Bool
	info   atomic.Pointer[fs.FileInfo] // once known, the version is settled
}

func (f *cacheFile) Close() error {
	f.closed.Store(true)
	return f.File.Close()
}

func (f *cacheFile) known(ctx context.Context) (fs.FileInfo, error) {
	if p := f.info.Load(); p != nil {
		return *p, nil
	}
	info, err := f.File.Info(ctx)
	if err == nil {
		f.info.Store(&info)
	}
	return info, err
}

func (f *cacheFile) Tail(ctx context.Context, dst []byte) (int, fs.FileInfo, error) {
	p := f.info.Load()
	if p == nil || p.Version == "" || len(dst) == 0 {
		n, info, err := f.File.Tail(ctx, dst)
		if err == nil {
			f.info.Store(&info)
		}
		return n, info, err
	}
	n := min(int64(len(dst)), p.Size)
	err := f.ReadRanges(ctx, []fs.Range{{Off: p.Size - n, Dst: dst[:n], Label: "tail"}})
	if err != nil {
		return 0, fs.FileInfo{}, err
	}
	return int(n), *p, nil
}

func (f *cacheFile) ReadRanges(ctx context.Context, rs []fs.Range) error {
	fail := func(err error) error { return &fs.Error{Op: "read", URL: f.String(), Err: err} }
	if f.closed.Load() {
		return fail(fs.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	if err := fs.CheckRanges(rs); err != nil {
		return fail(err)
	}
	info, err := f.known(ctx)
	if err != nil {
		return err
	}
	size, past := f.c.o.Block, false
	indexes := map[int64]string{} // block to the label that first wants it
	for _, r := range rs {
		n := int64(len(r.Dst))
		if n == 0 {
			continue
		}
		if past = past || r.Off+n > info.Size; past || n > f.c.o.Bytes {
			break
		}
		for i := r.Off / size; i <= (r.Off+n-1)/size; i++ {
			if _, ok := indexes[i]; !ok {
				indexes[i] = r.Label
			}
		}
	}
	if past || info.Version == "" || int64(len(indexes))*size > f.c.o.Bytes/2 || slices.ContainsFunc(rs, func(r fs.Range) bool { return int64(len(r.Dst)) > f.c.o.Bytes }) {
		return f.File.ReadRanges(ctx, rs)
	}

	have := make(map[int64][]byte, len(indexes))
	var missing []fs.Range
	for i, label := range indexes {
		if have[i] = f.c.get(blockKey{f.name, info.Version, i}); have[i] == nil {
			have[i] = make([]byte, min(size, info.Size-i*size))
			missing = append(missing, fs.Range{Off: i * size, Dst: have[i], Label: label})
		}
	}
	if len(missing) > 0 {
		if err := f.File.ReadRanges(ctx, missing); err != nil {
			return err
		}
		for _, m := range missing {
			f.c.put(blockKey{f.name, info.Version, m.Off / size}, m.Dst)
		}
	}
	for _, r := range rs {
		for dst, off := r.Dst, r.Off; len(dst) > 0; {
			n := copy(dst, have[off/size][off%size:])
			dst, off = dst[n:], off+int64(n)
		}
	}
	return nil
}
