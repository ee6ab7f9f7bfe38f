package encoding

import "unsafe"

// dictBytes decodes byte arrays by dictionary.
type dictBytes struct {
	indices
	offs    []int32
	data    []byte // with widest bytes to spare behind the values
	longest int    // value
	pending []uint32
}

// widest is the size of a value up to which one copy of constant size, a few
// moves, takes the place of one of its own.
const widest = 64

// NewDictBytes gives the decoder of pages whose values are indices of a
// dictionary of byte arrays. It keeps dict.
func NewDictBytes(dict *Binary) Bytes {
	d := &dictBytes{offs: dict.Offsets}
	dict.reserve(widest)
	d.data = dict.Data[:len(dict.Data)+widest]
	for i := range dict.Len() {
		d.longest = max(d.longest, int(d.offs[i+1]-d.offs[i]))
	}
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
	for done := 0; done < n; {
		idx := d.pending
		if len(idx) == 0 {
			k, run, err := d.repeat(dst, n-done)
			if done += k; err != nil || run && k == 0 { // an error, or no room
				return done, err
			}
			if run {
				continue
			}
			idx = d.buf[:d.runs.DecodeSome(d.buf[:min(len(d.buf), n-done)])]
			if err := checkIndices(idx, len(d.offs)-1); err != nil {
				return done, err
			}
		}
		take := idx[:min(len(idx), n-done)]
		k := d.gather(dst, take)
		d.pending = idx[k:]
		done += k
		if k < len(take) {
			return done, nil
		}
	}
	return n, nil
}

// repeat appends a repeated run's values, up to n and as many as fit, if such a
// run comes next.
func (d *dictBytes) repeat(dst *Binary, n int) (k int, run bool, err error) {
	_, v, run, err := d.runs.Run(0)
	if err != nil || !run {
		return 0, false, err
	}
	if err := checkIndices([]uint32{v}, len(d.offs)-1); err != nil {
		return 0, false, err
	}
	value := d.data[d.offs[v]:d.offs[v+1]]
	if len(value) > 0 {
		n = min(n, dst.room()/len(value))
	}
	if n, _, _, err = d.runs.Run(n); err != nil {
		return 0, false, err
	}
	end, total := len(dst.Data), n*len(value)
	dst.reserve(total)
	dst.Data = dst.Data[:end+total]
	for part := dst.Data[end:]; len(part) > 0; part = part[len(value):] {
		copy(part, value)
	}
	for range n {
		end += len(value)
		dst.Offsets = append(dst.Offsets, int32(end))
	}
	return n, true, nil
}

// gather appends values by checked indices until one does not fit.
func (d *dictBytes) gather(dst *Binary, idx []uint32) int {
	if most := len(idx) * d.longest; d.longest <= widest && most <= dst.room() {
		dst.reserve(most + widest)
		dst.extend(len(idx))
		switch {
		case d.longest <= 16:
			gatherWide[[16]byte](d, dst, idx)
		case d.longest <= 32:
			gatherWide[[32]byte](d, dst, idx)
		default:
			gatherWide[[widest]byte](d, dst, idx)
		}
		return len(idx)
	}
	for i, v := range idx {
		value := d.data[d.offs[v]:d.offs[v+1]]
		if len(value) > dst.room() {
			return i
		}
		dst.reserve(len(value))
		dst.Data = append(dst.Data, value...)
		dst.Offsets = append(dst.Offsets, int32(len(dst.Data)))
	}
	return len(idx)
}

// gatherWide copies a T for each value; what is too much is overwritten by the
// next value. dst has the offsets already, and room behind its data for the
// values and a T; the dictionary has that too.
func gatherWide[T any](d *dictBytes, dst *Binary, idx []uint32) {
	end := len(dst.Data)
	from, to := unsafe.Pointer(unsafe.SliceData(d.data)), unsafe.Pointer(unsafe.SliceData(dst.Data))
	offs, out := d.offs, dst.Offsets[len(dst.Offsets)-len(idx):]
	for i, v := range idx {
		start := offs[v]
		*(*T)(unsafe.Add(to, end)) = *(*T)(unsafe.Add(from, start))
		end += int(offs[v+1] - start)
		out[i] = int32(end)
	}
	dst.Data = dst.Data[:end]
}

func (d *dictBytes) Skip(k int) error {
	n := min(k, len(d.pending))
	d.pending = d.pending[n:]
	return d.runs.Skip(k - n)
}
