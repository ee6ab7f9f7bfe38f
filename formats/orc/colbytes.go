package orc

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/orc/internal/encoding"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
	"github.com/bdkit/bdkit/internal/bits"
)

// bytesColumn reads STRING, CHAR, VARCHAR and BINARY columns: direct, with a
// stream of lengths and one of bytes, or through a dictionary that the stripe
// has in full.
type bytesColumn struct {
	slots
	lens intStream // direct: lengths; dictionary: indices
	raw  encoding.Raw
	dict *dictionary // nil: direct
	offs vec[int32]
	data *memory.Buffer
	used int // bytes of data
	last int // bytes of the last array taken, a guess at the next
	tmp  []int64
}

func newBytesColumn(st *stripe, n *node, enc proto.ColumnEncoding) (column, error) {
	c := &bytesColumn{offs: vec[int32]{mem: st.o.Alloc}}
	if err := c.open(st, n); err != nil {
		return nil, err
	}
	var err error
	v := version(enc.Kind)
	switch enc.Kind {
	case proto.Direct, proto.DirectV2:
		src, err := st.source(n.id, proto.Data)
		if err != nil {
			return nil, err
		}
		c.raw.Reset(src)
		c.lens, err = st.ints(n, proto.Length, v, false)
		return c, err
	case proto.Dictionary, proto.DictionaryV2:
		c.dict = &dictionary{st: st, node: n, version: v, size: int64(enc.DictionarySize.Or(0))}
		for _, kind := range []proto.StreamKind{proto.Length, proto.DictionaryData} {
			if _, err := st.stream(n.id, kind); err != nil { // to be fetched with the others
				return nil, err
			}
		}
		c.lens, err = st.ints(n, proto.Data, v, false)
		return c, err
	}
	return nil, corrupt("the encoding %s of a %s", enc.Kind, n.typ.Kind)
}

// start makes the first offset.
func (c *bytesColumn) start() {
	if c.offs.n == 0 {
		c.offs.room(1)[0] = 0
	}
	if c.data == nil {
		c.data = memory.NewResizableBuffer(c.st.o.Alloc)
		c.data.Reserve(max(c.last+c.last/8, 64))
	}
}

// maxBytes is what one array can hold.
const maxBytes = math.MaxInt32

func (c *bytesColumn) read(n int, parent mask) error {
	m, err := c.next(n, parent)
	if err != nil {
		return err
	}
	c.start()
	tmp := scratch(&c.tmp, m.ones)
	if err := c.lens.decode(tmp); err != nil {
		return c.fail(err)
	}
	base := c.offs.n - 1
	offs := c.offs.room(n)
	if c.dict != nil {
		err = c.lookUp(offs[:m.ones], tmp)
	} else {
		err = c.copy(offs[:m.ones], tmp)
	}
	if err != nil {
		return c.fail(err)
	}
	if m.ones < n {
		bits.SpreadOffsets(c.offs.all()[base:], n, m.bits, m.off)
	}
	return nil
}

func tooMany(n int64) error {
	return fmt.Errorf("%w: values of %d bytes in one batch; an array holds 2 GiB", arrowio.ErrLimit, n)
}

// claim refuses a piece that the budget could never hold, before memory is
// taken for it.
func (c *bytesColumn) claim(total int64) error {
	if total > maxBytes {
		return tooMany(total)
	}
	if size := c.st.o.Budget.Size(); size > 0 && total > size {
		return fmt.Errorf("%w: values of %d bytes in one batch, the budget is %d", arrowio.ErrLimit, total, size)
	}
	return nil
}

// copy appends direct values of the lengths.
func (c *bytesColumn) copy(offs []int32, lens []int64) error {
	end := int64(c.used)
	for i, n := range lens {
		if uint64(n) > maxBytes {
			return corrupt("a value of %d bytes", uint64(n))
		}
		end += n
		if end > maxBytes {
			return tooMany(end)
		}
		offs[i] = int32(end)
	}
	if err := c.claim(end); err != nil {
		return err
	}
	// A claim about a large piece is not worth memory before the bytes are there.
	for at := c.used; int64(at) < end; at = c.used {
		k := int(min(end-int64(at), max(64<<20, int64(at))))
		grow(c.data, at+k)
		if err := c.raw.Next(c.data.Bytes()[at : at+k]); err != nil {
			return fmt.Errorf("DATA: %w", err)
		}
		c.used += k
	}
	return nil
}

