package fs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Options are a driver's settings by name ("endpoint", "timeout"), as a user
// writes them. They may hold secrets and are never printed.
type Options map[string]string

// Check returns an [ErrOption] that names the driver and every known key when
// o holds a key that is not among them.
func (o Options) Check(driver string, known ...string) error {
	for _, k := range slices.Sorted(maps.Keys(o)) {
		if slices.Contains(known, k) {
			continue
		}
		if len(known) == 0 {
			return fmt.Errorf("%w %q: the driver %s has none", ErrOption, k, driver)
		}
		return fmt.Errorf("%w %q of the driver %s (known: %s)", ErrOption, k, driver, strings.Join(known, ", "))
	}
	return nil
}

// Opener makes the filesystem that holds rawURL and gives the file's name in
// it. The URL is as the user wrote it: glob characters and secrets included.
// An opener sends no request.
type Opener func(ctx context.Context, rawURL string, o Options) (FileSystem, string, error)

var registry struct {
	sync.RWMutex
	openers map[string]Opener
}

// Register makes an opener answer for a URL scheme ("s3"). Drivers call it
// from init. A second registration replaces the first, so that a program can
// put its own driver in place of ours.
func Register(scheme string, open Opener) {
	registry.Lock()
	defer registry.Unlock()
	if registry.openers == nil {
		registry.openers = map[string]Opener{}
	}
	registry.openers[strings.ToLower(scheme)] = open
}

// Schemes lists the registered URL schemes in order.
func Schemes() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.openers))
}

// Resolve finds the filesystem of a URL or of a plain path, which is one of
// scheme file, and the file's name in it. Nothing is opened: the name may be a
// pattern, a directory, or not there. An unknown scheme is [ErrScheme].
func Resolve(ctx context.Context, rawURL string, o Options) (FileSystem, string, error) {
	scheme := Scheme(rawURL)
	registry.RLock()
	open := registry.openers[scheme]
	registry.RUnlock()
	if open == nil {
		known := "none: import a driver"
		if s := Schemes(); len(s) > 0 {
			known = strings.Join(s, ", ")
		}
		return nil, "", &Error{Op: "open", URL: Redact(rawURL), Err: fmt.Errorf("%w %q (known: %s)", ErrScheme, scheme, known)}
	}
	fsys, name, err := open(ctx, rawURL, o)
	if err != nil {
		return nil, "", err
	}
	return fsys, name, nil
}

// Scheme is the lower-case scheme of a URL; a plain path, a Windows one too,
// has the scheme file.
func Scheme(rawURL string) string {
	s, rest, ok := strings.Cut(rawURL, ":")
	if !ok || s == "" {
		return "file"
	}
	for i := range len(s) {
		c := s[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		other := '0' <= s[i] && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.'
		if !letter && (i == 0 || !other) {
			return "file"
		}
	}
	if !strings.HasPrefix(rest, "//") {
		return "file"
	}
	return strings.ToLower(s)
}

// SplitURL cuts "scheme://authority/path" without decoding anything: path has
// no leading slash and keeps whatever follows, "?" and "#" included, since
// they are glob and key characters on most stores. A plain path is all path.
func SplitURL(rawURL string) (scheme, authority, path string) {
	i := strings.Index(rawURL, "://")
	if i < 0 || Scheme(rawURL) != strings.ToLower(rawURL[:i]) {
		return "file", "", rawURL
	}
	rest := rawURL[i+3:]
	authority = rest
	if j := strings.IndexAny(rest, "/?#"); j >= 0 {
		authority, path = rest[:j], strings.TrimPrefix(rest[j:], "/")
	}
	return strings.ToLower(rawURL[:i]), authority, path
}
