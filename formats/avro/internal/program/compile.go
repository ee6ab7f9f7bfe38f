package program

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/avro/internal/schema"
)

// Compile makes the program that reads what w wrote as r, which may be w
// itself, into the columns of want: ArrowSchema(r) or a part of it.
func Compile(w, r *schema.Schema, want *arrow.Schema) (*Program, error) {
	c := compiler{skips: map[*schema.Schema]*[]op{}}
	p := &Program{arrow: want}
	var err error
	if r.Kind == schema.Record {
		p.root, err = c.resolve(w, r, arrow.Field{Type: arrow.StructOf(want.Fields()...)}, same)
	} else if want.NumFields() == 0 {
		p.root = c.skip(w)
	} else {
		p.root, err = c.resolve(w, r, want.Field(0), 0)
	}
	return p, err
}

// CompileSkip makes the program that passes over what w wrote and, with text,
// verifies that strings are UTF-8.
func CompileSkip(w *schema.Schema, text bool) *Program {
	c := compiler{skips: map[*schema.Schema]*[]op{}, text: text}
	return &Program{root: c.skip(w), arrow: arrow.NewSchema(nil, nil)}
}

type compiler struct {
	skips map[*schema.Schema]*[]op // of records, which may be recursive
	text  bool
}

// mismatch is what cannot be resolved.
func mismatch(w, r *schema.Schema, why string) error {
	if why != "" {
		why = ": " + why
	}
	return fmt.Errorf("%w: the file's %s cannot be read as %s%s", arrowio.ErrCast, w.Describe(), r.Describe(), why)
}

// resolve compiles one value into the column at.
func (c *compiler) resolve(w, r *schema.Schema, f arrow.Field, at int) (op, error) {
	if w.Kind == schema.Union {
		return c.fromUnion(w, r, f, at)
	}
	if r.Kind == schema.Union {
		i := schema.Branch(w, r)
		if i < 0 {
			return op{}, mismatch(w, r, "")
		}
		return c.intoBranch(w, r, i, f, at)
	}
	return c.plain(w, r, f, at)
}

// fromUnion reads the branch that was written. One that the reader cannot take
// is an error where it occurs.
func (c *compiler) fromUnion(w, r *schema.Schema, f arrow.Field, at int) (op, error) {
	out := op{code: opBranches, at: at}
	failed := 0
	for i, b := range w.Branches {
		var k op
		var err error
		switch {
		case w == r: // the same branch, whatever others it could be
			k, err = c.intoBranch(b, r, i, f, same)
		default:
			k, err = c.resolve(b, r, f, same)
		}
		if err != nil {
			k = op{code: opFail, at: same, err: err}
			failed++
		}
		out.kids = append(out.kids, k)
	}
	if failed == len(w.Branches) && failed > 0 {
		return op{}, out.kids[0].err
	}
	if len(out.kids) == 2 {
		for null, k := range out.kids {
			other := out.kids[1-null]
			if k.code == opNull && other.null == 0 && other.code != opFail && other.code != opBranches && other.code != opInto && other.code != opConst {
				other.at, other.null = at, uint8(null+1)
				return other, nil
			}
		}
	}
	return out, nil
}

// intoBranch compiles a value into the i-th branch of a reader's union.
func (c *compiler) intoBranch(w, r *schema.Schema, i int, f arrow.Field, at int) (op, error) {
	u, ok := f.Type.(*arrow.DenseUnionType)
	if !ok { // null and one more: the field itself, or null
		if r.Branches[i].Kind == schema.Null {
			if w.Kind != schema.Null {
				return op{}, mismatch(w, r, "")
			}
			return op{code: opNull, at: at}, nil
		}
		return c.plain(w, r.Branches[i], f, at)
	}
	k, err := c.plain(w, r.Branches[i], u.Fields()[i], same)
	if err != nil {
		return op{}, err
	}
	return op{code: opInto, at: at, size: i, kids: []op{k}}, nil
}

