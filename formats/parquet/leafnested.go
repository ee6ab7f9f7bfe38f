package parquet

import (
	"context"
	"fmt"
	"io"
	"unsafe"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/columnar"
)

// upTo is the index of the entry that holds value number k, counted from 0.
func upTo(defs []int16, most int16, k int) int {
	for i, d := range defs {
		if d == most {
			if k == 0 {
				return i
			}
			k--
		}
	}
	return len(defs)
}

// block decodes the next block of levels of the page.
func (l *leaf) block() error {
	n := min(blockLen, l.left)
	if l.defs == nil {
		l.defs = make([]int16, blockLen)
		if l.maxRep > 0 {
			l.reps = make([]int16, blockLen)
		}
	}
	l.at, l.end = 0, 0
	if l.maxRep > 0 {
		if err := l.rep.DecodeLevels(l.reps[:n], l.maxRep); err != nil {
			return fmt.Errorf("repetition levels: %w", err)
		}
	}
	if l.maxDef > 0 {
		if err := l.def.DecodeLevels(l.defs[:n], l.maxDef); err != nil {
			return fmt.Errorf("definition levels: %w", err)
		}
	} else {
		clear(l.defs[:n])
	}
	l.left -= n
	l.end = n
	return nil
}

// more makes sure that the block has an entry; false at the end of the chunk.
func (l *leaf) more(ctx context.Context) (bool, error) {
	for l.at == l.end {
		for l.left == 0 {
			if err := l.nextPage(ctx); err == io.EOF {
				return false, nil
			} else if err != nil {
				return false, err
			}
		}
		if err := l.block(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// rowsEnd gives the end of the entries from at that belong to at most k more
// rows, of which the first is under way if open, and how many rows begin there.
func (l *leaf) rowsEnd(k int) (end, begun int) {
	if l.maxRep == 0 {
		end = min(l.end, l.at+k, l.at+l.step)
		return end, end - l.at
	}
	last := min(l.end, l.at+l.step)
	n, begun := firstRows(l.reps[l.at:last], k)
	return l.at + n, begun
}

// firstRows gives how many of the entries with these repetition levels come
// before the row after k rows, and how many rows begin among them.
func firstRows(reps []int16, k int) (n, begun int) {
	for n < len(reps) {
		block := reps[n:min(n+256, len(reps))]
		if c := bits.CountLevels(block, 0); begun+c <= k {
			begun += c
			n += len(block)
			continue
		}
		for i, r := range block {
			if r == 0 {
				if begun == k {
					return n + i, begun
				}
				begun++
			}
		}
	}
	return n, begun
}

// reserveNested makes room for k rows with as many entries as the chunk's have
// on average. What the footer claims of them is believed up to one a bit of the
// chunk.
func (l *leaf) reserveNested(k int) {
	mean := float64(l.pages.meta.NumValues) / float64(max(l.total, 1))
	bits := 8 * float64(max(l.pages.win.Soft-l.pages.start, 0))
	n := int(max(0, min(1.1*mean*float64(k), bits, 1<<20))) + 64
	l.vals.reserve(n)
	l.outD = levelRoom(l.outD, n)
	if l.maxRep > 0 {
		l.outR = levelRoom(l.outR, n)
	}
}

// levelRoom makes room for n levels more, in scratch memory.
func levelRoom(levels []int16, n int) []int16 {
	if cap(levels)-len(levels) >= n {
		return levels
	}
	b := columnar.Scratch.Allocate(2 * max(len(levels)+n, 2*cap(levels)))
	b = b[:cap(b)]
	out := unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/2)[:len(levels)]
	copy(out, levels)
	freeLevels(levels)
	return out
}

func freeLevels(levels []int16) {
	if c := cap(levels); c > 0 {
		columnar.Scratch.Free(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(levels))), 2*c))
	}
}

// fillNested appends k rows with their levels.
func (l *leaf) fillNested(ctx context.Context, k int, limit int64) error {
	open := false // a row is under way
	finish := func() {
		if open {
			l.rows++
			l.row++
			open = false
		}
	}
	for begun := 0; ; {
		if begun == k && (l.maxRep == 0 || l.at == l.end && l.left == 0 && l.wholeRows()) {
			finish()
			return nil
		}
		ok, err := l.more(ctx)
		if err != nil {
			return err
		}
		if !ok {
			if finish(); begun < k {
				return l.errShort()
			}
			return nil
		}
		if l.maxRep > 0 && l.reps[l.at] == 0 || l.maxRep == 0 {
			if finish(); begun == k || begun > 0 && l.size() >= limit {
				return nil
			}
		} else if !open {
			return fmt.Errorf("%w: the first repetition level of a row is %d", arrowio.ErrCorrupt, l.reps[l.at])
		}
		end, rows := l.rowsEnd(k - begun)
		n, err := l.entries(end)
		if err != nil {
			return err
		}
		if n < end-l.at {
			return fmt.Errorf("%w: the values of %d rows come to more than the 2 GiB of one array", arrowio.ErrLimit, l.rows+1)
		}
		l.at = end
		l.pace()
		// All rows but the last are complete.
		if rows > 0 {
			finish()
			l.rows += rows - 1
			l.row += int64(rows - 1)
			begun += rows
			open = true
		}
	}
}

// wholeRows says that the page ends where a row does, as pages v2 and pages in
// an offset index must.
func (l *leaf) wholeRows() bool { return l.page.v2 || l.pages.index != nil }

// entries appends the entries from at to end, or the first of them that have
// room, and gives how many.
func (l *leaf) entries(end int) (int, error) {
	defs := l.defs[l.at:end]
	slots := len(defs)
	gaps := l.maxDef > l.slot
	ones := bits.CountLevels(defs, l.maxDef)
	if gaps {
		l.needValid(l.slots + slots)
	}
	switch {
	case l.slot == 0:
		if gaps {
			bits.FromLevels(l.valid.Bytes(), l.slots, defs, l.maxDef)
		}
	case gaps:
		if l.slotDefs == nil {
			l.slotDefs = make([]int16, blockLen)
		}
		slots = atLeast(l.slotDefs, defs, l.slot)
		bits.FromLevels(l.valid.Bytes(), l.slots, l.slotDefs[:slots], l.maxDef)
	default:
		slots = ones
	}
	done, err := l.vals.decode(ones)
	if err != nil {
		return 0, err
	}
	if done < ones {
		return upTo(defs, l.maxDef, done), nil
	}
	if ones < slots {
		l.vals.spread(slots, l.valid.Bytes(), l.slots)
	}
	l.nulls += slots - ones
	l.slots += slots
	l.outD = append(levelRoom(l.outD, len(defs)), defs...)
	if l.maxRep > 0 {
		l.outR = levelRoom(l.outR, len(defs))
		l.outR = append(l.outR, l.reps[l.at:end]...)
	}
	return len(defs), nil
}

// atLeast copies the levels from least on to dst and gives how many there are.
func atLeast(dst, levels []int16, least int16) (n int) {
	dst = dst[:len(levels)]
	for _, d := range levels { // no branch, which would be taken or not at random
		dst[n] = d
		n += below(least-1, d)
	}
	return n
}

// below is 1 if a < b, else 0. Levels are far from where the difference wraps.
func below(a, b int16) int { return int(uint(int(a)-int(b)) >> 63) }
