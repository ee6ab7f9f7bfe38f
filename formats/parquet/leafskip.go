package parquet

import (
	"context"
	"io"
	"sort"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/bits"
)

// seek passes over the rows before row: whole pages without reading them where
// an offset index tells their places, without decompressing them where their
// header tells their rows, and the rest by levels alone.
func (l *leaf) seek(ctx context.Context, row int64) error {
	x := l.pages.index
	untouched := x != nil && l.pages.ordinal == 0 && l.left == 0 && l.at == l.end
	if row <= l.row && !untouched {
		return nil
	}
	if x != nil {
		i := sort.Search(len(x.Pages), func(i int) bool { return x.Pages[i].FirstRow > row }) - 1
		current := l.pages.ordinal // the page behind the one being read
		if i >= current && (i > current || l.left == 0 && l.at == l.end) && x.Pages[i].FirstRow >= l.row {
			if err := l.ensureDictionary(ctx); err != nil {
				return err
			}
			l.left, l.at, l.end = 0, 0, 0
			l.pages.jump(i)
			l.row = x.Pages[i].FirstRow
		}
	}
	return l.skip(ctx, row-l.row)
}

// ensureDictionary takes in the dictionary page before the first jump.
func (l *leaf) ensureDictionary(ctx context.Context) error {
	if l.pages.ordinal > 0 || l.pages.seen > 0 {
		return nil
	}
	if len(l.pages.index.Pages) > 0 && l.pages.off >= l.pages.index.Pages[0].Offset {
		return nil
	}
	h, err := l.pages.header(ctx)
	if err == io.EOF {
		return nil
	}
	if err != nil || h.Type != meta.DictionaryPage {
		return err
	}
	return l.dictionary(ctx, h)
}

// skip passes over k rows.
func (l *leaf) skip(ctx context.Context, k int64) error {
	if l.nested {
		return l.skipNested(ctx, k)
	}
	for k > 0 {
		if l.left == 0 && l.at == l.end {
			h, err := l.pages.header(ctx)
			if err == io.EOF {
				return l.errShort()
			}
			if err != nil {
				return err
			}
			if h.Type != meta.DictionaryPage && int64(h.NumValues) <= k {
				l.pages.pass()
				k -= int64(h.NumValues)
				l.row += int64(h.NumValues)
				continue
			}
			if err := l.nextPage(ctx); err != nil {
				return err
			}
			continue
		}
		n, err := l.skipFlat(int(min(k, int64(l.left+l.end-l.at))))
		if err != nil {
			return err
		}
		k -= int64(n)
		l.row += int64(n)
	}
	return nil
}

// skipFlat passes over up to k entries of the page.
func (l *leaf) skipFlat(k int) (int, error) {
	values := k
	switch {
	case l.maxDef == 0:
		l.left -= k
	case l.at < l.end || l.def != &l.hdef: // levels that wait in a block
		if l.at == l.end {
			if err := l.block(); err != nil {
				return 0, err
			}
		}
		k = min(k, l.end-l.at)
		values = bits.CountLevels(l.defs[l.at:l.at+k], l.maxDef)
		l.at += k
	default:
		k = min(k, l.left)
		n, err := l.hdef.SkipCount(k, 1)
		if err != nil {
			return 0, err
		}
		values = n
		l.left -= k
	}
	return k, l.vals.skip(values)
}

func (l *leaf) skipNested(ctx context.Context, k int64) error {
	open := false
	for {
		if l.at == l.end && l.left == 0 && k > 0 {
			passed, err := l.passPages(ctx, k)
			if err != nil {
				return err
			}
			if passed > 0 && open {
				l.row++
				open = false
			}
			k -= passed
			l.row += passed
		}
		ok, err := l.more(ctx)
		if err != nil {
			return err
		}
		if !ok {
			if open {
				l.row++
			}
			if k > 0 {
				return l.errShort()
			}
			return nil
		}
		if l.maxRep == 0 || l.reps[l.at] == 0 {
			if open {
				l.row++
				open = false
			}
			if k == 0 {
				return nil
			}
		}
		end, rows := l.rowsEnd(int(min(k, int64(1<<30))))
		if err := l.vals.skip(bits.CountLevels(l.defs[l.at:end], l.maxDef)); err != nil {
			return err
		}
		l.at = end
		if rows > 0 {
			if open {
				l.row++
			}
			l.row += int64(rows - 1)
			k -= int64(rows)
			open = true
		}
	}
}

// passPages passes over pages that hold no more than k rows and begin and end
// with rows, as all pages v2 do.
func (l *leaf) passPages(ctx context.Context, k int64) (passed int64, err error) {
	for {
		h, err := l.pages.header(ctx)
		if err == io.EOF {
			return passed, nil
		}
		if err != nil {
			return passed, err
		}
		rows := int64(0)
		switch {
		case h.Type == meta.DictionaryPage:
		case l.maxRep == 0:
			rows = int64(h.NumValues)
		case h.Type == meta.DataPageV2:
			rows = int64(h.NumRows)
		}
		if rows <= 0 || rows > k-passed {
			return passed, nil
		}
		passed += rows
		l.pages.pass()
	}
}
