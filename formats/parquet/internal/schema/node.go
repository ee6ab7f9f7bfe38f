// Package schema maps between a Parquet schema (a flat list of elements with
// repetition types) and an Arrow schema (a tree of fields), with the
// definition and repetition levels that tie them together (LogicalTypes.md,
// "Nested Types"; Dremel's record shredding).
//
//	[]meta.SchemaElement ─► FromParquet ─► *Tree ◄─ FromArrow ◄─ *arrow.Schema
package schema

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// Kind is the Arrow shape of a node.
type Kind uint8

// The shapes. Fixed-size lists are List with an Arrow type that says so.
const (
	Leaf Kind = iota
	Struct
	List
	Map
)

// Node is one Arrow field and the levels at which it lives.
//
// Read a column's (rep, def) level pairs as entries. An entry opens a slot in
// the arrays of a node n when rep <= n.Rep (for a List or Map: rep < n.Rep) and
// def >= n.SlotDef; the slot is not null when def >= n.Def. An entry is an
// element of the List or Map n when rep <= n.Rep and def > n.Def; a list that
// is not null and has no element is one entry of def == n.Def.
type Node struct {
	// Field is the Arrow field decoded: name, type, nullability, and the
	// metadata (PARQUET:field_id, ARROW:extension:name …).
	Field arrow.Field
	Kind  Kind
	// Want is the type shown to users: Field.Type, or what ARROW:schema says the
	// column was before it was written, to which decoded arrays are cast.
	Want arrow.DataType
	// Variant marks a Struct that holds a VARIANT and is shown in another type
	// than that of its storage, which is Stored.
	Variant bool
	Stored  arrow.DataType
	// Children are a Struct's fields, a List's one element, a Map's key and
	// value (the key alone when the file has no value).
	Children []*Node

	// Def is the definition level from which on this node is not null.
	Def int
	// SlotDef is the definition level from which on this node has a slot at
	// all: one more than the Def of the nearest List or Map above, 0 without.
	SlotDef int
	// Rep is the number of Lists and Maps around this node, itself included.
	Rep int

	// Column is the index of a Leaf in the row group's columns; -1 otherwise.
	Column int
	// Path is the column's path in the Parquet schema, for leaves.
	Path []string
	// Element is the schema element of a Leaf.
	Element *meta.SchemaElement
}

// Tree is a whole schema.
type Tree struct {
	// Arrow is the schema of the rows.
	Arrow *arrow.Schema
	// Roots are its fields.
	Roots []*Node
	// Leaves are the leaf nodes by column index. A column below a group that
	// has no Arrow shape would be missing, and none is.
	Leaves []*Node
	// Elements is the Parquet schema.
	Elements []meta.SchemaElement
}

// FirstLeaf is the leftmost leaf below n: the column whose levels describe n's
// own lists and nulls. Nil for a group of no column.
func (n *Node) FirstLeaf() *Node {
	if n.Kind == Leaf {
		return n
	}
	for _, c := range n.Children {
		if l := c.FirstLeaf(); l != nil {
			return l
		}
	}
	return nil
}

// AppendLeaves appends the leaves below n, in column order.
func (n *Node) AppendLeaves(dst []*Node) []*Node {
	if n.Kind == Leaf {
		return append(dst, n)
	}
	for _, c := range n.Children {
		dst = c.AppendLeaves(dst)
	}
	return dst
}
