//go:build !amd64 || purego

package compress

import "github.com/golang/snappy"

// snappyDecompress is by a library that refuses the elements that S2 adds to
// Snappy, as the other does.
func snappyDecompress(dst, src []byte) (int, error) {
	n, err := snappy.DecodedLen(src)
	if err == nil && n == len(dst) {
		_, err = snappy.Decode(dst, src)
	}
	return n, err
}
