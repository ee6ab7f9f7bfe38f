package encoding

// Integer run length encoding, version 1 (specification, "Integer Run Length
// Encoding, version 1"): a control byte c, then for c ≥ 0 a signed byte of
// delta and a varint base for c+3 values, and for c < 0 -c varints. Signed
// varints are zigzag-encoded. Arithmetic wraps at 64 bits, as the writers' did.

// IntRLEv1 decodes it.
type IntRLEv1 struct {
	Signed bool

	in     input
	left   int // of the current run
	repeat bool
	value  int64 // the next of a repeated run
	delta  int64
}

// Reset starts a stream.
func (d *IntRLEv1) Reset(src Source) {
	d.in.reset(src)
	d.left = 0
}

// Seek goes to a recorded position.
func (d *IntRLEv1) Seek(bytes, values int) error {
	d.left = 0
	if err := d.in.discard(bytes); err != nil {
		return err
	}
	return d.Skip(values)
}

func (d *IntRLEv1) run() error {
	c, err := d.in.header()
	if err != nil {
		return err
	}
	if c >= 0x80 {
		d.left, d.repeat = 0x100-int(c), false
		return nil
	}
	delta, err := d.in.byte()
	if err != nil {
		return err
	}
	base, err := d.in.uvarint()
	if err != nil {
		return err
	}
	d.left, d.repeat, d.delta = int(c)+3, true, int64(int8(delta))
	d.value = int64(base)
	if d.Signed {
		d.value = unzigzag(base)
	}
	return nil
}

// Next fills dst with the next values.
func (d *IntRLEv1) Next(dst []int64) error {
	for len(dst) > 0 {
		if d.left == 0 {
			if err := d.run(); err != nil {
				return err
			}
		}
		n := min(d.left, len(dst))
		if d.repeat {
			d.value = fillSeries(dst[:n], d.value, d.delta)
		} else if err := d.in.varints(dst[:n], d.Signed); err != nil {
			return err
		}
		d.left, dst = d.left-n, dst[n:]
	}
	return nil
}

// Skip passes over n values.
func (d *IntRLEv1) Skip(n int) error {
	for n > 0 {
		if d.left == 0 {
			if err := d.run(); err != nil {
				return err
			}
		}
		k := min(d.left, n)
		if d.repeat {
			d.value += int64(k) * d.delta
		} else if err := d.in.skipVarints(k); err != nil {
			return err
		}
		d.left, n = d.left-k, n-k
	}
	return nil
}

// fillSeries writes value, value+delta, … and gives the one that comes next.
func fillSeries(dst []int64, value, delta int64) int64 {
	if delta == 0 {
		fill(dst, value)
		return value
	}
	for i := range dst {
		dst[i] = value
		value += delta
	}
	return value
}
