package encoding

import "math"

// deltaLength is DELTA_LENGTH_BYTE_ARRAY: the lengths delta-encoded, then all
// bytes behind one another.
type deltaLength struct {
	taker
	lengths delta[int32]
	data    []byte
	queue   []int32 // lengths decoded and not yet used, in buf
	buf     [256]int32
}

func (d *deltaLength) Reset(page []byte, n int) error {
	d.left, d.queue = n, nil
	if err := d.lengths.reset(page, n); err != nil {
		return err
	}
	var err error
	d.data, err = d.lengths.rest()
	return err
}

// next gives the lengths of the values that come next, at least one and at most
// k; the caller advances queue by those it used.
func (d *deltaLength) next(k int) ([]int32, error) {
	if len(d.queue) == 0 {
		n := min(d.left, len(d.buf))
		if err := d.lengths.read(d.buf[:n]); err != nil {
			return nil, err
		}
		d.queue = d.buf[:n]
	}
	return d.queue[:min(k, len(d.queue))], nil
}

func (d *deltaLength) Decode(dst *Binary, n int) (int, error) {
	if n > d.left {
		return 0, corrupt("%d values wanted where %d are left", n, d.left)
	}
	if len(dst.Offsets) == 0 {
		dst.Reset()
	}
	for done := 0; done < n; {
		lengths, err := d.next(n - done)
		if err != nil {
			return done, err
		}
		offs, end, room := dst.Offsets, len(dst.Data), dst.room()
		total, fit := 0, 0
		for _, l := range lengths {
			if l < 0 || int(l) > len(d.data)-total {
				return done, corrupt("a byte array of %d bytes where %d are left", l, len(d.data)-total)
			}
			if total+int(l) > room {
				break
			}
			total += int(l)
			offs = append(offs, int32(end+total))
			fit++
		}
		dst.Offsets = offs
		dst.reserve(total)
		dst.Data = append(dst.Data, d.data[:total]...)
		d.advance(fit, total)
		if done += fit; fit < len(lengths) {
			return done, nil
		}
	}
	return n, nil
}

// advance passes over k values of the queue, size bytes in all.
func (d *deltaLength) advance(k, size int) {
	d.queue, d.data = d.queue[k:], d.data[size:]
	d.left -= k
}

// peel gives the bytes of the next value as a view.
func (d *deltaLength) peel() ([]byte, error) {
	if d.left == 0 {
		return nil, corrupt("a value wanted where none is left")
	}
	lengths, err := d.next(1)
	if err != nil {
		return nil, err
	}
	l := int(lengths[0])
	if l < 0 || l > len(d.data) {
		return nil, corrupt("a byte array of %d bytes where %d are left", l, len(d.data))
	}
	v := d.data[:l]
	d.advance(1, l)
	return v, nil
}

func (d *deltaLength) Skip(k int) error {
	if k > d.left {
		return corrupt("%d values to skip where %d are left", k, d.left)
	}
	for range k {
		if _, err := d.peel(); err != nil {
			return err
		}
	}
	return nil
}

// AppendDeltaLength encodes the values between offsets in data.
func AppendDeltaLength(dst []byte, offsets []int32, data []byte) []byte {
	lengths := make([]int32, max(len(offsets)-1, 0))
	for i := range lengths {
		lengths[i] = offsets[i+1] - offsets[i]
	}
	dst = AppendDelta32(dst, lengths)
	if len(lengths) == 0 {
		return dst
	}
	return append(dst, data[offsets[0]:offsets[len(offsets)-1]]...)
}

// deltaBytes is DELTA_BYTE_ARRAY, incremental encoding: the length of the
// prefix shared with the value before, and the rest as DELTA_LENGTH_BYTE_ARRAY.
type deltaBytes struct {
	taker
	prefixes delta[int32]
	suffixes deltaLength
	last     []byte // a copy of the value before
	pending  bool   // last is decoded and not yet given out
}

func (d *deltaBytes) Reset(page []byte, n int) error {
	d.left, d.last, d.pending = n, d.last[:0], false
	if err := d.prefixes.reset(page, n); err != nil {
		return err
	}
	page, err := d.prefixes.rest()
	if err != nil {
		return err
	}
	return d.suffixes.Reset(page, n)
}

// advance makes last the next value.
func (d *deltaBytes) advance() error {
	if d.pending {
		return nil
	}
	var prefix [1]int32
	if err := d.prefixes.read(prefix[:]); err != nil {
		return err
	}
	if prefix[0] < 0 || int(prefix[0]) > len(d.last) {
		return corrupt("a prefix of %d bytes of a value of %d", prefix[0], len(d.last))
	}
	suffix, err := d.suffixes.peel()
	if err != nil {
		return err
	}
	if len(suffix) > math.MaxInt32-int(prefix[0]) {
		return corrupt("a byte array of more than 2 GiB")
	}
	d.last = append(d.last[:prefix[0]], suffix...)
	d.pending = true
	return nil
}

func (d *deltaBytes) Decode(dst *Binary, n int) (int, error) {
	if n > d.left {
		return 0, corrupt("%d values wanted where %d are left", n, d.left)
	}
	if len(dst.Offsets) == 0 {
		dst.Reset()
	}
	for done := range n {
		if err := d.advance(); err != nil {
			return done, err
		}
		if len(d.last) > dst.room() {
			return done, nil // kept for the next call
		}
		dst.reserve(len(d.last))
		dst.Data = append(dst.Data, d.last...)
		dst.Offsets = append(dst.Offsets, int32(len(dst.Data)))
		d.pending = false
		d.left--
	}
	return n, nil
}

func (d *deltaBytes) Skip(k int) error {
	if err := d.take(k); err != nil {
		return err
	}
	for range k {
		if err := d.advance(); err != nil {
			return err
		}
		d.pending = false
	}
	return nil
}

// AppendDeltaByteArray encodes the values between offsets in data.
func AppendDeltaByteArray(dst []byte, offsets []int32, data []byte) []byte {
	n := max(len(offsets)-1, 0)
	prefixes := make([]int32, n)
	rest := Binary{Offsets: make([]int32, 1, n+1)}
	var last []byte
	for i := range n {
		v := data[offsets[i]:offsets[i+1]]
		p := 0
		for p < min(len(v), len(last)) && v[p] == last[p] {
			p++
		}
		prefixes[i] = int32(p)
		rest.Data = append(rest.Data, v[p:]...)
		rest.Offsets = append(rest.Offsets, int32(len(rest.Data)))
		last = v
	}
	dst = AppendDelta32(dst, prefixes)
	return AppendDeltaLength(dst, rest.Offsets, rest.Data)
}

// deltaFixedBytes is DELTA_BYTE_ARRAY of fixed-length arrays.
type deltaFixedBytes struct {
	deltaBytes
	width int
}

func (d *deltaFixedBytes) Decode(dst []byte) error {
	n := len(dst) / max(d.width, 1)
	if err := d.take(n); err != nil {
		return err
	}
	for i := range n {
		if err := d.advance(); err != nil {
			return err
		}
		if len(d.last) != d.width {
			return corrupt("a value of %d bytes in an array of %d", len(d.last), d.width)
		}
		copy(dst[i*d.width:], d.last)
		d.pending = false
	}
	return nil
}

// AppendDeltaByteArrayFixed encodes values of width bytes.
func AppendDeltaByteArrayFixed(dst, src []byte, width int) []byte {
	offsets := make([]int32, len(src)/max(width, 1)+1)
	for i := range offsets {
		offsets[i] = int32(i * width)
	}
	return AppendDeltaByteArray(dst, offsets, src)
}
