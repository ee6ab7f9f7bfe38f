package fs

import (
	"fmt"
	"path"
	"strings"
)

// HasMeta tells whether a name is a pattern for [Glob].
func HasMeta(pattern string) bool { return strings.ContainsAny(pattern, `*?[{\`) }

// QuoteMeta makes the pattern that matches name and nothing else.
func QuoteMeta(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if strings.IndexByte(`*?[]{},\`, name[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// maxAlternatives bounds what braces multiply to.
const maxAlternatives = 4096

// expand multiplies out the braces: "{a,b}/{1,2}" becomes four patterns.
func expand(pattern string) ([]string, error) {
	open, end, commas := -1, -1, []int{}
	depth := 0
scan:
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			i = classEnd(pattern, i)
		case '{':
			if depth++; depth == 1 {
				open = i
			}
		case ',':
			if depth == 1 {
				commas = append(commas, i)
			}
		case '}':
			if depth--; depth == 0 {
				end = i
				break scan
			}
			depth = max(depth, 0) // a lone "}" is itself
		}
	}
	if open < 0 {
		return []string{pattern}, nil
	}
	if end < 0 {
		return nil, badPattern(pattern, "a brace is not closed")
	}
	var out []string
	from := open + 1
	for _, to := range append(commas, end) {
		more, err := expand(pattern[:open] + pattern[from:to] + pattern[end+1:])
		if err != nil {
			return nil, err
		}
		if out = append(out, more...); len(out) > maxAlternatives {
			return nil, badPattern(pattern, fmt.Sprintf("its braces have more than %d alternatives", maxAlternatives))
		}
		from = to + 1
	}
	return out, nil
}

// classEnd is the index of the "]" that closes the class at i, or i.
func classEnd(p string, i int) int {
	for j := i + 1; j < len(p); j++ {
		switch {
		case p[j] == '\\':
			j++
		case p[j] == ']' && j > i+1:
			return j
		}
	}
	return i
}

func badPattern(pattern, why string) error {
	return fmt.Errorf("%w: the pattern %q: %s", ErrUnsupported, pattern, why)
}

// segment is one element of a pattern without braces.
type segment struct {
	glob   string // for path.Match
	prefix string // the literal beginning
	lit    bool   // prefix is all
	any    bool   // "**": any number of elements
}

func parseSegments(pattern string) ([]segment, error) {
	var segs []segment
	for part := range strings.SplitSeq(pattern, "/") {
		if part == "**" {
			if n := len(segs); n == 0 || !segs[n-1].any {
				segs = append(segs, segment{any: true})
			}
			continue
		}
		// The shell writes a negated class "[!a]", path.Match "[^a]".
		b := []byte(part)
		for i := 0; i < len(b); i++ {
			switch b[i] {
			case '\\':
				i++
			case '[':
				if i+1 < len(b) && b[i+1] == '!' {
					b[i+1] = '^'
				}
				i = classEnd(part, i)
			}
		}
		s := segment{glob: string(b)}
		if _, err := path.Match(s.glob, ""); err != nil {
			return nil, badPattern(pattern, fmt.Sprintf("%q is malformed", part))
		}
		s.prefix, s.lit = literal(part)
		segs = append(segs, s)
	}
	return segs, nil
}

// literal is the unescaped beginning of a segment up to its first wildcard.
func literal(part string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '*', '?', '[':
			return b.String(), false
		case '\\':
			i++ // path.Match has refused a trailing backslash
		}
		b.WriteByte(part[i])
	}
	return b.String(), true
}

// match tells whether one element of a name matches.
func (s segment) match(elem string) bool {
	if s.lit {
		return s.prefix == elem
	}
	if !strings.HasPrefix(elem, s.prefix) {
		return false
	}
	ok, err := path.Match(s.glob, elem)
	return ok && err == nil
}

// matchName matches a whole name. To fail after "**" means to let the last
// one take an element more, so the time is at most the product of the lengths.
func matchName(segs []segment, name string) bool {
	elems := strings.Split(name, "/")
	i, j := 0, 0
	backI, backJ := -1, 0
	for j < len(elems) {
		switch {
		case i < len(segs) && segs[i].any:
			backI, backJ = i, j
			i++
		case i < len(segs) && segs[i].match(elems[j]):
			i++
			j++
		case backI >= 0:
			backJ++
			i, j = backI+1, backJ
		default:
			return false
		}
	}
	for i < len(segs) && segs[i].any {
		// "a/**" is what lies below a, not a itself.
		if backI < 0 || backI != i-1 {
			return false
		}
		i++
	}
	return i == len(segs)
}
