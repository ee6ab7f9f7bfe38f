package colbuild

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// layout is how a column's slots lie in memory.
type layout uint8

const (
	nothing    layout = iota // no more than a count
	flags                    // booleans, a byte each until the batch is taken
	fixed                    // width bytes each
	text                     // bytes with 32-bit offsets
	largeText                // bytes with 64-bit offsets
	list                     // a child with 32-bit offsets; maps too
	largeList                // a child with 64-bit offsets
	fixedList                // a child, size elements each
	structure                // children
	denseUnion               // type ids in data, offsets, children
)

// Column builds one array. The caller gives each slot exactly one value by one
// of the append methods; a method of another layout than the column's is a bug
// of the caller and panics or builds nonsense, as types are settled when a
// program is compiled.
type Column struct {
	p      unsafe.Pointer // the slots of fixed width
	n      int            // slots
	room   int            // slots of fixed width that p has memory for
	data   []byte         // text, or a union's type ids
	offs   []int32
	offs64 []int64
	width  int // of fixed slots; the elements of a fixed-size list
	nulls  []int32
	kids   []*Column
	layout layout

	b        *Builder
	field    arrow.Field
	path     string
	dict     arrow.Array // of a dictionary column
	codes    []arrow.UnionTypeCode
	dataBuf  *memory.Buffer
	offsBuf  *memory.Buffer
	dataHint int // of the batch before, to start with
	offsHint int
}

func (b *Builder) newColumn(f arrow.Field, path string) (*Column, error) {
	c := &Column{b: b, field: f, path: path}
	children := func(layout layout, fields ...arrow.Field) error {
		c.layout = layout
		for _, kf := range fields {
			k, err := b.newColumn(kf, paths(path, kf.Name))
			if err != nil {
				return err
			}
			c.kids = append(c.kids, k)
		}
		return nil
	}
	var err error
	switch t := f.Type.(type) {
	case *arrow.NullType:
		c.layout = nothing
	case *arrow.BooleanType:
		c.layout = flags
	case *arrow.StringType, *arrow.BinaryType:
		c.layout = text
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		c.layout = largeText
	case *arrow.DictionaryType:
		c.layout, c.width = fixed, t.IndexType.(arrow.FixedWidthDataType).BitWidth()/8
	case *arrow.MapType:
		err = children(list, t.ElemField())
	case *arrow.ListType:
		err = children(list, t.ElemField())
	case *arrow.LargeListType:
		err = children(largeList, t.ElemField())
	case *arrow.FixedSizeListType:
		c.width = int(t.Len())
		err = children(fixedList, t.ElemField())
	case *arrow.StructType:
		err = children(structure, t.Fields()...)
	case *arrow.DenseUnionType:
		c.codes = t.TypeCodes()
		err = children(denseUnion, t.Fields()...)
	case arrow.ExtensionType, *arrow.RunEndEncodedType:
		err = fmt.Errorf("colbuild: columns of %s are not built", f.Type)
	case arrow.FixedWidthDataType:
		c.layout, c.width = fixed, t.BitWidth()/8
	default:
		err = fmt.Errorf("colbuild: columns of %s are not built", f.Type)
	}
	return c, err
}

// Type of the column.
func (c *Column) Type() arrow.DataType { return c.field.Type }

// Field of the column.
func (c *Column) Field() arrow.Field { return c.field }

// Path is the column's dotted name.
func (c *Column) Path() string { return c.path }

// Len is the number of slots, those of a row in hand included.
func (c *Column) Len() int { return c.n }

// Child is the i-th child: the element of a list (0), a field of a struct, a
// branch of a union.
func (c *Column) Child(i int) *Column { return c.kids[i] }

// NumChildren is the number of children.
func (c *Column) NumChildren() int { return len(c.kids) }

// SetDictionary gives a dictionary column its values, which it retains; the
// indices are appended as integers of the index type.
func (c *Column) SetDictionary(values arrow.Array) {
	values.Retain()
	if c.dict != nil {
		c.dict.Release()
	}
	c.dict = values
}

// bytes measures the slots.
func (c *Column) bytes() int64 {
	n := int64(len(c.data)) + int64(len(c.offs))*4 + int64(len(c.offs64))*8
	switch c.layout {
	case flags:
		n += int64(c.n) / 8
	case fixed:
		n += int64(c.n) * int64(c.width)
	}
	for _, k := range c.kids {
		n += k.bytes()
	}
	return n
}

