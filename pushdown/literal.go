package pushdown

import "github.com/apache/arrow-go/v18/arrow"

// Literal is a typed constant: an Arrow array of one element. A Literal out of
// the parser has the type its spelling tells (int64, decimal128, float64,
// utf8, bool, date32, timestamp, binary, or null); Bind casts it to the type
// of the column it meets, exactly or not at all.
//
// Literals are immutable and live as long as anybody holds them; their arrays
// come from Go's allocator and need no Release.
type Literal struct{ Value arrow.Array }
