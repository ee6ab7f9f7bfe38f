package fs

import (
	"fmt"
	"strings"
)

// CheckName refuses names that no filesystem takes: the empty one, a leading
// slash, elements "." and "..", and NUL. Drivers call it first, so that a name
// cannot leave the filesystem's root.
func CheckName(name string) error {
	bad := ""
	switch {
	case name == "":
		bad = "is empty"
	case name[0] == '/':
		bad = "begins with a slash"
	case strings.IndexByte(name, 0) >= 0:
		bad = "holds a NUL byte"
	default:
		for e := range strings.SplitSeq(name, "/") {
			if e == "." || e == ".." {
				bad = "has an element " + e
			}
		}
	}
	if bad != "" {
		return fmt.Errorf("%w: the name %q %s", ErrUnsupported, name, bad)
	}
	return nil
}
