package render

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// nested compiles lists, maps, structs and unions, which are JSON in plain text
// too; nil for other arrays.
func (s *Style) nested(arr arrow.Array) Appender {
	in := *s
	in.JSON = true
	if s.Binary == "" && !s.JSON {
		in.Binary = "hex"
	}
	switch a := arr.(type) {
	case *array.Struct:
		return in.structs(a)
	case *array.Map:
		return in.maps(a)
	case array.ListLike:
		elem := in.Column(a.ListValues(), elemField(arr.DataType()))
		return func(dst []byte, i int) []byte {
			start, end := a.ValueOffsets(i)
			dst = append(dst, '[')
			for k := start; k < end; k++ {
				if k > start {
					dst = append(dst, ',')
				}
				dst = elem(dst, int(k))
			}
			return append(dst, ']')
		}
	case *array.SparseUnion:
		fields := in.members(a)
		return func(dst []byte, i int) []byte { return fields[a.ChildID(i)](dst, i) }
	case *array.DenseUnion:
		fields := in.members(a)
		return func(dst []byte, i int) []byte { return fields[a.ChildID(i)](dst, int(a.ValueOffset(i))) }
	}
	return nil
}

func elemField(dt arrow.DataType) arrow.Field {
	if t, ok := dt.(arrow.ListLikeType); ok {
		return t.ElemField()
	}
	return arrow.Field{}
}

func (s *Style) members(u array.Union) []Appender {
	t := u.DataType().(arrow.UnionType)
	out := make([]Appender, u.NumFields())
	for k := range out {
		out[k] = s.Column(u.Field(k), t.Fields()[k])
	}
	return out
}

// keys are the JSON texts of member names with the colon behind.
func (s *Style) keys(fields []arrow.Field) [][]byte {
	out := make([][]byte, len(fields))
	for i, f := range fields {
		out[i] = append(s.jsonString(nil, f.Name), ':')
	}
	return out
}

func (s *Style) structs(a *array.Struct) Appender {
	t := a.DataType().(*arrow.StructType)
	keys := s.keys(t.Fields())
	fields := make([]Appender, a.NumField())
	for k := range fields {
		fields[k] = s.Column(a.Field(k), t.Field(k))
	}
	return func(dst []byte, i int) []byte {
		dst = append(dst, '{')
		for k, f := range fields {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = f(append(dst, keys[k]...), i)
		}
		return append(dst, '}')
	}
}

func (s *Style) maps(a *array.Map) Appender {
	t := a.DataType().(*arrow.MapType)
	key, item := s.Column(a.Keys(), t.KeyField()), s.Column(a.Items(), t.ItemField())
	return func(dst []byte, i int) []byte {
		start, end := a.ValueOffsets(i)
		dst = append(dst, '[')
		for k := start; k < end; k++ {
			if k > start {
				dst = append(dst, ',')
			}
			dst = key(append(dst, `{"key":`...), int(k))
			dst = append(item(append(dst, `,"value":`...), int(k)), '}')
		}
		return append(dst, ']')
	}
}

// Rows compiles whole rows as JSON objects.
func (s *Style) Rows(rec arrow.RecordBatch) Appender {
	in := *s
	in.JSON = true
	keys := in.keys(rec.Schema().Fields())
	fields := make([]Appender, rec.NumCols())
	for k := range fields {
		fields[k] = in.Column(rec.Column(k), rec.Schema().Field(k))
	}
	return func(dst []byte, i int) []byte {
		dst = append(dst, '{')
		for k, f := range fields {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = f(append(dst, keys[k]...), i)
		}
		return append(dst, '}')
	}
}
