package formatstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/pushdown"
)

// roundTrip: what is written is read back equal, values and types, in whatever
// pieces it is written and read.
func (s *suite) roundTrip(t *testing.T) {
	n := 250
	if testing.Short() {
		n = 100
	}
	g := &arrowiotest.Generator{Seen: map[string]int{}}
	leaves := slices.DeleteFunc(append(slices.Clone(arrowiotest.FlatTypes), arrowiotest.MoreTypes...), func(dt arrow.DataType) bool {
		_, ok := s.holds(arrow.Field{Name: "x", Type: dt, Nullable: true})
		return !ok
	})
	for seed := range n {
		g.R = rand.New(rand.NewPCG(uint64(seed), 77))
		g.Leaves, g.Nested, g.Exotic, g.Unions = leaves, seed%4 > 0, seed%3 > 0, seed%5 == 0
		schema, reads := s.drawSchema(g)
		var recs []arrow.RecordBatch
		for range 1 + g.R.IntN(3) {
			recs = append(recs, g.Batch(schema, g.R.IntN(300)))
		}
		w := s.Ways[seed%len(s.Ways)]
		g.Note("way " + w.Name)
		o := arrowio.RunOptions{Jobs: 1 + g.R.IntN(2), ReadOptions: arrowio.ReadOptions{
			BatchRows: []int{0, 1, 7, 100}[g.R.IntN(4)], BatchBytes: []int64{0, 1000}[g.R.IntN(2)], Budget: arrowio.NewBudget(64 << 20)}}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := s.open(t, s.write(t, w, schema, recs...))
			for i, f := range r.Schema().Fields() {
				if i >= len(reads) || f.Name != reads[i].Name || !sameType(f.Type, reads[i].Type) {
					t.Fatalf("column %d is %v, want %v", i, f, reads)
				}
			}
			var want []string
			for _, rec := range recs {
				want = append(want, arrowiotest.Text(rec)...)
			}
			got, err := rows(t.Context(), r, arrowio.ScanRequest{Ordered: true}, o)
			if err != nil {
				t.Fatalf("%v: %v", schema, err)
			}
			same(t, fmt.Sprintf("%v by %+v", schema, w), want, got)
			if n := o.Budget.InUse(); n != 0 {
				t.Errorf("%d bytes of the budget are not given back", n)
			}
		})
	}
	t.Log("coverage:", g.Seen)
	for _, dt := range leaves {
		floor(t, g.Seen, dt.ID().String(), n/80)
	}
	for _, w := range s.Ways {
		floor(t, g.Seen, "way "+w.Name, n/len(s.Ways)/2)
	}
	for _, dt := range []arrow.DataType{
		arrow.StructOf(people[0]), arrow.ListOf(people[0].Type), arrow.LargeListOf(people[0].Type), arrow.FixedSizeListOf(2, people[0].Type), arrow.ListViewOf(people[0].Type),
		arrow.MapOf(people[1].Type, people[0].Type), people[8].Type, arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, people[0].Type),
		arrow.SparseUnionOf(people[:1], []arrow.UnionTypeCode{0}), arrow.DenseUnionOf(people[:1], []arrow.UnionTypeCode{0}),
	} {
		if _, ok := s.holds(arrow.Field{Name: "x", Type: dt, Nullable: true}); ok {
			floor(t, g.Seen, dt.ID().String(), n/80)
		}
	}
}

// floor fails where too little of something was made to prove anything.
func floor(t *testing.T, seen map[string]int, what string, least int) {
	t.Helper()
	if seen[what] < least {
		t.Errorf("coverage of %s is %d, the floor is %d", what, seen[what], least)
	}
}

// drawSchema makes a schema that the format holds, and as what it is read.
func (s *suite) drawSchema(g *arrowiotest.Generator) (*arrow.Schema, []arrow.Field) {
	for {
		var fields, reads []arrow.Field
		for _, f := range g.Schema().Fields() {
			if dt, ok := s.holds(f); ok {
				fields = append(fields, f)
				f.Type = dt
				reads = append(reads, f)
			}
		}
		if len(fields) > 0 {
			return arrow.NewSchema(fields, nil), reads
		}
	}
}

// sameType ignores the names of list elements.
func sameType(a, b arrow.DataType) bool {
	return arrow.TypeEqual(a, b) || strings.ReplaceAll(a.String(), "item:", "element:") == strings.ReplaceAll(b.String(), "item:", "element:")
}

// table: the laws of every table, over files of some hundred rows.
func (s *suite) table(t *testing.T) {
	n := 400
	for _, f := range s.files(t, n) {
		t.Run(f.name, func(t *testing.T) {
			o := arrowiotest.Options{}
			if r := s.open(t, f); r.Schema().HasField("wide") && r.Schema().HasField("id") {
				o.Filters = s.peopleFilters(r.Schema())
				o.Projections = [][]string{{"id"}, {"wide", "b"}, {}, {"u", "id"}}
				if !r.Schema().HasField("u") {
					o.Projections = o.Projections[:3]
				}
			}
			arrowiotest.Run(t, func(t testing.TB) arrowio.Table { return s.open(t, f) }, o)
		})
	}
}

