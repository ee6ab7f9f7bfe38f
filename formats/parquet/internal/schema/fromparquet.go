package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
	"github.com/bdkit/bdkit/internal/arrowschema"
)

// Int96 is the Arrow type in which legacy INT96 timestamps are read.
type Int96 uint8

// The choices. The exact one is a decimal of nanoseconds since 1970-01-01, for
// values that no 64-bit timestamp holds.
const (
	Int96Nanos Int96 = iota
	Int96Micros
	Int96Millis
	Int96Exact
)

// ReadOptions tune FromParquet.
type ReadOptions struct {
	// IgnoreArrowSchema leaves out what ARROW:schema says.
	IgnoreArrowSchema bool
	// Int96 gives the type of an INT96 column by its index; nil is Int96Nanos.
	Int96 func(column int) Int96
}

// FromParquet gives the Arrow shape of a Parquet schema (LogicalTypes.md, with
// the backward-compatibility rules of lists and maps), and the types that
// ARROW:schema restores. The key-value pairs become the schema's metadata.
func FromParquet(elems []meta.SchemaElement, kv []meta.KeyValue, o ReadOptions) (*Tree, error) {
	if len(elems) == 0 {
		return nil, fmt.Errorf("%w: the schema has no element", arrowio.ErrCorrupt)
	}
	p := parser{elems: elems, o: o, next: 1}
	t := &Tree{Elements: elems}
	for range elems[0].NumChildren {
		n, err := p.field(place{})
		if err != nil {
			return nil, err
		}
		t.Roots = append(t.Roots, n)
	}
	if p.next != len(elems) {
		return nil, fmt.Errorf("%w: %d schema elements belong to no group", arrowio.ErrCorrupt, len(elems)-p.next)
	}
	t.Leaves = p.leaves
	stored := &arrow.Schema{}
	var keys, values []string
	for _, e := range kv {
		if e.Key == arrowSchemaKey {
			if !o.IgnoreArrowSchema {
				stored = arrowschema.Decode(e.Value)
			}
			continue
		}
		keys, values = append(keys, e.Key), append(values, e.Value)
	}
	if stored.NumFields() == len(t.Roots) {
		for i, n := range t.Roots {
			n.apply(stored.Field(i))
		}
	}
	fields := make([]arrow.Field, len(t.Roots))
	for i, n := range t.Roots {
		fields[i] = n.Exposed()
	}
	md := arrow.NewMetadata(keys, values)
	t.Arrow = arrow.NewSchema(fields, &md)
	return t, nil
}

// Exposed is the field of n as users see it.
func (n *Node) Exposed() arrow.Field {
	f := n.Field
	f.Type = n.Want
	return f
}

type parser struct {
	elems  []meta.SchemaElement
	next   int
	leaves []*Node
	o      ReadOptions
}

// take gives the next element.
func (p *parser) take(at place) (*meta.SchemaElement, error) {
	if p.next >= len(p.elems) {
		return nil, columnErrorRead(at, arrowio.ErrCorrupt, "the schema ends inside the group")
	}
	if len(at.path) > maxDepth {
		return nil, columnErrorRead(at, arrowio.ErrLimit, "nested deeper than %d", maxDepth)
	}
	e := &p.elems[p.next]
	p.next++
	if e.NumChildren < 0 {
		return nil, columnErrorRead(at.child(e.Name), arrowio.ErrCorrupt, "%d children", e.NumChildren)
	}
	return e, nil
}

func columnErrorRead(at place, err error, format string, args ...any) error {
	return &arrowio.Error{Op: "read", Column: dotted(at.path), Err: fmt.Errorf("%w: "+format, append([]any{err}, args...)...)}
}

// field reads the next element, a repeated one as a list of its own.
func (p *parser) field(at place) (*Node, error) {
	e, err := p.take(at)
	if err != nil {
		return nil, err
	}
	at = at.child(e.Name)
	rep := e.Repetition
	if !e.HasRep {
		rep = meta.Required
	}
	if rep != meta.Repeated {
		if rep == meta.Optional {
			at.def++
		}
		return p.value(e, at, e.Name, rep == meta.Optional)
	}
	// A repeated field outside LIST and MAP is a required list of required
	// elements (LogicalTypes.md, "Lists", backward compatibility).
	list := &Node{Kind: List, Column: -1, Def: at.def, SlotDef: at.slot, Rep: at.rep + 1}
	inner := at
	inner.rep++
	inner.def++
	inner.slot = inner.def
	elem, err := p.value(e, inner, "element", false)
	if err != nil {
		return nil, err
	}
	list.Children = []*Node{elem}
	list.Field = arrow.Field{Name: e.Name, Metadata: fieldID(e, nil)}
	list.setType(arrow.ListOfField(elem.Field))
	return list, nil
}

