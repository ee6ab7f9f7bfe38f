package pushdown

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	end    kind = iota
	word        // a name or keyword, unquoted
	name        // a quoted name
	text        // 'text'
	blob        // X'hex', its digits
	number      // digits, with fraction and exponent, without sign
	symbol      // operator or punctuation
)

type token struct {
	kind kind
	text string
	pos  int
}

// is tells a keyword or symbol.
func (t token) is(s string) bool {
	return t.kind == symbol && t.text == s || t.kind == word && strings.EqualFold(t.text, s)
}

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case text:
		return quoteText(t.text)
	}
	return fmt.Sprintf("%q", t.text)
}

type lexer struct {
	text string
	pos  int
}

func (l *lexer) fail(pos int, format string, args ...any) error {
	return &SyntaxError{Text: l.text, Pos: pos, Msg: fmt.Sprintf(format, args...)}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }

func (l *lexer) take(ok func(rune) bool) string {
	from := l.pos
	for l.pos < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[l.pos:])
		if !ok(r) {
			break
		}
		l.pos += n
	}
	return l.text[from:l.pos]
}

// quoted reads up to the closing quote; a doubled quote stands for one.
func (l *lexer) quoted(what string) (string, error) {
	from, q := l.pos, l.text[l.pos]
	var b strings.Builder
	for i := from + 1; i < len(l.text); i++ {
		if l.text[i] != q {
			b.WriteByte(l.text[i])
			continue
		}
		if i+1 < len(l.text) && l.text[i+1] == q {
			b.WriteByte(q)
			i++
			continue
		}
		l.pos = i + 1
		return b.String(), nil
	}
	return "", l.fail(from, "this %s has no closing %c", what, q)
}

func (l *lexer) next() (token, error) {
	l.take(unicode.IsSpace)
	t := token{pos: l.pos}
	if l.pos == len(l.text) {
		return t, nil
	}
	var err error
	c := l.text[l.pos]
	rest := l.text[l.pos:]
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case c == '\'':
		t.kind = text
		t.text, err = l.quoted("text")
	case c == '"' || c == '`':
		t.kind = name
		t.text, err = l.quoted("name")
	case (c == 'x' || c == 'X') && len(rest) > 1 && rest[1] == '\'':
		l.pos++
		t.kind = blob
		t.text, err = l.quoted("X'…'")
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		t.kind = number
		dot := false
		i := 0
		for ; i < len(rest) && (isDigit(rest[i]) || rest[i] == '.' && !dot); i++ {
			dot = dot || rest[i] == '.'
		}
		if i < len(rest) && (rest[i] == 'e' || rest[i] == 'E') {
			j := i + 1
			if j < len(rest) && (rest[j] == '+' || rest[j] == '-') {
				j++
			}
			if j == len(rest) || !isDigit(rest[j]) {
				return t, l.fail(l.pos+i, "expected the digits of an exponent")
			}
			for i = j; i < len(rest) && isDigit(rest[i]); i++ {
			}
		}
		t.text = rest[:i]
		l.pos += i
		if r, _ := utf8.DecodeRuneInString(rest[i:]); i < len(rest) && isWordStart(r) {
			return t, l.fail(l.pos, "a name that begins with a digit needs double quotes")
		}
	case isWordStart(r):
		t.kind = word
		t.text = l.take(func(r rune) bool { return isWordStart(r) || unicode.IsDigit(r) || unicode.IsMark(r) })
	default:
		t.kind = symbol
		for _, s := range []string{"==", "!=", "<>", "<=", ">=", "::", "=", "<", ">", "(", ")", ",", ".", "-", "+"} {
			if strings.HasPrefix(rest, s) {
				t.text = s
				l.pos += len(s)
				return t, nil
			}
		}
		return t, l.fail(l.pos, "unexpected %q", r)
	}
	return t, err
}

// typeName reads the raw name after ::, brackets included.
func (l *lexer) typeName() string {
	l.take(unicode.IsSpace)
	from := l.pos
	l.take(func(r rune) bool { return isWordStart(r) || unicode.IsDigit(r) })
	if l.pos < len(l.text) {
		if i := strings.IndexByte("[(", l.text[l.pos]); i >= 0 {
			if n := strings.IndexByte(l.text[l.pos:], "])"[i]); n > 0 {
				l.pos += n + 1
			}
		}
	}
	return l.text[from:l.pos]
}