// projection: any part of the columns, in any order, is that part of the whole.
func (s *suite) projection(t *testing.T) {
	n := 60
	if testing.Short() {
		n = 25
	}
	g := &arrowiotest.Generator{Seen: map[string]int{}, Leaves: slices.DeleteFunc(slices.Clone(arrowiotest.FlatTypes), func(dt arrow.DataType) bool {
		_, ok := s.holds(arrow.Field{Name: "x", Type: dt, Nullable: true})
		return !ok
	})}
	seen := g.Seen
	for seed := range n {
		g.R = rand.New(rand.NewPCG(uint64(seed), 78))
		g.Nested, g.Exotic = true, seed%2 > 0
		schema, _ := s.drawSchema(g)
		rec := g.Batch(schema, 1+g.R.IntN(100))
		f := s.write(t, s.Ways[seed%len(s.Ways)], schema, rec)
		r := s.open(t, f)
		all := s.batches(t, r)
		for range 6 {
			paths := drawPaths(g.R, schema.Fields(), seen)
			want := []string{}
			for _, rec := range all {
				for i := range int(rec.NumRows()) {
					want = append(want, projected(rec.Schema().Fields(), rec.Columns(), paths, i))
				}
			}
			got, err := rows(t.Context(), r, arrowio.ScanRequest{Columns: paths, Ordered: true}, arrowio.RunOptions{Jobs: 1, ReadOptions: arrowio.ReadOptions{BatchRows: 1 + g.R.IntN(40)}})
			if err != nil {
				t.Fatalf("%v of %v: %v", paths, schema, err)
			}
			same(t, fmt.Sprintf("%v of %v", paths, schema), want, got)
		}
	}
	floor(t, seen, "empty", n/8)
	floor(t, seen, "out of order", n/4)
	if _, ok := s.holds(arrow.Field{Name: "x", Type: arrow.StructOf(people[0]), Nullable: true}); ok {
		floor(t, seen, "nested", n/4)
		floor(t, seen, "two of one struct", n/20)
	}
}

// batches gives all batches of a table, retained for good.
func (s *suite) batches(t tb, r arrowio.Table) (out []arrow.RecordBatch) {
	t.Helper()
	for rec, err := range arrowio.Batches(context.Background(), r, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		rec.Retain()
		out = append(out, rec)
	}
	return out
}

// drawPaths draws paths of columns and of fields inside of structs.
func drawPaths(r *rand.Rand, fields []arrow.Field, seen map[string]int) []pushdown.Path {
	var all []pushdown.Path
	var walk func(fields []arrow.Field, within pushdown.Path)
	walk = func(fields []arrow.Field, within pushdown.Path) {
		for _, f := range fields {
			p := append(within[:len(within):len(within)], f.Name)
			all = append(all, p)
			if st, ok := f.Type.(*arrow.StructType); ok {
				walk(st.Fields(), p)
			}
		}
	}
	walk(fields, nil)
	out := []pushdown.Path{}
	for range r.IntN(5) {
		out = append(out, all[r.IntN(len(all))])
	}
	structs := map[string]int{}
	for i, p := range out {
		if len(p) > 1 {
			seen["nested"]++
			if structs[p[0]]++; structs[p[0]] == 2 {
				seen["two of one struct"]++
			}
		}
		if i > 0 && slices.IndexFunc(fields, func(f arrow.Field) bool { return f.Name == p[0] }) < slices.IndexFunc(fields, func(f arrow.Field) bool { return f.Name == out[i-1][0] }) {
			seen["out of order"]++
		}
	}
	if len(out) == 0 {
		seen["empty"]++
	}
	return out
}

// projected writes row i of the columns that paths name: columns in the order
// in which they are first named, fields of structs in the order of the struct.
func projected(fields []arrow.Field, cols []arrow.Array, paths []pushdown.Path, i int) string {
	var b []byte
	done := map[string]bool{}
	for _, p := range paths {
		if done[p[0]] {
			continue
		}
		done[p[0]] = true
		at := slices.IndexFunc(fields, func(f arrow.Field) bool { return f.Name == p[0] })
		b = append(appendPart(b, cols[at], below(paths, p[0]), i), 0x1f)
	}
	return string(b)
}

// below are the paths inside of a column; nil if the whole of it is named.
func below(paths []pushdown.Path, name string) (out []pushdown.Path) {
	for _, p := range paths {
		if p[0] == name {
			if len(p) == 1 {
				return nil
			}
			out = append(out, p[1:])
		}
	}
	return out
}

func appendPart(b []byte, arr arrow.Array, paths []pushdown.Path, i int) []byte {
	if paths == nil {
		b, err := conformance.AppendValue(b, arr, i)
		if err != nil {
			panic(err)
		}
		return b
	}
	if arr.IsNull(i) {
		return append(b, "null"...)
	}
	st := arr.(*array.Struct)
	b = append(b, '(')
	first := true
	for k, f := range st.DataType().(*arrow.StructType).Fields() {
		if !slices.ContainsFunc(paths, func(p pushdown.Path) bool { return p[0] == f.Name }) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendPart(b, st.Field(k), below(paths, f.Name), i)
	}
	return append(b, ')')
}

// concurrent: a file is read by several at once.
func (s *suite) concurrent(t *testing.T) {
	for _, f := range s.files(t, 300) {
		want := s.whole(t, f)
		r := s.open(t, f)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				got, err := rows(t.Context(), r, arrowio.ScanRequest{Ordered: true}, arrowio.RunOptions{Jobs: 2, ReadOptions: arrowio.ReadOptions{BatchRows: 50}})
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%s: %d rows beside others, %d alone (%v)", f.name, len(got), len(want), err)
				}
			})
		}
		wg.Wait()
	}
}
