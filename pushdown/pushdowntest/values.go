package pushdowntest

import (
	"math"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

var mem = memory.NewGoAllocator()

// Types are the flat types that filters compare.
func Types() []arrow.DataType {
	return []arrow.DataType{
		arrow.FixedWidthTypes.Boolean,
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
		&arrow.Decimal32Type{Precision: 5, Scale: 2}, &arrow.Decimal64Type{Precision: 12, Scale: 3},
		&arrow.Decimal128Type{Precision: 38, Scale: 10}, &arrow.Decimal256Type{Precision: 76, Scale: 1},
		arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time64ns,
		arrow.FixedWidthTypes.Timestamp_s, arrow.FixedWidthTypes.Timestamp_ns, &arrow.TimestampType{Unit: arrow.Microsecond},
		arrow.FixedWidthTypes.Duration_ms,
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView,
		arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.BinaryView, &arrow.FixedSizeBinaryType{ByteWidth: 2},
	}
}

// pool is a handful of values of dt, so that equal ones meet, the extremes first.
func pool(dt arrow.DataType) []kernel.Scalar {
	var out []kernel.Scalar
	if d, ok := kernel.DomainOf(dt); ok {
		ints := []*big.Int{d.Min, d.Max}
		for _, v := range []int64{0, 1, 2, 3, 100} {
			ints = append(ints, big.NewInt(v))
		}
		if d.Min.Sign() < 0 {
			ints = append(ints, big.NewInt(-1))
		}
		for _, n := range ints {
			r := new(big.Rat).SetInt(n)
			out = append(out, kernel.Scalar{Class: d.Class, Rat: r.Quo(r, d.Unit)})
		}
		return out
	}
	switch c := kernel.ClassOf(dt); c {
	case kernel.Bool:
		return []kernel.Scalar{{Class: c}, {Class: c, Bool: true}}
	case kernel.Float:
		biggest := map[arrow.Type]float64{arrow.FLOAT16: 65504, arrow.FLOAT32: math.MaxFloat32, arrow.FLOAT64: math.MaxFloat64}[dt.ID()]
		tiny := map[arrow.Type]float64{arrow.FLOAT16: 0x1p-24, arrow.FLOAT32: math.SmallestNonzeroFloat32, arrow.FLOAT64: math.SmallestNonzeroFloat64}[dt.ID()]
		for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), biggest, -biggest, tiny, 0, math.Copysign(0, -1), 1, 2, 2.5, -1} {
			out = append(out, kernel.Scalar{Class: c, Float: f})
		}
	case kernel.Text:
		for _, s := range []string{"", "\U0010ffff", "a", "ab", "abc", "b", "é", "a%b", "it's", "a long text that no view holds inline"} {
			out = append(out, kernel.Scalar{Class: c, Text: s})
		}
	case kernel.Bytes:
		vals := []string{"", "\xff\xff\xff", "a", "\x00", "ab", "\x80"}
		if dt, ok := dt.(*arrow.FixedSizeBinaryType); ok {
			vals = []string{"\x00", "\xff", "a", "b", "\x80"}
			for i := range vals {
				vals[i] = strings.Repeat(vals[i], dt.ByteWidth)
			}
			if dt.ByteWidth == 0 {
				vals = vals[3:]
			}
		}
		for _, s := range vals {
			out = append(out, kernel.Scalar{Class: c, Text: s})
		}
	}
	return out
}

// extremes is how many of a pool's first values are the type's ends.
func extremes(dt arrow.DataType) int {
	if kernel.ClassOf(dt) == kernel.Float {
		return 5
	}
	return 2
}

func literal(dt arrow.DataType, s kernel.Scalar) pushdown.Literal {
	arr, err := kernel.MakeArray(mem, dt, s)
	if err != nil {
		panic(err) // the pools hold values of their type only
	}
	return pushdown.Literal{Value: arr}
}

// column is one generated column: its path, its type without encoding.
type column struct {
	path pushdown.Path
	dt   arrow.DataType
	seen []kernel.Scalar // some of its values, of a batch that was not generated
}

// Batch is a generated record batch and the paths that a filter may name.
type Batch struct {
	Rec  arrow.RecordBatch
	cols []column
	cov  *Coverage
}

func draw[T any](t *rapid.T, what string, from []T) T { return rapid.SampledFrom(from).Draw(t, what) }

