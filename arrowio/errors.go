package arrowio

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// The sentinels of what can be wrong with data, beside those of packages fs
// (storage) and pushdown (filters).
var (
	// ErrCorrupt is data that breaks its format's specification.
	ErrCorrupt = errors.New("corrupt data")
	// ErrUnsupported is valid data, or a request, that needs what is not built.
	ErrUnsupported = errors.New("unsupported feature")
	// ErrCast is a value that does not fit the type asked for.
	ErrCast = kernel.ErrCast
	// ErrLimit is a bound reached: memory, depth, time.
	ErrLimit = errors.New("resource limit")
	// ErrIncomplete is a result that lacks rows it should have.
	ErrIncomplete = errors.New("incomplete")
	// ErrKey is encrypted data whose key is missing or wrong.
	ErrKey = errors.New("decryption key")
	// ErrColumn is a column that a schema does not have, or has twice.
	ErrColumn = pushdown.ErrColumn
	// ErrOption is an option that a format or driver does not know.
	ErrOption = errors.New("unknown or invalid option")
)

// Error says what failed and where, for people and for programs. Fields that
// do not apply are zero; Offset -1 or 0 is unknown.
type Error struct {
	Op     string // read, write, plan, open
	URL    string // the file or store, without secrets
	Unit   string // "row group 3", "stripe 0"
	Column string // dotted path
	Part   string // of the unit's column: "page 7", "dictionary page"
	Offset int64  // byte offset in the file
	Hint   string // what to try
	Err    error  // wraps a sentinel
}

// Error reads as "s3://b/k.parquet: row group 3, column a.b: page 7 at offset
// 91822: zlib: corrupt input (try: …)".
func (e *Error) Error() string {
	var b strings.Builder
	if e.URL != "" {
		b.WriteString(e.URL)
		b.WriteString(": ")
	}
	switch {
	case e.Unit != "" && e.Column != "":
		b.WriteString(e.Unit + ", column " + e.Column + ": ")
	case e.Unit != "":
		b.WriteString(e.Unit + ": ")
	case e.Column != "":
		b.WriteString("column " + e.Column + ": ")
	}
	at := e.Part
	if e.Offset > 0 {
		at = strings.TrimSpace(at + " at offset " + strconv.FormatInt(e.Offset, 10))
	}
	if at != "" {
		b.WriteString(at + ": ")
	}
	b.WriteString(e.Err.Error())
	if e.Hint != "" {
		b.WriteString(" (try: " + e.Hint + ")")
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Guard turns a panic of the function that defers it into an ErrCorrupt with
// the stack: input that no check foresaw must not take the program down, and a
// goroutine's panic would.
//
//	defer arrowio.Guard(&err)
func Guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v\n%s", ErrCorrupt, p, debug.Stack())
	}
}
