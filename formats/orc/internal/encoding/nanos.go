package encoding

// Nanoseconds of timestamps are an unsigned integer stream that leaves out
// trailing decimal zeros (specification, "Timestamp Columns"): the low three
// bits, if not zero, are one less than the number of zeros, of which there are
// at least two.

var powers = [8]int64{1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// DecodeNanos turns stored values into nanoseconds, in place. One that is not
// below a second is corrupt.
func DecodeNanos(v []int64) error {
	for i, x := range v {
		u := uint64(x)
		n := u >> 3
		if n >= 1e9 {
			return corrupt("%d nanoseconds", n)
		}
		if n *= uint64(powers[u&7]); n >= 1e9 {
			return corrupt("%d nanoseconds", n)
		}
		v[i] = int64(n)
	}
	return nil
}

// EncodeNano is the stored form of nanoseconds within a second.
func EncodeNano(n int64) int64 {
	if n == 0 || n%100 != 0 {
		return n << 3
	}
	n /= 100
	zeros := int64(1)
	for n%10 == 0 && zeros < 7 {
		n /= 10
		zeros++
	}
	return n<<3 | zeros
}
