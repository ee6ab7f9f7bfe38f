//go:build !amd64 || purego

package compress

import "github.com/klauspost/compress/snappy"

func snappyDecompress(dst, src []byte) (int, error) {
	n, err := snappy.DecodedLen(src)
	if err == nil && n == len(dst) {
		_, err = snappy.Decode(dst, src)
	}
	return n, err
}
