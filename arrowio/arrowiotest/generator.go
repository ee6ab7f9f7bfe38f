package arrowiotest

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Generator makes schemas and data: nested, sliced, with garbage under nulls,
// with extremes and with runs. It counts what it made in Seen, so that a test
// can hold its floors.
type Generator struct {
	R      *rand.Rand
	Leaves []arrow.DataType // to choose from
	Nested bool
	Exotic bool // dictionaries, run ends, views of lists
	Unions bool // of both modes
	Seen   map[string]int
}

// FlatTypes are the types that every engine has.
var FlatTypes = []arrow.DataType{
	arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32,
	arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32,
	arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
	arrow.PrimitiveTypes.Date32, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary,
	&arrow.TimestampType{Unit: arrow.Millisecond}, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
	&arrow.Decimal128Type{Precision: 7, Scale: 2}, &arrow.Decimal128Type{Precision: 18, Scale: 0}, &arrow.Decimal128Type{Precision: 38, Scale: 10},
}

// MoreTypes are those that Arrow has besides, unions apart.
var MoreTypes = []arrow.DataType{
	arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Date64, arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time32ms,
	arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Time64ns, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "Europe/Paris"},
	&arrow.TimestampType{Unit: arrow.Nanosecond}, arrow.FixedWidthTypes.Duration_us, arrow.BinaryTypes.LargeString,
	arrow.BinaryTypes.LargeBinary, &arrow.FixedSizeBinaryType{ByteWidth: 5}, &arrow.FixedSizeBinaryType{ByteWidth: 16},
	&arrow.Decimal256Type{Precision: 76, Scale: 3}, &arrow.Decimal256Type{Precision: 20, Scale: 20}, &arrow.Decimal128Type{Precision: 23, Scale: 5},
	arrow.Null, arrow.BinaryTypes.StringView, arrow.BinaryTypes.BinaryView,
	&arrow.Decimal32Type{Precision: 9, Scale: 1}, &arrow.Decimal64Type{Precision: 12, Scale: 3}, &arrow.Decimal64Type{Precision: 5, Scale: 3},
}

// Note counts something in Seen.
func (g *Generator) Note(what string) {
	if g.Seen != nil {
		g.Seen[what]++
	}
}

func (g *Generator) field(name string, depth int) arrow.Field {
	f := arrow.Field{Name: name, Nullable: g.R.IntN(4) > 0}
	f.Type = g.datatype(depth)
	if f.Type.ID() == arrow.NULL {
		f.Nullable = true
	}
	return f
}

func (g *Generator) datatype(depth int) arrow.DataType {
	if g.Unions && depth < 4 && g.R.IntN(8) == 0 {
		return g.union(depth)
	}
	if g.Nested && depth < 4 && g.R.IntN(3) == 0 {
		switch g.R.IntN(7) {
		case 0, 1:
			fields := []arrow.Field{g.field("a", depth+1)}
			for i := range g.R.IntN(3) {
				fields = append(fields, g.field("f"+strconv.Itoa(i), depth+1))
			}
			return arrow.StructOf(fields...)
		case 2:
			return arrow.ListOfField(g.field("element", depth+1))
		case 3:
			if g.Exotic {
				return arrow.LargeListOfField(g.field("element", depth+1))
			}
			return arrow.ListOfField(g.field("element", depth+1))
		case 4:
			if g.Exotic {
				return arrow.FixedSizeListOfField(int32(1+g.R.IntN(3)), g.field("element", depth+1))
			}
		case 5:
			key := arrow.Field{Name: "key", Type: []arrow.DataType{arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32}[g.R.IntN(2)]}
			return arrow.MapOfFields(key, g.field("value", depth+1))
		case 6:
			if g.Exotic {
				return arrow.ListViewOfField(g.field("element", depth+1))
			}
		}
	}
	dt := g.Leaves[g.R.IntN(len(g.Leaves))]
	if g.Exotic && dt.ID() != arrow.NULL && !strings.HasSuffix(dt.String(), "_view") {
		switch g.R.IntN(8) {
		case 0:
			return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: dt}
		case 1:
			return arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, dt)
		}
	}
	return dt
}

