package formats

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bdkit/bdkit/arrowio"
)

var registry struct {
	sync.RWMutex
	byName map[string]Format
}

// Register makes a format known under its name. Registering a name twice
// panics: two packages fight over it.
func Register(f Format) {
	registry.Lock()
	defer registry.Unlock()
	if registry.byName == nil {
		registry.byName = map[string]Format{}
	}
	if _, dup := registry.byName[f.Name()]; dup {
		panic("formats: " + f.Name() + " registered twice")
	}
	registry.byName[f.Name()] = f
}

// All lists the registered formats by name.
func All() []Format {
	registry.RLock()
	defer registry.RUnlock()
	out := make([]Format, 0, len(registry.byName))
	for _, f := range registry.byName {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Format) int { return strings.Compare(a.Name(), b.Name()) })
	return out
}

// ByName finds a format by its name.
func ByName(name string) (Format, error) {
	registry.RLock()
	f := registry.byName[name]
	registry.RUnlock()
	if f == nil {
		names := []string{}
		for _, f := range All() {
			names = append(names, f.Name())
		}
		return nil, fmt.Errorf("%w: format %q (known: %s)", arrowio.ErrOption, name, strings.Join(names, ", "))
	}
	return f, nil
}

// ByExtension finds a format by a file name's extension; nil if none claims it.
func ByExtension(name string) Format {
	name = strings.ToLower(name)
	for _, f := range All() {
		for _, ext := range f.Extensions() {
			if strings.HasSuffix(name, "."+ext) {
				return f
			}
		}
	}
	return nil
}

// Sniff finds a format by a file's first and last bytes; nil if none knows them.
func Sniff(head, tail []byte) Format {
	for _, f := range All() {
		if f.Sniff(head, tail) {
			return f
		}
	}
	return nil
}
