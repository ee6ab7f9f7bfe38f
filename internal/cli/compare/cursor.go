package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel/render"
)

// cursor goes over a table's rows as texts of their values.
type cursor struct {
	r    arrowio.RecordReader
	cols []render.Appender
	rec  arrow.RecordBatch
	at   int
	rows int64
	buf  []byte
}

func newCursor(ctx context.Context, t arrowio.Table, req arrowio.ScanRequest, run arrowio.RunOptions, o Options) (*cursor, error) {
	r, err := arrowio.Read(ctx, t, req, run)
	if err != nil {
		return nil, err
	}
	if o.Cut != nil {
		r = o.Cut(r)
	}
	return &cursor{r: r}, nil
}

// next moves to the next row; false at the end.
func (c *cursor) next() (bool, error) {
	for c.rec == nil || c.at+1 >= int(c.rec.NumRows()) {
		if !c.r.Next() {
			return false, c.r.Err()
		}
		c.rec, c.at = c.r.RecordBatch(), -1
		style := render.Style{JSON: true, FloatNames: true} // NaN and infinities are values here
		c.cols = c.cols[:0]
		for k, col := range c.rec.Columns() {
			c.cols = append(c.cols, style.Column(col, c.rec.Schema().Field(k)))
		}
	}
	c.at++
	c.rows++
	return true, nil
}

// between separates the values of a row. No text of JSON holds it.
const between = 0x1f

// whole is the row.
func (c *cursor) whole() string {
	c.buf = c.buf[:0]
	for k, col := range c.cols {
		if k > 0 {
			c.buf = append(c.buf, between)
		}
		c.buf = col(c.buf, c.at)
	}
	return string(c.buf)
}

// of is the row's values in some columns.
func (c *cursor) of(columns []int) string {
	c.buf = c.buf[:0]
	for i, k := range columns {
		if i > 0 {
			c.buf = append(c.buf, between)
		}
		c.buf = c.cols[k](c.buf, c.at)
	}
	return string(c.buf)
}

// text is the row for people.
func (c *cursor) text() string { return spaced(c.whole()) }

func spaced(row string) string          { return strings.ReplaceAll(row, string(rune(between)), ", ") }
func split(row string) []string         { return strings.Split(row, string(rune(between))) }
func near(x, y float64, t float64) bool { return math.Abs(x-y) <= t }

// holdsFloats says that values of the type are, or hold, floats.
func holdsFloats(dt arrow.DataType) bool {
	if arrow.IsFloating(dt.ID()) {
		return true
	}
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return holdsFloats(t.ValueType)
	case *arrow.RunEndEncodedType:
		return holdsFloats(t.Encoded())
	case arrow.NestedType:
		for _, f := range t.Fields() {
			if holdsFloats(f.Type) {
				return true
			}
		}
	}
	return false
}

// same compares two texts of a column's values.
func (c *comparison) same(k int, x, y []byte) bool {
	if bytes.Equal(x, y) {
		return true
	}
	dt := c.left.Field(k).Type
	if c.o.Tolerance <= 0 || !holdsFloats(dt) && !holdsFloats(c.right.Field(k).Type) {
		return false
	}
	var v, w any
	if decode(x, &v) != nil || decode(y, &w) != nil {
		return false
	}
	return c.near(dt, v, w)
}

func decode(text []byte, to *any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(to)
}

// near compares two decoded values, floats with the tolerance.
func (c *comparison) near(dt arrow.DataType, v, w any) bool {
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		return c.near(t.ValueType, v, w)
	case *arrow.RunEndEncodedType:
		return c.near(t.Encoded(), v, w)
	}
	switch v := v.(type) {
	case json.Number:
		w, ok := w.(json.Number)
		if !ok || v == w {
			return ok
		}
		if arrow.IsInteger(dt.ID()) || arrow.IsDecimal(dt.ID()) {
			return false
		}
		f, err1 := strconv.ParseFloat(string(v), 64)
		g, err2 := strconv.ParseFloat(string(w), 64)
		return err1 == nil && err2 == nil && near(f, g, c.o.Tolerance)
	case []any:
		w, ok := w.([]any)
		if !ok || len(v) != len(w) {
			return false
		}
		elem := dt
		if t, ok := dt.(arrow.ListLikeType); ok {
			elem = t.Elem()
		}
		for i := range v {
			if !c.near(elem, v[i], w[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		w, ok := w.(map[string]any)
		if !ok || len(v) != len(w) {
			return false
		}
		types := map[string]arrow.DataType{}
		if t, ok := dt.(*arrow.StructType); ok {
			for _, f := range t.Fields() {
				types[f.Name] = f.Type
			}
		}
		for name, x := range v {
			y, ok := w[name]
			ft := types[name]
			if ft == nil {
				ft = dt
			}
			if !ok || !c.near(ft, x, y) {
				return false
			}
		}
		return true
	}
	return v == w
}