// union has a code that is not its child's place.
func (g *Generator) union(depth int) arrow.DataType {
	var fields []arrow.Field
	codes := []arrow.UnionTypeCode{5, 0, 100}[:1+g.R.IntN(3)]
	for i := range codes {
		fields = append(fields, g.field("u"+strconv.Itoa(i), depth+1))
	}
	if g.R.IntN(2) == 0 {
		return arrow.DenseUnionOf(fields, codes)
	}
	return arrow.SparseUnionOf(fields, codes)
}

// Schema makes a schema of one to six columns.
func (g *Generator) Schema() *arrow.Schema {
	var fields []arrow.Field
	for i := range 1 + g.R.IntN(6) {
		fields = append(fields, g.field("c"+strconv.Itoa(i), 0))
	}
	return arrow.NewSchema(fields, nil)
}

// Batch makes n rows, as slices of longer arrays.
func (g *Generator) Batch(s *arrow.Schema, n int) arrow.RecordBatch {
	var cols []arrow.Array
	for _, f := range s.Fields() {
		pad := g.R.IntN(20)
		d := g.data(f.Type, n+pad+g.R.IntN(10), f.Nullable)
		whole := array.MakeFromData(d)
		cols = append(cols, array.NewSlice(whole, int64(pad), int64(pad+n)))
	}
	return array.NewRecordBatch(s, cols, int64(n))
}

// validity is a bitmap for n slots; nil where nothing is null.
func (g *Generator) validity(n int, nullable bool) (*memory.Buffer, int) {
	density := []float64{0, 0.1, 0.5, 1}[g.R.IntN(4)]
	if g.R.IntN(10) > 0 && density == 1 {
		density = 0.3
	}
	if !nullable || density == 0 {
		g.Note("nulls none")
		return nil, 0
	}
	g.Note("nulls some")
	b := make([]byte, bitutil.BytesForBits(int64(n)))
	nulls := 0
	for i := range n {
		if g.R.Float64() < density {
			nulls++
		} else {
			bitutil.SetBit(b, i)
		}
	}
	return memory.NewBufferBytes(b), nulls
}

func (g *Generator) data(dt arrow.DataType, n int, nullable bool) arrow.ArrayData {
	g.Note(dt.ID().String())
	switch t := dt.(type) {
	case *arrow.NullType:
		return array.NewData(dt, n, []*memory.Buffer{nil}, nil, n, 0)
	case *arrow.DictionaryType:
		values := 1 + g.R.IntN(20)
		dict := g.data(t.ValueType, values, nullable)
		valid, nulls := g.validity(n, nullable)
		idx := make([]int16, n)
		for i := range idx {
			idx[i] = int16(g.R.IntN(values))
		}
		return array.NewDataWithDictionary(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Int16Traits.CastToBytes(idx))}, nulls, 0, dict.(*array.Data))
	case *arrow.RunEndEncodedType:
		var ends []int32
		for at := 0; at < n; {
			at += 1 + g.R.IntN(6)
			ends = append(ends, int32(min(at, n)))
		}
		runs := array.NewData(t.RunEnds(), len(ends), []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(ends))}, nil, 0, 0)
		return array.NewData(dt, n, []*memory.Buffer{nil}, []arrow.ArrayData{runs, g.data(t.Encoded(), len(ends), nullable)}, 0, 0)
	case *arrow.StructType:
		valid, nulls := g.validity(n, nullable)
		var kids []arrow.ArrayData
		for _, f := range t.Fields() {
			kids = append(kids, g.data(f.Type, n, f.Nullable))
		}
		return array.NewData(dt, n, []*memory.Buffer{valid}, kids, nulls, 0)
	case *arrow.FixedSizeListType:
		valid, nulls := g.validity(n, nullable)
		return array.NewData(dt, n, []*memory.Buffer{valid}, []arrow.ArrayData{g.data(t.Elem(), n*int(t.Len()), t.ElemField().Nullable)}, nulls, 0)
	case *arrow.MapType:
		valid, nulls := g.validity(n, nullable)
		offsets, total := g.offsets(n)
		kid := array.NewData(t.Elem(), total, []*memory.Buffer{nil}, []arrow.ArrayData{g.keys(t.KeyType(), total), g.data(t.ItemType(), total, t.ItemField().Nullable)}, 0, 0)
		return array.NewData(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets))}, []arrow.ArrayData{kid}, nulls, 0)
	case *arrow.ListViewType:
		valid, nulls := g.validity(n, nullable)
		offsets, total := g.offsets(n)
		sizes := make([]int32, n)
		for i := range sizes {
			sizes[i] = offsets[i+1] - offsets[i]
		}
		g.R.Shuffle(n, func(i, j int) {
			offsets[i], offsets[j], sizes[i], sizes[j] = offsets[j], offsets[i], sizes[j], sizes[i]
		})
		return array.NewData(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets[:n])), memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(sizes))},
			[]arrow.ArrayData{g.data(t.Elem(), total, t.ElemField().Nullable)}, nulls, 0)
	case *arrow.LargeListType:
		valid, nulls := g.validity(n, nullable)
		offsets, total := g.offsets(n)
		wide := make([]int64, len(offsets))
		for i, o := range offsets {
			wide[i] = int64(o)
		}
		return array.NewData(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(wide))}, []arrow.ArrayData{g.data(t.Elem(), total, t.ElemField().Nullable)}, nulls, 0)
	case *arrow.ListType:
		valid, nulls := g.validity(n, nullable)
		offsets, total := g.offsets(n)
		return array.NewData(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets))}, []arrow.ArrayData{g.data(t.Elem(), total, t.ElemField().Nullable)}, nulls, 0)
	}
	if t, ok := dt.(arrow.UnionType); ok {
		return g.unionData(t, n)
	}
	return g.leaf(dt, n, nullable)
}

