package convert

import (
	"crypto/rand"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// defaultName is the name of the parts of one source.
const defaultName = "{stem}-{i:05}.{ext}"

// template is a name with places to fill: {stem}, {i}, {i:05}, {uuid}, {ext}.
type template []piece

type piece struct {
	text  string // literal, or what to fill in
	place bool
	width int
}

func parseTemplate(text string) (template, error) {
	bad := func(why string) (template, error) {
		return nil, fmt.Errorf("%w: --name %q: %s ({stem}, {i}, {i:05}, {uuid}, {ext} are filled in)", arrowio.ErrOption, text, why)
	}
	var t template
	for rest := text; rest != ""; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			t = append(t, piece{text: rest})
			break
		}
		if rest[open] == '}' {
			return bad("a } without its {")
		}
		if open > 0 {
			t = append(t, piece{text: rest[:open]})
		}
		end := strings.IndexByte(rest[open:], '}')
		if end < 0 {
			return bad("a { without its }")
		}
		name, width, hasWidth := strings.Cut(rest[open+1:open+end], ":")
		p := piece{text: name, place: true}
		switch name {
		case "i":
			if hasWidth {
				n, err := strconv.Atoi(width)
				if err != nil || n < 0 || n > 20 {
					return bad("a width is a number like 05")
				}
				p.width, hasWidth = n, false
			}
		case "stem", "uuid", "ext":
		default:
			return bad("there is no {" + name + "}")
		}
		if hasWidth {
			return bad("only {i} has a width")
		}
		t = append(t, p)
		rest = rest[open+end+1:]
	}
	name := t.fill("x", "x", 0)
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00"):
		return bad("it is no file name")
	case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "."):
		return bad("readers take such names for hidden")
	}
	return t, nil
}

func (t template) fill(stem, ext string, i int) string {
	var b strings.Builder
	for _, p := range t {
		switch {
		case !p.place:
			b.WriteString(p.text)
		case p.text == "i":
			fmt.Fprintf(&b, "%0*d", p.width, i)
		case p.text == "uuid":
			b.WriteString(newUUID())
		case p.text == "stem":
			b.WriteString(stem)
		case p.text == "ext":
			b.WriteString(ext)
		}
	}
	return b.String()
}

// varies says that a second name of one stem differs from the first.
func (t template) varies() bool {
	for _, p := range t {
		if p.place && (p.text == "i" || p.text == "uuid") {
			return true
		}
	}
	return false
}

// newUUID is a random one (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// names gives every part a name of its own, below the directory of the
// destination. A name is given once in a job, and none that was taken before.
type names struct {
	mu    sync.Mutex
	taken map[string]bool
	next  map[string]int // of a directory and stem
}

func newNames() *names { return &names{taken: map[string]bool{}, next: map[string]int{}} }

// take reserves a name as it is.
func (n *names) take(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken[name] {
		return fmt.Errorf("%w: two outputs would be named %s (try: --name with {i} or {uuid})", arrowio.ErrOption, name)
	}
	n.taken[name] = true
	return nil
}

// occupy marks the name of a file that is there already.
func (n *names) occupy(name string) {
	n.mu.Lock()
	n.taken[name] = true
	n.mu.Unlock()
}

// fill reserves the next free name of a template.
func (n *names) fill(t template, dir, stem, ext string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := dir + "\x00" + stem
	for {
		i := n.next[key]
		n.next[key]++
		name := path.Join(dir, t.fill(stem, ext, i))
		if !n.taken[name] {
			n.taken[name] = true
			return name, nil
		}
		if !t.varies() {
			return "", fmt.Errorf("%w: several files would be named %s (try: --name with {i} or {uuid})", arrowio.ErrOption, name)
		}
	}
}

// stemOf is a file's name without its folder and extension.
func stemOf(name string) string {
	base := path.Base(name)
	if base == "." || base == "/" || base == "-" {
		return "part"
	}
	if stem := strings.TrimSuffix(base, path.Ext(base)); stem != "" {
		return stem
	}
	return base
}

// target is where a job writes: a directory of a filesystem.
type target struct {
	fsys fs.FileSystem
	dir  string // its name there; "" is the root
}

func (t target) name(rel string) string {
	if t.dir == "" {
		return rel
	}
	return t.dir + "/" + rel
}

func (t target) url(rel string) string { return t.fsys.URL(t.name(rel)) }
