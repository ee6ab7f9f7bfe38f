// Package arrowschema stores an Arrow schema as text in the metadata of files of
// other formats, as Arrow's C++ writers do, so that types which the format has
// no word for come back: an IPC schema message in base64, under [Key].
package arrowschema

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/bdkit/bdkit/internal/arrowmsg"
)

// Key is the name of the metadata that holds the schema.
const Key = "ARROW:schema"

// Encode gives the text of a schema. Metadata and nullability are kept.
func Encode(s *arrow.Schema) (string, error) {
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(s))
	if err := w.Close(); err != nil {
		return "", err
	}
	const endOfStream = 8
	return base64.StdEncoding.EncodeToString(b.Bytes()[:b.Len()-endOfStream]), nil
}

// Decode reads the text of a schema. What is stored is advice: what cannot be
// read gives an empty schema. Nothing is allocated on a claim that the text
// cannot back.
func Decode(value string) *arrow.Schema {
	empty := arrow.NewSchema(nil, nil)
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return empty
	}
	if len(raw) < 8 {
		return empty
	}
	body := raw[4:]
	size := binary.LittleEndian.Uint32(raw)
	if size == 1<<32-1 { // the continuation mark of the current format
		size = binary.LittleEndian.Uint32(raw[4:])
		body = raw[8:]
	}
	if uint64(size) > uint64(len(body)) {
		return empty
	}
	m, err := arrowmsg.DecodeSchema(body[:size])
	if err != nil {
		return empty
	}
	return m.Arrow
}

// Storage is the type that holds the values of dt: dictionaries, run-end
// encodings and extensions unwrapped.
func Storage(dt arrow.DataType) arrow.DataType {
	for {
		switch t := dt.(type) {
		case *arrow.DictionaryType:
			dt = t.ValueType
		case *arrow.RunEndEncodedType:
			dt = t.Encoded()
		case arrow.ExtensionType:
			dt = t.StorageType()
		default:
			return dt
		}
	}
}

// MapChildren rebuilds a type with other child fields; those of dictionaries'
// values, of run ends' values and of extensions' storage are its own. A type
// without any stays as it is.
func MapChildren(dt arrow.DataType, field func(i int, f arrow.Field) arrow.Field) arrow.DataType {
	fields := func(in []arrow.Field) []arrow.Field {
		out := make([]arrow.Field, len(in))
		for i, f := range in {
			out[i] = field(i, f)
		}
		return out
	}
	switch t := dt.(type) {
	case arrow.ExtensionType:
		return MapChildren(t.StorageType(), field)
	case *arrow.DictionaryType:
		return &arrow.DictionaryType{IndexType: t.IndexType, ValueType: MapChildren(t.ValueType, field), Ordered: t.Ordered}
	case *arrow.RunEndEncodedType:
		return arrow.RunEndEncodedOf(t.RunEnds(), MapChildren(t.Encoded(), field))
	case *arrow.StructType:
		return arrow.StructOf(fields(t.Fields())...)
	case *arrow.MapType:
		m := arrow.MapOfFields(field(0, t.KeyField()), field(1, t.ItemField()))
		m.KeysSorted = t.KeysSorted
		return m
	case *arrow.ListType:
		return arrow.ListOfField(field(0, t.ElemField()))
	case *arrow.LargeListType:
		return arrow.LargeListOfField(field(0, t.ElemField()))
	case *arrow.ListViewType:
		return arrow.ListViewOfField(field(0, t.ElemField()))
	case *arrow.LargeListViewType:
		return arrow.LargeListViewOfField(field(0, t.ElemField()))
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOfField(t.Len(), field(0, t.ElemField()))
	case *arrow.DenseUnionType:
		return arrow.DenseUnionOf(fields(t.Fields()), t.TypeCodes())
	case *arrow.SparseUnionType:
		return arrow.SparseUnionOf(fields(t.Fields()), t.TypeCodes())
	}
	return dt
}

// MapLeaves rebuilds a type with other types at its leaves, those inside
// dictionaries and run-end encodings included. Extension types become their
// storage.
func MapLeaves(dt arrow.DataType, leaf func(arrow.DataType) arrow.DataType) arrow.DataType {
	switch t := dt.(type) {
	case arrow.ExtensionType:
		return MapLeaves(t.StorageType(), leaf)
	case *arrow.DictionaryType:
		return &arrow.DictionaryType{IndexType: t.IndexType, ValueType: MapLeaves(t.ValueType, leaf), Ordered: t.Ordered}
	case *arrow.RunEndEncodedType:
		return arrow.RunEndEncodedOf(t.RunEnds(), MapLeaves(t.Encoded(), leaf))
	case arrow.NestedType:
		return MapChildren(dt, func(_ int, f arrow.Field) arrow.Field {
			f.Type = MapLeaves(f.Type, leaf)
			return f
		})
	}
	return leaf(dt)
}

// Plain is a field without a registered extension type: its storage, and the
// extension's name and parameters as metadata.
func Plain(f arrow.Field) arrow.Field {
	dt := f.Type
	wrap := func(dt arrow.DataType) arrow.DataType { return dt }
	switch t := dt.(type) {
	case *arrow.DictionaryType:
		dt, wrap = t.ValueType, func(v arrow.DataType) arrow.DataType {
			return &arrow.DictionaryType{IndexType: t.IndexType, ValueType: v, Ordered: t.Ordered}
		}
	case *arrow.RunEndEncodedType:
		dt, wrap = t.Encoded(), func(v arrow.DataType) arrow.DataType { return arrow.RunEndEncodedOf(t.RunEnds(), v) }
	}
	ext, ok := dt.(arrow.ExtensionType)
	if !ok {
		return f
	}
	md := map[string]string{}
	if f.Metadata.Len() > 0 {
		md = f.Metadata.ToMap()
	}
	md[extensionName], md[extensionMetadata] = ext.ExtensionName(), ext.Serialize()
	f.Type, f.Metadata = wrap(ext.StorageType()), arrow.MetadataFrom(md)
	return f
}

const (
	extensionName     = "ARROW:extension:name"
	extensionMetadata = "ARROW:extension:metadata"
)
