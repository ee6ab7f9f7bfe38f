package encoding

// Ints decodes integers, of either version of the run length encoding.
type Ints interface {
	// Reset starts a stream.
	Reset(src Source)
	// Seek goes to a recorded position: bytes decompressed bytes behind the
	// start of the source, and values into the run there.
	Seek(bytes, values int) error
	// Next fills dst with the next values. Unsigned ones of 64 bits come out
	// as their bits.
	Next(dst []int64) error
	// Skip passes over n values; runs that lie wholly inside are not decoded.
	Skip(n int) error
}

// NewInts gives the decoder of version 1 (the column encodings DIRECT and
// DICTIONARY) or 2 (DIRECT_V2 and DICTIONARY_V2).
func NewInts(version int, signed bool) Ints {
	if version == 1 {
		return &IntRLEv1{Signed: signed}
	}
	return &IntRLEv2{Signed: signed}
}
