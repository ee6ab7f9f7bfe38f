package schema

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/pushdown"
)

// Project gives the tree of the paths alone, in the order in which their
// columns are first named; paths of one column are merged, and a struct holds
// its wanted fields in file order. Column indices stay those of the file.
func (t *Tree) Project(paths []pushdown.Path) (*Tree, error) {
	wanted := map[string]*pick{}
	var order []*pick
	for _, p := range paths {
		if len(p) == 0 {
			return nil, fmt.Errorf("%w: an empty path", arrowio.ErrColumn)
		}
		k := wanted[p[0]]
		if k == nil {
			k = &pick{name: p[0]}
			wanted[p[0]] = k
			order = append(order, k)
		}
		k.add(p[1:])
	}
	out := &Tree{Leaves: t.Leaves, Elements: t.Elements}
	var fields []arrow.Field
	for _, k := range order {
		n, err := find(t.Roots, k.name, "")
		if err != nil {
			return nil, err
		}
		if n, err = n.project(k, k.name); err != nil {
			return nil, err
		}
		out.Roots = append(out.Roots, n)
		fields = append(fields, n.Exposed())
	}
	md := t.Arrow.Metadata()
	out.Arrow = arrow.NewSchema(fields, &md)
	return out, nil
}

// pick is what is wanted of one field.
type pick struct {
	name  string
	whole bool
	parts []*pick
}

func (k *pick) add(rest pushdown.Path) {
	if len(rest) == 0 {
		k.whole = true
		return
	}
	for _, p := range k.parts {
		if p.name == rest[0] {
			p.add(rest[1:])
			return
		}
	}
	p := &pick{name: rest[0]}
	k.parts = append(k.parts, p)
	p.add(rest[1:])
}

func find(nodes []*Node, name, within string) (*Node, error) {
	var found *Node
	for _, n := range nodes {
		if n.Field.Name != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: %q stands for two columns%s", arrowio.ErrColumn, name, within)
		}
		found = n
	}
	if found == nil {
		return nil, fmt.Errorf("%w: no column %q%s", arrowio.ErrColumn, name, within)
	}
	return found, nil
}

func (n *Node) project(k *pick, path string) (*Node, error) {
	if k.whole {
		return n, nil
	}
	if n.Kind != Struct || n.Variant {
		return nil, fmt.Errorf("%w: %s is no struct and has no field %q", arrowio.ErrColumn, path, k.parts[0].name)
	}
	keep := map[*Node]*pick{}
	for _, p := range k.parts {
		c, err := find(n.Children, p.name, " in "+path)
		if err != nil {
			return nil, err
		}
		keep[c] = p
	}
	out := *n
	out.Children = nil
	for _, c := range n.Children {
		if p := keep[c]; p != nil {
			c, err := c.project(p, path+"."+p.name)
			if err != nil {
				return nil, err
			}
			out.Children = append(out.Children, c)
		}
	}
	if len(out.Children) < len(n.Children) {
		out.Field.Metadata = withoutExtension(out.Field.Metadata)
	}
	out.Rebuild()
	return &out, nil
}

// withoutExtension drops what a part of an extension type is no longer.
func withoutExtension(m arrow.Metadata) arrow.Metadata {
	kv := m.ToMap()
	delete(kv, extensionName)
	delete(kv, extensionMetadata)
	return arrow.MetadataFrom(kv)
}
