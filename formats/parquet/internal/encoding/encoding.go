// Package encoding is the Parquet encodings (Encodings.md), one file each.
//
// Decoders are reset on the values section of a page, told how many values it
// holds, and pulled in pieces into memory of the caller. None trusts a count
// beyond that one: what a header inside the data claims decides nothing about
// memory. Encoders append a page's worth of values to a buffer.
//
//	page ─► Reset(values, n) ─► Decode(dst) … Skip(k) … Decode(dst)
package encoding

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// ErrCorrupt is data that breaks its encoding.
var ErrCorrupt = errors.New("corrupt encoding")

// ErrUnsupported is an encoding that the type cannot have, or that is not known.
var ErrUnsupported = errors.New("unsupported encoding")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, args...)...)
}

// Fixed decodes fixed-width values into bytes as Arrow lays them out:
// little-endian numbers of 4, 8 or 12 bytes, or the bytes of a fixed-length
// array.
type Fixed interface {
	// Reset starts a page of n values.
	Reset(page []byte, n int) error
	// Decode fills dst, a multiple of the width, with the next values.
	Decode(dst []byte) error
	// Skip passes over k values.
	Skip(k int) error
}

// Bools decodes booleans into an Arrow bitmap.
type Bools interface {
	Reset(page []byte, n int) error
	// Decode writes the next n values from bit off on.
	Decode(bitmap []byte, off, n int) error
	Skip(k int) error
}

// Binary is byte arrays in Arrow's layout: value i is
// Data[Offsets[i]:Offsets[i+1]]. Offsets starts as a single 0.
type Binary struct {
	Offsets []int32
	Data    []byte
	// Limit is the most bytes Data may come to; 0 is 2^31-1.
	Limit int
	// Grow moves data to memory with a capacity of n or more; nil takes the
	// heap's.
	Grow func(data []byte, n int) []byte
}

// Len is the number of values.
func (b *Binary) Len() int { return max(len(b.Offsets)-1, 0) }

// Reset empties b and keeps its memory.
func (b *Binary) Reset() {
	b.Offsets = append(b.Offsets[:0], 0)
	b.Data = b.Data[:0]
}

func (b *Binary) room() int {
	limit := b.Limit
	if limit <= 0 {
		limit = 1<<31 - 1
	}
	return limit - len(b.Data)
}

// reserve makes room for n bytes more behind Data.
func (b *Binary) reserve(n int) {
	if cap(b.Data)-len(b.Data) < n {
		b.grow(n)
	}
}

func (b *Binary) grow(n int) {
	want := max(len(b.Data)+n, 2*cap(b.Data))
	if b.Grow != nil {
		b.Data = b.Grow(b.Data, want)
		return
	}
	grown := make([]byte, len(b.Data), want)
	copy(grown, b.Data)
	b.Data = grown
}

// extend adds n offsets, for the caller to set.
func (b *Binary) extend(n int) {
	b.Offsets = slices.Grow(b.Offsets, n)[:len(b.Offsets)+n]
}

// Bytes decodes byte arrays.
type Bytes interface {
	Reset(page []byte, n int) error
	// Decode appends n values to dst, or fewer when one more would pass the
	// limit of dst.
	Decode(dst *Binary, n int) (done int, err error)
	Skip(k int) error
}

// NewFixed gives the decoder of fixed-width values of a physical type in an
// encoding; width is in bytes. Dictionary indices have [NewDictFixed].
func NewFixed(enc meta.Encoding, typ meta.Type, width int) (Fixed, error) {
	switch enc {
	case meta.Plain:
		return &plainFixed{width: width}, nil
	case meta.ByteStreamSplit:
		return &streamSplit{width: width}, nil
	case meta.DeltaBinaryPacked:
		switch typ {
		case meta.Int32:
			return &deltaFixed[int32]{}, nil
		case meta.Int64:
			return &deltaFixed[int64]{}, nil
		}
	case meta.ALP:
		switch typ {
		case meta.Float:
			return &alp[float32, int32]{}, nil
		case meta.Double:
			return &alp[float64, int64]{}, nil
		}
	case meta.DeltaByteArray:
		if typ == meta.FixedLenByteArray {
			return &deltaFixedBytes{width: width}, nil
		}
	}
	return nil, fmt.Errorf("%w: %s of %s", ErrUnsupported, enc, typ)
}

// NewBytes gives the decoder of byte arrays in an encoding.
func NewBytes(enc meta.Encoding) (Bytes, error) {
	switch enc {
	case meta.Plain:
		return &plainBytes{}, nil
	case meta.DeltaLengthByteArray:
		return &deltaLength{}, nil
	case meta.DeltaByteArray:
		return &deltaBytes{}, nil
	}
	return nil, fmt.Errorf("%w: %s of byte arrays", ErrUnsupported, enc)
}

// NewBools gives the decoder of booleans in an encoding.
func NewBools(enc meta.Encoding) (Bools, error) {
	switch enc {
	case meta.Plain:
		return &plainBools{}, nil
	case meta.RLE:
		return &rleBools{}, nil
	case meta.BitPacked:
		return &packedBools{}, nil
	}
	return nil, fmt.Errorf("%w: %s of booleans", ErrUnsupported, enc)
}

// taker counts the values that are left of a page.
type taker struct{ left int }

func (t *taker) take(k int) error {
	if k > t.left {
		return corrupt("%d values wanted where %d are left", k, t.left)
	}
	t.left -= k
	return nil
}