// plain compiles a value of no union into one that is no union.
func (c *compiler) plain(w, r *schema.Schema, f arrow.Field, at int) (op, error) {
	out := op{at: at}
	if w.Logical != r.Logical && w.Logical != schema.None && r.Logical != schema.None {
		return op{}, mismatch(w, r, "the logical types differ")
	}
	if w.Logical == schema.Decimal && r.Logical == schema.Decimal && (w.Scale != r.Scale || w.Precision != r.Precision) {
		return op{}, mismatch(w, r, "the precision or scale differs")
	}
	if w.Kind != r.Kind {
		switch [2]schema.Kind{w.Kind, r.Kind} {
		case [2]schema.Kind{schema.Int, schema.Long}:
			out.code = opIntLong
		case [2]schema.Kind{schema.Int, schema.Float}:
			out.code = opIntFloat
		case [2]schema.Kind{schema.Int, schema.Double}:
			out.code = opIntDouble
		case [2]schema.Kind{schema.Long, schema.Float}:
			out.code = opLongFloat
		case [2]schema.Kind{schema.Long, schema.Double}:
			out.code = opLongDouble
		case [2]schema.Kind{schema.Float, schema.Double}:
			out.code = opFloatDouble
		case [2]schema.Kind{schema.Bytes, schema.String}, [2]schema.Kind{schema.String, schema.Bytes}:
			out.code = opBytes
			if t, decimal := f.Type.(arrow.DecimalType); decimal {
				out.code, out.size = opDecimal, t.BitWidth()/8
			}
		default:
			return op{}, mismatch(w, r, "")
		}
		return out, nil
	}
	switch r.Kind {
	case schema.Null:
		out.code = opNull
	case schema.Boolean:
		out.code = opBool
	case schema.Int:
		out.code = opInt
	case schema.Long:
		out.code = opLong
	case schema.Float:
		out.code = opFloat
	case schema.Double:
		out.code = opDouble
	case schema.String:
		out.code = opBytes
	case schema.Bytes:
		out.code = opBytes
		if t, decimal := f.Type.(arrow.DecimalType); decimal {
			out.code, out.size = opDecimal, t.BitWidth()/8
		}
	case schema.Fixed:
		if !schema.NamesMatch(w, r) {
			return op{}, mismatch(w, r, "the names differ")
		}
		if w.Size != r.Size {
			return op{}, mismatch(w, r, fmt.Sprintf("%d bytes and %d", w.Size, r.Size))
		}
		out.code, out.size = opFixed, r.Size
		switch f.Type.(type) {
		case arrow.DecimalType:
			out.code = opDecimalFixed
		case *arrow.MonthDayNanoIntervalType:
			out.code = opDuration
		}
	case schema.Enum:
		return c.enum(w, r, f, out)
	case schema.Array:
		return c.array(w, r, f, out)
	case schema.Map:
		return c.mapOf(w, r, f, out)
	case schema.Record:
		return c.record(w, r, f, out)
	}
	return out, nil
}

func (c *compiler) enum(w, r *schema.Schema, f arrow.Field, out op) (op, error) {
	if !schema.NamesMatch(w, r) {
		return op{}, mismatch(w, r, "the names differ")
	}
	out.code, out.names = opEnum, r.Symbols
	if f.Type.ID() != arrow.DICTIONARY {
		out.code = opEnumText
	}
	fallback := -1
	if r.HasDefault && w != r {
		fallback = slices.Index(r.Symbols, r.Default)
	}
	for _, sym := range w.Symbols {
		i := slices.Index(r.Symbols, sym)
		if i < 0 {
			i = fallback
		}
		out.symbols = append(out.symbols, i)
	}
	if w == r { // a symbol listed twice stays where it was written
		for i := range out.symbols {
			out.symbols[i] = i
		}
	}
	return out, nil
}

func (c *compiler) array(w, r *schema.Schema, f arrow.Field, out op) (op, error) {
	k, err := c.resolve(w.Items, r.Items, f.Type.(arrow.ListLikeType).ElemField(), 0)
	if err != nil {
		return op{}, fmt.Errorf("array element: %w", err)
	}
	out.code, out.kids, out.min = opArray, []op{k}, least(w.Items, map[*schema.Schema]bool{})
	return out, nil
}

func (c *compiler) mapOf(w, r *schema.Schema, f arrow.Field, out op) (op, error) {
	v, err := c.resolve(w.Items, r.Items, f.Type.(*arrow.MapType).ItemField(), 1)
	if err != nil {
		return op{}, fmt.Errorf("map value: %w", err)
	}
	out.code, out.kids, out.min = opMap, []op{{code: opBytes, at: 0}, v}, 1
	return out, nil
}

