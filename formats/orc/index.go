package orc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/block"
	"github.com/bdkit/bdkit/formats/orc/internal/bloom"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/columnar"
	"github.com/bdkit/bdkit/pushdown"
)

// stride is the rows of a row group; 0 where there is no row index.
func (st *stripe) stride() int64 { return int64(st.r.footer.RowIndexStride.Or(0)) }

// groups is the number of row groups of the stripe.
func (st *stripe) groups() int {
	stride := uint64(st.stride())
	if stride == 0 {
		return 0
	}
	return int((st.info.Rows + stride - 1) / stride)
}

// indexed says that the row indexes of columns are loaded.
func (st *stripe) indexed(keys map[int]bool) bool {
	for id := range keys {
		if x := st.indexes[id]; x == nil || len(x.Entries) != st.groups() {
			return false
		}
	}
	return len(keys) > 0
}

// loadIndexes reads the row indexes of columns, in one go; false if one of them
// has none.
func (st *stripe) loadIndexes(keys map[int]bool) (bool, error) {
	if st.groups() == 0 {
		return false, nil
	}
	var want []streamKey
	for id := range keys {
		k := streamKey{id, proto.RowIndexStream}
		if st.indexes[id] != nil {
			continue
		}
		if _, ok := st.streams[k]; !ok {
			return false, nil
		}
		want = append(want, k)
	}
	raws, err := st.readIndexes(want)
	if err != nil {
		return false, err
	}
	for i, k := range want {
		x, err := proto.DecodeRowIndex(raws[i])
		if err != nil {
			return false, st.whereStream(k, err)
		}
		st.indexes[k.column] = x
	}
	for id := range keys {
		// There are writers that put a masked column's entries behind those of
		// its plaintext.
		if len(st.indexes[id].Entries) != st.groups() {
			return false, nil
		}
	}
	return true, nil
}

func (st *stripe) whereStream(k streamKey, err error) error {
	return st.where(st.streams[k].off, &arrowio.Error{Column: st.r.columnPath(k.column), Err: fmt.Errorf("%s: %w", k.kind, err)})
}

// readIndexes reads whole streams, decompressed.
func (st *stripe) readIndexes(keys []streamKey) ([][]byte, error) {
	st.sort(keys)
	raws := make([][]byte, len(keys))
	var rs []fs.Range
	for i, k := range keys {
		ext := st.streams[k]
		if err := st.o.Budget.Force(ext.size); err != nil {
			return nil, st.whereStream(k, err)
		}
		st.held += ext.size
		raws[i] = make([]byte, ext.size)
		rs = append(rs, fs.Range{Off: ext.off, Dst: raws[i], Label: st.label(k)})
	}
	if len(rs) == 0 {
		return raws, nil
	}
	if err := st.r.f.ReadRanges(st.ctx, rs); err != nil {
		return nil, err
	}
	for i, k := range keys {
		ext := st.streams[k]
		if ext.variant > 0 {
			c, err := st.r.crypt.cipher(st, ext.variant, k)
			if err != nil {
				return nil, st.whereStream(k, err)
			}
			c.Decrypt(raws[i], raws[i], 0)
		}
		var err error
		if raws[i], err = block.ReadAll(st.r.format, raws[i], maxMetadata); err != nil {
			return nil, st.whereStream(k, err)
		}
	}
	return raws, nil
}

// selectRows finds the row groups that can have rows passing the filter, by the
// statistics and bloom filters of the row index.
func (st *stripe) selectRows(filter pushdown.Expr) (columnar.Selection, error) {
	rows := int64(st.info.Rows)
	all := columnar.All(rows)
	keys := map[int]bool{}
	for _, p := range pushdown.Columns(filter) {
		n := st.r.leafAt(p)
		if n == nil {
			continue
		}
		if _, ok := st.streams[streamKey{n.id, proto.RowIndexStream}]; ok {
			keys[n.id] = true
		}
	}
	if len(keys) == 0 || st.groups() == 0 {
		return all, nil
	}
	if ok, err := st.loadIndexes(keys); err != nil || !ok {
		return all, err
	}
	stride := st.stride()
	s := &statsOf{r: st.r, rows: make([]int64, st.groups())}
	for i := range s.rows {
		s.rows[i] = min(stride, rows-int64(i)*stride)
	}
	s.of = func(i int, n *node) *proto.ColumnStatistics {
		if x := st.indexes[n.id]; x != nil && i < len(x.Entries) {
			return x.Entries[i].Statistics
		}
		return nil
	}
	var failed error
	s.may = func(n *node, values arrow.Array, alive []bool) []pushdown.Truth {
		t, err := st.bloomTruths(n, values, alive)
		if err != nil && failed == nil {
			failed = err
		}
		return t
	}
	truths := pushdown.Prune(filter, s)
	if failed != nil {
		return nil, failed
	}
	var sel columnar.Selection
	for i, t := range truths {
		if t != pushdown.Never {
			sel = sel.Add(int64(i)*stride, min(rows, int64(i+1)*stride))
		}
	}
	return sel, nil
}

// bloomTruths asks the bloom filters of a column which row groups can have one
// of values.
func (st *stripe) bloomTruths(n *node, values arrow.Array, alive []bool) ([]pushdown.Truth, error) {
	kind, ok := st.bloomKind(n)
	if !ok {
		return nil, nil
	}
	enc, err := st.encoding(n.id)
	if err != nil {
		return nil, err
	}
	hashes, ok := st.r.bloomHashes(n, kind, enc, values)
	if !ok {
		return nil, nil
	}
	k := streamKey{n.id, kind}
	raws, err := st.readIndexes([]streamKey{k})
	if err != nil {
		return nil, err
	}
	x, err := proto.DecodeBloomFilterIndex(raws[0])
	if err != nil {
		return nil, st.whereStream(k, err)
	}
	out := make([]pushdown.Truth, len(alive))
	for i := range out {
		if !alive[i] || i >= len(x.Filters) {
			continue
		}
		f := bloomFilter(&x.Filters[i])
		if f == nil {
			continue
		}
		out[i] = pushdown.Never
		for _, h := range hashes {
			if f.MayContain(h) {
				out[i] = pushdown.Maybe
			}
		}
	}
	return out, nil
}

// bloomFilter sees a stored filter, of either form.
func bloomFilter(b *proto.BloomFilterBits) *bloom.Filter {
	words := b.Words
	if len(b.Bytes) > 0 {
		words = bloom.Words(b.Bytes)
	}
	return bloom.From(words, int(min(b.Hashes, 1<<16)))
}
