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
	held   [][]string
	widths []int
	right  []bool
	begun  bool
	shown  int64
	total  int64
}

// tableHold is how many rows are held back to settle the widths.
const tableHold = 1000

func displayWidth(s string) int { return runewidth.StringWidth(s) }

// printable shows control characters as what they would be in a string
// literal, so that a value cannot break the table or the terminal.
func printable(s string) string {
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
	var cell []byte
	for i := range int(rec.NumRows()) {
		t.total++
		if t.o.MaxRows > 0 && t.shown >= t.o.MaxRows {
			continue
		}
		t.shown++
		row := make([]string, len(cols))
		for k, c := range cols {
			cell = c(cell[:0], i)
			row[k] = runewidth.Truncate(printable(string(cell)), t.maxWidth(), "…")
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
			t.widths[k] = max(displayWidth(printable(f.Name)), displayWidth(t.typeName(f)))
		}
		for _, row := range t.held {
			t.widths[k] = max(t.widths[k], displayWidth(row[k]))
		}
	}
	if err := t.rule("┌", "┬", "┐"); err != nil {
		return err
	}
	if !t.o.NoHeader {
		names, types := make([]string, len(fields)), make([]string, len(fields))
		for k, f := range fields {
			names[k], types[k] = printable(f.Name), t.typeName(f)
		}
		if err := t.styled(names, "\x1b[1m"); err != nil {
			return err
		}
		if err := t.styled(types, "\x1b[2m"); err != nil {
			return err
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

func (t *table) rule(left, mid, right string) error {
	var b strings.Builder
	b.WriteString(left)
	for k, w := range t.widths {
		if k > 0 {
			b.WriteString(mid)
		}
		b.WriteString(strings.Repeat("─", w+2))
	}
	b.WriteString(right + "\n")
	_, err := t.w.WriteString(b.String())
	return err
}

func (t *table) row(cells []string) error { return t.styled(cells, "") }

func (t *table) styled(cells []string, style string) error {
	var b strings.Builder
	b.WriteString("│")
	for k, c := range cells {
		if k > 0 {
			b.WriteString("│")
		}
		if displayWidth(c) > t.widths[k] {
			c = runewidth.Truncate(c, t.widths[k], "…")
		}
		pad := strings.Repeat(" ", t.widths[k]-displayWidth(c))
		if t.o.Color && style != "" {
			c = style + c + "\x1b[0m"
		}
		if t.right[k] {
			b.WriteString(" " + pad + c + " ")
		} else {
			b.WriteString(" " + c + pad + " ")
		}
	}
	b.WriteString("│\n")
	_, err := t.w.WriteString(b.String())
	return err
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
	if t.total > t.shown {
		fmt.Fprintf(t.w, "%d of %d rows shown\n", t.shown, t.total)
	}
	return t.w.Flush()
}
