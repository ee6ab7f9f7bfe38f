package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// Named is a source that a short name stands for: "@name".
type Named struct {
	URL     string
	Format  string // "" finds out
	Options map[string]string
}

// named gives what a source of the form @name stands for, and the options with
// which to open it; other sources as they are. A file called so is "./@name".
func (o Options) named(source string) (string, Options, error) {
	name, ok := strings.CutPrefix(source, "@")
	if !ok {
		return source, o, nil
	}
	n, ok := o.Named[name]
	if !ok {
		known := "there is none"
		if len(o.Named) > 0 {
			known = "known: @" + strings.Join(slices.Sorted(maps.Keys(o.Named)), ", @")
		}
		return "", o, fmt.Errorf("%w: no source is called %s (%s)", arrowio.ErrOption, source, known)
	}
	if o.Format == "" {
		o.Format = n.Format
	}
	if len(n.Options) > 0 {
		own := fs.Options{}
		for k, v := range n.Options {
			own[k] = v
		}
		maps.Copy(own, o.FS) // the command line decides
		o.FS = own
	}
	return n.URL, o, nil
}
