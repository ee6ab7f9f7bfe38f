// Package program decodes Avro's binary encoding into Arrow columns. A writer's
// schema, a reader's and the wanted columns compile to a tree of ops, once; the
// tree runs over the bytes of one row after the other and appends to columns.
//
//	schema pair + wanted columns ─► Compile ─► Program ─► Bind(colbuild.Builder) ─► Decoder ─► rows
//
// The ops of a record stand in the writer's order. What is not wanted, or what
// the reader's schema lacks, compiles to skips; skips side by side become one;
// what the writer's schema lacks compiles to its default.
package program

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/formats/avro/internal/schema"
	"github.com/bdkit/bdkit/internal/colbuild"
)

type opcode uint8

const (
	opNull opcode = iota
	opBool
	opInt
	opLong
	opIntLong // promotions: what is written, what is built
	opIntFloat
	opIntDouble
	opLongFloat
	opLongDouble
	opFloat
	opDouble
	opFloatDouble
	opBytes // strings too
	opFixed // size
	opEnum  // symbols by index
	opEnumText
	opDecimal      // of bytes; size: of a slot
	opDecimalFixed // size
	opDuration
	opRecord   // kids: the fields
	opArray    // kids: the element
	opMap      // kids: key and value
	opBranches // kids: an op a branch of the writer's union
	opInto     // size: the reader's branch; kids: one
	opConst    // data: a default, encoded; kids: its program
	opFail     // err: the value that cannot be
	opInterval // a record of months, days and nanoseconds
	opDayTime  // a record of days and milliseconds

	opSkip        // size bytes
	opSkipVarints // size of them
	opSkipBytes
	opSkipText  // with a look at its UTF-8
	opSkipArray // kids: the element; maps: key and value
	opSkipBranches
	opSkipRecord // kids in shared, for recursive schemas
)

// op is one step. at says which column it fills: a child of its parent's, or
// with same the parent's own.
type op struct {
	code opcode
	// null is 1 or 2 where the value stands in a union whose first or second
	// branch is null, which the op reads before it runs.
	null uint8
	at   int
	size int
	// min is the least bytes an element takes, for arrays.
	min     int
	col     *colbuild.Column
	sub     *colbuild.Column // a map's entries
	kids    []op
	shared  *[]op
	symbols []int
	names   []string
	data    []byte
	err     error
}

const same = -1

// Program is compiled and bound to no columns. It is immutable.
type Program struct {
	root  op
	arrow *arrow.Schema
	enums bool
}

// Schema of the columns.
func (p *Program) Schema() *arrow.Schema { return p.arrow }

// Decoder runs a program into the columns of one builder. It is not safe for
// concurrent use.
type Decoder struct {
	b     *colbuild.Builder
	root  []op
	err   error
	depth int
	empty int // how many elements without bytes the buffer may still have
}

// Bind makes a decoder that fills the columns of b, which has the program's
// schema. A nil b is for Skip alone.
func (p *Program) Bind(b *colbuild.Builder) (*Decoder, error) {
	d := &Decoder{b: b, root: make([]op, 1)}
	d.root[0] = p.root
	return d, d.bind(&d.root[0], nil)
}

// bind copies the op's kids and gives them their columns.
func (d *Decoder) bind(o *op, parent *colbuild.Column) error {
	switch {
	case d.b == nil:
		return nil
	case o.code >= opSkip:
		return nil
	case o.at == same:
		o.col = parent
	case parent == nil:
		o.col = d.b.Column(o.at)
	default:
		o.col = parent.Child(o.at)
	}
	under := o.col
	switch o.code {
	case opMap:
		o.sub = o.col.Child(0)
		under = o.sub
	case opInto:
		under = o.col.Child(o.size)
	case opEnum:
		values, err := colbuild.Array(memory.DefaultAllocator, arrow.BinaryTypes.String, len(o.names), func(c *colbuild.Column, i int) error {
			c.String(o.names[i])
			return nil
		})
		if err != nil {
			return err
		}
		o.col.SetDictionary(values)
		values.Release()
	}
	kids := make([]op, len(o.kids))
	copy(kids, o.kids)
	o.kids = kids
	for i := range kids {
		if err := d.bind(&kids[i], under); err != nil {
			return err
		}
	}
	return nil
}

// least is the fewest bytes a value takes; 0 too where a type contains itself.
func least(s *schema.Schema, open map[*schema.Schema]bool) int {
	switch s.Kind {
	case schema.Null:
		return 0
	case schema.Float:
		return 4
	case schema.Double:
		return 8
	case schema.Fixed:
		return s.Size
	case schema.Record:
		if open[s] {
			return 0
		}
		open[s] = true
		defer delete(open, s)
		n := 0
		for _, f := range s.Fields {
			n += least(f.Type, open)
		}
		return min(n, 1<<30)
	}
	return 1
}

// Least is the fewest bytes that a value of a schema takes.
func Least(s *schema.Schema) int { return least(s, map[*schema.Schema]bool{}) }
