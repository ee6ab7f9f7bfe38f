package fs

import (
	"errors"
	iofs "io/fs"
)

// The sentinels that drivers wrap. The first, second and last are those of
// the standard library, so errors.Is works with either name.
var (
	ErrNotExist    = iofs.ErrNotExist
	ErrExist       = iofs.ErrExist
	ErrClosed      = iofs.ErrClosed
	ErrPermission  = iofs.ErrPermission
	ErrAuth        = errors.New("not authenticated")
	ErrChanged     = errors.New("file changed while it was being read")
	ErrIO          = errors.New("I/O error")
	ErrUnsupported = errors.New("not supported by this filesystem")
	ErrScheme      = errors.New("unknown URL scheme")
	ErrOption      = errors.New("unknown or invalid option")
)

// Error is an operation on a file or filesystem that failed. URL carries no
// secrets. Err wraps a sentinel of this package.
type Error struct {
	Op  string // open, read, tail, create, commit, stat, list, remove
	URL string
	Off int64 // of the failed range; meaningful when Op is "read"
	Err error
}

func (e *Error) Error() string { return e.URL + ": " + e.Op + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }
