package colbuild

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/conformance"
)

var leaves = []arrow.DataType{
	arrow.Null, arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Int32,
	arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary,
	arrow.BinaryTypes.LargeString, &arrow.FixedSizeBinaryType{ByteWidth: 3}, &arrow.FixedSizeBinaryType{ByteWidth: 100},
	&arrow.Decimal128Type{Precision: 38}, &arrow.Decimal256Type{Precision: 76}, &arrow.Decimal64Type{Precision: 18}, arrow.FixedWidthTypes.Timestamp_us,
	arrow.FixedWidthTypes.MonthDayNanoInterval,
}

func randomType(r *rand.Rand, depth int) arrow.DataType {
	if depth == 0 || r.IntN(3) == 0 {
		return leaves[r.IntN(len(leaves))]
	}
	field := func(name string) arrow.Field {
		return arrow.Field{Name: name, Type: randomType(r, depth-1), Nullable: r.IntN(2) == 0}
	}
	fields := func() []arrow.Field {
		var out []arrow.Field
		for i := range 1 + r.IntN(3) {
			out = append(out, field(string(rune('a'+i))))
		}
		return out
	}
	switch r.IntN(6) {
	case 0:
		return arrow.ListOfField(field("item"))
	case 1:
		return arrow.LargeListOfField(field("item"))
	case 2:
		return arrow.FixedSizeListOfField(2, field("item"))
	case 3:
		return arrow.MapOfFields(arrow.Field{Name: "key", Type: arrow.BinaryTypes.String}, field("value"))
	case 4:
		fs := fields()
		codes := make([]arrow.UnionTypeCode, len(fs))
		for i := range codes {
			codes[i] = arrow.UnionTypeCode(i * 3)
		}
		return arrow.DenseUnionOf(fs, codes)
	}
	return arrow.StructOf(fields()...)
}

// put appends one random value to a column, and its canon-1 text to out. With
// out nil the row is to be rewound, and stops somewhere in the middle.
func put(t *testing.T, r *rand.Rand, c *Column, out *[]byte, f arrow.Field) {
	if out == nil && r.IntN(8) == 0 {
		return
	}
	text := func(format string, args ...any) {
		if out != nil {
			*out = fmt.Appendf(*out, format, args...)
		}
	}
	if _, union := f.Type.(*arrow.DenseUnionType); !union && (f.Nullable && r.IntN(4) == 0 || f.Type.ID() == arrow.NULL) {
		c.Null()
		text("null")
		return
	}
	n := r.IntN(5)
	word := strings.Repeat("é", n)
	v := int64(r.Uint64()) >> r.IntN(60)
	switch t2 := f.Type.(type) {
	case *arrow.BooleanType:
		c.Bool(n > 2)
		text("%v", n > 2)
	case *arrow.Int8Type:
		c.Int8(int8(v))
		text("%d", int8(v))
	case *arrow.Uint16Type:
		c.Int16(int16(v))
		text("%d", uint16(v))
	case *arrow.Int32Type:
		c.Int32(int32(v))
		text("%d", int32(v))
	case *arrow.Uint64Type:
		c.Int64(v)
		text("%d", uint64(v))
	case *arrow.TimestampType:
		c.Int64(v)
		if text("%d", v); v != 0 {
			text("000")
		}
	case *arrow.Float32Type:
		c.Float32(float32(v))
		text("f%08x", math.Float32bits(float32(v)))
	case *arrow.Float64Type:
		c.Float64(float64(v))
		text("d%016x", math.Float64bits(float64(v)))
	case *arrow.MonthDayNanoIntervalType:
		c.MonthDayNano(int32(n), -int32(n), v)
		text("%d,%d,%d", n, -n, v)
	case *arrow.StringType:
		c.String(word)
		text("%d:%s", len(word), word)
	case *arrow.LargeStringType:
		half := len(word) / 2
		copy(c.Room(half), word[:half])
		c.Write(half)
		copy(c.Room(len(word)-half), word[half:])
		c.Write(len(word) - half)
		c.EndBytes()
		text("%d:%s", len(word), word)
	case *arrow.BinaryType:
		c.Bytes([]byte(word))
		text("%d:%s", len(word), word)
	case *arrow.FixedSizeBinaryType:
		b := strings.Repeat(string(rune('a'+n)), t2.ByteWidth)
		c.Fixed([]byte(b))
		text("%d:%s", len(b), b)
	case arrow.DecimalType:
		if !c.Decimal(bigEndian(v, n)) {
			t.Fatal("the decimal fits")
		}
		text("%d", v)
	case *arrow.StructType:
		text("(")
		for i, kf := range t2.Fields() {
			if i > 0 {
				text(",")
			}
			put(t, r, c.Child(i), out, kf)
		}
		c.EndStruct()
		text(")")
	case *arrow.DenseUnionType:
		i := r.IntN(len(t2.Fields()))
		put(t, r, c.Branch(i), out, t2.Fields()[i])
	case *arrow.MapType:
		e := c.Child(0)
		text("[")
		for i := range n {
			if i > 0 {
				text(",")
			}
			text("(")
			put(t, r, e.Child(0), out, arrow.Field{Type: arrow.BinaryTypes.String})
			text(",")
			put(t, r, e.Child(1), out, t2.ItemField())
			text(")")
			e.EndStruct()
		}
		text("]")
		if err := c.EndList(); err != nil {
			t.Fatal(err)
		}
	case arrow.ListLikeType:
		if _, ok := t2.(*arrow.FixedSizeListType); ok {
			n = 2
		}
		text("[")
		for i := range n {
			if i > 0 {
				text(",")
			}
			put(t, r, c.Child(0), out, t2.ElemField())
		}
		text("]")
		if err := c.EndList(); err != nil && out != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("the test has no %s", f.Type)
	}
}

