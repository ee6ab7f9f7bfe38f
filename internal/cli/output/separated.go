package output

import (
	"bufio"
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// separated writes CSV (RFC 4180) and TSV (tabs, newlines and backslashes
// escaped with a backslash). In CSV the empty string is quoted, so that it is
// not the same as null.
type separated struct {
	w     *bufio.Writer
	style *render.Style
	sep   byte
	buf   []byte
	cell  []byte
}

func newSeparated(w *bufio.Writer, s *arrow.Schema, o Options, sep byte) (*separated, error) {
	out := &separated{w: w, style: &o.Style, sep: sep}
	if o.NoHeader || s.NumFields() == 0 {
		return out, nil
	}
	for i, f := range s.Fields() {
		if i > 0 {
			out.buf = append(out.buf, sep)
		}
		out.append([]byte(f.Name), false)
	}
	return out, out.endLine()
}

func (s *separated) endLine() error {
	s.buf = append(s.buf, '\n')
	_, err := s.w.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

// append adds one cell, quoted or escaped as need be.
func (s *separated) append(cell []byte, null bool) {
	if s.sep == '\t' {
		for _, b := range cell {
			switch b {
			case '\t':
				s.buf = append(s.buf, `\t`...)
			case '\n':
				s.buf = append(s.buf, `\n`...)
			case '\r':
				s.buf = append(s.buf, `\r`...)
			case '\\':
				s.buf = append(s.buf, `\\`...)
			default:
				s.buf = append(s.buf, b)
			}
		}
		return
	}
	if null || len(cell) > 0 && !bytes.ContainsAny(cell, "\",\n\r") && string(cell) != s.style.Null {
		s.buf = append(s.buf, cell...)
		return
	}
	s.buf = append(s.buf, '"')
	for _, b := range cell {
		if b == '"' {
			s.buf = append(s.buf, '"')
		}
		s.buf = append(s.buf, b)
	}
	s.buf = append(s.buf, '"')
}

// validity is that of the values: dictionaries and runs have their nulls below.
func validity(rec arrow.RecordBatch) []kernel.Bitmap {
	out := make([]kernel.Bitmap, rec.NumCols())
	for k := range out {
		out[k] = kernel.Validity(rec.Column(k))
	}
	return out
}

func (s *separated) Write(rec arrow.RecordBatch) error {
	cols := columns(s.style, rec)
	valid := validity(rec)
	for i := range int(rec.NumRows()) {
		for k, c := range cols {
			if k > 0 {
				s.buf = append(s.buf, s.sep)
			}
			s.cell = c(s.cell[:0], i)
			s.append(s.cell, !valid[k].Get(i))
		}
		if s.sep == ',' && len(cols) == 1 && len(s.buf) == 0 {
			// Readers of CSV skip empty lines, and the row with them.
			s.buf = append(s.buf, `""`...)
		}
		if err := s.endLine(); err != nil {
			return err
		}
	}
	return nil
}

func (s *separated) Close() error { return s.w.Flush() }

// lines writes a line a value: "name = value", an empty line between rows.
type lines struct {
	w     *bufio.Writer
	style *render.Style
	buf   []byte
	begun bool
}

func (l *lines) Write(rec arrow.RecordBatch) error {
	cols := columns(l.style, rec)
	width := 0
	for _, f := range rec.Schema().Fields() {
		width = max(width, DisplayWidth(f.Name))
	}
	for i := range int(rec.NumRows()) {
		if l.begun {
			l.buf = append(l.buf, '\n')
		}
		l.begun = true
		for k, c := range cols {
			name := rec.Schema().Field(k).Name
			l.buf = append(appendSpaces(l.buf, width-DisplayWidth(name)), name...)
			l.buf = append(l.buf, " = "...)
			l.buf = append(c(l.buf, i), '\n')
		}
		if _, err := l.w.Write(l.buf); err != nil {
			return err
		}
		l.buf = l.buf[:0]
	}
	return nil
}

func (l *lines) Close() error { return l.w.Flush() }

func appendSpaces(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// markdown writes a table of GitHub's kind.
type markdown struct {
	w     *bufio.Writer
	style *render.Style
	buf   []byte
	cell  []byte
}

func newMarkdown(w *bufio.Writer, s *arrow.Schema, o Options) (*markdown, error) {
	m := &markdown{w: w, style: &o.Style}
	if o.NoHeader {
		return m, nil
	}
	m.buf = append(m.buf, '|')
	for _, f := range s.Fields() {
		m.append([]byte(f.Name))
	}
	m.buf = append(m.buf, "\n|"...)
	for _, f := range s.Fields() {
		if numeric(f.Type) {
			m.buf = append(m.buf, " --: |"...)
		} else {
			m.buf = append(m.buf, " --- |"...)
		}
	}
	m.buf = append(m.buf, '\n')
	return m, m.flush()
}

func (m *markdown) append(cell []byte) {
	m.buf = append(m.buf, ' ')
	for _, b := range cell {
		switch b {
		case '|':
			m.buf = append(m.buf, `\|`...)
		case '\n':
			m.buf = append(m.buf, "<br>"...)
		case '\r':
		default:
			m.buf = append(m.buf, b)
		}
	}
	m.buf = append(m.buf, " |"...)
}

func (m *markdown) flush() error {
	_, err := m.w.Write(m.buf)
	m.buf = m.buf[:0]
	return err
}

func (m *markdown) Write(rec arrow.RecordBatch) error {
	cols := columns(m.style, rec)
	for i := range int(rec.NumRows()) {
		m.buf = append(m.buf, '|')
		for _, c := range cols {
			m.cell = c(m.cell[:0], i)
			m.append(m.cell)
		}
		m.buf = append(m.buf, '\n')
		if err := m.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (m *markdown) Close() error { return m.w.Flush() }

// numeric columns are aligned to the right.
func numeric(dt arrow.DataType) bool {
	if d, ok := dt.(*arrow.DictionaryType); ok {
		dt = d.ValueType
	}
	_, decimal := dt.(arrow.DecimalType)
	return decimal || arrow.IsInteger(dt.ID()) || arrow.IsFloating(dt.ID())
}
