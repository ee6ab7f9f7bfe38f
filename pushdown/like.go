package pushdown

import (
	"strings"
	"unicode/utf8"
)

// likePart is literal text, or one of the wildcards.
type likePart struct {
	lit string
	any bool // %
	one bool // _
}

func parseLike(pattern string) []likePart {
	var out []likePart
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			out = append(out, likePart{lit: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			i++
			lit.WriteByte(pattern[i])
		case c == '%':
			flush()
			if n := len(out); n == 0 || !out[n-1].any {
				out = append(out, likePart{any: true})
			}
		case c == '_':
			flush()
			out = append(out, likePart{one: true})
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return out
}

// matchLike takes the leftmost match of each piece between two %, which is
// enough: time is the text's length times the pattern's, never exponential.
func matchLike(parts []likePart, s string) bool {
	star, mark := -1, 0 // the last % and where its match would begin anew
	i, at := 0, 0
	for {
		if i == len(parts) && at == len(s) {
			return true
		}
		if i < len(parts) {
			p := parts[i]
			switch {
			case p.any:
				if i == len(parts)-1 {
					return true
				}
				star, mark = i, at
				i++
				continue
			case p.one && at < len(s):
				_, n := utf8.DecodeRuneInString(s[at:])
				at += n
				i++
				continue
			case !p.one && strings.HasPrefix(s[at:], p.lit):
				at += len(p.lit)
				i++
				continue
			}
		}
		if star < 0 || mark >= len(s) {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[mark:])
		mark += n
		i, at = star+1, mark
	}
}

// likePrefix is the text that every match begins with; whole says that the
// match is that text, open that the pattern ends right there with %.
func likePrefix(parts []likePart) (prefix string, whole, open bool) {
	if len(parts) == 0 {
		return "", true, false
	}
	if parts[0].lit != "" {
		prefix = parts[0].lit
		parts = parts[1:]
	}
	return prefix, len(parts) == 0, len(parts) == 1 && parts[0].any
}