// bigEndian is v with some bytes of sign in front.
func bigEndian(v int64, pad int) []byte {
	b := make([]byte, 8+pad)
	for i := range b {
		b[len(b)-1-i] = byte(v >> min(8*i, 63))
	}
	return b
}

// What the columns hold is what was appended, whatever rows were begun and
// rewound between, over several batches.
func TestColumns(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		var fields []arrow.Field
		for i := range 1 + r.IntN(3) {
			fields = append(fields, arrow.Field{Name: fmt.Sprint("c", i), Type: randomType(r, 3), Nullable: r.IntN(2) == 0})
		}
		s := arrow.NewSchema(fields, nil)
		mem := memory.NewCheckedAllocator([]memory.Allocator{memory.NewGoAllocator(), arrowiotest.Poison{}, arrowio.NewPool()}[seed%3])
		b, err := New(s, Options{Alloc: mem, Rows: 1 + r.IntN(200), CheckText: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			want := make([][]byte, len(fields))
			for range r.IntN(150) {
				for r.IntN(4) == 0 {
					for i, f := range fields {
						put(t, r, b.Column(i), nil, f)
					}
					b.Rewind()
				}
				for i, f := range fields {
					seen[f.Type.Name()]++
					put(t, r, b.Column(i), &want[i], f)
					want[i] = append(want[i], '\n')
				}
				if st := b.EndRow(); st == Refused {
					t.Fatal(b.Err())
				} else if st == Full {
					break
				}
			}
			got, err := b.Batch()
			if err != nil {
				t.Fatal(err)
			}
			d := conformance.NewDigest(s)
			if err := d.Add(got); err != nil {
				t.Fatal(err)
			}
			for i, sum := range d.Sums() {
				if h := sha256.Sum256(want[i]); hex.EncodeToString(h[:])[:32] != sum {
					t.Fatalf("seed %d: column %s\n got %v\nwant %s", seed, fields[i], got.Column(i), want[i])
				}
			}
			got.Release()
		}
		b.Release()
		mem.AssertSize(t, 0)
	}
	for _, name := range []string{"struct", "dense_union", "list", "large_list", "map", "fixed_size_list", "decimal256", "null"} {
		if seen[name] < 100 {
			t.Errorf("%d values of %s are too few to tell", seen[name], name)
		}
	}
}