// DrawBatch generates a batch: flat columns plain, dictionary- and run-end-
// encoded, and columns inside a struct that may be null.
func DrawBatch(t *rapid.T, cov *Coverage) Batch {
	return DrawBatchOf(t, cov, Kinds{Types: append(Types(), arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64), Dictionary: true, RunEnd: true, Struct: true})
}

// Kinds are what a generated batch may hold.
type Kinds struct {
	Types      []arrow.DataType // of Types(); one may be there twice, to come more often
	Dictionary bool
	RunEnd     bool
	Struct     bool
}

// DrawBatchOf generates a batch of some kinds of columns.
func DrawBatchOf(t *rapid.T, cov *Coverage, kinds Kinds) Batch {
	n := draw(t, "rows", []int{0, 1, 5, 8, 17, 64, 65, 100})
	b := Batch{cov: cov}
	var fields []arrow.Field
	var cols []arrow.Array
	flat := func(name string) (arrow.Field, arrow.Array, arrow.DataType) {
		dt := draw(t, "type", kinds.Types)
		arr := b.values(t, dt, n)
		plain := dt
		switch k := rapid.IntRange(0, 5).Draw(t, "encoding"); {
		case k == 0 && kinds.Dictionary:
			dt = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: dt}
		case k == 1 && kinds.RunEnd:
			dt = arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, dt)
		}
		enc, err := kernel.Cast(mem, arr, dt, kernel.CastOptions{})
		if err != nil {
			t.Fatalf("%s: %v", dt, err)
		}
		if dt != plain {
			cov.Encoded++
		}
		return arrow.Field{Name: name, Type: dt, Nullable: true}, enc, plain
	}
	for _, name := range []string{"a", `odd "name"`, "c"} {
		f, arr, dt := flat(name)
		fields, cols = append(fields, f), append(cols, arr)
		b.cols = append(b.cols, column{path: pushdown.Path{name}, dt: dt})
	}
	if kinds.Struct {
		f, st := b.structOf(t, n, flat)
		fields, cols = append(fields, f), append(cols, st)
	}
	b.Rec = array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, int64(n))
	if skip := rapid.IntRange(0, 3).Draw(t, "slice"); skip > 0 && n > skip {
		b.Rec = b.Rec.NewSlice(int64(skip), int64(n))
	}
	return b
}

// structOf makes a column "st" of two fields, now and then null.
func (b *Batch) structOf(t *rapid.T, n int, flat func(name string) (arrow.Field, arrow.Array, arrow.DataType)) (arrow.Field, arrow.Array) {
	f, arr, dt := flat("x")
	f2, arr2, dt2 := flat("not")
	valid := kernel.Full(n)
	for i := range n {
		if rapid.IntRange(0, 3).Draw(t, "parent") == 0 {
			valid.Bits[i>>3] &^= 1 << (i & 7)
			b.cov.NullParents++
		}
	}
	st, err := array.NewStructArrayWithFieldsAndNulls([]arrow.Array{arr, arr2}, []arrow.Field{f, f2}, memory.NewBufferBytes(valid.Bits), n-valid.Count(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b.cols = append(b.cols, column{path: pushdown.Path{"st", "x"}, dt: dt}, column{path: pushdown.Path{"st", "not"}, dt: dt2})
	return arrow.Field{Name: "st", Type: st.DataType(), Nullable: true}, st
}

func (b Batch) values(t *rapid.T, dt arrow.DataType, n int) arrow.Array {
	from := pool(dt)
	// Few values a column, so that pruning and Always have something to prove.
	var few []kernel.Scalar
	for range rapid.IntRange(1, 4).Draw(t, "distinct") {
		few = append(few, draw(t, "value", from))
	}
	if from[0].Float != from[0].Float && rapid.Bool().Draw(t, "nan") {
		few = append(few, from[0]) // what bounds do not tell of
	}
	nulls := draw(t, "nulls", []int{0, 0, 1, 5, 10})
	vals := make([]kernel.Scalar, n)
	for i := range vals {
		if rapid.IntRange(1, 10).Draw(t, "null") <= nulls {
			b.cov.Nulls[dt.String()]++
			continue
		}
		vals[i] = draw(t, "row", few)
	}
	arr, err := kernel.MakeArray(mem, dt, vals...)
	if err != nil {
		t.Fatal(err)
	}
	return arr
}
