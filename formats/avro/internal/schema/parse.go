package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ErrSchema is JSON that is no Avro schema.
var ErrSchema = errors.New("not an Avro schema")

// ErrDeep is a schema nested deeper than Parse goes.
var ErrDeep = errors.New("an Avro schema nested too deep")

// maxDepth bounds the nesting of definitions in each other.
const maxDepth = 256

func itoa(n int) string { return strconv.Itoa(n) }

// Parse reads a schema. Names need not be legal, as there are writers that do
// not ask, but must be known where they are used and defined once.
func Parse(text []byte) (*Schema, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrSchema)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		// Schemas of one primitive type are often written without quotes.
		if s, ok := primitive(strings.TrimSpace(string(text))); ok {
			return s, nil
		}
		return nil, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: there is more behind it", ErrSchema)
	}
	p := parser{named: map[string]*Schema{}}
	return p.parse(v, "", 0)
}

type parser struct{ named map[string]*Schema }

func primitive(name string) (*Schema, bool) {
	for k := Null; k <= String; k++ {
		if kindNames[k] == name {
			return &Schema{Kind: k}, true
		}
	}
	return nil, false
}

func (p *parser) parse(v any, space string, depth int) (*Schema, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: more than %d levels", ErrDeep, maxDepth)
	}
	switch v := v.(type) {
	case string:
		return p.reference(v, space)
	case []any:
		u := &Schema{Kind: Union}
		for _, b := range v {
			s, err := p.parse(b, space, depth+1)
			if err != nil {
				return nil, err
			}
			if s.Kind == Union {
				return nil, fmt.Errorf("%w: a union directly in a union", ErrSchema)
			}
			u.Branches = append(u.Branches, s)
		}
		return u, nil
	case map[string]any:
		return p.object(v, space, depth)
	}
	return nil, fmt.Errorf("%w: %v where a schema belongs", ErrSchema, brief(v))
}

func brief(v any) string {
	b, _ := json.Marshal(v) // it came of JSON
	if len(b) > 60 {
		return string(b[:57]) + "…"
	}
	return string(b)
}

// reference finds a type by its name: a primitive, a full name, or one in the
// enclosing namespace.
func (p *parser) reference(name, space string) (*Schema, error) {
	if s, ok := primitive(name); ok {
		return s, nil
	}
	if !strings.Contains(name, ".") && space != "" {
		if s := p.named[space+"."+name]; s != nil {
			return s, nil
		}
	}
	if s := p.named[name]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: the type %q is not defined", ErrSchema, name)
}

func (p *parser) object(o map[string]any, space string, depth int) (*Schema, error) {
	t, ok := o["type"].(string)
	if !ok {
		if o["type"] == nil {
			return nil, fmt.Errorf("%w: %s has no type", ErrSchema, brief(o))
		}
		// {"type": {…}} is the inner schema.
		return p.parse(o["type"], space, depth+1)
	}
	if s, ok := primitive(t); ok {
		s.Props = props(o, "type")
		s.annotate(o)
		return s, nil
	}
	switch t {
	case "array", "map":
		key, kind := "items", Array
		if t == "map" {
			key, kind = "values", Map
		}
		if o[key] == nil {
			return nil, fmt.Errorf("%w: a %s without %q", ErrSchema, t, key)
		}
		items, err := p.parse(o[key], space, depth+1)
		if err != nil {
			return nil, err
		}
		return &Schema{Kind: kind, Items: items, Props: props(o, "type", key)}, nil
	case "record", "error", "enum", "fixed":
		return p.definition(t, o, space, depth)
	}
	return p.reference(t, space)
}

// definition parses a named type.
func (p *parser) definition(t string, o map[string]any, space string, depth int) (*Schema, error) {
	name, ok := o["name"].(string)
	if !ok || name == "" {
		return nil, fmt.Errorf("%w: a %s without a name", ErrSchema, t)
	}
	s := &Schema{}
	s.Name, space = fullName(name, o["namespace"], space)
	s.Doc, _ = o["doc"].(string)
	for _, a := range stringsOf(o["aliases"]) {
		full, _ := fullName(a, nil, space)
		s.Aliases = append(s.Aliases, full)
	}
	if _, ok := primitive(s.Name); ok {
		return nil, fmt.Errorf("%w: a %s may not be named %q", ErrSchema, t, s.Name)
	}
	if p.named[s.Name] != nil {
		return nil, fmt.Errorf("%w: %q is defined twice", ErrSchema, s.Name)
	}
	p.named[s.Name] = s
	switch t {
	case "enum":
		s.Kind = Enum
		return s, s.symbols(o)
	case "fixed":
		s.Kind = Fixed
		n, ok := whole(o["size"])
		if !ok || n < 0 || n > math.MaxInt32 {
			return nil, fmt.Errorf("%w: fixed %s has size %s", ErrSchema, s.Name, brief(o["size"]))
		}
		s.Size = n
		s.Props = props(o, "type", "name", "namespace", "aliases", "doc", "size")
		s.annotate(o)
		return s, nil
	}
	s.Kind = Record
	s.Props = props(o, "type", "name", "namespace", "aliases", "doc", "fields")
	fields, ok := o["fields"].([]any)
	if !ok {
		return nil, fmt.Errorf("%w: record %s has no list of fields", ErrSchema, s.Name)
	}
	seen := map[string]bool{}
	for _, v := range fields {
		f, err := p.field(v, s.Name, space, depth)
		if err != nil {
			return nil, err
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("%w: record %s has two fields %q", ErrSchema, s.Name, f.Name)
		}
		seen[f.Name] = true
		s.Fields = append(s.Fields, f)
	}
	return s, nil
}