// A row that does not fit ends the batch, and alone is an error; the rows
// before it are whole.
func TestLimit(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64},
		{Name: "u", Type: arrow.DenseUnionOf([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, []arrow.UnionTypeCode{0})},
		{Name: "l", Type: arrow.ListOf(&arrow.FixedSizeBinaryType{ByteWidth: 1000})},
	}, nil)
	for _, big := range []int{1, 2} {
		b, err := New(s, Options{Limit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		row := func(size int) Status {
			b.Column(0).Int64(int64(b.Rows()))
			word := 1
			if big == 1 {
				word = size
			}
			b.Column(1).Branch(0).Bytes(make([]byte, word))
			if big == 2 {
				for range size / 1000 {
					b.Column(2).Child(0).Fixed(make([]byte, 1000))
				}
			}
			b.Column(2).EndList()
			return b.EndRow()
		}
		for range 100 {
			if st := row(1000); st != More {
				t.Fatal(st)
			}
		}
		if st := row(2 << 20); st != Refused || b.Rows() != 100 {
			t.Fatal(st, b.Rows())
		}
		rec, err := b.Batch()
		if err != nil || rec.NumRows() != 100 {
			t.Fatal(rec, err)
		}
		for i, v := range rec.Column(0).(*array.Int64).Int64Values() {
			if int(v) != i {
				t.Fatal(i, v)
			}
		}
		rec.Release()
		if st := row(2 << 20); st != Refused || b.Rows() != 0 || !errors.Is(b.Err(), ErrLimit) {
			t.Fatal(st, b.Err())
		}
		if b.held > 1<<20+100<<10 {
			t.Errorf("%d bytes are held", b.held)
		}
		b.Release()
	}
}

// Batches end by their bytes, soon after the row that reaches them, however
// uneven the rows are.
func TestBatchBytes(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.Binary}}, nil)
	b, err := New(s, Options{Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	size := func(i int) int {
		if i%5000 > 4900 {
			return 100_000
		}
		return 10
	}
	batches := 0
	for i := range 20_000 {
		b.Column(0).Bytes(make([]byte, size(i)))
		if b.EndRow() == Full {
			if n := b.Bytes(); n < 1<<20 || n > 3<<20 {
				t.Errorf("a batch of %d bytes", n)
			}
			batches++
			rec, err := b.Batch()
			if err != nil {
				t.Fatal(err)
			}
			rec.Release()
		}
	}
	if batches < 10 {
		t.Error(batches)
	}
}

func TestText(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.StructOf(arrow.Field{Name: "b", Type: arrow.BinaryTypes.String})}}, nil)
	b, err := New(s, Options{CheckText: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	for _, v := range []string{"a", "\xc3", "\xa9"} { // together they are valid
		b.Column(0).Child(0).String(v)
		b.Column(0).EndStruct()
		b.EndRow()
	}
	_, err = b.Batch()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrText) || e.Column != "a.b" {
		t.Fatal(err)
	}
}

func TestDecimalRange(t *testing.T) {
	dt := &arrow.Decimal32Type{Precision: 9, Scale: 2}
	for v, fits := range map[string]bool{"": true, "\x7f\xff\xff\xff": true, "\x00\xff\xff\xff\xff": false, "\xff\x80\x00\x00\x00": true, "\xff\x7f\xff\xff\xff": false} {
		_, err := Array(memory.DefaultAllocator, dt, 1, func(c *Column, i int) error {
			if c.Decimal([]byte(v)) != fits {
				t.Errorf("%x: fits is not %v", v, fits)
			}
			if !fits {
				c.Null()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "c", Type: arrow.BinaryTypes.String},
	}, nil)
	bd, err := New(s, Options{Rows: 64 << 10})
	if err != nil {
		b.Fatal(err)
	}
	x, y, z := bd.Column(0), bd.Column(1), bd.Column(2)
	for b.Loop() {
		x.Int64(7)
		y.Float64(8)
		z.String("a word of text")
		if bd.EndRow() == Full {
			rec, err := bd.Batch()
			if err != nil {
				b.Fatal(err)
			}
			rec.Release()
		}
	}
}
