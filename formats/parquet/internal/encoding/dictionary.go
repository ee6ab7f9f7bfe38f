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
	var worst uint32
	for _, v := range idx {
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

// dictBytes decodes byte arrays by dictionary.
type dictBytes struct {
	indices
	dict    *Binary
	padded  []byte // the dictionary's bytes with 16 to spare behind them
	pending []uint32
}

// NewDictBytes gives the decoder of pages whose values are indices of a
// dictionary of byte arrays. It keeps dict.
func NewDictBytes(dict *Binary) Bytes {
	d := &dictBytes{dict: dict}
	d.padded = append(dict.Data[:len(dict.Data):len(dict.Data)], make([]byte, 16)...)
	return d
}

func (d *dictBytes) Reset(page []byte, n int) error {
	d.pending = nil
	return d.indices.Reset(page, n)
}

func (d *dictBytes) left() int { return d.runs.left + len(d.pending) }

func (d *dictBytes) Decode(dst *Binary, n int) (int, error) {
	if n > d.left() {
		return 0, corrupt("%d values wanted where %d are left", n, d.left())
	}
	if len(dst.Offsets) == 0 {
		dst.Reset()
	}
	offs, size := d.dict.Offsets, d.dict.Len()
	for done := 0; done < n; {
		idx := d.pending
		if len(idx) == 0 {
			idx = d.buf[:min(len(d.buf), n-done)]
			if err := d.runs.Decode(idx); err != nil {
				return done, err
			}
			if err := checkIndices(idx, size); err != nil {
				return done, err
			}
		}
		take := idx[:min(len(idx), n-done)]
		k := d.gather(dst, take, offs)
		d.pending = idx[k:]
		done += k
		if k < len(take) {
			return done, nil
		}
	}
	return n, nil
}

// gather appends values by checked indices until one does not fit.
func (d *dictBytes) gather(dst *Binary, idx []uint32, offs []int32) int {
	total, fit, room := 0, len(idx), dst.room()
	end := len(dst.Data)
	out := dst.Offsets
	for i, v := range idx {
		size := int(offs[v+1] - offs[v])
		if total+size > room {
			fit = i
			break
		}
		total += size
		out = append(out, int32(end+total))
	}
	dst.Offsets = out
	// 16 bytes more than needed let short values be copied in two moves.
	if cap(dst.Data)-end < total+16 {
		grown := make([]byte, end, max(end+total+16, 2*cap(dst.Data)))
		copy(grown, dst.Data)
		dst.Data = grown
	}
	data := dst.Data[:end+total+16]
	src := d.padded
	for _, v := range idx[:fit] {
		start, stop := int(offs[v]), int(offs[v+1])
		if size := stop - start; size <= 16 {
			*(*[16]byte)(data[end:]) = *(*[16]byte)(src[start:])
			end += size
		} else {
			end += copy(data[end:], src[start:stop])
		}
	}
	dst.Data = data[:end]
	return fit
}

func (d *dictBytes) Skip(k int) error {
	n := min(k, len(d.pending))
	d.pending = d.pending[n:]
	return d.runs.Skip(k - n)
}