// value reads what e holds, at a place that already counts e's own levels.
func (p *parser) value(e *meta.SchemaElement, at place, name string, nullable bool) (*Node, error) {
	n := &Node{Column: -1, Def: at.def, SlotDef: at.slot, Rep: at.rep}
	n.Field = arrow.Field{Name: name, Nullable: nullable}
	if e.HasType && e.NumChildren == 0 {
		n.Column, n.Path, n.Element = len(p.leaves), at.path, e
		p.leaves = append(p.leaves, n)
		int96 := Int96Nanos
		if p.o.Int96 != nil && e.Type == meta.Int96 {
			int96 = p.o.Int96(n.Column)
		}
		dt, md, err := leafType(e, int96)
		if err != nil {
			return nil, columnErrorRead(at, err, "physical type %s", e.Type)
		}
		n.Field.Metadata = fieldID(e, md)
		n.setType(dt)
		return n, nil
	}
	isList := e.Logical.Kind == meta.LogicalList || e.Converted == meta.ConvertedList
	isMap := e.Logical.Kind == meta.LogicalMap || e.Converted == meta.ConvertedMap || e.Converted == meta.ConvertedMapKeyValue
	if (isList || isMap) && e.NumChildren == 1 && p.next < len(p.elems) && p.elems[p.next].HasRep && p.elems[p.next].Repetition == meta.Repeated {
		return n, p.repeatedGroup(n, e, at, isMap)
	}
	n.Kind = Struct
	var fields []arrow.Field
	for range e.NumChildren {
		c, err := p.field(at)
		if err != nil {
			return nil, err
		}
		n.Children = append(n.Children, c)
		fields = append(fields, c.Field)
	}
	var md map[string]string
	if e.Logical.Kind == meta.LogicalVariant {
		md = extension("arrow.parquet.variant", "")
	}
	n.Field.Metadata = fieldID(e, md)
	n.setType(arrow.StructOf(fields...))
	return n, nil
}

// repeatedGroup makes n the list or map that group e is annotated as.
func (p *parser) repeatedGroup(n *Node, e *meta.SchemaElement, at place, isMap bool) error {
	r, err := p.take(at)
	if err != nil {
		return err
	}
	n.Rep++
	inner := place{def: at.def + 1, slot: at.def + 1, rep: at.rep + 1, path: at.path}.child(r.Name)
	n.Field.Metadata = fieldID(e, nil)
	if isMap && !r.HasType && r.NumChildren == 2 && !p.firstIsRepeated() {
		n.Kind = Map
		for _, name := range []string{mapKey, mapVa} {
			c, err := p.field(inner)
			if err != nil {
				return err
			}
			c.Field.Name = name
			n.Children = append(n.Children, c)
		}
		// Files with optional keys exist against the specification. Arrow
		// has no null keys, and the reader makes sure that there is none.
		n.Children[0].Field.Nullable = false
		n.setType(arrow.MapOfFields(n.Children[0].Field, n.Children[1].Field))
		return nil
	}
	n.Kind = List
	var elem *Node
	if p.standardList(e, r) {
		elem, err = p.field(inner)
	} else {
		elem, err = p.value(r, inner, r.Name, false)
	}
	if err != nil {
		return err
	}
	elem.Field.Name = "element"
	n.Children = []*Node{elem}
	n.setType(arrow.ListOfField(elem.Field))
	return nil
}

func (p *parser) firstIsRepeated() bool {
	return p.next < len(p.elems) && p.elems[p.next].HasRep && p.elems[p.next].Repetition == meta.Repeated
}

// standardList tells the three-level form, where the repeated group r is no
// value itself, from the legacy ones, where it is the element.
func (p *parser) standardList(list, r *meta.SchemaElement) bool {
	switch {
	case r.HasType && r.NumChildren == 0, r.NumChildren != 1:
		return false
	case r.Name == "array", r.Name == list.Name+"_tuple":
		return false
	case r.Logical.Kind == meta.LogicalList, r.Logical.Kind == meta.LogicalMap,
		r.Converted == meta.ConvertedList, r.Converted == meta.ConvertedMap:
		return false
	}
	return !p.firstIsRepeated()
}

// setType sets the natural type, which is also the one shown until
// ARROW:schema changes it.
func (n *Node) setType(dt arrow.DataType) { n.Field.Type, n.Want = dt, dt }

func extension(name, metadata string) map[string]string {
	m := map[string]string{extensionName: name}
	if metadata != "" {
		m[extensionMetadata] = metadata
	}
	return m
}

// The keys of field metadata that Arrow gives a meaning.
const (
	extensionName     = "ARROW:extension:name"
	extensionMetadata = "ARROW:extension:metadata"
	arrowSchemaKey    = arrowschema.Key
)

func fieldID(e *meta.SchemaElement, md map[string]string) arrow.Metadata {
	if e.HasFieldID {
		if md == nil {
			md = map[string]string{}
		}
		md[FieldIDKey] = strconv.FormatInt(int64(e.FieldID), 10)
	}
	return arrow.MetadataFrom(md)
}

// Name is the column's dotted path in the file.
func (n *Node) Name() string { return strings.Join(n.Path, ".") }
