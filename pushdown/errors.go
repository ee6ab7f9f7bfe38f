package pushdown

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

var (
	// ErrExpr is a filter that cannot be read, or that compares what cannot
	// be compared.
	ErrExpr = errors.New("invalid filter")
	// ErrColumn is a column that the schema does not have, or has twice. It
	// comes wrapped together with ErrExpr.
	ErrColumn = errors.New("unknown or ambiguous column")
)

// SyntaxError says where a filter's text stops making sense.
type SyntaxError struct {
	Text string
	Pos  int // byte offset in Text
	Msg  string
}

// Error shows the line with a caret below the place.
func (e *SyntaxError) Error() string {
	from := strings.LastIndexByte(e.Text[:e.Pos], '\n') + 1
	line := e.Text[from:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	at := e.Pos - from
	if at > 60 { // keep a long line readable
		cut := at - 40
		for !utf8.RuneStart(line[cut]) {
			cut++
		}
		line, at = line[cut:], at-cut
	}
	if len(line) > at+40 {
		line = line[:at+40]
	}
	return fmt.Sprintf("%v: at %d: %s\n  %s\n  %s^", ErrExpr, e.Pos+1, e.Msg, line, strings.Repeat(" ", utf8.RuneCountInString(line[:min(at, len(line))])))
}

// Unwrap gives ErrExpr.
func (e *SyntaxError) Unwrap() error { return ErrExpr }
