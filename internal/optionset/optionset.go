// Package optionset is tables of options as text: one entry a key, with its
// documentation and what it sets. Formats describe the options of their writers
// so.
package optionset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
)

// Entry is one key, and what its text does to options of type O.
type Entry[O any] struct {
	formats.OptionInfo
	Set func(o *O, v string) error
}

// Table is the keys that a writer or reader knows.
type Table[O any] []Entry[O]

// Infos documents the keys.
func (t Table[O]) Infos() []formats.OptionInfo {
	out := make([]formats.OptionInfo, len(t))
	for i := range t {
		out[i] = t[i].OptionInfo
	}
	return out
}

// Parse applies texts in the table's order, so that the outcome does not depend
// on the map's. A key that is not in the table is given to other, if that is not
// nil and takes it; else it is arrowio.ErrOption naming who.
func (t Table[O]) Parse(who string, set map[string]string, o *O, other func(key, v string) bool) error {
	for i := range t {
		if v, ok := set[t[i].Key]; ok {
			if err := t[i].Set(o, v); err != nil {
				return fmt.Errorf("%w: %s option %s=%q: %w", arrowio.ErrOption, who, t[i].Key, v, err)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		known := slices.ContainsFunc(t, func(e Entry[O]) bool { return e.Key == key })
		if known || other != nil && other(key, set[key]) {
			continue
		}
		var keys []string
		for i := range t {
			keys = append(keys, t[i].Key)
		}
		return fmt.Errorf("%w: %s has no option %q (known: %s)", arrowio.ErrOption, who, key, strings.Join(keys, ", "))
	}
	return nil
}

// Of is an entry of any kind, for a writer.
func Of[O any](key, def, help string, set func(o *O, v string) error) Entry[O] {
	return Entry[O]{formats.OptionInfo{Key: key, Default: def, Help: help, Write: true}, set}
}

// Text is an entry of a text.
func Text[O any](key, def, help string, at func(o *O) *string) Entry[O] {
	return Of(key, def, help, func(o *O, v string) error {
		*at(o) = v
		return nil
	})
}

// Size is an entry of a count, or of bytes as in 64k, 128M, 1G.
func Size[O any, T int | int64](key, def, help string, at func(o *O) *T) Entry[O] {
	return Of(key, def, help, func(o *O, v string) error {
		n, err := ParseSize(v)
		*at(o) = T(n)
		return err
	})
}

// ParseSize reads a count with an optional binary unit.
func ParseSize(v string) (int64, error) {
	digits := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(v), "B"), "I")
	shift := 0
	if n := len(digits); n > 0 {
		if unit := strings.IndexByte("KMG", digits[n-1]); unit >= 0 {
			shift, digits = 10*(unit+1), digits[:n-1]
		}
	}
	n, err := strconv.ParseInt(digits, 10, 63-shift)
	if err != nil || n < 0 {
		return 0, errors.New("want a count or a size like 128M")
	}
	return n << shift, nil
}

// ParseSwitch reads true or false.
func ParseSwitch(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "on", "yes", "1":
		return true, nil
	case "false", "off", "no", "0":
		return false, nil
	}
	return false, errors.New("want true or false")
}
