package encoding

import (
	"bytes"
	"encoding/binary"
	"fmt"
	mathbits "math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/bdkit/bdkit/internal/oracle"
)

// genInts makes values that lead to every sub-encoding at every width: short
// stretches, each of one kind.
func genInts(rng *rand.Rand, n int, signed bool) []int64 {
	var out []int64
	word := func(bits int) int64 {
		u := rng.Uint64() >> (64 - max(bits, 1))
		if bits == 0 {
			u = 0
		}
		if signed && rng.IntN(2) == 0 {
			return -int64(u)
		}
		return int64(u)
	}
	for len(out) < n {
		bits := rng.IntN(65)
		if !signed {
			bits = rng.IntN(64)
		}
		size := []int{1, 2, 3, 4, 9, 10, 11, 20, 100, 511, 512, 513, 1100}[rng.IntN(13)]
		v := word(bits)
		switch rng.IntN(8) {
		case 0: // one value again and again
			for range size {
				out = append(out, v)
			}
		case 1: // a fixed delta
			step := word(rng.IntN(40))
			for i := range size {
				out = append(out, v+int64(i)*step)
			}
		case 2: // rising or falling
			v >>= 10
			wide := rng.IntN(54)
			down := rng.IntN(2) == 0
			for range size {
				out = append(out, v)
				step := int64(rng.Uint64() >> (64 - max(wide, 1)))
				if down {
					step = -step
				}
				v += step
			}
		case 3: // of one width
			for range size {
				out = append(out, word(bits))
			}
		case 4, 6, 7: // few wide ones among narrow ones, above a base
			base := word(rng.IntN(58))
			narrow, wide := rng.IntN(40), 1+rng.IntN(62)
			if rng.IntN(3) == 0 {
				narrow = rng.IntN(2)
			}
			every := 25 + rng.IntN(600)
			for i := range size {
				b := narrow
				if (i+rng.IntN(2))%every == every-1 {
					b = max(narrow, wide)
				}
				u := rng.Uint64() >> (64 - max(b, 1))
				out = append(out, base+int64(u&(1<<62-1)))
			}
		case 5: // with repeats inside
			for i := range size {
				if i%rngStep(rng) == 0 {
					v = word(bits)
				}
				out = append(out, v)
			}
		}
	}
	if !signed { // lengths and nanoseconds: never negative
		for i, v := range out {
			if v < 0 {
				out[i] = int64(uint64(v) >> 1)
			}
		}
	}
	return out[:n]
}

func rngStep(rng *rand.Rand) int { return 1 + rng.IntN(5) }

// encodeInts encodes in pieces, and checks that what is held is what a reader
// who starts at that place must pass over.
func encodeInts(t *testing.T, rng *rand.Rand, vals []int64, signed bool) []byte {
	t.Helper()
	e := IntRLEv2Encoder{Signed: signed}
	type mark struct{ bytes, held, at int }
	var marks []mark
	var out []byte
	for at := 0; at < len(vals); {
		k := min(1+rng.IntN(2000), len(vals)-at)
		out = e.Append(out, vals[at:at+k])
		at += k
		marks = append(marks, mark{len(out), e.Held(), at})
	}
	out = e.Flush(out)
	if e.Held() != 0 {
		t.Fatal("Flush leaves values")
	}
	for _, m := range marks {
		d := NewInts(2, signed)
		d.Reset(&pieces{out, 1 + rng.IntN(100)})
		if m.at == len(vals) {
			continue
		}
		var got [1]int64
		if err := d.Seek(m.bytes, m.held); err != nil {
			t.Fatal(err)
		}
		if err := d.Next(got[:]); err != nil || got[0] != vals[m.at] {
			t.Fatalf("value %d is %d (%v), want %d", m.at, got[0], err, vals[m.at])
		}
	}
	return out
}