func (s *Schema) symbols(o map[string]any) error {
	list, ok := o["symbols"].([]any)
	if !ok {
		return fmt.Errorf("%w: enum %s has no list of symbols", ErrSchema, s.Name)
	}
	for _, v := range list {
		sym, ok := v.(string)
		if !ok {
			return fmt.Errorf("%w: enum %s has the symbol %s", ErrSchema, s.Name, brief(v))
		}
		s.Symbols = append(s.Symbols, sym)
	}
	s.Default, s.HasDefault = o["default"].(string)
	s.Props = props(o, "type", "name", "namespace", "aliases", "doc", "symbols", "default")
	return nil
}

func (p *parser) field(v any, record, space string, depth int) (*Field, error) {
	o, _ := v.(map[string]any)
	name, ok := o["name"].(string)
	if !ok || o["type"] == nil {
		return nil, fmt.Errorf("%w: record %s has the field %s", ErrSchema, record, brief(v))
	}
	f := &Field{Name: name, Aliases: stringsOf(o["aliases"])}
	f.Doc, _ = o["doc"].(string)
	f.Default, f.HasDefault = o["default"]
	f.Props = props(o, "type", "name", "aliases", "doc", "default", "order")
	var err error
	if f.Type, err = p.parse(o["type"], space, depth+1); err != nil {
		return nil, fmt.Errorf("field %s: %w", name, err)
	}
	return f, nil
}

// fullName applies the rules of names: a name with dots is whole, and says the
// namespace for what lies within.
func fullName(name string, namespace any, enclosing string) (full, space string) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name, name[:i]
	}
	if ns, ok := namespace.(string); ok {
		enclosing = ns
	}
	if enclosing == "" {
		return name, ""
	}
	return enclosing + "." + name, enclosing
}

func stringsOf(v any) (out []string) {
	list, _ := v.([]any)
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// whole reads an integer.
func whole(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(n.String())
	return i, err == nil
}

// props are the attributes that are not known.
func props(o map[string]any, known ...string) map[string]any {
	if len(o) <= len(known) {
		n := 0
		for _, k := range known {
			if _, ok := o[k]; ok {
				n++
			}
		}
		if n == len(o) {
			return nil
		}
	}
	out := map[string]any{}
	for k, v := range o {
		out[k] = v
	}
	for _, k := range known {
		delete(out, k)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// annotate takes a logical type where it is valid.
func (s *Schema) annotate(o map[string]any) {
	name, _ := o["logicalType"].(string)
	l := None
	for i, n := range logicalNames {
		if n == name {
			l = Logical(i)
		}
	}
	valid := false
	switch l {
	case None:
		return
	case Decimal:
		valid = s.decimal(o)
	case BigDecimal:
		valid = s.Kind == Bytes
	case UUID:
		valid = s.Kind == String || s.Kind == Fixed && s.Size == 16
	case Date, TimeMillis:
		valid = s.Kind == Int
	case Duration:
		valid = s.Kind == Fixed && s.Size == 12
	default:
		valid = s.Kind == Long
	}
	if valid {
		s.Logical = l
	}
}

// decimal reads precision and scale, and says whether they are valid: a
// precision that the bytes of a fixed can hold, a scale not beyond it.
func (s *Schema) decimal(o map[string]any) bool {
	if s.Kind != Bytes && s.Kind != Fixed {
		return false
	}
	precision, ok := whole(o["precision"])
	if !ok || precision <= 0 {
		return false
	}
	scale := 0
	if v, has := o["scale"]; has {
		if scale, ok = whole(v); !ok {
			return false
		}
	}
	if scale < 0 || scale > precision {
		return false
	}
	if s.Kind == Fixed && float64(precision) > math.Floor(math.Log10(2)*(8*float64(s.Size)-1)) {
		return false
	}
	s.Precision, s.Scale = precision, scale
	return true
}