// truncate keeps the first n slots, all that there are if a row failed before
// it came to the column.
func (c *Column) truncate(n int) {
	n = min(n, c.n)
	switch c.layout {
	case nothing, flags, fixed:
	case text:
		if len(c.offs) > 0 { // no slot was ever added: nothing to cut but bytes
			c.offs = c.offs[:n+1]
			c.data = c.data[:c.offs[n]]
		} else {
			c.data = c.data[:0]
		}
	case largeText:
		if len(c.offs64) > 0 {
			c.offs64 = c.offs64[:n+1]
			c.data = c.data[:c.offs64[n]]
		} else {
			c.data = c.data[:0]
		}
	case list:
		end := 0
		if len(c.offs) > 0 {
			c.offs = c.offs[:n+1]
			end = int(c.offs[n])
		}
		c.kids[0].truncate(end)
	case largeList:
		end := 0
		if len(c.offs64) > 0 {
			c.offs64 = c.offs64[:n+1]
			end = int(c.offs64[n])
		}
		c.kids[0].truncate(end)
	case fixedList:
		c.kids[0].truncate(n * c.width)
	case structure:
		for _, k := range c.kids {
			k.truncate(n)
		}
	case denseUnion:
		// The first dropped slot of each child says where that child ends, a
		// value in the middle of which something failed included.
		for i := len(c.data) - 1; i >= n; i-- {
			c.kids[c.childOf(c.data[i])].truncate(int(c.offs[i]))
		}
		c.data = c.data[:min(n, len(c.data))]
		c.offs = c.offs[:min(n, len(c.offs))]
	}
	for k := len(c.nulls); k > 0 && int(c.nulls[k-1]) >= n; k-- {
		c.nulls = c.nulls[:k-1]
	}
	c.n = n
}

func (c *Column) childOf(code byte) int {
	for i, k := range c.codes {
		if byte(k) == code {
			return i
		}
	}
	return 0
}

// grow makes room for at least one more slot of fixed width. Where memory is
// short the row has failed, and there is room all the same, as the small
// appends cannot tell.
func (c *Column) grow() {
	if c.layout != fixed && c.layout != flags {
		panic("colbuild: a value of fixed width for column " + c.path + " of " + c.field.Type.String())
	}
	b, w := c.b, max(c.width, 1)
	b.check = 0
	slots := max(2*c.room, c.dataHint/w, 512/w, 1)
	if b.held+int64(slots-c.room)*int64(w) > b.o.Limit {
		b.fail(c, "its batch holds %d bytes, the limit is %d", b.held, b.o.Limit)
		slots = c.room + max(c.room/4, 1)
	}
	mem := realloc(b.o.Alloc, &c.dataBuf, unsafe.Slice((*byte)(c.p), c.n*w), slots*w)
	slots = cap(mem) / w
	b.held += int64(slots-c.room) * int64(w)
	c.p, c.room = unsafe.Pointer(unsafe.SliceData(mem)), slots
}

// growWide is grow for slots so wide that there may be no room.
func (c *Column) growWide() bool {
	b := c.b
	for _, slots := range []int{max(2*c.room, c.dataHint/c.width, 1), c.room + 1} {
		if b.held+int64(slots-c.room)*int64(c.width) <= b.o.Limit && slots <= math.MaxInt/4/c.width {
			mem := realloc(b.o.Alloc, &c.dataBuf, unsafe.Slice((*byte)(c.p), c.n*c.width), slots*c.width)
			b.check, b.held = 0, b.held+int64(slots-c.room)*int64(c.width)
			c.p, c.room = unsafe.Pointer(unsafe.SliceData(mem)), slots
			return true
		}
	}
	b.fail(c, "its batch holds %d bytes, the limit is %d", b.held, b.o.Limit)
	return false
}

// growData makes room for n bytes more; without room under the limits it gives
// false and the row has failed.
func (c *Column) growData(n int) bool {
	need := len(c.data) + n
	size := max(need, 2*cap(c.data), c.dataHint, 256)
	b := c.b
	b.check = 0
	if c.layout == text {
		if need > math.MaxInt32 {
			b.fail(c, "%d bytes of text in one batch", need)
			return false
		}
		size = min(size, math.MaxInt32)
	}
	if b.held+int64(size-cap(c.data)) > b.o.Limit {
		if size = need; b.held+int64(size-cap(c.data)) > b.o.Limit {
			b.fail(c, "its batch holds %d bytes, the limit is %d", b.held+int64(n), b.o.Limit)
			if c.layout != denseUnion { // whose slots tell where its children end
				return false
			}
			size = need + cap(c.data)/4 + 64
		}
	}
	b.held -= int64(cap(c.data))
	c.data = realloc(b.o.Alloc, &c.dataBuf, c.data, size)
	b.held += int64(cap(c.data))
	return true
}

// growOffs makes room for more offsets, the first of which is 0.
func (c *Column) growOffs() {
	b := c.b
	b.check = 0
	if c.layout == largeText || c.layout == largeList {
		size := max(2*cap(c.offs64), c.offsHint, 64)
		b.held += int64(size-cap(c.offs64)) * 8
		c.offs64 = words[int64](realloc(b.o.Alloc, &c.offsBuf, raw(c.offs64), size*8))
		if len(c.offs64) == 0 {
			c.offs64 = append(c.offs64, 0)
		}
	} else {
		size := max(2*cap(c.offs), c.offsHint, 64)
		b.held += int64(size-cap(c.offs)) * 4
		c.offs = words[int32](realloc(b.o.Alloc, &c.offsBuf, raw(c.offs), size*4))
		if len(c.offs) == 0 && c.layout != denseUnion {
			c.offs = append(c.offs, 0)
		}
	}
	if b.held > b.o.Limit {
		b.fail(c, "its batch holds %d bytes, the limit is %d", b.held, b.o.Limit)
	}
}

