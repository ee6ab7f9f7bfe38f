package arrowiotest

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/internal/conformance"
)

// Text gives the rows of a batch as text, one form for all types that hold the
// same values: a view, a dictionary and a plain array of them are equal.
func Text(rec arrow.RecordBatch) []string {
	out := make([]string, rec.NumRows())
	var b []byte
	for i := range out {
		b = b[:0]
		for _, c := range rec.Columns() {
			b = append(value(b, c, i), 0x1f)
		}
		out[i] = string(b)
	}
	return out
}

// ColumnText is a column in the form of Text, value by value.
func ColumnText(chunks ...arrow.Array) []string {
	var out []string
	for _, a := range chunks {
		for i := range a.Len() {
			out = append(out, string(value(nil, a, i)))
		}
	}
	return out
}

func value(b []byte, a arrow.Array, i int) []byte {
	b, err := conformance.AppendValue(b, a, i)
	if err != nil {
		panic(fmt.Sprintf("arrowiotest: %v", err))
	}
	return b
}
