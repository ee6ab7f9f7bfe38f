package cli

import "io"

// checked remembers the first error of a stream, so that a command which does
// not look at each write still fails when its output is lost.
type checked struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (c *checked) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}

// bare is the stream below.
func bare(w io.Writer) io.Writer {
	if c, ok := w.(*checked); ok {
		return c.Writer
	}
	return w
}