// realloc moves s to a buffer of size bytes at least. What an allocator may
// have given beyond the buffer's length does not move with it and is not used.
func realloc(mem memory.Allocator, buf **memory.Buffer, s []byte, size int) []byte {
	if *buf == nil {
		*buf = memory.NewResizableBuffer(mem)
	}
	(*buf).Reserve(size)
	whole := (*buf).Buf()
	return whole[:len(s):len(whole)]
}

// finish hands the slots over.
func (c *Column) finish() arrow.ArrayData {
	bufs := []*memory.Buffer{c.takeNulls()}
	var children []arrow.ArrayData
	nullCount := len(c.nulls)
	switch c.layout {
	case nothing:
		nullCount = c.n
	case flags:
		bufs = append(bufs, c.takeFlags())
	case fixed:
		bufs = append(bufs, c.takeFixed())
	case text, largeText:
		bufs = append(bufs, c.takeOffs(), c.takeData())
	case list, largeList:
		bufs = append(bufs, c.takeOffs())
	case denseUnion:
		bufs = append(bufs, c.takeData(), c.takeOffs())
	}
	for _, k := range c.kids {
		children = append(children, k.finish())
	}
	var d *array.Data
	if c.dict != nil {
		d = array.NewDataWithDictionary(c.field.Type, c.n, bufs, nullCount, 0, c.dict.Data().(*array.Data))
	} else {
		d = array.NewData(c.field.Type, c.n, bufs, children, nullCount, 0)
	}
	for _, b := range bufs {
		if b != nil {
			b.Release()
		}
	}
	for _, k := range children {
		k.Release()
	}
	c.n, c.nulls = 0, c.nulls[:0]
	return d
}

// takeNulls makes the bitmap; nil where no slot is null.
func (c *Column) takeNulls() *memory.Buffer {
	if len(c.nulls) == 0 || c.layout == nothing {
		return nil
	}
	buf := memory.NewResizableBuffer(c.b.o.Alloc)
	buf.Resize((c.n + 7) / 8)
	bm := buf.Bytes()
	for i := range bm {
		bm[i] = 0xff
	}
	for _, i := range c.nulls {
		bm[i>>3] &^= 1 << (i & 7)
	}
	if rest := c.n & 7; rest > 0 {
		bm[len(bm)-1] &= 1<<rest - 1
	}
	return buf
}

func (c *Column) takeFixed() *memory.Buffer {
	buf := c.dataBuf
	if buf == nil {
		buf = memory.NewResizableBuffer(c.b.o.Alloc)
	}
	buf.ResizeNoShrink(c.n * c.width)
	c.dataHint = c.n * c.width
	c.dataBuf, c.p, c.room = nil, nil, 0
	return buf
}

func (c *Column) takeData() *memory.Buffer {
	buf := c.dataBuf
	if buf == nil {
		buf = memory.NewResizableBuffer(c.b.o.Alloc)
	}
	buf.ResizeNoShrink(len(c.data))
	c.dataHint = len(c.data)
	c.dataBuf, c.data = nil, nil
	return buf
}

// takeFlags packs a byte a boolean to a bit each. The bytes stay for the next
// batch.
func (c *Column) takeFlags() *memory.Buffer {
	buf := memory.NewResizableBuffer(c.b.o.Alloc)
	buf.Resize((c.n + 7) / 8)
	pack(buf.Bytes(), unsafe.Slice((*byte)(c.p), c.n))
	c.b.kept += int64(c.room)
	return buf
}

func (c *Column) takeOffs() *memory.Buffer {
	if c.offsBuf == nil && c.layout != denseUnion {
		c.growOffs() // an empty array too has its first offset
	}
	buf := c.offsBuf
	if buf == nil {
		buf = memory.NewResizableBuffer(c.b.o.Alloc)
	}
	if c.layout == largeText || c.layout == largeList {
		buf.ResizeNoShrink(len(c.offs64) * 8)
		c.offsHint = len(c.offs64)
	} else {
		buf.ResizeNoShrink(len(c.offs) * 4)
		c.offsHint = len(c.offs)
	}
	c.offsBuf, c.offs, c.offs64 = nil, nil, nil
	return buf
}

func (c *Column) release() {
	for _, buf := range []**memory.Buffer{&c.dataBuf, &c.offsBuf} {
		if *buf != nil {
			(*buf).Release()
			*buf = nil
		}
	}
	if c.dict != nil {
		c.dict.Release()
		c.dict = nil
	}
	for _, k := range c.kids {
		k.release()
	}
}
