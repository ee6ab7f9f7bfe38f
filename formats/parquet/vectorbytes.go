package parquet

import (
	"math"
	"slices"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/bits"
	"github.com/bdkit/bdkit/internal/columnar"
)

// bytesVector holds byte arrays with 32-bit offsets.
type bytesVector struct {
	mem      memory.Allocator
	decoders map[meta.Encoding]encoding.Bytes
	dict     encoding.Bytes
	dec      encoding.Bytes
	bin      encoding.Binary
	offs     *memory.Buffer // the memory of bin's offsets and data, until
	data     *memory.Buffer // an append moved them
	last     int            // bytes of the last array taken, a guess at the next
	dictMem  [][]byte       // scratch that the dictionary lies in
}

// start allocates on the first use after a take.
func (v *bytesVector) start(slots int) {
	if v.offs != nil {
		return
	}
	v.offs, v.data = memory.NewResizableBuffer(v.mem), memory.NewResizableBuffer(v.mem)
	v.offs.Reserve(4 * (slots + 1))
	v.data.Reserve(max(v.last+v.last/8, 64))
	v.bin = encoding.Binary{Offsets: int32s(whole(v.offs))[:1], Data: whole(v.data)[:0], Limit: math.MaxInt32, Grow: v.grow}
	v.bin.Offsets[0] = 0
}

// grow moves the bytes within the allocator's memory.
func (v *bytesVector) grow(data []byte, n int) []byte {
	old := v.data.Buf()
	v.data.Reserve(n)
	grown := whole(v.data)[:len(data)]
	if unsafe.SliceData(data) != unsafe.SliceData(old) { // an append moved them out
		copy(grown, data)
	}
	return grown
}

// need makes room for k offsets more.
func (v *bytesVector) need(k int) {
	if n := len(v.bin.Offsets) + k; n > cap(v.bin.Offsets) {
		v.offs.Reserve(4 * max(n, 2*cap(v.bin.Offsets)))
		v.bin.Offsets = int32s(whole(v.offs))[:len(v.bin.Offsets)]
	}
}

// whole is a buffer's memory without what an allocator may have put behind it,
// which is lost when the buffer grows.
func whole(b *memory.Buffer) []byte { return slices.Clip(b.Buf()) }

func int32s(mem []byte) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/4)
}

func (v *bytesVector) dictionary(data []byte, n int) error {
	d, err := encoding.NewBytes(meta.Plain)
	if err != nil {
		return err
	}
	if err := d.Reset(data, n); err != nil {
		return err
	}
	v.freeDictionary()
	v.dictMem = [][]byte{columnar.Scratch.Allocate(4 * (n + 1)), columnar.Scratch.Allocate(len(data) + dictSlack)}
	dict := encoding.Binary{Offsets: int32s(v.dictMem[0]), Data: v.dictMem[1][:0]}
	dict.Reset()
	if _, err := d.Decode(&dict, n); err != nil {
		return err
	}
	v.dict = encoding.NewDictBytes(&dict)
	return nil
}

// dictSlack is room behind a dictionary's values for copies of constant size.
const dictSlack = 128

func (v *bytesVector) freeDictionary() {
	for _, b := range v.dictMem {
		columnar.Scratch.Free(b)
	}
	v.dictMem, v.dict = nil, nil
}

func (v *bytesVector) page(enc meta.Encoding, data []byte, n int) error {
	if isDictionary(enc) {
		if v.dict == nil && n > 0 {
			return errNoDictionary
		}
		if v.dec = v.dict; v.dec != nil {
			return v.dec.Reset(data, n)
		}
		enc, data = meta.Plain, nil
	}
	if v.decoders == nil {
		v.decoders = map[meta.Encoding]encoding.Bytes{}
	}
	if v.dec = v.decoders[enc]; v.dec == nil {
		d, err := encoding.NewBytes(enc)
		if err != nil {
			return err
		}
		v.decoders[enc], v.dec = d, d
	}
	return v.dec.Reset(data, n)
}

func (v *bytesVector) reserve(n int) { v.start(n) }

func (v *bytesVector) decode(k int) (int, error) {
	v.start(k)
	v.need(k)
	return v.dec.Decode(&v.bin, k)
}

func (v *bytesVector) skip(k int) error { return v.dec.Skip(k) }

func (v *bytesVector) spread(n int, valid []byte, off int) {
	k := bits.Count(valid, off, n)
	base := len(v.bin.Offsets) - 1 - k
	v.need(n - k)
	v.bin.Offsets = v.bin.Offsets[:base+1+n]
	bits.SpreadOffsets(v.bin.Offsets[base:], n, valid, off)
}

func (v *bytesVector) size() int64 { return int64(len(v.bin.Data) + 4*len(v.bin.Offsets)) }

func (v *bytesVector) take(n int) []*memory.Buffer {
	v.start(0)
	offs, data := v.offs, v.data
	bin := v.bin
	v.offs, v.data, v.bin = nil, nil, encoding.Binary{}
	end := int(bin.Offsets[n])
	v.last = end
	if rest := len(bin.Offsets) - 1 - n; rest > 0 {
		v.start(rest)
		v.need(rest)
		for _, o := range bin.Offsets[n+1:] {
			v.bin.Offsets = append(v.bin.Offsets, o-int32(end))
		}
		tail := bin.Data[end:]
		if len(tail) > cap(v.bin.Data) {
			v.bin.Data = v.grow(v.bin.Data, len(tail))
		}
		v.bin.Data = append(v.bin.Data, tail...)
	}
	return []*memory.Buffer{
		handOver(offs, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(bin.Offsets))), 4*(n+1))),
		handOver(data, bin.Data[:end]),
	}
}

// handOver gives bytes as a buffer: the one they were to lie in, or, where
// append moved them, one of their own.
func handOver(b *memory.Buffer, bytes []byte) *memory.Buffer {
	mem := b.Buf()
	if cap(mem) > 0 && unsafe.SliceData(bytes) == unsafe.SliceData(mem) {
		b.ResizeNoShrink(len(bytes))
		return b
	}
	b.Release()
	return memory.NewBufferBytes(bytes)
}

func (v *bytesVector) release() {
	v.freeDictionary()
	if v.offs != nil {
		v.offs.Release()
		v.data.Release()
		v.offs, v.data, v.bin = nil, nil, encoding.Binary{}
	}
}
