package schema

import "slices"

// Same says that two schemas are of one type for the first look of union
// resolution: one kind, and for named types one full name.
func Same(w, r *Schema) bool {
	if w.Kind != r.Kind {
		return false
	}
	switch w.Kind {
	case Record, Enum:
		return w.Name == r.Name
	case Fixed:
		return w.Name == r.Name && w.Size == r.Size
	}
	return true
}

// NamesMatch says that a reader's named type takes a writer's: the names
// without namespace agree, or the reader has the writer's name as an alias.
func NamesMatch(w, r *Schema) bool {
	return Unqualified(w.Name) == Unqualified(r.Name) || slices.Contains(r.Aliases, w.Name)
}

// Promotes says that a value of kind w may be read as kind r.
func Promotes(w, r Kind) bool {
	switch w {
	case Int:
		return r == Long || r == Float || r == Double
	case Long:
		return r == Float || r == Double
	case Float:
		return r == Double
	case String:
		return r == Bytes
	case Bytes:
		return r == String
	}
	return false
}

// Matches says that a reader's schema r takes what w wrote, at its surface: as
// the specification's "To match" has it, records by name alone.
func Matches(w, r *Schema) bool {
	if w.Kind == Union || r.Kind == Union {
		return true
	}
	if w.Kind != r.Kind {
		return Promotes(w.Kind, r.Kind)
	}
	switch w.Kind {
	case Record, Enum:
		return NamesMatch(w, r)
	case Fixed:
		return NamesMatch(w, r) && w.Size == r.Size
	case Array, Map:
		return Matches(w.Items, r.Items)
	}
	return true
}

// Branch finds the branch of a reader's union that takes what w wrote: the
// first of the very type, else the first that it can be promoted to; -1 if
// none does.
func Branch(w, union *Schema) int {
	if i := slices.IndexFunc(union.Branches, func(b *Schema) bool { return Same(w, b) && Matches(w, b) }); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(union.Branches, func(b *Schema) bool { return w.Kind == b.Kind && Matches(w, b) }); i >= 0 {
		return i
	}
	return slices.IndexFunc(union.Branches, func(b *Schema) bool { return Matches(w, b) })
}