func (g *Generator) unionData(t arrow.UnionType, n int) arrow.ArrayData {
	codes, sizes := make([]byte, n), make([]int32, len(t.Fields()))
	offsets := make([]int32, n)
	for i := range codes {
		k := g.R.IntN(len(sizes))
		codes[i], offsets[i] = byte(t.TypeCodes()[k]), sizes[k]
		sizes[k]++
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(codes)}
	if t.Mode() == arrow.DenseMode {
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets)))
	}
	var kids []arrow.ArrayData
	for k, f := range t.Fields() {
		size := n
		if t.Mode() == arrow.DenseMode {
			size = int(sizes[k])
		}
		kids = append(kids, g.data(f.Type, size, f.Nullable))
	}
	return array.NewData(t, n, buffers, kids, 0, 0)
}

// keys are distinct: some readers drop a repeated one.
func (g *Generator) keys(dt arrow.DataType, n int) arrow.ArrayData {
	b := array.NewBuilder(memory.DefaultAllocator, dt)
	for i := range n {
		if err := b.AppendValueFromString(strconv.Itoa(i * 7919)); err != nil {
			panic(err)
		}
	}
	return b.NewArray().Data()
}

func (g *Generator) offsets(n int) ([]int32, int) {
	o := make([]int32, n+1)
	for i := range n {
		o[i+1] = o[i]
		if g.R.IntN(3) > 0 {
			o[i+1] += int32(g.R.IntN(4))
		}
	}
	return o, int(o[n])
}

