package parquet

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/formats/parquet/internal/schema"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/columnar"
)

// vector holds the values of a leaf in Arrow's layout and decodes more behind
// them. One implementation an Arrow layout: fixed width, bits, byte arrays.
type vector interface {
	// dictionary takes a dictionary page of n values.
	dictionary(data []byte, n int) error
	// page starts a data page of n values that are not null.
	page(enc meta.Encoding, data []byte, n int) error
	// reserve makes room for n slots more, a hint.
	reserve(n int)
	// decode appends k values; fewer if one more would be too much for one
	// array.
	decode(k int) (done int, err error)
	// skip passes over k values.
	skip(k int) error
	// spread moves the last values apart to n slots, those whose bit of valid
	// is set from bit off on.
	spread(n int, valid []byte, off int)
	// size is the bytes held in slots.
	size() int64
	// take hands over the buffers of the first n slots, without validity, and
	// keeps the rest.
	take(n int) []*memory.Buffer
	release()
}

// isDictionary tells the encodings that are indices of the dictionary.
func isDictionary(enc meta.Encoding) bool {
	return enc == meta.RLEDictionary || enc == meta.PlainDictionary
}

var errNoDictionary = fmt.Errorf("%w: dictionary indices without a dictionary", arrowio.ErrCorrupt)

// newVector gives the vector of a leaf's natural type.
func newVector(n *schema.Node, mem memory.Allocator) (vector, error) {
	e := n.Element
	switch {
	case n.Field.Type.ID() == arrow.NULL:
		return &nullVector{}, nil
	case e.Type == meta.Boolean:
		return &boolVector{mem: mem}, nil
	}
	switch t := n.Field.Type.(type) {
	case *arrow.BinaryType, *arrow.StringType:
		return &bytesVector{mem: mem}, nil
	case arrow.FixedWidthDataType:
		return newFixedVector(e, t, mem)
	}
	return nil, fmt.Errorf("%w: %s as %s", arrowio.ErrUnsupported, e.Type, n.Field.Type)
}

// fixedVector holds values of fixed width.
type fixedVector struct {
	mem      memory.Allocator
	width    int // in Arrow
	physical meta.Type
	stored   int // width in the file; 0 for byte arrays
	convert  converterFunc
	decoders map[meta.Encoding]encoding.Fixed
	dict     encoding.Fixed
	dictMem  []byte // scratch that the dictionary lies in
	dec      encoding.Fixed
	buf      *memory.Buffer
	n        int // slots
}

func newFixedVector(e *meta.SchemaElement, dt arrow.FixedWidthDataType, mem memory.Allocator) (*fixedVector, error) {
	v := &fixedVector{mem: mem, width: dt.BitWidth() / 8, physical: e.Type, decoders: map[meta.Encoding]encoding.Fixed{}}
	switch e.Type {
	case meta.Int32, meta.Float:
		v.stored = 4
	case meta.Int64, meta.Double:
		v.stored = 8
	case meta.Int96:
		v.stored = 12
	case meta.FixedLenByteArray:
		v.stored = int(e.TypeLength)
	}
	var err error
	v.convert, err = converterOf(e, dt, v.stored)
	return v, err
}

// decoder gives the decoder of an encoding, with the conversion to Arrow's
// layout behind it.
func (v *fixedVector) decoder(enc meta.Encoding) (encoding.Fixed, error) {
	if d := v.decoders[enc]; d != nil {
		return d, nil
	}
	var d encoding.Fixed
	if v.physical == meta.ByteArray {
		b, err := encoding.NewBytes(enc)
		if err != nil {
			return nil, err
		}
		d = &bytesAsFixed{in: b, width: v.width, convert: v.convert}
	} else {
		f, err := encoding.NewFixed(enc, v.physical, v.stored)
		if err != nil {
			return nil, err
		}
		if d = f; v.convert != nil {
			d = &converted{in: f, stored: v.stored, width: v.width, convert: v.convert}
		}
	}
	v.decoders[enc] = d
	return d, nil
}

func (v *fixedVector) dictionary(data []byte, n int) error {
	d, err := v.decoder(meta.Plain)
	if err != nil {
		return err
	}
	if err := d.Reset(data, n); err != nil {
		return err
	}
	v.freeDictionary()
	v.dictMem = columnar.Scratch.Allocate(n * v.width)
	if err := d.Decode(v.dictMem); err != nil {
		return err
	}
	v.dict = encoding.NewDictFixed(v.dictMem, v.width)
	return nil
}

func (v *fixedVector) freeDictionary() {
	if v.dictMem != nil {
		columnar.Scratch.Free(v.dictMem)
	}
	v.dictMem, v.dict = nil, nil
}

func (v *fixedVector) page(enc meta.Encoding, data []byte, n int) (err error) {
	if isDictionary(enc) {
		if v.dec = v.dict; v.dec == nil {
			if n == 0 { // nothing to look up
				enc, data = meta.Plain, nil
			} else {
				return errNoDictionary
			}
		}
	}
	if !isDictionary(enc) {
		if v.dec, err = v.decoder(enc); err != nil {
			return err
		}
	}
	return v.dec.Reset(data, n)
}

func (v *fixedVector) reserve(n int) {
	if v.buf == nil {
		v.buf = memory.NewResizableBuffer(v.mem)
	}
	v.buf.Reserve((v.n + n) * v.width)
}

