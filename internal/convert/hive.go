package convert

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel"
)

// nullPartition is how Hive names the folder of null.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// hive names the folders of a partitioned directory, one level a column:
// "year=2024/city=S%C3%A3o…" without the escapes that are not needed: only the
// characters that Hive escapes are.
type hive struct {
	names []string // escaped
	cols  []int    // in the rows
}

func newHive(s *arrow.Schema, by []string) (*hive, error) {
	h := &hive{}
	seen := map[string]bool{}
	for _, name := range by {
		at := s.FieldIndices(name)
		switch {
		case len(at) == 0:
			return nil, fmt.Errorf("%w: --partition-by: no column %q", arrowio.ErrColumn, name)
		case len(at) > 1:
			return nil, fmt.Errorf("%w: --partition-by: %q stands for %d columns", arrowio.ErrColumn, name, len(at))
		case seen[name]:
			return nil, fmt.Errorf("%w: --partition-by: %q twice", arrowio.ErrOption, name)
		case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "."):
			return nil, fmt.Errorf("%w: --partition-by %s: readers take folders that begin with %q for hidden (try: --rename)", arrowio.ErrOption, name, name[:1])
		}
		if !partitions(s.Field(at[0]).Type) {
			return nil, fmt.Errorf("%w: --partition-by %s: no folder can be named after values of %s", arrowio.ErrOption, name, s.Field(at[0]).Type)
		}
		seen[name] = true
		h.names = append(h.names, escapeHive(name))
		h.cols = append(h.cols, at[0])
	}
	return h, nil
}

// partitions says that a type's values can name folders.
func partitions(dt arrow.DataType) bool {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return partitions(t.ValueType)
	case *arrow.RunEndEncodedType:
		return partitions(t.Encoded())
	case arrow.ExtensionType:
		return partitions(t.StorageType())
	}
	c := kernel.ClassOf(dt)
	return c != kernel.None && c != kernel.Bytes || dt.ID() == arrow.NULL
}

// dir names the folder of row i. The columns are those of the rows, plain.
func (h *hive) dir(cols []arrow.Array, i int) (string, error) {
	var b strings.Builder
	for k, c := range cols {
		if k > 0 {
			b.WriteByte('/')
		}
		b.WriteString(h.names[k])
		b.WriteByte('=')
		if c.IsNull(i) || c.DataType().ID() == arrow.NULL {
			b.WriteString(nullPartition)
			continue
		}
		text := kernel.Format(kernel.ScalarAt(c, i), c.DataType())
		if text == nullPartition || !utf8.ValidString(text) {
			return "", &arrowio.Error{Op: "write", Column: h.names[k], Err: fmt.Errorf("%w: no folder can be named after %q", arrowio.ErrCast, text)}
		}
		b.WriteString(escapeHive(text))
	}
	return b.String(), nil
}

// plain gives the partition columns of a batch without dictionaries. The caller
// releases them.
func (h *hive) plain(s *sorter, rec arrow.RecordBatch) ([]arrow.Array, error) {
	out := make([]arrow.Array, 0, len(h.cols))
	for _, c := range h.cols {
		a, err := kernel.Decode(s.mem, rec.Column(c))
		if err != nil {
			releaseAll(out)
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// escapeHive writes the characters that Hive's FileUtils.escapePathName escapes
// as % and two hexadecimal digits.
func escapeHive(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c < 0x20 || c == 0x7f || strings.IndexByte("\"#%'*/:=?\\{[]^", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// withoutColumns gives a batch less some of its columns.
func withoutColumns(rec arrow.RecordBatch, to *arrow.Schema, keep []int) arrow.RecordBatch {
	cols := make([]arrow.Array, len(keep))
	for i, k := range keep {
		cols[i] = rec.Column(k)
	}
	return array.NewRecordBatch(to, cols, rec.NumRows())
}

func releaseAll(cols []arrow.Array) {
	for _, c := range cols {
		c.Release()
	}
}