func (g *Generator) leaf(dt arrow.DataType, n int, nullable bool) arrow.ArrayData {
	valid, nulls := g.validity(n, nullable)
	distinct := []int{1, 3, 30, 1 << 30}[g.R.IntN(4)]
	seed := g.R.Uint64()
	pick := func() *rand.Rand { // values repeat as the column's cardinality says
		return rand.New(rand.NewPCG(seed, uint64(g.R.IntN(distinct))))
	}
	if isBinary(dt) {
		b := array.NewBuilder(memory.DefaultAllocator, dt)
		for range n {
			r := pick()
			raw := make([]byte, [...]int{0, 1, 5, 13, 70, 200}[r.IntN(6)])
			for i := range raw {
				raw[i] = byte(r.Uint32())
			}
			if r.IntN(20) == 0 {
				for i := range raw {
					raw[i] = 0xff
				}
			}
			s := strings.ToValidUTF8(string(raw), "é")
			switch b := b.(type) {
			case *array.StringBuilder:
				b.Append(s)
			case *array.LargeStringBuilder:
				b.Append(s)
			case *array.StringViewBuilder:
				b.Append(s)
			case *array.BinaryBuilder:
				b.Append(raw)
			case *array.BinaryViewBuilder:
				b.Append(raw)
			default:
				panic(fmt.Sprintf("%T", b))
			}
		}
		d := b.NewArray().Data()
		buffers := append([]*memory.Buffer{valid}, d.Buffers()[1:]...)
		return array.NewData(dt, n, buffers, nil, nulls, 0)
	}
	if dt.ID() == arrow.BOOL {
		raw := make([]byte, (n+7)/8)
		for i := range raw {
			raw[i] = byte(g.R.Uint32())
		}
		return array.NewData(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(raw)}, nil, nulls, 0)
	}
	w := dt.(arrow.FixedWidthDataType).Bytes()
	raw := make([]byte, n*w)
	for i := range n {
		g.value(dt, pick(), raw[i*w:(i+1)*w])
	}
	return array.NewData(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(raw)}, nil, nulls, 0)
}

func isBinary(dt arrow.DataType) bool {
	switch dt.ID() {
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY, arrow.STRING_VIEW, arrow.BINARY_VIEW:
		return true
	}
	return false
}

// value writes one value of a fixed-width type, within what the type and
// Parquet allow, now and then an extreme.
func (g *Generator) value(dt arrow.DataType, r *rand.Rand, dst []byte) {
	put := func(v int64) {
		for i := range dst {
			dst[i] = byte(v >> (8 * min(i, 7)))
			if i > 7 {
				dst[i] = byte(v >> 63)
			}
		}
	}
	within := func(lo, hi int64) { put([]int64{lo, hi, 0, lo + r.Int64N(hi-lo+1), lo + r.Int64N(hi-lo+1)}[r.IntN(5)]) }
	const day = 86400
	switch t := dt.(type) {
	case *arrow.Time32Type:
		within(0, day*[]int64{1, 1000}[min(int(t.Unit), 1)]-1)
	case *arrow.Time64Type:
		within(0, day*[]int64{0, 0, 1e6, 1e9}[t.Unit]-1)
	case *arrow.Date32Type:
		within(-700000, 2900000)
	case *arrow.Date64Type:
		within(-700000, 2900000)
		v := int64(int32(uint32(dst[0]) | uint32(dst[1])<<8 | uint32(dst[2])<<16 | uint32(dst[3])<<24))
		put(v * 86_400_000)
	case *arrow.TimestampType:
		second := []int64{1, 1e3, 1e6, 1e9}[t.Unit]
		within(-60*365*day*second, 200*365*day*second)
		if t.Unit == arrow.Nanosecond {
			put(r.Int64N(1e15) * 1000)
		}
	case arrow.DecimalType:
		most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.GetPrecision())), nil)
		most.Sub(most, big.NewInt(1))
		v := new(big.Int)
		switch r.IntN(4) {
		case 0:
			v.Set(most)
		case 1:
			v.Neg(most)
		default:
			for range 8 {
				v.Lsh(v, 32).Add(v, big.NewInt(int64(r.Uint32())))
			}
			v.Mod(v, most)
			if r.IntN(2) == 0 {
				v.Neg(v)
			}
		}
		n := decimal256.FromBigInt(v)
		for i := range dst {
			dst[i] = byte(n.Array()[i/8] >> (8 * (i % 8)))
		}
	case *arrow.Float64Type:
		for i := range dst {
			dst[i] = byte(r.Uint32())
		}
		special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1.5, math.MaxFloat64}
		if k := r.IntN(14); k < len(special) {
			put(int64(math.Float64bits(special[k])))
		}
	default:
		for i := range dst {
			dst[i] = byte(r.Uint32())
		}
		switch r.IntN(8) {
		case 0:
			put(0)
		case 1:
			put(-1)
		case 2:
			put(0)
			dst[len(dst)-1] = 0x80
		}
	}
}