// coverage of an encoded stream: sub-encoding × width.
func coverage(src []byte, signed bool, seen map[[2]uint]int) error {
	d := &IntRLEv2{Signed: signed}
	s := Bytes(src)
	d.Reset(&s)
	for {
		if len(d.in.buf) == 0 && len(s) == 0 {
			return nil
		}
		if err := d.run(); err != nil {
			return err
		}
		w := d.width
		if d.sub == subShortRepeat {
			u := uint64(d.value)
			if signed {
				u = zigzag(d.value)
			}
			w = uint(max(mathbits.Len64(u)+7, 8)) / 8
		}
		seen[[2]uint{uint(d.sub), w}]++
		if err := d.Skip(d.left); err != nil {
			return err
		}
	}
}

func TestIntsRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	seen := map[[2]uint]int{}
	rounds := 400
	if testing.Short() {
		rounds = 150
	}
	for i := range rounds {
		signed := i%2 == 0
		vals := genInts(rng, rng.IntN(20_000), signed)
		enc := encodeInts(t, rng, vals, signed)
		d := NewInts(2, signed)
		d.Reset(&pieces{enc, 1 + rng.IntN(5000)})
		got := make([]int64, len(vals))
		if err := d.Next(got); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, vals) {
			t.Fatalf("round %d: differs", i)
		}
		if err := coverage(enc, signed, seen); err != nil {
			t.Fatal(err)
		}
	}
	checkCoverage(t, seen)
}

// checkCoverage holds the floor: every width a sub-encoding of ours can have.
func checkCoverage(t *testing.T, seen map[[2]uint]int) {
	t.Helper()
	aligned := []uint{1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64}
	want := map[uint][]uint{
		subShortRepeat: {1, 2, 3, 4, 5, 6, 7, 8},
		subDirect:      aligned,
		subDelta:       append([]uint{0}, aligned[1:10]...),
	}
	for _, w := range widths {
		if w <= 40 {
			want[subPatched] = append(want[subPatched], uint(w))
		}
	}
	for sub, ws := range want {
		for _, w := range ws {
			if seen[[2]uint{sub, w}] == 0 {
				t.Errorf("no run of sub-encoding %d at width %d", sub, w)
			}
		}
	}
	keys := slices.SortedFunc(func(yield func([2]uint) bool) {
		for k := range seen {
			if !yield(k) {
				return
			}
		}
	}, func(a, b [2]uint) int { return slices.Compare(a[:], b[:]) })
	line := ""
	for _, k := range keys {
		line += fmt.Sprintf(" %d/%d:%d", k[0], k[1], seen[k])
	}
	t.Log("sub-encoding/width:runs", line)
}

// Java's writer, given the same values, writes the same bytes.
func TestIntsAsJava(t *testing.T) {
	jar := oracle.Jar(t, "orc-tools", "that integers are encoded byte for byte as Java does")
	rng := rand.New(rand.NewPCG(13, 14))
	var in []byte
	var want [][]byte
	seen := map[[2]uint]int{}
	for i := range 120 {
		signed := i%2 == 0
		vals := genInts(rng, 1+rng.IntN(20_000), signed)
		flag := byte(0)
		if signed {
			flag = 1
		}
		in = binary.BigEndian.AppendUint32(append(in, flag), uint32(len(vals)))
		for _, v := range vals {
			in = binary.BigEndian.AppendUint64(in, uint64(v))
		}
		enc := encodeInts(t, rng, vals, signed)
		want = append(want, enc)
		if err := coverage(enc, signed, seen); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	inFile, outFile := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(inFile, in, 0o600); err != nil {
		t.Fatal(err)
	}
	oracle.Java(t, jar, "testdata/EncodeIntegers.java", inFile, outFile)
	out, err := os.ReadFile(outFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		n := int(binary.BigEndian.Uint32(out))
		got := out[4 : 4+n]
		out = out[4+n:]
		if !bytes.Equal(got, w) {
			at := 0
			for at < min(len(got), len(w)) && got[at] == w[at] {
				at++
			}
			t.Errorf("stream %d: %d bytes, Java has %d; they differ at %d: % x, Java % x", i, len(w), len(got), at,
				w[at:min(at+10, len(w))], got[at:min(at+10, len(got))])
		}
	}
	checkCoverage(t, seen)
}

func TestBytesRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for range 300 {
		var vals []byte
		for len(vals) < rng.IntN(5000) {
			b := byte(rng.Uint32())
			for range 1 + rng.IntN([]int{2, 3, 5, 140, 300}[rng.IntN(5)]) {
				vals = append(vals, b)
				if rng.IntN(3) == 0 && len(vals)%7 > 3 {
					b++
				}
			}
		}
		var e ByteRLEEncoder
		var out []byte
		type mark struct{ bytes, held, at int }
		var marks []mark
		for at := 0; at < len(vals); {
			k := min(1+rng.IntN(500), len(vals)-at)
			out = e.Append(out, vals[at:at+k])
			at += k
			marks = append(marks, mark{len(out), e.Held(), at})
		}
		out = e.Flush(out)
		var d ByteRLE
		d.Reset(&pieces{out, 1 + rng.IntN(50)})
		got := make([]byte, len(vals))
		if err := d.Next(got); err != nil || !bytes.Equal(got, vals) {
			t.Fatalf("differs: %v", err)
		}
		for _, m := range marks {
			rest := make([]byte, len(vals)-m.at)
			d.Reset(&pieces{out, 7})
			if err := d.Seek(m.bytes, m.held); err != nil {
				t.Fatal(err)
			}
			if err := d.Next(rest); err != nil || !bytes.Equal(rest, vals[m.at:]) {
				t.Fatalf("from a position: %v", err)
			}
		}
	}
}

func TestBoolsRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	for range 300 {
		n := rng.IntN(20_000)
		bitmap := make([]byte, n/8+4)
		for i := 0; i < len(bitmap); {
			b := []byte{0, 0xff, byte(rng.Uint32())}[rng.IntN(3)]
			for range 1 + rng.IntN(200) {
				if i < len(bitmap) {
					bitmap[i] = b
				}
				i++
			}
		}
		shift := rng.IntN(9)
		var e BoolRLEEncoder
		var out []byte
		type mark struct{ bytes, held, bits, at int }
		var marks []mark
		for at := 0; at < n; {
			k := min(1+rng.IntN(5000), n-at)
			out = e.Append(out, bitmap, shift+at, k)
			at += k
			held, bits := e.Held()
			marks = append(marks, mark{len(out), held, bits, at})
		}
		out = e.Flush(out)
		check := func(d *BoolRLE, from int) {
			t.Helper()
			got := make([]byte, n/8+1)
			if err := d.Next(got, 0, n-from); err != nil {
				t.Fatal(err)
			}
			for i := range n - from {
				at := shift + from + i
				if got[i/8]>>(i%8)&1 != bitmap[at/8]>>(at%8)&1 {
					t.Fatalf("bit %d differs, from %d", i, from)
				}
			}
		}
		var d BoolRLE
		d.Reset(&pieces{out, 1 + rng.IntN(50)})
		check(&d, 0)
		for _, m := range marks {
			if m.at == n {
				continue
			}
			d.Reset(&pieces{out, 9})
			if err := d.Seek(m.bytes, m.held, m.bits); err != nil {
				t.Fatal(err)
			}
			check(&d, m.at)
		}
	}
}

func TestVarintsRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	for range 200 {
		narrow := make([]int64, rng.IntN(300))
		wide := make([]decimal128.Num, len(narrow))
		var a, b []byte
		for i := range narrow {
			narrow[i] = int64(rng.Uint64()) >> rng.IntN(64)
			hi := int64(rng.Uint64()) >> rng.IntN(64)
			wide[i] = decimal128.New(hi, rng.Uint64())
			if rng.IntN(3) == 0 {
				wide[i] = decimal128.FromI64(narrow[i])
			}
			b = AppendVarint128(b, wide[i])
		}
		a = AppendVarints(a, narrow)
		var d Varints
		got := make([]int64, len(narrow))
		d.Reset(&pieces{a, 1 + rng.IntN(40)})
		if err := d.Next64(got); err != nil || !slices.Equal(got, narrow) {
			t.Fatalf("64 bits: %v", err)
		}
		got128 := make([]decimal128.Num, len(wide))
		d.Reset(&pieces{b, 1 + rng.IntN(40)})
		if err := d.Next128(got128); err != nil || !slices.Equal(got128, wide) {
			t.Fatalf("128 bits: %v", err)
		}
	}
}
