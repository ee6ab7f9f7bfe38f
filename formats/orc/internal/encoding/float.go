package encoding

// Floats and doubles are stored as they are, little-endian (specification,
// "Float and Double Columns"), which is how Arrow has them: Raw copies them. So
// are the bytes of strings and binaries, which a reader measures by the
// lengths in a stream of their own.

// Raw decodes a stream that is bytes.
type Raw struct{ in input }

// Reset starts a stream.
func (d *Raw) Reset(src Source) { d.in.reset(src) }

// Seek goes bytes decompressed bytes behind the start of the source.
func (d *Raw) Seek(bytes int) error { return d.in.discard(bytes) }

// Next fills dst.
func (d *Raw) Next(dst []byte) error { return d.in.copy(dst) }

// Skip passes over n bytes.
func (d *Raw) Skip(n int) error { return d.in.discard(n) }

// Append appends n bytes to dst. Memory grows only with what the stream holds,
// so that a count that nothing backs costs none.
func (d *Raw) Append(dst []byte, n int) ([]byte, error) {
	for n > 0 {
		if err := d.in.more(); err != nil {
			return dst, ended(err, "before the last value")
		}
		k := min(n, len(d.in.buf))
		dst = append(dst, d.in.buf[:k]...)
		d.in.buf, n = d.in.buf[k:], n-k
	}
	return dst, nil
}
