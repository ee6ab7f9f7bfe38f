package encoding

// streamSplit is BYTE_STREAM_SPLIT: byte k of every value together in stream k.
type streamSplit struct {
	taker
	src   []byte
	n     int // values in the page
	at    int
	width int
}

func (d *streamSplit) Reset(page []byte, n int) error {
	// The page may hold padding of nulls in old writers; the streams are as long
	// as the section divided by the width.
	if d.width == 0 {
		d.left = n
		return nil
	}
	if len(page)%d.width != 0 || len(page)/d.width < n {
		return corrupt("%d values of %d bytes split over %d", n, d.width, len(page))
	}
	d.src, d.n, d.at, d.left = page, len(page)/d.width, 0, n
	return nil
}

func (d *streamSplit) Decode(dst []byte) error {
	if d.width == 0 {
		return nil
	}
	n := len(dst) / d.width
	if err := d.take(n); err != nil {
		return err
	}
	switch d.width {
	case 4:
		a, b, c, e := d.stream(0, n), d.stream(1, n), d.stream(2, n), d.stream(3, n)
		out := cast[uint32](dst)
		for i := range out[:n] {
			out[i] = uint32(a[i]) | uint32(b[i])<<8 | uint32(c[i])<<16 | uint32(e[i])<<24
		}
	case 8:
		out := cast[uint64](dst)
		s0, s1, s2, s3 := d.stream(0, n), d.stream(1, n), d.stream(2, n), d.stream(3, n)
		s4, s5, s6, s7 := d.stream(4, n), d.stream(5, n), d.stream(6, n), d.stream(7, n)
		for i := range out[:n] {
			out[i] = uint64(s0[i]) | uint64(s1[i])<<8 | uint64(s2[i])<<16 | uint64(s3[i])<<24 |
				uint64(s4[i])<<32 | uint64(s5[i])<<40 | uint64(s6[i])<<48 | uint64(s7[i])<<56
		}
	default:
		for k := range d.width {
			for i, b := range d.stream(k, n) {
				dst[i*d.width+k] = b
			}
		}
	}
	d.at += n
	return nil
}

func (d *streamSplit) stream(k, n int) []byte { return d.src[k*d.n+d.at:][:n] }

func (d *streamSplit) Skip(k int) error {
	d.at += k
	return d.take(k)
}

// AppendByteStreamSplit encodes values of width bytes.
func AppendByteStreamSplit(dst, src []byte, width int) []byte {
	if width == 0 {
		return dst
	}
	n := len(src) / width
	start := len(dst)
	dst = append(dst, src[:n*width]...)
	for k := range width {
		out := dst[start+k*n:][:n]
		for i := range out {
			out[i] = src[i*width+k]
		}
	}
	return dst
}
