package arrowschema

import (
	"encoding/binary"
)

// flatbuffer checks that the tables, vectors and strings of an Arrow schema
// message (Schema.fbs, Message.fbs) lie within their bytes, before a reader
// that takes them at their word allocates what they claim. Each table is
// visited as often as it is referred to, and there may be no more visits than
// the bytes could hold tables: references to one table from many do not
// multiply the work.
type flatbuffer struct {
	b      []byte
	visits int
	ok     bool
}

// The fields of the tables by their number in the schema files.
const (
	messageHeader                                                   = 2
	schemaFields, schemaMetadata, schemaFeatures                    = 1, 2, 3
	fieldName, fieldType, fieldDictionary, fieldChildren, fieldMeta = 0, 3, 4, 5, 6
	keyValueKey, keyValueValue                                      = 0, 1
)

// validMessage says whether a schema message is sound. The bytes are those
// behind the length.
func validMessage(b []byte) bool {
	f := &flatbuffer{b: b, ok: len(b) >= 8, visits: len(b)/4 + 1}
	if !f.ok {
		return false
	}
	root := f.table(int64(f.u32(0)))
	s := f.ref(root, messageHeader)
	if !f.ok || s < 0 {
		return false
	}
	t := f.table(s)
	f.vector(f.ref(t, schemaFeatures), 8, nil)
	f.vector(f.ref(t, schemaMetadata), 4, f.keyValue)
	f.vector(f.ref(t, schemaFields), 4, func(at int64) { f.field(at, 0) })
	return f.ok
}

func (f *flatbuffer) fail() { f.ok = false }

func (f *flatbuffer) u32(at int64) uint32 {
	if at < 0 || at+4 > int64(len(f.b)) {
		f.fail()
		return 0
	}
	return binary.LittleEndian.Uint32(f.b[at:])
}

func (f *flatbuffer) u16(at int64) uint16 {
	if at < 0 || at+2 > int64(len(f.b)) {
		f.fail()
		return 0
	}
	return binary.LittleEndian.Uint16(f.b[at:])
}

// table checks a table and its list of fields, and gives its place.
func (f *flatbuffer) table(at int64) int64 {
	if f.visits--; f.visits < 0 {
		f.fail()
	}
	v := at - int64(int32(f.u32(at)))
	size, inline := int64(f.u16(v)), int64(f.u16(v+2))
	if !f.ok || size < 4 || size%2 != 0 || v+size > int64(len(f.b)) || inline < 4 || at+inline > int64(len(f.b)) {
		f.fail()
		return at
	}
	for o := v + 4; o < v+size; o += 2 {
		if int64(f.u16(o)) >= inline {
			f.fail()
		}
	}
	return at
}

// slot is the place of a table's field, -1 if it is not there.
func (f *flatbuffer) slot(table int64, field int) int64 {
	if !f.ok {
		return -1
	}
	v := table - int64(int32(f.u32(table)))
	o := v + 4 + 2*int64(field)
	if o+2 > v+int64(f.u16(v)) {
		return -1
	}
	if off := f.u16(o); off != 0 {
		return table + int64(off)
	}
	return -1
}

// ref follows the offset in a field, -1 if it is not there.
func (f *flatbuffer) ref(table int64, field int) int64 {
	at := f.slot(table, field)
	if at < 0 {
		return -1
	}
	return at + int64(f.u32(at))
}

// vector checks a vector of elements of size bytes; each, if it is a table, is
// given to check.
func (f *flatbuffer) vector(at, size int64, check func(at int64)) {
	if at < 0 || !f.ok {
		return
	}
	n := int64(f.u32(at))
	if at+4+n*size > int64(len(f.b)) {
		f.fail()
		return
	}
	for i := int64(0); check != nil && i < n && f.ok; i++ {
		e := at + 4 + 4*i
		check(e + int64(f.u32(e)))
	}
}

func (f *flatbuffer) text(at int64) { f.vector(at, 1, nil) }

func (f *flatbuffer) keyValue(at int64) {
	t := f.table(at)
	f.text(f.ref(t, keyValueKey))
	f.text(f.ref(t, keyValueValue))
}

func (f *flatbuffer) field(at int64, depth int) {
	if depth > maxDepth {
		f.fail()
		return
	}
	t := f.table(at)
	f.text(f.ref(t, fieldName))
	if d := f.ref(t, fieldDictionary); d >= 0 {
		if i := f.ref(f.table(d), 1); i >= 0 { // the type of the indices
			f.table(i)
		}
	}
	if d := f.ref(t, fieldType); d >= 0 {
		f.typeOf(f.table(d), f.slot(t, fieldType-1))
	}
	f.vector(f.ref(t, fieldMeta), 4, f.keyValue)
	f.vector(f.ref(t, fieldChildren), 4, func(at int64) { f.field(at, depth+1) })
}

// typeOf checks what types refer to: the zone of a timestamp, the ids of a union.
func (f *flatbuffer) typeOf(t, kind int64) {
	const timestamp, union = 10, 14
	if kind < 0 || kind >= int64(len(f.b)) {
		return
	}
	switch f.b[kind] {
	case timestamp:
		f.text(f.ref(t, 1))
	case union:
		f.vector(f.ref(t, 1), 4, nil)
	}
}
