package encoding

import (
	"unsafe"
)

// indices reads a page of dictionary indices: a byte of bit width, then runs.
type indices struct {
	runs Hybrid
	buf  [512]uint32
}

func (d *indices) Reset(page []byte, n int) error {
	if len(page) == 0 {
		if n == 0 {
			d.runs.Reset(nil, 0, 0)
			return nil
		}
		return corrupt("no dictionary indices for %d values", n)
	}
	if page[0] > 32 {
		return corrupt("dictionary indices of %d bits", page[0])
	}
	d.runs.Reset(page[1:], int(page[0]), n)
	return nil
}

func (d *indices) Skip(k int) error { return d.runs.Skip(k) }

// Indices decodes the indices themselves, for columns that stay dictionary
// arrays. Every index is below size.
type Indices struct {
	indices
	Size int // of the dictionary
}

// Decode fills dst.
func (d *Indices) Decode(dst []int32) error {
	raw := unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst))
	if err := d.runs.Decode(raw); err != nil {
		return err
	}
	return checkIndices(raw, d.Size)
}

func checkIndices(idx []uint32, size int) error {
	var a, b, c, d uint32 // four, so that none waits for the other
	rest := idx
	for ; len(rest) >= 4; rest = rest[4:] {
		a, b, c, d = max(a, rest[0]), max(b, rest[1]), max(c, rest[2]), max(d, rest[3])
	}
	worst := max(a, b, c, d)
	for _, v := range rest {
		worst = max(worst, v)
	}
	if len(idx) > 0 && uint64(worst) >= uint64(size) {
		return corrupt("dictionary index %d of %d entries", worst, size)
	}
	return nil
}

// NewDictFixed gives the decoder of pages whose values are indices of a
// dictionary of fixed-width values.
func NewDictFixed(dict []byte, width int) Fixed {
	switch width {
	case 1:
		return newDictFixed[uint8](dict)
	case 2:
		return newDictFixed[uint16](dict)
	case 4:
		return newDictFixed[uint32](dict)
	case 8:
		return newDictFixed[uint64](dict)
	case 12:
		return newDictFixed[[3]uint32](dict)
	case 16:
		return newDictFixed[[2]uint64](dict)
	case 32:
		return newDictFixed[[4]uint64](dict)
	}
	return &dictWide{dict: dict, width: width}
}

type dictFixed[T any] struct {
	indices
	dict []T
}

func newDictFixed[T any](dict []byte) *dictFixed[T] { return &dictFixed[T]{dict: cast[T](dict)} }

func (d *dictFixed[T]) Decode(mem []byte) error {
	dst := cast[T](mem)
	dict := d.dict
	for len(dst) > 0 {
		n, index, ok, err := d.runs.Run(len(dst))
		if err != nil {
			return err
		}
		if ok {
			if uint64(index) >= uint64(len(dict)) {
				return corrupt("dictionary index %d of %d entries", index, len(dict))
			}
			fill(dst[:n], dict[index])
			dst = dst[n:]
			continue
		}
		n = d.runs.DecodeSome(d.buf[:min(len(d.buf), len(dst))])
		idx := d.buf[:n]
		out := dst[:len(idx)]
		for i, v := range idx {
			if uint64(v) >= uint64(len(dict)) {
				return corrupt("dictionary index %d of %d entries", v, len(dict))
			}
			out[i] = dict[v]
		}
		dst = dst[n:]
	}
	return nil
}

// dictWide is dictFixed of any other width.
type dictWide struct {
	indices
	dict  []byte
	width int
}

func (d *dictWide) Decode(dst []byte) error {
	if d.width == 0 {
		return nil
	}
	size := len(d.dict) / d.width
	for len(dst) > 0 {
		idx := d.buf[:min(len(d.buf), len(dst)/d.width)]
		if err := d.runs.Decode(idx); err != nil {
			return err
		}
		if err := checkIndices(idx, size); err != nil {
			return err
		}
		for i, v := range idx {
			copy(dst[i*d.width:(i+1)*d.width], d.dict[int(v)*d.width:])
		}
		dst = dst[len(idx)*d.width:]
	}
	return nil
}