// lookUp appends the dictionary's values at the indices.
func (c *bytesColumn) lookUp(offs []int32, idx []int64) error {
	if len(idx) == 0 {
		return nil
	}
	if err := c.dict.load(); err != nil {
		return err
	}
	ends := c.dict.ends
	size := uint64(len(ends) - 1)
	end := int64(c.used)
	for i, k := range idx {
		if uint64(k) >= size {
			return corrupt("the index %d of a dictionary of %d values", uint64(k), size)
		}
		end += int64(ends[k+1] - ends[k])
		offs[i] = int32(end)
		if end > maxBytes {
			return tooMany(end)
		}
	}
	if err := c.claim(end); err != nil {
		return err
	}
	grow(c.data, int(end)+wordSlack)
	mem := c.data.Bytes()
	at := c.used
	for i, k := range idx {
		from, to := ends[k], ends[k+1]
		if to-from <= wordSlack {
			*(*[wordSlack]byte)(mem[at:]) = *(*[wordSlack]byte)(c.dict.blob[from:])
		} else {
			copy(mem[at:], c.dict.blob[from:to])
		}
		at = int(offs[i])
	}
	c.used = int(end)
	return nil
}

// wordSlack is the length up to which a value is copied as whole words, with
// room for as many bytes behind it on both sides.
const wordSlack = 16

// dictionary is the distinct values of a column in a stripe, read when the
// first value is needed.
type dictionary struct {
	st      *stripe
	node    *node
	version int
	size    int64
	loaded  bool
	ends    []int32 // offsets of the values in blob, with a 0 in front
	blob    []byte  // and wordSlack bytes
	held    int64
}

func (d *dictionary) load() error {
	if d.loaded {
		return nil
	}
	lens, err := d.st.ints(d.node, proto.Length, d.version, false)
	if err != nil {
		return err
	}
	src, err := d.st.source(d.node.id, proto.DictionaryData)
	if err != nil {
		return err
	}
	d.ends = append(d.ends, 0)
	end := int64(0)
	buf := make([]int64, pieceLen)
	for left := d.size; left > 0; {
		k := min(left, pieceLen)
		if err := lens.decode(buf[:k]); err != nil {
			return fmt.Errorf("dictionary: %w", err)
		}
		for _, n := range buf[:k] {
			if uint64(n) > maxBytes || end+n > maxBytes {
				return corrupt("a dictionary with a value of %d bytes behind %d", uint64(n), end)
			}
			end += n
			d.ends = append(d.ends, int32(end))
		}
		if left -= k; int64(len(d.ends))*4 > d.held {
			if err := d.hold(max(1<<16, d.held)); err != nil {
				return err
			}
		}
	}
	if err := d.hold(end); err != nil {
		return err
	}
	var raw encoding.Raw
	raw.Reset(src)
	// Append grows the blob with what the stream has, not with what is claimed.
	if d.blob, err = raw.Append(make([]byte, 0, min(end+wordSlack, 1<<20)), int(end)); err != nil {
		return fmt.Errorf("DICTIONARY_DATA: %w", err)
	}
	d.blob = append(d.blob, make([]byte, wordSlack)...)
	d.loaded = true
	for _, kind := range []proto.StreamKind{proto.Length, proto.DictionaryData} {
		if r := d.st.readers[streamKey{d.node.id, kind}]; r != nil {
			r.Close()
		}
	}
	return nil
}

func (d *dictionary) hold(n int64) error {
	if err := d.st.o.Budget.Force(n); err != nil {
		return err
	}
	d.held += n
	return nil
}

func (d *dictionary) release() {
	d.st.o.Budget.Release(d.held)
	d.held = 0
}

func (c *bytesColumn) skip(n int) error {
	ones, err := c.skipPresent(n)
	if err != nil || ones == 0 {
		return err
	}
	if c.dict != nil {
		return c.fail(c.lens.pass(ones))
	}
	for ones > 0 {
		tmp := scratch(&c.tmp, min(ones, pieceLen))
		if err := c.lens.decode(tmp); err != nil {
			return c.fail(err)
		}
		sum := int64(0)
		for _, k := range tmp {
			if uint64(k) > maxBytes {
				return c.fail(corrupt("a value of %d bytes", uint64(k)))
			}
			sum += k
		}
		if err := c.raw.Skip(int(sum)); err != nil {
			return c.fail(fmt.Errorf("DATA: %w", err))
		}
		ones -= len(tmp)
	}
	return nil
}

func (c *bytesColumn) seek(group int) error {
	at, err := c.seekPresent(group)
	if err == nil && c.dict == nil {
		err = at.raw(c.st, c.node, &c.raw)
	}
	if err == nil {
		err = at.ints(c.st, c.node, c.lens)
	}
	return c.fail(err)
}

func (c *bytesColumn) size() int64 { return int64(c.used) + c.offs.size() }

func (c *bytesColumn) reserve(n int) { c.offs.reserve(n + 1) }

func (c *bytesColumn) take() (arrow.ArrayData, error) {
	c.start()
	data := c.data
	data.ResizeNoShrink(c.used)
	c.last = c.used
	c.data, c.used = nil, 0
	return c.slots.data(nil, c.offs.take(), data), nil
}

func (c *bytesColumn) release() {
	c.slots.release()
	c.offs.release()
	if c.data != nil {
		c.data.Release()
		c.data = nil
	}
	if c.dict != nil {
		c.dict.release()
	}
}

// all is every value of the vector.
func (v *vec[T]) all() []T {
	mem := v.buf.Bytes()
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem))), v.n)
}
