package encoding

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/bdkit/bdkit/arrowio"
)

// pieces is a Source of chunks of a size, each in memory that is spoiled by the
// next call.
type pieces struct {
	b    []byte
	size int
}

func (p *pieces) Next() ([]byte, error) {
	if len(p.b) == 0 {
		return nil, io.EOF
	}
	n := min(p.size, len(p.b))
	chunk := bytes.Clone(p.b[:n])
	p.b = p.b[n:]
	return chunk, nil
}

// The law of every decoder, over any bytes: the values read at once from one
// chunk are those read in pieces from many, with some of them skipped; what
// ends early is arrowio.ErrCorrupt both ways.

// decoder sees any of the decoders as one of comparable values.
type decoder[T comparable] struct {
	reset func(Source)
	next  func([]T) error
	skip  func(int) error
}

func (d decoder[T]) law(t *testing.T, src []byte, seed uint64) {
	t.Helper()
	const most = 3000
	all := []T{}
	whole := Bytes(bytes.Clone(src))
	d.reset(&whole)
	var wholeErr error
	one := make([]T, 1)
	for len(all) < most {
		if wholeErr = d.next(one); wholeErr != nil {
			break
		}
		all = append(all, one[0])
	}
	if wholeErr != nil && !errors.Is(wholeErr, arrowio.ErrCorrupt) {
		t.Fatalf("an error of another kind: %v", wholeErr)
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	d.reset(&pieces{src, 1 + rng.IntN(20)})
	for at := 0; at < len(all); {
		n := min(1+rng.IntN([...]int{3, 20, 600, 3000}[rng.IntN(4)]), len(all)-at)
		if rng.IntN(3) == 0 {
			if err := d.skip(n); err != nil {
				// A skipped run is not looked into, and a read one is, as a whole.
				t.Fatalf("skip of %d at %d: %v", n, at, err)
			}
		} else {
			got := make([]T, n)
			if err := d.next(got); err != nil {
				t.Fatalf("%d values at %d: %v", n, at, err)
			}
			if !slices.Equal(got, all[at:at+n]) {
				t.Fatalf("%d values at %d: %v, want %v", n, at, got, all[at:at+n])
			}
		}
		at += n
	}
	// Reading on gives an error where the first reading did.
	if wholeErr != nil {
		if err := d.next(one); !errors.Is(err, arrowio.ErrCorrupt) {
			t.Fatalf("%v and then %v", wholeErr, err)
		}
	}
}

func intLaw(d Ints) decoder[int64] { return decoder[int64]{d.Reset, d.Next, d.Skip} }

func seeds(f *testing.F) {
	for _, b := range [][]byte{
		{0x61, 0x00, 0x07}, {0xfb, 0x02, 0x03, 0x04, 0x07, 0xb}, {0x0a, 0x27, 0x10},
		{0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef},
		{0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46, 0x50, 0x5a, 0x64, 0x6e,
			0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8},
		{0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46}, {0xc1, 0xff, 0x02, 0x02, 0x80, 0x80},
		bytes.Repeat([]byte{0xff}, 40), {0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
	} {
		f.Add(b, uint64(1))
	}
}

func FuzzIntRLEv1(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		intLaw(NewInts(1, seed&1 != 0)).law(t, src, seed)
	})
}

func FuzzIntRLEv2(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		intLaw(NewInts(2, seed&1 != 0)).law(t, src, seed)
	})
}

func FuzzByteRLE(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		var d ByteRLE
		decoder[byte]{d.Reset, d.Next, d.Skip}.law(t, src, seed)
	})
}

func FuzzBoolRLE(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		var d BoolRLE
		rng := rand.New(rand.NewPCG(seed, 8))
		next := func(dst []bool) error {
			off := rng.IntN(17)
			bitmap := bytes.Repeat([]byte{byte(seed)}, (off+len(dst)+7)/8+1)
			was := bytes.Clone(bitmap)
			err := d.Next(bitmap, off, len(dst))
			if err != nil {
				return err
			}
			for i := range 8 * len(bitmap) {
				bit := bitmap[i/8]>>(i%8)&1 != 0
				if i >= off && i < off+len(dst) {
					dst[i-off] = bit
				} else if bit != (was[i/8]>>(i%8)&1 != 0) {
					t.Fatalf("bit %d around %d values at %d changed", i, len(dst), off)
				}
			}
			return nil
		}
		skip := d.Skip
		if seed&2 != 0 { // the count of what is skipped is right too
			skip = func(n int) error {
				was := d
				if b, ok := was.bytes.in.src.(*pieces); ok {
					cp := *b
					was.bytes.in.src = &cp
				}
				got, err := d.SkipCount(n)
				if err != nil {
					return err
				}
				bitmap := make([]byte, n/8+1)
				if err := was.Next(bitmap, 0, n); err != nil {
					return err
				}
				want := 0
				for i := range n {
					want += int(bitmap[i/8] >> (i % 8) & 1)
				}
				if got != want {
					t.Fatalf("%d of %d skipped are true, want %d", got, n, want)
				}
				return nil
			}
		}
		decoder[bool]{d.Reset, next, skip}.law(t, src, seed)
	})
}

func FuzzVarints(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		var d Varints
		decoder[int64]{d.Reset, d.Next64, d.Skip}.law(t, src, seed)
		decoder[decimal128.Num]{d.Reset, d.Next128, d.Skip}.law(t, src, seed)
	})
}

func FuzzRaw(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		var d Raw
		next := d.Next
		if seed&1 != 0 {
			next = func(dst []byte) error {
				b, err := d.Append(dst[:0:0], len(dst))
				copy(dst, b)
				return err
			}
		}
		decoder[byte]{d.Reset, next, d.Skip}.law(t, src, seed)
	})
}

// What is encoded decodes to the same, whatever the values.
func FuzzIntRLEv2Encoder(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, uint64(3))
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 9))
		var vals []int64
		for len(src) > 0 { // values of changing widths, some of them repeated
			n := min(1+int(src[0]&7), len(src))
			v := int64(0)
			for _, b := range src[:n] {
				v = v<<8 | int64(b)
			}
			if src[0]&8 != 0 {
				v = -v
			}
			for range 1 + int(src[0]>>4)*rng.IntN(3) {
				vals = append(vals, v)
			}
			src = src[n:]
		}
		signed := seed&1 != 0
		e := IntRLEv2Encoder{Signed: signed}
		var enc []byte
		for rest := vals; len(rest) > 0; {
			k := min(1+rng.IntN(700), len(rest))
			enc = e.Append(enc, rest[:k])
			rest = rest[k:]
		}
		enc = e.Flush(enc)
		got := make([]int64, len(vals))
		d := NewInts(2, signed)
		d.Reset(&pieces{enc, 64})
		if err := d.Next(got); err != nil || !slices.Equal(got, vals) {
			t.Fatalf("%v: %v, want %v", err, got, vals)
		}
	})
}
