package program

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/avro/internal/schema"
)

// EncodeJSON appends the binary encoding of a field's default. In a union it is
// the first branch that takes the value.
func EncodeJSON(dst []byte, s *schema.Schema, v any) ([]byte, error) {
	return encodeJSON(dst, s, v, 0)
}

func appendLong(dst []byte, v int64) []byte {
	return binary.AppendUvarint(dst, uint64(v)<<1^uint64(v>>63))
}

func encodeJSON(dst []byte, s *schema.Schema, v any, depth int) ([]byte, error) {
	wrong := func() ([]byte, error) {
		text, _ := json.Marshal(v) // it came of JSON
		return dst, fmt.Errorf("%w: %s is no %s", schema.ErrSchema, text, s.Describe())
	}
	if depth > 256 {
		return dst, fmt.Errorf("%w: a default nested %d deep", arrowio.ErrLimit, depth)
	}
	depth++
	switch s.Kind {
	case schema.Null:
		if v != nil {
			return wrong()
		}
		return dst, nil
	case schema.Boolean:
		b, ok := v.(bool)
		if !ok {
			return wrong()
		}
		if b {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case schema.Int, schema.Long:
		n, ok := v.(json.Number)
		if !ok {
			return wrong()
		}
		bits := 64
		if s.Kind == schema.Int {
			bits = 32
		}
		i, err := strconv.ParseInt(n.String(), 10, bits)
		if err != nil {
			f, ferr := n.Float64() // 1.0 and 1e3 are whole too
			if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 || bits == 32 && math.Abs(f) > math.MaxInt32 {
				return wrong()
			}
			i = int64(f)
		}
		return appendLong(dst, i), nil
	case schema.Float, schema.Double:
		f, ok := number(v)
		if !ok {
			return wrong()
		}
		if s.Kind == schema.Float {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
		}
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), nil
	case schema.String:
		text, ok := v.(string)
		if !ok {
			return wrong()
		}
		return append(appendLong(dst, int64(len(text))), text...), nil
	case schema.Bytes, schema.Fixed:
		text, ok := v.(string)
		if !ok {
			return wrong()
		}
		var raw []byte
		for _, r := range text { // a character a byte
			if r > 0xff {
				return wrong()
			}
			raw = append(raw, byte(r))
		}
		if s.Kind == schema.Fixed {
			if len(raw) != s.Size {
				return wrong()
			}
			return append(dst, raw...), nil
		}
		return append(appendLong(dst, int64(len(raw))), raw...), nil
	case schema.Enum:
		text, ok := v.(string)
		i := slices.Index(s.Symbols, text)
		if !ok || i < 0 {
			return wrong()
		}
		return appendLong(dst, int64(i)), nil
	case schema.Array:
		list, ok := v.([]any)
		if !ok {
			return wrong()
		}
		if len(list) > 0 {
			dst = appendLong(dst, int64(len(list)))
		}
		for _, x := range list {
			var err error
			if dst, err = encodeJSON(dst, s.Items, x, depth); err != nil {
				return dst, err
			}
		}
		return append(dst, 0), nil
	case schema.Map:
		return encodeMap(dst, s, v, depth, wrong)
	case schema.Union:
		start := len(dst)
		for i, b := range s.Branches {
			out, err := encodeJSON(appendLong(dst[:start], int64(i)), b, v, depth)
			if err == nil {
				return out, nil
			}
		}
		return wrong()
	}
	o, ok := v.(map[string]any)
	if !ok {
		return wrong()
	}
	for _, f := range s.Fields {
		x, has := o[f.Name]
		if !has {
			if !f.HasDefault {
				return wrong()
			}
			x = f.Default
		}
		var err error
		if dst, err = encodeJSON(dst, f.Type, x, depth); err != nil {
			return dst, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return dst, nil
}

func encodeMap(dst []byte, s *schema.Schema, v any, depth int, wrong func() ([]byte, error)) ([]byte, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return wrong()
	}
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if len(keys) > 0 {
		dst = appendLong(dst, int64(len(keys)))
	}
	for _, k := range keys {
		dst = append(appendLong(dst, int64(len(k))), k...)
		var err error
		if dst, err = encodeJSON(dst, s.Items, o[k], depth); err != nil {
			return dst, err
		}
	}
	return append(dst, 0), nil
}

// number reads a JSON number, or one of the words for what JSON has no number
// of.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil || math.IsInf(f, 0)
	case string:
		switch v {
		case "NaN":
			return math.NaN(), true
		case "Infinity", "INF":
			return math.Inf(1), true
		case "-Infinity", "-INF":
			return math.Inf(-1), true
		}
	}
	return 0, false
}
