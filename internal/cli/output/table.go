package output

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/mattn/go-runewidth"
)

// table writes a table with borders. Column widths are settled by the first
// rows, as many as are held back; longer values behind are cut.
type table struct {
	w      *bufio.Writer
	schema *arrow.Schema
	o      Options
	held   [][]cell
	widths []int
	right  []bool
	shownK []int // the columns that are shown; -1 stands for those left out
	begun  bool
	shown  int64
	total  int64
}

// cell is the text of a value; null is shown dimmed.
type cell struct {
	text string
	null bool
}

// The styles of a terminal.
const (
	bold = "\x1b[1m"
	dim  = "\x1b[2m"
	off  = "\x1b[0m"
)

// tableHold is how many rows are held back to settle the widths.
const tableHold = 1000

func DisplayWidth(s string) int { return runewidth.StringWidth(s) }

// Printable shows control characters as what they would be in a string
// literal, so that a value cannot break the table or the terminal.
func Printable(s string) string {
	clean := true
	for _, r := range s {
		if unicode.IsControl(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (t *table) maxWidth() int {
	if t.o.MaxWidth > 0 {
		return t.o.MaxWidth
	}
	if t.o.Terminal {
		return 40
	}
	return 1 << 20
}

func (t *table) Write(rec arrow.RecordBatch) error {
	cols := columns(&t.o.Style, rec)
	valid := validity(rec)
	var text []byte
	for i := range int(rec.NumRows()) {
		t.total++
		if t.o.MaxRows > 0 && t.shown >= t.o.MaxRows {
			continue
		}
		t.shown++
		row := make([]cell, len(cols))
		for k, c := range cols {
			text = c(text[:0], i)
			row[k] = cell{runewidth.Truncate(Printable(string(text)), t.maxWidth(), "…"), !valid[k].Get(i)}
		}
		if t.begun {
			if err := t.row(row); err != nil {
				return err
			}
			continue
		}
		if t.held = append(t.held, row); len(t.held) >= tableHold {
			if err := t.begin(); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin settles the widths and writes what was held back.
func (t *table) begin() error {
	t.begun = true
	fields := t.schema.Fields()
	t.widths = make([]int, len(fields))
	t.right = make([]bool, len(fields))
	for k, f := range fields {
		t.right[k] = numeric(f.Type)
		if !t.o.NoHeader {
			t.widths[k] = DisplayWidth(Printable(f.Name))
			if !t.o.NoTypes {
				t.widths[k] = max(t.widths[k], DisplayWidth(t.typeName(f)))
			}
		}
		for _, row := range t.held {
			t.widths[k] = max(t.widths[k], DisplayWidth(row[k].text))
		}
	}
	t.fit()
	if err := t.rule("┌", "┬", "┐"); err != nil {
		return err
	}
	if !t.o.NoHeader {
		names, types := make([]cell, len(fields)), make([]cell, len(fields))
		for k, f := range fields {
			names[k].text, types[k].text = Printable(f.Name), t.typeName(f)
		}
		if err := t.styled(names, bold); err != nil {
			return err
		}
		if !t.o.NoTypes {
			if err := t.styled(types, dim); err != nil {
				return err
			}
		}
		if err := t.rule("├", "┼", "┤"); err != nil {
			return err
		}
	}
	for _, row := range t.held {
		if err := t.row(row); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

// typeName is short: nested types say their kind alone.
func (t *table) typeName(f arrow.Field) string {
	switch f.Type.ID() {
	case arrow.STRUCT, arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.LIST_VIEW, arrow.LARGE_LIST_VIEW, arrow.MAP:
		return f.Type.Name()
	case arrow.DICTIONARY:
		return f.Type.(*arrow.DictionaryType).ValueType.String()
	}
	return runewidth.Truncate(f.Type.String(), 40, "…")
}

// leftOut stands for columns in the middle that a terminal has no room for.
const leftOut = -1

// fit chooses the columns to show: all, or as many from both ends as the
// terminal has room for.
func (t *table) fit() {
	n := len(t.widths)
	total := 1
	for _, w := range t.widths {
		total += w + 3
	}
	t.shownK = make([]int, 0, n)
	if t.o.Width <= 0 || total <= t.o.Width || n < 2 {
		for k := range n {
			t.shownK = append(t.shownK, k)
		}
		return
	}
	room := t.o.Width - 1 - 4 // the border, and the column that stands for the rest
	left, right := 0, n
	for first := true; left < right; first = !first {
		k := left
		if !first {
			k = right - 1
		}
		if room -= t.widths[k] + 3; room < 0 && left > 0 {
			break
		}
		if first {
			left++
		} else {
			right--
		}
	}
	for k := range left {
		t.shownK = append(t.shownK, k)
	}
	if left < right {
		t.shownK = append(t.shownK, leftOut)
	}
	for k := right; k < n; k++ {
		t.shownK = append(t.shownK, k)
	}
}

func (t *table) rule(left, mid, right string) error {
	t.w.WriteString(left)
	for i, k := range t.shownK {
		if i > 0 {
			t.w.WriteString(mid)
		}
		w := 1
		if k != leftOut {
			w = t.widths[k]
		}
		for range w + 2 {
			t.w.WriteString("─")
		}
	}
	_, err := t.w.WriteString(right + "\n") // the first error stays with the writer
	return err
}

func (t *table) row(cells []cell) error { return t.styled(cells, "") }

func (t *table) styled(cells []cell, style string) error {
	t.w.WriteString("│")
	for i, k := range t.shownK {
		if i > 0 {
			t.w.WriteString("│")
		}
		if k == leftOut {
			t.w.WriteString(" … ")
			continue
		}
		c, style := cells[k].text, style
		if cells[k].null {
			style = dim
		}
		width := DisplayWidth(c)
		if width > t.widths[k] {
			c = runewidth.Truncate(c, t.widths[k], "…")
			width = DisplayWidth(c)
		}
		pad := t.widths[k] - width
		t.w.WriteByte(' ')
		if t.right[k] {
			t.spaces(pad)
		}
		if t.o.Color && style != "" {
			c = style + c + off
		}
		t.w.WriteString(c)
		if !t.right[k] {
			t.spaces(pad)
		}
		t.w.WriteByte(' ')
	}
	_, err := t.w.WriteString("│\n")
	return err
}

func (t *table) spaces(n int) {
	for range n {
		t.w.WriteByte(' ')
	}
}

func (t *table) Close() error {
	if !t.begun {
		if err := t.begin(); err != nil {
			return err
		}
	}
	if err := t.rule("└", "┴", "┘"); err != nil {
		return err
	}
	cut := len(t.shownK) < len(t.widths)
	for _, k := range t.shownK {
		cut = cut || k == leftOut
	}
	switch {
	case cut:
		shown := 0
		for _, k := range t.shownK {
			if k != leftOut {
				shown++
			}
		}
		fmt.Fprintf(t.w, "%s, %d of %d columns shown (-o line, or -s to choose)\n", t.rowsText(), shown, len(t.widths))
	case t.total > t.shown || t.o.Terminal:
		fmt.Fprintln(t.w, t.rowsText())
	}
	return t.w.Flush()
}

func (t *table) rowsText() string {
	switch {
	case t.total > t.shown:
		return fmt.Sprintf("%d of %d rows shown", t.shown, t.total)
	case t.total == 1:
		return "1 row"
	}
	return fmt.Sprintf("%d rows", t.total)
}