// room gives the memory of k slots behind those that are there.
func (v *fixedVector) room(k int) []byte {
	if v.buf == nil {
		v.buf = memory.NewResizableBuffer(v.mem)
	}
	at, end := v.n*v.width, (v.n+k)*v.width
	if end > v.buf.Cap() {
		v.buf.Reserve(max(end, 2*v.buf.Cap()))
	}
	v.buf.ResizeNoShrink(end)
	return v.buf.Bytes()[at:end]
}

func (v *fixedVector) decode(k int) (int, error) {
	if err := v.dec.Decode(v.room(k)); err != nil {
		return 0, err
	}
	v.n += k
	return k, nil
}

func (v *fixedVector) skip(k int) error { return v.dec.Skip(k) }

func (v *fixedVector) spread(n int, valid []byte, off int) {
	values := bits.Count(valid, off, n)
	v.n -= values
	bits.Spread(v.room(n), v.width, n, valid, off)
	v.n += n
}

func (v *fixedVector) size() int64 { return int64(v.n * v.width) }

func (v *fixedVector) take(n int) []*memory.Buffer {
	v.room(0)
	out := v.buf
	if v.buf = nil; n < v.n {
		rest := out.Bytes()[n*v.width : v.n*v.width]
		v.n -= n
		at := v.n
		v.n = 0
		copy(v.room(at), rest)
		v.n = at
	} else {
		v.n = 0
	}
	out.ResizeNoShrink(n * v.width)
	return []*memory.Buffer{out}
}

func (v *fixedVector) release() {
	v.freeDictionary()
	if v.buf != nil {
		v.buf.Release()
		v.buf = nil
	}
}

// nullVector is a column of the UNKNOWN logical type: all of it is null.
type nullVector struct{}

func (v *nullVector) dictionary([]byte, int) error { return nil }
func (v *nullVector) page(enc meta.Encoding, data []byte, n int) error {
	if n > 0 {
		return fmt.Errorf("%w: %d values in a column that is declared to be all null", arrowio.ErrCorrupt, n)
	}
	return nil
}
func (v *nullVector) reserve(int)               {}
func (v *nullVector) decode(k int) (int, error) { return k, nil }
func (v *nullVector) skip(int) error            { return nil }
func (v *nullVector) spread(int, []byte, int)   {}
func (v *nullVector) size() int64               { return 0 }
func (v *nullVector) take(int) []*memory.Buffer { return nil }
func (v *nullVector) release()                  {}

// boolVector holds bits.
type boolVector struct {
	mem      memory.Allocator
	decoders map[meta.Encoding]encoding.Bools
	dec      encoding.Bools
	buf      *memory.Buffer
	n        int
	dense    []byte
}

func (v *boolVector) dictionary([]byte, int) error {
	return fmt.Errorf("%w: a dictionary of booleans", arrowio.ErrCorrupt)
}

func (v *boolVector) page(enc meta.Encoding, data []byte, n int) error {
	if v.decoders == nil {
		v.decoders = map[meta.Encoding]encoding.Bools{}
	}
	if v.dec = v.decoders[enc]; v.dec == nil {
		d, err := encoding.NewBools(enc)
		if err != nil {
			return err
		}
		v.decoders[enc], v.dec = d, d
	}
	return v.dec.Reset(data, n)
}

func (v *boolVector) reserve(n int) { v.room(n) }

func (v *boolVector) room(k int) []byte {
	if v.buf == nil {
		v.buf = memory.NewResizableBuffer(v.mem)
	}
	growBits(v.buf, v.n+k)
	return v.buf.Bytes()
}

func (v *boolVector) decode(k int) (int, error) {
	if err := v.dec.Decode(v.room(k), v.n, k); err != nil {
		return 0, err
	}
	v.n += k
	return k, nil
}

func (v *boolVector) skip(k int) error { return v.dec.Skip(k) }

func (v *boolVector) spread(n int, valid []byte, off int) {
	k := bits.Count(valid, off, n)
	v.n -= k
	bm := v.room(n)
	v.dense = append(v.dense[:0], make([]byte, k/8+1)...)
	bits.Copy(v.dense, 0, bm, v.n, k)
	bits.SetRange(bm, v.n, n, false)
	for i, at := 0, 0; i < n; i++ {
		if bits.Get(valid, off+i) {
			if bits.Get(v.dense, at) {
				bits.Set(bm, v.n+i)
			}
			at++
		}
	}
	v.n += n
}

func (v *boolVector) size() int64 { return int64(v.n+7) / 8 }

func (v *boolVector) take(n int) []*memory.Buffer {
	v.room(0)
	out := v.buf
	rest := v.n - n
	if v.buf, v.n = nil, 0; rest > 0 {
		bits.Copy(v.room(rest), 0, out.Bytes(), n, rest)
		v.n = rest
	}
	out.ResizeNoShrink((n + 7) / 8)
	return []*memory.Buffer{out}
}

func (v *boolVector) release() {
	if v.buf != nil {
		v.buf.Release()
		v.buf = nil
	}
}

// growBits makes a bitmap hold n bits, with whole words, and clears the new ones.
func growBits(b *memory.Buffer, n int) {
	have, want := b.Len(), (n+63)/64*8
	if want <= have {
		return
	}
	if want > b.Cap() {
		b.Reserve(max(want, 2*b.Cap()))
	}
	b.ResizeNoShrink(want)
	clear(b.Bytes()[have:])
}