func (c *compiler) record(w, r *schema.Schema, f arrow.Field, out op) (op, error) {
	if !schema.NamesMatch(w, r) {
		return op{}, mismatch(w, r, "the names differ")
	}
	switch f.Type.(type) {
	case *arrow.MonthDayNanoIntervalType: // as the writer puts intervals; w is r
		out.code = opInterval
		return out, nil
	case *arrow.DayTimeIntervalType:
		out.code = opDayTime
		return out, nil
	}
	st, ok := f.Type.(*arrow.StructType)
	if !ok { // unrolled as far as it goes
		return op{code: opFail, at: out.at, err: fmt.Errorf("%w: record %s lies within itself deeper than it is unrolled (try: -X recursion-depth=N)", arrowio.ErrUnsupported, r.Name)}, nil
	}
	out.code = opRecord
	filled := make([]bool, st.NumFields())
	taken := map[*schema.Field]bool{}
	for _, wf := range w.Fields {
		rf := fieldFor(wf, r, w == r)
		at := -1
		if rf != nil {
			if taken[rf] {
				return op{}, mismatch(w, r, fmt.Sprintf("two fields are field %s", rf.Name))
			}
			taken[rf] = true
			at = place(st, r, rf)
		}
		if at < 0 {
			out.kids = append(out.kids, c.skip(wf.Type))
			continue
		}
		k, err := c.resolve(wf.Type, rf.Type, st.Field(at), at)
		if err != nil {
			return op{}, fmt.Errorf("field %s: %w", wf.Name, err)
		}
		filled[at] = true
		out.kids = append(out.kids, k)
	}
	for _, rf := range r.Fields {
		if taken[rf] {
			continue
		}
		if !rf.HasDefault {
			return op{}, mismatch(w, r, fmt.Sprintf("field %s is not in the file and has no default", rf.Name))
		}
		at := place(st, r, rf)
		if at < 0 {
			continue
		}
		k, err := c.constant(rf, st.Field(at), at)
		if err != nil {
			return op{}, err
		}
		filled[at] = true
		out.kids = append(out.kids, k)
	}
	if i := slices.Index(filled, false); i >= 0 {
		return op{}, fmt.Errorf("%w: record %s has no field %s", arrowio.ErrColumn, r.Name, st.Field(i).Name)
	}
	out.kids = merge(out.kids)
	return out, nil
}

// place is where a struct has a field of a record, -1 if it was not asked for.
// A whole struct has them in order, as Arrow allows a name twice.
func place(st *arrow.StructType, r *schema.Schema, rf *schema.Field) int {
	if st.NumFields() == len(r.Fields) {
		if i := slices.Index(r.Fields, rf); st.Field(i).Name == FieldName(rf) {
			return i
		}
	}
	if i, ok := st.FieldIdx(FieldName(rf)); ok {
		return i
	}
	return -1
}

// fieldFor finds the reader's field of a writer's: by name, else by alias.
func fieldFor(wf *schema.Field, r *schema.Schema, same bool) *schema.Field {
	for _, rf := range r.Fields {
		if rf.Name == wf.Name {
			return rf
		}
	}
	if same {
		return nil
	}
	for _, rf := range r.Fields {
		if slices.Contains(rf.Aliases, wf.Name) {
			return rf
		}
	}
	return nil
}

// constant compiles a default: its encoding, decoded for each row.
func (c *compiler) constant(rf *schema.Field, f arrow.Field, at int) (op, error) {
	data, err := EncodeJSON(nil, rf.Type, rf.Default)
	if err != nil {
		return op{}, fmt.Errorf("the default of field %s: %w", rf.Name, err)
	}
	k, err := c.resolve(rf.Type, rf.Type, f, same)
	if err != nil {
		return op{}, err
	}
	return op{code: opConst, at: at, data: data, kids: []op{k}}, nil
}

// skip compiles to passing over a value.
func (c *compiler) skip(w *schema.Schema) op {
	switch w.Kind {
	case schema.Null:
		return op{code: opSkip}
	case schema.Boolean:
		return op{code: opSkip, size: 1}
	case schema.Int, schema.Long, schema.Enum:
		return op{code: opSkipVarints, size: 1}
	case schema.Float:
		return op{code: opSkip, size: 4}
	case schema.Double:
		return op{code: opSkip, size: 8}
	case schema.Fixed:
		return op{code: opSkip, size: w.Size}
	case schema.String:
		if c.text {
			return op{code: opSkipText}
		}
		return op{code: opSkipBytes}
	case schema.Bytes:
		return op{code: opSkipBytes}
	case schema.Array:
		return op{code: opSkipArray, kids: []op{c.skip(w.Items)}, min: least(w.Items, map[*schema.Schema]bool{})}
	case schema.Map:
		return op{code: opSkipArray, kids: merge([]op{c.skip(&schema.Schema{Kind: schema.String}), c.skip(w.Items)}), min: 1}
	case schema.Union:
		out := op{code: opSkipBranches}
		for _, b := range w.Branches {
			out.kids = append(out.kids, c.skip(b))
		}
		return out
	}
	if s := c.skips[w]; s != nil {
		return op{code: opSkipRecord, shared: s}
	}
	ops := new([]op)
	c.skips[w] = ops
	var kids []op
	for _, f := range w.Fields {
		kids = append(kids, c.skip(f.Type))
	}
	*ops = merge(kids)
	return op{code: opSkipRecord, shared: ops}
}

// merge joins skips side by side.
func merge(ops []op) []op {
	out := ops[:0:0]
	for _, o := range ops {
		if o.code == opSkip && o.size == 0 {
			continue
		}
		if n := len(out); n > 0 && out[n-1].code == o.code && (o.code == opSkip || o.code == opSkipVarints) && out[n-1].size+o.size >= 0 {
			out[n-1].size += o.size
			continue
		}
		out = append(out, o)
	}
	return out
}
