package encoding

// Byte run length encoding (specification, "Byte Run Length Encoding"): a
// control byte c, then for c ≥ 0 one byte that stands c+3 times, and for c < 0
// -c bytes as they are.

// ByteRLE decodes it: columns of bytes, union tags, and the bits of booleans.
type ByteRLE struct {
	in     input
	left   int // of the current run
	repeat bool
	value  byte
}

// Reset starts a stream.
func (d *ByteRLE) Reset(src Source) {
	d.in.reset(src)
	d.left = 0
}

// Seek goes to a recorded position: bytes decompressed bytes behind the start of
// the source, and values into the run there.
func (d *ByteRLE) Seek(bytes, values int) error {
	d.left = 0
	if err := d.in.discard(bytes); err != nil {
		return err
	}
	return d.Skip(values)
}

func (d *ByteRLE) run() error {
	c, err := d.in.header()
	if err != nil {
		return err
	}
	if c < 0x80 {
		d.left, d.repeat = int(c)+3, true
		d.value, err = d.in.byte()
		return err
	}
	d.left, d.repeat = 0x100-int(c), false
	return nil
}

// Next fills dst with the next bytes.
func (d *ByteRLE) Next(dst []byte) error {
	for len(dst) > 0 {
		if d.left == 0 {
			if err := d.run(); err != nil {
				return err
			}
		}
		n := min(d.left, len(dst))
		if d.repeat {
			fill(dst[:n], d.value)
		} else if err := d.in.copy(dst[:n]); err != nil {
			return err
		}
		d.left, dst = d.left-n, dst[n:]
	}
	return nil
}

// Skip passes over n bytes.
func (d *ByteRLE) Skip(n int) error {
	for n > 0 {
		if d.left == 0 {
			if err := d.run(); err != nil {
				return err
			}
		}
		k := min(d.left, n)
		if !d.repeat {
			if err := d.in.discard(k); err != nil {
				return err
			}
		}
		d.left, n = d.left-k, n-k
	}
	return nil
}

func fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}
