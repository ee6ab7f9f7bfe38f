package formatstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// holds says whether the format holds a column, and as what it is read back.
func (s *suite) holds(f arrow.Field) (arrow.DataType, bool) {
	if s.ReadsAs == nil {
		return f.Type, true
	}
	return s.ReadsAs(f)
}

// people is a table of most kinds of columns, to hold laws for: id ascends, the
// rest is random with nulls, runs, NaN and nesting.
var people = []arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "s", Type: arrow.StructOf(
		arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32},
		arrow.Field{Name: "y", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "z", Type: arrow.StructOf(arrow.Field{Name: "deep", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: "flag", Type: arrow.FixedWidthTypes.Boolean}), Nullable: true},
	), Nullable: true},
	{Name: "l", Type: arrow.ListOfField(arrow.Field{Name: "element", Type: arrow.PrimitiveTypes.Int32, Nullable: true}), Nullable: true},
	{Name: "d", Type: &arrow.Decimal128Type{Precision: 20, Scale: 2}, Nullable: true},
	{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
	{Name: "bo", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "dict", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "wide", Type: arrow.BinaryTypes.String},
	{Name: "u", Type: arrow.PrimitiveTypes.Uint32},
}

// peopleFilters are over columns of people; those of columns that the format
// does not hold are left out.
var peopleFilters = []struct{ columns, text string }{
	{"id", "id = 177"}, {"id", "id BETWEEN 50 AND 62"}, {"id", "id IN (3, 90, 399)"}, {"id", "id < 10 OR id >= 390"}, {"id", "id < 0"},
	{"b id", "b = 'v010'"}, {"b id", "b LIKE 'v00%' AND id > 100"}, {"f", "f > 1.5"}, {"f", "f = 0"}, {"f bo", "f IS NULL AND bo"}, {"s", "s.x = 42"},
	{"s", "s.y = 'yy' OR s IS NULL"}, {"s", "s.z.deep > 5 AND NOT s.z.flag"}, {"d", "d > 450.5"}, {"d", "d IS NOT NULL"},
	{"t u", "t >= TIMESTAMP '2023-11-14T22:14:00Z' AND u < 3000000000"}, {"bo", "NOT bo"}, {"dict id", "dict = 'red' AND id < 200"},
	{"dict b", "dict IN ('blue') OR b IS NULL"}, {"u", "u > 400000000"}, {"l", "l IS NULL"},
}

// peopleSchema is what of people the format holds.
func (s *suite) peopleSchema(t tb) *arrow.Schema {
	var fields []arrow.Field
	for _, f := range people {
		if _, ok := s.holds(f); ok {
			fields = append(fields, f)
		}
	}
	if len(fields) < 2 || fields[0].Name != "id" {
		t.Fatalf("the format holds too little to be tried: %v", fields)
	}
	return arrow.NewSchema(fields, nil)
}

func (s *suite) peopleFilters(schema *arrow.Schema) (out []string) {
	for _, f := range peopleFilters {
		if !slices.ContainsFunc(strings.Fields(f.columns), func(c string) bool { return !schema.HasField(c) }) {
			out = append(out, f.text)
		}
	}
	return out
}

// peopleBatch is n rows from a place on.
func peopleBatch(schema *arrow.Schema, seed uint64, from, n int) arrow.RecordBatch {
	r := rand.New(rand.NewPCG(seed, uint64(from)))
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range n {
		id := from + i
		for k, f := range schema.Fields() {
			fb := b.Field(k)
			if f.Nullable && r.IntN(6) == 0 {
				fb.AppendNull()
				continue
			}
			var err error
			switch fb := fb.(type) {
			case *array.Int64Builder:
				fb.Append(int64(id))
			case *array.Float64Builder:
				fb.Append([]float64{r.NormFloat64(), float64(id), math.NaN(), math.Inf(1), math.Copysign(0, -1), 0}[r.IntN(6)])
			case *array.StructBuilder:
				appendPerson(fb, r)
			case *array.ListBuilder:
				fb.Append(true)
				for range r.IntN(5) {
					v := fb.ValueBuilder().(*array.Int32Builder)
					if r.IntN(6) == 0 {
						v.AppendNull()
					} else {
						v.Append(int32(r.IntN(9)))
					}
				}
			case *array.TimestampBuilder:
				fb.Append(arrow.Timestamp(1_700_000_000_000_000 + int64(id)*1_000_000 + int64(r.IntN(1000))))
			case *array.BooleanBuilder:
				fb.Append(r.IntN(2) == 0)
			case *array.BinaryDictionaryBuilder:
				err = fb.AppendString([]string{"red", "green", "blue"}[r.IntN(3)])
			case *array.Uint32Builder:
				fb.Append(uint32(id) * 10_000_000)
			case *array.StringBuilder:
				if f.Name == "wide" {
					fb.Append(fmt.Sprintf("%x", r.Perm(60)))
				} else {
					fb.Append(fmt.Sprintf("v%03d", r.IntN(50)+id/40))
				}
			default:
				err = fb.AppendValueFromString(fmt.Sprintf("%d.%02d", r.IntN(1000)-500, r.IntN(100)))
			}
			if err != nil {
				panic(err)
			}
		}
	}
	return b.NewRecordBatch()
}

func appendPerson(b *array.StructBuilder, r *rand.Rand) {
	b.Append(true)
	b.FieldBuilder(0).(*array.Int32Builder).Append(int32(r.IntN(100)))
	if y := b.FieldBuilder(1).(*array.StringBuilder); r.IntN(4) == 0 {
		y.AppendNull()
	} else {
		y.Append(strings.Repeat("y", r.IntN(4)))
	}
	z := b.FieldBuilder(2).(*array.StructBuilder)
	if r.IntN(4) == 0 {
		z.AppendNull()
		return
	}
	z.Append(true)
	z.FieldBuilder(0).(*array.Int64Builder).Append(r.Int64N(12))
	z.FieldBuilder(1).(*array.BooleanBuilder).Append(r.IntN(2) == 0)
}

// files are n rows of people in two batches, written each way, and the samples.
func (s *suite) files(t *testing.T, n int) (out []file) {
	if !s.ReadOnly || s.Make != nil {
		schema := s.peopleSchema(t)
		for i, w := range s.Ways {
			a := peopleBatch(schema, uint64(i), 0, n*2/5)
			out = append(out, s.write(t, w, schema, a, peopleBatch(schema, uint64(i), n*2/5, n-n*2/5)))
		}
	}
	for _, x := range s.Samples {
		out = append(out, file{x.Name, x.Raw, x.Read, true})
	}
	if len(out) == 0 {
		t.Fatal("no file to hold the law for: the harness needs a writer, Make or Samples")
	}
	return out
}
